"""Any causal language model of `transformers`, in a folder or on the hub, as a `LanguageModel` of words alone.

In: conversations. Out: words, log-likelihoods, hidden states. A conversation is laid out by the checkpoint's own chat
template; checkpoints without one get a title line per message ("User:", its text, an empty line). Each sequence is a
pass of its own, so that no result depends on the calls beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specsight.checkpoints import load_tokenizer
from specsight.errors import SpecsightError
from specsight.language.contract import LanguageModel, Message, language_models
from specsight.language.loading import CACHES, LAST_ALONE, end_tokens, laid_out, load_model

if TYPE_CHECKING:
    import torch

WHAT = "language model"


@language_models.register("transformers")
class CausalLanguageModel(LanguageModel):
    """A causal language model of `transformers`: float32 on a CPU, the checkpoint's own precision elsewhere.

    Parameters: `name` is a folder or a hub id, `device` as `choose_device` takes it. Raises SpecsightError for a
    checkpoint without safetensors or tokenizer, or of another kind.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        loaded = load_model("AutoModelForCausalLM", name, WHAT, device)
        self.name, self.fingerprint = name, loaded.fingerprint
        self._device, self._model, self._context = loaded.device, loaded.model, loaded.context
        self._tokenizer = load_tokenizer(loaded.folder, name, WHAT)
        arguments = inspect.signature(self._model.forward).parameters
        self._cache = next((name for name in CACHES if name in arguments), None)
        self._keeps = LAST_ALONE in arguments
        self._ends = end_tokens(self._model, self._tokenizer)

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        import torch

        tokens = self._tokens(self._layout(messages))
        self._check_length(len(tokens) + max_tokens, f"with max_tokens={max_tokens}")
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        answer: list[int] = []
        text, cache, step = "", None, tokens
        while len(answer) < max_tokens:
            reading = {self._cache: cache, "use_cache": True} if self._cache else {}
            output = self._run(step, weighed=1, **reading)
            answer.append(chosen(output.logits[0, -1], generator))
            if answer[-1] in self._ends:
                break
            # Where a model gives no cache, it reads everything again.
            cache = getattr(output, self._cache, None) if self._cache else None
            step = answer[-1:] if cache is not None else [*tokens, *answer]
            text = str(self._tokenizer.decode(answer, skip_special_tokens=True))
            if any(ending in text for ending in stop):
                break
        return text

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        import torch

        layout = self._layout(messages)
        prompt = self._tokens(layout)
        likelihoods = []
        for option in options:
            together = self._tokens(layout + option)
            # Most tokenizers cut at the turn's opening; where one joins across it, the option is read by itself.
            tokens = together[len(prompt) :] if together[: len(prompt)] == prompt else self._pieces(option)
            self._check_length(len(prompt) + len(tokens), f"with the option '{option}'")
            logits = self._run([*prompt, *tokens], weighed=len(tokens) + 1).logits[0, -len(tokens) - 1 : -1]
            rows = torch.log_softmax(logits.float(), dim=1)
            likelihoods.append(float(rows[range(len(tokens)), tokens].double().sum()))
        return likelihoods

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        tokens = self._tokens(self._layout(messages))
        self._check_length(len(tokens), "alone")
        last = self._run(tokens, output_hidden_states=True).hidden_states[-1][0]
        return np.ascontiguousarray(last.float().cpu().numpy())

    def _run(self, tokens: Sequence[int], weighed: int = 1, **options: Any) -> Any:
        """One pass, with logits of the last `weighed` tokens at least."""
        import torch

        if self._keeps:
            options[LAST_ALONE] = weighed
        with torch.inference_mode():
            return self._model(input_ids=torch.tensor([list(tokens)], device=self._device), **options)

    def _layout(self, messages: Sequence[Message]) -> str:
        """A conversation as one text; it ends with the opening of the assistant's turn unless that has spoken last."""
        goes_on = messages[-1].role != "assistant"
        if self._tokenizer.chat_template is None:
            plain = [f"{message.role.title()}:\n{message.text}\n\n" for message in messages]
            return "".join([*plain, *(["Assistant:\n"] if goes_on else [])])
        turns = [{"role": message.role, "content": message.text} for message in messages]
        return laid_out(self._tokenizer, turns, WHAT, self.name)

    def _tokens(self, layout: str) -> list[int]:
        """Token numbers of a laid-out text; a chat template writes special tokens itself."""
        begin = self._tokenizer.bos_token_id if self._tokenizer.chat_template is None else None
        return [*([] if begin is None else [begin]), *self._pieces(layout)]

    def _pieces(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _check_length(self, tokens: int, how: str) -> None:
        if self._context is not None and tokens > self._context:
            raise SpecsightError(
                f"the conversation {how} has {tokens} tokens, but language model '{self.name}' takes {self._context}: "
                "shorten it, or choose a model with a longer context"
            )


def chosen(logits: torch.Tensor, generator: torch.Generator | None) -> int:
    """The likeliest token, or one drawn at temperature 1. Drawn on the CPU: the same for one seed on any device."""
    import torch

    if generator is None:
        return int(logits.argmax())
    chances = torch.softmax(logits.float().cpu(), dim=0)
    return int(torch.multinomial(chances, 1, generator=generator))
