"""What names of files and other people's words hold of control characters reaches the terminal as text."""

from __future__ import annotations

import sys

import pytest

from specsight import cli, screen
from specsight.errors import printable

STEERING = "\x1b]0;owned\x07\x1b[31m\x9b1m\u2028\udcff"


def test_control_characters_are_written_out() -> None:
    assert printable(STEERING) == r"\x1b]0;owned\x07\x1b[31m\x9b1m\u2028\udcff"
    assert printable("naïve\n日本 ø 👩‍🏭") == "naïve\n日本 ø 👩‍🏭"


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
