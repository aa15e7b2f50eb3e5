"""Small randomly initialised vision-language checkpoints, one builder per family, on disk as the hub has them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.language_checkpoints import byte_tokenizer

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
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
CLIP_LIKE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "bos_token_id": 0, "eos_token_id": 1,
    "initializer_range": 0.5, "pad_token_id": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """What a folder is written from."""

    model: Any
    images: Any
    """The image processor."""
    image_processor: str
    """Its class as the hub names it, some of which run with torchvision alone."""
    processor: str
    """Class of the processor."""
    chat: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the processor's own file says besides."""


def save_seeing(folder: Path, family: str) -> Path:
    """A model of the family that reads bytes and pictures, with its processor's files."""
    import torch

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    parts = BUILDERS[family](tokenizer)
    parts.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    parts.images.save_pretrained(folder)
    path = folder / "preprocessor_config.json"
    saved = {**json.loads(path.read_text()), "image_processor_type": parts.image_processor}
    path.write_text(json.dumps({**saved, "processor_class": parts.processor}))
    (folder / "chat_template.jinja").write_text(parts.chat)
    (folder / "processor_config.json").write_text(
        json.dumps({"processor_class": parts.processor, **parts.settings})
    )
    return folder


@cache
def seeing_model(family: str = "llava") -> str:
    """The name of such a model, as `load_language_model` takes it, made once a process and gone with it."""
    folder = tempfile.TemporaryDirectory(prefix="seeing-")
    KEPT.append(folder)
    return f"vision:{save_seeing(Path(folder.name), family)}"


KEPT: list[tempfile.TemporaryDirectory[str]] = []


def _llava(tokenizer: Any) -> Parts:
    """A CLIP tower, a fixed number of tokens a picture."""
    import transformers as t

    image = _tokens(tokenizer, "<image>")["<image>"]
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**CLIP_LIKE, image_size=28, patch_size=7),
        text_config=t.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_id=image,
        vision_feature_layer=-2,
    )
    settings = {
        "patch_size": 7,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
    }
    images = t.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=28)
    model = t.LlavaForConditionalGeneration(config)
    return Parts(model, images, "CLIPImageProcessor", "LlavaProcessor", LLAVA_CHAT, settings)


