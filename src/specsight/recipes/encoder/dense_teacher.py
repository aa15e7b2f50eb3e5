"""The dense teacher: an ImageNet encoder whose feature maps, standardised per channel, are the student's targets.

In: normalised pixels (B, 3, H, W). Out: {name: (B, D, h, w)} for the last block of every width at strides 8 to 32,
zero mean and unit deviation per channel over the training pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from specsight.checkpoints import checkpoint_folder, fingerprint, load_weights
from specsight.errors import SpecsightError

STRIDES = (8, 16, 32)
WHAT = "teacher"


class DenseTeacher:
    """A frozen convolutional checkpoint, in the folder `folder`.

    `measure` or `load` must run before it is called. Raises SpecsightError where the folder holds no checkpoint that
    can be loaded, and where its model gives no feature maps at strides 8 and 16.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        import transformers

        name = str(folder)
        found = checkpoint_folder(name, WHAT)
        self.device, self.digest = device, fingerprint(found)
        model = load_weights(transformers.AutoModel, found, name, WHAT, dtype=torch.float32)
        self._model: Any = model.to(device=device, memory_format=torch.channels_last)
        self._taps = self._find_taps(name)
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
        tensors = {key: value.cpu() for key, value in self.statistics.items()}
        save_file(tensors, path, {"teacher": self.digest})

    def load(self, path: Path, device: torch.device) -> None:
        """Read means and deviations that `save` has written; SpecsightError where they are not this teacher's."""
        try:
            with safe_open(path, "pt") as file:
                measured = (file.metadata() or {}).get("teacher")
                statistics = {key: file.get_tensor(key).to(device) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except (OSError, SafetensorError) as error:
            raise SpecsightError(f"'{path}' is damaged: delete it, and it is measured again") from error
        if measured != self.digest:
            raise SpecsightError(
                f"'{path}' was measured on another teacher: go on with that one, or choose another --out"
            )
        self.statistics = statistics

    def _find_taps(self, name: str) -> dict[str, tuple[int, int, int]]:
        """Name → (index among hidden states, stride, channels): the last map of each stride and width."""
        side = 64
        blank = torch.zeros(1, 3, side, side, device=self.device)
        try:
            with torch.no_grad():
                maps = self._model(pixel_values=blank, output_hidden_states=True).hidden_states or ()
        except (TypeError, ValueError, RuntimeError, AttributeError):
            maps = ()  # Models that read, or take pictures of one size only, refuse each in its own way.
        last = {(side // m.shape[2], m.shape[1]): index for index, m in enumerate(maps) if m.ndim == 4}
        taps = {f"stride{s}x{c}": (index, s, c) for (s, c), index in last.items() if s in STRIDES}
        if not {8, 16} <= {stride for _, stride, _ in taps.values()}:
            raise SpecsightError(
                f"{WHAT} '{name}' gives no feature maps at strides 8 and 16: give a convolutional encoder"
            )
        return taps
