"""The networks of our own encoders as plain torch modules: no process has to import `transformers` for them."""
