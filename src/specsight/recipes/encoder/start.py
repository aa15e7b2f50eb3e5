"""Finished weights that training goes on from: an exported encoder, back in the recipe and in its modules.

In: the folder of an encoder that `export` wrote. Out: its shapes for the recipe, its tokenizer, its weights in the
modules. The distillation heads, which are not exported, are solved for (`distillation.fit`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from specsight.checkpoints import checkpoint_folder, fingerprint, load_config, load_tokenizer
from specsight.encoders.networks.dual_encoder import read_config, read_dual_encoder
from specsight.errors import SpecsightError
from specsight.recipes.encoder.joint_stage import JointHead
from specsight.recipes.encoder.recipe import EncoderRecipe, TextShape, VisionShape
from specsight.recipes.encoder.student import StudentText, text_config

WHAT = "encoder to go on from"
SAME = ("vocab_size", "intermediate_size", "type_vocab_size", "layer_norm_eps")
"""What follows, in the recipe's text tower, from its shape and its tokenizer."""


class Start:
    """The encoder in `folder`, read whole.

    Raises SpecsightError where that is damaged or has no tokenizer, and where it is of another kind than this recipe
    makes.
    """

    def __init__(self, folder: Path) -> None:
        name = str(folder)
        if not folder.is_dir():
            raise SpecsightError(
                f"{WHAT} '{name}': no such folder; give one that `specsight train encoder` wrote, or one with the same "
                "files"
            )
        found = checkpoint_folder(name, WHAT)
        load_config(found, name, WHAT)  # It says what is wrong with a broken one; what is read is read below.
        config = read_config(found)
        if config is None or len(config.vision_config.hidden_sizes) != 3:
            raise SpecsightError(
                f"'{folder}' is no encoder that this recipe makes (a ResNet of basic blocks and three stages, and a "
                "BERT, in one joint space): train from the start without --start"
            )
        vision, text = config.vision_config, config.text_config
        self.digest = fingerprint(found)
        self.tower = VisionShape(vision.embedding_size, _three(vision.hidden_sizes), _three(vision.depths))
        self.text_tower = TextShape(
            text.hidden_size, text.num_hidden_layers, text.num_attention_heads, text.max_position_embeddings
        )
        self.width = config.projection_dim
        self.tokenizer: Any = load_tokenizer(found, name, WHAT)
        made = text_config(self.text_tower, self.tokenizer)
        for key in SAME:
            value, own = getattr(text, key), getattr(made, key)
            if value != own:
                raise SpecsightError(
                    f"{WHAT} '{name}' has a text tower whose {key} is {value}; this recipe makes, for its shape and "
                    f"tokenizer, one of {own}: train from the start without --start"
                )
        self._model = read_dual_encoder(found, config, name)

    def recipe(self, recipe: EncoderRecipe) -> EncoderRecipe:
        """The stages that go on from this encoder, in its shapes; see `EncoderRecipe.going_on`."""
        return recipe.going_on(self.digest, self.tower, self.text_tower, self.width)

    def fill(self, tower: torch.nn.Module, text: StudentText, head: JointHead, share: float = 1.0) -> None:
        """Give modules of its shapes its weights, or bring them that `share` of the way to them.

        Means of weights before and after further training keep more of what was known before than the latter (WiSE-FT,
        Wortsman et al., CVPR 2022).
        """
        model = self._model
        pairs = (
            (tower, model.vision_model),
            (text.bert, model.text_model),
            (text.projection, model.text_projection),
            (head.projection, model.visual_projection),
        )
        for module, known in pairs:
            _approach(module.state_dict(), known.state_dict(), share)
        _approach({"scale": head.logit_scale.detach()}, {"scale": model.logit_scale}, share)


@torch.no_grad()
def _approach(own: dict[str, Any], known: dict[str, Any], share: float) -> None:
    """Move tensors in place by `share` of the way to those of the same name; whole numbers stay unless all of it."""
    for name, value in own.items():
        target = known[name].to(value.device)
        if value.is_floating_point():
            value.lerp_(target.to(value.dtype), share)
        elif share == 1:
            value.copy_(target)


def _three(numbers: tuple[int, ...]) -> tuple[int, int, int]:
    first, second, third = numbers
    return first, second, third
