"""Saved detectors: `detector.json` (parameters and encoder) and `detector.safetensors` (learned arrays).

In: what a detector is made of. Out: the same again, or a SpecsightError that says which file is damaged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.images.registration import SIDE, Reference
from specsight.preparation import Framing
from specsight.record_json import Finite, Text, check
from specsight.storage import check_regular, parse_json, read_text, write_bytes, write_json
from specsight.version import __version__

FORMAT = 4
"""Raised whenever a saved detector of before can no longer be read, or would judge otherwise than it was calibrated.

Before 3, cells were taken to lie evenly, and padding was pooled with the picture; before 4, PatchCore compared patches
with their lengths and weighed its score by equation 7.
"""
DESCRIPTION = "detector.json"
LONGEST_DESCRIPTION = 1 << 20
"""Bytes."""
STATE = "detector.safetensors"
REFERENCE = "framing/reference"
"""Among the arrays, the pixels of `Framing.reference`."""
SPECIFICATION = "specification.yaml"
"""What a detector that reads was fitted with; of a saved inspector, the specification of both."""

State = dict[str, NDArray[Any]]
"""Learned arrays by name."""


class EncoderJson(TypedDict):
    """Which encoder a detector was fitted with."""

    name: Text
    fingerprint: Text


class ReferenceJson(TypedDict):
    """See `Reference`; its pixels are among the learned arrays."""

    degrees: Annotated[float, Field(ge=0, le=180)]
    shift: Annotated[float, Field(ge=0, le=1)]


class FramingJson(TypedDict):
    """See `Framing`."""

    resolution: Annotated[int, Field(ge=1, le=1 << 16)]
    tile: Annotated[int, Field(ge=0, le=1 << 16)]
    angles: list[Finite]
    reasons: list[Text]
    reference: NotRequired[ReferenceJson]


class DescriptionJson(TypedDict):
    """What `write_description` writes."""

    format: int
    detector: Text
    parameters: dict[Text, Any]
    encoder: EncoderJson
    framing: NotRequired[FramingJson]


def write_description(
    folder: Path, name: str, parameters: Mapping[str, Any], framing: Framing, encoder: Encoder
) -> None:
    """Write the method's name, its hyper-parameters, how it frames pictures and which encoder it was fitted with."""
    write_json(
        folder / DESCRIPTION,
        {
            "format": FORMAT,
            "specsight": __version__,
            "detector": name,
            "parameters": {k: v for k, v in parameters.items() if k != "encoder"},
            "framing": _framing_json(framing),
            "encoder": {"name": encoder.name, "fingerprint": encoder.fingerprint},
        },
    )


def read_description(folder: Path) -> dict[str, Any]:
    """Read what `write_description` wrote. Raises SpecsightError for another format and for a damaged file."""
    path = folder / DESCRIPTION
    try:
        description = dict(check(DescriptionJson, parse_json(read_text(path, LONGEST_DESCRIPTION))))
    except (OSError, ValueError) as error:
        raise damaged(path) from error
    if description["format"] != FORMAT:
        raise another_format(folder, description)
    return description


def framing_of(description: Mapping[str, Any], folder: Path) -> Framing | None:
    """How a saved detector frames pictures; None for one of a version whose parameters alone said so.

    `folder` holds the picture that others are registered to, if they are. Raises SpecsightError where it is damaged.
    """
    said = description.get("framing")
    if said is None:
        return None
    framing = Framing(said["resolution"], said["tile"], tuple(said["angles"]), tuple(said["reasons"]))
    if limits := said.get("reference"):
        try:
            pixels = read_state(folder)[REFERENCE]
        except (OSError, ValueError, KeyError) as error:
            raise damaged(folder / STATE) from error
        if pixels.dtype != np.uint8 or pixels.ndim != 2 or max(pixels.shape) != SIDE or not pixels.size:
            raise damaged(folder / STATE)
        size = (pixels.shape[0], pixels.shape[1])
        framing = replace(
            framing, reference=Reference(size, pixels.tobytes(), limits["degrees"], limits["shift"])
        )
    return framing


def reference_state(framing: Framing) -> State:
    """The pixels of the picture that others are registered to, as a learned array; nothing where they are not."""
    return {} if framing.reference is None else {REFERENCE: framing.reference.pixels}


def without_reference(state: State) -> State:
    """The arrays that the method itself has learned."""
    return {name: values for name, values in state.items() if name != REFERENCE}


def _framing_json(framing: Framing) -> dict[str, Any]:
    said: dict[str, Any] = {"resolution": framing.resolution, "tile": framing.tile}
    said |= {"angles": list(framing.angles), "reasons": list(framing.reasons)}
    if framing.reference is not None:
        said["reference"] = {"degrees": framing.reference.degrees, "shift": framing.reference.shift}
    return said


def another_format(folder: Path, description: Mapping[str, Any]) -> SpecsightError:
    """Make the error for a detector that was saved in a format that can no longer be read."""
    return SpecsightError(
        f"'{folder / DESCRIPTION}' was saved in format {description['format']} (specsight "
        f"{description.get('specsight')}); this version reads format {FORMAT}: fit the model again"
    )


def another_encoder(folder: Path, name: str) -> SpecsightError:
    """Make the error for an encoder that is not the one that the detector in `folder` was fitted with."""
    return SpecsightError(
        f"'{folder}' was fitted with another encoder than '{name}' is now (its fingerprint differs): "
        "give the original one with --encoder, or fit again"
    )


def write_state(folder: Path, state: State, name: str = STATE) -> None:
    """Write learned arrays to the file `name`."""
    from safetensors.numpy import save

    write_bytes(folder / name, save({k: np.ascontiguousarray(v) for k, v in state.items()}))


def read_state(folder: Path, file: str = STATE) -> State:
    """Read learned arrays from `file`. Raises OSError and ValueError where they are missing, damaged or no numbers.

    Arrays may be empty: good parts that show a single value have no principal axis.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        check_regular(folder / file)
        state: State = load((folder / file).read_bytes())
    except (SafetensorError, KeyError) as error:  # a KeyError for a type of numbers that numpy lacks
        raise ValueError(file) from error
    for name, values in state.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"'{name}' has values that are no numbers")
    return state


def json_array(value: Any) -> NDArray[np.uint8]:
    """A JSON value as an array of a state; `of_json_array` reads it."""
    return np.array(np.frombuffer(json.dumps(value).encode(), np.uint8))


def of_json_array(array: NDArray[Any]) -> Any:
    """The value that `json_array` was given. Raises ValueError for other arrays."""
    return json.loads(array.tobytes())


def damaged(path: Path) -> SpecsightError:
    """Make the error for a file of a saved detector that cannot be used."""
    return SpecsightError(f"'{path}' is missing or damaged: fit the model again")
