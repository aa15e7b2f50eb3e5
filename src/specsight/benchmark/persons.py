"""Codes of persons: who decided or rated is kept as a code, which is no name."""

from __future__ import annotations

import re

from specsight.errors import SpecsightError, excerpt

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def check_code(code: str) -> str:
    """A person's code, as it was given. Raises SpecsightError for what is none."""
    if not CODE.fullmatch(code):
        raise SpecsightError(
            f"'{excerpt(code)}' is no code of a person: up to 40 letters, digits, dots, dashes; better no name"
        )
    return code
