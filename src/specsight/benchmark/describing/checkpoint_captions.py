"""A `transformers` image-to-text checkpoint (BLIP, GIT, vision encoder-decoder) by folder or hub id, as a captioner.

In: good pictures. Out: the caption that most of them get. It is a model's words: kept to one plain line, marked as a
model's, and left out where it speaks of a defect, for the pictures show none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.describing.contract import Captioner, Good, captioners
from specsight.benchmark.records import Provenance, Sentence
from specsight.checkpoints import checkpoint_folder, fingerprint, load_weights
from specsight.errors import SpecsightError, printable, require
from specsight.learning.device import choose_device

WHAT = "captioner"
MOST_TOKENS = 40
LONGEST = 300
"""Characters of a caption."""
DEFECTIVE = (
    "anomal", "bent", "broken", "chip", "contaminat", "crack", "cut", "damag", "defect", "dent", "dirt", "fault",
    "flaw", "hole", "missing", "scratch", "stain", "torn",
)  # fmt: skip
"""Beginnings of words that no caption of a good part may hold."""


@captioners.register("transformers")
class CheckpointCaptioner(Captioner):
    """`transformers:FOLDER-OR-HUB-ID`: greedy captions, float32 on a CPU.

    Raises SpecsightError where the checkpoint is missing, broken, of another kind or has no processor.
    """

    def __init__(self, argument: str, device: str = "auto") -> None:
        if not argument:
            raise SpecsightError("captioner 'transformers' needs a checkpoint: transformers:FOLDER-OR-HUB-ID")
        require("torch", "models")
        require("transformers", "models")
        import torch
        import transformers

        folder = checkpoint_folder(argument, WHAT)
        self._by = f"captioner {argument} {fingerprint(folder, ('.txt', '.model'))[:12]}"
        self._device = choose_device(device)
        dtype = torch.float32 if self._device.type == "cpu" else "auto"
        model = load_weights(transformers.AutoModelForImageTextToText, folder, argument, WHAT, dtype=dtype)
        self._model = model.to(self._device)
        try:
            self._processor = transformers.AutoProcessor.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True
            )
        except Exception as error:  # transformers raises whatever the files provoke
            raise SpecsightError(
                f"captioner '{argument}' has no usable processor beside its weights: add its processor's files"
            ) from error

    def sentences(self, good: Good) -> Iterator[Sentence]:
        """The caption that most pictures get; of equally frequent ones the first by name."""
        captions = Counter(filter(None, (plain(self._caption(one.rgb)) for one in good.examples)))
        if not captions:
            return
        text, count = min(captions.items(), key=lambda item: (-item[1], item[0]))
        names = [name for one in (good.specification.defects if good.specification else ())
                 for name in (one.name, *one.phrases)]  # fmt: skip
        if speaks_of_defects(text, names):
            return
        yield Sentence(
            aspect="object",
            text=text,
            provenance=Provenance(source="model", by=self._by),
            values={"share": round(count / len(good.examples), 3)},
        )

    def _caption(self, rgb: NDArray[np.uint8]) -> str:
        import torch

        inputs: Any = self._processor(images=rgb, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            tokens = self._model.generate(**inputs, max_new_tokens=MOST_TOKENS, do_sample=False, num_beams=1)
        return str(self._processor.batch_decode(tokens, skip_special_tokens=True)[0])


def plain(caption: str) -> str:
    """A caption as one line that ends in a full stop, without what steers a terminal; empty for one that says nothing
    and for one that is too long."""
    words = " ".join(printable(caption).split()).rstrip(".")
    return f"{words[0].upper()}{words[1:]}." if words and len(words) <= LONGEST else ""


def speaks_of_defects(caption: str, names: Iterable[str]) -> bool:
    """Whether a caption holds the beginning of a word for damage, or one of the `names` of defects."""
    beginnings = "|".join(map(re.escape, [*DEFECTIVE, *(name for name in names if name)]))
    return re.search(rf"\b({beginnings})", caption, re.IGNORECASE) is not None
