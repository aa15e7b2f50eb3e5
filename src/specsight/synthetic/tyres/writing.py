"""A set of tyre pictures on disk: pictures, depth, normals, part maps, masks, words and `manifest.jsonl`.

The manifest is written last and whole. Until then finished samples stand in a journal, so that a killed run goes on
where it stopped; what a sample looks like depends on the seed and its number alone, never on the process that drew it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from specsight.errors import SpecsightError, did_you_mean
from specsight.machine import usable_processors
from specsight.progress import track
from specsight.storage import check_output, given_path, only_writer, read_text, write_json, write_text
from specsight.synthetic.tyres.conditions import LIGHTS, light_kinds
from specsight.synthetic.tyres.geometry import ZONES, Zone
from specsight.synthetic.tyres.invented import INVENTED
from specsight.synthetic.tyres.models import tyre_model
from specsight.synthetic.tyres.planning import Job, Settings, models_of, picture_job, plan
from specsight.synthetic.tyres.product import shared_specification, specification
from specsight.synthetic.tyres.sample_files import FOLDERS, files_of, write_sample
from specsight.synthetic.tyres.workers import work_in_order

Made = list[tuple[int, dict[str, Any]]]
"""(number, line of the manifest) of each sample of a job."""

MANIFEST = "manifest.jsonl"
SPECIFICATION = "specification.yaml"
SPECIFICATIONS = "specifications"
"""Folder with the specification of each model of a set of many."""
_JOURNAL = "unfinished.jsonl"
_SETTINGS = "tyres.json"
_AT_ONCE = 4
"""Jobs that a process takes at a time where all show one model."""


class OtherSettings(SpecsightError):
    """A folder holds a tyre set that was made with other settings."""


@dataclass(frozen=True)
class Summary:
    """What `generate` made."""

    folder: Path
    manifest: Path
    specification: Path
    samples: int
    defective: int
    by_type: dict[str, int]


def generate(
    out: str | Path,
    count: int = 600,
    seed: int = 0,
    size: int = 256,
    strips: int = 0,
    *,
    lights: Sequence[str] = LIGHTS,
    zones: Sequence[str] = ZONES,
    model: str = "touring",
    workers: int | None = None,
    replace: bool = False,
) -> Summary:
    """Write a synthetic set of `count` square crops and `strips` whole turns into the folder `out`.

    Half of it is for training (good), a quarter good and a quarter defective for testing; each defective picture has
    a good twin of the same `group`. The same arguments give the same bytes whatever `workers` (processes; all cores
    if None). An interrupted run goes on when called again, and a finished set stays as it is. A set of other settings
    is given up only with `replace`; a folder that holds anything else is refused.

    `model` is one of the catalogue, `invented:NUMBER`, or `invented`: many invented models, 24 samples of each. Every
    one of these is a product of its own, with its specification below the folder `specifications`.
    """
    out = given_path(out, "the folder of the tyre set")
    settings = _settings(count, seed, size, strips, lights=lights, zones=zones, model=model)
    if workers is not None and workers < 1:
        raise SpecsightError(f"workers {workers}: use at least one process")
    check_output(out)
    _refuse_foreign(out)
    try:
        with only_writer(out):
            return _generate(out, settings, workers or usable_processors(), replace)
    except OSError as error:
        raise SpecsightError(f"cannot write '{out}': {error.strerror or error}") from error


def _settings(
    count: int, seed: int, size: int, strips: int, *, lights: Sequence[str], zones: Sequence[str], model: str
) -> Settings:
    if count < 0 or strips < 0 or count + strips == 0:
        raise SpecsightError(f"count {count} and strips {strips}: ask for at least one sample")
    if seed < 0:
        raise SpecsightError(f"seed {seed}: use 0 or a positive number")
    if not 64 <= size <= 2048:
        raise SpecsightError(f"size {size}: choose between 64 and 2048 pixels")
    for zone in zones:
        if zone not in ZONES:
            raise SpecsightError(f"unknown zone '{zone}': {did_you_mean(zone, ZONES)}")
    chosen: tuple[Zone, ...] = tuple(z for z in ZONES if z in zones)
    kinds = light_kinds(tuple(lights))
    if not chosen or not kinds:
        raise SpecsightError("at least one zone and one light are needed")
    name = model if model == INVENTED else tyre_model(model).name
    return Settings(count, seed, size, strips, kinds, chosen, name)


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SpecsightError(f"'{out}' is a file: choose a folder for the tyre set")
    content = [p.name for p in out.iterdir() if p.name != ".lock"] if out.is_dir() else []
    if content and _SETTINGS not in content:
        raise SpecsightError(f"'{out}' is not empty and holds no tyre set: choose another folder")


def _generate(out: Path, settings: Settings, workers: int, replace: bool) -> Summary:
    records = _finished(out, settings, replace)
    todo = [job for job in plan(settings) if not all(n in records for n in job.numbers)]
    _write_specifications(out, settings)
    with (
        (out / _JOURNAL).open("a", encoding="utf-8") as journal,
        closing(work_in_order(partial(_draw, out, settings), _grouped(todo), workers)) as work,
    ):
        for made in track(work, "tyres", total=len(todo)):
            for number, record in made:
                records[number] = record
                journal.write(json.dumps({"number": number, "record": record}, ensure_ascii=False) + "\n")
            journal.flush()
    ordered = [records[n] for n in sorted(records)]
    write_text(out / MANIFEST, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ordered))
    (out / _JOURNAL).unlink()
    by_type: dict[str, int] = {}
    for defect in (d for r in ordered for d in r.get("defects", ())):
        by_type[defect["type"]] = by_type.get(defect["type"], 0) + 1
    return Summary(
        folder=out,
        manifest=out / MANIFEST,
        specification=out / SPECIFICATION,
        samples=len(ordered),
        defective=sum(r["label"] == "defective" for r in ordered),
        by_type=dict(sorted(by_type.items())),
    )


def _finished(out: Path, settings: Settings, replace: bool) -> dict[int, dict[str, Any]]:
    """Records of samples already on disk, by number; to `replace` a set of other settings, it is cleared away first."""
    requested = json.loads(json.dumps(asdict(settings)))
    marker = out / _SETTINGS
    if not marker.exists() or _json_or_none(read_text(marker)) != requested:
        if marker.exists() and not replace:
            raise OtherSettings(
                f"'{out}' holds a tyre set of other settings: add --replace (in Python replace=True) to give it up, or "
                "choose another folder"
            )
        for name in (MANIFEST, _JOURNAL):
            (out / name).unlink(missing_ok=True)
        for folder in (*FOLDERS, SPECIFICATIONS):
            shutil.rmtree(out / folder, ignore_errors=True)
        write_json(marker, requested)
    for folder in FOLDERS:
        (out / folder).mkdir(exist_ok=True)
    records: dict[int, dict[str, Any]] = {}
    if (out / MANIFEST).exists():
        lines = (out / MANIFEST).read_text("utf-8").splitlines()
        records = {int(r["id"].rpartition("_")[2]): r for r in map(_json_or_none, lines) if r}
    if (out / _JOURNAL).exists():
        entries = map(_json_or_none, (out / _JOURNAL).read_text("utf-8").splitlines())
        records |= {e["number"]: e["record"] for e in entries if e}
    return {n: r for n, r in records.items() if all((out / f).is_file() for f in files_of(r))}


def _json_or_none(line: str) -> Any:
    """The value of a line, or None for one cut short when the run was killed."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _grouped(jobs: list[Job]) -> list[list[Job]]:
    """Jobs in groups for one process each: all of an invented model, and a few of a set's only one."""
    by_model = [list(group) for _, group in groupby(jobs, key=lambda job: (job.model, job.strip))]
    if len({job.model for job in jobs}) > 1:
        return by_model
    return [group[k : k + _AT_ONCE] for group in by_model for k in range(0, len(group), _AT_ONCE)]


