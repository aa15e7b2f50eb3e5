"""Saved models by name, and the version of each that is live on the lines.

In: a folder that holds one saved model per sub-folder, and a store. Out: loaded models. Every version that was ever
offered is kept, sealed, in `.versions/NAME/VERSION`, so that a line can go back to it and an auditor can ask it again.
Which one is live stands in the database: all servers of a line follow it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from specsight.encoders.runtimes.names import chosen_runtime
from specsight.errors import SpecsightError, did_you_mean
from specsight.images import max_megapixels
from specsight.inspector import Inspector
from specsight.inspector.words import instruction_of
from specsight.learning.device import AUTO
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

VERSIONS = ".versions"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""What a model on a line may be called: a folder's name that needs no quoting anywhere."""
READ = 256
"""Instructions that are remembered as clauses."""
SYSTEM = "specsight"
"""Who did what no person asked for."""


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
        if not NAME.fullmatch(place.name):
            raise SpecsightError(
                f"'{place.name}' is no name for a model: use letters, digits, '-', '_' and '.'"
            )
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
        if not NAME.fullmatch(name) or not re.fullmatch("[0-9a-f]{12}", version):
            raise SpecsightError(
                f"'{name}' '{version}' names no version of a model: 'specsight line live' lists them"
            )
        return self.folder / VERSIONS / name / version

    def names(self) -> list[str]:
        """Models of which a version is live and lies here."""
        kept = self.folder / VERSIONS
        names = sorted(p.name for p in kept.iterdir()) if kept.is_dir() else []
        return [name for name in names if NAME.fullmatch(name) and self.store.live(name) is not None]

    def loaded(self) -> dict[str, LiveModel]:
        """Name → model, of those that are loaded here."""
        return dict(self._loaded)

    def check(self, name: str) -> Activation:
        """What is live of a model. Raises SpecsightError for a name that no model has."""
        activation = self.store.live(name) if NAME.fullmatch(name) else None
        if activation is None:
            raise SpecsightError(f"there is no model '{name}': {did_you_mean(name, self.names())}")
        return activation

    def live(self, name: str) -> LiveModel:
        """The model that is live, as it was last loaded; the first time it is loaded here.

        Raises SpecsightError for a name that no model has.
        """
        found = self._loaded.get(name)
        return found or self.follow(name)

    def follow(self, name: str) -> LiveModel:
        """Load what is live by the store, where it is another version than the one that is loaded; the former one goes
        on judging until then. Raises SpecsightError where it cannot be loaded: the former one stays."""
        activation = self.check(name)
        with self._lock:
            found = self._loaded.get(name)
            if found is None or found.version != activation.version:
                found = self.load(name, activation.version)
                self._loaded[name] = found
        return found

    def follow_all(self) -> dict[str, str]:
        """`follow` with every model that is loaded; returns name → why the former version goes on judging."""
        problems = {}
        for name in self.loaded():
            try:
                self.follow(name)
            except SpecsightError as error:
                problems[name] = str(error)
        return problems

    def go_live(
        self, activation: Activation, role: Role = "engineer", instead_of: str | None = None
    ) -> Activation:
        """Let a version go live, or go back to one: loaded and verified first, so that one that is damaged never does.
        Raises SpecsightError where it cannot be loaded, and where another one than `instead_of` is live."""
        model = self.load(activation.model, activation.version)
        with self._lock:
            done = self.store.activate(activation, role, instead_of=instead_of)
            self._loaded[model.name] = model
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
