"""Where the image tokens of a conversation lie on its pictures, for each family of vision-language checkpoints.

In: a checkpoint, its processor and the sizes of the pictures. Out: for each picture how many tokens stand for it, and
which of them lie on which grids of cells over it. Families differ: one grid over a square (LLaVA 1.5), one at the
picture's own aspect (Qwen-VL), an overview before or behind tiles (LLaVA-OneVision, Idefics 3, SmolVLM, InternVL).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.images import Cells, Frame
from specsight.images.cells import Size
from specsight.language.processors import shown_frame, squared

Index = NDArray[np.int64]
TOWERS = ("clip_vision_model", "siglip_vision_model")
"""Of LLaVA, whose grids are square."""
FAINT = 1e-9
"""Share of a cell that is rounding and no part of a picture."""


@dataclass(frozen=True)
class TokenGrid:
    """Image tokens of one picture that lie on one grid over it."""

    tokens: Index
    """(h, w): which of the picture's tokens, in their order."""
    cells: Cells
    """Where they lie, in pixels of the picture."""


@dataclass(frozen=True)
class PictureTokens:
    """The tokens that stand for one picture."""

    count: int
    grids: tuple[TokenGrid, ...]
    """Coarsest first. Tokens on none of them (ends of rows) show no place."""


@dataclass(frozen=True)
class Shown:
    """One picture of a conversation, as a family's layout asks for it."""

    size: Size
    """Rows and columns of the picture in pixels."""
    frame: Frame
    """Where it lies in what is handed to the processor."""
    model: Any
    processor: Any
    patches: Size
    """Rows and columns of patches, where the processor says so (`image_grid_thw`); else (0, 0)."""
    alone: bool
    """Whether the conversation has no other picture."""


def picture_tokens(
    model: Any, processor: Any, sizes: Sequence[Size], inputs: Any
) -> tuple[PictureTokens, ...] | None:
    """The tokens of each picture of a conversation, in its order; None for a family that is not known here.

    Parameters: `sizes` (rows, columns) of the pictures as they came; `inputs` is what `processor` made of them.
    """
    layout = LAYOUTS.get(family(model.config))
    if layout is None:
        return None
    return tuple(layout(one) for one in shown_pictures(model, processor, sizes, inputs))


def shown_pictures(model: Any, processor: Any, sizes: Sequence[Size], inputs: Any) -> list[Shown]:
    """What layouts ask for of each picture; parameters as for `picture_tokens`."""
    grids = inputs.get("image_grid_thw")
    patches = [(0, 0)] * len(sizes) if grids is None else [(int(h), int(w)) for _, h, w in grids.tolist()]
    return [
        Shown(size, shown_frame(processor, size), model, processor, of_picture, len(sizes) == 1)
        for size, of_picture in zip(sizes, patches)
    ]


def image_positions(model: Any, inputs: Any) -> Index:
    """Where in the sequence the image tokens stand, after their expansion, (N,)."""
    return np.flatnonzero(inputs["input_ids"][0].cpu().numpy() == model.config.image_token_id)


def family(config: Any) -> str:
    """What layouts are named by: the type of a model, and of LLaVA with another tower than its own that tower too."""
    kind = str(config.model_type)
    tower = str(getattr(getattr(config, "vision_config", None), "model_type", ""))
    return f"{kind}+{tower}" if kind == "llava" and tower not in TOWERS else kind


def _llava(shown: Shown) -> PictureTokens:
    """One square grid."""
    config = shown.model.config
    side = config.vision_config.image_size // config.vision_config.patch_size
    whole = config.vision_feature_select_strategy == "full"
    before = int(whole and config.vision_config.model_type == "clip_vision_model")  # the class token
    return PictureTokens(before + side * side, (on_frame(block(before, (side, side)), shown.frame),))


def _llava_onevision(shown: Shown) -> PictureTokens:
    """An overview and, of a picture alone, tiles of it without their padding and with a token behind each row.

    With other pictures, each is shown once, in the middle of a square.
    """
    side = shown.model.config.vision_config.image_size // shown.model.config.vision_config.patch_size
    overview = block(0, (side, side))
    if not shown.alone:
        return PictureTokens(side * side + 1, (on_frame(overview, squared(shown.size)),))
    rows, columns = _onevision_rows(shown, side)
    lines = block(side * side, (rows, columns + 1))
    # Of a strip far longer than any arrangement of tiles, nothing is left between the padding.
    grids = (overview, lines[:, :columns]) if rows and columns else (overview,)
    return PictureTokens(side * side + lines.size, tuple(over(grid, shown.size) for grid in grids))


def onevision_tiles(shown: Shown, side: int) -> Index:
    """Patches of the tiles of a picture alone, tile by tile, on their arrangement without its padding."""
    import torch

    whole = torch.from_numpy(joined(onevision_arrangement(shown), side))
    modelling = importlib.import_module(type(shown.model.model).__module__)
    return np.asarray(modelling.unpad_image(whole[None], shown.size)[0].numpy())


