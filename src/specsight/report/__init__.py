"""Run folder → one self-contained HTML page."""

from specsight.report.page import render

__all__ = ["render"]
