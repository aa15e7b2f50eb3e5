"""Which pictures a person should see first, and their cards: panels, score, verdict, truth and the finding in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.errors import SpecsightError
from specsight.report import pictures
from specsight.report.pictures import Drawing, HeatScale
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction, file_name
from specsight.storage import write_bytes

WORST = 8
"""Pictures per section that shows faults."""
TYPICAL = 4
REJECTED = 40
"""Pictures shown of an inspection without truth."""
SCALE_SAMPLE = 24
"""Maps that the heat scale's lower end is taken from."""

PANELS = {
    "overview": "whole picture with outlines; the frame is the window shown below",
    "original": "original",
    "heat": "anomaly map over the picture",
    "contours": "outlines of findings and of the true defects",
}


@dataclass(frozen=True)
class Panel:
    """One drawing of a picture, as a `data:` address; `width` and `height` in pixels."""

    name: str
    alt: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Card:
    """One picture of the gallery. `badge` holds the CSS class and the words of how the verdict relates to the truth."""

    prediction: Prediction
    badge: tuple[str, str]
    truth: str
    panels: list[Panel]
    note: str
    """Why something could not be drawn; empty where everything was."""


@dataclass(frozen=True)
class Section:
    """Pictures that belong together: the cards, and how many there are in `total`."""

    title: str
    meaning: str
    total: int
    cards: list[Card]


