"""Measurements of speed, memory and accuracy, one module per subject: `python -m speed [name ...]`."""
