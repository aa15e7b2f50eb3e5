"""Under which licence the data of a run are, where that is known.

In: the layout on disk and the products. A layout alone says nothing: anyone's pictures may lie in the tree of a public
set, and are no one's but theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

OWN = "unknown: these are not the products of a public set of this layout"


@dataclass(frozen=True)
class PublicSet:
    """A public set whose terms are known: its licence, and the products that it consists of."""

    licence: str
    products: frozenset[str]


PUBLIC: Mapping[str, PublicSet] = {
    "mvtec_ad": PublicSet(
        "CC BY-NC-SA 4.0 (MVTec AD; Bergmann et al., CVPR 2019)",
        frozenset(
            [
                "bottle",
                "cable",
                "capsule",
                "carpet",
                "grid",
                "hazelnut",
                "leather",
                "metal_nut",
                "pill",
                "screw",
                "tile",
                "toothbrush",
                "transistor",
                "wood",
                "zipper",
            ]
        ),
    ),
    "mvtec_ad_2": PublicSet(
        "CC BY-NC-SA 4.0 (MVTec AD 2)",
        frozenset(["can", "fabric", "fruit_jelly", "rice", "sheet_metal", "vial", "wallplugs", "walnuts"]),
    ),
    "mvtec_loco": PublicSet(
        "CC BY-NC-SA 4.0 (MVTec LOCO AD; Bergmann et al., IJCV 2022)",
        frozenset(["breakfast_box", "juice_bottle", "pushpins", "screw_bag", "splicing_connectors"]),
    ),
    "mvtec_3d": PublicSet(
        "CC BY-NC-SA 4.0 (MVTec 3D-AD; Bergmann et al., 2022)",
        frozenset(
            ["bagel", "cable_gland", "carrot", "cookie", "dowel", "foam", "peach", "potato", "rope", "tire"]
        ),
    ),
    "deep_pcb": PublicSet(
        "MIT (DeepPCB; Tang et al., 2019)",
        frozenset(
            [
                "group00041",
                "group12000",
                "group12100",
                "group12300",
                "group13000",
                "group20085",
                "group44000",
                "group50600",
                "group77000",
                "group90100",
                "group92000",
            ]
        ),
    ),
    "magnetic_tile": PublicSet(
        "free to use with citation (Huang et al., Saliency of magnetic tile surface defects, 2018)",
        frozenset({"magnetic_tile"}),
    ),
}


def licence_of(layout: str, products: Collection[str]) -> str | None:
    """The licence of data in `layout` with these products; None where nothing is known of the layout."""
    if layout not in PUBLIC:
        return None
    return PUBLIC[layout].licence if set(products) <= PUBLIC[layout].products else OWN
