"""A `transformers` checkpoint's name → its folder on this machine, checked before anything of it is loaded.

In: a local folder or a hub id. Out: a folder with a configuration and safetensors, the digest of its content, its
weights and its tokenizer. Weights in other formats can run code and are not read.
"""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.storage import check_regular, parse_json, read_text, sha256

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
MOST_DESCRIBED = 4
"""Times as many weights as there are that a configuration may describe: those that are missing or of another shape are
named one by one then."""
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def checkpoint_folder(name: str, what: str, others: str = "") -> Path:
    """The local folder of a checkpoint, fetched from the hub where `name` is no folder.

    `what` ("encoder") begins messages; `others` ("'bundled' or 'filters'") says what else could be named instead.
    Raises SpecsightError where there is no such folder, where the hub does not answer, and where the folder holds no
    configuration or no safetensors.
    """
    folder = _find(name, what, others)
    if not (folder / "config.json").is_file():
        raise SpecsightError(f"{what} '{name}' has no config.json: it is no transformers checkpoint")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(p.name for p in [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        found = f" (found '{pickled[0]}', which can run code and is not read)" if pickled else ""
        raise SpecsightError(
            f"{what} '{name}' has no *.safetensors{found}: convert it with save_pretrained()"
        )
    return folder


def fingerprint(folder: Path, more: tuple[str, ...] = ()) -> str:
    """Hex digest over a checkpoint folder's JSON files and weights: same digest, same results.

    `more` are endings of other files that results depend on, such as ".jinja" for chat templates.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors", *more)):
        check_regular(path)
        digest.update(f"{path.name}:{sha256(path)}\n".encode())
    return digest.hexdigest()


def load_weights(auto_class: Any, folder: Path, name: str, what: str, **options: Any) -> Any:
    """A model of an automatic class of `transformers`, in evaluation mode and without gradients.

    Code from the checkpoint is never run. Raises SpecsightError for a checkpoint that is broken, of another family, or
    lacks weights or has them in other shapes, which `transformers` would draw at random; those of poolers are not
    needed.
    """
    import transformers

    _quiet(transformers)
    options |= {"trust_remote_code": False, "local_files_only": True}
    sizes = _sizes(folder)
    _check_depth(folder, name, what, len(sizes))
    _check_size(auto_class, folder, name, what, sum(sizes))
    try:
        model, report = auto_class.from_pretrained(
            folder,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # They are refused below, by name.
            **options,
        )
    except Exception as error:  # transformers and safetensors raise whatever their parsers do on a broken one
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"{what} '{name}' cannot be loaded: {reason}") from error
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        raise SpecsightError(
            f"{what} '{name}' lacks {len(missing)} of its weights (first: '{missing[0]}'): get a complete checkpoint"
        )
    mismatched = sorted(key for key, *_ in report["mismatched_keys"])
    if mismatched:
        raise SpecsightError(
            f"{what} '{name}' has {len(mismatched)} weights in other shapes than its config.json says (first: "
            f"'{mismatched[0]}'): get the configuration and the weights of one checkpoint"
        )
    return model.eval().requires_grad_(False)


def _check_depth(folder: Path, name: str, what: str, arrays: int) -> None:
    """Raise SpecsightError where a configuration has more layers than there are arrays: all would be built first."""
    try:
        said = parse_json(read_text(folder / "config.json"))
    except (OSError, ValueError):
        return  # `transformers` says what is wrong with it.
    parts = [said, *said.values()] if isinstance(said, dict) else []
    depths = [one.get("num_hidden_layers") for one in parts if isinstance(one, dict)]
    deepest = max((depth for depth in depths if isinstance(depth, int)), default=0)
    if arrays and deepest > arrays:
        raise SpecsightError(
            f"{what} '{name}' has {deepest:,} layers by its config.json, and {arrays:,} arrays of weights: get the "
            "configuration and the weights of one checkpoint"
        )


def _check_size(auto_class: Any, folder: Path, name: str, what: str, held: int) -> None:
    """Raise SpecsightError where a configuration describes far more weights than the files hold: memory for all of them
    would be asked for first. The model is built without memory for its weights; where that fails, nothing is said."""
    import torch

    try:
        config = load_config(folder, name, what)
        with torch.device("meta"):
            model = auto_class.from_config(config, trust_remote_code=False)
        described = sum(parameter.numel() for parameter in model.parameters())
    except Exception:  # `from_pretrained` says what is wrong with it.
        return
    if held and described > MOST_DESCRIBED * held:
        raise SpecsightError(
            f"{what} '{name}' has {described:,} weights by its config.json, and its files hold {held:,}: get the "
            "configuration and the weights of one checkpoint"
        )


def _sizes(folder: Path) -> list[int]:
    """How many numbers each array of weights holds, by the heads of the files; [] where one cannot be read."""
    from safetensors import SafetensorError, safe_open

    sizes = []
    try:
        for path in folder.glob("*.safetensors"):
            with safe_open(path, "pt") as file:
                sizes += [math.prod(file.get_slice(key).get_shape()) for key in file.keys()]  # noqa: SIM118
    except (OSError, ValueError, SafetensorError):
        return []
    return sizes


def load_config(folder: Path, name: str, what: str) -> Any:
    """The configuration of a checkpoint; SpecsightError where it is broken or of an unknown family."""
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises whatever the configuration's values provoke
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"{what} '{name}' has a config.json that cannot be used: {reason}") from error


def load_tokenizer(folder: Path, name: str, what: str) -> Any:
    """The tokenizer beside a checkpoint's weights; SpecsightError where there is none that works."""
    import transformers

    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # transformers raises whatever the tokenizer's files provoke
        raise SpecsightError(
            f"{what} '{name}' has no usable tokenizer beside its weights: add its tokenizer files to the folder"
        ) from error


def local_folder(name: str) -> Path | None:
    """The folder of a checkpoint that is on this machine: a folder, or a hub id that was fetched before; else None."""
    if "\0" in name:
        return None
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if not HUB_ID.fullmatch(name):
        return None
    try:
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(name, allow_patterns=HUB_FILES, ignore_patterns=["*/*"], local_files_only=True)
        )
    except (ImportError, OSError, ValueError, RuntimeError):
        return None


def _find(name: str, what: str, others: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise SpecsightError(f"{what} '{name}' is a file: give the checkpoint's folder")
    if name.startswith((".", "/", "~")) or not HUB_ID.fullmatch(name):
        instead = f"a checkpoint folder, a hub id, {others}" if others else "a checkpoint folder or a hub id"
        raise SpecsightError(f"{what} '{name}': no such folder; give {instead}")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES, ignore_patterns=["*/*"]))
    except (OSError, ValueError, RuntimeError) as error:
        instead = f", or use {others}" if others else ""
        raise SpecsightError(
            f"{what} '{name}' is no local folder and could not be fetched from the hub ({type(error).__name__}): "
            f"check the name and the network, or give a checkpoint folder{instead}"
        ) from error


def _quiet(transformers: Any) -> None:
    """Keep the loading reports and bars of `transformers` off the screen; real problems arrive as exceptions."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
