"""Free text → clauses. Every clause keeps its sentence; what could not be read is reported, never dropped."""

from specsight.reading.contract import Reader, load_reader, readers
from specsight.reading.listing import as_objects
from specsight.reading.sources import read, read_instruction, read_notes

__all__ = ["Reader", "as_objects", "load_reader", "read", "read_instruction", "read_notes", "readers"]
