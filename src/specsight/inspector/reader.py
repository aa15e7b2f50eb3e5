"""A detector that reads beside the one that inspects: types for findings of detectors that name none, and types that
are taught by name and that the inspecting detector has learned as normal.

In: good pictures, a specification with defect types, an encoder that reads; then pictures that were looked at. Out: a
map per type, and findings of one type beyond what good pictures show of it. It looks at a picture once more, where its
framing and encoder are not those of the inspecting detector, and only where a clause asks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight.detectors import Detector, View, create_detector, load_detector
from specsight.detectors.saving import DESCRIPTION, damaged, read_description, read_state, write_state
from specsight.detectors.text import Words
from specsight.encoders import BUNDLED, FILTERS, JOINT, Features
from specsight.errors import SpecsightError, UnreadableFile
from specsight.inspector.folds import features_cached
from specsight.inspector.foreign import try_out
from specsight.inspector.observation import Observation, looks_of
from specsight.inspector.pictures import read_picture
from specsight.point_spread import LARGE, SMALL, PointSpread, PointSpreadJson, Responses, painted
from specsight.prompts.anchors import Anchors
from specsight.record_json import check
from specsight.records import Sample
from specsight.specification import Instruction, Knowledge, Specification
from specsight.specification.vocabulary import Vocabulary
from specsight.storage import parse_json, read_text, write_json

READER = "reader"
"""Folder of a saved model that holds it."""
GOOD = "good.safetensors"
"""Patches of the good pictures that it learned from."""
SPREAD = "point_spread.json"
METHOD = "phrases"
MOST_PICTURES = 40
"""Good pictures that it learns from: enough for what is usual, and each costs a look."""
SPREAD_PARTS = 8
"""Of them that discs are painted on, to measure the point spread: each costs two looks."""
SPREADS = 4.0
"""Robust standard deviations above the median peak of good pictures beyond which a type is there for certain, though
some good pictures show it."""


OptionalSpread = PointSpreadJson | None


@dataclass(frozen=True)
class Limit:
    """How far a type's map rises on good pictures."""

    seed: float
    """What a region must pass to be of the type, whatever the inspecting detector says."""
    extent: float
    """What the rest of the region lies above."""


