"""A tyre set on disk: same seed same bytes, manifest complete, killed runs go on, foreign folders are refused."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.images import anomaly_mask, load_picture
from specsight.synthetic.tyres import generate
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.planning import Job, Settings, picture_job, plan


def digest(folder: Path) -> dict[str, str]:
    """Path → hash of every file of a set but the lock."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != ".lock"
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tyres") / "set"
    generate(folder, count=40, seed=7, size=96, strips=4, workers=1)
    return folder


@pytest.fixture(scope="module")
def lines(made: Path) -> list[dict]:
    return [json.loads(line) for line in (made / "manifest.jsonl").read_text("utf-8").splitlines()]


def test_same_seed_same_bytes_whatever_the_number_of_processes(made: Path, tmp_path: Path) -> None:
    generate(tmp_path / "two", count=40, seed=7, size=96, strips=4, workers=2)
    assert digest(made) == digest(tmp_path / "two")
    generate(tmp_path / "other", count=4, seed=8, size=96, workers=1)
    assert digest(tmp_path / "other")["rgb/000000.png"] != digest(made)["rgb/000000.png"]


def test_the_manifest_lists_every_file_and_nothing_else(made: Path, lines: list[dict]) -> None:
    named = {line[k] for line in lines for k in ("image", "depth", "normals", "parts")}
    named |= {d["mask"] for line in lines for d in line.get("defects", ())}
    assert named == set(digest(made)) - {"manifest.jsonl", "specification.yaml", "tyres.json"}


