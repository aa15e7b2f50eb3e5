"""Which module of a `transformers` vision model yields which grid, whatever its family calls its layers.

In: a model. Out: its taps, found by one pass over a blank image. The repeated blocks of a model are the children of
its outermost ModuleLists; four-dimensional outputs are convolutional stages (the last block at each stride becomes
"stride8", "stride16", ...), three-dimensional ones are token blocks ("block1", ...) and "output", the model's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from specsight.encoders.layer import Layer
from specsight.errors import SpecsightError

OUTPUT = "output"
"""Name of the tokens behind a ViT's last block and its final normalisation."""


@dataclass(frozen=True)
class Tap:
    """A module whose output is a layer; `None` stands for the model's own output."""

    layer: Layer
    module: torch.nn.Module | None


def find_taps(model: Any, options: Mapping[str, Any], name: str) -> tuple[Tap, ...]:
    """The taps of a vision model, shallow to deep; `options` are given to each of its passes.

    Raises SpecsightError, which calls the encoder `name`, where the model is neither convolutional nor a ViT with one
    patch size.
    """
    patch = getattr(model.config, "patch_size", None)
    side = 8 * patch if isinstance(patch, int) else 128
    blocks = _blocks(model)
    outputs = _outputs(model, blocks, options, side)
    if blocks and all(key in outputs and outputs[key].ndim == 4 for key in blocks):
        return _convolutional_taps(blocks, outputs, side)
    if isinstance(patch, int) and blocks and all(o.ndim == 3 for o in outputs.values()):
        shapes = {tuple(output.shape[1:]) for output in outputs.values()}
        if len(shapes) == 1 and outputs[next(iter(outputs))].shape[1] >= (side // patch) ** 2:
            return _token_taps(blocks, outputs, patch)
    raise SpecsightError(
        f"encoder '{name}' ({model.config.model_type}) is neither a convolutional model nor a ViT "
        "with one patch size: choose another checkpoint"
    )


def middle_layers(layers: Sequence[Layer]) -> tuple[str, ...]:
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


def first_output(output: Any) -> torch.Tensor:
    """The tensor of a module's output; blocks of some families return it as the first of a tuple."""
    tensor: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return tensor


def _blocks(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The children of the outermost ModuleLists, by path, in order of definition."""
    blocks: dict[str, torch.nn.Module] = {}
    for path, module in model.named_modules():
        inside = any(path.startswith(f"{block}.") for block in blocks)
        if isinstance(module, torch.nn.ModuleList) and not inside:
            blocks.update({f"{path}.{name}": child for name, child in module.named_children()})
    return blocks


def _outputs(
    model: Any, blocks: Mapping[str, torch.nn.Module], options: Mapping[str, Any], side: int
) -> dict[str, torch.Tensor]:
    """What each block puts out for a blank image of `side` pixels; blocks that do not run are left out."""
    outputs: dict[str, torch.Tensor] = {}

    def keep(key: str) -> Any:
        def hook(module: torch.nn.Module, arguments: Any, output: Any) -> None:
            outputs[key] = first_output(output)

        return hook

    handles = [module.register_forward_hook(keep(key)) for key, module in blocks.items()]
    try:
        with torch.inference_mode():
            model(pixel_values=torch.zeros(1, 3, side, side, device=model.device), **options)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def _convolutional_taps(
    blocks: Mapping[str, torch.nn.Module], outputs: Mapping[str, torch.Tensor], side: int
) -> tuple[Tap, ...]:
    last = {side // outputs[key].shape[2]: key for key in blocks}
    return tuple(
        Tap(Layer(f"stride{s}", s, outputs[key].shape[1]), blocks[key]) for s, key in sorted(last.items())
    )


def _token_taps(
    blocks: Mapping[str, torch.nn.Module], outputs: Mapping[str, torch.Tensor], patch: int
) -> tuple[Tap, ...]:
    channels = next(iter(outputs.values())).shape[2]
    taps = [Tap(Layer(f"block{k}", patch, channels), module) for k, module in enumerate(blocks.values(), 1)]
    return (*taps, Tap(Layer(OUTPUT, patch, channels), None))
