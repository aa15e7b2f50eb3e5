"""The detector contract: fit on good parts, look once at a picture, judge as often as asked; save and load.

In: samples and pictures. Out: `Judgement`s. A method supplies which layers it looks at, what it learns from the stream
of views and how it judges one view; framing, encoding, streaming and storage are the same for all and live here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight import images
from specsight.detectors import saving
from specsight.detectors.good_pictures import choose_framing
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import AUTO, parameter, parameters_of
from specsight.detectors.saving import State
from specsight.detectors.text import Words
from specsight.encoders import BUNDLED, Encoder, Features, load_encoder, names_same_encoder
from specsight.errors import SpecsightError, UnreadableFile, did_you_mean
from specsight.features import grids
from specsight.images.rotation import rotated
from specsight.preparation import STANDARD, Choices, Framing
from specsight.progress import track
from specsight.records import ImageBatch, Judgement, Picture, Sample
from specsight.registry import Registry
from specsight.specification import Instruction, Specification, load_specification, save_yaml


@dataclass(frozen=True)
class View:
    """One picture, looked at once: where it lies in its frame, and its features by layer, each (D, h, w)."""

    frame: images.Frame
    features: Mapping[str, Features]
    cells: Mapping[str, images.Cells] = field(default_factory=dict)
    """Where the cells of each grid of features lie over the frame; grids hold no cell of padding. Features without
    cells are no grids (pooled embeddings)."""


Encode = Callable[[Encoder, NDArray[np.uint8], images.Frame], Mapping[str, Features]]
"""Encoder, framed pixels (1, H, W, 3), their frame → features by name."""


@dataclass
class Detector(ABC):
    """Learns what good parts look like and scores pictures; higher = more anomalous.

    The constructor stores hyper-parameters only. What `fit` learns ends in an underscore.
    """

    encoder: str | Encoder = parameter(
        BUNDLED, "What turns pictures into features: a name, a folder or a hub id."
    )
    resolution: int | str = parameter(
        STANDARD,
        "Shorter side of the framed picture (its side, where positions are compared); auto: good pictures choose.",
        low=32,
        high=4096,
        unit="px",
        automatic=True,
    )
    tile: int | str = parameter(
        0,
        "Side of the overlapping tiles in which a larger framed picture is encoded; 0: at once; auto: where it is "
        "long.",
        low=0,
        high=4096,
        unit="px",
        automatic=True,
    )
    seed: int = parameter(0, "Of everything that is random.", low=0, high=2**32 - 1)
    device: str = parameter(
        "auto",
        "Where the encoder runs and weights are trained: auto, cpu, cuda, cuda:N or mps.",
        machine=True,
    )

    name: ClassVar[str]
    needs: ClassVar[Needs] = Needs()
    regime: ClassVar[Regime] = Regime.NORMAL_ONLY
    score_of_map: ClassVar[bool] = False
    """Whether the score is a mean of the map's largest values and of nothing else, so that a map compared with that of
    good parts at the same place gives the score too."""
    transductive: ClassVar[bool] = False
    """Whether a judgement depends on other pictures of the test set."""

    checkpoints: Path | None = field(default=None, init=False, repr=False)
    """Folder in which a detector that trains weights keeps its place: a fit that was killed goes on from there."""
    skipped_: list[tuple[str, str]] = field(default_factory=list, init=False, repr=False)
    """Good pictures that could not be read while fitting: (path, reason)."""
    notes_: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False)
    """What was noticed in reading good pictures while fitting: note → paths."""
    encoder_: Encoder | None = field(default=None, init=False, repr=False)
    framing_: Framing | None = field(default=None, init=False, repr=False)
    """How pictures are framed, once that was decided; see `framing`."""
    words_: Words | None = field(default=None, init=False, repr=False)
    """What was specified, for methods that need text."""

    def fit(
        self,
        samples: Sequence[Sample],
        specification: Specification | None = None,
        framing: Framing | None = None,
    ) -> Self:
        """Learn from good samples; unreadable ones are skipped and listed in `skipped_`.

        `framing` is how pictures are framed, where that was decided before; None: as the parameters say, and as the
        good samples decide what those leave open.

        Raises SpecsightError where parameters make no sense, where samples lack what the method needs, and where
        fewer good pictures are left than it can learn from.
        """
        self.check_parameters()
        self._check_needs(samples, specification)
        self.needs.check_enough(self.name, len(samples))
        self.skipped_, self.notes_ = [], {}
        self.framing_ = self._choose_framing(samples) if framing is None else framing
        if self.needs.text and specification is not None:
            self.words_ = Words.of(specification, self.get_encoder())
        self._learn(self._views(samples, specification), len(samples), specification)
        return self

    def look(self, pictures: ImageBatch) -> list[View]:
        """Encode pictures, each by itself; the views come in the same order.

        Raises SpecsightError for a picture without the depth that the method needs.
        """
        if self.needs.depth and any(picture.depth is None for picture in pictures):
            raise SpecsightError(
                f"{self.name} needs depth, and this picture has none: give samples with depth"
            )
        return [self._look(picture) for picture in pictures]

    @abstractmethod
    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score one view and map its anomalies, at the picture's own resolution. The view stays as it is."""

    def save(self, folder: Path) -> None:
        """Write parameters, learned state and words into an existing folder. Raises SpecsightError before `fit`."""
        state = self._state()
        self._save_words(folder)
        saving.write_description(folder, self.name, self.parameters(), self.framing, self.get_encoder())
        saving.write_state(folder, state)

    @classmethod
    def load(cls, folder: Path, encoder: str | None = None) -> Self:
        """Read a saved detector of this class; see `load_detector`."""
        detector = load_detector(folder, encoder)
        if not isinstance(detector, cls):
            raise SpecsightError(f"'{folder}' holds a {detector.name} detector, not {cls.name}")
        return detector

    def restore(self, folder: Path) -> None:
        """Take the learned state that `save` wrote of a detector with the same parameters and the same encoder.

        Raises SpecsightError where it is missing or damaged.
        """
        self._restore_words(folder)
        try:
            self._restore(saving.read_state(folder))
        except (OSError, LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise saving.damaged(folder / saving.STATE) from error

    def get_encoder(self) -> Encoder:
        """The encoder, loaded on `device` when it is first asked for. Raises SpecsightError as `load_encoder` does."""
        if self.encoder_ is None:
            self.encoder_ = (
                self.encoder if isinstance(self.encoder, Encoder) else load_encoder(self.encoder, self.device)
            )
        return self.encoder_

    @property
    def framing(self) -> Framing:
        """How pictures are framed: as the parameters say or, once fitted, as good pictures decided.

        Before that, what is left open is standard: the method's own resolution, no tiles.
        """
        if self.framing_ is not None:
            return self.framing_
        standard = int(parameters_of(type(self))["resolution"].default)
        return Framing(
            standard if isinstance(self.resolution, str) else self.resolution,
            0 if isinstance(self.tile, str) else self.tile,
        )

    def parameters(self) -> dict[str, Any]:
        """Hyper-parameters by name, as given to the constructor; where it runs is none of them."""
        declared = parameters_of(type(self)).values()
        return {one.name: getattr(self, one.name) for one in declared if not one.machine}

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        for name, declared in parameters_of(type(self)).items():
            declared.check(getattr(self, name))

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        """Names of the encoder's layers that views hold."""
        return encoder.default_layers

    def _features(
        self, encoder: Encoder, pixels: NDArray[np.uint8], frame: images.Frame
    ) -> Mapping[str, Features]:
        """What a view holds of framed pixels (1, H, W, 3), each (D, h, w): by default the layers of `_layers`."""
        names = self._layers(encoder)
        return {name: grid[0] for name, grid in zip(names, encoder.layers(pixels, names))}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> images.Cells | None:
        """Where the cells lie of what a view holds as `name`; None: it is no grid.

        By default `name` is that of a layer, or `JOINT` for the joint patches; nothing else is a grid.
        """
        return encoder.cells(name, features) if name in encoder.placements else None

    def _view(self, encoder: Encoder, frame: images.Frame, features: Mapping[str, Features]) -> View:
        """A view of features over the whole frame: the cells that show the picture, and where they lie."""
        shown, places = dict(features), {}
        for name, grid in features.items():
            if cells := self._cells(encoder, name, grid):
                shown[name], places[name] = grids.inside(grid, cells, frame)
        return View(frame, shown, places)

    @abstractmethod
    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        """Learn from the views of good pictures as they stream by, `expected` of them unless some are unreadable."""

    @abstractmethod
    def _state(self) -> State:
        """Everything learned, as arrays. SpecsightError before `fit`."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Take learned arrays back; KeyError or ValueError where they do not fit."""

    def _frame(self, picture: Picture, multiple: int) -> tuple[NDArray[np.uint8], images.Frame]:
        """Framed pixels: the whole picture at its own aspect, shorter side at `resolution`.

        An encoder whose pooled embedding cannot leave padding out gets none; the aspect then changes by up to half a
        patch.
        """
        padded, framing = not self.get_encoder().padding_counts, self.framing
        return images.shorter_side(
            picture.rgb,
            framing.resolution,
            multiple,
            max_aspect=images.MAX_ASPECT_TILED if framing.tile else images.MAX_ASPECT,
            circular=picture.circular,
            padded=padded,
        )

    def _angles(self, good: int) -> tuple[float, ...] | None:
        """Degrees by which each of `good` good pictures is rotated to be learned from too, beside 0.

        None: where a test on them says so. Methods that compare with good patches override this.
        """
        return ()

    def _choose_framing(self, samples: Sequence[Sample]) -> Framing:
        """What the parameters say, and good samples decide what they leave open."""
        self.framing_, angles = None, self._angles(len(samples))
        given = replace(self.framing, angles=angles or ())
        choices = Choices(self.resolution == AUTO, self.tile == AUTO, angles is None)
        return choose_framing(samples, self.get_encoder, given, choices)

    def _variants(self, picture: Picture) -> Iterator[Picture]:
        """The pictures to learn from in place of one good picture: it, and its rotations where they are used."""
        yield picture
        for angle in self.framing.angles:
            yield rotated(picture, angle)

    def _look(self, picture: Picture) -> View:
        """Frame and encode one picture; methods that look at more than its colours override this."""
        encoder = self.get_encoder()
        pixels, frame = self._frame(picture, encoder.multiple)
        return self._view(encoder, frame, self._encode(pixels, frame, self._features))

    def _encode(
        self, pixels: NDArray[np.uint8], frame: images.Frame, encode: Encode
    ) -> Mapping[str, Features]:
        """What `encode`, such as `_features`, gives of framed pixels (H, W, 3): tile by tile where there are tiles."""
        encoder = self.get_encoder()
        tiling = images.Tiling.over(frame.size, self.framing.tile, encoder.multiple)
        if tiling.shape == (1, 1):
            return encode(encoder, pixels[None], frame)
        parts = [encode(encoder, pixels[place][None], frame.part(*place)) for place in tiling.places()]
        return {name: self._joined(name, [part[name] for part in parts], tiling) for name in parts[0]}

    def _joined(self, name: str, parts: Sequence[Features], tiling: images.Tiling) -> Features:
        """What a view holds as `name` of a frame, from that of its tiles: grids are blended where tiles overlap.

        What is no grid, such as a pooled embedding, is kept of every tile, laid out as they lie.
        """
        encoder = self.get_encoder()
        cells = self._cells(encoder, name, parts[0])
        return tiling.arranged(parts) if cells is None else tiling.blend(parts, cells.stride)

    def _save_words(self, folder: Path) -> None:
        """Write what was specified for a method that needs text; methods that learn other words besides add theirs."""
        if self.needs.text:
            save_yaml(self._get_words().specification, folder / saving.SPECIFICATION)

    def _restore_words(self, folder: Path) -> None:
        """Read what `_save_words` wrote. Raises SpecsightError where it is missing or damaged."""
        if self.needs.text:
            if not (folder / saving.SPECIFICATION).exists():
                raise saving.damaged(folder / saving.SPECIFICATION)
            specification = load_specification(folder / saving.SPECIFICATION)
            self.words_ = Words.of(specification, self.get_encoder())

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        """What `_learn` learns from: views of good samples, one picture in memory at a time."""
        usable = 0
        for sample in track(samples, f"fitting {self.name}"):
            try:
                picture = images.load_picture(sample, self.needs.depth)
            except UnreadableFile as error:
                self.skipped_.append((str(sample.image), str(error)))
                continue
            usable += 1
            images.collect_notes(self.notes_, sample, picture)
            for variant in self._variants(picture):
                yield self._look(variant)
        self.needs.check_enough(self.name, usable, self.skipped_)

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        """Raise SpecsightError where samples, specification or encoder lack what the method needs."""
        self.needs.check(self.name, samples, specification)
        if self.needs.text and not self.get_encoder().reads:
            raise SpecsightError(
                f"{self.name} compares pictures with words, and encoder '{self.get_encoder().name}' has no text tower: "
                "choose one that reads (bundled, or a CLIP or SigLIP checkpoint) with --encoder"
            )

    def _get_words(self) -> Words:
        """What was specified. Raises SpecsightError where nothing was fitted."""
        if self.words_ is None:
            raise self._not_fitted()
        return self.words_

    def _not_fitted(self) -> SpecsightError:
        return SpecsightError(f"this {self.name} detector has learned nothing yet: call fit first")


def _adopt(name: str, plugin: Any) -> type[Detector]:
    """A detector class that another distribution brings."""
    if not (isinstance(plugin, type) and issubclass(plugin, Detector)):
        raise SpecsightError(f"'{name}' must be a class of specsight.detectors.Detector, got {plugin!r}")
    if getattr(plugin, "name", None) != name:
        raise SpecsightError(
            f"the detector's name is '{getattr(plugin, 'name', None)}', and the entry point is called '{name}'"
        )
    if missing := sorted(getattr(plugin, "__abstractmethods__", ())):
        raise SpecsightError(f"detector '{name}' lacks {', '.join(missing)}: every detector defines them")
    if not isinstance(plugin.needs, Needs) or not isinstance(plugin.regime, Regime):
        raise SpecsightError(
            f"detector '{name}' must say what it needs with a Needs and its regime with a Regime"
        )
    return plugin


detectors: Registry[type[Detector]] = Registry(
    "detector", "specsight.detectors", group="specsight.detectors", adopt=_adopt
)
"""Name of a method → its class. A module of this package that registers one is found by itself."""


def create_detector(name: str, /, **parameters: Any) -> Detector:
    """The detector registered as `name` with checked hyper-parameters; misspelt names get a suggestion."""
    kind = detectors[name]
    declared = parameters_of(kind)
    for key in parameters:
        if key not in declared:
            raise SpecsightError(f"{name} has no parameter '{key}': {did_you_mean(key, declared)}")
    # YAML and JSON know lists only; parameters are compared and printed as tuples.
    given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in parameters.items()}
    detector = kind(**given)
    detector.check_parameters()
    return detector


def load_detector(folder: Path, encoder: str | None = None, device: str = "auto") -> Detector:
    """Read what `Detector.save` wrote.

    Parameters: `encoder` says where the encoder lies now, if it has moved; `device` where it runs, see `load_encoder`.
    Nothing is fetched because the folder names it, for others may have written it: a hub id that is not on this machine
    must be given here. Raises SpecsightError for another format version, damaged files, and an encoder other than the
    one fitted with.
    """
    description = saving.read_description(folder)
    made_by = description["encoder"]
    name = str(made_by["name"]) if encoder is None else encoder
    if encoder is None and not names_same_encoder(name, made_by["fingerprint"], folder):
        raise saving.another_encoder(folder, name)
    parameters = {**description["parameters"], "encoder": name, "device": device}
    detector = create_detector(str(description["detector"]), **parameters)
    if detector.get_encoder().fingerprint != made_by["fingerprint"]:
        raise saving.another_encoder(folder, name)
    detector.framing_ = saving.framing_of(description)
    detector.restore(folder)
    return detector
