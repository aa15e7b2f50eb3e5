"""CLIP and SigLIP checkpoints: pictures, patches and sentences in one space.

Patches come into that space the way of MaskCLIP (Zhou et al., ECCV 2022): in the last block every token attends to
itself only, because there the attention of the original model gathers the whole picture into each token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from specsight.encoders.contract import Features
from specsight.encoders.passes.prompting import PromptedText, can_be_prompted, prompted_inputs
from specsight.encoders.passes.value_attention import two_paths
from specsight.encoders.passes.windows import window_passes
from specsight.encoders.preprocessing import Preprocessing
from specsight.encoders.pretrained import PretrainedEncoder, array
from specsight.errors import SpecsightError

TOGETHER = 64
"""Sentences read in one pass."""


class JointEncoder(PretrainedEncoder):
    """A vision-language checkpoint (CLIP, SigLIP) as an encoder that reads."""

    reads = True

    def __init__(
        self, name: str, fingerprint: str, model: Any, preprocessing: Preprocessing, folder: Path
    ) -> None:
        super().__init__(name, fingerprint, model, preprocessing)
        self._tokenizer = _load_tokenizer(folder, name)
        self._length = int(model.config.text_config.max_position_embeddings)
        # SigLIP was trained on sentences padded to full length; CLIP ignores what follows its end token.
        self._padded = model.config.model_type == "siglip"
        self.promptable = can_be_prompted(model.text_model)

    @property
    def model(self) -> Any:
        """The checkpoint itself: towers, projections and `logit_scale`, frozen."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """What cuts its sentences into tokens."""
        return self._tokenizer

    def embed_images(self, images: NDArray[np.uint8]) -> Features:
        """Pooled embeddings (B, D), unit length, in the joint space."""
        self.check_images(images)
        with torch.inference_mode(), self._one_pass:
            pooled = self._tower(pixel_values=self._pixels(images), **self._options).pooler_output
            return _unit(self._project(pooled))

    def embed_patches(self, images: NDArray[np.uint8]) -> Features:
        """Patch embeddings (B, D, h, w), unit length, in the joint space; each sees the last block alone."""
        self.check_images(images)
        before_last = self._taps[-3] if len(self._taps) > 2 else None
        if before_last is None:
            raise SpecsightError(f"encoder '{self.name}' has a single block: its patches have no joint space")
        with torch.inference_mode():
            tokens = self._run(self._pixels(images), [before_last])[before_last.layer.name]
            rows, columns = (side // before_last.layer.stride for side in images.shape[1:3])
            patches = _attend_to_self(self._taps[-2].module, tokens[:, tokens.shape[1] - rows * columns :])
            return self._joint_grid(patches, (rows, columns))

    def embed_by_values(
        self, images: NDArray[np.uint8], share: float, levels: int
    ) -> tuple[Features, list[Features]]:
        """Pooled embeddings (B, D) and, per level, patches (B, D, h, w) of a path of value-value attention."""
        if not hasattr(self._tower, "post_layernorm"):
            return super().embed_by_values(images, share, levels)
        self.check_images(images)
        blocks = [tap.module for tap in self._taps if tap.module is not None]
        size = (images.shape[1] // self.multiple, images.shape[2] // self.multiple)
        pooled: list[Features] = []
        grids: list[list[Features]] = []
        # One picture a pass, as for `layers`.
        for image in np.split(images, len(images)):
            with torch.inference_mode():
                with self._one_pass:
                    whole, read = two_paths(
                        self._tower, blocks, self._pixels(image), self._options, share, levels
                    )
                pooled.append(_unit(self._project(whole)))
                grids.append([self._joint_grid(tokens, size) for tokens in read])
        return np.concatenate(pooled), [np.concatenate(level) for level in zip(*grids)]

    def _joint_grid(self, tokens: torch.Tensor, size: tuple[int, int]) -> Features:
        """Tokens (B, n, C), patches last → patches (B, D, h, w), unit length, in the joint space."""
        patches = tokens[:, tokens.shape[1] - size[0] * size[1] :]
        joint = self._project(self._pool_each(self._tower.post_layernorm(patches)))
        unit = torch.nn.functional.normalize(joint, dim=-1)
        return array(unit.transpose(1, 2).reshape(len(tokens), -1, *size))

    def embed_windows(self, images: NDArray[np.uint8], sizes: Sequence[int]) -> list[Features]:
        """Embeddings (B, D, h - k + 1, w - k + 1), unit length, of all windows: each by a pass over its own tokens."""
        if not hasattr(self._tower, "post_layernorm"):
            return super().embed_windows(images, sizes)
        self.check_images(images)
        return [self.embed_patches(images) if k == 1 else self._windows(images, k) for k in sizes]

    def _windows(self, images: NDArray[np.uint8], size: int) -> Features:
        stride = self.multiple
        rows, columns = (side // stride - size + 1 for side in images.shape[1:3])
        pictures = []
        with torch.inference_mode():
            for image in np.split(images, len(images)):
                pixels = self._pixels(image)
                passes = window_passes(self._tower, pixels, size, stride, self._options)
                pictures.append(_unit(torch.cat([self._project(pooled) for pooled in passes])))
        joint = np.stack(pictures).reshape(len(images), rows, columns, -1)
        return np.ascontiguousarray(joint.transpose(0, 3, 1, 2))

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D), unit length; longer sentences are cut at the model's own length.

        Sentences of like length are read together: padding is most of the work otherwise.
        """
        if not texts:
            return np.zeros((0, self._width()), np.float32)
        if len(texts) <= TOGETHER:
            return self._embed(list(texts))
        lengths = self._tokenizer(list(texts), truncation=True, max_length=self._length)["input_ids"]
        order = np.argsort([len(tokens) for tokens in lengths], kind="stable")
        embedded = np.empty((len(texts), self._width()), np.float32)
        for begin in range(0, len(order), TOGETHER):
            some = order[begin : begin + TOGETHER]
            embedded[some] = self._embed([texts[int(k)] for k in some])
        return embedded

    def _embed(self, texts: list[str]) -> Features:
        padding = "max_length" if self._padded else "longest"
        tokens = self._tokenizer(
            texts, padding=padding, truncation=True, max_length=self._length, return_tensors="pt"
        )
        wanted = {"input_ids": tokens["input_ids"]}
        if not self._padded:
            wanted["attention_mask"] = tokens["attention_mask"]
        with torch.inference_mode():
            return array(self._read(wanted))

    def prompted(self, words: str, tokens: int) -> PromptedText:
        """`words` behind `tokens` learned ones, ready to be read with gradients."""
        if not self.promptable:
            raise self._cannot_be_prompted()
        inputs, start = prompted_inputs(self._tokenizer, words, tokens, self._length, self._padded)
        return PromptedText(self._model.text_model, self._read, inputs, start)

    def _read(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """Tokens → (N, D), unit length, pooled as the text tower's family pools."""
        pooled = self._model.text_model(**inputs).pooler_output
        projection = getattr(self._model, "text_projection", None)
        joint = pooled if projection is None else projection(pooled)
        return torch.nn.functional.normalize(joint, dim=-1)

    def _project(self, pooled: torch.Tensor) -> torch.Tensor:
        """CLIP keeps its projection outside the tower; SigLIP's pooling head already ends in the joint space."""
        projection = getattr(self._model, "visual_projection", None)
        return pooled if projection is None else projection(pooled)

    def _pool_each(self, patches: torch.Tensor) -> torch.Tensor:
        """SigLIP: its attention-pooling head on every patch by itself. CLIP has no head: unchanged. (B, L, D)"""
        head = getattr(self._tower, "head", None)
        return patches if head is None else head(patches.flatten(0, 1).unsqueeze(1)).view_as(patches)

    def _width(self) -> int:
        projection = getattr(self._model, "text_projection", None)
        if projection is not None:
            return int(projection.out_features)
        return int(self._model.config.text_config.hidden_size)


def _attend_to_self(block: Any, tokens: torch.Tensor) -> torch.Tensor:
    """A pre-norm block whose attention map is the identity: values pass straight to the output projection."""
    attention = block.self_attn
    tokens = tokens + attention.out_proj(attention.v_proj(block.layer_norm1(tokens)))
    result: torch.Tensor = tokens + block.mlp(block.layer_norm2(tokens))
    return result


def _load_tokenizer(folder: Path, name: str) -> Any:
    import transformers

    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # transformers raises whatever the tokenizer's files provoke
        raise SpecsightError(
            f"encoder '{name}' has no usable tokenizer beside its weights: add its tokenizer files to the folder"
        ) from error


def _unit(tensor: torch.Tensor) -> Features:
    return array(torch.nn.functional.normalize(tensor, dim=-1))
