"""What a checkpoint's own vision tower sees at several depths, as grids over the pictures of a conversation.

In: a checkpoint, while it reads a conversation. Out: for each picture one grid per depth, at the finest resolution that
the family looks at it, with its cells. Towers keep patches in orders of their own (tiles, blocks that are merged,
windows); here they lie as on the picture.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specsight.errors import SpecsightError
from specsight.images import Cells
from specsight.images.cells import Size
from specsight.language.image_tokens import (
    PictureTokens,
    Shown,
    block,
    family,
    idefics_tiles,
    internvl_tiles,
    on_frame,
    onevision_arrangement,
    onevision_tiles,
    over,
    shown_pictures,
    tiled,
)
from specsight.language.processors import squared

TOWER_NAMES = ("vision_tower", "visual", "vision_model")


@dataclass(frozen=True)
class VisualGrids:
    """One picture at several depths of the tower."""

    levels: tuple[Tensor, ...]
    """Each (D, h, w), shallow to deep."""
    cells: Cells
    """Where their cells lie, in pixels of the picture."""


@dataclass
class Watched:
    """What the chosen blocks of a tower gave in the last pass, shallow to deep."""

    outputs: dict[int, Tensor] = field(default_factory=dict)


def tower_of(network: Any) -> nn.Module:
    """The vision tower. Raises SpecsightError for a checkpoint of a family that is not known here."""
    inner = getattr(network, "model", network)
    found = next((getattr(inner, name) for name in TOWER_NAMES if hasattr(inner, name)), None)
    if family(network.config) not in PATCHES or found is None:
        raise SpecsightError(
            f"it is not known where a vision-language model of the family '{network.config.model_type}' keeps what it "
            f"sees: take one of {', '.join(sorted(PATCHES))}"
        )
    tower: nn.Module = found
    return tower


def tower_width(tower: nn.Module) -> int:
    """Dimensions of what the tower's blocks give."""
    config: Any = tower.config
    return int(getattr(config, "embed_dim", None) or config.hidden_size)


def blocks_of(tower: nn.Module) -> nn.ModuleList:
    """The tower's transformer blocks: the longest list of modules in it."""
    lists = [module for module in tower.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len)


def depths(count: int, levels: int) -> list[int]:
    """`levels` blocks of `count` at even distances, the last one among them; fewer where there are fewer."""
    chosen = np.linspace(count, 0, min(levels, count), endpoint=False)
    return sorted({int(np.ceil(one)) - 1 for one in chosen})


@contextmanager
def watching(network: Any, levels: int) -> Iterator[Watched]:
    """While the context is open, keep what `levels` blocks of the tower give."""
    blocks = blocks_of(tower_of(network))
    watched = Watched()

    def keep(number: int) -> Callable[[Any, Any, Any], None]:
        def hook(_: Any, __: Any, output: Any) -> None:
            watched.outputs[number] = output[0] if isinstance(output, tuple) else output

        return hook

    handles = [blocks[k].register_forward_hook(keep(k)) for k in depths(len(blocks), levels)]
    try:
        yield watched
    finally:
        for handle in handles:
            handle.remove()


def visual_grids(
    watched: Watched, network: Any, processor: Any, sizes: Sequence[Size], inputs: Any
) -> tuple[VisualGrids, ...]:
    """The grids of each picture of the conversation that was read while watching.

    Parameters: `sizes` (rows, columns) of the pictures as they came; `inputs` is what `processor` made of them.
    """
    layout = PATCHES[family(network.config)]
    pictures = [layout(one) for one in shown_pictures(network, processor, sizes, inputs)]
    flat = [_patches(watched.outputs[k], network, inputs) for k in sorted(watched.outputs)]
    found, first = [], 0
    for picture in pictures:
        grid = picture.grids[-1]
        places = torch.from_numpy(first + grid.tokens)
        levels = tuple(one[places.to(one.device)].permute(2, 0, 1) for one in flat)
        found.append(VisualGrids(levels, grid.cells))
        first += picture.count
    return tuple(found)


def _patches(states: Tensor, network: Any, inputs: Any) -> Tensor:
    """Patches (N, D) of all pictures in the order that `PATCHES` counts them in."""
    if states.ndim == 3:  # tiles, which may begin with a class token
        side = math.isqrt(states.shape[1])
        return states[:, -side * side :].flatten(0, 1)
    return _out_of_windows(states, network, inputs) if family(network.config) == "qwen2_5_vl" else states


def _out_of_windows(states: Tensor, network: Any, inputs: Any) -> Tensor:
    """Qwen2.5-VL's patches (N, D), which its tower orders by windows, in the order of its blocks."""
    tower = tower_of(network)
    modelling = importlib.import_module(type(tower).__module__)
    order, _ = modelling.get_vision_window_index(
        inputs["image_grid_thw"],
        spatial_merge_size=tower.spatial_merge_size,
        window_size=tower.window_size,
        patch_size=tower.patch_size,
    )
    merged = states.reshape(len(order), -1, states.shape[-1])
    return merged[torch.argsort(order).to(states.device)].flatten(0, 1)


def _llava(shown: Shown) -> PictureTokens:
    side = _side(shown)
    return PictureTokens(side * side, (on_frame(block(0, (side, side)), shown.frame),))


def _llava_onevision(shown: Shown) -> PictureTokens:
    """The overview comes first; of several pictures each is an overview in the middle of a square."""
    side = _side(shown)
    overview = block(0, (side, side))
    if not shown.alone:
        return PictureTokens(side * side, (on_frame(overview, squared(shown.size)),))
    tiles = side * side + onevision_tiles(shown, side)
    count = (1 + math.prod(onevision_arrangement(shown))) * side * side
    return PictureTokens(count, (over(tiles if tiles.size else overview, shown.size),))


def _qwen(shown: Shown) -> PictureTokens:
    """Blocks of patches that are merged to a token follow each other row by row."""
    merge = shown.model.config.vision_config.spatial_merge_size
    rows, columns = shown.patches
    blocks = np.arange(rows * columns).reshape(rows // merge, columns // merge, merge, merge)
    patches = np.ascontiguousarray(blocks.transpose(0, 2, 1, 3).reshape(rows, columns))
    return PictureTokens(patches.size, (over(patches, shown.size),))


def _idefics(shown: Shown) -> PictureTokens:
    return tiled(shown.size, _side(shown), idefics_tiles(shown), overview=True)


def _internvl(shown: Shown) -> PictureTokens:
    tiles = internvl_tiles(shown)
    return tiled(shown.size, _side(shown), tiles, overview=math.prod(tiles) > 1)


def _side(shown: Shown) -> int:
    """Patches along a side of a tile."""
    config = shown.model.config.vision_config
    image, patch = (one if isinstance(one, int) else one[0] for one in (config.image_size, config.patch_size))
    return int(image // patch)


PATCHES: dict[str, Callable[[Shown], PictureTokens]] = {
    "llava": _llava,
    "llava_onevision": _llava_onevision,
    "qwen2_vl": _qwen,
    "qwen2_5_vl": _qwen,
    "idefics3": _idefics,
    "smolvlm": _idefics,
    "internvl": _internvl,
}
"""Type of a model → how the patches of its tower lie; the finest grid is the last."""
