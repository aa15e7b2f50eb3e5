"""What this machine offers: installed libraries, the encoder that would run, threads, memory, disk. Changes nothing."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from specsight import screen
from specsight.encoders.runtimes.names import GRAPHS
from specsight.machine import usable_processors, version_of
from specsight.version import __version__

MODELS = ("torch", "tokenizers", "transformers")
CORE = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "faiss-cpu",
    "safetensors",
    "pydantic",
    "matplotlib",
)


@dataclass(frozen=True)
class Check:
    """One thing that `doctor` examines: its name, what was found, and what to do where something is missing."""

    what: str
    found: str
    hint: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing is missing."""
        return not self.hint


def examine(encoder: str) -> list[Check]:
    """Everything `specsight doctor` prints, in order. `encoder` is loaded and asked for its layers."""
    import psutil

    memory = psutil.virtual_memory()
    free_disk = shutil.disk_usage(Path.cwd()).free
    return [
        Check("specsight", __version__),
        Check("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_library(name, "pip install --force-reinstall specsight") for name in CORE),
        *(
            _library(name, "pip install 'specsight[models]' to use encoders with learned weights")
            for name in MODELS
        ),
        *(Check(f"runtime {name}", _runtime(library, name)) for name, library in GRAPHS.items()),
        _encoder(encoder),
        *_broken(),
        Check("processors", f"{usable_processors()} usable"),
        _amount("memory", memory.available, 2, f"of {memory.total / 2**30:.1f} GiB free"),
        _amount("disk", free_disk, 1, "free in this folder"),
    ]


def _library(name: str, hint: str) -> Check:
    version = version_of(name)
    return Check(name, version) if version else Check(name, "not installed", hint)


def _runtime(library: str, extra: str) -> str:
    """Its version; that it is not installed is no fault: nothing needs it unless it is asked for."""
    return version_of(library) or f"not installed: pip install 'specsight[{extra}]' for --runtime {extra}"


def _amount(what: str, value: float, enough_gib: float, words: str) -> Check:
    hint = "" if value >= enough_gib * 2**30 else f"less than {enough_gib:g} GiB: large jobs may fail"
    return Check(what, f"{value / 2**30:.1f} GiB {words}", hint)


def _broken() -> list[Check]:
    """What other packages bring and cannot be imported; nothing where all is well."""
    return [
        Check(f"{screen.registry_of(what).what} {name}", "broken", reason)
        for what in screen.REGISTRIES
        for name, reason in screen.registry_of(what).broken.items()
    ]


def _encoder(name: str) -> Check:
    from specsight.encoders import load_encoder
    from specsight.errors import SpecsightError

    try:
        encoder = load_encoder(name)
    except SpecsightError as error:
        return Check("encoder", name, str(error))
    layers = ", ".join(f"{layer.name} ({layer.channels} channels)" for layer in encoder.available)
    words = "reads words" if encoder.reads else "sees only"
    return Check("encoder", f"{name}: {layers}; {words}; fingerprint {encoder.fingerprint[:12]}")
