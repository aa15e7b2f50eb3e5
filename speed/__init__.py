"""Measurements of speed, memory and accuracy, one module per subject: `python -m speed [name ...]`."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Data sets and encoders that lie beside the project."""