def stored(path: Path) -> np.ndarray:
    """A picture file as it is."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels


def test_manifest_fields_agree_with_the_files(made: Path, lines: list[dict]) -> None:
    assert len(lines) == 44
    for line in lines:
        rgb = stored(made / line["image"])
        depth = tifffile.imread(made / line["depth"])
        parts = stored(made / line["parts"])
        normals = stored(made / line["normals"])
        assert rgb.dtype == np.uint8
        assert depth.dtype == np.float32
        assert rgb.shape[:2] == depth.shape == parts.shape == normals.shape[:2]
        assert 200 < depth.min() < depth.max() < 300
        assert {str(v) for v in np.unique(parts)} == set(line["part_names"])
        assert line["conditions"]["origin"] == "synthetic"
        assert line["mm_per_px"] > 0
        assert line.get("circular", False) == (rgb.shape[0] != rgb.shape[1])
        assert set(line["text"]) == {"description", "operator_note", "specification"}
        for defect in line.get("defects", ()):
            mask = stored(made / defect["mask"])
            assert mask.shape == rgb.shape[:2]
            assert set(np.unique(mask)) == {0, 255}
            assert defect["type"] in KINDS
            assert defect["severity"] in ("minor", "major", "critical")
            assert defect["part"] in line["part_names"].values()


def test_training_is_good_and_every_defective_tyre_has_a_good_twin(lines: list[dict]) -> None:
    crops = [x for x in lines if not x.get("circular")]
    assert Counter((x["split"], x["label"]) for x in crops) == {
        ("train", "good"): 20,
        ("test", "good"): 10,
        ("test", "defective"): 10,
    }
    groups: dict[str, list[dict]] = {}
    for line in lines:
        groups.setdefault(line["group"], []).append(line)
    for members in groups.values():
        assert len({m["split"] for m in members}) == 1
        if members[0]["split"] == "test":
            assert Counter(m["label"] for m in members) == {"good": 1, "defective": 1}
            good, bad = sorted(members, key=lambda m: m["label"] == "defective")
            hidden = {"operator_note", "visible"}
            assert {k: v for k, v in good["conditions"].items() if k not in hidden} == {
                k: v for k, v in bad["conditions"].items() if k not in hidden
            }


def test_the_package_reads_the_set(made: Path) -> None:
    listing = load_dataset(made)
    assert {s.product.removesuffix(" strip") for s in listing.samples} == {
        "tyre touring tread",
        "tyre touring sidewall",
        "tyre touring bead",
    }
    assert all(s.circular == s.product.endswith(" strip") for s in listing.samples)
    sample = next(s for s in listing.samples if len(s.defects) >= 1)
    picture = load_picture(sample)
    assert picture.depth is not None
    assert picture.parts is not None
    assert anomaly_mask(sample, picture.size).any()


@pytest.mark.parametrize("count", [200, 601])
def test_every_type_zone_and_light_has_its_turn(count: int) -> None:
    settings = Settings(
        count,
        7,
        256,
        0,
        ("diffuse", "grazing", "dark_field", "low"),
        ("tread", "sidewall", "bead"),
        "touring",
    )
    jobs = plan(settings)
    assert sorted(n for j in jobs for n in j.numbers) == list(range(count))
    tests = [j for j in jobs if j.type]
    assert {j.type for j in tests} == set(KINDS)
    assert {j.light for j in tests} == set(settings.lights)
    for split in ("train", "test"):
        assert {j.zone for j in jobs if j.split == split} == set(settings.zones)
    assert all(j.type and j.zone in KINDS[j.type].zones for j in tests)


def test_a_killed_run_goes_on_and_ends_the_same(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specsight.synthetic.tyres import writing

    drawn: list[int] = []

    def killed_after_eight(settings: Settings, job: Job) -> Any:
        if len(drawn) == 8:
            raise KeyboardInterrupt
        drawn.append(job.index)
        return picture_job(settings, job)

    out = tmp_path / "set"
    monkeypatch.setattr(writing, "picture_job", killed_after_eight)
    with pytest.raises(KeyboardInterrupt):
        generate(out, count=40, seed=7, size=96, strips=4, workers=1)
    assert not (out / "manifest.jsonl").exists()
    with (out / "unfinished.jsonl").open("a") as journal:
        journal.write('{"number": 3, "rec')  # the line that the kill cut short
    monkeypatch.setattr(writing, "picture_job", picture_job)
    generate(out, count=40, seed=7, size=96, strips=4, workers=1)
    assert digest(out) == digest(made)


def test_a_finished_set_is_completed_not_redrawn(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specsight.synthetic.tyres import writing

    before = digest(made)
    victim = made / "depth" / "000005.tiff"
    victim.unlink()
    drawn: list[int] = []
    monkeypatch.setattr(writing, "picture_job", lambda s, job: drawn.append(job.index) or picture_job(s, job))
    summary = generate(made, count=40, seed=7, size=96, strips=4, workers=1)
    assert len(drawn) == 1
    assert digest(made) == before
    assert (summary.samples, summary.defective) == (44, 11)


def test_a_set_of_other_settings_is_replaced_only_where_that_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "set"
    generate(out, count=8, seed=1, size=64, zones=("tread",), workers=1)
    before = digest(out)
    with pytest.raises(SpecsightError, match="holds a tyre set of other settings: add --replace"):
        generate(out, count=2, seed=1, size=64, zones=("tread",), lights=("low",), workers=1)
    generate(out, count=8, seed=1, size=64, zones=("tread",), workers=1, replace=True)
    assert digest(out) == before, "equal settings: nothing is given up"
    generate(out, count=2, seed=1, size=64, zones=("tread",), lights=("low",), workers=1, replace=True)
    assert len(list((out / "rgb").iterdir())) == 2
    assert "low" in (out / "manifest.jsonl").read_text("utf-8")


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("photos")
    with pytest.raises(SpecsightError, match="is not empty and holds no tyre set: choose another folder"):
        generate(tmp_path, count=2)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.txt"]
    with pytest.raises(SpecsightError, match="is a file"):
        generate(tmp_path / "holiday.txt", count=2)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"count": 0}, "ask for at least one sample"),
        ({"count": -3}, "count -3"),
        ({"seed": -1}, "seed -1"),
        ({"size": 32}, "size 32: choose between 64 and 2048"),
        ({"lights": ("difuse",)}, "unknown light 'difuse': did you mean 'diffuse'"),
        ({"zones": ("tred",)}, "unknown zone 'tred': did you mean 'tread'"),
        ({"zones": ()}, "at least one zone"),
        ({"model": "sprot"}, "unknown tyre model 'sprot': did you mean 'sport'"),
        ({"workers": 0}, "workers 0"),
    ],
)
def test_impossible_arguments_are_refused_and_nothing_is_written(
    tmp_path: Path, wish: dict, message: str
) -> None:
    with pytest.raises(SpecsightError, match=message):
        generate(tmp_path / "set", **{"count": 2, **wish})
    assert not (tmp_path / "set").exists()
