"""Numbers about defects that one modality alone shows: their names and meaning. `evaluation` measures them."""

from __future__ import annotations

from specsight.metrics.metric import Group, Metric, metrics

TITLES = {"depth": "in depth alone", "rgb": "in colours alone"}


def alone_name(modality: str) -> str:
    """Name of the image AUROC of defects that show in this modality alone."""
    return f"image_auroc_{modality}_alone"


for _modality, _where in TITLES.items():
    metrics.register(alone_name(_modality))(
        Metric(
            f"Image AUROC, seen {_where}",
            f"image AUROC of the pictures all of whose defects show {_where}, against every good picture",
            Group.IMAGE_RANKING,
            column_title=f"seen {_where}",
        )
    )
