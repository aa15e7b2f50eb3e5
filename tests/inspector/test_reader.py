"""What tells types apart where the detector does not: tolerances, types that alone count and types taught act for every
detector."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.inspector.reader import GOOD, READER, SPREAD, Limit, Reader, _limits
from specsight.records import Sample
from specsight.specification import Ignore, Instruction, Knowledge, Only, Part, Specification, Tolerance

pytest.importorskip("torch")
save = pytest.importorskip("safetensors.numpy").save

SPECIFICATION = Specification.model_validate(
    {
        "product": "tyre",
        "mm_per_px": 0.5,
        "defects": [{"name": "stain"}, {"name": "cut"}, {"name": "open splice"}],
    }
)


def rubber(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    grey = generator.normal(60, 4, (96, 96, 1)) + np.linspace(0, 8, 96)[None, :, None]
    return np.clip(np.repeat(grey, 3, axis=2), 0, 255).astype(np.uint8)


def stained(seed: int) -> np.ndarray:
    picture = rubber(seed).astype(float)
    y, x = np.mgrid[0:96, 0:96]
    blob = np.clip(1.3 - np.hypot(x - 30, y - 60) / 16, 0, 1)[..., None]
    return np.asarray(picture * (1 - blob) + np.array([150, 120, 70]) * blob, np.uint8)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("good")
    for k in range(12):
        Image.fromarray(rubber(k)).save(folder / f"{k}.png")
    return [Sample(str(k), folder / f"{k}.png", "tyre", "train", "good") for k in range(12)]


@pytest.fixture(scope="module")
def inspector(good: list[Sample]) -> Inspector:
    return Inspector.fit(
        good, detector="patchcore", specification=SPECIFICATION, resolution=128, holdout=6, rotate=False
    )


def test_a_detector_that_names_no_types_gets_them_where_a_clause_asks(inspector: Inspector) -> None:
    seen = inspector.look(stained(99))
    bare = inspector.judge(seen)
    assert bare.verdict == "reject"
    assert all(finding.type is None for finding in bare.findings), "no clause asks for types"
    assert seen.further == {}
    ignoring = inspector.judge(seen, Instruction.of([Ignore(defect=_type(inspector, seen))]))
    assert ignoring.verdict == "accept"
    assert ignoring.decision.deciding == Ignore(defect=_type(inspector, seen))
    assert len(seen.further) == 1, "looked at once more, whatever is asked"
    assert bare.score == ignoring.score
    assert dict(ignoring.type_maps) == {}, "maps of the detector's own"


def _type(inspector: Inspector, seen: object) -> str:
    """What the reader calls the stain; which of the types it is depends on the encoder's weights."""
    found = inspector.judge(seen, Instruction.of([Ignore(defect="open splice")])).findings  # type: ignore[arg-type]
    assert found[0].type is not None
    return found[0].type


def test_lengths_are_compared_with_tolerances_of_every_detector(inspector: Inspector) -> None:
    seen = inspector.look(stained(98))
    type_ = _type(inspector, seen)
    assert (
        inspector.judge(seen, Instruction.of([Tolerance(defect=type_, up_to_mm=100.0)])).verdict == "accept"
    )
    strict = inspector.judge(seen, Instruction.of([Tolerance(defect=type_, up_to_mm=1.0)]))
    assert strict.verdict == "reject"
    # What a detector's map of this picture cannot tell is said, in the decision and in the statement.
    (told,) = strict.decision.not_applied
    assert told.reason.startswith(
        "limit 1 mm is below the shortest length that this model can measure here ("
    )
    assert told.reason in strict.statement
    assert inspector.calibration is not None
    assert inspector.calibration.point_spread is not None
    assert strict.map is not None
    finding = strict.findings[0]
    assert finding.length_mm is not None
    scale = finding.length_mm / finding.length_px
    measurable = inspector.calibration.point_spread.least(min(strict.map.shape)) * scale + 0.1
    fine = inspector.judge(seen, Instruction.of([Tolerance(defect=type_, up_to_mm=measurable)]))
    assert fine.decision.not_applied == ()


