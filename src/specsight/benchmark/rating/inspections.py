"""A rating of the statements that inspections make: the same pictures for every run, each with its map beside it.

In: run folders of `inspect` or `evaluate`. Out: a rating folder that needs neither the runs nor their pictures again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from specsight.benchmark.files import write_lines
from specsight.benchmark.rating.folder import PICTURES, SHOWN, Rating, RatingFolder, Shown
from specsight.benchmark.rating.orders import drawn, spread
from specsight.benchmark.rating.planning import RatingConfig, check_new, write_rating
from specsight.errors import SpecsightError
from specsight.runs import Prediction, RunFolder
from specsight.specification import Instruction
from specsight.storage import parse_yaml, write_bytes

Draw = Callable[[Prediction], bytes]
"""A picture with its findings and its map, as WebP."""


def plan_statements(
    runs: Sequence[Path],
    out: Path,
    config: RatingConfig,
    sheets: Callable[[RunFolder, Sequence[Prediction]], Draw],
) -> RatingFolder:
    """Write the rating folder `out`, which must not be there or be empty; a run goes by the name of its folder.

    Parameters: `sheets` draws the pictures of a run. Raises SpecsightError where `out` is not empty, two runs have one
    name, a run keeps no maps, or no picture is in all runs with a statement.
    """
    check_new(out)
    if config.tasks:
        raise SpecsightError(
            "--task chooses items of a benchmark: leave it out for statements of inspections"
        )
    folders = _named(runs)
    told = {name: _told(folder) for name, folder in folders.items()}
    common = _common(list(told.values()))
    if not common:
        raise SpecsightError("no picture has a statement in all of these runs: inspect the same pictures")
    chosen = spread(_strata(told, common), math.ceil(config.statements / len(folders)), config.seed)
    said = {(id_, name): told[name][id_].inspection.statement for id_ in chosen for name in folders}
    shown = []
    for name, folder in folders.items():
        draw, words = sheets(folder, list(told[name].values())), _instruction(folder)
        for id_ in chosen:
            one = told[name][id_]
            file = f"{PICTURES}/{drawn(config.seed, f'{id_} of {name}')}.webp"
            write_bytes(out / file, draw(one))
            product = one.inspection.product
            shown.append(Shown(item=id_, model=name, product=product, picture=file, instruction=words))
    write_lines(out / SHOWN, shown)
    rating = Rating(
        kind="statements",
        seed=config.seed,
        models=tuple(folders),
        raters=config.raters,
        statements=len(said),
        left_out=len(set.union(*(set(one) for one in told.values())) - common),
    )
    write_rating(out, rating, said)
    return RatingFolder(out)


def _named(runs: Sequence[Path]) -> dict[str, RunFolder]:
    folders: dict[str, RunFolder] = {}
    for path in runs:
        name = path.resolve().name
        if name in folders:
            raise SpecsightError(f"'{path}' and '{folders[name].path}' have one name: rename a folder")
        folders[name] = RunFolder(path)
        folders[name].config()
    return folders


def _told(run: RunFolder) -> dict[str, Prediction]:
    """Picture → what was said of it, under the first seed. Raises SpecsightError where there is no map to judge by."""
    predictions = run.predictions()
    first = min((one.seed for one in predictions), default=0)
    found = {one.id: one for one in predictions if one.seed == first and one.inspection.statement}
    if any(not one.map for one in found.values()):
        raise SpecsightError(
            f"'{run.path}' keeps no maps (--no-maps), and raters judge by them: inspect again"
        )
    return found


def _common(told: Sequence[Mapping[str, Prediction]]) -> set[str]:
    """Pictures that all runs speak of, as long as it is the same picture by its digest."""
    names = set.intersection(*(set(one) for one in told))
    return {name for name in names if len({one[name].digest for one in told} - {""}) < 2}


def _strata(told: Mapping[str, Mapping[str, Prediction]], common: set[str]) -> list[list[str]]:
    """Pictures by product, and by the verdict and the types that each run found."""
    strata: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for id_ in sorted(common):
        answers = [one[id_].inspection for one in told.values()]
        found = [(one.verdict, *sorted({f.type or "" for f in one.findings})) for one in answers]
        key = (answers[0].product, *found)
        strata[key].append(id_)
    return list(strata.values())


def _instruction(run: RunFolder) -> str:
    """The words that restricted a run, where there were any."""
    text = run.config().get("instruction")
    return Instruction.model_validate(parse_yaml(text)).text if isinstance(text, str) else ""
