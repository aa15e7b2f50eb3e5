"""Folders of language models that point, as others may have made them: refused in one line, nothing run or fetched."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from specsight.errors import SpecsightError
from specsight.language import load_language_model
from specsight.language.pointing import saved
from specsight.language.pointing.saved import load_pointing, pointing_fingerprint

SHIPPED = Path(saved.__file__).parent / "bundled"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the model that ships."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def sealed(folder: Path) -> Path:
    """The folder with checksums that agree: whoever changes files may change these too."""
    files = [one for one in folder.rglob("*") if one.is_file() and one.name != "checksums.json"]
    digests = {
        one.relative_to(folder).as_posix(): hashlib.sha256(one.read_bytes()).hexdigest() for one in files
    }
    (folder / "checksums.json").write_text(json.dumps(digests))
    return folder


def changed(folder: Path, file: str, **values: Any) -> Path:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return sealed(folder)


@pytest.mark.parametrize("name", ["language/chat_template.jinja", "heads.safetensors"])
def test_files_are_held_to_their_checksums(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-9])
    for read in (load_pointing, pointing_fingerprint):
        with pytest.raises(SpecsightError, match=r"checksum differs.*get the model folder again"):
            read(folder)
    (folder / name).unlink()
    with pytest.raises(SpecsightError, match="is missing"):
        load_pointing(folder)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"channels": [-1, 288]}, r"channels\.0"),
        ({"channels": [10**9, 10**9]}, r"channels\.0"),
        ({"channels": [16384] * 8}, "different models"),
        ({"channels": [128]}, "different models"),
        ({"width": 10**9}, "width"),
        ({"width": 127}, "different models"),
        ({"joint": None}, "joint"),
        ({"layers": 5}, "layers"),
        ({"format": 2}, "has format 2"),
        ({"lora": {}}, r"lora\.rank"),
        ({"lora": {"rank": 10**9, "alpha": 1, "targets": ["q_proj"]}}, r"lora\.rank"),
    ],
)
def test_what_a_folder_says_of_its_sizes_takes_no_memory(
    folder: Path, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecsightError, match=words):
        load_pointing(changed(folder, "pointing.json", **values))


@pytest.mark.parametrize("text", ["[]", "null", "{" * 60_000, '{"format": 1, "format": 1}', "NaN"])
def test_a_description_that_is_none(folder: Path, text: str) -> None:
    (folder / "pointing.json").write_text(text)
    with pytest.raises(SpecsightError, match="is damaged"):
        load_pointing(sealed(folder))


def test_nothing_is_fetched_because_a_folder_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fetched(*_: Any, local_files_only: bool = False, **__: Any) -> str:
        assert local_files_only
        raise FileNotFoundError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    lora = {"rank": 16, "alpha": 32, "targets": ["q_proj"]}
    with pytest.raises(SpecsightError, match="'someone/model', which is not on this machine"):
        load_pointing(changed(folder, "pointing.json", language_model="someone/model", lora=lora))
    changed(folder, "pointing.json", lora=None, encoder="someone/encoder")
    with pytest.raises(SpecsightError, match="'someone/encoder', and nothing is fetched"):
        load_language_model(f"pointing:{folder}")


def test_a_configuration_that_does_not_fit_its_weights(folder: Path) -> None:
    with pytest.raises(SpecsightError, match="1,000,000 layers"):
        load_pointing(changed(folder, "language/config.json", num_hidden_layers=10**6))


def test_weights_that_are_no_numbers(folder: Path) -> None:
    content = (folder / "heads.safetensors").read_bytes()
    (folder / "heads.safetensors").write_bytes(content[:-100] + b"\xff" * 100)
    with pytest.raises(SpecsightError, match="no numbers"):
        load_pointing(sealed(folder))


def test_a_tokenizer_of_another_model(folder: Path) -> None:
    path = folder / "language" / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["vocab"].update({f"zz{k}": 5000 + k for k in range(3000)})
    path.write_text(json.dumps(content))
    with pytest.raises(SpecsightError, match="tokenizer of another"):
        load_pointing(sealed(folder))


def test_training_goes_on_from_a_model_beside_the_same_encoder(folder: Path, tmp_path: Path) -> None:
    from specsight.recipes.language.train import _start_of

    assert _start_of(folder, "bundled") == pointing_fingerprint(folder)
    with pytest.raises(SpecsightError, match="'filters' is another"):
        _start_of(folder, "filters")
    with pytest.raises(SpecsightError, match="no language model that points"):
        _start_of(tmp_path / "nowhere", "bundled")
