"""Run folder → one self-contained HTML page."""

from specsight.report.page import render
from specsight.report.suite import render_suite

__all__ = ["render", "render_suite"]
