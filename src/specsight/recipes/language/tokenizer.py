"""The bundled language model's tokenizer: byte-level BPE (Sennrich et al., ACL 2016) over what it reads and says.

In: texts. Out: a `PreTrainedTokenizerFast` with a chat template. Bytes are pieces too, so that every text has tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specsight.language.pointing.tokens import TOKENS

PAD, END, USER, ASSISTANT = "<pad>", "<end>", "<user>", "<assistant>"
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}" + ASSISTANT + "{{ message['content'] }}" + END + "{% else %}"
    "" + USER + "{{ message['content'] }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)


def build_tokenizer(texts: Iterable[str], pieces: int, longest: int) -> Any:
    """A tokenizer of at most `pieces` pieces, merged where `texts` join them most often."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, END, USER, ASSISTANT, *TOKENS]
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT, *TOKENS],
        model_max_length=longest,
    )
    fast.chat_template = TEMPLATE
    return fast
