"""The supervised regime: what labelled defects teach beside good parts, and how that is carried to another line."""
