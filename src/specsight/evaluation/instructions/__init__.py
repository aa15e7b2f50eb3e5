"""Whether words decide: the matched pairs of a data set, judged on pictures that are looked at once.

`questions`: a sample → what is asked of it. `asking`: an observation → its answers. `wordings`: an instruction in other
words that say the same. `numbers`: answers → numbers with intervals.
"""
