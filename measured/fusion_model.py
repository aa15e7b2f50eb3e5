"""`python -m measured fusion_model`: the model `fusion` on synthetic tyres with depth, against one modality at a time.

Each zone is a product: good parts to fit on, others and defective ones to test. Beside the whole model stand the same
without depth or without colours, PatchCore on colours, and distances to good patches in colour and in depth by
themselves; then defects that only one of the modalities shows, and matched pairs of instructions, decided by the head
and by the modular clauses. Thresholds of the pairs are those that good parts of the fit, left out in folds, give.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from measured.command import specsight
from measured.fusion_picture import save_picture
from measured.fusion_product import RESOLUTION, ROWS, Product
from measured.rows import ROOT
from specsight.datasets import load_dataset
from specsight.detectors.fusion import Fusion
from specsight.encoders import load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.images import anomaly_mask, load_picture
from specsight.metrics import image_auroc
from specsight.metrics.language_control import decision_ranks, part_auroc, right_both_ways
from specsight.metrics.pixel import pixel_metrics
from specsight.records import Picture, Sample
from specsight.report.export import Table, markdown
from specsight.runs.instructed import PART
from specsight.specification import Instruction, Specification, load_specification
from specsight.storage import temporary_folder
from specsight.synthetic.tyres import render_pair, sample_tyre_scene
from specsight.synthetic.tyres.conditions import LightKind
from specsight.synthetic.tyres.geometry import ZONES


def main(arguments: Sequence[str]) -> int:
    """Measure, print Markdown tables, and return 0."""
    parser = argparse.ArgumentParser(
        prog="python -m measured fusion_model", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured", help="where tyres lie")
    parser.add_argument("--model", default="winter", help="tyre model")
    parser.add_argument("--count", type=int, default=360)
    parser.add_argument("--seed", type=int, default=11, help="of the pictures")
    parser.add_argument("--good", type=int, default=30, help="good parts to fit on, of each zone")
    parser.add_argument("--test", type=int, default=60, help="pictures tested of each zone")
    parser.add_argument(
        "--pairs", type=int, default=10, help="of each zone, with a defect that one modality shows"
    )
    parser.add_argument("--head", default="bundled")
    parser.add_argument("--detection-only", action="store_true", help="no instructions, no times")
    parser.add_argument("--times-only", action="store_true", help="nothing but times")
    parser.add_argument("--picture", type=Path, help="draw tyres here, in place of measuring")
    given = parser.parse_args(arguments)
    tyres = given.out / f"{given.model}-fusion"
    if not (tyres / "manifest.jsonl").is_file():
        made = ("--model", given.model, "--seed", str(given.seed), "--count", str(given.count))
        specsight("tyres", *made, "--out", str(tyres))
    specification = load_specification(tyres / "specification.yaml")
    by_product: dict[str, list[Sample]] = defaultdict(list)
    for sample in load_dataset(tyres / "manifest.jsonl").samples:
        by_product[sample.product].append(sample)
    if given.picture:
        _draw(by_product, specification, given)
        return 0
    if given.times_only:
        print(_costs(next(iter(by_product.values())), specification, given))
        return 0
    with temporary_folder("features") as folder:
        encoder = CachedEncoder(load_encoder("bundled"), folder)
        measured = [Product(own, specification, encoder, given) for _, own in sorted(by_product.items())]
        print(_detection(measured), flush=True)
        if not given.detection_only:
            print(_instructions(measured), flush=True)
        print(_visible(measured, given), flush=True)
    if not given.detection_only:
        print(_costs(next(iter(by_product.values())), specification, given))
    return 0


def _draw(
    by_product: Mapping[str, Sequence[Sample]], specification: Specification, given: argparse.Namespace
) -> None:
    """Of each zone the first test picture with a defect that depth or colours alone show, else with any."""
    shown = []
    for seen, own in zip(("rgb", "depth", ""), (by_product[name] for name in sorted(by_product))):
        good = [sample for sample in own if sample.split == "train"][: given.good]
        bad = [sample for sample in own if sample.split == "test" and sample.label == "defective"]
        chosen = next((s for s in bad if seen in s.conditions["visible"].split("; ")), bad[0])
        detector = Fusion(encoder="bundled", resolution=RESOLUTION, head=given.head).fit(good, specification)
        picture = load_picture(chosen)
        judgement = detector.judge(detector.look([picture])[0])
        shown.append((picture, judgement, anomaly_mask(chosen, picture.size), chosen.mm_per_px))
    save_picture(given.picture, shown)


def _detection(products: Sequence[Product]) -> str:
    """AUROC of pictures and AUPRO at 0.3, mean of the zones, and of each zone."""
    rows = []
    for row in ROWS:
        images = [image_auroc(one.defective, np.array(one.scores[row])) for one in products]
        aupro = [pixel_metrics(one.maps[row], one.masks).aupro[0.3] for one in products]
        rows.append(
            (
                row,
                *(f"{np.mean(values):.3f}" for values in (images, aupro)),
                " ".join(f"{value:.3f}" for value in images),
                " ".join(f"{value:.3f}" for value in aupro),
            )
        )
    zones = ", ".join(one.test[0].product.rsplit(" ", 1)[-1] for one in products)
    columns = ("", "image AUROC", "AUPRO@0.3", f"image AUROC: {zones}", f"AUPRO@0.3: {zones}")
    return markdown(Table(columns, tuple(rows)))


def _visible(products: Sequence[Product], given: argparse.Namespace) -> str:
    """AUROC of pictures that show one defect that one modality alone shows, against their good twins, mean of zones:
    blisters under diffuse light, stains under any. They are rendered for this."""
    rows = []
    lights: Mapping[str, LightKind | None] = {"blister": "diffuse", "stain": None}
    for kind, what in (("blister", "depth"), ("stain", "rgb")):
        numbers, count = [], 0
        for one in products:
            scores: dict[str, list[float]] = {row: [] for row in ROWS}
            truth: list[bool] = []
            zone = next(zone for zone in ZONES if one.test[0].product.endswith(f" {zone}"))
            for number in range(20 * given.pairs):
                scene = sample_tyre_scene(
                    (given.seed, 15, number), zone, lights[kind], given.model, size=RESOLUTION, wanted=(kind,)
                )
                good, bad = render_pair(scene, (kind,))
                if [defect.visible for defect in bad.defects] != [what]:
                    continue
                for rendered in (good, bad):
                    for row, judgement in one.judged(Picture(rendered.rgb, depth=rendered.depth)):
                        scores[row].append(judgement.score)
                    truth.append(rendered is bad)
                if len(truth) == 2 * given.pairs:
                    break
            count += len(truth) // 2
            numbers.append([image_auroc(np.array(truth), np.array(scores[row])) for row in ROWS])
        means = (f"{value:.3f}" for value in np.mean(numbers, axis=0))
        rows.append((f"{kind} in {what} only ({count})", *means))
    return markdown(Table(("defects seen in", *ROWS), tuple(rows)))


def _instructions(products: Sequence[Product]) -> str:
    """Pairs decided rightly both ways, and what scopes cost: the head and the modular clauses on the same questions."""
    rows = []
    pairs = [answer for one in products for answer in one.answers if answer.question.pair]
    for kind in sorted({answer.question.kind for answer in pairs}):
        of_kind = [answer for answer in pairs if answer.question.kind == kind]
        names = [answer.question.pair for answer in of_kind]
        shares = []
        for verdicts in ([one.fused for one in of_kind], [one.modular for one in of_kind]):
            right = [said == (one.question.truth == "reject") for said, one in zip(verdicts, of_kind)]
            shares.append(f"{float(np.mean(right_both_ways(names, right))):.3f}")
        rows.append((f"{kind} ({len(of_kind) // 2})", *shares))
    rows.append(("ScopeDrop, points", *(f"{100 * drop:.1f}" for drop in _scope_drops(products))))
    return markdown(Table(("pairs decided both ways", "head", "modular clauses"), tuple(rows)))


def _scope_drops(products: Sequence[Product]) -> tuple[float, float]:
    """AUROC of pictures less that of parts under "inspect this part only", mean of the zones."""
    drops = []
    for one in products:
        parts = [answer for answer in one.answers if answer.question.kind == PART]
        inside = np.array([answer.question.truth == "reject" for answer in parts])
        whole = image_auroc(one.defective, np.array(one.scores["fusion"]))
        fused = image_auroc(inside, np.array([answer.fused_score for answer in parts]))
        ranks = decision_ranks([one.modular for one in parts], [one.modular_margin for one in parts])
        drops.append((whole - fused, whole - part_auroc(inside, ranks)))
    return tuple(np.mean(drops, axis=0))


def _costs(samples: Sequence[Sample], specification: Specification, given: argparse.Namespace) -> str:
    """Processor seconds of a fit on one core, and milliseconds of a picture (medians of 12), nothing cached."""
    encoder = load_encoder("bundled")
    good = [sample for sample in samples if sample.split == "train"][: given.good]
    encoder.all_grids(load_picture(good[0]).rgb[None])
    begin = time.process_time()
    detector = Fusion(encoder=encoder, resolution=RESOLUTION, head=given.head).fit(good, specification)
    fitted = time.process_time() - begin
    spent = defaultdict[str, list[float]](list)
    for sample in [sample for sample in samples if sample.split == "test"][:13]:
        picture = load_picture(sample)
        times = [time.process_time()]
        encoder.all_grids(picture.rgb[None])
        times.append(time.process_time())
        (view,) = detector.look([picture])
        times.append(time.process_time())
        detector.judge(view)
        times.append(time.process_time())
        detector.judge(view, Instruction.model_validate({"ignore": ["stain"]}))
        times.append(time.process_time())
        names = ("the encoder alone", "look", "judge", "judge again, another instruction")
        for what, before, after in zip(names, times, times[1:]):
            spent[what].append(after - before)
    rows = [(f"fit to {len(good)} good parts, s", f"{fitted:.1f}")]
    rows += [(f"{what}, ms", f"{1000 * float(np.median(times[1:])):.0f}") for what, times in spent.items()]
    return markdown(Table(("processor time, one core", ""), tuple(rows)))
