"""The recipe of language models that read a map (AnomalyGPT)."""
