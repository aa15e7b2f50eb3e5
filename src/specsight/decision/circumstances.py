"""What rules of decisions need to know of the picture and the detector, beside the judgement and its findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from specsight.calibration import ScopedThreshold
from specsight.findings import Focus
from specsight.records import Finding, Presence
from specsight.specification.clauses import Clause
from specsight.specification.vocabulary import Vocabulary


@dataclass(frozen=True)
class Circumstances:
    """What rules need to know beside judgement and findings."""

    types: Collection[str] = ()
    """Defect types that the judgement has maps of."""
    parts: NDArray[np.uint8] | None = None
    """(H, W) values of `part_names`, 0 where no part is."""
    part_names: Mapping[int, str] = field(default_factory=dict)
    defect_words: Vocabulary = field(default_factory=lambda: Vocabulary(()))
    """Names and phrases of the product's defect types: a clause may name a type by any of its phrases."""
    part_words: Vocabulary = field(default_factory=lambda: Vocabulary(()))
    """The same for its parts."""
    given: Collection[Clause] = ()
    """Those of the clauses that this picture was given with, not the specification's. They are meant for what it shows:
    a finding that may be of their type as well is taken to be. What a specification accepts, it accepts of every
    picture: there, the type must be the likeliest one."""
    scale_known: bool = False
    """Whether findings have lengths in millimetres."""
    least_mm: float | None = None
    """Shortest length that the detector's maps tell here: smaller defects are measured as that long. None: unknown."""
    follows_words: bool = False
    """Whether the types that the instruction teaches have been looked for."""
    taught: Collection[str] = ()
    """Types that the detector's own maps hold because an instruction, and nothing else, names them."""
    named: Mapping[int, Clause] = field(default_factory=dict)
    """Numbers of findings that the score does not tell of: those of types that were looked for by name, with the clause
    that names each. They reject whatever the score says."""
    presence: Mapping[Clause, Presence] = field(default_factory=dict)
    """What looking for features in the picture itself found, by the requirement that asks for them."""
    circular: bool = False
    inside: NDArray[np.bool_] | None = None
    """(H, W): pixels in the scope; None: all of them."""
    limit: ScopedThreshold | None = None
    """What the map may reach in the scope; None: there is no scope, or no promise of its own for it."""

    score_of_map: bool = False
    """Whether the score says nothing that the map does not say too."""

    @property
    def focus(self) -> Focus | None:
        """The scope as findings know it, where the picture has one with a threshold of its own."""
        if self.inside is None or self.limit is None:
            return None
        return Focus(self.inside, self.limit.threshold)

    @cached_property
    def visible(self) -> frozenset[int]:
        """The values that the part map holds."""
        return (
            frozenset() if self.parts is None else frozenset(np.flatnonzero(np.bincount(self.parts.ravel())))
        )

    def same_defect(self, first: str | None, *others: str) -> bool:
        """Whether a type is one of the others, each by its name or a phrase of it."""
        return first is not None and any(self.defect_words.same(first, other) for other in others)

    def may_be(self, finding: Finding, *types: str) -> bool:
        """Whether a finding is of one of the types, or may be as well."""
        return any(self.same_defect(type_, *types) for type_ in (finding.type, *finding.also))

    def same_part(self, first: str | None, *others: str) -> bool:
        """Whether a part is one of the others, each by its name or a phrase of it."""
        return first is not None and any(self.part_words.same(first, other) for other in others)
