"""Methods whose weights are learned from labelled pictures of other products."""
