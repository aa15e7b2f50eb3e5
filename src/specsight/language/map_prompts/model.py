"""A language model that reads a map: the eyes and words of one that points, a decoder of maps, a learner of prompts.

In: grids of a frozen encoder, a map. Out: the begin of a sequence behind which questions stand. What the language model
is told of places comes from the map alone: those that it is shown once more are the map's highest.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.language.map_prompts.maps import MapDecoder, PromptLearner
from specsight.language.pointing.heads import Seen
from specsight.language.pointing.model import PointingModel
from specsight.language.pointing.saved import (
    Description,
    load_pointing,
    pointing_fingerprint,
    save_pointing,
)
from specsight.storage import sha256, whole_folder

SPEAKER, MAPS = "speaker", "maps.safetensors"
"""Of a saved model: the folder of the model that points, and the decoder with the learner of prompts beside it."""


class MapPrompted(nn.Module):
    """`speaker` with a decoder of maps, and prompts made of one."""

    def __init__(self, speaker: PointingModel) -> None:
        """Raises SpecsightError where its encoder does not read."""
        super().__init__()
        if not speaker.shape.joint:
            raise SpecsightError("maps by words need an encoder that reads, and this language model has none")
        hidden = int(speaker.language.config.get_text_config().hidden_size)
        self.speaker = speaker
        self.decoder = MapDecoder(speaker.shape.channels, speaker.shape.joint)
        self.prompts = PromptLearner(hidden)

    def begin(self, seen: Seen, logits: Tensor) -> Tensor:
        """The begin (B, P, d) of sequences about pictures with their maps (B, h, w): the opening, visual tokens of the
        whole and of the map's highest places, prompts of the map."""
        visual = self.speaker.eyes(replace(seen, suspicion=logits))
        return self.speaker.begin(torch.cat([visual, self.prompts(logits)], 1))


def save_prompted(model: MapPrompted, encoder: Encoder, language_model: str, folder: Path) -> int:
    """Write a model in half precision; returns its bytes."""
    from safetensors.torch import save_file

    with whole_folder(folder, replace=True) as temporary:
        save_pointing(model.speaker, encoder, language_model, None, temporary / SPEAKER)
        half = {
            f"{part}.{name}": tensor.detach().to(torch.float16).cpu().contiguous()
            for part, module in (("decoder", model.decoder), ("prompts", model.prompts))
            for name, tensor in module.state_dict().items()
        }
        save_file(half, temporary / MAPS)
        (temporary / MAPS).chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def load_prompted(folder: Path, device: torch.device | str = "cpu") -> tuple[MapPrompted, Description]:
    """The model of a folder, in float32 and evaluation mode, and what it was trained beside.

    Raises SpecsightError where files are missing or damaged.
    """
    from safetensors.torch import load_file

    path = folder / MAPS
    if not path.is_file():
        raise SpecsightError(
            f"'{folder}' has no {MAPS}: it is no language model that reads maps; 'specsight train anomalygpt' makes one"
        )
    speaker, description = load_pointing(folder / SPEAKER, device)
    model = MapPrompted(speaker)
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        for part, module in (("decoder", model.decoder), ("prompts", model.prompts)):
            start = f"{part}."
            module.load_state_dict({k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)})
    except Exception as error:  # safetensors and torch raise whatever a damaged file provokes
        raise SpecsightError(f"'{path}' is damaged: get the model folder again") from error
    return model.to(device).eval().requires_grad_(False), description


def prompted_fingerprint(folder: Path) -> str:
    """Hex digest over everything in a folder that decides what the model says."""
    import hashlib

    own = f"{pointing_fingerprint(folder / SPEAKER)} {sha256(folder / MAPS)}"
    return hashlib.sha256(own.encode()).hexdigest()
