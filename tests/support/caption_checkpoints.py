"""A small randomly initialised captioner, on disk as the hub has them."""

from __future__ import annotations

from pathlib import Path

from tests.support.language_checkpoints import byte_tokenizer


def save_captioner(folder: Path) -> Path:
    """A two-layer BLIP that reads pictures of 32 pixels and writes bytes."""
    import torch
    import transformers as t

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        **size,
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 16,
        "bos_token_id": 0,
        "sep_token_id": 1,
        "eos_token_id": 1,
        "pad_token_id": 1,
        "initializer_range": 0.5,
    }
    vision = {**size, "image_size": 32, "patch_size": 8}
    config = t.BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    t.BlipForConditionalGeneration(config).save_pretrained(folder, safe_serialization=True)
    image_processor = t.BlipImageProcessor(size={"height": 32, "width": 32})
    t.BlipProcessor(image_processor, tokenizer).save_pretrained(folder)
    return folder
