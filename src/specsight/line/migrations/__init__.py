"""Migrations of a line's database, read by `line.connecting`."""
