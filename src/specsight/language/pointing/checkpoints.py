"""Vision-language checkpoints that point: `[SEG_DEFECT]` and `[SEG_NORMAL]` on LLaVA, Qwen-VL, SmolVLM, InternVL, ...

In: a checkpoint that sees, conversations with a picture, and answers that end in the tokens. Out: a map for each
`[SEG_DEFECT]`, in their order, and losses as LISA has them (Lai et al., CVPR 2024). One code path for every family:
what the checkpoint's own vision tower sees at several depths is compared with the hidden states of the tokens, each at
its own place in the sequence, which is found after the expansion of image tokens, in training and in use alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import Self

from specsight.errors import SpecsightError
from specsight.features.grids import on_picture
from specsight.images import Cells, Frame
from specsight.images.cells import resampled
from specsight.language.contract import Message
from specsight.language.pointing.adapters import Lora, adapted
from specsight.language.pointing.heads import DenseHeads
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL, add_tokens, harmless
from specsight.language.vision import VisionLanguageModel
from specsight.language.visual_grids import VisualGrids, tower_of, tower_width, visual_grids, watching
from specsight.learning.losses import dice, focal

SEG = (SEG_DEFECT, SEG_NORMAL)
LORA = Lora(rank=8, alpha=16)
"""LISA's."""
WORDS_WEIGHT, FOCAL_WEIGHT, DICE_WEIGHT = 1.0, 2.0, 0.5
"""LISA's."""
SIGMA = 0.0
"""Maps are drawn as they are."""


@dataclass(frozen=True)
class Example:
    """A picture with a question, and the answer that is to be learned. Raises ValueError where masks do not fit."""

    picture: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    question: str
    answer: str
    """With one `[SEG_DEFECT]` behind each type that it names, and `[SEG_NORMAL]` at its end."""
    masks: NDArray[np.bool_]
    """(K, H, W): where what each `[SEG_DEFECT]` stands for is, in their order; all false: nowhere."""

    def __post_init__(self) -> None:
        count = self.answer.count(SEG_DEFECT)
        if self.masks.shape != (count, *self.picture.shape[:2]):
            raise ValueError(
                f"an answer with {count} {SEG_DEFECT} needs masks ({count}, H, W) of its picture's size, got "
                f"{self.masks.shape}"
            )
        if self.answer.count(SEG_NORMAL) != 1:
            raise ValueError(f"an answer needs one {SEG_NORMAL}")

    @property
    def conversation(self) -> list[Message]:
        """What is asked."""
        return [Message("user", self.question, (self.picture,))]


@dataclass(frozen=True)
class Read:
    """A conversation with its answer, read in one pass."""

    words: Tensor
    """(A, V): logits of each token of the answer."""
    defects: Tensor
    """(K, d): states at each `[SEG_DEFECT]` of the answer, in their order."""
    normal: Tensor
    """(1, d): the state at its last `[SEG_NORMAL]`; (0, d) where there is none."""
    positions: tuple[int, ...]
    """Where those tokens stand in the sequence, the normal one last."""
    seen: VisualGrids


@dataclass(frozen=True)
class Answered:
    """An answer in words with the map of each defect that it names."""

    text: str
    """Without the tokens."""
    maps: NDArray[np.float32]
    """(K, H, W), in logits, at the picture's own resolution."""


