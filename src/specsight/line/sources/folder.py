"""Pictures that arrive in a folder, taken once they are complete.

Complete is a file whose size and time of change have stayed the same for `settle` seconds. Events of the file system
are not used: they do not come from network shares, which are looked at again in any case, and libraries that carry them
(watchfiles) do not tell a file that was closed from one that was changed. A look at 1,000 names takes some 0.1 s.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.datasets.beside import SUFFIXES
from specsight.errors import SpecsightError
from specsight.images import IMAGE_SUFFIXES
from specsight.line.sources.contract import Arrival, Source
from specsight.records import DEPTH, NORMALS, wrong_signals
from specsight.storage import parse_json, read_text
from specsight.storage.database import storable

SETTLE = 0.5
"""Seconds without a change after which a file counts as complete."""
DOUBTFUL = 10
"""How many times as long a file is waited for that is empty, or lacks the ending of its format."""
AGAIN = 5.0
"""Seconds after which a picture that could not be taken is tried again."""
LONGEST_SIDECAR = 100_000
DEPTH_SUFFIXES = frozenset({".tiff", ".tif", ".png", ".npy"})
Identity = tuple[int, int, int]


@dataclass
class _Seen:
    identity: Identity
    since: float


class FolderSource(Source):
    """Pictures in `folder` itself, the oldest first; those below it are left.

    Parameters:
        depth: folder in which each picture's depth arrives, under the picture's name with another ending; pictures wait
            for it.
        signals: the same of further channels, by name ("ir", "normals", "light_1").
        settle: seconds without a change after which a file counts as complete.
        clock: seconds, by a clock that nobody sets.

    `NAME.json` beside `NAME.png`, written before it, may hold {"part": name of the part, "say": instruction}.
    Raises SpecsightError where a folder is not there, where one is named twice, and for names that no signal has.
    """

    def __init__(
        self,
        folder: Path,
        depth: Path | None = None,
        settle: float = SETTLE,
        clock: Callable[[], float] = time.monotonic,
        signals: Mapping[str, Path] | None = None,
    ) -> None:
        self.beside = {**({} if depth is None else {DEPTH: depth}), **(signals or {})}
        if wrong := wrong_signals(name for name in signals or () if name != NORMALS):
            raise SpecsightError(wrong)
        taken = {"pictures": folder}
        for what, one in {**taken, **self.beside}.items():
            if not one.is_dir():
                raise SpecsightError(f"there is no folder '{one}': make it, or check the path")
            other = next((k for k, v in taken.items() if k != what and v.resolve() == one.resolve()), None)
            if other is not None:
                raise SpecsightError(f"'{one}' is the folder of {other}: let {what} arrive in another one")
            taken[what] = one
        self.folder, self.settle = folder, settle
        self.pause = settle / 2
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self._put_off: dict[Path, float] = {}
        self._left: dict[str, str] = {}
        self._ready: deque[Arrival] = deque()

    def next(self) -> Arrival | None:
        """The next complete picture; the folder is looked at where none is known."""
        if not self._ready:
            self._look()
        while self._ready:
            arrival = self._ready.popleft()
            if isinstance(arrival.picture, Path) and self._complete(arrival.picture):
                return arrival
        return None

    def put_off(self, arrival: Arrival, reason: str) -> None:
        """Offer it again after a while."""
        if isinstance(arrival.picture, Path):
            self._put_off[arrival.picture] = self._clock() + AGAIN
            self._left[arrival.file] = reason

    def left(self) -> Mapping[str, str]:
        """What lies in the folder now, and why."""
        self._look()
        return {**self._left, **{one.file: "it waits for its turn" for one in self._ready}}

    def _look(self) -> None:
        """Look at the folder: what is complete, and what is left for which reason."""
        begun = time.monotonic()
        self._left, self._ready = {}, deque()
        beside = {name: _names(folder) for name, folder in self.beside.items()}
        names = _names(self.folder)
        found = []
        for path in (path for paths in names.values() for path in paths):
            reason = self._reason(path)
            if not reason and path.suffix.lower() == ".json":
                pictures = [p for p in names[path.stem] if p.suffix.lower() in IMAGE_SUFFIXES]
                reason = "" if pictures else "words without a picture of this name"
            elif not reason:
                arrival, reason = self._arrival(path, names, beside)
                if arrival is not None:
                    found.append((self._seen[path].identity[1], path.name, arrival))
            if reason:
                self._left[path.name] = reason
        self._ready.extend(arrival for _, _, arrival in sorted(found, key=lambda one: one[:2]))
        there = {path for named in (names, *beside.values()) for paths in named.values() for path in paths}
        self._seen = {path: seen for path, seen in self._seen.items() if path in there}
        self._put_off = {path: until for path, until in self._put_off.items() if path in there}
        # A folder full of what is left is looked at less often, so that looking takes a tenth of the time at most.
        self.pause = max(self.settle / 2, 10 * (time.monotonic() - begun))

    def _reason(self, path: Path) -> str:
        """Why something is never taken; "" for what may be a picture or its words."""
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            return str(error.strerror)
        if stat.S_ISDIR(mode):
            return "a folder; pictures are taken from the watched folder itself"
        if not stat.S_ISREG(mode):
            return "a link or a device, which is not followed"
        if path.name.startswith("."):
            return "a hidden file, as those that are being written"
        if path.suffix.lower() == ".json":
            return ""
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            return "not a picture by its ending"
        return "" if os.access(path, os.R_OK) else "it may not be read: change its permissions"

    def _arrival(
        self, path: Path, names: Mapping[str, list[Path]], beside: Mapping[str, Mapping[str, list[Path]]]
    ) -> tuple[Arrival | None, str]:
        """A picture that is complete with all that belongs to it, or why it is not taken yet."""
        own = {name: _of_kind(name, files.get(path.stem, [])) for name, files in beside.items()}
        sidecar = next((p for p in names[path.stem] if p.suffix.lower() == ".json"), None)
        whole = {one: self._complete(one) for one in (path, *own.values(), sidecar) if one}
        if not whole[path]:
            return None, "it is being written, or has just arrived"
        if self._clock() < self._put_off.get(path, 0.0):
            return None, "it could not be taken, and is tried again"
        for name, file in own.items():
            if file is None or not whole[file]:
                return None, f"it waits for its {name} in '{self.beside[name]}'"
        if sidecar is not None and not whole[sidecar]:
            return None, f"it waits for '{sidecar.name}'"
        try:
            part, words = _said(sidecar) if sidecar else (None, None)
        except SpecsightError as error:
            return None, str(error)
        files = {name: file for name, file in own.items() if file}
        depth = files.pop(DEPTH, None)
        return Arrival(part or path.stem, path.name, path, depth, files, sidecar, words), ""

    def _complete(self, path: Path) -> bool:
        """Whether a file has stayed as it is for long enough."""
        now = self._clock()
        try:
            identity = identity_of(path)
            seen = self._seen.get(path)
            if seen is None or seen.identity != identity:
                self._seen[path] = _Seen(identity, now)
                return False
            still = now - seen.since
            return still >= self.settle and (still >= DOUBTFUL * self.settle or _ends(path, identity[0]))
        except OSError:
            return False


def _of_kind(name: str, files: Sequence[Path]) -> Path | None:
    """The first of files that may hold depth, or another channel, by its ending."""
    endings = DEPTH_SUFFIXES if name == DEPTH else SUFFIXES
    return next((one for one in files if one.suffix.lower() in endings), None)


def identity_of(path: Path) -> Identity:
    """Size, time of change and number of a file: another content has another one."""
    found = path.lstat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _ends(path: Path, size: int) -> bool:
    """Whether a file ends as its format does, as far as that can be told from a few bytes."""
    if not size:
        return False
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(0, size - 64))
        end = file.read()
    if start == b"\x89PNG":
        return b"IEND" in end
    return b"\xff\xd9" in end if start.startswith(b"\xff\xd8") else True


def _names(folder: Path) -> dict[str, list[Path]]:
    """Stem → paths in a folder."""
    found: dict[str, list[Path]] = {}
    with os.scandir(folder) as entries:
        for path in sorted(Path(entry.path) for entry in entries):
            found.setdefault(path.stem, []).append(path)
    return found


def _said(path: Path) -> tuple[str | None, str | None]:
    """Name of the part and instruction in a file of words. Raises SpecsightError for anything else."""
    try:
        values = parse_json(read_text(path, LONGEST_SIDECAR))
    except (ValueError, json.JSONDecodeError) as error:
        raise SpecsightError(f"'{path.name}' is no JSON: {error}") from error
    if not isinstance(values, dict) or any(not isinstance(v, str) for v in values.values()):
        raise SpecsightError(f'\'{path.name}\' holds no object of texts: write {{"part": …, "say": …}}')
    unknown = sorted(values.keys() - {"part", "say"})
    if unknown:
        raise SpecsightError(f"'{path.name}' has '{unknown[0]}': it may have part and say")
    if not all(map(storable, values.values())):
        raise SpecsightError(
            f"'{path.name}' holds characters that are none (zero bytes, halves of surrogates)"
        )
    return values.get("part"), values.get("say")
