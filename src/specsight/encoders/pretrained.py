"""Any `transformers` vision model, convolutional or ViT, as an `Encoder`, whatever its family calls its layers.

Which module yields which grid is found by one probing pass: the repeated blocks of a model are the children of its
outermost ModuleLists; four-dimensional outputs are convolutional stages (the last block at each stride becomes
"stride8", "stride16", ...), three-dimensional ones are token blocks ("block1", ...), whose class and register tokens
are dropped. A pass stops behind the deepest layer asked for.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from specsight.encoders.contract import Encoder, Features, Layer
from specsight.encoders.preprocessing import Preprocessing
from specsight.errors import SpecsightError

OUTPUT = "output"
"""Name of the tokens behind a ViT's last block and its final normalisation."""


class _Reached(Exception):
    """The deepest layer that was asked for has been computed: the rest of the pass is not needed."""


@dataclass(frozen=True)
class _Tap:
    """A module whose output is a layer; `None` stands for the model's own output."""

    layer: Layer
    module: torch.nn.Module | None


class PretrainedEncoder(Encoder):
    """A vision checkpoint as an encoder. Layers: see the module; a ViT also has "output" (normalised last tokens)."""

    def __init__(self, name: str, fingerprint: str, model: Any, preprocessing: Preprocessing) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self._model = model
        self._tower = getattr(model, "vision_model", model)
        self._scale = preprocessing.scale
        self._mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
        self._deviation = torch.tensor(preprocessing.deviation).view(1, 3, 1, 1)
        # Hooks live on the shared modules: two passes at once would catch each other's outputs.
        self._one_pass = threading.Lock()
        accepted = inspect.signature(self._tower.forward).parameters
        self._options = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in accepted else {}
        self._taps = self._probe()
        self.available = tuple(tap.layer for tap in self._taps)
        self.default_layers = _middle(self.available)
        self.multiple = max(layer.stride for layer in self.available)

    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        """Dense features (B, D, h, w) of framed pictures (B, H, W, 3), one per name in `which`."""
        wanted = [self.layer(name).name for name in (self.default_layers if which is None else which)]
        self.check_images(images)
        taps = [tap for tap in self._taps if tap.layer.name in wanted]
        grids: dict[str, list[Features]] = {name: [] for name in wanted}
        # One picture a pass: on a CPU as fast as a batch, and features cannot depend on batch mates, to the bit.
        for image in np.split(images, len(images)):
            with torch.inference_mode():
                outputs = self._run(self._pixels(image), taps)
            for tap in taps:
                grids[tap.layer.name].append(
                    _grid(outputs[tap.layer.name], tap.layer.stride, image.shape[1:3])
                )
        return [np.concatenate(grids[name]) for name in wanted]

    def embed_images(self, images: NDArray[np.uint8]) -> Features:
        """The class token behind the last normalisation (ViT) or the mean of the last feature map (B, D)."""
        self.check_images(images)
        with torch.inference_mode(), self._one_pass:
            last = self._tower(pixel_values=self._pixels(images), **self._options).last_hidden_state
        pooled = last.mean((2, 3)) if last.ndim == 4 else last[:, 0]
        return array(pooled)

    def _pixels(self, images: NDArray[np.uint8]) -> torch.Tensor:
        """(B, H, W, 3) uint8 → normalised (B, 3, H, W), stored channels last: the faster order for convolutions."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).to(torch.float32)
        return (pixels * self._scale - self._mean) / self._deviation

    def _run(self, pixels: torch.Tensor, taps: Sequence[_Tap]) -> dict[str, torch.Tensor]:
        """One forward pass, stopped behind the last of `taps`; the tapped outputs by layer name."""
        outputs: dict[str, torch.Tensor] = {}
        behind_all = any(tap.module is None for tap in taps)
        with (
            self._one_pass,
            _caught({t.layer.name: t.module for t in taps if t.module}, outputs, not behind_all),
        ):
            try:
                result = self._tower(pixel_values=pixels, **self._options)
            except _Reached:
                return outputs
        outputs[OUTPUT] = result.last_hidden_state
        return outputs

    def _probe(self) -> list[_Tap]:
        """Run once on a blank picture and see which blocks yield which grids."""
        patch = getattr(self._tower.config, "patch_size", None)
        side = 8 * patch if isinstance(patch, int) else 128
        blocks = _blocks(self._tower)
        outputs: dict[str, torch.Tensor] = {}
        with torch.inference_mode(), _caught(blocks, outputs, stop=False):
            self._tower(pixel_values=torch.zeros(1, 3, side, side), **self._options)
        if all(name in outputs and outputs[name].ndim == 4 for name in blocks) and blocks:
            return self._convolutional_taps(blocks, outputs, side)
        if isinstance(patch, int) and blocks and all(o.ndim == 3 for o in outputs.values()):
            shapes = {tuple(output.shape[1:]) for output in outputs.values()}
            if len(shapes) == 1 and outputs[next(iter(outputs))].shape[1] >= (side // patch) ** 2:
                return _token_taps(blocks, outputs, patch)
        raise SpecsightError(
            f"encoder '{self.name}' ({self._tower.config.model_type}) is neither a convolutional model nor a ViT "
            "with one patch size: choose another checkpoint"
        )

    @staticmethod
    def _convolutional_taps(
        blocks: Mapping[str, torch.nn.Module], outputs: Mapping[str, torch.Tensor], side: int
    ) -> list[_Tap]:
        last = {side // outputs[name].shape[2]: name for name in blocks}
        return [
            _Tap(Layer(f"stride{s}", s, outputs[name].shape[1]), blocks[name])
            for s, name in sorted(last.items())
        ]


def _token_taps(
    blocks: Mapping[str, torch.nn.Module], outputs: Mapping[str, torch.Tensor], patch: int
) -> list[_Tap]:
    channels = next(iter(outputs.values())).shape[2]
    taps = [_Tap(Layer(f"block{k}", patch, channels), m) for k, m in enumerate(blocks.values(), 1)]
    return [*taps, _Tap(Layer(OUTPUT, patch, channels), None)]


def _middle(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Strides 8 and 16 of a convolutional encoder; two blocks at one and two thirds of a ViT's depth.

    The middle is where published patch-memory methods look: early cells see edges only, late ones classes only.
    """
    strides = [layer.name for layer in layers if layer.name in ("stride8", "stride16")]
    if strides:
        return tuple(strides)
    blocks = [layer.name for layer in layers if layer.name.startswith("block")]
    if blocks:
        return tuple(
            dict.fromkeys(blocks[max(0, round(len(blocks) * share) - 1)] for share in (1 / 3, 2 / 3))
        )
    return tuple(layer.name for layer in layers[:2])


