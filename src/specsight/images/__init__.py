"""The only place that reads pixels from disk, and the frames and tiles that can be undone on a map.

`colours`: RGB of 8 bits from files of any depth. `depth`: depth. `signals`: normals, clouds, other lights, further
channels. `reading`: masks, depth and part maps of a picture's size. `loading`: a sample's `Picture`. `marking`: which
pixels of a mask are marked. `components`: connected regions, also of circular pictures. `extent`: how long a region
is. `cells`: where the cells of a grid lie in pixels.
`framing`: a picture of any shape → what an encoder takes, and maps back again. `tiling`: large frames → overlapping
tiles, and their grids back into one. `rotation`: pictures turned about their middle. `registration`: how a
picture lies against a reference. `alignment`: pictures brought to its pose, and maps brought back. Sizes are (H, W):
rows, columns.
"""

from specsight.images.alignment import Alignment
from specsight.images.cells import Cells
from specsight.images.colours import common_bits, picture_size, picture_width, read_colours, read_rgb
from specsight.images.components import components, unwrapped
from specsight.images.decoding import MAX_PIXELS, check_pixels, max_megapixels, set_max_megapixels
from specsight.images.depth import METRES, plausible, read_cloud, read_depth
from specsight.images.extent import longest_extent
from specsight.images.framing import MAX_ASPECT, MAX_ASPECT_TILED, Frame, letterbox, shorter_side
from specsight.images.loading import (
    collect_notes,
    colours_of,
    empty_depth,
    known_share,
    load_picture,
    settled,
    signal_files,
    signal_of,
)
from specsight.images.marking import in_between, marked
from specsight.images.reading import (
    IMAGE_SUFFIXES,
    anomaly_mask,
    defect_mask,
    defect_masks,
    depth_of,
    masks_known,
    parts_of,
    read_mask,
)
from specsight.images.registration import Reference, Registration, register
from specsight.images.signals import is_light, read_signal
from specsight.images.tiling import Tiling

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_ASPECT",
    "MAX_ASPECT_TILED",
    "MAX_PIXELS",
    "METRES",
    "Alignment",
    "Cells",
    "Frame",
    "Reference",
    "Registration",
    "Tiling",
    "anomaly_mask",
    "check_pixels",
    "collect_notes",
    "colours_of",
    "common_bits",
    "components",
    "defect_mask",
    "defect_masks",
    "depth_of",
    "empty_depth",
    "in_between",
    "is_light",
    "known_share",
    "letterbox",
    "load_picture",
    "longest_extent",
    "marked",
    "masks_known",
    "max_megapixels",
    "parts_of",
    "picture_size",
    "picture_width",
    "plausible",
    "read_cloud",
    "read_colours",
    "read_depth",
    "read_mask",
    "read_rgb",
    "read_signal",
    "register",
    "set_max_megapixels",
    "settled",
    "shorter_side",
    "signal_files",
    "signal_of",
    "unwrapped",
]
