"""What all models of a specification share: how fields are read, and the ranges of names, lengths and scales."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=200)]
Scale = Annotated[float, Field(gt=0, ge=1e-6, le=1e4)]
"""Millimetres per pixel: from a nanometre to ten metres."""
Millimetres = Annotated[float, Field(strict=True, gt=0, le=1e6)]
Limit = Annotated[float, Field(strict=True, ge=0, le=1e6)]
"""Millimetres up to which something is acceptable; 0: it never is."""
Percent = Annotated[float, Field(strict=True, gt=0, le=100)]
Phrases = Annotated[tuple[Name, ...], Field(max_length=1000)]


class Model(BaseModel):
    """What all parts of a specification share: unknown keys are refused, values cannot be changed, text is stripped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
