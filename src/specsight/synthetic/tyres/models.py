"""Tyre models by name: those of the catalogue, and `invented:NUMBER`."""

from __future__ import annotations

from specsight.errors import SpecsightError, did_you_mean
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.geometry import TyreModel
from specsight.synthetic.tyres.invented import INVENTED, invented_model

_MOST_DIGITS = 12


def tyre_model(name: str) -> TyreModel:
    """The model called `name`; SpecsightError otherwise."""
    if name in MODELS:
        return MODELS[name]
    kind, colon, number = name.partition(":")
    if kind == INVENTED and number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS:
        return invented_model(int(number))
    if kind == INVENTED:
        what = f"'{number}' is no number of up to {_MOST_DIGITS} digits" if colon else "a number is missing"
        raise SpecsightError(f"tyre model '{name}': {what}; name one model as in '{INVENTED}:17'")
    raise SpecsightError(f"unknown tyre model '{name}': {did_you_mean(name, [*MODELS, INVENTED])}")
