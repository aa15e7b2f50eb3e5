"""Run folder → `report.html`: one file that needs no other, no network and no script to be read.

In: what the evaluation left on disk. It shows numbers and computes none. Every text from outside (file names, types,
words) goes through the template's escaping, and the page forbids itself to load or run anything it did not bring.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.report import charts, gallery, pictures, tables
from specsight.runs import folder
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction, by_seed
from specsight.storage import confined, write_bytes

TABLE_ROWS = 2000
"""Rows of the table of all pictures; the rest is in predictions.jsonl."""


def render(run: Path) -> Path:
    """Write `report.html` (and the overlays it shows) into the run folder; returns the page's path.

    A run over several products gets a page for each and one that leads to them.
    """
    run_folder = RunFolder(run)
    metrics = run_folder.metrics()
    if "products" in metrics:
        for product in metrics["products"].values():
            render(confined(run, product["folder"]))
        return write_page(run_folder, "products.html.j2", tables.products(metrics, run_folder.protocol()))
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
    renderer = gallery.Renderer(run, predictions, calibration, located)
    chosen = gallery.choose(predictions)
    total = sum(len(members) for _, _, _, members in chosen)
    cards = iter(
        track((renderer.card(p) for _, _, _, ps in chosen for p in ps), "Drawing the gallery", total)
    )
    sections = [
        gallery.Section(title, meaning, count, [next(cards) for _ in members])
        for title, meaning, count, members in chosen
    ]
    inspection = config.get("kind") == "inspection"
    if inspection:
        for prediction in track(predictions, "Drawing overlays"):
            renderer.draw(prediction)
    return {
        "title": tables.title(config),
        "inspection": inspection,
        "config": config,
        "protocol": run.protocol(),
        "seed": seed,
        "tiles": tables.tiles(metrics, predictions, run.skipped()),
        "headline": tables.headline(metrics),
        "notes": metrics.get("notes", []),
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
        "legend": pictures.data_uri(pictures.legend(), ".png"),
        "scale": renderer.scale,
        "has_truth_outline": any(p.defects for p in predictions),
        "rows": tables.rows(predictions, located)[:TABLE_ROWS],
        "row_count": len(predictions),
        "types": sorted({type_ for p in predictions for type_ in p.types}),
        "timing": tables.timing(metrics),
        "peak_mb": metrics.get("peak_mb"),
        "environment": run.environment(),
        "skipped": run.skipped(),
        "ignored": metrics.get("account", {}).get("ignored", []),
    }


def write_page(run: RunFolder, template: str, context: Mapping[str, Any]) -> Path:
    """Fill a template and write it as `report.html` into the folder; returns the page's path."""
    environment = Environment(
        loader=PackageLoader("specsight.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    files = resources.files("specsight.report") / "templates"
    style, script = ((files / name).read_text("utf-8") for name in ("style.css", "table.js"))
    page = environment.get_template(template).render(
        context, style=style, script=script, policy=_policy(style, script)
    )
    path = run.path / folder.PAGE
    # File names that are not valid Unicode would otherwise stop the page from being written.
    write_bytes(path, page.encode("utf-8", "replace"))
    return path


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
