"""Any vision-language checkpoint of `transformers`, in a folder or on the hub, as a `LanguageModel` that sees.

In: conversations with pictures. Out: words, log-likelihoods, hidden states, attention to pictures. Pictures go through
the checkpoint's own processor, in front of the text of their message; a conversation is laid out by its own chat
template. Each sequence is a pass of its own, so that no result depends on the calls beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.language.contract import AttentionGrid, LanguageModel, Message, language_models
from specsight.language.image_tokens import LAYOUTS, family, image_positions, picture_tokens
from specsight.language.loading import CACHES, LAST_ALONE, end_tokens, laid_out, load_model
from specsight.language.processors import load_processor, shown

WHAT = "vision-language model"
TRIED = (40, 60)
"""Rows and columns of the picture that is tried on loading."""


@language_models.register("vision")
class VisionLanguageModel(LanguageModel):
    """A vision-language model of `transformers`: float32 on a CPU, the checkpoint's own precision elsewhere.

    Parameters: `name` is a folder or a hub id, `device` as `choose_device` takes it. Raises SpecsightError for a
    checkpoint without safetensors, processor or chat template, or of another kind.
    """

    sees = True

    def __init__(self, name: str, device: str = "auto") -> None:
        loaded = load_model("AutoModelForImageTextToText", name, WHAT, device)
        import transformers

        self.name, self.fingerprint = name, loaded.fingerprint
        self.device, self.network, self._context = loaded.device, loaded.model, loaded.context
        self.processor = load_processor(loaded.folder, name, WHAT)
        self.tokenizer = self.processor.tokenizer
        self._takes = inspect.signature(self.network.forward).parameters
        self.attends = family(self.network.config) in LAYOUTS
        self._ends = sorted(end_tokens(self.network, self.tokenizer))
        # What a checkpoint brings for sampling would fill whatever a call leaves open.
        self.network.generation_config = transformers.GenerationConfig()
        # Files that do not belong together are told now, and not at the first picture.
        self.inputs([Message("user", "?", (np.full((*TRIED, 3), 128, np.uint8),))])

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        tokens = self.written(messages, max_tokens, seed)
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def written(self, messages: Sequence[Message], longest: int, seed: int | None = None) -> list[int]:
        """The numbers of at most `longest` tokens that the assistant says next, special ones among them; see
        `generate`."""
        import torch
        import transformers

        inputs = self.inputs(messages)
        prompt = inputs["input_ids"].shape[1]
        self._check_length(prompt + longest, f"with max_tokens={longest}")
        pad, image = self.tokenizer.pad_token_id, getattr(self.network.config, "image_token_id", None)
        config = transformers.GenerationConfig(
            max_new_tokens=longest,
            do_sample=seed is not None,
            top_k=0,
            eos_token_id=self._ends or None,
            # No picture stands behind an image token that is written.
            suppress_tokens=[image] if image is not None else None,
            pad_token_id=pad if pad is not None else (self._ends or [0])[0],
        )
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            if seed is not None:
                torch.manual_seed(seed)
            return list(self.network.generate(**inputs, generation_config=config)[0, prompt:].tolist())

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        import torch

        inputs, layout = self.inputs(messages), self._layout(messages)
        prompt = inputs["input_ids"].shape[1]
        words = self.pieces(layout)
        passes: dict[tuple[int, ...], Any] = {}
        likelihoods = []
        for option in options:
            together = self.pieces(layout + option)
            # Most tokenizers cut at the turn's opening; where one joins across it, the option is read by itself.
            tokens = together[len(words) :] if together[: len(words)] == words else self.pieces(option)
            self._check_length(prompt + len(tokens), f"with the option '{option}'")
            before = tuple(tokens[:-1])
            if before not in passes:  # Options of one token, such as letters, are weighed in one pass.
                passes[before] = self._logits(self.extended(inputs, before), 1 + len(before))
            rows = torch.log_softmax(passes[before], dim=1)
            likelihoods.append(float(rows[range(len(tokens)), tokens].double().sum()))
        return likelihoods

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        inputs = self.inputs(messages)
        self._check_length(inputs["input_ids"].shape[1], "alone")
        last = self._run(inputs, output_hidden_states=True).hidden_states[-1][0]
        return np.ascontiguousarray(last.float().cpu().numpy())

    def _attention(
        self, messages: Sequence[Message], depth: tuple[float, float]
    ) -> list[tuple[AttentionGrid, ...]]:
        """The last token is read by itself, behind the others' keys and values: all tokens' attention to each other
        would be gigabytes."""
        import torch

        inputs = self.inputs(messages)
        ids = inputs["input_ids"]
        self._check_length(ids.shape[1], "alone")
        kept = self._last_logits(1)
        cache = next(name for name in CACHES if name in self._takes)
        before = {k: v[:, :-1] if v.shape == ids.shape else v for k, v in inputs.items()}
        read = self._run(before, use_cache=True, **kept)
        with self._attending_openly():
            behind = {"input_ids": ids[:, -1:], cache: read[cache]}
            last = self._run(behind, output_attentions=True, **kept)
        layers = [weights for weights in last.attentions if weights is not None]
        chosen = _within(len(layers), depth)
        shares = torch.stack([layers[k][0, :, -1].float().mean(0) for k in chosen]).mean(0).cpu().numpy()
        return self._on_pictures(messages, inputs, np.asarray(shares, np.float32))

    def _on_pictures(
        self, messages: Sequence[Message], inputs: Any, values: NDArray[np.float32]
    ) -> list[tuple[AttentionGrid, ...]]:
        """Values (T,) of a sequence's tokens on the grids of each picture."""
        pictures = picture_tokens(self.network, self.processor, _sizes(messages), inputs)
        assert pictures is not None
        positions, first = image_positions(self.network, inputs), 0
        found = []
        for picture in pictures:
            own = values[positions[first : first + picture.count]]
            found.append(tuple(AttentionGrid(own[grid.tokens], grid.cells) for grid in picture.grids))
            first += picture.count
        return found

    @contextmanager
    def _attending_openly(self) -> Iterator[None]:
        """Attention as `transformers` writes it out, the only kind that tells its weights."""
        config = self.network.config.get_text_config()
        usual = config._attn_implementation
        self.network.set_attn_implementation({"text_config": "eager"})
        try:
            yield
        finally:
            self.network.set_attn_implementation({"text_config": usual})

    def _logits(self, inputs: Any, last: int) -> Any:
        """Logits (last, V) of what follows each of the `last` tokens of a sequence."""
        return self._run(inputs, **self._last_logits(last)).logits[0, -last:].float()

    def _last_logits(self, last: int) -> dict[str, int]:
        """What keeps a model from computing the logits of thousands of image tokens."""
        return {LAST_ALONE: last} if LAST_ALONE in self._takes else {}

    def _run(self, inputs: Any, **options: Any) -> Any:
        import torch

        try:
            with torch.inference_mode():
                return self.network(**inputs, **options)
        except ValueError as error:  # of a family whose image tokens are not known here, by the model itself
            reason = " ".join(str(error).split())
            raise SpecsightError(
                f"{WHAT} '{self.name}' refuses what its processor made of the conversation: {reason}"
            ) from error

    def _layout(self, messages: Sequence[Message]) -> str:
        """A conversation as one text with a place for each picture; it ends with the opening of the assistant's turn
        unless that has spoken last."""
        turns = [
            {
                "role": message.role,
                "content": [
                    *({"type": "image"} for _ in message.images),
                    {"type": "text", "text": message.text},
                ],
            }
            for message in messages
        ]
        text = laid_out(self.tokenizer, turns, WHAT, self.name)
        begin = self.tokenizer.bos_token
        if begin and not text.startswith(begin) and self._begins_by_itself():
            text = begin + text
        return text

    def _begins_by_itself(self) -> bool:
        """Whether the tokenizer puts its first token in front of any text."""
        return bool(self.tokenizer("a")["input_ids"][0] == self.tokenizer.bos_token_id)

    def inputs(self, messages: Sequence[Message]) -> Any:
        """Tokens and pictures of a conversation, as the processor makes them, on the model's device.

        Raises SpecsightError for pictures that it refuses.
        """
        from PIL import Image

        pictures = [
            Image.fromarray(shown(self.processor, image)) for message in messages for image in message.images
        ]
        try:
            made = self.processor(
                text=[self._layout(messages)],
                images=[pictures] if pictures else None,
                return_tensors="pt",
                add_special_tokens=False,
            )
        except SpecsightError:
            raise
        except Exception as error:  # processors raise whatever pictures they cannot take provoke
            reason = " ".join(str(error).split())
            raise SpecsightError(f"{WHAT} '{self.name}' cannot read this conversation: {reason}") from error
        self._check_image_tokens(messages, made)
        return made.to(self.device, dtype=self.network.dtype)

    def _check_image_tokens(self, messages: Sequence[Message], inputs: Any) -> None:
        """Raise SpecsightError unless as many image tokens stand in the text as the pictures have features."""
        pictures = picture_tokens(self.network, self.processor, _sizes(messages), inputs)
        if pictures is None:
            return
        tokens, features = len(image_positions(self.network, inputs)), sum(one.count for one in pictures)
        if tokens != features:
            raise SpecsightError(
                f"the processor of {WHAT} '{self.name}' writes {tokens} image tokens for pictures that have {features} "
                "features: its processor_config.json, preprocessor_config.json and config.json do not belong together"
            )

    @staticmethod
    def extended(inputs: Any, tokens: Sequence[int]) -> Any:
        """The same inputs with further tokens behind the text."""
        import torch

        if not tokens:
            return inputs
        ids = inputs["input_ids"]
        longer = {}
        for name, values in inputs.items():
            if values.shape == ids.shape:
                more = tokens if name == "input_ids" else [int(name == "attention_mask")] * len(tokens)
                values = torch.cat([values, values.new_tensor([list(more)])], dim=1)
            longer[name] = values
        return longer

    def pieces(self, text: str) -> list[int]:
        """Token numbers of a text."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _check_length(self, tokens: int, how: str) -> None:
        if self._context is not None and tokens > self._context:
            raise SpecsightError(
                f"the conversation {how} has {tokens} tokens, but {WHAT} '{self.name}' takes {self._context}: show "
                "fewer or smaller pictures, or choose a model with a longer context"
            )


def _sizes(messages: Sequence[Message]) -> list[tuple[int, int]]:
    """Rows and columns of a conversation's pictures, in their order."""
    return [(image.shape[0], image.shape[1]) for message in messages for image in message.images]


def _within(layers: int, depth: tuple[float, float]) -> list[int]:
    """The layers whose middles lie within a range of depths in [0, 1]; the nearest to its middle where none does."""
    middles = (np.arange(layers) + 0.5) / layers
    inside = np.flatnonzero((middles >= depth[0]) & (middles <= depth[1]))
    return [int(k) for k in inside] or [int(np.abs(middles - sum(depth) / 2).argmin())]
