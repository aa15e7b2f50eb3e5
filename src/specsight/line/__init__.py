"""What happens on a line, without any page: parts that were judged, what persons said of them, versions of models.

`records`: what is kept of a part, and sent on. `schema`, `migrations`, `connecting`: the database. `store`: records in
it. `fleet`: saved models by name, and which version of each is live. `judging`: pictures → judged parts, one after the
other, stored before they are told. `watching`: pictures of `sources`, taken (`claims`), judged, sorted and sent to
`outlets`.
"""
