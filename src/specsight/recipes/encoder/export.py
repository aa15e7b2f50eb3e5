"""Trained towers → one Hugging Face checkpoint in half precision: config, tokenizer, preprocessing, safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from specsight.recipes.encoder.pixels import DEVIATION, MEAN
from specsight.recipes.encoder.student import StudentText
from specsight.storage import write_json


def export(tower: Any, text: StudentText, head: Any, folder: Path) -> int:
    """Write the towers and the joint head as a `VisionTextDualEncoderModel`; returns the bytes of its weights.

    Its `visual_projection` maps every cell of the last feature map, and their mean, into the space of
    `text_projection`; the vision tower has no pooling of its own.
    """
    width, channels = head.projection.weight.shape
    vision = transformers.ResNetConfig.from_dict({**tower.config.to_dict(), "hidden_size": channels})
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        vision, text.bert.config, projection_dim=width
    )
    model = transformers.VisionTextDualEncoderModel(config)
    model.vision_model.load_state_dict(tower.state_dict())
    model.text_model.load_state_dict(text.bert.state_dict())
    model.visual_projection.load_state_dict(head.projection.state_dict())
    model.text_projection.load_state_dict(text.projection.state_dict())
    with torch.no_grad():
        model.logit_scale.copy_(head.logit_scale.clamp(1.0, 3.7))
    return save_encoder(model, text.tokenizer, folder)


def save_encoder(model: Any, tokenizer: Any, folder: Path) -> int:
    """Write a model in half precision, its tokenizer and its preprocessing; returns the bytes of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    _forget_calls(tokenizer)
    tokenizer.save_pretrained(folder)
    write_json(
        folder / "preprocessor_config.json",
        {
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": False,
            "image_mean": list(MEAN),
            "image_std": list(DEVIATION),
            "rescale_factor": 1 / 255,
        },
    )
    for path in folder.iterdir():
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def _forget_calls(tokenizer: Any) -> None:
    """Leave what the last call asked for (padding, truncation), and where it was loaded from, out of what is saved."""
    if isinstance(tokenizer, transformers.PreTrainedTokenizerFast):
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
        for key in ("is_local", "local_files_only"):
            tokenizer.init_kwargs.pop(key, None)
