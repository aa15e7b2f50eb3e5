"""Under what rules the numbers of a run came about: one line for the head of the page, and the same as a table.

In: the content of `config.yaml`, the fits and the predictions. Out: a `Protocol`, the entry "protocol" of
`metrics.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from specsight import explain
from specsight.datasets.accounting import Account
from specsight.records import Decision, NotApplied
from specsight.runs.fit import Fit, of_parts
from specsight.runs.licences import licence_of
from specsight.runs.predictions import Prediction
from specsight.specification import Instruction

SYNTHETIC = "synthetic"
"""The condition "origin" of generated samples."""


LISTS = ("seeds", "not_applied", "in_part", "notes")
"""Fields of a `Protocol` that JSON holds as lists."""


@dataclass(frozen=True)
class Protocol:
    """The rules in words."""

    line: str = ""
    """For the head of the page."""
    intervals: str = ""
    """How the intervals came about; empty where nothing was measured."""
    seeds: tuple[int, ...] = (0,)
    synthetic: bool = False
    """Whether the pictures were generated, not photographed."""
    transductive: bool = False
    """Whether a judgement depends on the other pictures of the test set."""
    fingerprint: str = ""
    """Of the encoder's weights."""
    details: Mapping[str, str] = field(default_factory=dict)
    """The table: what → how."""
    instruction: str = ""
    """What was to be inspected, in the words that were given."""
    not_applied: tuple[str, ...] = ()
    """Clauses that had no effect, each with the reason and on how many pictures."""
    in_part: tuple[str, ...] = ()
    """Clauses that could be applied but for some of what they name, likewise."""
    further_rejects: str = ""
    """What the instruction adds to the false rejects that the threshold promises."""
    title: str = ""
    """Of a run over several products; empty for one."""
    account: str = ""
    """What became of all files that were given, in one line."""
    notes: tuple[str, ...] = ()
    """What was inferred of the data, such as a split that it does not bring."""

    def under(self, account: Account) -> Protocol:
        """The same, with what became of the files that were given."""
        return replace(self, account=account.line, notes=account.notes)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        lists: dict[str, Any] = {name: list(getattr(self, name)) for name in LISTS}
        return {**values, **lists, "details": dict(self.details)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Protocol:
        """Entries that are missing say nothing, and those that this version does not know are left out."""
        values = {f.name: content[f.name] for f in fields(cls) if f.name in content}
        lists = [name for name in LISTS if name in values]
        values.update({name: tuple(values[name]) for name in lists})
        return cls(**values)


def of_evaluation(
    config: Mapping[str, Any], layout: str, fits: Mapping[int, Fit], test: Sequence[Prediction]
) -> Protocol:
    """The protocol of a run with truth. `fits` are those by seed; `test` the judged pictures of all seeds."""
    seeds = tuple(config["seeds"])
    fit = fits[seeds[0]]
    tested = [p for p in test if p.seed == seeds[0]]
    synthetic = any(p.conditions.get("origin") == SYNTHETIC for p in tested)
    return Protocol(
        line=" · ".join(_line(config, layout, fit, len(tested), synthetic)),
        intervals=_intervals(config["resamples"], len(seeds)),
        seeds=seeds,
        synthetic=synthetic,
        transductive=fit.transductive,
        fingerprint=fit.fingerprint,
        not_applied=_lines(tested, lambda decision: decision.not_applied),
        in_part=_lines(tested, lambda decision: decision.in_part),
        details=_details(config, layout, fit, tested, synthetic),
    )


def of_inspection(
    config: Mapping[str, Any],
    fit: Fit,
    judged: Sequence[Prediction],
    instruction: Instruction | None = None,
) -> Protocol:
    """The protocol of pictures judged without truth, under an instruction if one was given."""
    count = f"{len(judged)} picture{'' if len(judged) == 1 else 's'}"
    # One instruction holds for all pictures, so that it says the same with each.
    further = dict.fromkeys(said for p in judged if (said := p.inspection.decision.further_rejects))
    model = f"model {config['model']}" + (f" ({fit.learned_from})" if fit.learned_from else "")
    return Protocol(
        line=" · ".join(
            filter(None, [_method(fit.detector, fit), f"encoder {_encoder(fit)}", _maps(fit), model, count])
        ),
        transductive=fit.transductive,
        fingerprint=fit.fingerprint,
        instruction=instruction.words if instruction else "",
        not_applied=_lines(judged, lambda decision: decision.not_applied),
        in_part=_lines(judged, lambda decision: decision.in_part),
        further_rejects="; ".join(further),
        details={
            "Detector": _with_parameters(fit.detector, fit.parameters),
            "Encoder": _encoder(fit),
            "Resolution": _framing(fit),
            **_source(fit),
            "Model": config["model"],
            "Model's pictures": fit.learned_from or "not known",
            "Threshold": _threshold(fit),
            "Pictures": str(len(judged)),
            **_choice(fit),
        },
    )


def _lines(judged: Sequence[Prediction], of: Callable[[Decision], Sequence[NotApplied]]) -> tuple[str, ...]:
    """Every clause that had no effect, or not all of it, on some of the pictures."""
    lines = Counter(line for p in judged for line in explain.not_applied(of(p.inspection.decision)))
    return tuple(
        line if count == len(judged) else f"{line}: {count} of {len(judged)} pictures"
        for line, count in lines.items()
    )


def of_products(config: Mapping[str, Any], products: Sequence[Protocol]) -> Protocol:
    """The protocol of several products: what they have in common."""
    first, count = products[0], len(products)
    line = [
        config["detector"],
        f"encoder {first.details['Encoder']}",
        "full shot" if config["shots"] is None else f"{config['shots']}-shot",
        first.details["Resolution"],
        f"{count} products of {config['name']}",
        "one detector per product",
        "nothing tuned on test data",
    ]
    return Protocol(
        title=f"{config['detector']} on {count} products of {config['name']}",
        line=" · ".join(line),
        intervals=first.intervals,
        seeds=first.seeds,
        synthetic=any(product.synthetic for product in products),
    )


def _line(config: Mapping[str, Any], layout: str, fit: Fit, tested: int, synthetic: bool) -> list[str]:
    """The parts of the line, those that only some runs have before what is always said of the pictures."""
    shots = "full shot" if config["shots"] is None else f"{config['shots']}-shot"
    seeds = config["seeds"]
    parts = [
        _method(config["detector"], fit) + (" (transductive)" if fit.transductive else ""),
        f"encoder {_encoder(fit)}",
        _maps(fit),
        f"words: {fit.words}" if fit.words else "",
        f"trained on {fit.trained_on}" if fit.trained_on else "",
        f"{shots}: {fit.pictures}, {tested} tested",
        f"{fit.defects} labelled defects learned from, {config['defects']} of each type"
        if config.get("defects")
        else "",
        _framing(fit),
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}",
        f"{config['name']} ({'synthetic data' if synthetic else layout})",
        "nothing tuned on test data",
    ]
    return [part for part in parts if part]


