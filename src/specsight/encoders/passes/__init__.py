"""Passes: what one paper asks of an encoder, as plain functions over `Encoder` and its towers."""
