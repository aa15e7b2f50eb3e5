"""`--runtime` wherever a saved model or an encoder is loaded, and a refusal where it makes no sense."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from tests.support.factory import refused

from specsight import cli
from specsight.encoders.runtimes.names import set_default_runtime
from specsight.line.fleet import Loading


def verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Each verb and its options."""
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from verbs(one, (*path, name))
    else:
        yield (
            path,
            {option for one in command.params for option in one.opts if not getattr(one, "hidden", False)},
        )


LOADING = (
    ("inspect",),
    ("ask",),
    ("set-threshold",),
    ("update",),
    ("adapt",),
    ("watch",),
    ("serve",),
    ("line", "feedback", "candidate"),
    ("line", "preview"),
    ("line", "live"),
    ("line", "rollback"),
    ("line", "rejudge"),
)


def test_every_verb_that_loads_a_saved_model_says_how() -> None:
    options = dict(verbs(cli.cli))
    for verb in LOADING:
        assert {"--encoder", "--device", "--runtime", "--max-megapixels"} <= options[verb], verb


def test_where_an_encoder_runs_a_runtime_may_be_chosen_unless_it_is_trained() -> None:
    for verb, options in verbs(cli.cli):
        if "--device" in options:
            assert ("--runtime" in options) == (verb[0] != "train"), verb
    words = ("train", "encoder", "--photographs", "x", "--teacher", "x", "--out", "x", "--runtime", "onnx")
    assert "training runs by torch" in refused(*words)


@pytest.fixture
def onnx() -> Iterator[None]:
    set_default_runtime("onnx")
    yield
    set_default_runtime("auto")


@pytest.mark.usefixtures("onnx")
def test_a_process_of_a_server_loads_models_as_the_server_does() -> None:
    options = Loading("encoders/moved", "cpu").options
    assert options[:6] == ("--encoder", "encoders/moved", "--device", "cpu", "--runtime", "onnx")
    assert options[6:] == ("--max-megapixels", "100.0")
    assert "--encoder" not in Loading().options
