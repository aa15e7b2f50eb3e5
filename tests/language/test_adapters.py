"""Adapters of other distributions: found by their entry points, held to the same contract, named where broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import specsight

LETTERS = """
import hashlib
import numpy as np
from specsight.language.contract import LanguageModel

SIGNS = "abcdefghijklmnopqrstuvwxyz "


class Letters(LanguageModel):
    \"\"\"Each letter depends on the text before it.\"\"\"

    sees = True

    def __init__(self, name, device):
        self.name, self.fingerprint = f"letters:{name}", "0" * 64

    def _chances(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).dirichlet(np.ones(len(SIGNS)))

    def _text(self, messages):
        return "".join(f"{message.role}: {message.text}\\n" for message in messages)

    def _generate(self, messages, max_tokens, stop, seed):
        text, answer, generator = self._text(messages), "", np.random.default_rng(seed)
        while len(answer) < max_tokens:
            chances = self._chances(text + answer)
            place = chances.argmax() if seed is None else generator.choice(len(SIGNS), p=chances)
            answer += SIGNS[int(place)]
        return answer[: min([answer.index(ending) for ending in stop if ending in answer], default=None)]

    def _likelihoods(self, messages, options):
        text = self._text(messages)
        return [
            float(sum(np.log(self._chances(text + option[:k])[SIGNS.index(sign)]) for k, sign in enumerate(option)))
            for option in options
        ]

    def _hidden_states(self, messages):
        text = self._text(messages)
        return np.stack([self._chances(text[:k]) for k in range(1, len(text) + 1)]).astype(np.float32)
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which another distribution is installed; one of its adapters is broken."""
    (tmp_path / "letters.py").write_text(LETTERS)
    information = tmp_path / "letters-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[specsight.language_models]\nletters = letters:Letters\nabsent = letters:Absent\n"
    )
    places = [str(tmp_path), str(Path(specsight.__file__).parents[1])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, *words], env=environment, cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_the_contract_holds_for_an_adapter_of_another_distribution(installed: dict[str, str]) -> None:
    pytest.importorskip("transformers")
    contract = Path(__file__).with_name("test_contract.py")
    result = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(contract), "-k", "letters")
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("." * 10)


def test_a_broken_adapter_is_named_where_it_is_asked_for(installed: dict[str, str]) -> None:
    code = (
        "from specsight.errors import SpecsightError\n"
        "from specsight.language import load_language_model\n"
        "print(load_language_model('letters:small').name)\n"
        "try:\n    load_language_model('absent:small')\n"
        "except SpecsightError as error:\n    print(error)\n"
    )
    lines = run(installed, "-c", code).stdout.splitlines()
    assert lines[0] == "letters:small"
    assert lines[1].startswith(
        "language model adapter 'absent' is broken: 'letters:Absent' of distribution 'letters'"
    )
