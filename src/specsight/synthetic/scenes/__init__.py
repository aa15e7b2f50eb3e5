"""Procedural pictures of products that encoders are trained on, with the words that describe them."""
