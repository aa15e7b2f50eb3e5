"""What is measured: the sets, and the evaluations on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from speed import SHARED

from measured.command import specsight
from specsight.detectors import create_detector

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class MeasuredSet:
    """A data set, what it is called in tables, its specification and the resolution that words are read at."""

    name: str
    title: str
    data: Path
    specification: Path
    resolution: int = 320
    """Of memories of good parts: that of `specsight evaluate`, but for tyres, which are drawn at 256 px."""
    threshold: tuple[str, ...] = ()
    """Where the threshold of memories comes from; empty: as usual."""


@dataclass(frozen=True)
class Measurement:
    """One call of `specsight evaluate`."""

    group: str
    """The table it belongs to."""
    of: MeasuredSet
    detector: str
    encoder: str
    resolution: int
    """Shorter side of the framed picture, in pixels."""
    arguments: tuple[str, ...]

    @property
    def title(self) -> str:
        """The set and how finely it is looked at."""
        return f"{self.of.title}, {self.resolution} px"

    @property
    def name(self) -> str:
        """Names the folder of its run."""
        return f"{self.of.name}-{self.detector}-{self.encoder}"


TYRES = ("--model", "winter", "--seed", "11", "--count", "600")


def drawn_tyres(out: Path) -> Path:
    """The tyre set of the model `winter` below `out`, drawn where it is not there yet."""
    tyres = out / "winter"
    if not (tyres / "specification.yaml").is_file():
        specsight("tyres", *TYRES, "--out", str(tyres))
    return tyres


def measured_sets(tyres: Path) -> dict[str, MeasuredSet]:
    """By name; `tyres`: the tyre set of the model `winter`."""
    data = SHARED / "data"
    return {
        "bottle": MeasuredSet(
            "bottle",
            "MVTec AD bottle",
            data / "mvtec_ad" / "bottle",
            ROOT / "examples" / "bottle.yaml",
        ),
        "tile": MeasuredSet(
            "tile",
            "magnetic tile, split by tile",
            data / "magnetic_tile",
            ROOT / "examples" / "magnetic_tile.yaml",
            # Six fits to hundreds of large pictures would take hours on two cores.
            threshold=("--holdout", "38"),
        ),
        "winter": MeasuredSet(
            "winter",
            "*synthetic* tyres `winter`",
            tyres,
            tyres / "specification.yaml",
            256,
        ),
    }


def measurements(sets: dict[str, MeasuredSet], encoders: dict[str, str]) -> Iterator[Measurement]:
    """In the order of the tables; `encoders`: name → what `--encoder` takes, `bundled` among them."""
    for of in sets.values():
        for name, encoder in encoders.items():
            learning = ("--encoder", encoder, *of.threshold)
            yield Measurement("memory", of, "patchcore", name, of.resolution, learning)
    for of in sets.values():
        words = ("--spec", str(of.specification), "--shots", "0")
        for detector in ("phrases", "winclip"):
            yield Measurement(
                "words", of, detector, "bundled", 256, ("--encoder", encoders["bundled"], *words)
            )
    for detector in ("padim", "subspacead", "spade", "anomalydino", "puad"):
        resolution = create_detector(detector).framing.resolution
        yield Measurement(
            "others", sets["bottle"], detector, "bundled", resolution, ("--encoder", encoders["bundled"])
        )
