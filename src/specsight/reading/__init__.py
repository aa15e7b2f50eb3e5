"""Free text → clauses. Every clause keeps its sentence; what could not be read is reported, never dropped."""

from specsight.reading.sentences import read, read_instruction

__all__ = ["read", "read_instruction"]
