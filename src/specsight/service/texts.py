"""Text that comes from outside, as every database takes it: one rule for addresses, forms and JSON.

A zero byte has no place in PostgreSQL, half of a surrogate pair in none. Both are refused rather than left out: what
was written is never changed in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import Request
from pydantic import StringConstraints
from starlette.exceptions import HTTPException

from specsight.errors import SpecsightError
from specsight.storage.database import storable

LONGEST = 4000
"""Characters of a text in an address: a search for words."""
PATTERN = r"^[^\x00]*$"
"""Of texts in JSON and forms, whose reader refuses halves of surrogate pairs by itself."""

REASON, TYPE, NOTE = 500, 200, 2000
"""Characters of what a person writes in a form: why, which defect, what is done."""

Text = Annotated[str, StringConstraints(pattern=PATTERN)]


def check_texts(texts: Iterable[tuple[str, str]], longest: int | None = None) -> None:
    """Raises HTTPException 422 for the first pair of name and text that is refused; None: of any length."""
    for name, text in texts:
        about = name if storable(name) and len(name) <= 100 else "a parameter"
        if not (storable(text) and storable(name)):
            raise HTTPException(422, f"{about}: a zero byte, or half of a surrogate pair, is no text")
        if longest is not None and len(text) > longest:
            raise HTTPException(422, f"{about}: give up to {longest:,} characters")


def written(fields: Mapping[str, str], name: str, longest: int, what: str = "") -> str:
    """What a person wrote in a field of a form, without space around it; `what`: how a message calls it. Raises
    SpecsightError where it is longer."""
    text = fields.get(name, "").strip()
    if len(text) > longest:
        raise SpecsightError(f"the {what or name} is longer than {longest} characters: shorten it")
    return text


async def check_address(request: Request) -> None:
    """A dependency of every route: the texts of its address. Raises HTTPException 422."""
    check_texts([*request.path_params.items(), *request.query_params.multi_items()], LONGEST)
