"""The encoder's recipe at a size that trains in a second, and what it learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
import transformers

from specsight.learning.schedule import Schedule
from specsight.recipes.encoder.recipe import (
    EncoderRecipe,
    JointStage,
    TextShape,
    TextStage,
    VisionShape,
    VisionStage,
)
from specsight.recipes.encoder.train import Sources
from specsight.recipes.run import RunOptions

WORDS = ("the", "of", "surface", "house", "river", "green", "idea", "stone", "paper", "number")


def schedule(steps: int, checkpoint_every: int = 1) -> Schedule:
    return Schedule(
        steps=steps,
        rate=1e-3,
        warmup=1,
        cooldown=0.0,
        weight_decay=0.02,
        decay_vectors=False,
        validate_every=100,
        checkpoint_every=checkpoint_every,
    )


def recipe(steps: int) -> EncoderRecipe:
    joint = JointStage(schedule(steps), sides=(64,), pixels=4 * 64 * 64, tyres=1, tyre_size=64, held_out=2)
    return EncoderRecipe(
        options=RunOptions(workers=0),
        width=32,
        tower=VisionShape(stem=8, widths=(8, 16, 32), depths=(1, 1, 1)),
        text_tower=TextShape(hidden=32, layers=2, heads=2, words=10, endings=3),
        vision=VisionStage(schedule(steps), sides=(64,), pixels=3 * 64 * 64, held_out=2),
        text=TextStage(schedule(steps), batch=12, general_words=10),
        joint=joint,
        polish=replace(joint, weights={**joint.weights, "evidence": 1.0}),
    )


def make_teacher(folder: Path, seed: int = 0) -> None:
    """Write a small MobileNetV2 with random weights."""
    torch.manual_seed(seed)
    vision = transformers.MobileNetV2Config(depth_multiplier=0.1, min_depth=4, tf_padding=False)
    transformers.MobileNetV2Model(vision).save_pretrained(folder)


def make_sources(root: Path) -> Sources:
    """A random small MobileNetV2, a random small BERT with its vocabulary, and a few painted photographs."""
    make_teacher(root / "teacher")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "##ing", "##ed"]
    (root / "sentences").mkdir()
    (root / "sentences" / "vocab.txt").write_text("\n".join(pieces))
    transformers.BertTokenizer(str(root / "sentences" / "vocab.txt")).save_pretrained(root / "sentences")
    text = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(text).save_pretrained(root / "sentences")
    (root / "sentences" / "vocab.txt").write_text("\n".join(pieces))
    (root / "photographs").mkdir()
    rng = np.random.default_rng(0)
    for index in range(6):
        picture = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (120, 90))
        cv2.imwrite(str(root / "photographs" / f"{index}.jpg"), picture)
    return Sources(root / "photographs", root / "teacher", root / "sentences")
