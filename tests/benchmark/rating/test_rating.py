"""Raters see statements without models, each in their own order; what they say becomes means, agreement and tests."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import wilcoxon
from tests.support.rated_caps import write_caps, write_run

from specsight.benchmark.alpha import krippendorff_alpha
from specsight.benchmark.files import Benchmark
from specsight.benchmark.rating.anchors import anchors_of
from specsight.benchmark.rating.folder import RatingFolder
from specsight.benchmark.rating.planning import RatingConfig, plan_rating
from specsight.benchmark.rating.scales import SCALES
from specsight.benchmark.rating.sheets import read_sheet, write_sheet
from specsight.benchmark.rating.store import Rated, RatingStore, Saving
from specsight.benchmark.rating.summary import summarise
from specsight.benchmark.records import BenchmarkSample, Instance
from specsight.cli import cli
from specsight.errors import SpecsightError

RATERS = ("r1", "r2", "r3")


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    return write_caps(tmp_path / "bench")


@pytest.fixture
def runs(benchmark: Benchmark, tmp_path: Path) -> list[Path]:
    first = write_run(benchmark, tmp_path / "runs" / "alpha-model", lambda id_: f"{id_} in one style")
    return [first, write_run(benchmark, tmp_path / "runs" / "beta-model", lambda id_: f"{id_} in another")]


@pytest.fixture
def store(benchmark: Benchmark, runs: list[Path], tmp_path: Path) -> RatingStore:
    return RatingStore(plan_rating(benchmark, runs, tmp_path / "rating", RatingConfig(RATERS, statements=12)))


def rate_all(store: RatingStore, value: int = 3, better: int = 0) -> None:
    """Everybody gives `value`, and `better` more to the first model."""
    for rater in RATERS:
        savings = [
            Saving(one.place, Rated(dict.fromkeys(SCALES, value + better * (one.model == "alpha-model"))))
            for one in store.folder.of(rater)
        ]
        store.save(rater, savings)


def test_agreement_of_the_published_example() -> None:
    """Krippendorff's example as `krippendorff` 0.9.0 computes it."""
    nan = float("nan")
    given = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5],
            [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5],
        ]
    )
    counts = np.array([[(column == value).sum() for value in range(1, 6)] for column in given.T])
    alpha = krippendorff_alpha(counts, "ordinal")
    assert alpha.value == pytest.approx(0.804861, abs=1e-6)
    assert (alpha.words, alpha.units) == ("good", 10)


def test_every_rater_rates_the_same_items_of_every_model_and_a_tenth_twice(store: RatingStore) -> None:
    folder = store.folder
    assert folder.rating.statements == 12
    orders = set()
    for rater in RATERS:
        mine = folder.of(rater)
        assert [one.place for one in mine] == list(range(1, 15))
        once = Counter((one.item, one.model) for one in mine if not one.again)
        assert len(once) == 12
        assert set(once.values()) == {1}
        assert Counter(model for _, model in once) == {"alpha-model": 6, "beta-model": 6}
        again = [one for one in mine if one.again]
        assert len(again) == 2
        for one in again:
            first = next(o for o in mine if (o.item, o.model) == (one.item, one.model))
            assert first.place <= 6 < one.place
        orders.add(tuple((one.item, one.model) for one in mine))
    assert len(orders) == 3
    kinds = Counter(int(item.split("/")[0][4:]) % 2 for item in folder.items)
    assert kinds == {0: 3, 1: 3}


