"""Text-guided alignment in the normal-only regime."""
