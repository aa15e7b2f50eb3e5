"""An instruction → what the head attends over: kinds, words, limits, and the cells that each clause acts on.

In: an instruction, shares of parts on cells, anchors of the types that clauses name. Out: clause tokens. Scopes of one
instruction are one clause, and so are the types that alone count; what is said of one type and part is one each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Features
from specsight.specification import Ignore, Instruction, Knowledge, Specification, Tolerance
from specsight.specification.vocabulary import Vocabulary

ENLARGED = 4
SPREAD = 1.0
"""Cells by which a region of positive logits is longer than its defect, as cells see half of their neighbours."""


@dataclass(frozen=True)
class ReadClause:
    """One clause as the head reads it."""

    kind: str
    """One of `head.KINDS`."""
    types: tuple[str, ...]
    """Types that it names; of several, the likeliest counts."""
    where: Features
    """(h, w) in [0, 1]: the cells that it acts on."""
    limit_mm: float = 0.0
    """0: none."""


def read_clauses(
    instruction: Instruction,
    specification: Specification,
    parts: Mapping[str, Features],
    size: tuple[int, int],
) -> tuple[list[ReadClause], list[str]]:
    """The clauses of an instruction that act on cells (h, w), and in words those that cannot.

    `parts`: share of each part on the cells; empty where the picture has no part map. A limit of 0 accepts nothing and
    changes nothing.
    """
    names = Vocabulary.of(specification.parts)
    defects = Vocabulary.of((*specification.defects, *instruction.known_defects))
    everywhere = np.ones(size, np.float32)
    found, lost = list[ReadClause](), list[str]()

    def share(part: str) -> Features | None:
        own = [grid for name, grid in parts.items() if name == part or names.same(name, part)]
        return np.clip(np.sum(own, axis=0), 0, 1).astype(np.float32) if own else None

    inside = [share(part) for scope in instruction.scope if not scope.exclude for part in scope.parts]
    left_out = [share(part) for scope in instruction.scope if scope.exclude for part in scope.parts]
    if instruction.scope:
        away = [grid for grid in left_out if grid is not None]
        # Where a part is not known, what lies outside of all parts is not either.
        kept = [grid for grid in inside if grid is not None] if all(g is not None for g in inside) else []
        if kept or away:
            outside = 1 - np.clip(np.sum(kept, axis=0), 0, 1) if kept else np.zeros(size, np.float32)
            for grid in away:
                outside = np.maximum(outside, grid)
            found.append(ReadClause("scope", (), np.asarray(outside, np.float32)))
        lost += [
            scope.words for scope in instruction.scope if any(share(part) is None for part in scope.parts)
        ]
    if instruction.only:
        found.append(
            ReadClause(
                "only", tuple(defects.spelling(clause.defect) for clause in instruction.only), everywhere
            )
        )
    named: list[tuple[str, str, Tolerance | Ignore | Knowledge, float | None]] = [
        *(("tolerance", clause.defect, clause, clause.up_to_mm) for clause in instruction.tolerances),
        *(("tolerance", clause.defect, clause, None) for clause in instruction.ignore),
        *(("knowledge", clause.name, clause, None) for clause in instruction.known_defects),
    ]
    for kind, name, clause, limit in named:
        where = everywhere if clause.part is None else share(clause.part)
        if where is None:
            lost.append(clause.words)
        elif limit != 0:
            found.append(ReadClause(kind, (defects.spelling(name),), where, limit or 0.0))
    return found, lost


def region_sizes(logits: NDArray[np.float32], cell_mm: float | None) -> NDArray[np.float32]:
    """Longest extent in mm of the region of positive logits (h, w) that each cell is part of; 0: of none, or unknown.

    Regions are measured on an enlarged map, so that a region does not end with whole cells.
    """
    import cv2

    from specsight.images import longest_extent

    sizes = np.zeros_like(logits)
    if cell_mm is None or not (logits > 0).any():
        return sizes
    enlarged = cv2.resize(logits, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
    count, labels = cv2.connectedComponents((enlarged > 0).astype(np.uint8), connectivity=8)
    at_cells = labels[ENLARGED // 2 :: ENLARGED, ENLARGED // 2 :: ENLARGED]
    for label in range(1, count):
        extent = longest_extent(labels == label) / ENLARGED
        sizes[at_cells == label] = max(extent - SPREAD, 0.5) * cell_mm
    return sizes
