"""Persons rate what models said, without knowing which model said it.

`scales`: what is rated. `anchors`: examples with their ratings. `planning`: which statements, for whom, in which order.
`folder`: what a rating consists of on disk. `store`: the ratings, in SQLite. `sheets`: as tables for spreadsheets.
`summary`: means with intervals, agreement, and which differences between models are more than chance.
"""
