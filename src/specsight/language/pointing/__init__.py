"""A language model that points: its states at tokens that it writes are compared with features of the picture."""
