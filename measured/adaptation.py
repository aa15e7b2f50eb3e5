"""`python -m measured adaptation`: labelled defects, and lines left out, on *synthetic* tyres and on photographs.

First what five labelled defects of every second type add to good parts alone: on pictures of these types, and on those
that show no labelled type. Then the suite `adaptation`: a light left out, and another tyre model. All rows share what
the encoder made of a picture. Nothing is chosen by what it says; the tyre model `winter` and the bottle are measured
only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from speed import SHARED

from measured.command import specsight
from measured.rows import ROOT
from specsight import images
from specsight.datasets import load_dataset
from specsight.detectors import create_detector
from specsight.detectors.supervised.detector import Supervised
from specsight.encoders import Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.evaluation.splits import labelled_defects
from specsight.metrics import image_auroc
from specsight.records import Sample
from specsight.report.export import Table, markdown

RESOLUTION, GOOD, PER_TYPE, CORESET = 256, 60, 5, 2048
TYRES = {"sport": 5, "winter": 11}
"""Tyre models, and the seeds that their pictures are drawn under."""


class Told(NamedTuple):
    """Image AUROC of one set under one seed."""

    which: str
    good_alone: float
    supervised: float
    pictures: int
    """Defective ones."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print Markdown tables, and return the number of commands that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured adaptation", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured" / "adaptation")
    parser.add_argument("--seeds", default="0", help="such as 0,1,2")
    parser.add_argument("--limit", type=int, default=40, help="good, and defective, pictures that are judged")
    parser.add_argument("--zone", default="tread", help="of the tyres")
    parser.add_argument("--only", choices=("labelled", "lines"), help="one of the two")
    parser.add_argument("--tyres-alone", action="store_true", help="leave the photographs out")
    given = parser.parse_args(arguments)
    tyres = {name: _tyres(given.out, name, given.zone) for name in TYRES}
    failed = 0
    if given.only != "lines":
        encoder = CachedEncoder(load_encoder("bundled"), given.out / "features")
        seeds = [int(seed) for seed in given.seeds.split(",")]
        sets = {f"*synthetic* tyres `winter`, {given.zone}": tyres["winter"] / "manifest.jsonl"}
        if not given.tyres_alone:
            sets["MVTec AD bottle"] = SHARED / "data" / "mvtec_ad" / "bottle"
        header = ("set", "defective pictures of", "good parts alone", "with labelled defects", "difference")
        for title, data in sets.items():
            rows = labelled_rows(title, data, encoder, seeds, given.limit)
            print(markdown(Table(header, tuple(rows), words=2)), flush=True)
    if given.only != "labelled":
        for name, words in _lines(tyres).items():
            out = given.out / name
            common = ("--resolution", str(RESOLUTION), "--seeds", given.seeds, "--limit", str(given.limit))
            further = ("--set", f"coreset_limit={CORESET}", "--out", str(out))
            failed += not specsight("evaluate", "--suite", "adaptation", *common, *further, *words)
            if (out / "adaptation.md").is_file():
                print(f"## {name}\n\n{(out / 'adaptation.md').read_text('utf-8')}", flush=True)
    return failed


def labelled_rows(
    title: str, data: Path, encoder: Encoder, seeds: Sequence[int], limit: int
) -> Iterator[tuple[str, ...]]:
    """Rows of the first table: means over seeds, with the deviation where there are several."""
    samples = load_dataset(data).samples
    told = [one for seed in seeds for one in measure(samples, encoder, seed, limit)]
    for which in dict.fromkeys(one.which for one in told):
        own = [one for one in told if one.which == which]
        alone, both = (np.array([getattr(one, name) for one in own]) for name in ("good_alone", "supervised"))
        spread = f" ± {(both - alone).std(ddof=1):.3f}" if len(own) > 1 else ""
        count = f"{which} ({own[0].pictures})"
        yield (
            title,
            count,
            f"{alone.mean():.3f}",
            f"{both.mean():.3f}",
            f"{(both - alone).mean():+.3f}{spread}",
        )


def measure(samples: Sequence[Sample], encoder: Encoder, seed: int, limit: int) -> list[Told]:
    """With every type labelled, on all that is left; with every second one, on pictures of labelled types alone and on
    pictures that show no labelled type."""
    test = [s for s in samples if s.split.startswith("test")]
    good = [s for s in samples if s.split == "train" and s.label == "good"][:GOOD]
    defects, tested = labelled_defects(samples, test, PER_TYPE, seed)
    types = sorted({t for s in defects for t in s.types})
    tested = _limited(tested, limit)
    found = []
    for labelled, told in (
        (types, ("every type labelled",)),
        (types[::2], ("labelled types", "other types")),
    ):
        kept = [s for s in defects if set(s.types) <= set(labelled)]
        detector = create_detector(
            "supervised", encoder=encoder, resolution=RESOLUTION, coreset_limit=CORESET, seed=seed
        ).fit([*good, *kept])
        assert isinstance(detector, Supervised)
        views = [detector.look([images.load_picture(s)])[0] for s in tested]
        scores = [
            np.array([one.judge(view).score for view in views]) for one in (detector.without_head(), detector)
        ]
        for which in told:
            chosen = np.array([s.label == "good" or _shows(s, labelled, which) for s in tested])
            truth = np.array([s.label == "defective" for s in tested])[chosen]
            before, after = (float(image_auroc(truth, of_all[chosen])) for of_all in scores)
            found.append(Told(which, before, after, int(truth.sum())))
    return found


def _shows(sample: Sample, labelled: Sequence[str], which: str) -> bool:
    """Whether a defective picture belongs to a row of the table."""
    if which == "every type labelled":
        return True
    known = set(sample.types) & set(labelled)
    return bool(known) if which == "labelled types" else not known


def _limited(samples: Sequence[Sample], limit: int) -> list[Sample]:
    good, defective = ([s for s in samples if s.label == label] for label in ("good", "defective"))
    # Twice as many defective ones: they are shared out among the types that are labelled and the others.
    return [*good[:limit], *defective[: 2 * limit]]


def _tyres(out: Path, model: str, zone: str) -> Path:
    """The tyre set of a model and zone, drawn where it is not there yet."""
    folder = out / f"{model}-{zone}"
    if not (folder / "manifest.jsonl").is_file():
        drawn = ("--model", model, "--zone", zone, "--seed", str(TYRES[model]), "--count", "1200")
        specsight("tyres", *drawn, "--out", str(folder))
    return folder


def _lines(tyres: dict[str, Path]) -> dict[str, tuple[str, ...]]:
    """What is left out: arguments of the suite by the name of its folder."""
    winter = str(tyres["winter"])
    return {
        "light": ("--data", winter, "--leave-out", "light=dark_field"),
        "model": ("--data", str(tyres["sport"]), "--target", winter),
    }
