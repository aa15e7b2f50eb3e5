"""The version, which stands here alone."""

__version__ = "0.3.0"
