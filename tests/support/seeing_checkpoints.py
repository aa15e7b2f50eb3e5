"""Small randomly initialised vision-language checkpoints of two families, on disk as the hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.language_checkpoints import byte_tokenizer

LLAVA_CHAT = (
    "{% for m in messages %}{{ m.role | upper }}: {% for c in m.content %}"
    "{% if c.type == 'image' %}<image>\n{% else %}{{ c.text }}{% endif %}{% endfor %}</s>{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
)
IDEFICS_CHAT = (
    "<|im_start|>{% for m in messages %}{{ m.role | capitalize }}: {% for c in m.content %}"
    "{% if c.type == 'image' %}<image>{% else %}{{ c.text }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
IDEFICS_SPECIAL = (
    "<fake_token_around_image>",
    "<image>",
    "<end_of_utterance>",
    "<global-img>",
    "<|im_start|>",
)
TILES = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
FAMILIES = ("llava", "idefics3")


def save_seeing(folder: Path, family: str) -> Path:
    """A model that reads bytes and pictures: LLaVA (a CLIP tower, a fixed number of tokens a picture) or Idefics 3,
    the family of SmolVLM (pictures in tiles, as many tokens as there are tiles)."""
    import torch

    torch.manual_seed(0)
    model, processor = _llava() if family == "llava" else _idefics3()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _llava() -> tuple[Any, Any]:
    import transformers as t

    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<turn>", "<image>"]})
    image = tokenizer.convert_tokens_to_ids("<image>")
    vision = t.CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=7,
    )
    text = t.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=0, eos_token_id=1, initializer_range=0.5,
    )  # fmt: skip
    config = t.LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=image, vision_feature_layer=-1
    )
    processor = t.LlavaProcessor(
        t.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28),
        tokenizer,
        patch_size=7,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_CHAT,
    )
    return t.LlavaForConditionalGeneration(config), processor


def _idefics3() -> tuple[Any, Any]:
    import transformers as t

    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": [*IDEFICS_SPECIAL, *TILES]})
    text = t.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=0, eos_token_id=1, initializer_range=0.5,
        pad_token_id=1,
    )  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
        "patch_size": 8,
    }  # fmt: skip
    config = t.Idefics3Config(
        text_config=text, vision_config=vision, scale_factor=2, pad_token_id=1, tie_word_embeddings=False,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    images = t.Idefics3ImageProcessor(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=True
    )
    processor = t.Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=IDEFICS_CHAT)
    return t.Idefics3ForConditionalGeneration(config), processor
