"""CLAD: contrastive language-image anomaly detection."""
