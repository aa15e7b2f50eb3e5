"""How a language model is asked: the same words for every model, references first, no file name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from specsight.benchmark.answering.contract import Question, Shown
from specsight.benchmark.answering.prompting import FORMS, VERSION, conversation, prompt_protocol, smaller
from specsight.errors import UnreadableFile


def question(folder: Path, references: int = 2) -> Question:
    """About a grey picture of 600 × 300 pixels with a depth map, beside lighter references."""
    for number in range(references):
        Image.fromarray(np.full((60, 80, 3), 200 + number, np.uint8)).save(folder / f"good_{number}.png")
    Image.fromarray(np.full((300, 600, 3), 100, np.uint8)).save(folder / "secret_scratch.png")
    depth = np.tile(np.linspace(0, 1, 600, dtype=np.float32), (300, 1))
    tifffile.imwrite(folder / "depth.tiff", depth)
    return Question(
        "bottle/test/scratch/1", "location", "choice", "cap", "Where is it?", {"A": "left", "B": "right"},
        "Inspect the rim only.", Shown(folder / "secret_scratch.png", depth=folder / "depth.tiff"),
        more_images=(folder / "depth.tiff",), references=tuple(folder / f"good_{n}.png" for n in range(references)),
    )  # fmt: skip


def test_a_question_is_asked_in_these_words(tmp_path: Path) -> None:
    system, user = conversation(question(tmp_path), 256)
    assert system.role == "system"
    assert user.text == (
        "Pictures 1 to 2 show good parts of the same kind. Picture 3 is the one to inspect. Picture 4 is its depth, "
        "brighter where it is nearer.\nInstruction: Inspect the rim only.\nWhere is it?\nOptions:\nA. left\nB. right\n"
        "Answer with the letter of the right option alone."
    )
    assert [image.shape for image in user.images] == [(60, 80, 3), (60, 80, 3), (128, 256, 3), (128, 256, 3)]
    assert [int(image[0, 0, 0]) for image in user.images] == [200, 201, 100, 0]
    assert int(user.images[3][0, -1, 0]) == 255
    assert not any(
        word in f"{system}{user.text}" for word in ("secret", "scratch", "bottle", ".png", str(tmp_path))
    )


def test_without_pictures_the_words_are_the_same(tmp_path: Path) -> None:
    _, user = conversation(question(tmp_path), 256, pictures=False)
    assert user.images == ()
    assert user.text.startswith("Instruction: Inspect the rim only.\nWhere is it?\nOptions:")
    assert prompt_protocol(512, True)["prompt"] == VERSION
    assert prompt_protocol(512, True) != prompt_protocol(512, False)
    assert set(FORMS) == {"choice", "choices", "box", "point", "text", "report"}


def test_a_single_picture_and_a_picture_that_is_gone(tmp_path: Path) -> None:
    asked = question(tmp_path, 1)
    assert conversation(asked, 256)[1].text.startswith(
        "Picture 1 shows a good part of the same kind. Picture 2 is the"
    )
    (tmp_path / "good_0.png").unlink()
    with pytest.raises(UnreadableFile, match=r"good_0\.png"):
        conversation(asked, 256)


def test_small_pictures_stay_as_they_are() -> None:
    assert smaller(np.zeros((10, 2000, 3), np.uint8), 500).shape == (2, 500, 3)
    small = np.zeros((10, 20, 3), np.uint8)
    assert smaller(small, 20) is small
