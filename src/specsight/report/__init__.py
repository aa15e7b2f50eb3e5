"""Run folder → one self-contained HTML page; suites, few-shot curves and benchmarks → pages that compare runs."""

from specsight.report.adaptation_page import render_adaptation
from specsight.report.benchmark_page import render_benchmark
from specsight.report.curve_page import render_curve
from specsight.report.page import render
from specsight.report.stress_page import render_stress
from specsight.report.suite_page import render_suite

__all__ = ["render", "render_adaptation", "render_benchmark", "render_curve", "render_stress", "render_suite"]
