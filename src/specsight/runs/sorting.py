"""Judged pictures → copies in a folder for each verdict, inside the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import file_name
from specsight.storage import confined

FOLDERS = {"accepted": "accept", "rejected": "reject"}
"""Folder → the verdict of the pictures in it."""


def sort_pictures(run: Path, folders: Collection[str]) -> dict[str, int]:
    """Copy pictures into `folders` of the run, by their verdict, below the path they have in the data; returns how many
    lie in each.

    A picture whose verdict has changed since is removed from the other folder. Raises SpecsightError where a picture
    cannot be copied.
    """
    judged = RunFolder(run)
    counts = dict.fromkeys(folders, 0)
    for prediction in judged.predictions():
        image = Path(prediction.inspection.image)
        name = image.as_posix()
        if image.is_absolute() or ".." in image.parts:
            name = f"{file_name(prediction.id)}{image.suffix}"
        for folder in folders:
            target = confined(run, f"{folder}/{name}")
            if prediction.inspection.verdict != FOLDERS[folder]:
                target.unlink(missing_ok=True)
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(judged.data / image, target)
            except OSError as error:
                raise SpecsightError(
                    f"cannot copy '{image}' to '{target}': {error.strerror or error}"
                ) from error
            counts[folder] += 1
    return counts