def _blocks(tower: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The children of the outermost ModuleLists, by path, in order of definition."""
    blocks: dict[str, torch.nn.Module] = {}
    for path, module in tower.named_modules():
        inside = any(path.startswith(f"{block}.") for block in blocks)
        if isinstance(module, torch.nn.ModuleList) and not inside:
            blocks.update({f"{path}.{name}": child for name, child in module.named_children()})
    return blocks


@contextmanager
def _caught(
    modules: Mapping[str, torch.nn.Module], outputs: dict[str, torch.Tensor], stop: bool
) -> Iterator[None]:
    """While it lasts, the output of each module lands in `outputs`; `stop` ends the pass when all have."""

    def catcher(name: str) -> Any:
        def catch(module: torch.nn.Module, arguments: Any, output: Any) -> None:
            outputs[name] = output[0] if isinstance(output, tuple) else output
            if stop and len(outputs) == len(modules):
                raise _Reached

        return catch

    handles = [module.register_forward_hook(catcher(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _grid(output: torch.Tensor, stride: int, size: tuple[int, ...]) -> Features:
    """A tapped output as (B, D, h, w): tokens in front of the patches (class, registers) are dropped."""
    if output.ndim == 3:
        rows, columns = size[0] // stride, size[1] // stride
        patches = output[:, output.shape[1] - rows * columns :].transpose(1, 2)
        output = patches.reshape(len(patches), -1, rows, columns)
    return array(output)


def array(tensor: torch.Tensor) -> Features:
    return np.ascontiguousarray(tensor.float().numpy())
