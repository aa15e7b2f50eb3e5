"""A vision-language checkpoint's files → what turns its conversations into inputs, without what videos would need.

In: a checkpoint folder. Out: the processor of its family, assembled from its image processor, its tokenizer and its
chat template. Processors of videos need torchvision, and so do many image processors where it is installed; pictures
alone do not, and are resized by Pillow everywhere: the same picture gives the same inputs on any machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.checkpoints import load_config, load_tokenizer
from specsight.errors import SpecsightError
from specsight.images import Frame
from specsight.storage import parse_json, read_text

PARTS = ("image_processor", "tokenizer")
NAMING = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
"""Files that may name the processor's class, in the order in which `transformers` asks them."""
LONGEST = 1 << 24
"""Bytes of such a file."""


def load_processor(folder: Path, name: str, what: str) -> Any:
    """The processor of pictures and words in `folder`; `name` and `what` it belongs to, for messages.

    Code from the checkpoint is never run. Raises SpecsightError where files are missing or broken, where the family's
    processor needs more than pictures and words, and where it exists for torchvision alone and that is not installed.
    """
    import transformers

    if not hasattr(transformers, "CLIPImageProcessorPil"):
        raise SpecsightError(
            f"{what} '{name}' needs a newer transformers than {transformers.__version__}, whose image processors need "
            "torchvision: pip install -U transformers"
        )
    kind = _for_pictures(_class_of(folder, name, what))
    given = {"trust_remote_code": False, "local_files_only": True}
    try:
        images = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **given)
    except Exception as error:  # transformers raises whatever the files provoke
        raise _unusable(name, what, error) from error
    tokenizer = load_tokenizer(folder, name, what)
    by_name = {"image_processor": images, "tokenizer": tokenizer}
    try:
        settings, _ = kind.get_processor_dict(folder, **given)
        left_out = dict.fromkeys(kind.left_out)
        found = kind.from_args_and_dict(
            [by_name[part] for part in kind.get_attributes()], settings, **left_out
        )
    except Exception as error:  # as above
        raise _unusable(name, what, error) from error
    # Some processors lay out videos as they lay out words; the tokenizer does so without.
    tokenizer.chat_template = found.chat_template or tokenizer.chat_template
    if tokenizer.chat_template is None:
        raise SpecsightError(
            f"{what} '{name}' has no chat template, and nothing else says where its pictures stand: add "
            "chat_template.jinja to the folder"
        )
    return found


def shown_frame(processor: Any, size: tuple[int, int]) -> Frame:
    """Where a picture of `size` (rows, columns) lies in what is handed to `processor`.

    Processors that cut the middle out of a picture get it in the middle of a square, as LLaVA 1.5 was trained: nothing
    of it is lost. Others get it as it is.
    """
    if not getattr(processor.image_processor, "do_center_crop", None):
        return Frame(size, size, (0, 0), size)
    return squared(size)


def squared(size: tuple[int, int]) -> Frame:
    """Where a picture of `size` (rows, columns) lies in the middle of a square."""
    side = max(size)
    return Frame(size, size, ((side - size[0]) // 2, (side - size[1]) // 2), (side, side))


def shown(processor: Any, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What is handed to `processor` of an RGB picture (H, W, 3): see `shown_frame`; the rest has the mean colour."""
    frame = shown_frame(processor, (picture.shape[0], picture.shape[1]))
    if frame.size == frame.native:
        return picture
    mean = np.asarray(processor.image_processor.image_mean, np.float64) * 255
    square = np.empty((*frame.size, 3), np.uint8)
    square[:] = mean.astype(np.uint8)
    (top, bottom), (left, right) = frame.region
    square[top:bottom, left:right] = picture
    return square


def _class_of(folder: Path, name: str, what: str) -> Any:
    """The class of the processor that the files name, or that goes with the configuration's class."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    for file in NAMING:
        try:
            said = parse_json(read_text(folder / file, LONGEST)) if (folder / file).is_file() else {}
        except (OSError, ValueError) as error:
            raise _unusable(name, what, error) from error
        if isinstance(said, dict) and isinstance(said.get("processor_class"), str):
            found = getattr(transformers, said["processor_class"], None)
            break
    else:
        config = type(load_config(folder, name, what))
        found = PROCESSOR_MAPPING.get(config, None)
    if not (isinstance(found, type) and issubclass(found, transformers.ProcessorMixin)):
        raise SpecsightError(
            f"{what} '{name}' has no processor of pictures beside its weights that transformers knows: add its files"
        )
    return found


def _for_pictures(kind: Any) -> Any:
    """A family's processor that consists of `PARTS` alone."""

    class ForPictures(kind):  # type: ignore[misc]
        left_out = tuple(part for part in kind.get_attributes() if part not in PARTS)

        @classmethod
        def get_attributes(cls) -> list[str]:
            return [part for part in kind.get_attributes() if part in PARTS]

    return ForPictures


def _unusable(name: str, what: str, error: Exception) -> SpecsightError:
    reason = " ".join(str(error).split())
    if "torchvision" in reason.lower():
        return SpecsightError(
            f"{what} '{name}' has an image processor for torchvision alone, which is not installed: "
            f"pip install torchvision, or choose a model of another family ({reason[:200]})"
        )
    if isinstance(error, ImportError):
        return SpecsightError(f"the processor of {what} '{name}' needs another library: {reason}")
    return SpecsightError(f"{what} '{name}' has no usable processor beside its weights: {reason}")
