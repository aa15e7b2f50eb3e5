"""The procedural tyre line: synthetic tyres with exact truth, written in the manifest layout.

`generate` writes a set to disk; `sample_tyre_scene` and `render` give single pictures without it. The names are looked
up on first use, so that importing the package stays instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specsight.synthetic.tyres.rendering import Rendered, render, render_pair
    from specsight.synthetic.tyres.scene import TyreScene, sample_tyre_scene
    from specsight.synthetic.tyres.writing import OtherSettings, Summary, generate

__all__ = [
    "OtherSettings",
    "Rendered",
    "Summary",
    "TyreScene",
    "generate",
    "render",
    "render_pair",
    "sample_tyre_scene",
]

_HOMES = {
    "Rendered": "rendering",
    "TyreScene": "scene",
    "sample_tyre_scene": "scene",
    "render": "rendering",
    "render_pair": "rendering",
    "OtherSettings": "writing",
    "Summary": "writing",
    "generate": "writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'specsight.synthetic.tyres' has no attribute '{name}'")
    return getattr(import_module(f"specsight.synthetic.tyres.{_HOMES[name]}"), name)