def _framing(fit: Fit) -> str:
    return fit.framing or f"{fit.resolution} px"


def _details(
    config: Mapping[str, Any], layout: str, fit: Fit, tested: Sequence[Prediction], synthetic: bool
) -> dict[str, str]:
    size = config["map_size"]
    details = {
        "Detector": _with_parameters(config["detector"], config["parameters"]),
        **_choice(fit),
        "Encoder": _encoder(fit),
        "Shots": "all good training pictures" if config["shots"] is None else config["shots"],
        "Learned from": _counted(fit.learned, fit.learned_parts),
        **_unseen(fit),
        "Tested": f"{len(tested)} pictures, {sum(p.label == 'good' for p in tested)} of them good",
        "Resolution": _framing(fit),
        **({"Why that resolution": "; ".join(fit.framing_reasons)} if fit.framing_reasons else {}),
        **_source(fit),
        **({"Maps": "compared with those of good parts at the same place"} if fit.by_place else {}),
        "Maps measured": "at the pictures' own resolution"
        if size is None
        else f"with the shorter side at {size} px",
        "Threshold": _threshold(fit),
        "Seeds": ", ".join(map(str, config["seeds"])),
        "Times": f"those of seed {config['seeds'][0]}",
        "Data": f"{config['name']}, layout {layout}",
        "Synthetic": "yes" if synthetic else "no sign of it",
        "Tuned on test data": "nothing; metrics marked oracle choose a threshold with the truth and are no promise",
    }
    if config.get("defects"):
        details["Labelled defects"] = f"{fit.defects} pictures, none of them tested"
    if fit.trained_on:
        details["Trained on"] = fit.trained_on
    if fit.words:
        details["Words"] = fit.words
    licence = licence_of(layout, {p.inspection.product for p in tested})
    if licence:
        details["Licence of the data"] = licence
    return {name: str(value) for name, value in details.items()}


def _method(name: str, fit: Fit) -> str:
    """The method, and that it was chosen, where it was: "patchcore (chosen by auto)"."""
    return f"{fit.detector} (chosen by auto)" if fit.choice else name


def _choice(fit: Fit) -> dict[str, str]:
    """How the detector was chosen, with all its parameters, as entries of the table; none where it was named."""
    if not fit.choice:
        return {}
    return {"Chosen": fit.choice, "Chosen detector": _with_parameters(fit.detector, fit.parameters)}


def _maps(fit: Fit) -> str:
    return f"maps: {fit.map_source}" if fit.map_source else ""


def _source(fit: Fit) -> dict[str, str]:
    """What maps come from, as an entry of the table, where the method's name does not say it."""
    return {"Maps from": fit.map_source} if fit.map_source else {}


def _counted(pictures: int | None, parts: int | None) -> str:
    """Good pictures, with their distinct parts where these are fewer."""
    shown = "" if parts in (None, pictures) else f" of {of_parts(parts)}"
    return f"{pictures} good pictures{shown}"


def _encoder(fit: Fit) -> str:
    return f"{fit.encoder} ({fit.fingerprint[:8]})"


def _threshold(fit: Fit) -> str:
    if not fit.calibration:
        return "none: too few good pictures to hold any out"
    source = "good pictures in folds" if fit.calibration.folds else "held-out good pictures"
    return f"from {source}: {fit.calibration.statement()}"


def _unseen(fit: Fit) -> dict[str, str]:
    """Good pictures that gave the threshold."""
    lines = {}
    if fit.folds:
        lines["Folds"] = (
            f"{fit.folds}: each good picture was judged by a detector that had not learned from its fold, for the "
            "threshold; the detector of this run has learned from all"
        )
    if fit.held_out or not fit.folds:
        lines["Held out"] = f"{_counted(fit.held_out, fit.held_out_parts)}, unseen while learning"
    return lines


def _with_parameters(name: str, parameters: Mapping[str, Any]) -> str:
    given = ", ".join(f"{key} {value}" for key, value in parameters.items())
    return f"{name} ({given})" if given else name


def _intervals(resamples: int, seeds: int) -> str:
    if not resamples:
        return "No intervals were asked for."
    text = (
        "Intervals hold with about 95 % over pictures: DeLong's for image AUROC, Wilson's for rates, else a BCa "
        f"bootstrap with {resamples} resamples, good and defective pictures apart."
    )
    return text + (
        f" ± is the deviation over {seeds} seeds; interval ends are means over seeds." if seeds > 1 else ""
    )
