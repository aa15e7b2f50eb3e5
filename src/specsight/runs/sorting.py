"""Judged pictures → copies in a folder for each verdict, inside the run folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from specsight.runs.folder import RunFolder
from specsight.runs.predictions import file_name
from specsight.storage import confined, copy_file

FOLDERS = {"accepted": "accept", "rejected": "reject"}
"""Folder → the verdict of the pictures in it."""


def sort_pictures(run: Path, folders: Collection[str]) -> dict[str, int]:
    """Copy pictures into `folders` of the run, by their verdict, below the path they have in the data; returns how many
    were copied to each.

    Of a picture whose verdict is another one now, or that cannot be read any more, the copy in any folder is removed.
    Raises SpecsightError where a picture cannot be copied.
    """
    judged = RunFolder(run)
    counts = dict.fromkeys(folders, 0)
    for prediction in judged.predictions():
        one = prediction.inspection
        _remove_copies(run, prediction.id, one.image, one.verdict)
        for folder in counts:
            if one.verdict == FOLDERS[folder]:
                copy_file(judged.data / one.image, _copy(run, folder, prediction.id, one.image))
                counts[folder] += 1
    for picture in judged.skipped():
        _remove_copies(run, picture.id, picture.image, None)
    return counts


def _remove_copies(run: Path, identity: str, picture: str, verdict: str | None) -> None:
    """Remove the copies of a picture from the folders of other verdicts than this one."""
    for folder, expected in FOLDERS.items():
        if verdict != expected:
            _copy(run, folder, identity, picture).unlink(missing_ok=True)


def _copy(run: Path, folder: str, identity: str, picture: str) -> Path:
    """Where the copy of a picture lies."""
    image = Path(picture)
    inside = not image.is_absolute() and ".." not in image.parts
    return confined(run, f"{folder}/{image.as_posix() if inside else f'{file_name(identity)}{image.suffix}'}")
