"""Answers → numbers with intervals. `score_run(benchmark, run)` is the way in.

`marking`: one answer → right, wrong or invalid. `reading`: a run's answers beside their items. `resampling`: intervals
of many statistics at once. `accuracy`, `words_decide`, `scenarios`: what is measured. `scores`: all of them together,
and `scores.json`.
"""
