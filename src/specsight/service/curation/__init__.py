"""The page on which experts accept, edit or reject the items of a benchmark, several of them at once.

`forms`: what is in a form. `application`: which address does what.
"""
