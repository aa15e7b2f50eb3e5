"""Another threshold for a model that exists: from the scores it keeps, from further good parts, or set by hand.

In: the folder of a saved model. Out: the same model with another calibration, which keeps the former threshold on
record; its detector is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.calibration import Calibration, HeldOut, ThresholdConfig
from specsight.datasets.accounting import Account, by_reason, merged
from specsight.datasets.parts import distinct_parts
from specsight.errors import SpecsightError
from specsight.inspector import saved
from specsight.inspector.good_parts import Judged, digest_of, group_of, judge_good
from specsight.inspector.inspector import Inspector
from specsight.inspector.observation import Skipped
from specsight.inspector.request import REQUEST, read_request, write_request
from specsight.inspector.sources import good_source
from specsight.records import Sample
from specsight.storage import given_path, read_folder, revised_folder

LEARNED = "pictures learned from"
KNOWN = "pictures held out already"


@dataclass(frozen=True)
class Rethreshold:
    """What `set_threshold` did."""

    before: Calibration | None
    after: Calibration
    held_out: HeldOut
    """The scores that it rests on."""
    account: Account | None
    """What became of further pictures; None where none was given."""
    skipped: tuple[Skipped, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.after is not self.before


def set_threshold(
    folder: Path,
    false_reject_rate: float | None = None,
    confidence: float | None = None,
    value: float | None = None,
    good: Path | None = None,
    encoder: str | None = None,
    device: str = "auto",
) -> Rethreshold:
    """Give the model in `folder` another threshold, whole or not at all.

    `false_reject_rate` and `confidence` are what it is to promise (None: as before); `value` is a threshold that
    promises nothing, in their place. `good`: a folder with further good parts, judged by the model and counted with
    those that were held out; pictures that it has learned from do not count. Only this takes the encoder (`encoder`,
    `device` as for `Inspector.load`).

    Raises SpecsightError for impossible values, for nothing to do, and where the model keeps no scores.
    """
    if value is not None and (false_reject_rate is not None or confidence is not None):
        raise SpecsightError(
            "a threshold set by hand promises nothing: leave the rate and the confidence out"
        )
    if value is None and false_reject_rate is None and confidence is None and good is None:
        raise SpecsightError("nothing to do: give --false-reject-rate, --confidence, --threshold or --good")
    folder = saved.located(folder)
    kept, seal = read_folder(folder, lambda: saved.read(folder))
    before, held_out = kept.calibration, kept.held_out
    config = _promise(before, false_reject_rate, confidence)
    account, skipped, likeness = None, tuple[Skipped, ...](), kept.likeness
    if good is not None:
        judged, account = _judge_further(Inspector.load(folder, encoder, device), good)
        skipped = tuple(judged.skipped)
        if judged.held_out is not None:
            held_out = held_out.joined(judged.held_out) if held_out else judged.held_out
            likeness = likeness.joined(judged.likeness) if likeness else judged.likeness
    if held_out is None:
        raise SpecsightError(
            f"'{folder}' keeps no scores of held-out good parts: give good parts with --good, or fit the model again"
        )
    if value is None:
        after = held_out.calibrate(config.false_reject_rate, config.confidence)
    else:
        after = held_out.at(value, config.false_reject_rate, config.confidence)
    if before is not None:
        if after == replace(before, former=()) and held_out == kept.held_out:
            return Rethreshold(before, before, held_out, account, skipped)
        after = after.succeeding(before)
    with revised_folder(folder, seal) as temporary:
        # A threshold set by hand is that of whole pictures.
        fewer = kept.fewer if value is not None else tuple(one.promising(config) for one in kept.fewer)
        changed = replace(kept, calibration=after, held_out=held_out, likeness=likeness, fewer=fewer)
        saved.write(temporary, changed)
        if (temporary / REQUEST).exists():
            # It is no longer what a fit with this request would give.
            write_request(temporary, replace(read_request(temporary), digest=""))
    return Rethreshold(before, after, held_out, account, skipped)


def _promise(before: Calibration | None, rate: float | None, confidence: float | None) -> ThresholdConfig:
    """What a threshold is to promise: what is given, else what the former one was to, else the usual."""
    usual = ThresholdConfig()
    if before is not None:
        usual = ThresholdConfig(None, before.wanted_rate, before.confidence)
    return ThresholdConfig(
        None,
        usual.false_reject_rate if rate is None else rate,
        usual.confidence if confidence is None else confidence,
    )


def _judge_further(inspector: Inspector, good: Path) -> tuple[Judged, Account]:
    """Judge the good parts in a folder that the model has neither learned from nor judged."""
    source = good_source(given_path(good, "the folder of good parts"))
    samples = [replace(sample, bits=inspector.bits) for sample in source.samples]
    new, left_out = unknown_to(inspector, samples)
    parts = distinct_parts(new)
    judges = [(inspector.detector, list(zip(new, parts.labels, strict=True)))]
    judged = judge_good(judges, inspector.bits, by_place=inspector.by_place, finder=inspector.finder)
    count = len(set(judged.parts))
    used = f"judged {len(judged.parts)} further pictures of {count} good part{'' if count == 1 else 's'}"
    ignored = merged([source.ignored, by_reason(left_out)])
    return judged, Account(used, len(judged.skipped), ignored, source.notes)


def unknown_to(inspector: Inspector, samples: Sequence[Sample]) -> tuple[list[Sample], list[tuple[str, str]]]:
    """The samples that a model has neither learned from nor held out, and the others: (path, why).

    A sample is known by its files, and by the part that it names where that was learned from.
    """
    learned_parts = set(inspector.learned_from.values()) - {""}
    held_out = {one.digest for one in inspector.held_out.pictures} if inspector.held_out else set()
    new, left_out = [], []
    for sample in samples:
        digest = digest_of(sample)
        if digest in inspector.learned_from or group_of(sample) in learned_parts:
            left_out.append((str(sample.image), LEARNED))
        elif digest in held_out - {""}:
            left_out.append((str(sample.image), KNOWN))
        else:
            new.append(sample)
    return new, left_out
