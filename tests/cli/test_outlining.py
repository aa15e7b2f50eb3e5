"""`specsight parts`: the page, outlines as a picture, parts found in a folder; and what is missing, in words."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.support.caps import YAML, cap, write_caps

from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.parts.overlays import colour_of


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(
        cli, ["parts", *map(str, arguments)], catch_exceptions=False, standalone_mode=False
    )
    if result.exception:
        raise result.exception
    return result.output


@pytest.fixture
def caps(tmp_path: Path) -> Path:
    write_caps(tmp_path, 3)
    return tmp_path


def test_outlines_are_shown_in_the_colours_of_their_parts(caps: Path) -> None:
    said = run("--spec", caps / "cap.yaml", "--show", "--out", caps / "outlines.png")
    assert f"saved: {caps / 'outlines.png'}" in said
    shown = np.asarray(Image.open(caps / "outlines.png"))
    # Enlarged fourfold, with names below; the border of the face is in its colour.
    assert shown.shape[1] == 512
    assert shown.shape[0] > 512
    border = shown[256, (64 + 28) * 4 - 6 : (64 + 28) * 4 + 2].astype(int)
    assert np.abs(border - colour_of(2)).sum(1).min() == 0


def test_parts_are_found_on_every_picture_of_a_folder(caps: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    Image.fromarray(noise).save(caps / "good" / "noise.png")
    (caps / "good" / "broken.png").write_bytes(b"no picture")
    said = run(
        "--spec", caps / "cap.yaml", "--on", caps / "good", "--out", caps / "found", "--encoder", "filters"
    )
    assert "5 pictures, parts found on 3" in said
    assert "noise.png: its parts were not found" in said
    assert "broken.png:" in said
    assert sorted(p.name for p in (caps / "found").iterdir()) == ["00.png", "01.png", "02.png", "noise.png"]


def test_a_part_that_is_found_much_larger_than_on_good_pictures_is_noted(tmp_path: Path) -> None:
    """Through a break in a quarter of the rim the face spills out."""
    write_caps(tmp_path, 8)
    broken, _ = cap(20)
    y, x = np.mgrid[:128, :128] - 63.5
    checks = (150 + 50 * np.sign(np.sin(x / 2.5) * np.sin(y / 2.5))).astype(np.uint8)
    spilled = (x > 0) & (y > 0) & (np.hypot(x, y) < 60)
    broken[spilled] = checks[spilled][:, None]
    (tmp_path / "new").mkdir()
    Image.fromarray(broken).save(tmp_path / "new" / "broken.png")
    Image.fromarray(cap(21, (3, -2))[0]).save(tmp_path / "new" / "whole.png")
    said = run(
        "--spec", tmp_path / "cap.yaml", "--on", tmp_path / "new", "--out", tmp_path / "found",
        "--encoder", "filters",
    )  # fmt: skip
    assert "broken.png: face covers" in said
    assert "more than on good pictures: look whether it was found rightly" in said
    assert "whole.png" not in said
    assert "2 pictures, parts found on 2" in said


def test_the_page_is_served_until_it_is_closed(caps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specsight.parts.outlining import OutliningServer

    serve, seen = OutliningServer.run, list[bytes]()

    def visited(server: OutliningServer) -> None:
        def visit() -> None:
            seen.append(urllib.request.urlopen(server.address).read())
            server.close()

        threading.Thread(target=visit).start()
        serve(server)

    monkeypatch.setattr(OutliningServer, "run", visited)
    said = run("--spec", caps / "cap.yaml", "--no-browser")
    assert "outline parts here: http://127.0.0.1:" in said
    assert b"<title>Outline parts</title>" in seen[0]


def test_what_is_missing_is_said(caps: Path) -> None:
    with pytest.raises(SpecsightError, match="outlines no part yet: name a picture"):
        run("--spec", caps / "new.yaml")
    for more in ((), ("--show",)):
        with pytest.raises(SpecsightError, match=r"there is no picture '.*nope\.png'"):
            run(caps / "nope.png", "--spec", caps / "new.yaml", *more)
    with pytest.raises(SpecsightError, match=r"no part is outlined on '.*01\.png': name one of .*00\.png"):
        run(caps / "good" / "01.png", "--spec", caps / "cap.yaml", "--show")
    with pytest.raises(SpecsightError, match=r"--on '.*nowhere' is no folder"):
        run("--spec", caps / "cap.yaml", "--on", caps / "nowhere")
    (caps / "cap.yaml").write_text(YAML.replace("good/00.png", "good/gone.png"))
    with pytest.raises(SpecsightError, match=r"gone\.png"):
        run("--spec", caps / "cap.yaml", "--show")


def test_pictures_and_the_specification_are_never_written_over(caps: Path) -> None:
    good, spec = caps / "good", caps / "cap.yaml"
    before = {path: path.read_bytes() for path in (*sorted(good.iterdir()), spec)}
    for out in (good, good / "found"):
        with pytest.raises(SpecsightError, match="is in the folder of the pictures"):
            run("--spec", spec, "--on", good, "--out", out, "--encoder", "filters")
    for out in (good / "00.png", spec):
        with pytest.raises(SpecsightError, match="is a file that this reads"):
            run("--spec", spec, "--show", "--out", out)
    with pytest.raises(SpecsightError, match="is a file: give a folder"):
        run("--spec", spec, "--on", good, "--out", spec, "--encoder", "filters")
    assert {path: path.read_bytes() for path in before} == before
