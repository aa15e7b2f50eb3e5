"""A layout of our own: `capture.csv` with one line per picture, "image,depth,label"."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import cast

from specsight.datasets import DatasetListing, Products, Reader, pick_samples
from specsight.records import Label, Sample

LIST = "capture.csv"


class CaptureList(Reader):
    """Reads `capture.csv`; labels are "good", "defective" or "unknown"."""

    name = "capture_list"
    title = "Captures with depth (capture.csv)"

    def detects(self, path: Path) -> bool:
        return (path / LIST).is_file()

    def read(self, path: Path, product: Products = None) -> DatasetListing:
        with (path / LIST).open(encoding="utf-8", newline="") as file:
            samples = [
                Sample(
                    Path(line["image"]).stem,
                    path / line["image"],
                    path.name,
                    split="test" if line["label"] == "defective" else "train",
                    label=cast("Label", line["label"]),
                    depth=path / line["depth"],
                )
                for line in csv.DictReader(file)
            ]
        return DatasetListing(self.name, path, pick_samples(samples, product), [])
