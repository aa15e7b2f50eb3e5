"""Functions over the towers of an encoder: windows, value attention, prompting, split."""
