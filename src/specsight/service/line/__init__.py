"""A line over HTTP: what programs ask (`api`, `/docs`), what persons see, one module with routes per page.

`context`: what all of them answer from. `feed`: new parts, told to whoever follows a line. `application`: the whole.
"""
