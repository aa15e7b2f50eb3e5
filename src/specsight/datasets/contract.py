"""What every reader of a layout gives and takes: `Reader`, `DatasetListing` and the registry.

A reader turns a folder on disk into `Sample`s; it looks at names, and at masks only where they alone tell the types.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from specsight.datasets.accounting import Ignored
from specsight.datasets.files import subfolders
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Sample
from specsight.registry import Registry

Products = str | Sequence[str] | None
"""Names of the products to read; None for all."""

GOOD_NAMES = frozenset(
    {"good", "ok", "okay", "io", "normal", "nominal", "pass", "passed", "defect_free", "free"}
)
"""Folder names and labels that mean a good part, in lower case."""


@dataclass(frozen=True)
class DatasetListing:
    """The samples of a data set, and what the reader inferred or found odd (`notes`, one sentence each)."""

    layout: str
    root: Path
    samples: list[Sample]
    notes: list[str]
    unused_masks: list[Path] = field(default_factory=list)
    """Mask files that belong to no picture."""
    good_masks: dict[str, Path] = field(default_factory=dict)
    """Sample id → mask file that a good part has all the same; it ought to be empty."""
    not_used: dict[Path, str] = field(default_factory=dict)
    """Files that the reader knows and no sample uses → why, such as "masks"."""
    lists: tuple[Path, ...] = ()
    """Files that were read beside those of the samples: which samples there are, and what is known of them."""
    test_every: int = 0
    """The set brings no split, and every so many good pictures (by name) were made test; where pictures are opened,
    whole parts are (`parts.split_by_part`). 0: the split is the set's own, or was made by part."""
    ignored: tuple[Ignored, ...] = ()
    """All files below `root` that no sample uses, by reason; `load_dataset` fills it."""


class Reader(ABC):
    """One layout on disk."""

    name: ClassVar[str]
    """What a user types after `--layout`."""
    title: ClassVar[str]
    """One line for `specsight list datasets`."""

    @abstractmethod
    def detects(self, path: Path) -> bool:
        """Whether `path` looks like this layout; a handful of look-ups, never a walk through the tree."""

    @abstractmethod
    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """All samples at `path`, a folder or a list file; of the products named `product` alone, if given.

        Raises SpecsightError where `path` is not in this layout, where a product does not exist, and for lists with
        mistakes.
        """


class ProductTreeReader(Reader):
    """A layout with one folder per product. `path` may be such a folder or the root that holds them."""

    @abstractmethod
    def is_product(self, folder: Path) -> bool:
        """Whether `folder` holds one product in this layout."""

    @abstractmethod
    def read_product(self, folder: Path) -> DatasetListing:
        """The samples, notes and unused masks of one product."""

    def claims(self, folders: Sequence[Path]) -> bool:
        """Whether these products are this set's own, where a relative of it has the same tree."""
        return True

    def detects(self, path: Path) -> bool:
        """Whether `path` is a product of this set, or holds some."""
        folders = self._products(path)
        return bool(folders) and self.claims(folders)

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        """All samples of the products at `path`, as `Reader.read` says."""
        folders = self._products(path)
        if not folders:
            raise SpecsightError(f"'{path}' is not in the layout of {self.title}: see docs/datasets.md")
        return united(self.name, path, [self.read_product(folder) for folder in pick(folders, product)])

    def _products(self, path: Path) -> list[Path]:
        return [path] if self.is_product(path) else [f for f in subfolders(path) if self.is_product(f)]


def united(layout: str, root: Path, listings: Iterable[DatasetListing]) -> DatasetListing:
    """Listings of parts of a set as one; a note that several have stands once."""
    listings = list(listings)
    return DatasetListing(
        layout,
        root,
        samples=[sample for listing in listings for sample in listing.samples],
        notes=list(dict.fromkeys(note for listing in listings for note in listing.notes)),
        unused_masks=[mask for listing in listings for mask in listing.unused_masks],
        good_masks={key: mask for listing in listings for key, mask in listing.good_masks.items()},
        not_used={file: why for listing in listings for file, why in listing.not_used.items()},
        lists=tuple(file for listing in listings for file in listing.lists),
        test_every=max((listing.test_every for listing in listings), default=0),
    )


def _adopt(name: str, plugin: Any) -> Reader:
    """One instance of a reader class that another distribution brings."""
    if not (isinstance(plugin, type) and issubclass(plugin, Reader)):
        raise SpecsightError(f"'{name}' must be a class of specsight.datasets.Reader, got {plugin!r}")
    if plugin.name != name:
        raise SpecsightError(f"the reader's name is '{plugin.name}', and the entry point is called '{name}'")
    return plugin()


readers: Registry[Reader] = Registry("layout", "specsight.datasets", group="specsight.datasets", adopt=_adopt)
"""Name of a layout → its reader. A module of this package that registers one is found by itself."""

R = TypeVar("R", bound=type[Reader])


def register(reader: R) -> R:
    """Class decorator: files one instance of the reader under its name."""
    readers.register(reader.name)(reader())
    return reader


def pick(folders: Sequence[Path], product: Products) -> list[Path]:
    """The folders of the products named `product`, all where it is None."""
    selected = selected_products(product, [f.name for f in folders])
    return [f for f in folders if f.name in selected]


def pick_samples(samples: Iterable[Sample], product: Products) -> list[Sample]:
    """The samples of the products named `product`, all where it is None."""
    samples = list(samples)
    selected = selected_products(product, [s.product for s in samples])
    return [s for s in samples if s.product in selected]


def selected_products(product: Products, available: Iterable[str]) -> set[str]:
    """The names in `product` (None: all). Raises SpecsightError with a suggestion for one that is not `available`."""
    names = set(available)
    if product is None:
        return names
    selected = {product} if isinstance(product, str) else set(product)
    for name in sorted(selected - names):
        raise SpecsightError(f"there is no product '{name}' here: {did_you_mean(name, names)}")
    return selected


SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""What folders and lists call a split, in lower case → its name."""


def split_named(name: str) -> str:
    """The split that a list names; sets with further test splits keep their names, such as "test_private".

    Raises SpecsightError, with a suggestion, for a split that no verb would use.
    """
    split = SPLIT_NAMES.get(name.strip().lower(), name)
    if split not in ("train", "validation") and not split.startswith("test"):
        raise SpecsightError(f"there is no split '{name}': {did_you_mean(name, SPLIT_NAMES)}")
    return split


def with_unique_ids(samples: Sequence[Sample]) -> list[Sample]:
    """Ids made unique by the file ending where two pictures differ in nothing else (000.png beside 000.jpg)."""
    times: dict[str, int] = {}
    for sample in samples:
        times[sample.id] = times.get(sample.id, 0) + 1
    return [replace(s, id=s.id + s.image.suffix) if times[s.id] > 1 else s for s in samples]
