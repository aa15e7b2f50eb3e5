"""Under what rules the numbers of a run came about: one line for the head of the page, and the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specsight.calibration import Calibration
from specsight.runs.predictions import Prediction

LICENCES: Mapping[str, str] = {
    "mvtec_ad": "CC BY-NC-SA 4.0 (MVTec AD; Bergmann et al., CVPR 2019)",
    "mvtec_ad_2": "CC BY-NC-SA 4.0 (MVTec AD 2)",
    "mvtec_loco": "CC BY-NC-SA 4.0 (MVTec LOCO AD; Bergmann et al., IJCV 2022)",
    "mvtec_3d": "CC BY-NC-SA 4.0 (MVTec 3D-AD; Bergmann et al., 2022)",
    "deep_pcb": "MIT (DeepPCB; Tang et al., 2019)",
    "magnetic_tile": "free to use with citation (Huang et al., Saliency of magnetic tile surface defects, 2018)",
}
"""Licences of public layouts whose terms are known; others are left unsaid."""
SYNTHETIC = "synthetic"
"""The condition "origin" of generated samples."""


def of_evaluation(
    config: Mapping[str, Any], layout: str, fits: Mapping[str, Mapping[str, Any]], test: Sequence[Prediction]
) -> dict[str, Any]:
    """The protocol of a run with truth. `fits` are the fits by seed; `test` the judged pictures of all seeds."""
    seeds = list(config["seeds"])
    fit = fits[str(seeds[0])]
    tested = [p for p in test if p.seed == seeds[0]]
    synthetic = any(p.conditions.get("origin") == SYNTHETIC for p in tested)
    size = config["map_size"]
    learned = f"{fit['learned']} good pictures learned from"
    shots = "full shot" if config["shots"] is None else f"{config['shots']}-shot"
    line = [
        config["detector"] + (" (transductive)" if fit["transductive"] else ""),
        f"encoder {_encoder(fit)}",
        f"{shots}: {learned}, {fit['held_out']} held out, {len(tested)} tested",
        f"{fit['resolution']} px",
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}",
        f"{config['name']} ({'synthetic data' if synthetic else layout})",
        "nothing tuned on test data",
    ]
    details = {
        "Detector": _with_parameters(config["detector"], config["parameters"]),
        "Encoder": _encoder(fit),
        "Shots": "all good training pictures" if config["shots"] is None else config["shots"],
        "Learned from": fit["learned"],
        "Held out": f"{fit['held_out']} good pictures, unseen while learning",
        "Tested": f"{len(tested)} pictures, {sum(p.label == 'good' for p in tested)} of them good",
        "Resolution": f"{fit['resolution']} px",
        "Maps measured": "at the pictures' own resolution"
        if size is None
        else f"with the shorter side at {size} px",
        "Threshold": _threshold(fit),
        "Seeds": ", ".join(map(str, seeds)),
        "Times": f"those of seed {seeds[0]}",
        "Data": f"{config['name']}, layout {layout}",
        "Synthetic": "yes" if synthetic else "no sign of it",
        "Tuned on test data": "nothing; metrics marked oracle choose a threshold with the truth and are no promise",
    }
    if config.get("defects"):
        line.insert(3, f"{fit['defects']} labelled defects learned from, {config['defects']} of each type")
        details["Labelled defects"] = f"{fit['defects']} pictures, none of them tested"
    if fit.get("trained_on"):
        line.insert(2, f"trained on {fit['trained_on']}")
        details["Trained on"] = fit["trained_on"]
    if fit.get("words"):
        line.insert(2, f"words: {fit['words']}")
        details["Words"] = fit["words"]
    if layout in LICENCES:
        details["Licence of the data"] = LICENCES[layout]
    return {
        "line": " · ".join(line),
        "intervals": _intervals(config["resamples"], len(seeds)),
        "seeds": seeds,
        "synthetic": synthetic,
        "transductive": fit["transductive"],
        "fingerprint": fit["fingerprint"],
        "details": {name: str(value) for name, value in details.items()},
    }


def of_inspection(
    config: Mapping[str, Any], fit: Mapping[str, Any], judged: Sequence[Prediction]
) -> dict[str, Any]:
    """The protocol of pictures judged without truth."""
    count = f"{len(judged)} picture{'' if len(judged) == 1 else 's'}"
    details = {
        "Detector": _with_parameters(fit["detector"], fit["parameters"]),
        "Encoder": _encoder(fit),
        "Model": config["model"],
        "Threshold": _threshold(fit),
        "Pictures": str(len(judged)),
    }
    return {
        "line": " · ".join([fit["detector"], f"encoder {_encoder(fit)}", f"model {config['model']}", count]),
        "intervals": "",
        "seeds": [0],
        "synthetic": False,
        "transductive": fit["transductive"],
        "fingerprint": fit["fingerprint"],
        "details": details,
    }


def of_products(config: Mapping[str, Any], products: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The protocol of several products: what they have in common."""
    first = next(iter(products.values()))["protocol"]
    count = len(products)
    line = [
        config["detector"],
        f"encoder {first['details']['Encoder']}",
        "full shot" if config["shots"] is None else f"{config['shots']}-shot",
        first["details"]["Resolution"],
        f"{count} products of {config['name']}",
        "one detector per product",
        "nothing tuned on test data",
    ]
    synthetic = any(one["protocol"]["synthetic"] for one in products.values())
    return {
        "title": f"{config['detector']} on {count} products of {config['name']}",
        "line": " · ".join(line),
        "intervals": first["intervals"],
        "seeds": first["seeds"],
        "synthetic": synthetic,
    }


def _encoder(fit: Mapping[str, Any]) -> str:
    return f"{fit['encoder']} ({fit['fingerprint'][:8]})"


def _threshold(fit: Mapping[str, Any]) -> str:
    if not fit["calibration"]:
        return "none: too few good pictures to hold any out"
    return f"from held-out good pictures: {Calibration.from_json(fit['calibration']).statement()}"


def _with_parameters(name: str, parameters: Mapping[str, Any]) -> str:
    given = ", ".join(f"{key} {value}" for key, value in parameters.items())
    return f"{name} ({given})" if given else name


def _intervals(resamples: int, seeds: int) -> str:
    if not resamples:
        return "No intervals were asked for."
    text = (
        f"Intervals hold with 95 % over pictures: bootstrap with {resamples} resamples, "
        "good and defective pictures apart; Wilson for rates."
    )
    return text + (
        f" ± is the deviation over {seeds} seeds; interval ends are means over seeds." if seeds > 1 else ""
    )
