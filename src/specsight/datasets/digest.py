"""A sample's files → one digest: the only answer to "has what was learned from, or judged, changed since?"."""

from __future__ import annotations

import hashlib
import json

from specsight.datasets.files import is_file
from specsight.records import Sample
from specsight.storage import sha256

_NEEDED = ("depth", "parts")
"""Files whose lack is said where they are read; no detector needs the others."""


def sample_digest(sample: Sample) -> str:
    """SHA-256 in hex of every file that a judgement may depend on, and of what says how to read it.

    Those are the picture, depth, normals, further signals, the map of parts and the reference picture; names of parts
    and the range and unit of depth count with their files. Labels and masks do not: they are truth, not input. A sample
    that is nothing but a picture has the digest of its file. A reference picture, normals or signals that are missing
    count as such, so that the digest changes when they come. Raises OSError where another file is missing.
    """
    further = {
        name: "missing" if name not in _NEEDED and not is_file(path) else sha256(path)
        for name, path in (
            ("depth", sample.depth),
            ("normals", sample.normals),
            ("parts", sample.parts),
            ("reference", sample.reference),
            *((f"signal {name}", path) for name, path in sorted(sample.signals.items())),
        )
        if path is not None
    }
    image = sha256(sample.image)
    if not further:
        return image
    read_as: dict[str, object] = {
        "depth_range": sample.depth_range if sample.depth else None,
        "part_names": sorted(sample.part_names.items()) if sample.parts else [],
    }
    if sample.depth_unit_mm != 1 and (sample.depth or sample.signals):
        read_as["depth_unit_mm"] = sample.depth_unit_mm
    content = json.dumps({"image": image, **further, **read_as}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
