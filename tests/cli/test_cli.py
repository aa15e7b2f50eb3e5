"""The command line as a person meets it: real files, one-line errors, and processes where these are what is tested."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import ShellComplete
from PIL import Image
from tests.support.command import specsight_here
from tests.support.signals import heed_signals

from specsight import cli

SIDE = 64


def specsight(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "specsight.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False)


def fails(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on standard error that holds all `words`, no traceback, exit code 2."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


def part(seed: int, defect: bool = False) -> np.ndarray:
    generator = np.random.default_rng(seed)
    rows = np.sin(np.arange(SIDE) / 3)[:, None] * 20 + 120
    pixels = rows + generator.normal(0, 4, (SIDE, SIDE))
    if defect:
        pixels[20:34, 30:46] = 20
    return np.repeat(pixels[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ok/ with good parts, new/ with good and defective ones and files that are no pictures, model/ fitted on ok/."""
    pytest.importorskip("torch", reason="the default encoder needs the extra 'models'")
    root = tmp_path_factory.mktemp("line")
    for name, count, bad in (("ok", 12, ()), ("new", 6, (1, 4))):
        (root / name).mkdir()
        for i in range(count):
            Image.fromarray(part(i + 100 * len(name), i in bad)).save(root / name / f"päart {i}.png")
    (root / "new" / "empty.png").touch()
    (root / "new" / "text.png").write_text("not a picture")
    (root / "new" / "cut.png").write_bytes((root / "new" / "päart 0.png").read_bytes()[:300])
    made = specsight_here("fit", "--good", root / "ok", "-o", root / "model", "--resolution", 64)
    assert made.returncode == 0, made.stderr
    assert "with 12 good parts in 5 folds, approximately at most 22.1 % false rejects" in made.stdout
    return root


def test_help_is_there_for_every_verb_and_loads_nothing_heavy() -> None:
    assert "evaluate" in specsight("--help").stdout
    for verb in ("fit", "inspect", "evaluate", "report", "check", "tyres", "list", "doctor"):
        result = specsight_here(verb, "--help")
        assert result.returncode == 0
        assert "--help" in result.stdout
    code = (
        "import sys, specsight, specsight.cli; "
        "print([m for m in ('torch', 'transformers', 'numpy', 'cv2', 'scipy', 'faiss') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_a_slip_is_one_line_of_a_process_too(tmp_path: Path) -> None:
    fails(specsight("evaluate", "--data", "absent", cwd=tmp_path), "there is no 'absent'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["evalaute"], "did you mean 'evaluate'?"),
        (["list", "detektors"], "did you mean 'detectors'?"),
        (["fit", "--good", ".", "-o", "m", "--detector", "patchcor"], "did you mean 'patchcore'?"),
        (["fit", "--good", ".", "-o", "m", "--set", "coreset_rati=1"], "did you mean 'coreset_ratio'?"),
        (["fit", "--good", ".", "-o", "m", "--set", "coreset_ratio"], "write NAME=VALUE"),
        (["fit", "--good", "absent", "-o", "m"], "there is no 'absent'"),
        (["fit", "--good", ".", "-o", "m", "--resolution", "fine"], "a whole number of pixels, or auto"),
        (["fit", "--good", ".", "-o", "m", "--tile", "1x3"], "a whole number of pixels, or auto or none"),
        (["fit", "--good", ".", "-o", "m", "--false-reject-rate", "5"], "got 5: write 0.05 for 5 %"),
        (
            ["fit", "--good", ".", "-o", "m", "--confidence", "nan"],
            "confidence must lie between 0 and 1, got nan",
        ),
        (
            ["fit", "--good", ".", "-o", "m", "--holdout", "-1"],
            "holdout must be a whole number of good parts",
        ),
        (["evaluate", "--data", ".", "--false-reject-rate", "0"], "must lie between 0 and 1, got 0"),
        (
            ["evaluate", "--data", ".", "--suite", "clad", "--confidence", "1"],
            "must lie between 0 and 1, got 1",
        ),
        (["evaluate", "--data", "absent"], "there is no 'absent'"),
        (["evaluate", "--data", ".", "--detector", "padin"], "did you mean 'padim'?"),
        (["evaluate", "--data", ".", "--set", "resolution=3"], "an option of its own"),
        (["evaluate", "--data", ".", "--seeds", "a"], "write whole numbers with commas"),
        (
            ["evaluate", "--data", ".", "--suite", "clad", "--shots", "1,2"],
            "give one --detector and one number",
        ),
        (["evaluate", "--data", ".", "--train-spec", "words.yaml"], "add --train-on"),
        (["fit", "--good", ".", "-o", "m", "--train-spec", "words.yaml"], "add --train-on"),
        (["inspect", "absent", ".", "-o", "out"], "there is no saved model at 'absent'"),
        (["report", "absent"], "absent"),
        (["check", "absent"], "there is no 'absent'"),
        (["tyres", "--out", "t", "--zone", "tred"], "did you mean 'tread'?"),
    ],
)
def test_a_slip_gets_one_line_with_the_way_out(tmp_path: Path, words: list[str], answer: str) -> None:
    fails(specsight_here(*words, cwd=tmp_path), answer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("parts", "copies", "lines"),
    [
        (
            1,
            1,
            ["learned from 1 good part, held out 0", "no threshold: no good part was held out (1 distinct"],
        ),
        (
            2,
            1,
            ["learned from 2 good parts, held out 0", "a threshold takes at least 3, and 59 to promise 5 %"],
        ),
        (
            3,
            1,
            [
                "learned from 3 good parts, each judged unseen in one of 3 folds",
                "with 3 good parts in 3 folds nothing",
            ],
        ),
        (
            3,
            4,
            [
                "12 pictures, 3 distinct parts: learned from 12 (3 parts), each judged unseen in one of 3 folds"
            ],
        ),
        (1, 20, ["20 pictures, 1 distinct part: learned from 20 (1 part)", "no verdicts"]),
    ],
)
def test_a_fit_of_few_parts_says_what_it_can_promise(
    tmp_path: Path, parts: int, copies: int, lines: list[str]
) -> None:
    (tmp_path / "ok").mkdir()
    for part in range(parts):
        pixels = np.random.default_rng(part).integers(0, 256, (12, 12, 3), np.uint8)
        for copy in range(copies):
            image = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
            image.save(tmp_path / "ok" / f"{part}-{copy}.png")
    words = ["fit", "--good", tmp_path / "ok", "-o", tmp_path / "model"]
    shown = specsight_here(*words, "--encoder", "filters", "--resolution", 64)
    said = " ".join(shown.stdout.split())
    assert all(line in said for line in lines)


