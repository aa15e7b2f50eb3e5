"""Detectors × data × seeds → run folder, resumable; and the same writer for pictures without truth."""