class Renderer:
    """Draws pictures of one seed of a run, all on the same heat scale."""

    def __init__(
        self,
        run: RunFolder,
        predictions: Sequence[Prediction],
        calibration: Calibration | None,
        located: Mapping[str, bool] = MappingProxyType({}),
    ) -> None:
        """`located`: id of a rejected defective picture → whether a finding touches the defect."""
        self.run, self.calibration, self.data, self.located = run, calibration, run.data, located
        chosen = _spread(
            [p for p in predictions if p.inspection.verdict != "reject"] or predictions, SCALE_SAMPLE
        )
        sampled = [run.map(p).reshape(-1) for p in chosen]
        values = np.concatenate(
            [v[:: max(1, v.size // 20_000)] for v in sampled] or [np.zeros(0, np.float32)]
        )
        self.scale = HeatScale.of(values, calibration.map_seed if calibration else None)

    def card(self, prediction: Prediction) -> Card:
        """Draw one picture, write its sheet to `overlays/`, and return what the page shows of it."""
        drawing, note = self._drawing(prediction)
        panels = {} if drawing is None else drawing.panels()
        if panels:
            write_bytes(
                self.run.path / overlay(prediction), pictures.encode(pictures.composite(panels), ".jpg")
            )
        drawn = [
            Panel(name, f"{prediction.id}: {PANELS[name]}", pictures.data_uri(p), p.shape[1], p.shape[0])
            for name, p in panels.items()
        ]
        return Card(prediction, badge(prediction, self.located), truth(prediction), drawn, note)

    def panels(self, prediction: Prediction) -> dict[str, pictures.Pixels]:
        """Panels by name; none where the picture cannot be shown."""
        drawing, _ = self._drawing(prediction)
        return {} if drawing is None else drawing.panels()

    def draw(self, prediction: Prediction) -> None:
        """Only write the sheet to `overlays/`, unless it is there."""
        if not (self.run.path / overlay(prediction)).exists():
            drawing, _ = self._drawing(prediction)
            if drawing is not None:
                sheet = pictures.composite(drawing.panels())
                write_bytes(self.run.path / overlay(prediction), pictures.encode(sheet, ".jpg"))

    def _drawing(self, prediction: Prediction) -> tuple[Drawing | None, str]:
        sample = prediction.sample(self.data)
        map_ = self.run.map(prediction)
        try:
            rgb = images.read_rgb(sample.image)
        except SpecsightError as error:
            return None, f"The picture cannot be shown: {error}"
        if rgb.shape[:2] != map_.shape:
            return None, "The picture cannot be shown: the file has changed since it was judged."
        found = findings.segment(map_, self.calibration, sample.circular) if self.calibration else None
        try:
            drawable = sample.defects and images.masks_known(sample)
            mask = images.anomaly_mask(sample, prediction.size) if drawable else None
        except SpecsightError as error:
            return Drawing(rgb, self.scale(map_), found, None), f"The true outline cannot be shown: {error}"
        return Drawing(rgb, self.scale(map_), found, mask), ""


def choose(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    """(title, meaning, how many there are, the ones to show) per section, faults before successes."""
    if any(p.label != "unknown" for p in predictions):
        return [s for s in _with_truth(predictions) if s[2]]
    return [s for s in _without_truth(predictions) if s[2]]


def badge(prediction: Prediction, located: Mapping[str, bool]) -> tuple[str, str]:
    """CSS class and words for how the verdict relates to the truth.

    `located`: id of a rejected defective picture → whether a finding touches the defect; it holds none whose true mask
    is not known.
    """
    verdict = prediction.inspection.verdict
    if verdict is None:
        return "open", "No verdict"
    if prediction.label == "unknown":
        return ("bad", "Rejected") if verdict == "reject" else ("fine", "Accepted")
    if prediction.label == "good":
        return ("fault", "False reject") if verdict == "reject" else ("fine", "Rightly accepted")
    if verdict != "reject":
        return "fault", "Missed"
    if prediction.id not in located:
        return "fine", "Rightly rejected"
    return ("fine", "Located") if located[prediction.id] else ("open", "Rejected, defect not located")


def truth(prediction: Prediction) -> str:
    """The truth in words; empty where it is not known."""
    if prediction.label == "unknown":
        return ""
    return ", ".join(prediction.types) or prediction.label


def overlay(prediction: Prediction) -> str:
    """Where a picture's sheet lies, relative to the run folder."""
    return f"overlays/{prediction.seed}/{file_name(prediction.id)}.jpg"


def _with_truth(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    good = _ranked(p for p in predictions if p.label == "good")
    bad = _ranked(p for p in predictions if p.label == "defective")
    if all(p.inspection.verdict is None for p in predictions):
        return [
            (
                "Highest scores",
                "No threshold was calibrated, so there are no verdicts.",
                len(bad + good),
                _ranked(bad + good)[:WORST],
            ),
            ("Defective parts that look most normal", "Lowest scores first.", len(bad), bad[::-1][:WORST]),
        ]
    misses = [p for p in bad if p.inspection.verdict == "accept"][::-1]
    rejects = [p for p in good if p.inspection.verdict == "reject"]
    hits = [p for p in bad if p.inspection.verdict == "reject"]
    accepted = [p for p in good if p.inspection.verdict == "accept"]
    return [
        (
            "Worst misses",
            "Defective parts that were accepted, lowest score first.",
            len(misses),
            misses[:WORST],
        ),
        (
            "Worst false rejects",
            "Good parts that were rejected, highest score first.",
            len(rejects),
            rejects[:WORST],
        ),
        (
            "Typical hits",
            "Defective parts that were rejected: the middle scores of each type.",
            len(hits),
            _typical_of_each_type(hits),
        ),
        (
            "Typical good parts",
            "Good parts that were accepted, from the middle of their scores.",
            len(accepted),
            _middle(accepted, TYPICAL),
        ),
    ]


def _without_truth(predictions: Sequence[Prediction]) -> list[tuple[str, str, int, list[Prediction]]]:
    ranked = _ranked(predictions)
    rejected = [p for p in ranked if p.inspection.verdict == "reject"]
    accepted = [p for p in ranked if p.inspection.verdict == "accept"]
    unjudged = [p for p in ranked if p.inspection.verdict is None]
    return [
        ("Rejected", "Highest score first.", len(rejected), rejected[:REJECTED]),
        (
            "Accepted, closest to the threshold",
            "The pictures to look at twice.",
            len(accepted),
            accepted[:WORST],
        ),
        (
            "Highest scores",
            "No threshold was calibrated, so there are no verdicts.",
            len(unjudged),
            unjudged[:REJECTED],
        ),
    ]


def _ranked(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Highest score first; ties by id, so that a page comes out the same every time."""
    return sorted(predictions, key=lambda p: (-p.inspection.score, p.id))


def _typical_of_each_type(hits: Sequence[Prediction]) -> list[Prediction]:
    """Round by round one picture of every type, from the middle of its scores outwards."""
    types = sorted({p.types for p in hits})
    queues = [_middle([p for p in hits if p.types == t], WORST) for t in types]
    rounds = [queue[i] for i in range(WORST) for queue in queues if i < len(queue)]
    return rounds[: max(WORST, min(len(types), 2 * WORST))]


def _middle(ranked: Sequence[Prediction], count: int) -> list[Prediction]:
    """The `count` pictures nearest to the median of a ranked list."""
    centre = (len(ranked) - 1) / 2
    return [ranked[i] for i in sorted(range(len(ranked)), key=lambda i: abs(i - centre))[:count]]


def _spread(items: Sequence[Prediction], count: int) -> list[Prediction]:
    """`count` items at even steps."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).astype(int)]
