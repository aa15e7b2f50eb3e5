"""Run folders: predictions, maps, protocol, environment, resuming."""
