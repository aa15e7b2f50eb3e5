"""The mathematics of patches, without any detector: grids, memory bank, coreset, moments."""