def test_what_was_saved_judges_alike(inspector: Inspector, tmp_path: Path) -> None:
    inspector.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    assert loaded.reader is not None
    assert loaded.reader.detector.get_encoder() is loaded.detector.get_encoder()
    for clause in (Only(defect="cut"), Knowledge(name="chalk mark", phrases=("a line of chalk",))):
        instruction = Instruction.of([clause])
        first, second = (one.inspect(stained(97), instruction) for one in (inspector, loaded))
        assert first.decision.verdict == second.decision.verdict
        assert [f.type for f in first.findings] == [f.type for f in second.findings]
    assert (tmp_path / "model" / READER / SPREAD).exists()
    for name, content in ((GOOD, b""), (GOOD, save({"0": np.zeros((3, 2, 2), np.float16)})), (SPREAD, b"[]")):
        shutil.copytree(tmp_path / "model" / READER, tmp_path / "reader", dirs_exist_ok=True)
        (tmp_path / "reader" / name).write_bytes(content)
        with pytest.raises(SpecsightError, match=f"{name}' is missing or damaged"):
            Reader.load(tmp_path / "reader", loaded.detector, "auto").limits([Knowledge(name="cut")])


def test_a_type_that_is_named_rejects_beyond_its_own_limit_whatever_the_score(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inspector.reader is not None
    assert inspector.calibration is not None
    seen = inspector.look(stained(96))
    type_ = _type(inspector, seen)
    taught = Knowledge(name=type_, text="From today it counts.")
    highest = float(inspector.reader.type_maps(seen)[type_].max())
    blind = replace(inspector.calibration, score_threshold=1e9, map_seed=1e9)
    for limit, verdict in ((highest / 2, "reject"), (highest * 2, "accept")):
        reader = Reader(inspector.reader.detector, inspector.reader.good, inspector.reader.point_spread)
        monkeypatch.setattr(reader, "limits", lambda _, own=limit: {taught: Limit(own, own / 2)})
        inspection = replace(inspector, calibration=blind, reader=reader).judge(
            seen, Instruction.of([taught])
        )
        assert inspection.verdict == verdict
        assert inspection.decision.deciding == (taught if verdict == "reject" else None)
        assert {f.type for f in inspection.findings} == ({type_} if verdict == "reject" else set())
    assert inspection.decision.not_applied == ()


def test_limits_hold_even_if_some_good_pictures_show_the_type(inspector: Inspector) -> None:
    assert inspector.reader is not None
    assert inspector.reader.detector.words_ is not None
    anchors = inspector.reader.detector.words_.anchors()
    shown = inspector.reader.good[0].copy()
    shown[:, 0, 0] = anchors.defects[anchors.types.index("cut")]
    cut = Knowledge(name="cut")
    clean = inspector.reader.limits([cut])[cut].seed
    mixed = Reader(inspector.reader.detector, (*inspector.reader.good, shown)).limits([cut])[cut].seed
    peak = float(anchors.margins(shown, 0.07)[anchors.types.index("cut")].max())
    assert mixed < (clean + peak) / 2


def test_a_type_that_is_taught_on_one_part_is_found_there_alone(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert inspector.reader is not None
    assert inspector.calibration is not None
    Image.fromarray(stained(96)).save(tmp_path / "a.png")
    Image.fromarray(np.repeat(np.array([1, 2, 3], np.uint8), (52, 20, 24))[None].repeat(96, 0)).save(
        tmp_path / "parts.png"
    )
    names = {1: "tread", 2: "sidewall", 3: "bead"}
    seen = inspector.look(
        Sample("a", tmp_path / "a.png", "tyre", parts=tmp_path / "parts.png", part_names=names)
    )
    type_ = _type(inspector, seen)
    highest = float(inspector.reader.type_maps(seen)[type_].max())
    reader = Reader(inspector.reader.detector, inspector.reader.good, inspector.reader.point_spread)
    limit = Limit(0.9 * highest, 0.8 * highest)
    monkeypatch.setattr(reader, "limits", lambda types: dict.fromkeys(types, limit))
    blind = replace(
        inspector,
        calibration=replace(inspector.calibration, score_threshold=1e9, map_seed=1e9),
        reader=reader,
        specification=SPECIFICATION.model_copy(update={"parts": (Part(name="tread"), Part(name="sidewall"))}),
    )

    def taught(part: str) -> Instruction:
        return Instruction.of([Knowledge(name=type_, part=part, text=f"Watch the {part}.")])

    inspection = blind.judge(seen, taught("tread"))
    assert (inspection.verdict, {f.part for f in inspection.decision.counted}) == ("reject", {"tread"})
    inspection = blind.judge(seen, taught("sidewall"))
    assert (inspection.verdict, inspection.decision.not_applied) == ("accept", ())
    assert f"Does not count ('Watch the sidewall.'): {type_} on the tread" in inspection.statement
    without = blind.inspect(stained(96), taught("tread"))
    assert without.verdict == "accept"
    assert [one.reason for one in without.decision.not_applied] == ["the picture has no part map"]


@pytest.mark.parametrize(
    ("clause", "verdict"),
    [
        (Tolerance(defect="TYPE", up_to_mm=1.0), "accept"),
        (Tolerance(defect="TYPE"), "accept"),
        (Ignore(defect="TYPE"), "accept"),
        (Tolerance(defect="TYPE", up_to_mm=0), "reject"),
        (Tolerance(defect="TYPE", up_to_mm=0, part="tread"), "reject"),
        (Tolerance(defect="TYPE", up_to_mm=0, part="sidewall"), "accept"),
        (Tolerance(defect="SPECIFIED", up_to_mm=1.0), "reject"),
        (Tolerance(defect="SPECIFIED", up_to_mm=1e6), "accept"),
        (Only(defect="TYPE"), "reject"),
    ],
)
def test_a_tolerance_judges_no_picture_more_strictly_than_its_specification_does(
    clause: Tolerance | Ignore | Only,
    verdict: str,
    inspector: Inspector,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What the detector does not see is looked for only where a clause accepts less than holds without words, and
    there."""
    assert inspector.reader is not None
    assert inspector.calibration is not None
    Image.fromarray(stained(96)).save(tmp_path / "a.png")
    Image.fromarray(np.repeat(np.array([1, 2, 0], np.uint8), (52, 20, 24))[None].repeat(96, 0)).save(
        tmp_path / "parts.png"
    )
    names = {1: "tread", 2: "sidewall"}
    seen = inspector.look(
        Sample("a", tmp_path / "a.png", "tyre", parts=tmp_path / "parts.png", part_names=names)
    )
    type_ = _type(inspector, seen)
    specified = clause.defect == "SPECIFIED"
    words = SPECIFICATION.model_copy(
        update={
            "parts": (Part(name="tread"), Part(name="sidewall")),
            "tolerances": (Tolerance(defect=type_, up_to_mm=100.0),) if specified else (),
        }
    )
    blind = replace(
        inspector,
        calibration=replace(inspector.calibration, score_threshold=1e9, map_seed=1e9),
        reader=inspector.reader.under(words),
        specification=words,
    )
    highest = float(inspector.reader.type_maps(seen)[type_].max())
    monkeypatch.setattr(
        blind.reader, "limits", lambda types: dict.fromkeys(types, Limit(0.9 * highest, 0.8 * highest))
    )
    asked = clause.model_copy(update={"defect": type_})
    inspection = blind.judge(seen, Instruction.of([asked]))
    assert blind.judge(seen).verdict == "accept"
    assert inspection.verdict == verdict
    assert inspection.decision.deciding == (asked if verdict == "reject" else None)
    forbids = verdict == "reject" or getattr(clause, "up_to_mm", None) == 0
    assert bool(inspection.decision.further_rejects) == forbids


def test_what_is_said_of_one_part_goes_before_a_limit_of_0_for_all(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert inspector.reader is not None
    assert inspector.calibration is not None
    Image.fromarray(stained(96)).save(tmp_path / "a.png")
    Image.fromarray(np.ones((96, 96), np.uint8)).save(tmp_path / "parts.png")
    seen = inspector.look(
        Sample("a", tmp_path / "a.png", "tyre", parts=tmp_path / "parts.png", part_names={1: "tread"})
    )
    type_ = _type(inspector, seen)
    words = SPECIFICATION.model_copy(update={"parts": (Part(name="tread"), Part(name="sidewall"))})
    blind = replace(
        inspector,
        calibration=replace(inspector.calibration, score_threshold=1e9, map_seed=1e9),
        reader=inspector.reader.under(words),
        specification=words,
    )
    highest = float(inspector.reader.type_maps(seen)[type_].max())
    monkeypatch.setattr(
        blind.reader, "limits", lambda types: dict.fromkeys(types, Limit(0.9 * highest, 0.8 * highest))
    )
    for part, verdict in (("tread", "accept"), ("sidewall", "reject")):
        clauses = [Tolerance(defect=type_, up_to_mm=0), Tolerance(defect=type_, up_to_mm=1.0, part=part)]
        assert blind.judge(seen, Instruction.of(clauses)).verdict == verdict


def test_without_a_reader_every_clause_about_types_says_so(good: list[Sample]) -> None:
    inspector = Inspector.fit(
        good, detector="patchcore", specification=SPECIFICATION, encoder="filters", holdout=6, rotate=False
    )
    assert inspector.reader is None
    inspection = inspector.inspect(stained(94), Instruction.of([Ignore(defect="stain")]))
    assert [one.reason for one in inspection.decision.not_applied] == ["the detector names no defect types"]
    bare = replace(inspector, specification=None)
    assert bare.inspect(stained(94)).verdict == inspection.verdict


def test_a_hundred_instructions_cost_no_further_look(inspector: Inspector) -> None:
    seen = inspector.look(stained(93))
    clauses = [Tolerance(defect="stain", up_to_mm=float(k + 1)) for k in range(100)]
    inspector.judge(seen, Instruction.of(clauses[:1]))
    start = time.process_time()
    verdicts = {inspector.judge(seen, Instruction.of([clause])).verdict for clause in clauses}
    assert time.process_time() - start < 3, "1 s on a machine of its own"
    assert verdicts <= {"accept", "reject"}
    assert len(seen.further) == 1


def test_clauses_may_name_a_new_type_in_the_singular_and_in_the_plural(inspector: Inspector) -> None:
    assert inspector.reader is not None
    both = Instruction.of([Knowledge(name="rust mark"), Tolerance(defect="rust marks", up_to_mm=500.0)])
    inspection = inspector.inspect(stained(95), both)
    assert inspection.decision.not_applied == ()
    assert {finding.type for finding in inspection.findings} <= {
        *(d.name for d in inspector.reader.specification.defects),
        "rust mark",
        None,
    }


def test_types_that_are_looked_for_together_have_one_limit(inspector: Inspector) -> None:
    """One by one, each by its own largest peak, 4 types would reject up to 4 in so many good pictures."""
    assert inspector.reader is not None
    reader = Reader(inspector.reader.detector, inspector.reader.good)
    types = [Knowledge(name=name) for name in ("stain", "cut", "open splice", "rust mark")]
    peaks = [np.array([_peak(reader, type_, grid) for grid in reader.good]) for type_ in types]
    middle = [np.median(one) for one in peaks]
    spread = [1.4826 * np.median(np.abs(one - m)) for one, m in zip(peaks, middle)]
    largest = min(4.0, max((one.max() - m) / s for one, m, s in zip(peaks, middle, spread)))
    limits = reader.limits(types)
    for type_, m, s in zip(types, middle, spread):
        usual = _usual(reader, type_)
        assert limits[type_].seed == pytest.approx(m + largest * s - usual, abs=1e-5)
        assert limits[type_].seed >= reader.limits([type_])[type_].seed - 1e-9
        assert limits[type_].extent == pytest.approx(m - usual, abs=1e-5)


def test_the_limit_of_several_types_keeps_their_false_rejects_together() -> None:
    """Simulated: 20 types, independent of one another, and as many good pictures as are kept."""
    rng, rejected = np.random.default_rng(0), []
    for _ in range(200):
        scale = rng.uniform(1, 5, 20)
        seeds, _ = _limits(rng.uniform(size=(40, 20)).T * scale[:, None])
        rejected.append((rng.uniform(size=(500, 20)) * scale > seeds).any(1).mean())
    assert np.mean(rejected) < 0.05


def test_what_looking_for_types_by_name_costs_is_said(inspector: Inspector) -> None:
    """How many of the good pictures pass a limit that the others give is counted picture by picture here."""
    assert inspector.reader is not None
    reader = Reader(inspector.reader.detector, inspector.reader.good, inspector.reader.point_spread)
    types = [Knowledge(name=name) for name in ("stain", "cut", "open splice", "rust mark")]
    beyond = set[int]()
    for k, grid in enumerate(reader.good):
        others = Reader(reader.detector, (*reader.good[:k], *reader.good[k + 1 :]))
        limits = others.limits(types)
        if any(_peak(reader, one, grid) - _usual(others, one) > limits[one].seed + 1e-6 for one in types):
            beyond.add(k)
    assert reader.good_with_any(types) == len(beyond)
    assert len(beyond) >= 1, "a largest peak always lies above all others"
    seen = inspector.look(rubber(92))
    said = inspector.judge(seen, Instruction.of(types)).decision.further_rejects
    assert (
        said
        == f"looking for 4 types by name rejects up to about {len(beyond)} of {len(reader.good)} good pictures"
    )
    assert inspector.judge(seen, Instruction.of([Ignore(defect="stain")])).decision.further_rejects == ""


def _margins(reader: Reader, type_: Knowledge, grid: np.ndarray) -> np.ndarray:
    anchors = reader._anchors(reader.new_among([type_]))
    return anchors.margins(grid, reader.detector.parameters()["temperature"])[anchors.types.index(type_.name)]


def _usual(reader: Reader, type_: Knowledge) -> float:
    return float(np.median([_margins(reader, type_, grid) for grid in reader.good]))


def _peak(reader: Reader, type_: Knowledge, grid: np.ndarray) -> float:
    return float(reader._drawn(_margins(reader, type_, grid)).max())