@dataclass
class Reader:
    """Type maps of any picture."""

    detector: Detector
    good: tuple[Features, ...] = ()
    """Joint patches (D, h, w) of the good pictures that it learned from."""
    point_spread: PointSpread | None = None
    """How its maps spread what they show; None: too few discs were seen to say."""
    _peaks: dict[Knowledge, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)
    _untried: Path | None = field(default=None, init=False, repr=False)
    """Where it was read from, until it was tried out: that costs as much as loading a model, and few words need it."""

    @classmethod
    def fit(
        cls, samples: Sequence[Sample], inspecting: Detector, specification: Specification, bits: int | None
    ) -> Self | None:
        """Learn what is usual in good pictures, evenly spread over `samples`, in the words of `specification`.

        The encoder is that of the `inspecting` detector where it reads, else the bundled one. None where the
        specification names no types, where no picture can be read or no encoder that reads can be loaded, and beside
        filters, which are there to need no model.
        """
        encoder = inspecting.get_encoder()
        if not specification.defects or not samples or encoder.name == FILTERS:
            return None
        chosen = np.linspace(0, len(samples) - 1, min(MOST_PICTURES, len(samples))).round().astype(int)
        learned = [samples[k] for k in dict.fromkeys(chosen.tolist())]
        detector = create_detector(
            METHOD,
            encoder=encoder if encoder.reads else BUNDLED,
            resolution=inspecting.framing.resolution,
            tile=inspecting.framing.tile,
            seed=inspecting.seed,
            device=inspecting.device,
        )
        try:
            detector.get_encoder()
        except SpecsightError:
            return None
        with features_cached(detector):
            detector.fit(learned, specification)
            good, spread = _looked_at(learned, detector, bits)
        return cls(detector, good, spread) if good else None

    def type_maps(
        self, observation: Observation, taught: Sequence[Knowledge] = ()
    ) -> Mapping[str, NDArray[np.float32]]:
        """Maps (H, W) of a picture by type, of those specified and those taught; made when the first is read."""
        new = self.new_among(taught)
        known = observation.type_maps.get(self.detector, new)
        if known is None:
            instruction = Instruction.of(new) if new else None
            known = _WhenRead(
                [name for name in self._anchors(new).types if name is not None],
                lambda: self.detector.judge(self._view(observation), instruction).type_maps,
            )
            observation.type_maps.keep(self.detector, new, known)
        return known

    @property
    def specification(self) -> Specification:
        """The words that it reads."""
        return self._words().specification

    def new_among(self, taught: Sequence[Knowledge]) -> tuple[Knowledge, ...]:
        """Those of the types taught that say more than the specification does."""
        specified = Vocabulary.of(self.specification.defects)
        return tuple(one for one in taught if one.name not in specified or one.phrases)

    def limits(self, types: Sequence[Knowledge]) -> Mapping[Knowledge, Limit]:
        """How far the maps of types that are looked for together rise on good pictures.

        In robust standard deviations above its median, the limit is the same for all of them: the largest peak of any
        (Westfall and Young 1993, "Resampling-based multiple testing": the largest of several statistics), so that the
        false rejects of types do not add up. `SPREADS` is the most: peaks beyond it are of good pictures that show
        the type.
        """
        peaks = np.array([self._peaks_of(type_) for type_ in types])
        seeds, extents = _limits(peaks)
        return {
            type_: Limit(float(seed), float(extent)) for type_, seed, extent in zip(types, seeds, extents)
        }

    def good_with_any(self, types: Sequence[Knowledge]) -> int:
        """How many of the good pictures have a map that passes the limit of one of these types, the limits taken from
        the other pictures.

        So many of as many further good pictures may be rejected for it, and rather fewer: what is found must also look
        like the type before all others.
        """
        peaks, count = np.array([self._peaks_of(type_) for type_ in types]), len(self.good)
        if count < 2:
            return count
        others = np.array([np.delete(np.arange(count), k) for k in range(count)])
        seeds, _ = _limits(np.moveaxis(peaks[:, others], 1, 0))
        return int((seeds < peaks.T).any(1).sum())

    def _peaks_of(self, type_: Knowledge) -> NDArray[np.float64]:
        """How far the map of a type rises on each good picture above what is usual."""
        if type_ not in self._peaks:
            anchors = self._anchors(self.new_among([type_]))
            names = Vocabulary(tuple(name or "" for name in anchors.types))
            number = anchors.types.index(names.spelling(type_.name))
            temperature = self.detector.parameters()["temperature"]
            margins = [anchors.margins(grid, temperature)[number] for grid in self.good]
            usual = float(np.median(np.concatenate([one.ravel() for one in margins])))
            self._peaks[type_] = np.array([self._drawn(one).max() for one in margins], np.float64) - usual
        return self._peaks[type_]

    def under(self, specification: Specification) -> Self:
        """This reader in the words of another specification."""
        detector = copy.copy(self.detector)
        detector.words_ = Words.of(specification, detector.get_encoder())
        reader = type(self)(detector, self.good, self.point_spread)
        reader._untried = self._untried
        return reader

    def save(self, folder: Path) -> None:
        """Write it to a new folder."""
        folder.mkdir()
        self.detector.save(folder)
        write_state(folder, {str(k): grid.astype(np.float16) for k, grid in enumerate(self.good)}, GOOD)
        write_json(folder / SPREAD, None if self.point_spread is None else asdict(self.point_spread))

    @classmethod
    def load(cls, folder: Path, inspecting: Detector, device: str, runtime: str = "auto") -> Self:
        """Read what `save` wrote, with the encoder of the `inspecting` detector where it is the same one. Raises
        SpecsightError for what is damaged, arrays that do not fit when it is first asked, and for an encoder that is
        not there."""
        description = read_description(folder)
        if description["detector"] != METHOD:
            raise damaged(folder / DESCRIPTION)
        same = description["encoder"]["fingerprint"] == inspecting.get_encoder().fingerprint
        detector = load_detector(folder, inspecting.get_encoder() if same else None, device, runtime)
        try:
            state = read_state(folder, GOOD)
            good = tuple(state[str(k)].astype(np.float32) for k in range(len(state)))
        except (OSError, LookupError, ValueError) as error:
            raise damaged(folder / GOOD) from error
        try:
            spread = PointSpread.from_json(check(OptionalSpread, parse_json(read_text(folder / SPREAD))))
        except (OSError, ValueError) as error:
            raise damaged(folder / SPREAD) from error
        if not good or any(grid.ndim != 3 or not grid.size or len(grid) != len(good[0]) for grid in good):
            raise damaged(folder / GOOD)
        reader = cls(detector, good, spread)
        reader._untried = folder
        return reader

    def _drawn(self, margins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cells (h, w) as they are drawn on a picture: single cells are smoothed away to a good part."""
        down, across = self.detector.get_encoder().cells(JOINT, margins[None]).stride
        size = (round(margins.shape[1] * across), round(margins.shape[0] * down))
        drawn = cv2.resize(margins, size, interpolation=cv2.INTER_LINEAR)
        sigma = float(self.detector.parameters()["sigma"])
        if sigma > 0:
            drawn = cv2.GaussianBlur(drawn, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(drawn, np.float32)

    def _anchors(self, new: Sequence[Knowledge]) -> Anchors:
        anchors = self._words().anchors(Instruction.of(new) if new else None)
        if self._untried is not None:
            try_out(self.detector, self._untried)
            if self.good and len(self.good[0]) != len(anchors.good):
                raise damaged(self._untried / GOOD)
            self._untried = None
        return anchors

    def _words(self) -> Words:
        if self.detector.words_ is None:
            raise SpecsightError(
                f"this {self.detector.name} detector has learned nothing yet: call fit first"
            )
        return self.detector.words_

    def _view(self, observation: Observation) -> View:
        """What it sees of a picture, looked at once."""
        looks = looks_of(self.detector)
        if observation.looked_by == looks:
            return observation.view
        if looks not in observation.further:
            (observation.further[looks],) = self.detector.look([observation.picture])
        return observation.further[looks]


class _WhenRead(Mapping[str, NDArray[np.float32]]):
    """Maps by type that are made when the first is read."""

    def __init__(self, names: Sequence[str], make: Callable[[], Mapping[str, NDArray[np.float32]]]) -> None:
        self._names, self._make = names, make
        self._maps: Mapping[str, NDArray[np.float32]] | None = None

    def __getitem__(self, type_: str) -> NDArray[np.float32]:
        if self._maps is None:
            self._maps = self._make()
        return self._maps[type_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _limits(peaks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seeds and extents (..., K) of K types from the peaks of their maps on n good pictures, (..., K, n)."""
    middle = np.median(peaks, -1)
    spread = 1.4826 * np.median(np.abs(peaks - middle[..., None]), -1)
    above = peaks.max(-1) - middle
    most = np.divide(above, spread, out=np.where(above > 0, np.inf, 0.0), where=spread > 0)
    seeds = middle + np.minimum(most.max(-1, keepdims=True), SPREADS) * spread
    return seeds, np.minimum(middle, seeds)


def _looked_at(
    samples: Sequence[Sample], detector: Detector, bits: int | None
) -> tuple[tuple[Features, ...], PointSpread | None]:
    """Joint patches of the samples that can be read, and how maps spread discs that are painted on some."""
    good, bases, responses = list[Features](), list[float](), Responses()
    for sample in samples:
        try:
            _, picture = read_picture(sample, "", bits)
        except UnreadableFile:
            continue
        (view,) = detector.look([picture])
        good.append(view.features[JOINT])
        if len(good) > SPREAD_PARTS:
            continue
        map_ = detector.judge(view).map
        bases.append(float(np.median(map_)))
        for share in (SMALL, LARGE):
            rgb, discs = painted(picture.rgb, share)
            (with_discs,) = detector.look([replace(picture, rgb=rgb)])
            responses.add(map_, detector.judge(with_discs).map, discs)
    return tuple(good), responses.spread(float(np.median(bases))) if bases else None
