"""A picture's features and words → maps, how likely each defect is, likelihoods of answers, and answers.

In: arrays: grids of the encoder that the model was trained beside. Out: what the language model makes of them. A long
picture is pointed into window by window, each as high as it is wide: that is what the model was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Self

from specsight.encoders import JOINT, Features
from specsight.errors import SpecsightError
from specsight.language.pointing.heads import Seen
from specsight.language.pointing.model import PointingModel
from specsight.language.pointing.packing import Branch, pack
from specsight.language.pointing.saved import Description, load_pointing, pointing_fingerprint
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL
from specsight.language.pointing.windows import joined, stacked, windows_of

BUNDLED = "bundled"
SHIPPED = (BUNDLED, "smollm2")
"""Models that the package holds: a folder of that name each."""
FINE, DEEP, SUSPICION = "fine", "deep", "suspicion"
"""Grids that the heads make of the encoder's: (C, h, w), (C, h', w'), (1, h, w)."""
ANYTHING = "defect"
"""The words that stand for any defect."""
YES_NO = "Is anything wrong with the {product}?"


@dataclass(frozen=True)
class Phrase:
    """Words whose place is asked for."""

    words: str
    anchor: Features | None
    """Their embedding in the joint space, (D,), unit length; None: the encoder does not read."""


@dataclass(frozen=True)
class Pointed:
    """Where each of K phrases is."""

    margins: NDArray[np.float32]
    """(K, h, w), in logits, on the cells of the finest grid."""
    presence: NDArray[np.float32]
    """(K,): logits that the picture shows it at all."""
    yes: float
    """Logit of "Yes" against "No" to the question whether anything is wrong."""


@dataclass(frozen=True)
class Said:
    """An answer in words."""

    text: str
    """Without the tokens."""
    types: tuple[str, ...]
    """What stands before each `[SEG_DEFECT]`: the words since the last token or mark, without article; behind a whole
    sentence `ANYTHING`, for an answer that names no type ends in a token that stands for any defect."""
    margins: NDArray[np.float32]
    """(K, h, w): the map of each of them."""


