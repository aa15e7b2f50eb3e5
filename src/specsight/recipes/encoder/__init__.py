"""The recipe of the bundled encoder: a small network that sees and reads, trained in stages that resume."""
