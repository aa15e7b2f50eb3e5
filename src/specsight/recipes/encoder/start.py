"""Finished weights that training goes on from: an exported encoder, back in the recipe and in its modules.

In: the folder of an encoder that `export` wrote. Out: its shapes for the recipe, its tokenizer, its weights in the
modules. The distillation heads, which are not exported, are solved for (`distillation.fit`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from specsight.checkpoints import checkpoint_folder, fingerprint, load_tokenizer, load_weights
from specsight.errors import SpecsightError
from specsight.recipes.encoder.joint_stage import JointHead
from specsight.recipes.encoder.recipe import EncoderRecipe, TextShape, VisionShape
from specsight.recipes.encoder.student import StudentText

WHAT = "encoder to go on from"


class Start:
    """The encoder in `folder`. Raises SpecsightError where that holds no encoder of the kind that this recipe makes."""

    def __init__(self, folder: Path) -> None:
        self._name = str(folder)
        self._folder = checkpoint_folder(self._name, WHAT)
        self.digest = fingerprint(self._folder)
        config = transformers.AutoConfig.from_pretrained(self._folder, local_files_only=True)
        vision: Any = getattr(config, "vision_config", None)
        text: Any = getattr(config, "text_config", None)
        kinds = (
            getattr(vision, "model_type", ""),
            getattr(vision, "layer_type", ""),
            getattr(text, "model_type", ""),
        )
        if kinds != ("resnet", "basic", "bert") or len(vision.hidden_sizes) != 3:
            raise SpecsightError(
                f"'{folder}' is no encoder that this recipe makes (a ResNet of basic blocks and three stages, and a "
                "BERT, in one joint space): train from the start without --start"
            )
        self.tower = VisionShape(vision.embedding_size, tuple(vision.hidden_sizes), tuple(vision.depths))
        self.text_tower = TextShape(
            text.hidden_size, text.num_hidden_layers, text.num_attention_heads, text.max_position_embeddings
        )
        self.width = int(config.projection_dim)

    def recipe(self, recipe: EncoderRecipe) -> EncoderRecipe:
        """The stages that go on from this encoder, in its shapes; see `EncoderRecipe.going_on`."""
        return recipe.going_on(self.digest, self.tower, self.text_tower, self.width)

    def tokenizer(self) -> Any:
        """The encoder's own tokenizer."""
        return load_tokenizer(self._folder, self._name, WHAT)

    def fill(self, tower: torch.nn.Module, text: StudentText, head: JointHead) -> None:
        """Give modules of its shapes its weights. Raises SpecsightError where the checkpoint is broken."""
        model = load_weights(
            transformers.VisionTextDualEncoderModel, self._folder, self._name, WHAT, dtype=torch.float32
        )
        tower.load_state_dict(model.vision_model.state_dict())
        text.bert.load_state_dict(model.text_model.state_dict())
        text.projection.load_state_dict(model.text_projection.state_dict())
        head.projection.load_state_dict(model.visual_projection.state_dict())
        with torch.no_grad():
            head.logit_scale.copy_(model.logit_scale)
