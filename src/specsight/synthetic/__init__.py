"""Everything procedural, with its exact truth: typed defects, training scenes, the tyre line."""
