"""As COCO (Lin et al., ECCV 2014): `annotations.json`, a category per type, run lengths, a caption per picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Instance
from specsight.storage.files import write_json


@exporters.register("coco")
def write_coco(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """All samples with their instances. Left out: items, which COCO has no place for."""
    images, annotations, captions = list[Any](), list[Any](), list[Any]()
    categories: dict[str, dict[str, Any]] = {}
    licences = {name: k for k, name in enumerate(benchmark.manifest.licences, 1)}
    for number, sample in enumerate(benchmark.samples(), 1):
        images.append(
            {
                "id": number,
                "file_name": sample.image,
                "width": sample.width,
                "height": sample.height,
                "license": licences.get(sample.licence, 0),
                "split": sample.split,
                "product": sample.product,
            }
        )
        for instance in sample.instances:
            category = categories.setdefault(
                instance.type,
                {
                    "id": len(categories) + 1,
                    "name": instance.type,
                    "supercategory": instance.superclass or "defect",
                },
            )
            annotations.append(_annotation(len(annotations) + 1, number, category["id"], instance))
        if "description" in sample.text:
            captions.append(
                {"id": len(captions) + 1, "image_id": number, "caption": sample.text["description"]}
            )
        exported.count += 1
    exported.left_out["items (COCO has no place for questions)"] = benchmark.manifest.counts.get("items", 0)
    shared = {
        "info": {"description": benchmark.manifest.title, "version": benchmark.manifest.version},
        "licenses": [{"id": k, "name": name, "url": ""} for name, k in licences.items()],
        "images": images,
    }
    write_json(
        out / "annotations.json",
        {**shared, "categories": list(categories.values()), "annotations": annotations},
    )
    write_json(out / "captions.json", {**shared, "annotations": captions})


def _annotation(number: int, image: int, category: int, instance: Instance) -> dict[str, Any]:
    x0, y0, x1, y1 = instance.box
    segmentation: Any = (
        dict(instance.rle)
        if instance.rle is not None
        else [[float(v) for v in (x0, y0, x1, y0, x1, y1, x0, y1)]]
    )
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": instance.area_px,
        "iscrowd": 0,
        "segmentation": segmentation,
        **({"part": instance.part} if instance.part else {}),
        **({"severity": instance.severity} if instance.severity else {}),
    }
