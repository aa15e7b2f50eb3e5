"""Pictures with their truth, rendered and encoded once: shards of features that training draws from.

In: a gallery's recipe, photographs, an encoder. Out: a folder of shards, each with the encoder's grids (float16), a
label per cell of the finest one, and a line per picture with what is true of it. A gallery that was stopped goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Encoder, load_encoder
from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.storage import parse_json, read_text, whole_folder, write_json, write_text
from specsight.synthetic.tyres.workers import work_in_order

SHARD = 128
"""Pictures of a shard."""
UNNAMED, IGNORED = 254, 255
"""Labels of a cell: a defect of no named type; neither good nor surely defective. 0 is good, k the k-th type."""
SETTINGS, ENTRIES, LABELS = "gallery.json", "entries.jsonl", "labels.npy"


@dataclass(frozen=True)
class Spot:
    """One defect of a picture, in words."""

    type: str
    place: str
    part: str = ""
    severity: str = ""
    share: float = 0.0
    """Of the picture's area."""
    touched: tuple[str, ...] = ()
    """Further parts that it lies on: nobody may say that nothing is wrong with these."""


@dataclass(frozen=True)
class Asked:
    """A benchmark item whose answer is known in words."""

    task: str
    question: str
    instruction: str
    answer: str


@dataclass(frozen=True)
class Entry:
    """What is true of one picture."""

    kind: str
    types: tuple[str, ...]
    """Names by label, the first is 1."""
    spots: tuple[Spot, ...] = ()
    certain: bool = True
    """False: something changed and can hardly be seen; nothing is asked about the whole picture."""
    parts: tuple[str, ...] = ()
    """Parts that are to be seen."""
    items: tuple[Asked, ...] = ()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Entry:
        """Read what `asdict` gave."""
        return cls(
            values["kind"],
            tuple(values["types"]),
            tuple(Spot(**one | {"touched": tuple(one.get("touched", ()))}) for one in values["spots"]),
            values["certain"],
            tuple(values["parts"]),
            tuple(Asked(**one) for one in values["items"]),
        )


@dataclass(frozen=True)
class Shown:
    """A picture before it is encoded: (S, S, 3) uint8, labels (h, w) of the finest grid, and what is true of it."""

    rgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    entry: Entry


@dataclass
class Gallery:
    """Shards of a folder; features are mapped into memory, and read as they are needed."""

    folder: Path
    shards: tuple[str, ...]
    layers: tuple[str, ...]
    _open: dict[str, tuple[list[NDArray[np.float16]], NDArray[np.uint8]]] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def read(cls, folder: Path, layers: Sequence[str]) -> Gallery:
        """All finished shards of a folder. Raises SpecsightError where there is none."""
        shards = tuple(sorted(path.parent.name for path in folder.glob(f"*/{ENTRIES}")))
        if not shards:
            raise SpecsightError(f"'{folder}' holds no pictures: make the gallery first")
        return cls(folder, shards, tuple(layers))

    @cached_property
    def entries(self) -> list[Entry]:
        """Of all pictures, in order."""
        lines = (
            line for shard in self.shards for line in read_text(self.folder / shard / ENTRIES).splitlines()
        )
        return [Entry.from_json(json.loads(line)) for line in lines]

    @cached_property
    def places(self) -> list[tuple[str, int]]:
        """Shard and row of each picture."""
        found = []
        for shard in self.shards:
            count = len(np.load(self.folder / shard / LABELS, mmap_mode="r"))
            found += [(shard, row) for row in range(count)]
        return found

    def __len__(self) -> int:
        return len(self.places)

    def features(self, number: int) -> tuple[list[NDArray[np.float16]], NDArray[np.uint8]]:
        """Grids (C, h, w) of a picture, fine to coarse, and labels (h, w)."""
        shard, row = self.places[number]
        if shard not in self._open:
            at = self.folder / shard
            grids = [np.load(at / f"{layer}.npy", mmap_mode="r") for layer in self.layers]
            self._open[shard] = (grids, np.load(at / LABELS, mmap_mode="r"))
        grids, labels = self._open[shard]
        return [np.asarray(grid[row]) for grid in grids], np.asarray(labels[row])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}


@dataclass(frozen=True)
class Plan:
    """What a gallery consists of: sources by name, each with how many pictures it shows."""

    encoder: str
    sources: tuple[tuple[str, Callable[[int], Shown], int], ...]
    settings: dict[str, Any]
    """What decides its pictures, as JSON values: a gallery of others is refused."""


def make_gallery(folder: Path, plan: Plan, workers: int) -> None:
    """Render and encode the shards that are missing, by `workers` processes.

    Raises SpecsightError where the folder holds a gallery of other pictures or of another encoder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = plan.settings | {"encoder": load_encoder(plan.encoder, "cpu").fingerprint}
    marker = folder / SETTINGS
    if marker.is_file() and parse_json(read_text(marker)) != json.loads(json.dumps(wanted)):
        raise SpecsightError(f"'{folder}' holds other pictures: delete it, and they are made anew")
    write_json(marker, wanted)
    jobs = [
        _Job(folder / f"{name}-{start // SHARD:04d}", plan.encoder, show, start, min(start + SHARD, count))
        for name, show, count in plan.sources
        for start in range(0, count, SHARD)
    ]
    missing = [job for job in jobs if not (job.folder / ENTRIES).is_file()]
    made = work_in_order(_make, [[job] for job in missing], workers if len(missing) > 1 else 1)
    for _ in track(made, "rendering pictures", total=len(missing)):
        pass


@dataclass(frozen=True)
class _Job:
    folder: Path
    encoder: str
    show: Callable[[int], Shown]
    start: int
    stop: int


def _make(job: _Job) -> None:
    encoder = _encoder(job.encoder)
    shown = [job.show(number) for number in range(job.start, job.stop)]
    layers = encoder.default_layers
    grids: dict[str, list[NDArray[np.float16]]] = {layer: [] for layer in layers}
    for one in shown:
        for layer, grid in zip(layers, encoder.layers(one.rgb[None], layers)):
            grids[layer].append(grid[0].astype(np.float16))
    with whole_folder(job.folder) as temporary:
        for layer, stacked in grids.items():
            np.save(temporary / f"{layer}.npy", np.stack(stacked), allow_pickle=False)
        np.save(temporary / LABELS, np.stack([one.labels for one in shown]), allow_pickle=False)
        lines = "".join(f"{json.dumps(asdict(one.entry))}\n" for one in shown)
        write_text(temporary / ENTRIES, lines)


@lru_cache(maxsize=1)
def _encoder(name: str) -> Encoder:
    """Loaded once by each process, with one thread: the others render beside it."""
    import torch

    torch.set_num_threads(1)
    return load_encoder(name, "cpu")
