"""Feedback becomes better verdicts: what persons said of parts → a version that judges them better, once it may.

`confirming`: an engineer confirms what persons said. `selection`: which confirmed parts count for a threshold, and what
their choice does to its promise. `candidates`: versions made from them. `preview`: what a candidate would have said of
recent parts. `going_live`: from the preview to the line, and back. Nothing here changes what is live but `going_live`.
"""
