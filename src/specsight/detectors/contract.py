"""The detector contract: fit on good parts, look once at a picture, judge as often as asked; save and load.

In: samples and pictures. Out: `Judgement`s. A method supplies which layers it looks at, what it learns from the stream
of views and how it judges one view; streaming and storage are the same for all and live here, framing and encoding in
`looking`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Self

from specsight import images
from specsight.detectors import saving
from specsight.detectors.looking import Looking, View
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameters_of
from specsight.detectors.saving import State
from specsight.detectors.text import Words
from specsight.encoders import Encoder, load_encoder, names_same_encoder
from specsight.encoders.runtimes.brought import brings_graph, brought_encoder
from specsight.encoders.runtimes.exported import ExportedEncoder
from specsight.encoders.runtimes.names import AUTO
from specsight.errors import SpecsightError, UnreadableFile, did_you_mean
from specsight.preparation import Framing
from specsight.progress import track
from specsight.records import ImageBatch, Judgement, Sample
from specsight.registry import Registry
from specsight.specification import Instruction, Specification, load_specification, save_yaml

if TYPE_CHECKING:
    from specsight.detectors.nearest_graph import Nearest

__all__ = ["Detector", "View", "create_detector", "detectors", "load_detector"]


@dataclass
class Detector(Looking, ABC):
    """Learns what good parts look like and scores pictures; higher = more anomalous.

    The constructor stores hyper-parameters only. What `fit` learns ends in an underscore.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs] = Needs()
    regime: ClassVar[Regime] = Regime.NORMAL_ONLY
    score_of_map: ClassVar[bool] = False
    """Whether the score is a mean of the map's largest values and of nothing else, so that a map compared with that of
    good parts at the same place gives the score too."""
    transductive: ClassVar[bool] = False
    """Whether a judgement depends on other pictures of the test set."""
    adaptations: ClassVar[tuple[str, ...]] = ()
    """Ways in which `adapted` brings it to another line of the same product; none: it has to be fitted anew there."""

    checkpoints: Path | None = field(default=None, init=False, repr=False)
    """Folder in which a detector that trains weights keeps its place: a fit that was killed goes on from there."""
    skipped_: list[tuple[str, str]] = field(default_factory=list, init=False, repr=False)
    """Good pictures that could not be read while fitting: (path, reason)."""
    notes_: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False)
    """What was noticed in reading good pictures while fitting: note → paths."""
    seen_: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    """How many of the good pictures had each modality while fitting."""
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
        self.skipped_, self.notes_, self.seen_ = [], {}, {}
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

    def adapted(self, samples: Sequence[Sample], method: str) -> Self:
        """Return this detector as it is to judge another line of the product, of which `samples` are pictures.

        Nobody says which of them are good: labels and masks are not looked at. Those that could not be read stand in
        its `skipped_`. Raises SpecsightError for a `method` that is not among `adaptations`.
        """
        if not self.adaptations:
            raise SpecsightError(f"{self.name} cannot be adapted: fit a model to good parts of that line")
        raise SpecsightError(
            f"{self.name} has no adaptation '{method}': {did_you_mean(method, self.adaptations)}"
        )

    @property
    def map_source(self) -> str:
        """What a map comes from, in words, where it is not what the method is named for; else empty."""
        return ""

    @abstractmethod
    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score one view and map its anomalies, at the picture's own resolution. The view stays as it is."""

    def exact(self) -> Nearest | None:
        """What it learned, where a graph computes that exactly; None: numpy alone does."""
        return None

    def run_by(self, folder: Path, runtime: str) -> None:
        """Take the graph that `exact` wrote into `folder`, where there is one of what is learned now."""

    def save(self, folder: Path) -> None:
        """Write parameters, learned state and words into an existing folder. Raises SpecsightError before `fit`."""
        state = self._state()
        self._save_words(folder)
        saving.write_description(folder, self.name, self.parameters(), self.framing, self.get_encoder())
        saving.write_state(folder, state | saving.reference_state(self.framing))

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
            self._restore(saving.without_reference(saving.read_state(folder)))
        except (OSError, LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise saving.damaged(folder / saving.STATE) from error

    def parameters(self) -> dict[str, Any]:
        """Hyper-parameters by name, as given to the constructor; where it runs is none of them."""
        declared = parameters_of(type(self)).values()
        return {one.name: getattr(self, one.name) for one in declared if not one.machine}

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        for name, declared in parameters_of(type(self)).items():
            declared.check(getattr(self, name))

    @abstractmethod
    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        """Learn from the views of good pictures as they stream by, `expected` of them unless some are unreadable."""

    @abstractmethod
    def _state(self) -> State:
        """Everything learned, as arrays. SpecsightError before `fit`."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Take learned arrays back; KeyError or ValueError where they do not fit."""

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
                picture = images.load_picture(sample, self.needs.depth, uses=self.needs.uses)
            except UnreadableFile as error:
                self.skipped_.append((str(sample.image), str(error)))
                continue
            usable += 1
            for name in picture.modalities:
                self.seen_[name] = self.seen_.get(name, 0) + 1
            images.collect_notes(self.notes_, sample, picture.notes)
            for variant in self._variants(picture):
                view = self._look(variant)
                images.collect_notes(self.notes_, sample, view.notes)
                yield view
        self.needs.check_enough(self.name, usable, self.skipped_)

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        """Raise SpecsightError where samples, specification or encoder lack what the method needs."""
        self.needs.check(self.name, samples, specification)
        if self.needs.text and not self.needs.language_model and not self.get_encoder().reads:
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


def load_detector(
    folder: Path, encoder: str | Encoder | None = None, device: str = "auto", runtime: str = "auto"
) -> Detector:
    """Read what `Detector.save` wrote.

    Parameters: `encoder` says where the encoder lies now, if it has moved, or is the encoder; `device` where it runs
    and `runtime` what runs it, see `load_encoder`; "auto": the graph that the folder brings, where it brings one.
    Nothing is fetched because the folder names it, for others may have written it: a hub id that is not on this machine
    must be given here. Raises SpecsightError for another format version, damaged files, and an encoder other than the
    one fitted with.
    """
    description = saving.read_description(folder)
    made_by = description["encoder"]
    if encoder is None and brings_graph(folder, runtime):
        encoder = brought_encoder(folder, device)
    name = str(made_by["name"]) if encoder is None else encoder
    if (
        isinstance(name, str)
        and encoder is None
        and not names_same_encoder(name, made_by["fingerprint"], folder)
    ):
        raise saving.another_encoder(folder, name)
    if isinstance(name, str) and runtime != AUTO:
        name = load_encoder(name, device, runtime)
    parameters = {**description["parameters"], "encoder": name, "device": device}
    detector = create_detector(str(description["detector"]), **parameters)
    if detector.get_encoder().fingerprint != made_by["fingerprint"]:
        raise saving.another_encoder(folder, str(made_by["name"]) if isinstance(name, Encoder) else name)
    detector.framing_ = saving.framing_of(description, folder)
    detector.restore(folder)
    if isinstance(encoder, ExportedEncoder) and encoder.brought:
        detector.run_by(encoder.folder, encoder.runtime)
    return detector