class PointingCheckpoint(nn.Module):
    """A vision-language model with tokens that point; adapters, the tokens' rows and the heads learn, nothing else."""

    def __init__(
        self, seeing: VisionLanguageModel, lora: Lora = LORA, levels: int = 4, width: int = 128, seed: int = 0
    ) -> None:
        """`seeing` is changed: it knows the tokens from here on. `levels`: depths of the vision tower that are compared
        with; `width`: dimensions in which they are; `seed`: of the heads' first weights.

        Raises SpecsightError for a family whose tower is not known, and for a missing extra.
        """
        super().__init__()
        tower = tower_of(seeing.network)
        add_tokens(seeing.tokenizer, seeing.network, SEG)
        inside = {id(module) for module in tower.modules()}
        targets = tuple(
            name
            for name, module in seeing.network.named_modules()
            if name.endswith(tuple(f".{end}" for end in lora.targets)) and id(module) not in inside
        )
        if not targets:
            raise SpecsightError(
                f"{seeing.name} has no layers {', '.join(lora.targets)} to adapt: name those of its queries and values "
                "(Lora.targets)"
            )
        chosen = Lora(lora.rank, lora.alpha, targets)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = adapted(seeing.network, seeing.tokenizer, chosen, SEG)
            hidden = int(seeing.network.config.get_text_config().hidden_size)
            self.heads = DenseHeads((tower_width(tower),) * levels, hidden, 0, width).to(seeing.device)
        self.seeing, self.levels = seeing, levels
        self.eval()

    @classmethod
    def load(cls, name: str, device: str = "auto", **options: Any) -> Self:
        """The vision-language checkpoint `name`, a folder or a hub id, with tokens that have learned nothing yet."""
        return cls(VisionLanguageModel(name, device), **options)

    def read(self, messages: Sequence[Message], answer: Sequence[int]) -> Read:
        """Read a conversation with one picture and the token numbers of its answer.

        Tokens that a person wrote into the conversation point nowhere: only those of the answer count.
        """
        seeing = self.seeing
        inputs = seeing.inputs(_harmless(messages, seeing.tokenizer))
        prompt = inputs["input_ids"].shape[1]
        longer = seeing.extended(inputs, answer)
        with watching(self.network, self.levels) as watched:
            output = self.network(**longer, output_hidden_states=True, use_cache=False)
        (picture,) = [image for message in messages for image in message.images]
        size = (picture.shape[0], picture.shape[1])
        (seen,) = visual_grids(watched, self.network, seeing.processor, [size], longer)
        states = output.hidden_states[-1][0].float()
        defect, normal = (seeing.tokenizer.convert_tokens_to_ids(token) for token in SEG)
        at = [prompt + k for k, token in enumerate(answer) if token == defect]
        last = [prompt + k for k, token in enumerate(answer) if token == normal][-1:]
        words = output.logits[0, prompt - 1 : prompt - 1 + len(answer)].float()
        return Read(words, states[at], states[last], (*at, *last), seen)

    def margins(self, read: Read) -> Tensor:
        """Margins (K, h, w) in logits of each `[SEG_DEFECT]` against `[SEG_NORMAL]`, on the cells of `read.seen`."""
        seen = self.heads([level[None].detach().float() for level in read.seen.levels])
        first = torch.zeros(len(read.defects), dtype=torch.int64, device=read.defects.device)
        margins: Tensor = self.heads.margins(seen, first, read.defects, read.normal.expand_as(read.defects))
        return margins

    def loss(self, examples: Sequence[Example]) -> tuple[Tensor, dict[str, float]]:
        """The mean over examples of: cross-entropy of the answer's tokens + 2 focal + 0.5 Dice of its maps.

        Dice is left out of maps that show nothing. Returns the sum, and each loss by name.
        """
        parts = [self._losses(example) for example in examples]
        means = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        total = WORDS_WEIGHT * means["words"] + FOCAL_WEIGHT * means["focal"] + DICE_WEIGHT * means["dice"]
        return total, {name: float(value.detach()) for name, value in means.items()}

    def point(self, messages: Sequence[Message], answer: str) -> NDArray[np.float32]:
        """Maps (K, H, W) in logits of an answer that is given, one for each `[SEG_DEFECT]` in it."""
        with torch.inference_mode():
            return self._drawn(messages, self._compared(messages, self.tokens(answer)))

    def say(self, messages: Sequence[Message], longest: int = 160) -> Answered:
        """The likeliest answer, at most `longest` tokens, with the map of each defect that it names."""
        tokens = self.seeing.written(_harmless(messages, self.seeing.tokenizer), longest)
        text = str(self.seeing.tokenizer.decode(tokens, skip_special_tokens=True)).strip()
        with torch.inference_mode():
            return Answered(text, self._drawn(messages, self._compared(messages, tokens)))

    def tokens(self, answer: str) -> list[int]:
        """Token numbers of an answer; those that point are one each."""
        return self.seeing.pieces(answer)

    def _compared(self, messages: Sequence[Message], answer: Sequence[int]) -> Read:
        """An answer that lacks `[SEG_NORMAL]` gets it behind its end: maps need something to compare with."""
        normal = self.seeing.tokenizer.convert_tokens_to_ids(SEG_NORMAL)
        return self.read(messages, answer if normal in answer else [*answer, normal])

    def _losses(self, example: Example) -> dict[str, Tensor]:
        answer = [*self.tokens(example.answer), int(self.seeing.tokenizer.eos_token_id)]
        read = self.read(example.conversation, answer)
        words = functional.cross_entropy(read.words, torch.tensor(answer, device=read.words.device))
        margins = self.margins(read)
        targets = torch.from_numpy(_on_cells(example.masks, read.seen.cells)).to(margins.device)
        none = margins.sum() * 0
        maps = [
            (focal(torch.stack([none.expand_as(m), m]), torch.stack([1 - t, t])), dice(torch.sigmoid(m), t))
            for m, t in zip(margins, targets)
        ]
        shown = [loss for (_, loss), target in zip(maps, targets) if target.any()]
        return {
            "words": words,
            "focal": torch.stack([loss for loss, _ in maps]).mean() if maps else none,
            "dice": torch.stack(shown).mean() if shown else none,
        }

    def _drawn(self, messages: Sequence[Message], read: Read) -> NDArray[np.float32]:
        (picture,) = [image for message in messages for image in message.images]
        size = (picture.shape[0], picture.shape[1])
        frame = Frame(size, size, (0, 0), size)
        if not len(read.defects):
            return np.zeros((0, *size), np.float32)
        return np.stack(
            [on_picture(one, read.seen.cells, frame, SIGMA) for one in self.margins(read).cpu().numpy()]
        )


def _on_cells(masks: NDArray[np.bool_], cells: Cells) -> NDArray[np.float32]:
    """Shares in [0, 1] of cells that masks (K, H, W) cover, (K, h, w)."""
    size = (masks.shape[1], masks.shape[2])
    return resampled(np.asarray(masks, np.float32), Cells.over(size, size), cells)


def _harmless(messages: Sequence[Message], tokenizer: Any) -> list[Message]:
    """A conversation without special tokens in its words."""
    return [Message(one.role, harmless(one.text, tokenizer), one.images) for one in messages]
