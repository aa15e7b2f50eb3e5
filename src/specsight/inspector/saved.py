"""Files of a saved model beside those of its detector: thresholds, how pictures are read, what it was fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import TypedDict

from specsight.calibration import ByPlace, Calibration, HeldOut
from specsight.choosing import Choice
from specsight.datasets.accounting import Account
from specsight.detectors import State
from specsight.detectors.saving import SPECIFICATION, read_state, write_state
from specsight.errors import SpecsightError
from specsight.inspector.fewer import Fewer, Modalities
from specsight.inspector.likeness import Likeness
from specsight.inspector.usual_depth import UsualDepth
from specsight.parts import PartFinder
from specsight.presence import GoodPictures
from specsight.record_json import Text, check
from specsight.specification import Specification, load_specification, save_yaml
from specsight.storage import given_path, parse_json, read_text, recover, write_json

Kind = TypeVar("Kind")

CALIBRATION = "calibration.json"
ACCOUNT = "account.json"
GOOD_PARTS = "good_parts.json"
"""Which good pictures were learned from, and what the detector said of those held out."""
READING = "reading.json"
"""How pictures are read."""
LIKENESS = "likeness.safetensors"
"""Held-out good pictures, pooled."""
BY_PLACE = "by_place.safetensors"
"""What maps of good parts show at each place, where maps are compared with it."""
USUAL_DEPTH = "depth.json"
"""What depth of good parts is like."""
PRESENCE, PRESENCE_ARRAYS = "presence.json", "presence.safetensors"
"""What good pictures show of features that words may require."""
PARTS = "parts.safetensors"
"""Where parts lie on outlined pictures, and what those show there."""
MODALITIES, FEWER_BY_PLACE = "modalities.json", "by_place_{}.safetensors"
"""What good parts were taken with, and thresholds of pictures that lack some of it."""
CHOICE = "choice.json"
"""How the detector was chosen, where it was."""
FULL_RANGE = 16
"""Bits that models of which nothing is known take 16-bit files to use."""


@dataclass(frozen=True)
class Kept:
    """What a saved model holds beside its detector; the fields are those of `Inspector`."""

    calibration: Calibration | None
    specification: Specification | None
    bits: int | None
    width: int | None
    account: Account | None
    held_out: HeldOut | None
    learned_from: dict[str, str]
    by_place: ByPlace | None
    likeness: Likeness | None
    good_pictures: GoodPictures | None
    finder: PartFinder | None
    choice: Choice | None
    modalities: Modalities | None = None
    fewer: tuple[Fewer, ...] = ()
    usual_depth: UsualDepth | None = None


class GoodPartsJson(TypedDict):
    """Content of `GOOD_PARTS`."""

    held_out: dict[Text, Any] | None
    learned_from: dict[Text, Text]


def located(folder: str | Path) -> Path:
    """The folder of a saved model, recovered where a process was killed while it replaced it. Raises SpecsightError
    where there is none."""
    folder = given_path(folder, "the saved model")
    recover(folder)
    if not folder.is_dir():
        raise SpecsightError(f"there is no saved model at '{folder}': make one with 'specsight fit'")
    return folder


def write(folder: Path, kept: Kept) -> None:
    """Write it into an existing folder."""
    if kept.calibration:
        write_json(folder / CALIBRATION, kept.calibration.to_json())
    if kept.specification:
        save_yaml(kept.specification, folder / SPECIFICATION)
    write_json(folder / READING, {"bits": kept.bits, "width": kept.width})
    if kept.account:
        write_json(folder / ACCOUNT, kept.account.to_json())
    held_out = kept.held_out.to_json() if kept.held_out else None
    write_json(folder / GOOD_PARTS, {"held_out": held_out, "learned_from": kept.learned_from})
    if kept.by_place:
        write_state(folder, kept.by_place.state(), BY_PLACE)
    if kept.likeness:
        write_state(folder, kept.likeness.state(), LIKENESS)
    if kept.good_pictures:
        write_json(folder / PRESENCE, kept.good_pictures.to_json())
        write_state(folder, kept.good_pictures.state(), PRESENCE_ARRAYS)
    if kept.finder:
        write_state(folder, kept.finder.state(), PARTS)
    if kept.modalities is not None:
        fewer = [one.to_json() for one in kept.fewer]
        write_json(folder / MODALITIES, {"modalities": sorted(kept.modalities), "fewer": fewer})
        for number, one in enumerate(kept.fewer):
            if one.by_place:
                write_state(folder, one.by_place.state(), FEWER_BY_PLACE.format(number))
    if kept.usual_depth:
        write_json(folder / USUAL_DEPTH, kept.usual_depth.to_json())
    if kept.choice:
        write_json(folder / CHOICE, kept.choice.to_json())


def read(folder: Path) -> Kept:
    """Read what `write` wrote. Raises SpecsightError where a file is damaged; those that are missing say nothing."""
    reading, good_parts = folder / READING, folder / GOOD_PARTS
    kept = Kept(
        _calibration(folder / CALIBRATION) if (folder / CALIBRATION).exists() else None,
        load_specification(folder / SPECIFICATION) if (folder / SPECIFICATION).exists() else None,
        _bits(reading) if reading.exists() else FULL_RANGE,
        _width(reading) if reading.exists() else None,
        _account(folder / ACCOUNT) if (folder / ACCOUNT).exists() else None,
        *(_good_parts(good_parts) if good_parts.exists() else (None, {})),
        _from_arrays(folder / BY_PLACE, ByPlace.from_state) if (folder / BY_PLACE).exists() else None,
        _from_arrays(folder / LIKENESS, Likeness.from_state) if (folder / LIKENESS).exists() else None,
        _good_pictures(folder / PRESENCE) if (folder / PRESENCE).exists() else None,
        _from_arrays(folder / PARTS, PartFinder.from_state) if (folder / PARTS).exists() else None,
        _choice(folder / CHOICE) if (folder / CHOICE).exists() else None,
        *(_modalities(folder / MODALITIES) if (folder / MODALITIES).exists() else (None, ())),
    )
    depth = folder / USUAL_DEPTH
    return replace(kept, usual_depth=_usual_depth(depth)) if depth.exists() else kept


def _modalities(file: Path) -> tuple[Modalities, tuple[Fewer, ...]]:
    """What good parts were taken with, and what they score with less. Raises SpecsightError where it is damaged."""

    def read() -> tuple[Modalities, tuple[Fewer, ...]]:
        content = parse_json(read_text(file))
        fewer = []
        for number, values in enumerate(content["fewer"]):
            places = file.parent / FEWER_BY_PLACE.format(number)
            by_place = _from_arrays(places, ByPlace.from_state) if places.exists() else None
            fewer.append(Fewer.from_json(values, by_place))
        return frozenset(map(str, content["modalities"])), tuple(fewer)

    return _undamaged(file, read)


def _usual_depth(file: Path) -> UsualDepth:
    """What depth of good parts is like. Raises SpecsightError where the file is damaged."""
    return _undamaged(file, lambda: UsualDepth.from_json(parse_json(read_text(file))))


def _calibration(file: Path) -> Calibration:
    """The calibration in `file`. Raises SpecsightError where it is damaged."""
    try:
        return Calibration.from_json(parse_json(read_text(file)))
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error


def _bits(file: Path) -> int | None:
    """What 16-bit files use of their range. Raises SpecsightError where the file is damaged."""
    try:
        found = parse_json(read_text(file))["bits"]
        if found is None or (type(found) is int and 8 <= found <= FULL_RANGE):
            return found
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error
    raise SpecsightError(f"'{file}' names {found!r} bits, and there are 8 to 16: fit the model again")


def _width(file: Path) -> int | None:
    """Columns of all pictures that a model was fitted on; None where they differed or that was not kept. Raises
    SpecsightError where the file is damaged."""
    try:
        found = parse_json(read_text(file)).get("width")
        if found is None or (type(found) is int and found > 0):
            return found
    except (OSError, ValueError, AttributeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error
    raise SpecsightError(f"'{file}' names {found!r} as a width: fit the model again")


def _account(file: Path) -> Account:
    """What became of the pictures that a model was fitted on. Raises SpecsightError where the file is damaged."""
    try:
        return Account.from_json(parse_json(read_text(file)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error


def _good_parts(file: Path) -> tuple[HeldOut | None, dict[str, str]]:
    """What is known of held-out pictures, and of those learned from. Raises SpecsightError where it is damaged."""
    try:
        content = check(GoodPartsJson, parse_json(read_text(file)))
        held_out = HeldOut.from_json(content["held_out"]) if content["held_out"] else None
        return held_out, dict(content["learned_from"])
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{file}' is damaged ({error}): fit the model again") from error


def _from_arrays(file: Path, from_state: Callable[[State], Kind]) -> Kind:
    """What `from_state` makes of the arrays of a file. Raises SpecsightError where it is damaged."""
    return _undamaged(file, lambda: from_state(read_state(file.parent, file.name)))


def _good_pictures(file: Path) -> GoodPictures:
    """What good pictures show. Raises SpecsightError where a file is damaged."""
    return _undamaged(
        file,
        lambda: GoodPictures.from_saved(
            parse_json(read_text(file)), read_state(file.parent, PRESENCE_ARRAYS)
        ),
    )


def _undamaged(file: Path, read: Callable[[], Kind]) -> Kind:
    """What `read` gives. Raises SpecsightError where it says that the file does not hold what was saved."""
    try:
        return read()
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise SpecsightError(f"'{file}' is damaged ({error}): fit the model again") from error


def _choice(file: Path) -> Choice:
    """How the detector was chosen. Raises SpecsightError where the file is damaged."""
    try:
        return Choice.from_json(parse_json(read_text(file)))
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{file}' is damaged ({error}): fit the model again") from error