def test_listing_shows_what_can_be_named() -> None:
    for what, names in (
        ("detectors", ["patchcore", "padim", "spade"]),
        ("encoders", ["filters"]),
        ("datasets", ["mvtec_ad", "visa", "manifest", "folder"]),
        ("metrics", ["image_auroc", "aupro_30"]),
    ):
        shown = specsight_here("list", what).stdout
        assert all(name in shown for name in names)


def test_a_detector_is_listed_with_its_parameters() -> None:
    shown = " ".join(specsight_here("list", "detectors", "patchcore").stdout.split())
    assert "PatchCore (Roth et al., CVPR 2022)" in shown
    assert "needs: normal images" in shown
    assert "sigma 4.0 0 to 100 px Smoothing of the map" in shown
    assert "did you mean 'patchcore'?" in specsight_here("list", "detectors", "patchcor").stderr
    assert "only detectors have a page of their own" in specsight_here("list", "metrics", "iou").stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fit --detector clad --set cont", ["contrast="]),
        ("fit --detector clad --set contrast=l", ["contrast=label-aware", "contrast=literal"]),
        ("evaluate --detector anomalydino --set rotate=", ["rotate=true", "rotate=false"]),
        ("fit --set coreset", ["coreset_ratio=", "coreset_limit="]),
        ("fit --set sigma=", []),
        ("fit --detector nothing --set s", []),
    ],
)
def test_the_shell_completes_parameters_of_the_chosen_detector(typed: str, offered: list[str]) -> None:
    words = ["specsight", *typed.split()]
    found = ShellComplete(cli.cli, {}, "specsight", "_SPECSIGHT_COMPLETE").get_completions(
        words[1:-1], words[-1]
    )
    assert [item.value for item in found] == offered


def test_new_pictures_are_judged_and_bad_files_are_named(folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = specsight("inspect", folders / "model", folders / "new", "-o", out)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text("utf-8").splitlines()]
    verdicts = {Path(line["image"]).name: line["verdict"] for line in lines}
    assert {name for name, verdict in verdicts.items() if verdict == "reject"} >= {
        "päart 1.png",
        "päart 4.png",
    }
    assert len(verdicts) == 6
    rejected = next(line for line in lines if Path(line["image"]).name == "päart 1.png")
    x, y = rejected["findings"][0]["centroid"]
    assert 30 <= x <= 46
    assert 20 <= y <= 34
    for name in ("empty.png", "text.png", "cut.png"):
        assert name in result.stderr
        assert name in (out / "report.html").read_text("utf-8")
    assert any((out / "overlays").iterdir())


