"""Small randomly initialised vision–language checkpoints of each family, on disk as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PATCH = 16
WORDS = """
a an the photo of cropped close up bright dark jpeg corrupted blurry small large for visual inspection anomaly
detection flawless perfect unblemished without with flaw defect damage damaged on bottle tyre plate crack stain
scratch hole red blue green spot contamination open splice - , . / (UNK)
"""


def save_clip(folder: Path) -> Path:
    """CLIP: a ViT with a class token and a text transformer."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    text = {**_small(), "vocab_size": len(tokenizer), "max_position_embeddings": 32}
    text |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    vision = {**_small(), "image_size": 96, "patch_size": PATCH}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    return _saved(transformers.CLIPModel(config), tokenizer, folder)


def save_siglip(folder: Path) -> Path:
    """SigLIP: a ViT without class token, pooled by attention."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    text = {**_small(), "vocab_size": len(tokenizer), "max_position_embeddings": 32, "projection_size": 32}
    vision = {**_small(), "image_size": 96, "patch_size": PATCH}
    config = transformers.SiglipConfig(text_config=text, vision_config=vision)
    return _saved(transformers.SiglipModel(config), tokenizer, folder)


def save_dual(folder: Path) -> Path:
    """VisionTextDualEncoder: a ResNet without tokens, and BERT."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    vision = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 24, 32], depths=[1, 1, 1], layer_type="basic"
    )
    vision.hidden_size = 32
    text = transformers.BertConfig(**_small(), vocab_size=len(tokenizer), max_position_embeddings=32)
    model = transformers.VisionTextDualEncoderModel(
        vision_model=transformers.ResNetModel(vision), text_model=transformers.BertModel(text)
    )
    return _saved(model, tokenizer, folder)


FAMILIES = {"clip": save_clip, "siglip": save_siglip, "dual": save_dual}


def _small() -> dict[str, int]:
    return {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(["<s>", "</s>", *dict.fromkeys(WORDS.split())])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="(UNK)"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", unk_token="(UNK)"
    )


def _saved(model: Any, tokenizer: Any, folder: Path) -> Path:
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    colours = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25], "rescale_factor": 1 / 255}
    (folder / "preprocessor_config.json").write_text(json.dumps(colours))
    return folder
