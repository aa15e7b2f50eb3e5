"""Golden vectors of grounding (methods.md B.8), counted by hand or computed by sklearn, statsmodels and brute force."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa
from tests.support.answered_benchmark import item, sample, write_benchmark, write_run

from specsight.benchmark.files import ONTOLOGY, SPECIFICATION
from specsight.benchmark.records import Instance
from specsight.benchmark.scoring.reports import Truths
from specsight.benchmark.scoring.scores import Scores, score_run
from specsight.explain import grounding
from specsight.explain.places import mass_in
from specsight.explain.slots import Slots
from specsight.specification.vocabulary import place_name

SUPERCLASS = {"scratch": "surface", "cut": "surface", "dent": "shape", "stain": "colour"}


def credit(stated: str, true: str) -> float:
    if stated == true:
        return 1.0
    return 0.5 if SUPERCLASS.get(stated) == SUPERCLASS.get(true) is not None else 0.0


TRUTH = Slots(
    decision="reject", types=("scratch", "dent"), cells=("top left", "centre"), parts=("rim",),
    boxes=((0, 0, 100, 100), (400, 400, 600, 600)), count=2, severity="major", length_mm=8.0,
)  # fmt: skip


def test_the_truth_stated_is_right_in_every_slot() -> None:
    got = grounding.compare(TRUTH, TRUTH, credit)
    assert (got.polarity, got.types, got.cells, got.boxes, got.count_error) == (True, 1.0, 1.0, 1.0, 0)
    assert (got.asserted, got.unsupported, got.true, got.omitted) == (11, 0, 11, 0)
    assert got.claims


def test_a_statement_with_every_kind_of_fault() -> None:
    stated = Slots(
        decision="accept", types=("cut", "stain", "cut"), cells=("Top Left", "right"), boxes=((0, 0, 100, 50),),
        count=5, length_mm=10.5,
    )  # fmt: skip
    got = grounding.compare(stated, TRUTH, credit)
    assert got.polarity is False
    assert got.types == pytest.approx(2 * 0.5 / 4)
    assert got.cells == pytest.approx(1 / 3)
    assert got.overlaps == (0.5, 0.0)
    assert got.boxes == pytest.approx(0.5 / 2)
    assert got.count_error == 3
    # Verdict, two types, two cells, box, number, length; wrong: verdict, 0.5 + 1 of types, a cell, number, length.
    assert (got.asserted, got.unsupported) == (8, 1 + 1.5 + 1 + 0 + 1 + 1)
    # Of 11: half of "scratch", "dent", a cell, the part, a box, the severity.
    assert (got.true, got.omitted) == (11, 0.5 + 1 + 1 + 1 + 1 + 1)


def test_a_good_picture_and_what_is_invented_on_it() -> None:
    good = Slots(decision="accept", types=(), cells=(), parts=(), boxes=(), count=0)
    right = grounding.compare(good, good, credit)
    assert (right.asserted, right.unsupported, right.omitted, right.claims) == (2, 0, 0, False)
    assert (right.types, right.cells, right.boxes) == (None, None, None)
    invented = grounding.compare(Slots(decision="reject", types=("dent",), cells=("left",)), good, credit)
    assert (invented.asserted, invented.unsupported, invented.claims) == (3, 3, True)


def test_what_cannot_be_read_states_nothing() -> None:
    got = grounding.compare(None, TRUTH, credit)
    assert (got.polarity, got.types, got.cells, got.boxes, got.count_error) == (False, 0.0, 0.0, 0.0, None)
    assert (got.asserted, got.omitted) == (0, 11)


def test_what_the_truth_does_not_know_is_not_judged() -> None:
    got = grounding.compare(Slots(cells=("left",), severity="minor"), Slots(decision="reject"), credit)
    assert (got.asserted, got.true, got.omitted) == (0, 1, 1)
    assert got.cells is None


names = strategies.lists(strategies.sampled_from(sorted(SUPERCLASS)), max_size=4, unique=True)


@given(names, names)
def test_types_f1_takes_the_best_pairing(stated: list[str], true: list[str]) -> None:
    longer, shorter = (stated, true) if len(stated) >= len(true) else (true, stated)
    best = max(
        (
            sum(credit(a, b) for a, b in zip(some, shorter))
            for some in itertools.permutations(longer, len(shorter))
        ),
        default=0.0,
    )
    expected = 2 * best / (len(stated) + len(true)) if stated or true else 1.0
    assert grounding.types_f1(stated, true, credit) == pytest.approx(expected)
    assert grounding.types_f1(true, stated, credit) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
@given(strategies.lists(strategies.tuples(strategies.integers(0, 2), strategies.integers(0, 2)), min_size=3))
def test_weighted_kappa_is_that_of_sklearn_and_statsmodels(pairs: list[tuple[int, int]]) -> None:
    table = np.zeros((3, 3))
    for pair in pairs:
        table[pair] += 1
    found = grounding.weighted_kappa(table[None])[0]
    if len(set(itertools.chain(*pairs))) < 2:
        assert np.isnan(found)
        return
    stated, true = zip(*pairs)
    assert found == pytest.approx(cohen_kappa_score(stated, true, weights="quadratic", labels=[0, 1, 2]))
    assert found == pytest.approx(cohens_kappa(table, wt="quadratic").kappa)


def test_mass_in_is_counted_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    map_ = rng.random((7, 11))
    cells = {"left", "centre", "bottom right"}
    inside = sum(
        map_[y, x] for y in range(7) for x in range(11) if place_name((x + 0.5) / 11, (y + 0.5) / 7) in cells
    )
    assert mass_in(map_, cells) == pytest.approx(inside / map_.sum())
    assert mass_in(
        map_, [place_name(x / 3 + 0.1, y / 3 + 0.1) for x in range(3) for y in range(3)]
    ) == pytest.approx(1)
    assert np.isnan(mass_in(np.zeros((4, 4)), cells))


def defective(id_: str, box: tuple[int, int, int, int]) -> Any:
    x0, y0, x1, y1 = box
    instance = Instance(
        type_raw="scratch", type="scratch", superclass="surface", box=box, area_px=(x1 - x0) * (y1 - y0),
        area_share=0.01, centroid=((x0 + x1) / 2, (y0 + y1) / 2), cells=("top left",), length_px=9,
    )  # fmt: skip
    return sample(id_, label="defective", instances=(instance,))


def reported(tmp_path: Path, truths: dict[str, Slots], stated: dict[str, Slots | None]) -> Scores:
    """Pictures of 90 × 60; a box of 30 × 20 at the top left, of which a third lies in the cell to the right."""
    samples = [
        sample(id_) if truth.decision == "accept" else defective(id_, (10, 0, 40, 20))
        for id_, truth in truths.items()
    ]
    items = [
        item(f"{id_}/r", id_, "report", form="report", options={}, answer="{}", slots=truth)
        for id_, truth in truths.items()
    ]
    benchmark = write_benchmark(tmp_path / "bench", samples, items)
    (benchmark.folder / SPECIFICATION).write_text(
        "product: cap\nseverity:\n- {level: minor, up_to_percent: 1}\n- {level: major, up_to_percent: 2}\n"
        "- {level: critical}\n"
    )
    answers = {
        f"{id_}/r": None if slots is None else json.dumps(slots.model_dump(exclude_none=True))
        for id_, slots in stated.items()
    }
    return score_run(benchmark, write_run(tmp_path / "run", benchmark, answers), resamples=50)


def truth(severity: str) -> Slots:
    return Slots(decision="reject", types=("scratch",), cells=("top left", "top"), count=1, severity=severity)


def test_the_reports_of_a_run(tmp_path: Path) -> None:
    good = Slots(decision="accept", types=(), cells=(), count=0)
    truths = {"a": truth("minor"), "b": truth("major"), "c": truth("critical"), "g": good, "h": good}
    stated: dict[str, Slots | None] = {
        "a": truth("minor"),
        "b": Slots(decision="reject", types=("dent",), cells=("top",), count=3, severity="critical"),
        "c": None,
        "g": good,
        "h": Slots(decision="reject", types=("dent",)),
    }
    scores = reported(tmp_path, truths, stated)
    got = {
        name.partition("/")[2]: f.value for name, f in scores.figures.items() if name.startswith("grounding/")
    }
    assert got["valid"] == 4 / 5
    assert got["polarity"] == 3 / 5
    assert got["types"] == pytest.approx(1 / 3)
    assert got["cells"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert got["cells_hit"] == pytest.approx(1 / 3)
    assert got["mass_in"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert got["count_error"] == pytest.approx((0 + 2 + 0) / 3)
    assert got["severity_stated"] == pytest.approx(2 / 3)
    kappa = cohen_kappa_score([0, 2], [0, 1], weights="quadratic", labels=[0, 1, 2])
    assert got["severity_kappa"] == pytest.approx(kappa)
    assert got["severity_rho"] == pytest.approx(spearmanr([0, 2], [0, 1]).statistic)
    # Asserted: a 6, b 5 (type, number and severity wrong), g 2, h 2 (both wrong).
    assert got["hallucination"] == pytest.approx((0 + 3 + 0 + 2) / (6 + 5 + 2 + 2))
    assert got["hallucination/good"] == pytest.approx(2 / 4)
    assert got["hallucination/defective"] == pytest.approx(3 / 11)
    # True: 6 of each defective picture, 2 of a good one; omitted: b type and a cell, c all, h its number.
    assert got["omission"] == pytest.approx((2 + 6 + 1) / 22)
    assert got["invented"] == 0.5
    parts = [3 / 5, 1 / 3, 0.5, kappa * 2 / 3, 1 - 5 / 15]
    assert got["consistency"] == pytest.approx(np.mean(parts))
    assert scores.figures["grounding/consistency"].low is not None


def test_who_reports_nothing_is_consistent_with_nothing(tmp_path: Path) -> None:
    scores = reported(tmp_path, {"a": truth("minor"), "b": truth("major")}, {"a": None, "b": None})
    assert scores.figures["grounding/consistency"].value == 0.0
    assert scores.figures["grounding/omission"].value == 1.0
    assert scores.figures["grounding/hallucination"].value is None


def test_levels_that_nobody_orders_are_said_so(tmp_path: Path) -> None:
    scores = reported(tmp_path, {"a": truth("grave")}, {"a": truth("grave")})
    figure = scores.figures["grounding/severity_kappa"]
    assert figure.value is None
    assert "orders no severity" in figure.reason


def test_the_ontology_knows_synonyms_and_superclasses(tmp_path: Path) -> None:
    benchmark = write_benchmark(tmp_path / "bench", [sample("a")], [])
    assert Truths.of(benchmark).credit("Scratches", "scratch", "cap") == 1.0
    assert Truths.of(benchmark).credit("score mark", "scratch", "cap") == 0.0
    (benchmark.folder / ONTOLOGY).write_text(
        "superclasses: {surface: damage of the surface, colour: another colour}\n"
        "types:\n- {name: scratch, superclass: surface, synonyms: [score mark]}\n"
        "- {name: cut, superclass: surface}\n- {name: stain, superclass: colour}\n"
    )
    credit_of = Truths.of(benchmark).credit
    assert credit_of("score mark", "scratch", "cap") == 1.0
    assert credit_of("cut", "scratch", "cap") == 0.5
    assert credit_of("stain", "scratch", "cap") == 0.0
    assert credit_of("elephant", "scratch", "cap") == 0.0
