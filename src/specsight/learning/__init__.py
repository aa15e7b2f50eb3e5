"""One training engine: loop, schedule, checkpoint, resume, early stopping, losses, precision, device, processes."""
