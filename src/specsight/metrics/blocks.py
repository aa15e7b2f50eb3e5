"""Which numbers stand in one table: the blocks of every family of metrics, in the order of the page."""

from __future__ import annotations

from collections.abc import Sequence

from specsight.metrics import language_control, told
from specsight.metrics.metric import Block

BLOCKS: tuple[Block, ...] = (*told.BLOCKS, *language_control.BLOCKS)


def in_blocks(names: Sequence[str]) -> list[Block]:
    """`names` by table: first those that stand in none of `BLOCKS`, then each block with those that there are."""
    known = {name for block in BLOCKS for name in block.names}
    others = Block("", "", tuple(name for name in names if name not in known))
    blocks = [block._replace(names=tuple(n for n in block.names if n in names)) for block in BLOCKS]
    return [block for block in (others, *blocks) if block.names]
