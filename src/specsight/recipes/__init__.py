"""What makes weights: one command each, resumable, with a log, for CPU and GPU."""
