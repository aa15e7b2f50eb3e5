"""Run folder → one self-contained HTML page; suites, few-shot curves and benchmarks → pages that compare runs.

Nothing is imported here: whoever draws a picture of a line needs no page that compares benchmarks.
"""
