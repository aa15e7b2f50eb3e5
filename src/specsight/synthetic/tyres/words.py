"""Sentences about one picture: a caption that tells the truth, and an operator's note that must not give it away."""

from __future__ import annotations

import numpy as np

from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.product import severity
from specsight.synthetic.tyres.rendering import Rendered, Truth
from specsight.synthetic.tyres.scene import TyreScene

_LIGHT_TEXT = {
    "diffuse": "diffuse dome light",
    "grazing": "grazing light from the {side}",
    "dark_field": "dark-field ring light",
    "low": "low light from the {side}",
}


def conditions(scene: TyreScene, picture: Rendered, note_truth: str) -> dict[str, str]:
    """Everything that varied, by name, as text; "visible" says of each defect, in order, where it can be seen."""
    light = scene.light
    return {
        "zone": scene.zone,
        "light": light.kind,
        **({"light_side": light.side} if light.kind in ("grazing", "low") else {}),
        "plant": scene.plant.name,
        "mould": f"M {scene.mould + 11}",
        "wear": "new" if scene.wear == 0 else f"{scene.wear:g}",
        "view": "strip" if scene.window.circular else "crop",
        "operator_note": note_truth,
        "origin": "synthetic",
        **({"visible": "; ".join(d.visible for d in picture.defects)} if picture.defects else {}),
    }


def description(scene: TyreScene, picture: Rendered) -> str:
    """A caption: what is shown and every defect with type, part, size and severity."""
    view = "Unwrapped strip" if scene.window.circular else "Crop"
    light = _LIGHT_TEXT[scene.light.kind].format(side=scene.light.side)
    opening = f"{view} of the {scene.zone} of a {scene.model.brand} {scene.model.size} under {light}."
    if not picture.defects:
        return f"{opening} No defect."
    return " ".join([opening, *(defect_text(d) for d in picture.defects)])


def defect_text(truth: Truth) -> str:
    """One sentence about one defect."""
    level = severity(truth.type, truth.size_mm, truth.part)
    kind = truth.type[0].upper() + truth.type[1:]
    note = f" ({truth.note})" if truth.note else ""
    return f"{kind}{note} on the {truth.part}, {truth.size_mm:.1f} mm, {level}."


def operator_note(rng: np.random.Generator, scene: TyreScene, picture: Rendered) -> tuple[str, str]:
    """(note, "neutral" | "true" | "false"): hints come equally often for good and for defective tyres."""
    press = f"press {scene.mould * 10 + int(rng.integers(1, 10))}"
    if rng.random() < 0.7:
        neutral = (
            f"Routine check, {press}, plant {scene.plant.name}.",
            f"First tyres after mould change on {press}.",
            f"Shift handover at {press}, nothing to report.",
            f"Sample for the {scene.zone} camera, mould M {scene.mould + 11}.",
            "Line stopped for ten minutes before this tyre.",
        )
        return neutral[int(rng.integers(len(neutral)))], "neutral"
    present = sorted({d.type for d in picture.defects})
    others = [k.name for k in KINDS.values() if scene.zone in k.zones and k.name not in present]
    true = bool(present) and rng.random() < 0.5
    choice = present if true else others
    hint = choice[int(rng.integers(len(choice)))]
    notes = (
        f"Possible {hint}, please look again ({press}).",
        f"Colleague at {press} suspects: {hint}.",
        f"Set aside by {press} for {hint}.",
    )
    return notes[int(rng.integers(len(notes)))], "true" if true else "false"