class Pointer:
    """A language model that points, on one device; deterministic there."""

    home: ClassVar[Path] = Path(__file__).parent
    """Where those that ship lie."""
    ships: ClassVar[tuple[str, ...]] = SHIPPED
    made_by: ClassVar[str] = "specsight train language"

    def __init__(self, model: PointingModel, description: Description, name: str, fingerprint: str) -> None:
        self.model, self.description = model, description
        self.name, self.fingerprint = name, fingerprint

    @classmethod
    def load(cls, name: str, device: str = "auto") -> Self:
        """One that ships (`ships`; "smollm2": adapters of SmolLM2-135M-Instruct), or that of a folder.

        Raises SpecsightError for a missing extra, a folder that is none, and missing or damaged files.
        """
        from specsight.learning.device import choose_device

        folder = cls.home / name if name in cls.ships else Path(name).expanduser()
        if not folder.is_dir():
            raise SpecsightError(
                f"language model '{name}': no such folder; give {' or '.join(cls.ships)}, or the folder that "
                f"'{cls.made_by}' wrote"
            )
        return cls._of(folder, name, choose_device(device))

    @classmethod
    def _of(cls, folder: Path, name: str, device: torch.device) -> Self:
        model, description = load_pointing(folder, device)
        return cls(model, description, name, pointing_fingerprint(folder))

    def adapt(self, grids: Sequence[Features]) -> dict[str, Features]:
        """What the heads make of the encoder's grids (C_l, h_l, w_l), in the order of `Description.layers`."""
        with torch.inference_mode():
            seen = self.model.heads([self._placed(grid)[None] for grid in grids])
            return {FINE: _array(seen.fine[0]), DEEP: _array(seen.deep[0]), SUSPICION: _array(seen.suspicion)}

    def point(
        self, features: Mapping[str, Features], phrases: Sequence[Phrase], good: Features | None, product: str
    ) -> Pointed:
        """Point at each phrase.

        Parameters: `features`: what `adapt` gave and, of an encoder that reads, its joint patches (D, h', w') as
        `JOINT`; `good`: the embedding (D,) of a good part; `product`: its noun.
        """
        whole = self._seen(features)
        windows = windows_of(whole)
        layout = self.model.layout
        texts = [layout.normal, *(layout.pointing(phrase.words) for phrase in phrases)]
        question = layout.question(YES_NO.format(product=product))
        ends = np.cumsum([len(text) for text in texts]) - 1
        branches = [*(Branch(text) for text in texts), Branch(question)]
        count = len(phrases)
        with torch.inference_mode():
            seen = stacked(windows)
            states = self.model.read(self._begin(seen), pack([branches] * len(windows)).to(self.model.device))
            normal, defects = states[:, ends[0]], states[:, torch.as_tensor(ends[1:])]
            anchors = self._anchors(phrases, good, len(windows))
            rows = torch.arange(len(windows), device=self.model.device).repeat_interleave(count)
            margins = self.model.heads.margins(
                seen, rows, defects.flatten(0, 1), normal.repeat_interleave(count, 0), anchors
            )
            present = self.model.heads.present(defects.flatten(0, 1), margins).view(len(windows), count)
            odds = self.model.yes(states[:, -1]).max()
        maps = [_array(one) for one in margins.view(len(windows), count, *margins.shape[1:])]
        return Pointed(joined(maps, windows, whole), _array(present.max(0).values), float(odds))

    def weigh(self, features: Mapping[str, Features], question: str, answers: Sequence[str]) -> list[float]:
        """Log-likelihoods in nats of answers, each with the token that ends its words: no answer is likelier for being
        the beginning of another."""
        layout = self.model.layout
        tokens = [layout.pieces(f"{answer}{SEG_DEFECT}") for answer in answers]
        with torch.inference_mode():
            begin = self._begin(self._seen(features))
            return self.model.weigh(begin, layout.question(question), tokens)

    def states(self, features: Mapping[str, Features], question: str) -> NDArray[np.float32]:
        """The last layer's states (T, d) at a question's tokens."""
        branch = Branch(self.model.layout.question(question))
        with torch.inference_mode():
            packed = pack([[branch]]).to(self.model.device)
            return _array(self.model.read(self._begin(self._seen(features)), packed)[0])

    def say(
        self,
        features: Mapping[str, Features],
        question: str,
        anchors: Mapping[str, Features] | None = None,
        good: Features | None = None,
        longest: int = 160,
        seed: int | None = None,
    ) -> Said:
        """The likeliest answer of at most `longest` tokens (with a `seed`: one drawn at temperature 1), and the map of
        each defect that it names.

        `anchors`: embeddings of words that may be named; a name without one is pointed at by the other levels alone.
        """
        layout, (defect, normal) = self.model.layout, self.model.seg
        with torch.inference_mode():
            seen = self._seen(features)
            begin = self._begin(seen)
            tokens, states = [], list[Tensor]()
            for token, state in self.model.write(begin, layout.question(question), longest, seed):
                tokens.append(token)
                states.append(state)
            if (
                normal not in tokens
            ):  # A model that forgets it is made to say it: maps need something to compare with.
                forced = pack([[Branch([*layout.question(question), *tokens, normal])]]).to(self.model.device)
                states.append(self.model.read(begin, forced)[0, -1])
                tokens.append(normal)
            at = [k for k, token in enumerate(tokens) if token == defect]
            types = tuple(self._named(tokens[:k]) for k in at)
            good_state = states[tokens.index(normal)]
            margins = [
                self._margins(seen, states[k], good_state, name, anchors, good) for k, name in zip(at, types)
            ]
        text = layout.tokenizer.decode(tokens, skip_special_tokens=True)
        size = (features[FINE].shape[1], features[FINE].shape[2])
        maps = np.stack(margins) if margins else np.zeros((0, *size), np.float32)
        return Said(str(text).strip(), types, maps)

    def _margins(
        self,
        seen: Seen,
        defect: Tensor,
        normal: Tensor,
        name: str,
        anchors: Mapping[str, Features] | None,
        good: Features | None,
    ) -> NDArray[np.float32]:
        first = torch.zeros(1, dtype=torch.int64, device=self.model.device)
        given = (anchors or {}).get(name)
        pair = None
        if given is not None and good is not None:
            pair = (self._placed(given)[None], self._placed(good)[None])
        return _array(self.model.heads.margins(seen, first, defect[None], normal[None], pair)[0])

    def _named(self, tokens: Sequence[int]) -> str:
        """The words right before a token that points: since the last mark, number or little word."""
        text = str(self.model.layout.tokenizer.decode(list(tokens), skip_special_tokens=False))
        words = text.rsplit("]", 1)[-1].replace(",", " , ").split()
        if not words or words[-1][-1] in ".!?":
            return ANYTHING
        for k in range(len(words) - 1, -1, -1):
            if words[k].casefold() in _BEFORE_NAMES:
                words = words[k + 1 :]
                break
        return " ".join(words).casefold()

    def _begin(self, seen: Seen) -> Tensor:
        visual = self.model.eyes(seen)
        return self.model.begin(visual)

    @cached_property
    def _no_anchor(self) -> Features:
        return np.zeros(self.description.joint, np.float32)

    def _anchors(
        self, phrases: Sequence[Phrase], good: Features | None, windows: int
    ) -> tuple[Tensor, Tensor] | None:
        if good is None or not self.description.joint:
            return None
        defects = np.stack([self._no_anchor if one.anchor is None else one.anchor for one in phrases])
        told = self._placed(defects).repeat(windows, 1)
        return told, self._placed(good)[None].expand(len(told), -1)

    def _seen(self, features: Mapping[str, Features]) -> Seen:
        fine, deep, suspicion = (self._placed(features[name]) for name in (FINE, DEEP, SUSPICION))
        joint = self._placed(features[JOINT])[None] if self.description.joint else None
        return Seen(fine[None], deep[None], joint, suspicion)

    def _placed(self, values: Features) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.model.device)


_BEFORE_NAMES = frozenset(
    {"a", "an", "the", "no", ",", "and", "is", "times", "one", "two", "three", "four", ".", ":", "yes"}
)


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.float().cpu().numpy())


__all__ = [
    "ANYTHING",
    "BUNDLED",
    "DEEP",
    "FINE",
    "SEG_NORMAL",
    "SUSPICION",
    "Phrase",
    "Pointed",
    "Pointer",
    "Said",
]
