"""What persons decide about the items of a benchmark, and the release of what they kept as its next version.

`decisions`: one decision, and what it makes of an item. `schema`, `indexing`, `entries`, `store`: decisions of several
persons in SQLite, every change with who and when. `queue`: which item comes next for whom. `agreement`: how far two
persons decide alike. `sheets`: the same as a table for spreadsheets. `release`: the next version of the benchmark.
"""
