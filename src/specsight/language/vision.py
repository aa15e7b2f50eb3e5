"""Any vision-language checkpoint of `transformers`, in a folder or on the hub, as a `LanguageModel` that sees.

In: conversations with pictures. Out: words, log-likelihoods, hidden states. Pictures go through the checkpoint's own
processor, in front of the text of their message; a conversation is laid out by its own chat template. Each sequence is
a pass of its own, so that no result depends on the calls beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.language.contract import LanguageModel, Message, language_models
from specsight.language.loading import end_tokens, laid_out, load_model

WHAT = "vision-language model"


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
        self._device, self._model, self._context = loaded.device, loaded.model, loaded.context
        self._processor = _load_processor(loaded.folder, name)
        self._tokenizer = self._processor.tokenizer
        if getattr(self._processor, "chat_template", None) is None:
            raise SpecsightError(
                f"{WHAT} '{name}' has no chat template, and nothing else says where its pictures stand: add "
                "chat_template.jinja to the folder"
            )
        self._ends = sorted(end_tokens(self._model, self._tokenizer))
        # What a checkpoint brings for sampling would fill whatever a call leaves open.
        self._model.generation_config = transformers.GenerationConfig()

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        import torch
        import transformers

        inputs = self._inputs(messages)
        prompt = inputs["input_ids"].shape[1]
        self._check_length(prompt + max_tokens, f"with max_tokens={max_tokens}")
        pad = self._tokenizer.pad_token_id
        config = transformers.GenerationConfig(
            max_new_tokens=max_tokens,
            do_sample=seed is not None,
            top_k=0,
            eos_token_id=self._ends or None,
            pad_token_id=pad if pad is not None else (self._ends or [0])[0],
        )
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            if seed is not None:
                torch.manual_seed(seed)
            tokens = self._model.generate(**inputs, generation_config=config)[0, prompt:]
        text = str(self._tokenizer.decode(tokens, skip_special_tokens=True))
        return text[: min((text.index(ending) for ending in stop if ending in text), default=None)]

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        import torch

        inputs, layout = self._inputs(messages), self._layout(messages)
        prompt = inputs["input_ids"].shape[1]
        words = self._pieces(layout)
        passes: dict[tuple[int, ...], Any] = {}
        likelihoods = []
        for option in options:
            together = self._pieces(layout + option)
            # Most tokenizers cut at the turn's opening; where one joins across it, the option is read by itself.
            tokens = together[len(words) :] if together[: len(words)] == words else self._pieces(option)
            self._check_length(prompt + len(tokens), f"with the option '{option}'")
            before = tuple(tokens[:-1])
            if before not in passes:  # Options of one token, such as letters, are weighed in one pass.
                passes[before] = self._run(self._extended(inputs, before)).logits[0, prompt - 1 :].float()
            rows = torch.log_softmax(passes[before], dim=1)
            likelihoods.append(float(rows[range(len(tokens)), tokens].double().sum()))
        return likelihoods

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        inputs = self._inputs(messages)
        self._check_length(inputs["input_ids"].shape[1], "alone")
        last = self._run(inputs, output_hidden_states=True).hidden_states[-1][0]
        return np.ascontiguousarray(last.float().cpu().numpy())

    def _run(self, inputs: Any, **options: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self._model(**inputs, **options)

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
        text = laid_out(self._processor, turns, WHAT, self.name)
        begin = self._tokenizer.bos_token
        if begin and not text.startswith(begin) and self._begins_by_itself():
            text = begin + text
        return text

    def _begins_by_itself(self) -> bool:
        """Whether the tokenizer puts its first token in front of any text."""
        return bool(self._tokenizer("a")["input_ids"][0] == self._tokenizer.bos_token_id)

    def _inputs(self, messages: Sequence[Message]) -> Any:
        """Tokens and pictures, as the processor makes them. Raises SpecsightError for pictures that it refuses."""
        from PIL import Image

        pictures = [Image.fromarray(image) for message in messages for image in message.images]
        try:
            made = self._processor(
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
        return made.to(self._device, dtype=self._model.dtype)

    @staticmethod
    def _extended(inputs: Any, tokens: Sequence[int]) -> Any:
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

    def _pieces(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _check_length(self, tokens: int, how: str) -> None:
        if self._context is not None and tokens > self._context:
            raise SpecsightError(
                f"the conversation {how} has {tokens} tokens, but {WHAT} '{self.name}' takes {self._context}: show "
                "fewer or smaller pictures, or choose a model with a longer context"
            )


def _load_processor(folder: Path, name: str) -> Any:
    """What turns words and pictures into inputs; code from the checkpoint is never run."""
    import transformers

    try:
        found = transformers.AutoProcessor.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise SpecsightError(f"the processor of {WHAT} '{name}' needs another library: {reason}") from error
    except Exception as error:  # transformers raises whatever the processor's files provoke
        reason = " ".join(str(error).split())
        raise SpecsightError(
            f"{WHAT} '{name}' has no usable processor beside its weights: {reason}"
        ) from error
    if not hasattr(found, "tokenizer") or not hasattr(found, "image_processor"):
        raise SpecsightError(
            f"{WHAT} '{name}' has no processor of pictures beside its weights: add its files"
        )
    return found
