"""What names of files and other people's words hold of control characters reaches the terminal as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from specsight import cli, screen
from specsight.errors import SpecsightError, printable, unturned

STEERING = "\x1b]0;owned\x07\x1b[31m\x9b1m\u2028\udcff"


def test_control_characters_are_written_out() -> None:
    assert printable(STEERING) == r"\x1b]0;owned\x07\x1b[31m\x9b1m\u2028\udcff"
    assert printable("3\u202emm\u2066") == r"3\u202emm\u2066"
    assert printable("naïve\n日本 ø 👩‍🏭") == "naïve\n日本 ø 👩‍🏭"


def test_pages_write_out_what_turns_the_direction() -> None:
    from jinja2 import Environment
    from markupsafe import Markup

    page = Environment(autoescape=True, finalize=unturned).from_string("{{ said }} {{ marked }} {{ number }}")
    shown = page.render(said="<3\u202emm>", marked=Markup("<b>\u2066</b>"), number=3)
    assert shown == r"&lt;3\u202emm&gt; <b>\u2066</b> 3"


def test_words_of_others_make_no_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say("rim\n5.png: accept", "5.png: reject")
    assert capsys.readouterr().out == "rim\\x0a5.png: accept\n5.png: reject\n"


def _texts(verb: click.Command) -> Iterator[click.Parameter]:
    for one in verb.commands.values() if isinstance(verb, click.Group) else ():
        yield from _texts(one)
    yield from (one for one in verb.params if isinstance(one.type, click.types.StringParamType))


def test_every_text_of_every_verb_is_utf_8() -> None:
    texts = list(_texts(cli.cli))
    assert len(texts) > 100
    for one in texts:
        with pytest.raises(SpecsightError, match=r"^\S.* 'a\\udcff': give text in UTF-8$"):
            one.type.convert("a\udcff", one, None)
        assert one.type.convert("Käfig", one, None) == "Käfig"


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "a\udcff", "-o", "a.pdf"],
        ["delete", "a\udcff", "--reason", "r"],
        ["delete", "a", "--reason", "\udcff"],
    ],
)
def test_an_argument_that_is_no_text_is_one_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["specsight", "line", *arguments, "--db", f"sqlite:///{tmp_path}/line.db"]
    )
    with pytest.raises(SystemExit) as told:
        cli.main()
    assert told.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_line_on_the_screen_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(STEERING)
    screen.say(STEERING, err=True)
    output = capsys.readouterr()
    assert output.out == output.err == printable(STEERING) + "\n"


@pytest.mark.parametrize(
    "arguments", [["inspect", "\x1b[31mm", "x", "-o", "y"], ["fit", "--\x1b[31m"], ["\x1b[31m"]]
)
def test_errors_steer_no_terminal(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["specsight", *arguments])
    with pytest.raises(SystemExit) as told:
        cli.main()
    assert told.value.code == 2
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert "\\x1b[31m" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "coreset_ratio=2001-99-99"], "write NAME=VALUE"),
        (["--set", "coreset_ratio=" + "[" * 5000], "write NAME=VALUE"),
        (["--set", "coreset_ratio=" + "9" * 5000], "write NAME=VALUE"),
        (["--set", "name=x"], "patchcore has no parameter 'name'"),
        (["--spec", "a\0b"], "is no path: it is empty or has a zero byte in it"),
        (["--spec", ""], "is no path: it is empty or has a zero byte in it"),
        (["-o", "/dev/null"], "'/dev/null' is a file: give a folder"),
    ],
)
def test_nonsense_on_the_command_line_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for k in range(3):
        Image.fromarray(np.full((40, 40, 3), 90 + k, np.uint8)).save(tmp_path / f"{k}.png")
    start = [
        "specsight",
        "fit",
        "--good",
        str(tmp_path),
        "-o",
        str(tmp_path / "model"),
        "--encoder",
        "filters",
    ]
    monkeypatch.setattr(sys, "argv", [*start, "--resolution", "40", *arguments])
    with pytest.raises(SystemExit) as told:
        cli.main()
    assert told.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("specsight: ")]
    assert words in line