def onevision_arrangement(shown: Shown) -> Size:
    """Rows and columns of tiles of a picture alone."""
    config = shown.model.config
    modelling = importlib.import_module(type(shown.model.model).__module__)
    rows, columns = modelling.get_anyres_image_grid_shape(
        shown.size, config.image_grid_pinpoints, config.vision_config.image_size
    )
    return int(rows), int(columns)


def _onevision_rows(shown: Shown, side: int) -> Size:
    """Rows and columns of an arrangement of tiles without its padding, shrunk as the model shrinks what is too fine."""
    rows, columns = onevision_tiles(shown, side).shape
    most = int(shown.model.config.vision_aspect_ratio.removeprefix("anyres_max_"))
    ratio = math.sqrt(rows * columns / (most * side * side))
    return (int(rows // ratio), int(columns // ratio)) if ratio > 1.1 else (rows, columns)


def _qwen(shown: Shown) -> PictureTokens:
    """One grid at the picture's aspect, a token for each block of patches."""
    merge = shown.model.config.vision_config.spatial_merge_size
    size = (shown.patches[0] // merge, shown.patches[1] // merge)
    return PictureTokens(math.prod(size), (over(block(0, size), shown.size),))


def _idefics(shown: Shown) -> PictureTokens:
    """Tiles row by row, then an overview."""
    config = shown.model.config
    side = config.vision_config.image_size // config.vision_config.patch_size // config.scale_factor
    return tiled(shown.size, side, idefics_tiles(shown), overview=True)


def idefics_tiles(shown: Shown) -> Size:
    """Rows and columns of tiles; none of a picture that is not cut."""
    _, rows, columns = shown.processor.image_processor.get_number_of_image_patches(*shown.size)
    return rows, columns


def _internvl(shown: Shown) -> PictureTokens:
    """Tiles row by row, then an overview where there are several."""
    config = shown.model.config
    side = config.vision_config.image_size[0] // config.vision_config.patch_size[0]
    tiles = internvl_tiles(shown)
    return tiled(shown.size, round(side * config.downsample_ratio), tiles, overview=math.prod(tiles) > 1)


def internvl_tiles(shown: Shown) -> Size:
    """Rows and columns of tiles; one of a picture that is not cut."""
    images = shown.processor.image_processor
    if not images.crop_to_patches or images.max_patches <= 1:
        return 1, 1
    processing = importlib.import_module(type(images).__module__)
    tile = (images.size["height"], images.size["width"])
    columns, rows = processing.get_optimal_tiled_canvas(
        shown.size, tile, images.min_patches, images.max_patches
    )
    return rows, columns


LAYOUTS: dict[str, Callable[[Shown], PictureTokens]] = {
    "llava": _llava,
    "llava_onevision": _llava_onevision,
    "qwen2_vl": _qwen,
    "qwen2_5_vl": _qwen,
    "idefics3": _idefics,
    "smolvlm": _idefics,
    "internvl": _internvl,
}
"""Type of a model → how its image tokens lie."""


def tiled(size: Size, side: int, tiles: Size, *, overview: bool) -> PictureTokens:
    """Tiles of `side` × `side` tokens, row by row, then an overview of as many."""
    rows, columns = tiles
    each, count = side * side, rows * columns
    last = block(count * each, (side, side))
    grids = [one for one, there in ((last, overview), (joined(tiles, side), count > 0)) if there]
    return PictureTokens((count + overview) * each, tuple(over(grid, size) for grid in grids))


def joined(tiles: Size, side: int) -> Index:
    """Tokens of tiles of `side` × `side`, which follow each other row by row, on the grid of all of them."""
    rows, columns = tiles
    blocks = np.arange(rows * columns * side * side).reshape(rows, columns, side, side)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3).reshape(rows * side, columns * side))


def block(first: int, size: Size) -> Index:
    """Tokens from `first` on, row by row."""
    return np.arange(first, first + math.prod(size)).reshape(size)


def over(tokens: Index, size: Size) -> TokenGrid:
    """Tokens that cover a picture of `size` pixels evenly."""
    return TokenGrid(tokens, Cells.over(size, (tokens.shape[0], tokens.shape[1])))


def on_frame(tokens: Index, frame: Frame) -> TokenGrid:
    """Those tokens of an even grid over a frame that show any of the picture in it."""
    cells = Cells.over(frame.size, (tokens.shape[0], tokens.shape[1]))
    rows, columns = (_touching(cells, axis, frame) for axis in (0, 1))
    down, across = cells.offset[0] - frame.offset[0], cells.offset[1] - frame.offset[1]
    moved = Cells(cells.size, cells.stride, (down, across)).cropped(rows, columns)
    return TokenGrid(np.ascontiguousarray(tokens[rows, columns]), moved)


def _touching(cells: Cells, axis: int, frame: Frame) -> slice:
    shown = np.flatnonzero(cells.shares(axis, *frame.region[axis], frame.size[axis]) > FAINT)
    return slice(int(shown[0]), int(shown[-1]) + 1)
