"""Saved models by name, and the version of each that is live on the lines.

In: a folder that holds one saved model per sub-folder, and a store. Out: loaded models. Every version that was ever
offered is kept, sealed, in `.versions/NAME/VERSION`, so that a line can go back to it and an auditor can ask it again.
Which one is live stands in the database: all servers of a line follow it.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from specsight.encoders.runtimes.names import chosen_runtime
from specsight.errors import SpecsightError, did_you_mean, one_line
from specsight.images import max_megapixels
from specsight.inspector import Inspector
from specsight.inspector.words import instruction_of
from specsight.learning.device import AUTO
from specsight.line.names import MODEL, check_model
from specsight.line.records import Activation, Role, Version
from specsight.line.store import LineStore
from specsight.specification import Instruction
from specsight.storage import (
    CHECKSUMS,
    confined,
    copy_file,
    read_folder,
    recover,
    sha256,
    verify_folder,
    whole_folder,
)
from specsight.storage.database import Unavailable

VERSIONS = ".versions"
READ = 256
"""Instructions that are remembered as clauses."""
PAUSE = 10.0
"""Seconds after which a version that could not be loaded is tried again."""
SYSTEM = "specsight"
"""Who did what no person asked for."""


class Unloadable(SpecsightError):
    """The version of a model that is live cannot be loaded here: it is missing, or damaged."""


@dataclass(frozen=True)
class _Failed:
    version: str
    until: float
    why: str


@dataclass(frozen=True)
class LiveModel:
    """A version of a model, loaded."""

    name: str
    version: str
    inspector: Inspector
    clauses: Callable[[str], Instruction | None] = field(init=False, repr=False, compare=False)
    """Words → what they say, read once for the words that come again and again."""

    def __post_init__(self) -> None:
        words = self.inspector.specification
        object.__setattr__(self, "clauses", lru_cache(READ)(lambda text: instruction_of(text, words)))


def version_of(folder: Path) -> str:
    """The version of a saved model: 12 digits of the digest of its checksum list, which names all of its content."""
    return sha256(folder / CHECKSUMS)[:12]


@dataclass(frozen=True)
class Loading:
    """How models are loaded: see `Inspector.load`; what runs them is the process's own (`set_default_runtime`)."""

    encoder: str | None = None
    device: str = AUTO

    def __call__(self, folder: Path) -> Inspector:
        """A saved model."""
        return Inspector.load(folder, self.encoder, self.device)

    @property
    def options(self) -> tuple[str, ...]:
        """What tells a command of ours to load models, and to read pictures, as this process does."""
        moved = () if self.encoder is None else ("--encoder", self.encoder)
        run = ("--device", self.device, "--runtime", chosen_runtime(AUTO))
        return (*moved, *run, "--max-megapixels", str(max_megapixels()))


AS_SAVED = Loading()


