"""A part that is to be judged: bytes as they came from a camera or a client, and what belongs to them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from specsight import images
from specsight.errors import SpecsightError, UnreadableFile
from specsight.inspector import Inspector, Observation
from specsight.line.records import Role, new_id, now

ENDINGS = {b"\x93NUMPY": ".npy", b"II": ".tiff", b"MM": ".tiff", b"\x89PNG": ".png"}
"""How files of depth begin → the ending that their reader expects."""


@dataclass(frozen=True)
class PartRequest:
    """A part to be judged by the live version of `model`, under `words`."""

    line: str
    part: str
    model: str
    picture: bytes = field(repr=False)
    depth: bytes | None = field(default=None, repr=False)
    """A file of depth, in mm; None: the part brings none."""
    words: str = ""
    key: str = ""
    """See `JudgedPart.key`."""
    person: str = ""
    role: Role = "operator"
    id: str = field(default_factory=new_id)
    received: datetime = field(default_factory=now)
    begun: float = field(default_factory=time.monotonic)
    """When it was received, by a clock that nobody sets."""


def look(inspector: Inspector, request: PartRequest) -> Observation:
    """Read the bytes of a request as files are read, and look at them. Raises UnreadableFile where they are no picture,
    or no depth, and SpecsightError where the model needs what is not there."""
    if request.depth is None:
        return inspector.look(request.picture)
    ending = next((one for start, one in ENDINGS.items() if request.depth.startswith(start)), "")
    if not ending:
        raise UnreadableFile("the given depth is no TIFF, PNG or NPY file")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"depth{ending}"
        path.write_bytes(request.depth)
        try:
            depth = images.read_depth(path)
        except SpecsightError as error:
            raise UnreadableFile(str(error).replace(f"'{path}'", "the given depth")) from error
    return inspector.look(request.picture, depth=depth)
