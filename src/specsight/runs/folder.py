"""The run folder: what an evaluation or an inspection leaves on disk, written so that a killed run can go on.

A finished picture is its map file and then one whole line in `predictions.jsonl`; a line torn by a crash is dropped
on the next start. Everything else (`metrics.json`, the page) is derived from these and may be written again.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.runs.predictions import Prediction, SkippedPicture
from specsight.storage import confined, write_bytes, write_json, write_text

CONFIG = "config.yaml"
PREDICTIONS = "predictions.jsonl"
SKIPPED = "skipped.jsonl"
FITS = "fits.json"
METRICS = "metrics.json"
CURVES = "curves.json"
ENVIRONMENT = "environment.json"
PER_TYPE = "per_type.csv"
PAGE = "report.html"
TYPE_SIDE = 128
"""Shorter side of kept type maps in pixels: their grids are coarser still, and there is one for every type."""


class RunFolder:
    """Reading and writing one run folder. Only the holder of `storage.only_writer` may write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, config: Mapping[str, Any]) -> None:
        """Make the folder this run's own, or check that it already is.

        Refused: a folder with other content in it, and a run made with another configuration.
        """
        file = self.path / CONFIG
        if not file.exists():
            strangers = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if strangers:
                raise SpecsightError(
                    f"'{self.path}' is not empty and not a run folder (it holds '{strangers[0]}'): "
                    "choose another --out"
                )
            write_text(file, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
            return
        before = self.config()
        for key in [*config, *(k for k in before if k not in config)]:
            if before.get(key) != config.get(key):
                raise SpecsightError(
                    f"'{self.path}' holds a run with {key} = {before.get(key)!r}, not {config.get(key)!r}: "
                    "choose another --out"
                )

    def config(self) -> dict[str, Any]:
        """What the run was asked for. Raises where `path` is no run folder."""
        try:
            content = yaml.safe_load((self.path / CONFIG).read_text("utf-8"))
        except FileNotFoundError as error:
            raise SpecsightError(f"'{self.path}' is not a run folder: it has no {CONFIG}") from error
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SpecsightError(
                f"'{self.path / CONFIG}' is damaged: run again into another --out"
            ) from error
        if not isinstance(content, dict):
            raise SpecsightError(f"'{self.path / CONFIG}' is damaged: run again into another --out")
        return content

    @property
    def data(self) -> Path:
        """The folder that picture and mask paths are relative to."""
        return Path(str(self.config().get("data", ".")))

    def repair(self) -> None:
        """Drop a last line that a crash left unfinished."""
        for name in (PREDICTIONS, SKIPPED):
            file = self.path / name
            if file.exists():
                content = file.read_bytes()
                whole = content.rfind(b"\n") + 1
                if whole < len(content):
                    with file.open("r+b") as handle:
                        handle.truncate(whole)

    def predictions(self, seed: int | None = None) -> list[Prediction]:
        """All finished pictures, or those of one seed; of a picture judged anew the last answer counts."""
        last = {(line["seed"], line["id"]): line for line in self._lines(PREDICTIONS)}
        return [Prediction.from_json(line) for (of, _), line in last.items() if seed is None or of == seed]

    def skipped(self) -> list[SkippedPicture]:
        """Pictures that could not be used; not those that could be when they were tried again."""
        judged = {(line["seed"], line["id"]) for line in self._lines(PREDICTIONS)}
        last = {(line["stage"], line["seed"], line["id"]): line for line in self._lines(SKIPPED)}
        return [
            SkippedPicture(**line)
            for (stage, seed, id_), line in last.items()
            if stage == "fit" or (seed, id_) not in judged
        ]

    def add(
        self,
        prediction: Prediction,
        map_: NDArray[np.float32],
        type_maps: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """Write a finished picture: its maps first, then its line, each forced to the disk."""
        write_bytes(confined(self.path, prediction.map), _tiff(map_))
        if type_maps:
            write_bytes(self._type_file(prediction), _small(type_maps))
        self._append(PREDICTIONS, prediction.to_json())

    def skip(self, picture: SkippedPicture) -> None:
        self._append(SKIPPED, asdict(picture))

    def map(self, prediction: Prediction) -> NDArray[np.float32]:
        """(H, W) float32, higher = more anomalous."""
        file = confined(self.path, prediction.map)
        try:
            map_ = np.asarray(tifffile.imread(file), dtype=np.float32)
        except Exception as error:  # tifffile raises whatever its parser trips over
            raise SpecsightError(f"cannot read the map '{file}': run again into another --out") from error
        if map_.shape != prediction.size:
            raise SpecsightError(
                f"the map '{file}' is {map_.shape}, not {prediction.size}: run again into another --out"
            )
        return map_

    def has_type_maps(self, prediction: Prediction) -> bool:
        return self._type_file(prediction).is_file()

    def type_maps(self, prediction: Prediction) -> dict[str, NDArray[np.float32]]:
        """Type → (h, w) map, its shorter side at most `TYPE_SIDE` pixels, values to half precision."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        file = self._type_file(prediction)
        try:
            return {name: m.astype(np.float32) for name, m in load(file.read_bytes()).items()}
        except (OSError, SafetensorError) as error:
            raise SpecsightError(
                f"cannot read the maps by type '{file}': run again into another --out"
            ) from error

    def _type_file(self, prediction: Prediction) -> Path:
        return confined(self.path, prediction.map).with_suffix(".types.safetensors")

    def json(self, name: str) -> dict[str, Any]:
        """One of the JSON files, or {} where it has not been written yet."""
        file = self.path / name
        if not file.exists():
            return {}
        try:
            return dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise SpecsightError(f"'{file}' is damaged: delete it and run again") from error

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        write_json(self.path / name, value)

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        # ASCII escapes: file names that are not valid Unicode survive the way to disk and back.
        data = (json.dumps(line, allow_nan=False) + "\n").encode("ascii")
        try:
            with (self.path / name).open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SpecsightError(
                f"cannot write '{self.path / name}': {error.strerror or error}; "
                "finished pictures are kept, run the same command again to go on"
            ) from error

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Whole lines only: what stands behind the last line end was torn by a crash."""
        file = self.path / name
        if not file.exists():
            return
        with file.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise SpecsightError(
                        f"'{file}', line {number}: damaged; run again into another --out"
                    ) from error


def _tiff(map_: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    # Level 1: a bilinear map shrinks little more at higher levels, and takes far longer.
    tifffile.imwrite(buffer, map_.astype(np.float32), compression="zlib", compressionargs={"level": 1})
    return buffer.getvalue()


def _small(type_maps: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Type maps by area means at `TYPE_SIDE`, in half precision."""
    from safetensors.numpy import save

    kept = {}
    for name, map_ in type_maps.items():
        height, width = map_.shape
        scale = min(1.0, TYPE_SIDE / min(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        kept[name] = cv2.resize(map_, size, interpolation=cv2.INTER_AREA).astype(np.float16)
    return bytes(save(kept))
