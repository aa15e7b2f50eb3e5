"""Run folder → one self-contained HTML page; suites and few-shot curves → pages that compare their runs."""

from specsight.report.curve_page import render_curve
from specsight.report.page import render
from specsight.report.suite_page import render_suite

__all__ = ["render", "render_curve", "render_suite"]
