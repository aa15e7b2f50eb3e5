"""A line's server under load and under faults: `python -m steady VERB` prints figures, and ends with 1 where one
is wrong.

Real servers in processes of their own, asked over real sockets.
"""
