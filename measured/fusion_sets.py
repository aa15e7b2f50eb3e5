"""A small tyre set for comparing colours with depth: enough defects that show in one of them alone.

Such defects are rare on the tyre line; here they are drawn until there are enough. A zone is a product. Everything is
synthetic, and where a defect shows is measured on its noise-free pictures (`conditions.visible`; docs/tyres.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from specsight.progress import track
from specsight.specification import Specification, save_yaml
from specsight.storage import write_text
from specsight.synthetic.tyres import Rendered, TyreScene, render, render_pair, sample_tyre_scene
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.geometry import ZONES, Zone
from specsight.synthetic.tyres.models import tyre_model
from specsight.synthetic.tyres.product import specification
from specsight.synthetic.tyres.sample_files import FOLDERS, write_sample

ALONE = {"depth": ("blister",), "rgb": ("stain", "missing balance dot")}
"""Where a defect shows alone, and the types that may."""
SIZE = 256
GOOD, PAIRS, PAIRS_ALONE = 30, 16, 10
"""Of each zone: good pictures to learn from; defective ones with their good twins, of a type drawn at random; and of
defects that show in depth or in colours alone, each."""


def fusion_set(out: Path, model: str, seed: int) -> Path:
    """The set of a tyre model in the folder `out`, drawn where it is not there yet."""
    if (out / "manifest.jsonl").is_file():
        return out
    for folder in FOLDERS:
        (out / folder).mkdir(parents=True, exist_ok=True)
    save_yaml(Specification.model_validate(specification(tyre_model(model))), out / "specification.yaml")
    lines: list[dict[str, Any]] = []
    for zone in ZONES:
        for scene, picture, split in track(_pictures(zone, model, seed), f"drawing {model} {zone}"):
            number = len(lines)
            group = f"tyre_{'_'.join(map(str, scene.seed))}"
            lines.append(write_sample(out, number, scene, picture, split=split, group=group))
    write_text(out / "manifest.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return out


def _pictures(zone: Zone, model: str, seed: int) -> Iterator[tuple[TyreScene, Rendered, str]]:
    place = ZONES.index(zone)
    for number in range(GOOD):
        scene = sample_tyre_scene((seed, place, 0, number), zone, model=model, size=SIZE)
        yield scene, render(scene), "train"
    types = [name for name, kind in KINDS.items() if zone in kind.zones]
    for stream, (where, wanted, pairs) in enumerate(
        [("", types, PAIRS), *((where, alone, PAIRS_ALONE) for where, alone in ALONE.items())], 1
    ):
        for scene, good, bad in _pairs(
            (seed, place, stream), zone, model, [t for t in wanted if t in types], pairs, where
        ):
            yield scene, good, "test"
            yield scene, bad, "test"


def _pairs(
    seed: tuple[int, ...], zone: Zone, model: str, wanted: list[str], pairs: int, where: str
) -> Iterator[tuple[TyreScene, Rendered, Rendered]]:
    """As many tyres with one defect that shows where it is wanted (empty: anywhere), each without it and with it."""
    found = 0
    for number in count():
        type_ = wanted[int(np.random.default_rng([*seed, number]).integers(len(wanted)))]
        scene = sample_tyre_scene((*seed, number), zone, model=model, size=SIZE, wanted=(type_,))
        good, bad = render_pair(scene, (type_,))
        shown = [defect.visible for defect in bad.defects]
        if shown and shown[0] != "hardly" and (not where or shown == [where]):
            yield scene, good, bad
            found += 1
        if found == pairs:
            return
