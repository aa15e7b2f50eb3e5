"""Run folder → one self-contained HTML page; the table of a few-shot curve → its chart."""

from specsight.report.curve_chart import draw_curve
from specsight.report.page import render
from specsight.report.suite_page import render_suite

__all__ = ["draw_curve", "render", "render_suite"]
