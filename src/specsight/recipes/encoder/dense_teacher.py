"""The dense teacher: an ImageNet encoder whose feature maps, standardised per channel, are the student's targets.

In: normalised pixels (B, 3, H, W). Out: {name: (B, D, h, w)} for the last block of every width at strides 8 to 32,
zero mean and unit deviation per channel over the training pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from specsight.errors import SpecsightError

STRIDES = (8, 16, 32)


class DenseTeacher:
    """A frozen convolutional checkpoint, in the folder `folder`.

    `measure` or `load` must run before it is called. Raises SpecsightError where the folder holds no checkpoint.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        import transformers

        self.device = device
        if not (folder / "config.json").is_file():
            raise SpecsightError(
                f"'{folder}' holds no teacher checkpoint (config.json): give a convolutional encoder"
            )
        model: Any = transformers.AutoModel.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, local_files_only=True, dtype=torch.float32
        )
        self._model = model.eval().requires_grad_(False).to(device=device, memory_format=torch.channels_last)
        self._taps = self._find_taps(device)
        self.channels = {name: channels for name, (_, _, channels) in self._taps.items()}
        self.strides = {name: stride for name, (_, stride, _) in self._taps.items()}
        self.statistics: dict[str, Tensor] = {}

    @torch.no_grad()
    def raw(self, pixels: Tensor) -> dict[str, Tensor]:
        """Feature maps by name, as the checkpoint gives them."""
        maps = self._model(pixel_values=pixels, output_hidden_states=True).hidden_states
        return {name: maps[index].float() for name, (index, _, _) in self._taps.items()}

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised pixels (B, 3, H, W) → standardised feature maps by name."""
        return {
            name: (features - self.statistics[f"{name}.mean"]) / self.statistics[f"{name}.deviation"]
            for name, features in self.raw(pixels).items()
        }

    def measure(self, sample: Iterable[Tensor]) -> None:
        """Take mean and deviation of every channel from batches of normalised pixels (B, 3, H, W)."""
        sums: dict[str, Tensor] = {}
        for pixels in sample:
            for name, features in self.raw(pixels).items():
                flat = features.transpose(0, 1).flatten(1).double()
                moments = torch.stack(
                    [torch.ones_like(flat[:, 0]) * flat.shape[1], flat.sum(1), flat.square().sum(1)]
                )
                sums[name] = sums.get(name, torch.zeros_like(moments)) + moments
        for name, (count, first, second) in sums.items():
            mean = first / count
            deviation = (second / count - mean.square()).clamp_min(1e-8).sqrt()
            self.statistics[f"{name}.mean"] = mean.float().view(1, -1, 1, 1)
            self.statistics[f"{name}.deviation"] = deviation.float().view(1, -1, 1, 1)

    def save(self, path: Path) -> None:
        """Write the means and deviations to a safetensors file."""
        save_file({key: value.cpu() for key, value in self.statistics.items()}, path)

    def load(self, path: Path, device: torch.device) -> None:
        """Read means and deviations that `save` has written."""
        self.statistics = {key: value.to(device) for key, value in load_file(path).items()}

    def _find_taps(self, device: torch.device) -> dict[str, tuple[int, int, int]]:
        """Name → (index among hidden states, stride, channels): the last map of each stride and width."""
        side = 64
        with torch.no_grad():
            blank = torch.zeros(1, 3, side, side, device=device)
            maps = self._model(pixel_values=blank, output_hidden_states=True).hidden_states
        last = {(side // features.shape[2], features.shape[1]): index for index, features in enumerate(maps)}
        return {f"stride{s}x{c}": (index, s, c) for (s, c), index in last.items() if s in STRIDES}