def _llava_onevision(tokenizer: Any) -> Parts:
    """A SigLIP tower: an overview and tiles of the picture with its aspect kept, a token behind each row."""
    import transformers as t

    pinpoints = [[28, 56], [56, 28], [56, 56], [28, 84]]
    image = _tokens(tokenizer, "<image>", "<video>", "<|im_start|>", "<|im_end|>")["<image>"]
    config = t.LlavaOnevisionConfig(
        vision_config=t.SiglipVisionConfig(**CLIP_LIKE, image_size=28, patch_size=7, vision_use_head=False),
        text_config=t.Qwen2Config(vocab_size=len(tokenizer), **TEXT),
        image_token_index=image,
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
    )
    images = t.LlavaOnevisionImageProcessorPil(
        size={"height": 28, "width": 28}, image_grid_pinpoints=pinpoints
    )
    return Parts(
        t.LlavaOnevisionForConditionalGeneration(config),
        images,
        "LlavaOnevisionImageProcessor",
        "LlavaOnevisionProcessor",
        CHATML.replace("IMAGE", "<image>\n"),
        {"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    )


def _qwen2_vl(tokenizer: Any) -> Parts:
    """The picture at its own aspect, as many tokens as it has blocks of 2 × 2 patches."""
    import transformers as t

    return _qwen(
        tokenizer,
        lambda text, ids: t.Qwen2VLForConditionalGeneration(
            t.Qwen2VLConfig(
                text_config=t.Qwen2VLTextConfig(**text).to_dict(),
                vision_config=t.Qwen2VLVisionConfig(
                    depth=3, embed_dim=16, hidden_size=32, num_heads=2, patch_size=7
                ).to_dict(),
                **ids,
            )
        ),
        "Qwen2VLProcessor",
    )


def _qwen2_5_vl(tokenizer: Any) -> Parts:
    """As Qwen2-VL, with attention inside of windows."""
    import transformers as t

    return _qwen(
        tokenizer,
        lambda text, ids: t.Qwen2_5_VLForConditionalGeneration(
            t.Qwen2_5_VLConfig(
                text_config=t.Qwen2_5_VLTextConfig(**text).to_dict(),
                vision_config=t.Qwen2_5_VLVisionConfig(
                    depth=3, hidden_size=16, intermediate_size=32, out_hidden_size=32, num_heads=2,
                    patch_size=7, window_size=28, fullatt_block_indexes=[2],
                ).to_dict(),
                **ids,
            )
        ),
        "Qwen2_5_VLProcessor",
    )  # fmt: skip


def _qwen(tokenizer: Any, model: Callable[[Any, Any], Any], processor: str) -> Parts:
    import transformers as t

    special = (
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    )
    tokens = _tokens(tokenizer, *special)
    text = {
        "vocab_size": len(tokenizer),
        **TEXT,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
    }
    ids = {
        "image_token_id": tokens["<|image_pad|>"],
        "video_token_id": tokens["<|video_pad|>"],
        "vision_start_token_id": tokens["<|vision_start|>"],
        "vision_end_token_id": tokens["<|vision_end|>"],
    }
    images = t.Qwen2VLImageProcessorPil(
        patch_size=7, size={"shortest_edge": 14 * 14, "longest_edge": 14 * 14 * 24}
    )
    chat = CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    return Parts(model(text, ids), images, "Qwen2VLImageProcessorFast", processor, chat)


def _idefics3(tokenizer: Any) -> Parts:
    """Pictures in tiles and an overview, as many tokens as there are tiles."""
    import transformers as t

    config = t.Idefics3Config(**_idefics_config(tokenizer))
    images = t.Idefics3ImageProcessorPil(**IDEFICS_IMAGES)
    model = t.Idefics3ForConditionalGeneration(config)
    settings = {"image_seq_len": 4}
    return Parts(model, images, "Idefics3ImageProcessor", "Idefics3Processor", IDEFICS_CHAT, settings)


def _smolvlm(tokenizer: Any) -> Parts:
    """As Idefics 3, with a processor of videos besides."""
    import transformers as t

    config = t.SmolVLMConfig(**_idefics_config(tokenizer))
    images = t.SmolVLMImageProcessorPil(**IDEFICS_IMAGES)
    model = t.SmolVLMForConditionalGeneration(config)
    settings = {"image_seq_len": 4}
    return Parts(model, images, "SmolVLMImageProcessor", "SmolVLMProcessor", IDEFICS_CHAT, settings)


IDEFICS_IMAGES = {
    "size": {"longest_edge": 64},
    "max_image_size": {"longest_edge": 32},
    "do_image_splitting": True,
}


def _idefics_config(tokenizer: Any) -> dict[str, Any]:
    import transformers as t

    image = _tokens(tokenizer, *IDEFICS_SPECIAL, *TILES)["<image>"]
    return {
        "text_config": t.LlamaConfig(vocab_size=len(tokenizer), **TEXT).to_dict(),
        "vision_config": {**CLIP_LIKE, "image_size": 32, "patch_size": 8},
        "scale_factor": 2,
        "pad_token_id": 1,
        "tie_word_embeddings": False,
        "image_token_id": image,
    }


def _internvl(tokenizer: Any) -> Parts:
    """Tiles in the arrangement whose aspect is nearest to the picture's, and an overview."""
    import transformers as t

    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    image = _tokens(tokenizer, "<|im_start|>", "<|im_end|>", *named.values())["<IMG_CONTEXT>"]
    tokenizer.init_kwargs["extra_special_tokens"] = named
    tokenizer._set_model_specific_special_tokens(named)
    config = t.InternVLConfig(
        vision_config=t.InternVLVisionConfig(**CLIP_LIKE, image_size=[28, 28], patch_size=[7, 7]).to_dict(),
        text_config=t.Qwen2Config(vocab_size=len(tokenizer), **TEXT).to_dict(),
        image_token_id=image,
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    images = t.GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, crop_to_patches=True, max_patches=6)
    return Parts(
        t.InternVLForConditionalGeneration(config),
        images,
        "GotOcr2ImageProcessorFast",
        "InternVLProcessor",
        CHATML.replace("IMAGE", "<IMG_CONTEXT>\n"),
        {"image_seq_length": 4},
    )


def _tokens(tokenizer: Any, *special: str) -> dict[str, int]:
    """Further special tokens, and their numbers."""
    tokenizer.add_special_tokens({"additional_special_tokens": ["<turn>", *special]})
    return {token: tokenizer.convert_tokens_to_ids(token) for token in special}


BUILDERS: Mapping[str, Callable[[Any], Parts]] = {
    "llava": _llava,
    "llava_onevision": _llava_onevision,
    "qwen2_vl": _qwen2_vl,
    "qwen2_5_vl": _qwen2_5_vl,
    "idefics3": _idefics3,
    "smolvlm": _smolvlm,
    "internvl": _internvl,
}
FAMILIES = tuple(BUILDERS)
