"""Pages that people use on this machine: who may do what, how requests are guarded, and what all pages look like.

`access`: persons, their roles and addresses. `guard`: what every request passes and every answer carries. `local`: the
server. `pages`: templates and forms. `pictures`: pictures of an item, with its defects. One package per page:
`curation`, `rating`.
"""
