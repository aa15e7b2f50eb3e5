"""Pictures of a line, one after the other: from a folder they arrive in (`folder`), one replayed (`replay`), a camera
(`genicam`)."""

from specsight.line.sources.contract import Arrival, Source

__all__ = ["Arrival", "Source"]
