"""Another threshold for a model that exists: from the scores it keeps, from further good parts, or set by hand.

In: the folder of a saved model. Out: the same model with another calibration, which keeps the former threshold on
record; its detector is not touched. Further good parts count for every set of modalities that they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from specsight.calibration import Calibration, HeldOut, ThresholdConfig
from specsight.datasets.accounting import Account, by_reason, merged
from specsight.datasets.parts import distinct_parts
from specsight.errors import SpecsightError
from specsight.inspector import saved
from specsight.inspector.fewer import Fewer, Modalities, left_of, limited_to
from specsight.inspector.good_parts import Judged, digest_of, group_of, judge_good
from specsight.inspector.inspector import Inspector
from specsight.inspector.observation import Skipped
from specsight.inspector.request import REQUEST, read_request, write_request
from specsight.inspector.sources import good_source
from specsight.records import Sample
from specsight.storage import given_path, read_folder, revised_folder

LEARNED = "pictures learned from"
KNOWN = "pictures held out already"
USELESS = "pictures without anything that the model judges by"


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
    fewer: Mapping[str, Calibration] = field(default_factory=dict)
    """Of pictures that lack modalities: what they lack, in words → their thresholds."""
    changed: bool = True
    """Whether anything was written."""


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
    fewer, likeness, further = kept.fewer, kept.likeness, None
    if good is not None:
        further = judge_further(Inspector.load(folder, encoder, device), good)
        held_out = further.joined(held_out)
        fewer = further.joined_fewer(fewer, config)
        if further.whole.held_out:
            likeness = likeness.joined(further.whole.likeness) if likeness else further.whole.likeness
    if held_out is None and good is not None:
        raise SpecsightError(
            f"no good part in '{good}' can give '{folder}' a threshold: they were learned from, could not be read, or "
            "lack what the model judges by; give others, or fit the model again"
        )
    if held_out is None:
        raise SpecsightError(
            f"'{folder}' keeps no scores of held-out good parts: give good parts with --good, or fit the model again"
        )
    if value is None:
        after = held_out.calibrate(config.false_reject_rate, config.confidence)
        fewer = tuple(one.promising(config) for one in fewer)
    else:
        # A threshold set by hand is that of whole pictures.
        after = held_out.at(value, config.false_reject_rate, config.confidence)
    same = before is not None and after == replace(before, former=())
    if before is not None:
        after = before if same and held_out == kept.held_out else after.succeeding(before)
    changed = replace(kept, calibration=after, held_out=held_out, likeness=likeness, fewer=fewer)
    said = Rethreshold(
        before,
        after,
        held_out,
        further.account if further else None,
        further.skipped if further else (),
        {one.lost(kept.modalities): one.calibration for one in fewer} if kept.modalities else {},
        (after, held_out, fewer) != (before, kept.held_out, kept.fewer),
    )
    if said.changed:
        with revised_folder(folder, seal) as temporary:
            saved.write(temporary, changed)
            if (temporary / REQUEST).exists():
                # It is no longer what a fit with this request would give.
                write_request(temporary, replace(read_request(temporary), digest=""))
    return said


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


@dataclass(frozen=True)
class Further:
    """What a model says of further good parts."""

    whole: Judged
    """Those that have every modality of the model's own good parts."""
    lacking: Mapping[Modalities, Judged]
    """By each set of modalities that a picture may be left with, those that have these."""
    account: Account

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Those that could not be judged, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(one.skipped for one in self.judged)))

    @property
    def judged(self) -> list[Judged]:
        """All sets, the whole one first."""
        return [self.whole, *self.lacking.values()]

    def joined(self, held_out: HeldOut | None) -> HeldOut | None:
        """Whole pictures that were held out before, and these."""
        return _joined(held_out, self.whole.held_out)

    def joined_fewer(self, fewer: Sequence[Fewer], config: ThresholdConfig) -> tuple[Fewer, ...]:
        """Pictures that lack modalities: those of before, and these; sets that no good part had are added."""
        found = {one.modalities: one for one in fewer}
        for left, judged in self.lacking.items():
            before = found.get(left)
            held_out = _joined(before.held_out if before else None, judged.held_out)
            if judged.held_out and held_out:
                found[left] = Fewer.of(left, held_out, config, before.by_place if before else None)
        return tuple(found.values())


def judge_further(inspector: Inspector, good: Path) -> Further:
    """Judge the good parts in a folder that the model has neither learned from nor judged.

    A part counts for every set of modalities that its picture has: a whole one is judged without depth, too.
    """
    source = good_source(given_path(good, "the folder of good parts"))
    samples = [replace(sample, bits=inspector.bits) for sample in source.samples]
    new, left_out = unknown_to(inspector, samples)
    parts = distinct_parts(new)
    known = inspector.modalities
    judge = partial(
        judge_good,
        [(inspector.detector, list(zip(new, parts.labels, strict=True)))],
        inspector.bits,
        finder=inspector.finder,
    )
    whole = judge(by_place=inspector.by_place, limited=limited_to(known) if known else None)
    places = {one.modalities: one.by_place for one in inspector.fewer}
    lacking = {
        left: judge(by_place=places.get(left), limited=limited_to(left))
        for left in left_of(known, inspector.detector)
    }
    found = Further(whole, lacking, Account(""))
    served = {one.digest for judged in found.judged if judged.held_out for one in judged.held_out.pictures}
    unread = {one.path for one in found.skipped}
    useless = [s for s in new if str(s.image) not in unread and digest_of(s) not in served]
    count = len({part for one in found.judged for part in one.parts})
    pictures = len(new) - len(found.skipped) - len(useless)
    used = f"judged {pictures} further pictures of {count} good part{'' if count == 1 else 's'}"
    left_out += [(str(sample.image), USELESS) for sample in useless]
    ignored = merged([source.ignored, by_reason(left_out)])
    return replace(found, account=Account(used, len(found.skipped), ignored, source.notes))


def _joined(held_out: HeldOut | None, further: HeldOut | None) -> HeldOut | None:
    return held_out.joined(further) if held_out and further else further or held_out


def unknown_to(inspector: Inspector, samples: Sequence[Sample]) -> tuple[list[Sample], list[tuple[str, str]]]:
    """The samples that a model has neither learned from nor held out, and the others: (path, why).

    A sample is known by its files, and by the part that it names where that was learned from.
    """
    learned_parts = set(inspector.learned_from.values()) - {""}
    sets = [inspector.held_out, *(one.held_out for one in inspector.fewer)]
    held_out = {one.digest for kept in sets if kept for one in kept.pictures}
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
