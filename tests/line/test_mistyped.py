"""Addresses, lines and names that nobody has: one line that says so and what there is, and nothing is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.factory import refused, run, specsight
from tests.support.watched_line import VERSION, line_of

from specsight.line.records import Activation, Version
from specsight.line.store import LineStore

VERBS = [
    ("verify",),
    ("trail",),
    ("health", "a", "plate"),
    ("export", "0" * 32, "-o", "x.pdf"),
    ("rejudge", "0" * 32, "--models", "."),
    ("retain", "--rules", "rules.yaml"),
    ("delete", "x", "--reason", "y"),
    ("backup", "-o", "backup"),
    ("token", "list"),
    ("token", "revoke", "1"),
    ("live", ".", "plate"),
    ("rollback", ".", "plate"),
    ("preview", ".", "plate", VERSION),
    ("feedback", "list", ".", "plate"),
    ("feedback", "confirm", ".", "good", "0" * 32),
    ("feedback", "candidate", ".", "plate"),
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_verb_makes_a_database_that_was_mistyped(
    verb: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text("keep: {accepted: 30}\n", "utf-8")
    assert "there is no database 'sqlite:///typo.db'" in refused("line", *verb, "--db", "sqlite:///typo.db")
    assert [one.name for one in tmp_path.iterdir()] == ["rules.yaml"]


def test_a_database_without_records_of_a_line_is_none_either(url: str, tmp_path: Path) -> None:
    if url.startswith("sqlite"):
        (tmp_path / "line.db").touch()
    said = refused("line", "verify", "--db", url)
    assert "holds no records of a line: give with --db" in said


def test_the_first_token_makes_the_database_and_says_so(url: str) -> None:
    made = run("line", "token", "add", "anna", "--role", "engineer", "--db", url)
    assert "new database: " in made.output
    assert "new database" not in run("line", "token", "add", "ben", "--role", "auditor", "--db", url).output
    assert "anna" in specsight("line", "token", "list", "--db", url)


@pytest.fixture
def known(store: LineStore) -> LineStore:
    """Forty parts of line "a"."""
    store.register(Version("plate", VERSION, "given"))
    store.activate(Activation("plate", VERSION, "eva"))
    line_of(store, 40, 1)
    return store


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (("verify", "--line", "b"), "there is no line 'b': known: a"),
        (("trail", "--line", "b"), "there is no line 'b': known: a"),
        (("delete", "x", "--line", "b", "--reason", "y"), "there is no line 'b': known: a"),
        (("health", "b", "plate"), "there is no line 'b': known: a"),
        (("health", "a", "plat"), "no version of a model 'plat' is live: did you mean 'plate'?"),
        (("health", "a", "plate", "--reference", "90-99"), "it judged 40 parts, with numbers from 1 to 40"),
        (("health", "a", "plate", "--reset", "drift"), "line health a plate --reference FIRST-LAST"),
        (("health", "a", "plate", "--promised", "0.1"), "give --reference FIRST-LAST, too"),
        (("health", "a", "plate", "--note", "lamp"), "give it with --acknowledge or --reset"),
        (
            ("health", "a", "plate", "--acknowledge", "7"),
            "there is no alarm 7: see 'specsight line health LINE",
        ),
        (("export", "0" * 32, "-o", "x.pdf"), "'specsight line trail' lists them"),
        (
            ("delete", "x", "--line", "a", "--reason", "y"),
            "no inspection and no part on line 'a' is called 'x'",
        ),
    ],
)
def test_a_name_that_nobody_has_is_told_with_those_that_there_are(
    known: LineStore, url: str, verb: tuple[str, ...], said: str
) -> None:
    assert said in refused("line", *verb, "--db", url)


def test_nothing_found_is_said(known: LineStore, url: str) -> None:
    assert "no entry about 'x'" in run("line", "trail", "--about", "x", "--db", url).output
