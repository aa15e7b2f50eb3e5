"""Judge pictures without truth with a model that exists, through the same writer as an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from specsight.datasets.accounting import Account, Ignored
from specsight.engine import LOCAL, Engine
from specsight.inspector import Inspector
from specsight.records import Sample
from specsight.runs import costs, environment, protocol
from specsight.runs.folder import RunFolder
from specsight.runs.judging import SavedInspector, describe_fit, judge_all
from specsight.runs.rewriting import Rewriting
from specsight.specification import Instruction, Specification, dump_yaml
from specsight.storage import CHECKSUMS, only_writer, sha256

SEED = 0
"""An inspection has no seeds; its files lie where those of the first seed of an evaluation would."""

FINER = 2
"""Pixels of a kept map for each of the framed picture that the detector looked at: finer detail is interpolated."""


def write_inspections(
    inspector: Inspector,
    samples: Sequence[Sample],
    out: Path,
    *,
    data: Path,
    model: Path,
    instruction: Instruction | None = None,
    ignored: tuple[Ignored, ...] = (),
    maps: bool = True,
    specification: Specification | None = None,
    rewriting: Rewriting | None = None,
    engine: Engine = LOCAL,
    reload: SavedInspector | None = None,
) -> Path:
    """Judge `samples` (paths inside `data`) with the inspector loaded from `model`, under an instruction if one is
    given; returns `out`.

    `maps` says whether maps are kept, and `specification` which one stands in the place of the model's own;
    `rewriting` puts statements into a language model's words, under their checks. `engine` and `reload` as in
    `judge_all`; `reload` gives the inspector as it is given here.
    `ignored` are the files of `data` that are no samples, for the account of the run. What folder names seem to say of
    the pictures is not taken for truth: all labels are unknown here.

    Asked again with the same model and data, it judges only pictures that are new, have changed or could not be read.
    Raises `SpecsightError` where `out` holds something else, where nothing could be judged, and where the disk is full.
    """
    run = RunFolder(out)
    root = (data if data.is_dir() else data.parent).resolve()
    config = _config(root, model, inspector, instruction, specification, maps, rewriting)
    if specification is not None:
        inspector = inspector.under(specification)
    with only_writer(out):
        run.claim(config)
        fit = describe_fit(inspector)
        run.add_fit(SEED, fit)
        unlabelled = [replace(s, label="unknown", defects=()) for s in samples]
        predictions = judge_all(
            run,
            inspector,
            unlabelled,
            seed=SEED,
            data=root,
            instruction=instruction,
            maps=maps,
            map_side=FINER * inspector.detector.framing.resolution,
            rewrite=rewriting,
            engine=engine,
            reload=replace(reload, specification=specification) if reload else None,
        )
        account = Account(f"judged {len(predictions)}", len(run.skipped()), ignored)
        rules = protocol.of_inspection(config, fit, predictions, instruction)
        numbers = {
            "counts": costs.counts(predictions, run.skipped()),
            "account": account.to_json(),
            "protocol": rules.under(account).to_json(),
            "seconds": costs.seconds(predictions),
            **({} if rewriting is None else {"rewrites": costs.rewrites(predictions)}),
            "peak_mb": environment.peak_memory_mb(),
        }
        run.write_metrics(numbers)
        run.write_environment(environment.describe())
    return out


def _config(
    root: Path,
    model: Path,
    inspector: Inspector,
    instruction: Instruction | None,
    specification: Specification | None,
    maps: bool,
    rewriting: Rewriting | None,
) -> dict[str, str]:
    """What a run rests on: with another one of these it is another run."""
    config = {
        "kind": "inspection",
        "name": root.name,
        "data": str(root),
        "model": model.name,
        "model_checksum": sha256(model / CHECKSUMS),
    }
    if instruction is not None:
        config["instruction"] = dump_yaml(instruction)
    if specification is not None:
        config["specification"] = dump_yaml(specification)
    if not maps:
        config["maps"] = "none"
    if inspector.ontology is not None:
        config["ontology"] = inspector.ontology.digest
    if rewriting is not None:
        config["explain_with"] = f"{rewriting.model.name} {rewriting.model.fingerprint}"
    return config
