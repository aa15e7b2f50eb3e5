"""The only place that reads pixels from disk, and the frames and tiles that can be undone on a map.

`reading`: colours, masks, depth. `framing`: a picture of any shape → what an encoder takes, and maps back again.
`tiling`: long strips → overlapping squares, and their maps back again. Sizes are (H, W) = (rows, columns).
"""

from specsight.images.decoding import MAX_PIXELS
from specsight.images.framing import Frame, letterbox, shorter_side
from specsight.images.marking import in_between, marked
from specsight.images.reading import (
    IMAGE_SUFFIXES,
    anomaly_mask,
    defect_mask,
    defect_masks,
    load_picture,
    masks_known,
    read_depth,
    read_mask,
    read_rgb,
)
from specsight.images.tiling import Tile, merge_tiles, tiles

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Frame",
    "Tile",
    "anomaly_mask",
    "defect_mask",
    "defect_masks",
    "in_between",
    "letterbox",
    "load_picture",
    "marked",
    "masks_known",
    "merge_tiles",
    "read_depth",
    "read_mask",
    "read_rgb",
    "shorter_side",
    "tiles",
]
