"""A language model that reads a map: prompt tokens made of a map of anomalies, whatever made it (AnomalyGPT)."""