class Fleet:
    """The models in `folder`, loaded as `loading` says.

    Models found there are registered; the first version of a model goes live by itself, later ones when a person lets
    them. `only`: one sub-folder, where the others are nobody's business. Raises SpecsightError where the folder holds
    no model, and where `only` is none.
    """

    def __init__(self, folder: Path, store: LineStore, loading: Loading = AS_SAVED, only: str = "") -> None:
        self.folder, self.store, self.loading, self._only = folder, store, loading, only
        self._loaded: dict[str, LiveModel] = {}
        self._failed: dict[str, _Failed] = {}
        self._lock = threading.Lock()
        self.broken: dict[str, str] = {}
        """Sub-folders that are no model of ours, or damaged → why."""
        self.scan()
        if only in self.broken:
            raise SpecsightError(self.broken[only])
        if not self.names():
            why = "; ".join(self.broken.values()) or "put models there with 'specsight fit -o'"
            raise SpecsightError(f"'{folder}' holds no saved model: {why}")

    def scan(self) -> None:
        """Register what lies in the folder: models that are new, and versions that an engineer put in place of one."""
        if not self.folder.is_dir():
            raise SpecsightError(
                f"there is no folder '{self.folder}': make models there with 'specsight fit -o'"
            )
        self.broken = {}
        for place in sorted(p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            if self._only and place.name != self._only:
                continue
            try:
                self._offer(place)
            except SpecsightError as error:
                self.broken[place.name] = str(error)

    def _offer(self, place: Path) -> None:
        check_model(place.name)
        recover(place)
        version = version_of(place) if (place / CHECKSUMS).is_file() else ""
        known = {one.version for one in self.store.versions(place.name)}
        if version in known and self.place(place.name, version).is_dir():
            return
        version = self.keep(place, place.name)
        self.store.register(Version(place.name, version, "given", person=SYSTEM))
        self.store.activate(Activation(place.name, version, SYSTEM, "the first version"), first=True)

    def keep(self, source: Path, name: str) -> str:
        """Copy a saved model, as it is and verified, to where versions are kept; returns which version it is."""

        def copy() -> str:
            version = version_of(source)
            target = self.place(name, version)
            if not target.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                with whole_folder(target) as temporary:
                    for file in sorted(p for p in source.rglob("*") if p.is_file() and p.name != CHECKSUMS):
                        copy_file(file, confined(temporary, file.relative_to(source).as_posix()))
            return version

        version, _ = read_folder(source, copy)
        if version_of(self.place(name, version)) != version:
            raise SpecsightError(f"'{source}' holds files beside the model: move them away")
        return version

    def place(self, name: str, version: str) -> Path:
        """Where a version lies, or would."""
        if not MODEL.fullmatch(name) or not re.fullmatch("[0-9a-f]{12}", version):
            raise SpecsightError(
                f"'{name}' '{version}' names no version of a model: 'specsight line live' lists them"
            )
        return self.folder / VERSIONS / name / version

    def names(self) -> list[str]:
        """Models of which a version is live and lies here."""
        kept = self.folder / VERSIONS
        names = sorted(p.name for p in kept.iterdir()) if kept.is_dir() else []
        return [name for name in names if MODEL.fullmatch(name) and self.store.live(name) is not None]

    def loaded(self) -> dict[str, LiveModel]:
        """Name → model, of those that are loaded here."""
        return dict(self._loaded)

    def unloaded(self) -> dict[str, str]:
        """Name → why its live version is not loaded here, of models that were asked for."""
        return {name: one.why for name, one in self._failed.items()}

    def check(self, name: str) -> Activation:
        """What is live of a model, loaded or not. Raises SpecsightError for a name that no model has."""
        activation = self.store.live(name) if MODEL.fullmatch(name) else None
        if activation is None:
            raise SpecsightError(f"there is no model '{one_line(name)}': {did_you_mean(name, self.names())}")
        return activation

    def live(self, name: str) -> LiveModel:
        """The model that is live, as it was last loaded; the first time it is loaded here.

        Raises SpecsightError for a name that no model has, and Unloadable as `follow` does.
        """
        found = self._loaded.get(name)
        return found or self.follow(name)

    def follow(self, name: str) -> LiveModel:
        """Load what is live by the store, where it is another version than the one that is loaded; the former one goes
        on judging until then.

        Raises Unloadable where it cannot be loaded, or does not lie here any more after it was: what is loaded goes on
        judging. The same version is tried again after `PAUSE`, for every try reads all of it.
        """
        with self._lock:  # what goes live meanwhile is not taken back by an older answer
            version = self.check(name).version
            found, failed = self._loaded.get(name), self._failed.get(name)
            if found is None or found.version != version:
                if failed is not None and failed.version == version and time.monotonic() < failed.until:
                    raise Unloadable(failed.why)
                try:
                    found = self.load(name, version)
                except Unavailable:
                    raise
                except SpecsightError as error:
                    self._failed[name] = _Failed(version, time.monotonic() + PAUSE, str(error))
                    raise Unloadable(str(error)) from error
                self._loaded[name] = found
            self._failed.pop(name, None)
        self._check_kept(name, version)
        return found

    def follow_all(self) -> dict[str, str]:
        """`follow` with every model of which a version is live; returns name → why that version does not judge, or
        would not after another start."""
        problems = {}
        names = list(self.loaded())
        with contextlib.suppress(SpecsightError, OSError):  # a database that is away is said of each of them
            names += [one for one in self.names() if one not in names and self._only in ("", one)]
        for name in names:
            try:
                self.follow(name)
            except (SpecsightError, OSError) as error:
                problems[name] = str(error)
        return problems

    def load_all(self) -> None:
        """Load what is live of every model; those that cannot be are in `unloaded`, and keep no other one out."""
        for name in self.names():
            with contextlib.suppress(Unloadable):
                self.live(name)

    def _check_kept(self, name: str, version: str) -> None:
        """That a version which is loaded would be found at the next start; its content is verified then."""
        try:
            whole = version_of(self.place(name, version)) == version
        except (SpecsightError, OSError):
            whole = False
        if not whole:
            raise Unloadable(
                f"'{self.place(name, version)}' is gone or was changed; what is loaded goes on judging, until the "
                "server ends: bring it back"
            )

    def go_live(
        self, activation: Activation, role: Role = "engineer", instead_of: str | None = None
    ) -> Activation:
        """Let a version go live, or go back to one: loaded and verified first, so that one that is damaged never does.
        Raises SpecsightError where it cannot be loaded, and where another one than `instead_of` is live."""
        model = self.load(activation.model, activation.version)
        with self._lock:
            done = self.store.activate(activation, role, instead_of=instead_of)
            self._loaded[model.name] = model
            self._failed.pop(model.name, None)
        return done

    def load(self, name: str, version: str) -> LiveModel:
        """A version of a model, loaded anew and verified. Raises SpecsightError where it is not here, or damaged."""
        place = self.place(name, version)
        if not place.is_dir():
            raise SpecsightError(
                f"version {version} of model '{name}' does not lie in '{self.folder}': copy '{VERSIONS}' there"
            )
        verify_folder(place)
        if version_of(place) != version:
            raise SpecsightError(f"'{place}' is not version {version}: it was changed; copy it anew")
        return LiveModel(name, version, self.loading(place))
