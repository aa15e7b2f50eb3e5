"""Specsight: multimodal anomaly detection for industrial products."""

__version__ = "0.1.0"
