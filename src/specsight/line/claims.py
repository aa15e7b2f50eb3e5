"""Pictures that were taken and are not put away yet, one folder each, so that a kill at any moment loses none and has
none judged twice into the results.

A picture is where it arrived, or in its claim's folder, or where verdicts go: it gets from one to the next by renaming
(between file systems: by a whole copy, after which the original goes). `claim.json` is written before anything is
moved, and the picture is moved last; `judged.json` is written before anyone is told of the verdict.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.line.names import part_name
from specsight.line.records import JudgedPart, iso, new_id, now
from specsight.line.sources.contract import Arrival
from specsight.line.sources.folder import identity_of
from specsight.storage import copy_file, parse_json, read_text, write_bytes, write_json

CLAIM, JUDGED = "claim.json", "judged.json"
PICTURE, DEPTH, SIDECAR, SIGNAL = "picture", "depth", "sidecar", "signal."
"""What a claim may hold; of signals, what their names follow. The picture is moved last."""
FOLDERS = {"accept": "accepted", "reject": "rejected"}
"""Word of a verdict → the folder that its pictures go to; the others have their own name."""


@dataclass(frozen=True)
class Claim:
    """A picture that was taken; its id is that of the record it becomes."""

    folder: Path
    part: str
    words: str | None
    received: datetime
    files: Mapping[str, str]
    """Role → name of the file as it came."""

    @property
    def id(self) -> str:
        """Of the record."""
        return self.folder.name

    def content(self, role: str) -> bytes | None:
        """The bytes of one of its files; None where it has none."""
        return (self.folder / role).read_bytes() if role in self.files else None

    def signals(self) -> dict[str, bytes]:
        """The bytes of further channels, by name."""
        names = [role.removeprefix(SIGNAL) for role in self.files if role.startswith(SIGNAL)]
        return {name: (self.folder / f"{SIGNAL}{name}").read_bytes() for name in names}


class Claims:
    """Claims in `folder`, whose pictures go to folders in `out` on the same file system."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder, self.out = folder, out
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, arrival: Arrival) -> Claim:
        """Take a picture and what belongs to it. Raises SpecsightError, with everything back in its place, where that
        is refused, and FileNotFoundError where the picture has gone."""
        folder = self.folder / new_id()
        sources = _sources(arrival)
        names = {
            role: path.name if isinstance(path, Path) else arrival.file for role, path in sources.items()
        }
        origins = {
            role: {"path": str(path.absolute()), "identity": identity_of(path)}
            for role, path in sources.items()
            if isinstance(path, Path) and arrival.moves
        }
        folder.mkdir()
        try:
            values = {"part": part_name(arrival.part), "words": arrival.words, "received": iso(now())}
            write_json(folder / CLAIM, {**values, "files": names, "origins": origins})
            for role, source in sources.items():
                if isinstance(source, bytes):
                    write_bytes(folder / role, source)
                elif arrival.moves:
                    move(source, folder / role)
                else:
                    copy_file(source, folder / role)
        except BaseException:
            self._undo(folder, origins)
            raise
        return _read(folder)

    def pending(self) -> list[Claim]:
        """Claims that a former process has left, the oldest first; what it had only begun to take is put back."""
        found = []
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            if not (folder / CLAIM).is_file():
                shutil.rmtree(folder)
                continue
            origins = _values(folder / CLAIM)["origins"]
            if (folder / "picture").exists():
                _remove_copied(folder, origins)
                found.append(_read(folder))
            elif (folder / JUDGED).exists():
                shutil.rmtree(folder)  # all that it held is put away
            else:
                self._undo(folder, origins)
        return sorted(found, key=lambda claim: claim.received)

    def judged(self, claim: Claim) -> JudgedPart | None:
        """The verdict on a claim, where there is one already."""
        file = claim.folder / JUDGED
        return JudgedPart.from_json(_values(file)["part"]) if file.exists() else None

    def record(self, claim: Claim, part: JudgedPart) -> None:
        """Note the verdict, and under which name the picture will lie."""
        write_json(claim.folder / JUDGED, {"part": part.to_json(), "stem": self._free(claim, part.word)})

    def put_away(self, claim: Claim, part: JudgedPart) -> Path:
        """Move a judged picture, and what belongs to it, to the folder of its verdict; returns where it lies."""
        stem = _values(claim.folder / JUDGED)["stem"]
        targets = self._targets(claim, part.word, stem)
        for role, target in sorted(targets.items(), key=lambda one: one[0] == PICTURE):
            if (claim.folder / role).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                (claim.folder / role).rename(target)
        shutil.rmtree(claim.folder)
        return targets["picture"]

    def _free(self, claim: Claim, word: str) -> str:
        """A name that nothing has where this claim's files go."""
        stem, number = Path(claim.files["picture"]).stem, 1
        while any(target.exists() for target in self._targets(claim, word, stem).values()):
            number += 1
            stem = f"{Path(claim.files['picture']).stem}-{number}"
        return stem

    def _targets(self, claim: Claim, word: str, stem: str) -> dict[str, Path]:
        folder = self.out / FOLDERS.get(word, word)
        return {
            role: (folder if role in (PICTURE, SIDECAR) else folder / role.removeprefix(SIGNAL))
            / f"{stem}{Path(name).suffix}"
            for role, name in claim.files.items()
        }

    def _undo(self, folder: Path, origins: Mapping[str, Any]) -> None:
        """Put back what was taken for a picture that was not."""
        for role, origin in origins.items():
            if (folder / role).exists() and not Path(origin["path"]).exists():
                move(folder / role, Path(origin["path"]))
        if not any((folder / role).exists() for role in origins):
            shutil.rmtree(folder, ignore_errors=True)


def _sources(arrival: Arrival) -> dict[str, Path | bytes]:
    """Role → what is taken for it, in the order in which it is moved."""
    beside = {DEPTH: arrival.depth, **{f"{SIGNAL}{name}": path for name, path in arrival.signals.items()}}
    found = {role: path for role, path in {**beside, SIDECAR: arrival.sidecar}.items() if path is not None}
    return {**found, PICTURE: arrival.picture}


def move(source: Path, target: Path) -> None:
    """Rename a file; between file systems copy it, whole, and remove it. Raises OSError where that is refused."""
    try:
        source.rename(target)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    copy_file(source, target)
    try:
        source.unlink()
    except OSError:
        target.unlink()
        raise


def _remove_copied(folder: Path, origins: Mapping[str, Any]) -> None:
    """Remove originals of files that were copied whole before a kill; what has arrived since is another file."""
    for role, origin in origins.items():
        path = Path(origin["path"])
        if (folder / role).exists() and path.exists() and list(identity_of(path)) == origin["identity"]:
            path.unlink()


def _read(folder: Path) -> Claim:
    values = _values(folder / CLAIM)
    received = datetime.fromisoformat(values["received"])
    return Claim(folder, values["part"], values["words"], received, values["files"])


def _values(file: Path) -> dict[str, Any]:
    try:
        values = parse_json(read_text(file))
        assert isinstance(values, dict)
    except (ValueError, OSError, AssertionError) as error:
        raise SpecsightError(f"'{file}' is damaged: {error}; move its folder away to go on") from error
    return values
