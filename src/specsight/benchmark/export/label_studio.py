"""As tasks of Label Studio: pictures with boxes, outlines and questions to correct, and the labelling page's XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import Benchmark
from specsight.benchmark.instances import pixels_of
from specsight.benchmark.records import BenchmarkSample, Instance
from specsight.storage.files import write_json, write_text

LOCAL = "/data/local-files/?d="
"""How Label Studio names a file of its document root, which is to be the data folder."""


@exporters.register("labelstudio")
def write_label_studio(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """One task a picture (`tasks.json`) and the page on which it is corrected (`config.xml`)."""
    tasks, types = list[Any](), dict[str, None]()
    for sample, items in benchmark.by_sample():
        types.update(dict.fromkeys(instance.type for instance in sample.instances))
        questions = [
            {"id": i.id, "question": i.question, "options": dict(i.options), "answer": i.answer}
            for i in items
        ]
        results = [
            result for k, instance in enumerate(sample.instances) for result in _results(sample, instance, k)
        ]
        tasks.append(
            {
                "data": {"image": LOCAL + quote(sample.image), "sample": sample.id, "items": questions},
                "predictions": [{"model_version": benchmark.manifest.version, "result": results}],
            }
        )
        exported.count += len(items)
    write_json(out / "tasks.json", tasks)
    labels = "\n".join(f"    <Label value={quoteattr(one)}/>" for one in types)
    write_text(
        out / "config.xml",
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <RectangleLabels name="box" toName="image">\n{labels}\n  </RectangleLabels>\n'
        f'  <PolygonLabels name="outline" toName="image">\n{labels}\n  </PolygonLabels>\n'
        '  <Choices name="verdict" toName="image"><Choice value="accept"/><Choice value="reject"/></Choices>\n'
        "</View>\n",
    )


def _results(sample: BenchmarkSample, instance: Instance, number: int) -> list[dict[str, Any]]:
    """Outlines where pixels are known, else the box; in percent of the picture, as Label Studio counts."""
    shared = {"to_name": "image", "original_width": sample.width, "original_height": sample.height}
    if instance.rle is None:
        x0, y0, x1, y1 = instance.box
        value: dict[str, Any] = {
            "x": 100 * x0 / sample.width,
            "y": 100 * y0 / sample.height,
            "width": 100 * (x1 - x0) / sample.width,
            "height": 100 * (y1 - y0) / sample.height,
            "rectanglelabels": [instance.type],
        }
        return [{"id": f"{number}", "from_name": "box", "type": "rectanglelabels", "value": value, **shared}]
    outlines = _outlines(pixels_of(instance, (sample.height, sample.width)))
    return [
        {
            "id": f"{number}-{k}",
            "from_name": "outline",
            "type": "polygonlabels",
            "value": {
                "points": [
                    [100 * x / sample.width, 100 * y / sample.height]
                    for x, y in zip(outline[::2], outline[1::2])
                ],
                "polygonlabels": [instance.type],
            },
            **shared,
        }
        for k, outline in enumerate(outlines)
    ]


def _outlines(mask: NDArray[np.bool_]) -> Sequence[Sequence[float]]:
    """Outlines [x0, y0, x1, y1, ...] of a mask's pieces, for a form that knows no run lengths; holes are filled."""
    import cv2

    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline.reshape(-1).astype(float).tolist() for outline in outlines if len(outline) >= 3]