def _draw(out: Path, settings: Settings, job: Job) -> Made:
    """Render one job and write its files; (number, record) of each of its samples."""
    scene, good, bad = picture_job(settings, job)
    group = f"tyre_{job.index:06d}"
    try:
        made = [
            (job.numbers[0], write_sample(out, job.numbers[0], scene, good, split=job.split, group=group))
        ]
        if bad is not None:
            made.append(
                (job.numbers[1], write_sample(out, job.numbers[1], scene, bad, split=job.split, group=group))
            )
    except OSError as error:
        raise SpecsightError(f"cannot write into '{out}': {error.strerror or error}") from error
    return made


def _write_specifications(out: Path, settings: Settings) -> None:
    """The set's specification; where it holds many models, what they share, and one of each beside it."""
    if settings.model != INVENTED:
        write_text(out / SPECIFICATION, _yaml(specification(tyre_model(settings.model))))
        return
    write_text(out / SPECIFICATION, _yaml(shared_specification()))
    (out / SPECIFICATIONS).mkdir(exist_ok=True)
    for model in map(tyre_model, models_of(settings)):
        write_text(out / SPECIFICATIONS / f"{model.product}.yaml", _yaml(specification(model)))


def _yaml(product: dict[str, Any]) -> str:
    return yaml.safe_dump(product, sort_keys=False, allow_unicode=True, width=100)
