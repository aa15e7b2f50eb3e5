"""The head as a detector uses it: weights from a folder, arrays in and out.

In: tokens of one picture, word vectors, clauses. Out: logits of the anomaly under the clauses and of each type. A
fitted detector keeps the head that it was calibrated with, whatever becomes of the folder it came from. Weights that
were trained beside another encoder read margins and no word vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specsight.detectors.fusion.clauses import ReadClause, region_sizes
from specsight.detectors.fusion.tokens import NAMES, WIDTH, Tokens
from specsight.encoders import Features
from specsight.errors import SpecsightError, require
from specsight.storage import check_regular, parse_json, read_folder, read_text

if TYPE_CHECKING:
    from torch import Tensor

    from specsight.detectors.fusion.head import ClauseTokens, FusionHead

BUNDLED = "bundled"
DESCRIPTION, WEIGHTS = "fusion.json", "head.safetensors"
FORMAT = 1
ANEW = "get the folder again"
WIDEST = 4096
"""Channels of any layer of a head that is read, at most."""


@dataclass(frozen=True)
class Obeyed:
    """What the head says of one picture."""

    logits: Features
    """(h, w): of an anomaly, under the clauses."""
    typed: Features
    """(K, h, w): of an anomaly of each type."""


@dataclass(frozen=True)
class TypedWords:
    """Types by name, what their words say beyond a good part's (K, E), and margins (K, h, w) of the cells."""

    names: tuple[str | None, ...]
    vectors: Features
    margins: Features


class HeadRunner:
    """A trained head on the CPU."""

    def __init__(self, head: FusionHead, reads: bool) -> None:
        self.head, self.reads = head, reads

    @classmethod
    def load(cls, name: str, encoder: str) -> HeadRunner:
        """The head called `name`, "bundled" or a folder, beside the encoder of the fingerprint `encoder`.

        Raises SpecsightError where its files are missing or damaged.
        """
        require("torch", "models")
        folder = Path(__file__).parent / BUNDLED if name == BUNDLED else Path(name)
        if not (folder / DESCRIPTION).is_file():
            raise SpecsightError(
                f"'{folder}' has no {DESCRIPTION}: 'specsight train fusion' makes such a folder"
            )
        (head, beside), _ = read_folder(folder, lambda: _read(folder), ANEW)
        return cls(head.eval().requires_grad_(False), beside == encoder)

    def arrays(self) -> dict[str, Features]:
        """Its weights by name, for saving."""
        return {name: tensor.numpy() for name, tensor in self.head.state_dict().items()}

    def about(self) -> dict[str, Any]:
        """What else it consists of, for JSON."""
        return {"shape": asdict(self.head.shape), "reads": self.reads}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Features], about: Mapping[str, Any]) -> HeadRunner:
        """The head that `arrays` and `about` describe. Raises as dictionaries and torch do where they do not fit."""
        require("torch", "models")
        import torch

        head = _built(about["shape"], {name: torch.from_numpy(values) for name, values in arrays.items()})
        return cls(head.eval().requires_grad_(False), bool(about["reads"]))

    def run(
        self,
        tokens: Tokens,
        words: TypedWords,
        clauses: Sequence[ReadClause] = (),
        cell_mm: float | None = None,
    ) -> Obeyed:
        """The logits of tokens under clauses, whose types are among those of `words`; `cell_mm`: side of a cell."""
        import torch

        with torch.inference_mode():
            hidden, anomaly = self.head(torch.from_numpy(tokens.values)[None])
            vectors = np.zeros((len(words.names), self.head.shape.words), np.float32)
            if self.reads and words.vectors.shape == vectors.shape:
                vectors = words.vectors
            margins = torch.from_numpy(np.ascontiguousarray(words.margins))[None]
            typed = self.head.typed(hidden, torch.from_numpy(vectors)[None], margins)
            logits = anomaly
            if clauses:
                of_clauses = _clause_tokens(clauses, words.names, typed[0], margins[0])
                sizes = torch.from_numpy(region_sizes(anomaly[0].numpy(), cell_mm))[None]
                logits = anomaly + self.head.changes(hidden, anomaly, of_clauses, sizes).sum(1)
            of_types = logits[:, None] + torch.nn.functional.logsigmoid(typed)
        return Obeyed(logits[0].numpy(), of_types[0].numpy())


def _read(folder: Path) -> tuple[FusionHead, str]:
    """The head of a folder, and the fingerprint of the encoder that it was trained beside."""
    from safetensors.torch import load_file

    check_regular(folder / WEIGHTS)
    try:
        described = dict(parse_json(read_text(folder / DESCRIPTION)))
        if described["format"] != FORMAT:
            raise SpecsightError(
                f"'{folder}' holds a head of format {described['format']}; this version reads {FORMAT}: train it "
                "again with 'specsight train fusion'"
            )
        if described["tokens"] != list(NAMES):
            raise SpecsightError(
                f"'{folder}' holds a head that reads other tokens than this version makes: train it again with "
                "'specsight train fusion'"
            )
        weights = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
        head = _built(described["shape"], weights)
        return head, str(described["encoder"])
    except SpecsightError:
        raise
    except Exception as error:  # safetensors and torch raise whatever a damaged file provokes
        raise SpecsightError(f"'{folder / WEIGHTS}' is missing or damaged: {ANEW}") from error


def _built(sizes: Mapping[str, int], weights: dict[str, Tensor]) -> FusionHead:
    """A head of these sizes with these weights. Raises ValueError, TypeError or RuntimeError where they do not fit."""
    import torch

    from specsight.detectors.fusion.head import FusionHead, HeadShape

    shape = HeadShape(**sizes)
    given = (shape.tokens, shape.width, shape.words, shape.pair)
    if shape.tokens != WIDTH or not all(type(size) is int and 0 <= size <= WIDEST for size in given):
        raise ValueError(f"a head of {shape}")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("weights that are no numbers")
    with torch.device("meta"):  # What is said of sizes takes memory only where the weights agree with it.
        head = FusionHead(shape)
    head.load_state_dict(weights, assign=True)
    return head


def _clause_tokens(
    clauses: Sequence[ReadClause], names: Sequence[str | None], typed: Tensor, margins: Tensor
) -> ClauseTokens:
    """The clauses of one picture, whose types are among `names`; their logits and margins are (K, h, w)."""
    import torch

    from specsight.detectors.fusion.head import KINDS, ClauseTokens

    def largest(grids: Tensor, types: Sequence[str]) -> Tensor:
        rows = [names.index(name) for name in types]
        return grids[rows].amax(0) if rows else torch.zeros_like(grids[0])

    return ClauseTokens(
        torch.tensor([[KINDS.index(clause.kind) for clause in clauses]]),
        torch.stack([largest(typed, clause.types) for clause in clauses])[None],
        torch.stack([largest(margins, clause.types) for clause in clauses])[None],
        torch.from_numpy(np.stack([clause.where for clause in clauses]))[None],
        torch.tensor([[clause.limit_mm for clause in clauses]]),
    )