def test_a_folder_with_defective_parts_only_teaches_nothing(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "photos" / "defective").mkdir(parents=True)
    Image.fromarray(part(1, True)).save(tmp_path / "photos" / "defective" / "0.png")
    fails(specsight_here("fit", "--good", tmp_path / "photos", "-o", tmp_path / "m"), "good parts")
    assert not (tmp_path / "m").exists()


def test_a_damaged_model_is_refused(folders: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    copy.mkdir()
    for file in (folders / "model").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = bytearray((copy / "detector.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "detector.safetensors").write_bytes(weights)
    fails(specsight_here("inspect", copy, folders / "new", "-o", tmp_path / "out"), "damaged", "checksum")
    assert not (tmp_path / "out").exists()


def test_a_model_of_another_version_is_refused(folders: Path, tmp_path: Path) -> None:
    from specsight.storage import whole_folder

    with whole_folder(tmp_path / "model") as copy:
        for file in (folders / "model").iterdir():
            if file.name != "checksums.json":
                (copy / file.name).write_bytes(file.read_bytes())
        description = json.loads((copy / "detector.json").read_text())
        (copy / "detector.json").write_text(json.dumps(description | {"format": 999}))
    fails(
        specsight_here("inspect", tmp_path / "model", folders / "new", "-o", tmp_path / "out"), "format 999"
    )


def test_an_output_folder_with_other_things_in_it_is_left_alone(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    fails(specsight_here("inspect", folders / "model", folders / "new", "-o", tmp_path), "mine.txt")
    fails(
        specsight_here("fit", "--good", folders / "ok", "-o", tmp_path, "--resolution", 64),
        "choose another folder",
    )
    assert [p.name for p in tmp_path.iterdir() if p.name != ".lock"] == ["mine.txt"]


def test_nothing_is_written_outside_the_output_folder(folders: Path, tmp_path: Path) -> None:
    before = sorted(p.relative_to(folders) for p in folders.rglob("*"))
    (tmp_path / "empty").mkdir()
    result = specsight_here(
        "inspect", folders / "model", folders / "new", "-o", tmp_path / "out", cwd=tmp_path / "empty"
    )
    assert result.returncode == 0
    assert sorted(p.relative_to(folders) for p in folders.rglob("*")) == before
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.long
def test_ctrl_c_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for folder, count, bad in (("train/good", 6, False), ("test/good", 20, False), ("test/hole", 20, True)):
        (data / folder).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(part(i, bad)).save(data / folder / f"{i:03d}.png")
    (data / "ground_truth" / "hole").mkdir(parents=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:34, 30:46] = 255
    for i in range(20):
        Image.fromarray(mask).save(data / "ground_truth" / "hole" / f"{i:03d}_mask.png")
    words = [
        "evaluate",
        "--data",
        data,
        "--encoder",
        "filters",
        "--resolution",
        64,
        "--out",
        tmp_path / "run",
    ]
    command = [sys.executable, "-m", "specsight.cli", *map(str, words)]
    predictions = tmp_path / "run" / "predictions.jsonl"
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals
    ) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if predictions.exists() and predictions.read_text().count("\n") >= 2:
                os.kill(process.pid, signal.SIGINT)
                break
            time.sleep(0.01)
        assert process.stderr is not None
        error = process.stderr.read()
    assert process.returncode in (0, 130)
    if process.returncode == 130:
        assert "run the same command again" in error
        assert "Traceback" not in error
    kept = predictions.read_text("utf-8").splitlines()
    again = specsight_here(*words)
    assert again.returncode == 0, again.stderr
    lines = predictions.read_text("utf-8").splitlines()
    assert len(lines) == 40
    assert set(kept[:-1]) <= set(lines)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["image_auroc"]["value"] == 1.0
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_the_doctor_says_what_is_there(tmp_path: Path) -> None:
    shown = specsight_here("doctor").stdout
    for word in ("specsight", "torch", "encoder", "processors", "memory"):
        assert word in shown
    absent = specsight_here("doctor", "--encoder", tmp_path / "nothing")
    assert absent.returncode == 1
    assert "nothing" in absent.stdout
