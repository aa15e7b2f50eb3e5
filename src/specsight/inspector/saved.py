"""Files of a saved model beside those of its detector: thresholds, how pictures are read, what it was fitted on."""

from __future__ import annotations

from pathlib import Path

from specsight.calibration import Calibration
from specsight.datasets.accounting import Account
from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text

CALIBRATION = "calibration.json"
ACCOUNT = "account.json"
READING = "reading.json"
"""How pictures are read."""
FULL_RANGE = 16
"""Bits that models of which nothing is known take 16-bit files to use."""


def calibration(file: Path) -> Calibration:
    """The calibration in `file`. Raises SpecsightError where it is damaged."""
    try:
        return Calibration.from_json(parse_json(read_text(file)))
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error


def bits(file: Path) -> int | None:
    """What 16-bit files use of their range. Raises SpecsightError where the file is damaged."""
    try:
        found = parse_json(read_text(file))["bits"]
        if found is None or (type(found) is int and 8 <= found <= FULL_RANGE):
            return found
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error
    raise SpecsightError(f"'{file}' names {found!r} bits, and there are 8 to 16: fit the model again")


def width(file: Path) -> int | None:
    """Columns of all pictures that a model was fitted on; None where they differed or that was not kept. Raises
    SpecsightError where the file is damaged."""
    try:
        found = parse_json(read_text(file)).get("width")
        if found is None or (type(found) is int and found > 0):
            return found
    except (OSError, ValueError, AttributeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error
    raise SpecsightError(f"'{file}' names {found!r} as a width: fit the model again")


def account(file: Path) -> Account:
    """What became of the pictures that a model was fitted on. Raises SpecsightError where the file is damaged."""
    try:
        return Account.from_json(parse_json(read_text(file)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SpecsightError(f"'{file}' is damaged: fit the model again") from error
