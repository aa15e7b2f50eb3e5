"""A page on this machine on which a person outlines parts over a picture, and saves them into the specification."""

from specsight.parts.outlining.saving import save_outlines
from specsight.parts.outlining.server import OutliningServer

__all__ = ["OutliningServer", "save_outlines"]