def test_the_same_seed_gives_the_same_rating(benchmark: Benchmark, runs: list[Path], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        plan_rating(benchmark, runs, tmp_path / name, RatingConfig(RATERS, statements=8, seed=seed))
    keys = [(tmp_path / name / "key.jsonl").read_bytes() for name in "abc"]
    assert keys[0] == keys[1] != keys[2]


def test_examples_are_of_pictures_that_nobody_rates(store: RatingStore) -> None:
    anchors = store.folder.rating.anchors
    rated = {item.sample for item, _ in store.folder.items.values()}
    assert len(anchors) == 3
    assert {one.sample for one in anchors} & rated == set()
    assert anchors[0].text == "There is one defect: scratch in the cell centre, on the face."
    assert set(anchors[0].ratings.values()) == {5}
    assert "There is no defect" in (store.folder.path / "guide.md").read_text()


def test_what_raters_see_says_nothing_of_models(store: RatingStore, tmp_path: Path) -> None:
    write_sheet(store, "r1", tmp_path / "r1.csv")
    for path in (tmp_path / "r1.csv", store.folder.path / "guide.md"):
        assert "-model" not in path.read_text()


def test_items_that_a_model_did_not_answer_are_left_out_and_counted(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    a = write_run(benchmark, tmp_path / "a", lambda id_: "words")
    b = write_run(benchmark, tmp_path / "b", lambda id_: "" if id_ < "cap-3" else "words")
    folder = plan_rating(benchmark, [a, b], tmp_path / "rating", RatingConfig(RATERS))
    assert folder.rating.left_out == 3
    assert folder.rating.statements == 10


def test_differences_are_those_of_scipy_and_corrected_after_holm(store: RatingStore) -> None:
    rate_all(store, value=2, better=2)
    found = summarise(store)
    means = {(one.model, one.scale): one for one in found.means}
    assert means["alpha-model", "usefulness"].mean == 4
    assert (means["beta-model", "usefulness"].low, means["beta-model", "usefulness"].items) == (2, 6)
    assert len(found.differences) == 5
    p = wilcoxon([2.0] * 6).pvalue
    for one in found.differences:
        assert (one.first, one.difference, one.items) == ("alpha-model", 2, 6)
        assert one.p == pytest.approx(p)
        assert one.holm == pytest.approx(min(1, 5 * p))
        assert not one.stands
    assert all(alpha.value == 1 for alpha in found.alphas.values())
    written = json.loads((store.folder.path / "summary.json").read_text())
    assert written["means"][0]["model"] == "alpha-model"
    assert written["alpha"]["correctness"] == {"value": 1.0, "units": 12}


def test_models_that_are_rated_alike_do_not_differ(store: RatingStore) -> None:
    rate_all(store)
    found = summarise(store)
    assert {(one.difference, one.p, one.stands) for one in found.differences} == {(0, 1, False)}
    assert all(alpha.value is None for alpha in found.alphas.values())


def test_second_looks_tell_how_steady_a_rater_is_and_count_nowhere_else(store: RatingStore) -> None:
    rate_all(store)
    steady = summarise(store)
    for one in store.folder.of("r2"):
        if one.again:
            store.save("r2", [Saving(one.place, Rated(dict.fromkeys(SCALES, 5)))])
    found = summarise(store)
    assert {one.rater: (one.pairs, one.equal, one.near) for one in found.repeated} == {
        "r1": (10, 1, 1),
        "r2": (10, 0, 0),
        "r3": (10, 1, 1),
    }
    assert found.means == steady.means
    assert found.rated == {"r1": (14, 14), "r2": (14, 14), "r3": (14, 14)}


def test_a_rating_is_changed_and_every_one_is_kept(store: RatingStore) -> None:
    store.save("r1", [Saving(1, Rated(dict.fromkeys(SCALES, 1)))])
    store.save("r1", [Saving(1, Rated(dict.fromkeys(SCALES, 4), "better, seen again"))])
    assert RatingStore(store.folder).rated() == {
        ("r1", 1): Rated(dict.fromkeys(SCALES, 4), "better, seen again")
    }
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM ratings").scalar() == 2
    for place, value in ((99, 3), (1, 6), (1, 0)):
        with pytest.raises(SpecsightError, match=r"no statement 99|from 1 to 5"):
            store.save("r1", [Saving(place, Rated(dict.fromkeys(SCALES, value)))])


def test_raters_save_at_once(store: RatingStore) -> None:
    failed: list[BaseException] = []

    def work(rater: str) -> None:
        try:
            for one in store.folder.of(rater):
                store.save(rater, [Saving(one.place, Rated(dict.fromkeys(SCALES, 3)))])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(rater,)) for rater in RATERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(store.rated()) == 42


def filled(store: RatingStore, path: Path, change: dict[int, dict[str, str]]) -> Path:
    write_sheet(store, "r1", path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for place, cells in change.items():
        rows[place - 1] |= cells
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_table_comes_back(store: RatingStore, tmp_path: Path) -> None:
    threes = dict.fromkeys(SCALES, "3")
    path = filled(
        store, tmp_path / "r1.csv", {1: {**threes, "comment": "=dim"}, 3: dict.fromkeys(SCALES, "4.0")}
    )
    assert read_sheet(store, "r1", path) == 2
    assert store.rated("r1")["r1", 1] == Rated(dict.fromkeys(SCALES, 3), "=dim")
    assert store.rated("r1")["r1", 3].values["usefulness"] == 4
    write_sheet(store, "r1", path)
    assert read_sheet(store, "r1", path) == 0


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            {"usefulness": "3"},
            r"line 3: localisation, correctness, completeness, hallucination: give numbers",
        ),
        (dict.fromkeys(SCALES, "6"), r"line 3: localisation, .* from 1 to 5"),
        ({"usefulness": "good"}, r"line 3: usefulness: 'good' is no whole number"),
        ({"place": "99"}, r"line 3: there is no statement 99"),
        ({"place": "1", **dict.fromkeys(SCALES, "3")}, r"line 3: the statement of line 2 again"),
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_taken(
    store: RatingStore, tmp_path: Path, cells: dict[str, str], words: str
) -> None:
    path = filled(store, tmp_path / "r1.csv", {1: dict.fromkeys(SCALES, "3"), 2: cells})
    with pytest.raises(SpecsightError, match=words):
        read_sheet(store, "r1", path)
    assert store.rated() == {}


def test_what_cannot_be_rated_says_why(benchmark: Benchmark, runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="at least two raters"):
        RatingConfig(("r1",))
    with pytest.raises(SpecsightError, match="no code"):
        RatingConfig(("r1", "Anna Müller"))
    with pytest.raises(SpecsightError, match="both of the model"):
        plan_rating(benchmark, [runs[0], runs[0]], tmp_path / "x", RatingConfig(RATERS))
    silent = write_run(benchmark, tmp_path / "silent", lambda id_: "")
    with pytest.raises(SpecsightError, match="answered in words by all"):
        plan_rating(benchmark, [runs[0], silent], tmp_path / "x", RatingConfig(RATERS))
    other = write_run(
        write_caps(tmp_path / "other" / "bench", 4), tmp_path / "other" / "run", lambda id_: "w"
    )
    with pytest.raises(SpecsightError, match="other items"):
        plan_rating(benchmark, [other], tmp_path / "x", RatingConfig(RATERS))
    with pytest.raises(SpecsightError, match="is no rating"):
        _ = RatingFolder(benchmark.folder).rating
    store = RatingStore(plan_rating(benchmark, runs, tmp_path / "x", RatingConfig(RATERS)))
    with pytest.raises(SpecsightError, match="nothing is rated"):
        summarise(store)
    with pytest.raises(SpecsightError, match="r1, r2, r3 do"):
        write_sheet(store, "r9", tmp_path / "r9.csv")


def test_the_command_makes_a_rating_takes_tables_and_sums_up(
    benchmark: Benchmark, runs: list[Path], tmp_path: Path
) -> None:
    def run(*arguments: str | Path) -> str:
        result = CliRunner().invoke(cli, ["benchmark", "rate", *map(str, arguments)], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    out = tmp_path / "rating"
    said = run(benchmark.folder, *runs, "-o", out, "--rater", "r1", "--rater", "r2", "--statements", "4")
    assert "4 statements of 2 models for 2 raters" in said
    assert "should rest on 3" in said
    run(out, "--rater", "r1", "--to-csv", tmp_path / "r1.csv")
    path = filled(RatingStore(RatingFolder(out)), tmp_path / "r1.csv", {1: dict.fromkeys(SCALES, "5")})
    assert "1 ratings new" in run(out, "--rater", "r1", "--from-csv", path)
    said = run(out, "--summary")
    assert "r1: 1 of 5 rated" in said
    assert "usefulness: 5.00 (5.00 to 5.00; 1 items)" in said
    with pytest.raises(SpecsightError, match="--out"):
        run(benchmark.folder, *runs)


def test_an_example_invents_a_defect_of_the_same_product() -> None:
    def sample(id_: str, product: str, type_: str, cell: str) -> BenchmarkSample:
        instance = Instance(
            type_raw=type_, type=type_, box=(0, 0, 2, 2), area_px=4, area_share=0.1, centroid=(1, 1), cells=(cell,),
            length_px=2,
        )  # fmt: skip
        return BenchmarkSample(
            id=id_, source="s", licence="CC0", product=product, split="test", label="defective", group=id_,
            image=f"{id_}.png", sha256="0" * 64, width=8, height=8, instances=(instance,),
        )  # fmt: skip

    cap, other = sample("a", "cap", "scratch", "centre"), sample("b", "cap", "dent", "top left")
    elsewhere = sample("c", "nut", "burr", "bottom")
    anchors = anchors_of([elsewhere, cap, other])
    assert [one.sample for one in anchors] == ["c", "a", "b", "b", "b"]
    assert anchors[3].text == "There are 2 defects: dent in the cell top left; scratch in the cell centre."
    assert anchors[4].text == "There is one defect: scratch in the cell centre."
    assert set(anchors[4].ratings.values()) == {1}
    assert len(anchors_of([elsewhere, cap])) == 3
    assert anchors_of([]) == ()
