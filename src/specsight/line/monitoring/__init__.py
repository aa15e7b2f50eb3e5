"""Whether a line is still as it was: drift of its pictures and scores, and the promise on false rejects.

`evidence`, `drift` and `promise` are statistics on streams that know of no line; `features` measures pictures; `watch`
follows the records of a line by them, against what `references` took; `alarms` keeps what was found and what persons
said to it.
"""
