"""A small randomly initialised causal language model, on disk as the hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONTEXT = 256
SPECIAL = ["<s>", "</s>", "<turn>"]
CHAT = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<turn>{{ m.role }}\n{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
)


def save_causal(folder: Path, *, chat: bool = False) -> Path:
    """A two-layer Llama that reads bytes; `chat`: with a chat template, which knows no system role."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.5,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    if chat:
        tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


def save_family(folder: Path, family: str) -> Path:
    """A small model that reads bytes: GPT-2, Qwen 3, Gemma 2 (sliding windows) or Mamba (recurrent)."""
    import torch
    import transformers

    torch.manual_seed(1)
    tokenizer = byte_tokenizer()
    size = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.5}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 64}
    configs = {
        "gpt2": lambda: transformers.GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=CONTEXT,
            initializer_range=0.5,
            **ends,
        ),
        "qwen3": lambda: transformers.Qwen3Config(**size, **heads, **ends, max_position_embeddings=CONTEXT),
        "gemma2": lambda: transformers.Gemma2Config(
            **size, **heads, **ends, max_position_embeddings=CONTEXT, sliding_window=16
        ),
        "mamba": lambda: transformers.MambaConfig(**size, **ends, state_size=4),
    }
    transformers.AutoModelForCausalLM.from_config(configs[family]()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def byte_tokenizer() -> Any:
    """One token a byte, and three special ones; encoded text ends with "</s>" unless special tokens are left out."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    symbols = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({symbol: k for k, symbol in enumerate(symbols)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", additional_special_tokens=["<turn>"]
    )
