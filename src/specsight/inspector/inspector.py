"""The one way through: a fitted detector with its calibration and specification, from picture to inspection.

In: a picture (path, bytes, array or sample) and any number of instructions. Out: an `Inspection`. The command
line, the evaluation and the service all judge pictures here; there is no other path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from typing_extensions import Self

from specsight.calibration import ByPlace, Calibration, HeldOut, ThresholdConfig
from specsight.choosing import Choice, ChoiceConfig
from specsight.datasets.accounting import Account
from specsight.detectors import Detector, Needs, load_detector
from specsight.encoders.runtimes.brought import bring_along
from specsight.errors import SpecsightError
from specsight.explain.explaining import Explainer
from specsight.inspector import remarks, saved
from specsight.inspector.fewer import Fewer, Modalities, as_known, extents_alone, fitting
from specsight.inspector.foreign import try_out
from specsight.inspector.judging import Judging
from specsight.inspector.learning import detector_of, learn, specification_of
from specsight.inspector.likeness import Likeness
from specsight.inspector.observation import Observation, Skipped, looks_of
from specsight.inspector.part_maps import learn_parts, with_parts
from specsight.inspector.pictures import ChannelsLike, PictureLike, read_picture
from specsight.inspector.reader import READER, Reader
from specsight.inspector.request import Request, write_request
from specsight.inspector.required import check_of, evidence_of
from specsight.inspector.splits import GoodCounts
from specsight.inspector.usual_depth import UsualDepth
from specsight.inspector.words import instruction_of
from specsight.ontology import Ontology
from specsight.parts import PartFinder, outlined
from specsight.presence import GoodPictures, PresenceCheck
from specsight.records import OPERATOR_NOTE, RGB, Inspection, Picture, Sample
from specsight.specification import Instruction, Outline, Specification
from specsight.storage import given_path, read_folder, whole_folder


@dataclass
class Inspector:
    """A fitted detector that gives decisions. Without calibration it gives scores and maps only."""

    detector: Detector
    calibration: Calibration | None = None
    specification: Specification | None = None
    bits: int | None = None
    """What 16-bit files use of their range, learned from good pictures (12: 4095 is white); None: no such file was
    among them, and each uses what it does itself."""
    width: int | None = None
    """Columns that all good pictures had; None: they differed, or that is not known."""
    skipped: list[Skipped] = field(default_factory=list)
    """Good pictures that could not be read while fitting, or could not be used for the threshold."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was noticed in reading good pictures, such as their range: note → paths."""
    counts: GoodCounts | None = None
    """Pictures and parts that it was fitted on; None: it was loaded."""
    account: Account | None = None
    """What became of the pictures that it was fitted on; None where that is not known."""
    held_out: HeldOut | None = None
    """What was said of good parts that were judged unseen; None: none was, or an early version saved it."""
    learned_from: dict[str, str] = field(default_factory=dict)
    """Digests of the good pictures that were learned from → the part that each names, or nothing."""
    by_place: ByPlace | None = None
    """What maps of good parts show at each place, with which scores and maps are compared; None: they stand as the
    detector gives them."""
    likeness: Likeness | None = None
    """Held-out good pictures, by which a picture of something else is told; None as for `held_out`."""
    reader: Reader | None = None
    """What tells types apart where the detector does not, and looks for types that are taught; None: nothing does."""
    good_pictures: GoodPictures | None = None
    """What good pictures show of features that words may require; None without words, and for models of before."""
    finder: PartFinder | None = None
    """Finds where parts lie on pictures that bring no part map; None: the specification outlines none."""
    modalities: Modalities | None = None
    """What the detector judges by: what good parts were taken with. None: it uses nothing beside colours."""
    fewer: tuple[Fewer, ...] = ()
    """Thresholds of pictures that lack some of it."""
    usual_depth: UsualDepth | None = None
    """What depth of good parts is like; None: the detector uses none, or a version of before saved it."""
    choice: Choice | None = None
    """How the detector was chosen; None: it was named."""
    seconds: float | None = None
    """Median time for one of those on this machine, without reading it; None as for `held_out`, and where it was
    loaded."""
    request: Request | None = None
    """What `fit_model` was asked for; None for a model that it did not fit, or that was loaded."""
    reused: bool = False
    """Whether `fit_model` found this model saved already and fitted nothing."""
    ontology: Ontology | None = None
    """What is known of types of defect, for explanations; None: the shipped knowledge. Not saved with the model."""
    _presence: PresenceCheck | None = field(default=None, init=False, repr=False, compare=False)
    _explainer: tuple[Ontology | None, Explainer] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @classmethod
    def fit(
        cls,
        good: str | Path | Sequence[Sample],
        *,
        detector: str | Detector | ChoiceConfig = "patchcore",
        specification: str | Path | Specification | None = None,
        defects: Sequence[Sample] = (),
        validation: Sequence[Sample] = (),
        holdout: int | None = None,
        false_reject_rate: float = 0.05,
        confidence: float = 0.95,
        folds: int | None = None,
        by_place: bool | None = None,
        types: bool = True,
        seed: int = 0,
        **parameters: Any,
    ) -> Self:
        """Fit a detector on good parts and calibrate it by good parts that were judged unseen.

        Parameters
        ----------
        good: folder of pictures of good parts (any layout), or samples. May be empty for detectors that work from
            words alone; `validation` then still gives a threshold.
        detector: a registered name (`specsight list detectors`), created with `parameters` (such as `encoder`,
            `resolution`) and `seed`, or a detector. "auto" chooses one on the good parts that are learned from and on
            defects painted on them; its parameters are `minutes`, `candidates`, `encoder` (one, or several) and
            `resolution`, and what it found is `Inspector.choice`.
        specification: the product in words: YAML file or `Specification`.
        defects: labelled defective samples, for detectors that learn from them.
        validation, holdout, folds: good samples for the threshold; the number of good parts that are held out of
            `good` under `seed`; in how many folds those of `good` are judged, each by a detector that learned from the
            other folds. Default: `validation` where there is any, else 5 folds; where a fit trains weights or there
            are more than 500 good parts, as many held out as the promise takes, never more than a third.
            Parts are counted, not pictures: samples of one `Sample.group`, copies and frames of a still part are one
            part and stay on one side (`datasets.parts`). With fewer than three good parts there is no threshold.
        by_place: whether maps are compared with those of good parts at the same place, for detectors that tell no
            types apart and thresholds from folds; None: where good parts lie alike. Scores are then mean deviations.
        types: whether what tells types apart learns from some of the good pictures too (`Inspector.reader`), where the
            specification names types: tolerances and types that are taught then act for every detector. It costs a look
            at up to 40 of them, and at pictures for which a clause asks for types.
        false_reject_rate, confidence: at most this share of good parts will be rejected, with this confidence
            (approximately, where they come from folds); both in (0, 1).

        Raises SpecsightError where there is too little to learn from, and for parameters out of their range.
        """
        threshold = ThresholdConfig(holdout, false_reject_rate, confidence, folds, by_place)
        detector = detector_of(detector, seed, parameters)
        words = specification_of(specification)
        learned = learn(good, detector, words, defects, validation, threshold, seed, types)
        return cls(**vars(learned))

    def under(self, specification: str | Path | Specification) -> Self:
        """This inspector with another specification: its clauses, severity rules, scale, parts and types hold in place
        of those it was fitted with.

        A detector that reads looks for the new types too, by their words alone, and findings have the names of the new
        specification only. Thresholds stay. Parts are found by the outlines of the new one, where it has some; where
        those differ from the ones that good parts were judged by, scopes have no thresholds of their own.
        """
        words = specification_of(specification)
        calibration, fewer = self.calibration, self.fewer
        if calibration and words and words.reference and _outlines(words) != _outlines(self.specification):
            calibration = replace(calibration, part_peaks=())
            fewer = tuple(replace(one, calibration=replace(one.calibration, part_peaks=())) for one in fewer)
        reader = self.reader.under(words) if self.reader and words else self.reader
        finder = learn_parts(self.detector, words, (), self.bits) or self.finder
        return replace(
            self, specification=words, reader=reader, finder=finder, calibration=calibration, fewer=fewer
        )

    def look(
        self,
        picture: PictureLike,
        change: Callable[[Picture], Picture] | None = None,
        depth: ChannelsLike | None = None,
        signals: Mapping[str, ChannelsLike] | None = None,
    ) -> Observation:
        """Read a picture and encode it, once.

        `picture`: a path, an encoded file as bytes, an array (H, W, 3) uint8 in RGB, or a `Sample` (which may bring
        depth, signals, a part map and a scale). `depth`: a path, an encoded file as bytes, or an array (H, W) in mm,
        NaN where unknown; `signals`: further channels by name, given alike (`Picture.signals`); both must be of the
        picture's size.
        Where it brings no part map and the specification outlines parts, they are found; where they cannot be,
        `Picture.notes` says so. `change` is done to its pixels first, to see what that does to the answer
        (`specsight.stress`). Raises UnreadableFile where there is no picture to read.
        """
        start = time.perf_counter()
        product = self.specification.product if self.specification else ""
        sample, pixels = read_picture(picture, product, self.bits, self._needs, depth, signals)
        pixels = change(pixels) if change else pixels
        if self.usual_depth:
            pixels = self.usual_depth.applied(pixels, self.detector.needs.depth, sample.image)
        pixels = as_known(pixels, self.modalities, sample.image)
        read_at = time.perf_counter()
        (view,) = self.detector.look([pixels])
        looked_at = time.perf_counter()
        seconds = {"read": read_at - start, "look": looked_at - read_at}
        if self.finder and pixels.parts is None:
            sample, pixels = with_parts(self.finder, self.detector, sample, pixels, view)
            seconds["parts"] = time.perf_counter() - looked_at
        evidence = evidence_of(self.detector, sample, pixels, view)
        return Observation(sample, pixels, view, seconds, evidence, looks_of(self.detector))

    def judge(self, observation: Observation, instruction: str | Instruction | None = None) -> Inspection:
        """Judge a picture that was looked at, under an instruction (plain sentences, or clauses).

        The clauses of the specification hold as well, where the instruction says nothing else of the same type. Every
        clause that cannot be applied is listed in
        `Inspection.decision.not_applied`.
        """
        if not isinstance(observation, Observation):
            raise SpecsightError(f"judge takes what look gave, got {type(observation).__name__}: look first")
        looks = looks_of(self.detector)
        if observation.looked_by not in ("", looks):
            raise SpecsightError(
                f"'{observation.sample.id}' was looked at by {observation.looked_by}, and {looks} cannot judge "
                "that: look again with this inspector"
            )
        given = instruction_of(instruction, self.specification)
        own = fitting(observation.picture, self.modalities, self.calibration, self.by_place, self.fewer)
        self._presence = check_of(self._presence, self.good_pictures, self.specification)
        judged = Judging(
            self.detector,
            own.calibration,
            self.specification,
            own.by_place,
            None if own.lost else self.likeness,
            None if RGB in observation.picture.absent else self.reader,
            self._presence,
            observation,
            given,
            None if own.by_place else extents_alone(self.fewer),
            own.promise,
        ).run()
        sample = observation.sample
        inspection = Inspection(
            id=sample.id,
            image=str(sample.image) if sample.image != Path() else "",
            product=sample.product,
            score=judged.judgement.score,
            decision=judged.decision,
            findings=judged.found,
            seconds={**observation.seconds, **judged.seconds},
            map=judged.judgement.map,
            type_maps=judged.judgement.type_maps,
            map_threshold=own.calibration.map_seed if own.calibration else None,
            picture=observation.picture,
            lost=own.lost,
            operator_note=sample.text.get(OPERATOR_NOTE, ""),
            notes=(
                *observation.picture.notes,
                *observation.view.notes,
                *own.notes,
                *filter(None, (own.promise,)),
                *remarks.of_picture(self.specification, sample, observation.picture, self.width),
            ),
        )
        start = time.perf_counter()
        explanation = self.explainer.explain(inspection, given.clauses if given else ())
        seconds = {**inspection.seconds, "explain": time.perf_counter() - start}
        return replace(inspection, statement=explanation.text, explanation=explanation, seconds=seconds)

    @property
    def _needs(self) -> Needs:
        """What the detector asks of pictures, without modalities that good parts did not have."""
        needs, known = self.detector.needs, self.modalities
        return (
            needs if known is None else replace(needs, uses=tuple(one for one in needs.uses if one in known))
        )

    @property
    def explainer(self) -> Explainer:
        """What explains its inspections and checks texts about them."""
        if self._explainer is None or self._explainer[0] is not self.ontology:
            self._explainer = (self.ontology, Explainer(self.specification, self.ontology))
        return self._explainer[1]

    def inspect(
        self,
        picture: PictureLike,
        instruction: str | Instruction | None = None,
        depth: ChannelsLike | None = None,
        signals: Mapping[str, ChannelsLike] | None = None,
    ) -> Inspection:
        """`judge(look(picture), instruction)`, with what `look` takes beside it."""
        return self.judge(self.look(picture, depth=depth, signals=signals), instruction)

    def save(self, folder: str | Path, replace: bool = False) -> None:
        """Write detector, calibration and specification as one sealed folder, whole or not at all.

        A model that lies there already is given up only with `replace`. Raises SpecsightError where it is not, where
        the folder holds anything else, and where it cannot be written.
        """
        with whole_folder(given_path(folder, "the folder of the model"), replace) as temporary:
            self.detector.save(temporary)
            bring_along(self.detector.get_encoder(), temporary)
            names = [one.name for one in fields(saved.Kept)]
            saved.write(temporary, saved.Kept(**{name: getattr(self, name) for name in names}))
            if self.reader:
                self.reader.save(temporary / READER)
            if self.request:
                write_request(temporary, self.request)

    @classmethod
    def load(
        cls, folder: str | Path, encoder: str | None = None, device: str = "auto", runtime: str = "auto"
    ) -> Self:
        """Read a saved folder after comparing every file with its checksum.

        `encoder` says where the encoder lies now, if it has moved; it must be the same one. Nothing is fetched because
        the folder names it: a hub id that is not on this machine must be given here. `device` is where it runs, and
        `runtime` what runs it, as for `load_encoder`; "auto": the graph that the model brings, where it brings one.
        Raises SpecsightError for what is damaged, also where its checksums agree: values out of range, arrays that
        do not fit.
        """
        folder = saved.located(folder)

        def read() -> tuple[saved.Kept, Detector, Reader | None]:
            detector = load_detector(folder, encoder, device, runtime)
            reader = (
                Reader.load(folder / READER, detector, device, runtime)
                if (folder / READER).exists()
                else None
            )
            return saved.read(folder), detector, reader

        (kept, detector, reader), _ = read_folder(folder, read)
        try_out(detector, folder)
        return cls(detector, **vars(kept), reader=reader)


def _outlines(specification: Specification | None) -> list[tuple[tuple[int, int], dict[str, Outline]]]:
    """Where parts are outlined, whatever the pictures are called."""
    return [(one.size, dict(outlines)) for one, outlines in outlined(specification)] if specification else []
