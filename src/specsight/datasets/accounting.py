"""Every file that was given is accounted for: used, not readable, or not looked at, and why.

`Ignored`: files that were not looked at for one reason. `Account`: what a verb did with all files, in one line and as
JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from specsight.records import Sample

MASKS = "masks"
STRAY_MASK = "masks without a picture"
NO_PICTURES = "files that are no pictures"
_EXAMPLES = 3
_SINGULAR = {
    "that lead ": "that leads ",
    "that end ": "that ends ",
    "that are ": "that is ",
    "no pictures": "no picture",
}
_NOUNS = frozenset(
    (
        "masks",
        "pictures",
        "videos",
        "links",
        "pipes",
        "sockets",
        "devices",
        "folders",
        "files",
        "thumbnails",
        "results",
    )
)


@dataclass(frozen=True)
class Ignored:
    """Files that were not looked at, for one reason."""

    reason: str
    count: int
    examples: tuple[str, ...]
    """The first of them, relative to the folder that was given."""

    def __str__(self) -> str:
        return f"{self.count} {_singular(self.reason) if self.count == 1 else self.reason}"

    @property
    def first(self) -> str:
        """The examples in one line."""
        return ", ".join(self.examples) + (", ..." if self.count > len(self.examples) else "")


@dataclass(frozen=True)
class Account:
    """What became of all files that were given."""

    used: str
    """How many pictures were used and what for: "learned from 94, held out 24"."""
    skipped: int = 0
    """Pictures that could not be read or used."""
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader of the data inferred, one sentence each."""

    @property
    def line(self) -> str:
        """One line: "learned from 94, held out 24, skipped 3, ignored 12: 9 masks, 3 HEIC"."""
        parts = [self.used]
        parts += [f"skipped {self.skipped}"] if self.skipped else []
        parts += [said(self.ignored)] if self.ignored else []
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            "used": self.used,
            "skipped": self.skipped,
            "ignored": [asdict(one) for one in self.ignored],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Account:
        """Read what `to_json` gave. Raises `KeyError`, `TypeError` or `ValueError` for damaged content."""
        ignored = (
            Ignored(str(one["reason"]), int(one["count"]), tuple(map(str, one["examples"])))
            for one in content["ignored"]
        )
        return cls(
            str(content["used"]), int(content["skipped"]), tuple(ignored), tuple(map(str, content["notes"]))
        )


def _singular(reason: str) -> str:
    """The reason as it is said of one file."""
    noun, _, rest = reason.partition(" ")
    for plural, singular in _SINGULAR.items():
        rest = rest.replace(plural, singular)
    return f"{noun.removesuffix('s') if noun in _NOUNS else noun} {rest}".strip()


def said(ignored: Iterable[Ignored], examples: bool = False) -> str:
    """ "ignored 12: 9 masks, 3 HEIC": the whole and its parts, with the first files of each if `examples`."""
    ignored = list(ignored)
    parts = (f"{one} ({one.first})" if examples else str(one) for one in ignored)
    return f"ignored {sum(one.count for one in ignored)}: {', '.join(parts)}"


def by_reason(files: Iterable[tuple[str, str]]) -> tuple[Ignored, ...]:
    """(file, reason) pairs, counted by reason; the most frequent first, what is no picture last."""
    groups: dict[str, list[str]] = {}
    for file, reason in files:
        groups.setdefault(reason, []).append(file)
    return _in_order(
        Ignored(reason, len(names), tuple(sorted(names)[:_EXAMPLES])) for reason, names in groups.items()
    )


def _in_order(ignored: Iterable[Ignored]) -> tuple[Ignored, ...]:
    return tuple(sorted(ignored, key=lambda one: (one.reason == NO_PICTURES, -one.count, one.reason)))


def unused_samples(samples: Iterable[Sample], chosen: Iterable[Sample]) -> tuple[Ignored, ...]:
    """The samples that are not among the chosen ones, by label and split."""
    kept = {sample.id for sample in chosen}
    return by_reason((str(s.image), _reason_of(s)) for s in samples if s.id not in kept)


def _reason_of(sample: Sample) -> str:
    if sample.label == "unknown":
        return "pictures of unknown label"
    return f"{sample.label} {sample.split} pictures"


def merged(several: Iterable[Iterable[Ignored]]) -> tuple[Ignored, ...]:
    """What was ignored in several places, as one."""
    groups: dict[str, list[Ignored]] = {}
    for one in (one for ignored in several for one in ignored):
        groups.setdefault(one.reason, []).append(one)
    return _in_order(
        Ignored(reason, sum(o.count for o in ones), tuple(e for o in ones for e in o.examples)[:_EXAMPLES])
        for reason, ones in groups.items()
    )
