"""Run folder → `report.html`: one file that needs no other, no network and no script to be read.

In: what the evaluation left on disk. It shows numbers and computes none. Every text from outside (file names, types,
words) goes through the template's escaping, and the page forbids itself to load or run anything it did not bring.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from specsight import explain
from specsight.errors import SpecsightError, unturned
from specsight.progress import track
from specsight.report import charts, gallery, pictures, tables
from specsight.report.freshness import drawn_from, is_current
from specsight.report.instructed import kinds_of_pairs
from specsight.report.renderer import Renderer, Shown, overlay
from specsight.runs import folder
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction, by_seed
from specsight.storage import confined, write_bytes

TABLE_ROWS = 2000
"""Rows of the table of all pictures; the rest is in predictions.jsonl."""
THUMBNAILS = 4_000_000
LARGE = 8_000_000
"""Characters of thumbnails, and of large pictures, inside the page, so that it can be mailed; others lie beside it."""


def render(run: Path, *, anew: bool = True) -> Path:
    """Write `report.html`, and the sheets of the pictures that it shows, into the run folder; returns the page's path.

    A run over several products gets a page for each and one that leads to them. With `anew` False pages that were drawn
    from what the folder holds now stay as they are.
    """
    run_folder = RunFolder(run)
    metrics = run_folder.metrics()
    if "products" in metrics:
        for product in metrics["products"].values():
            render(confined(run, product["folder"]), anew=anew)
        return write_page(run_folder, "products.html.j2", tables.products(metrics, run_folder.protocol()))
    if not anew and is_current(run):
        return run / folder.PAGE
    predictions = by_seed(run_folder.predictions())
    if not predictions and not run_folder.skipped():
        raise SpecsightError(f"'{run}' holds no finished picture yet: run the evaluation first")
    seed = min(predictions, default=0)
    return write_page(
        run_folder, "run.html.j2", _context(run_folder, metrics, predictions.get(seed, []), seed)
    )


def _context(
    run: RunFolder, metrics: Mapping[str, Any], predictions: Sequence[Prediction], seed: int
) -> dict[str, Any]:
    """Everything the page says, for the pictures of one seed."""
    config = run.config()
    fits = run.fits()
    calibration = fits[seed].calibration if seed in fits else None
    located = metrics.get("located_pictures", {}).get(str(seed), {})
    renderer = Renderer(run, predictions, calibration)
    chosen = gallery.choose(predictions)
    rows = tables.ranked(predictions)[:TABLE_ROWS]
    shown = _draw(renderer, [p for _, _, _, ps in chosen for p in ps], rows)
    sections = [
        gallery.Section(
            title,
            meaning,
            count,
            [gallery.Card(p, gallery.badge(p, located), gallery.truth(p), shown[p.id]) for p in members],
        )
        for title, meaning, count, members in chosen
    ]
    large = [tables.row(p, located, shown[p.id]) for p in predictions if p.id in shown and shown[p.id].large]
    return {
        "title": tables.title(config),
        "inspection": config.get("kind") == "inspection",
        "config": config,
        "protocol": run.protocol(),
        "seed": seed,
        "tiles": tables.tiles(metrics, predictions, run.skipped()),
        "headline": tables.headline(metrics),
        "notes": metrics.get("notes", []),
        "noticed": tables.noticed(predictions),
        "written": explain.operator_notes(sum(bool(p.inspection.operator_note) for p in predictions)),
        "rewrites": explain.rewrites_told(metrics.get("rewrites")),
        "calibration": calibration,
        "statement": calibration.statement() if calibration else "",
        "histogram": charts.histogram(
            tables.score_groups(predictions), calibration.score_threshold if calibration else None
        ),
        "changed_by_clauses": sum(p.inspection.decision.deciding is not None for p in predictions),
        "plots": tables.plots(run.curves(), metrics),
        "per_type": tables.per_type(metrics),
        "confusion": metrics.get("confusion"),
        "sections": sections,
        "kinds_of_pairs": kinds_of_pairs(run, renderer, predictions, seed),
        "legend": pictures.data_uri(pictures.legend(), ".png"),
        "scale": renderer.scale,
        "has_truth_outline": any(p.defects for p in predictions),
        "rows": [tables.row(p, located, shown[p.id]) for p in rows],
        "large": large,
        "operator_note": explain.operator_note,
        "number": {row["id"]: number for number, row in enumerate(large)},
        "limits": f"{LARGE / 1e6:.0f} MB",
        "row_count": len(predictions),
        "types": sorted({type_ for p in predictions for type_ in p.types}),
        "named": sorted({f.type for p in predictions for f in p.inspection.findings if f.type}),
        "timing": tables.timing(metrics),
        "peak_mb": metrics.get("peak_mb"),
        "environment": run.environment(),
        "skipped": run.skipped(),
        "ignored": metrics.get("account", {}).get("ignored", []),
    }


def _draw(renderer: Renderer, gallery_: Sequence[Prediction], rows: Sequence[Prediction]) -> dict[str, Shown]:
    """What the page holds of each picture by its id: those of the gallery first, then the rows of the table.

    Thumbnails and large pictures are inside the page until their shares of it are used up.
    """
    in_gallery = {p.id for p in gallery_}
    shown: dict[str, Shown] = {}
    thumbnails = large = 0
    every = {p.id: p for p in (*gallery_, *rows)}
    for prediction in track(every.values(), "Drawing pictures", len(every)):
        one = renderer.show(prediction, with_panels=prediction.id in in_gallery, with_large=large < LARGE)
        thumbnails += len(one.thumbnail)
        large += one.large.size if one.large else 0
        fits = replace(one, thumbnail=one.thumbnail if thumbnails <= THUMBNAILS else "")
        shown[prediction.id] = replace(fits, large=fits.large if large <= LARGE else None)
    renderer.keep_scale()
    return shown


def write_page(run: RunFolder, template: str, context: Mapping[str, Any]) -> Path:
    """Fill a template and write it as `report.html` into the folder; returns the page's path."""
    return write_page_at(run.path / folder.PAGE, template, context, drawn_from(run.path))


def write_page_at(path: Path, template: str, context: Mapping[str, Any], digest: str = "") -> Path:
    """Fill a template with `context`, style and script, and write it to `path`, which is returned.

    `digest` says what the page was drawn from; empty where nobody asks.
    """
    files = resources.files("specsight.report") / "templates"
    style = (files / "style.css").read_text("utf-8")
    script = "\n".join((files / name).read_text("utf-8") for name in ("table.js", "large.js"))
    own = {"style": style, "script": script, "policy": _policy(style, script), "drawn_from": digest}
    # File names that are not valid Unicode would otherwise stop the page from being written.
    write_bytes(path, fill(template, {**context, **own}).encode("utf-8", "replace"))
    return path


def fill(template: str, context: Mapping[str, Any]) -> str:
    """The text of a template of this room; what `context` holds is escaped."""
    environment = Environment(
        loader=PackageLoader("specsight.report"),
        autoescape=True,
        finalize=unturned,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["overlay"] = overlay
    return environment.get_template(template).render(context)


def _breakable(path: str) -> Markup:
    """`path`, escaped, with places to break the line after each slash rather than inside a name."""
    return Markup("/<wbr>").join(path.split("/"))


def _policy(style: str, script: str) -> str:
    """Content security policy: pictures in the page itself, this very style and this very script, nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
