"""Confirmed outcomes → a candidate: another version of a model, kept and registered, not live.

Two kinds: the live version with a threshold for which confirmed good parts count too, and one that learns from
confirmed defects. A third, a folder that an engineer puts in the place of the model, is registered by `Fleet.scan`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from specsight.calibration import ThresholdConfig
from specsight.detectors import create_detector
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.inspector.reader import READER
from specsight.inspector.request import Request, read_request
from specsight.inspector.sources import defective_source, good_sources
from specsight.inspector.thresholds import Rethreshold, set_threshold
from specsight.line.feedback.confirming import ALL, Reviewed, reviewed
from specsight.line.feedback.pictures import Written, write_defects, write_good
from specsight.line.feedback.selection import Selection, select
from specsight.line.fleet import Fleet, LiveModel
from specsight.line.records import Entry, Version
from specsight.records import Sample
from specsight.storage import temporary_folder

MADE = "made a candidate"
"""The action in the audit trail; its detail says of which parts."""


@dataclass(frozen=True)
class Candidate:
    """A version that was made, and of what."""

    version: Version
    parts: tuple[str, ...]
    """Ids of the judged parts that it was made from."""


def threshold_candidate(
    fleet: Fleet, model: str, person: str, way: str = "all", under_words: bool = False, seed: int = 0
) -> Candidate:
    """The live version of a model with a threshold for which confirmed good parts count too, sampled in a way of
    `selection`; its detector is not touched. Pictures of one part, by its name, count once.

    Raises SpecsightError where nothing is confirmed, where pictures are kept no longer, and where they change nothing.
    """
    chosen = select(fleet.store, model, way, under_words, seed)
    live = _live(fleet, model)
    with temporary_folder("candidate") as folder:
        place = folder / "model"
        shutil.copytree(fleet.place(model, live.version), place)
        written = write_good(fleet.store, chosen.parts, folder / "good", _product(live))
        if not written.samples:
            raise SpecsightError(
                f"of {len(chosen.parts)} confirmed good parts no picture is kept any more: confirm newer ones"
            )
        encoder, device = fleet.loading.encoder, fleet.loading.device
        done = set_threshold(place, good=folder / "good", encoder=encoder, device=device)
        if not done.changed:
            raise SpecsightError(
                "these parts count for the live version already: the threshold stays as it is"
            )
        note = _threshold_note(chosen, done, written.left_out)
        return _offered(fleet, live, place, "threshold", note, person, written.parts)


def supervised_candidate(fleet: Fleet, model: str, person: str, seed: int = 0) -> Candidate:
    """A supervised version of a model: the good parts of before, and all confirmed defects with their types.

    Defects lie where persons drew them, otherwise where findings lie: who confirms a defect confirms its outlines.
    Defects that were missed and that nobody drew are left out. Good parts of before are read from the folders that the
    live version was fitted on. Raises SpecsightError that names what is missing where these are gone, and where no
    defect is of use.
    """
    live = _live(fleet, model)
    asked = read_request(fleet.place(model, live.version))
    sources = [*asked.good, *([asked.others["labelled"]] if "labelled" in asked.others else [])]
    if gone := [name for name in sources if not Path(name).exists()]:
        raise SpecsightError(
            f"learning from defects takes the good parts that '{model}' was fitted on, and "
            f"{' and '.join(map(repr, gone))} {'is' if len(gone) == 1 else 'are'} no longer there: put "
            f"{'it' if len(gone) == 1 else 'them'} back, or put a model that was fitted anew in its place"
        )
    confirmed = reviewed(fleet.store, model, waiting=False, limit=ALL)
    defects = [one for one in confirmed if one.outcome == "defect"]
    if not defects:
        raise SpecsightError(
            f"no part of '{model}' is confirmed as defective: confirm rejects, with their types"
        )
    with temporary_folder("candidate") as folder:
        written = write_defects(fleet.store, defects, folder / "defects", _product(live))
        if not written.samples:
            why = "; ".join(f"{count}: {reason}" for reason, count in written.left_out.items())
            raise SpecsightError(f"no confirmed defect of '{model}' can be learned from ({why})")
        inspector = _fitted(live, asked, fleet.place(model, live.version), written.samples, seed)
        inspector.save(folder / "model")
        note = _supervised_note(written)
        return _offered(fleet, live, folder / "model", "supervised", note, person, written.parts)


def made_of(fleet: Fleet, model: str, version: str) -> set[str]:
    """Ids of the judged parts that a version, or one that it was made from, was made of."""
    parents = {one.version: one.parent for one in fleet.store.versions(model)}
    found: set[str] = set()
    while version:
        for entry in fleet.store.entries("", f"{model} {version}", limit=1000):
            if entry.action == MADE:
                found |= set(entry.detail["parts"])
        version = parents.pop(version, "")
    return found


def _live(fleet: Fleet, model: str) -> LiveModel:
    """The live version, loaded by itself: what the line judges with is not touched."""
    return fleet.load(model, fleet.check(model).version)


def _product(live: LiveModel) -> str:
    words = live.inspector.specification
    return words.product if words else live.name


def _fitted(live: LiveModel, asked: Request, place: Path, defects: Sequence[Sample], seed: int) -> Inspector:
    """Fit the supervised detector as the live version was fitted: same encoder, framing, words and promise."""
    before, threshold = live.inspector.detector, ThresholdConfig(**asked.promise)
    labelled = defective_source(Path(asked.others["labelled"])).samples if "labelled" in asked.others else []
    inspector = Inspector.fit(
        good_sources([Path(one) for one in asked.good]).samples,
        detector=create_detector("supervised", **_shared(before), seed=seed, device=before.device),
        specification=live.inspector.specification,
        defects=[*labelled, *defects],
        # Fits that train weights hold parts out; folds of before say nothing for them.
        holdout=threshold.holdout,
        false_reject_rate=threshold.false_reject_rate,
        confidence=threshold.confidence,
        types=(place / READER).exists(),
        seed=seed,
    )
    inspector.request = Request("", asked.good, asked.others, asdict(threshold), seed)
    return inspector


def _shared(before: Any) -> dict[str, Any]:
    """Hyper-parameters of a detector that the supervised one has too."""
    known = create_detector("supervised").parameters()
    if before.name == "supervised":
        return {name: value for name, value in before.parameters().items() if name != "seed"}
    # How pictures are framed is the product's; coresets and layers are the method's.
    given = before.parameters()
    framed = {str(name): given[name] for name in ("resolution", "tile") if name in known}
    return {"encoder": before.get_encoder(), **framed}


def _offered(
    fleet: Fleet, live: LiveModel, place: Path, kind: Any, note: str, person: str, parts: Sequence[Reviewed]
) -> Candidate:
    """Keep a version and register it, with the parts that it was made of in the audit trail."""
    version = fleet.keep(place, live.name)
    registered = fleet.store.register(Version(live.name, version, kind, note, live.version, person))
    ids = [one.part.id for one in parts]
    subject = f"{live.name} {version}"
    fleet.store.note(Entry("", person, "engineer", MADE, subject, {"parts": ids, "kind": kind, "note": note}))
    return Candidate(registered, tuple(ids))


def _threshold_note(chosen: Selection, done: Rethreshold, left_out: dict[str, int]) -> str:
    before = done.before.score_threshold if done.before else None
    moved = (
        "a first threshold"
        if before is None
        else f"threshold {before:.4g} → {done.after.score_threshold:.4g}"
    )
    missing = "".join(f" {count} left out: {why}." for why, count in left_out.items())
    clause = sum(one.part.verdict == "reject" and bool(one.part.clause) for one in chosen.parts)
    stay = f" {clause} of them a clause rejected, which no threshold changes." if clause else ""
    return f"{moved}, {done.after.statement()}. {chosen.sentences()}{stay}{missing}"


def _supervised_note(written: Written) -> str:
    types = [sample.types[0] for sample in written.samples]
    counted = ", ".join(f"{types.count(name)} {name}" for name in dict.fromkeys(types))
    missing = "".join(f" {count} left out: {why}." for why, count in written.left_out.items())
    drawn = sum(one.review.region is not None for one in written.parts)
    where = f"{drawn} where persons drew them, the others where" if drawn else "where"
    return (
        f"learned from {len(types)} confirmed defects ({counted}), {where} their findings lie, beside the good parts "
        f"of before.{missing} Confirmed good parts did not join."
    )
