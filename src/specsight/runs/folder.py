"""The run folder: what an evaluation or an inspection leaves on disk, written so that a killed run can go on.

A finished picture is its map file and then one whole line in `predictions.jsonl`; a line torn by a crash is dropped
on the next start. Everything else (`metrics.json`, the page) is derived from these and may be written again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.runs import maps
from specsight.runs.fit import Fit
from specsight.runs.instructed import FOLDER as INSTRUCTED
from specsight.runs.instructed import INSTRUCTIONS, Instructed
from specsight.runs.numbers_json import check_curves, check_numbers
from specsight.runs.predictions import Prediction, SkippedPicture, file_name
from specsight.runs.protocol import Protocol
from specsight.storage import (
    check_regular,
    confined,
    parse_json,
    parse_yaml,
    read_text,
    write_bytes,
    write_json,
    write_text,
)

T = TypeVar("T")

CONFIG = "config.yaml"
UNLIKE = {
    "model_checksum": "of another model",
    "instruction": "under other words (--say)",
    "specification": "under another specification (--spec)",
    "maps": "that keeps maps where this one does not, or the reverse (--no-maps)",
}
"""Settings whose values would tell a person nothing, and what a run with another one is called."""
CONTENTS = "contents"
"""Key of the configuration: which other keys name files with words → the digest of what those hold."""
PREDICTIONS = "predictions.jsonl"
SKIPPED = "skipped.jsonl"
FITS = "fits.json"
METRICS = "metrics.json"
CURVES = "curves.json"
ENVIRONMENT = "environment.json"
PER_TYPE = "per_type.csv"
PAGE = "report.html"


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
            others = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if others:
                raise SpecsightError(
                    f"'{self.path}' is not empty and not a run folder (it holds '{others[0]}'): "
                    "choose another --out"
                )
            write_text(file, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
            return
        before = self.config()
        self._check_contents(before, config)
        for key in [*config, *(k for k in before if k not in config)]:
            if key != CONTENTS and before.get(key) != config.get(key):
                unlike = f"with {key} = {before.get(key)!r}, not {config.get(key)!r}"
                unlike = UNLIKE.get(key, unlike)
                raise SpecsightError(f"'{self.path}' holds a run {unlike}: choose another --out")

    def _check_contents(self, before: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Refuse to go on under other words; runs of version 0.1 did not note what their files held."""
        for key, digest in dict(before.get(CONTENTS) or {}).items():
            if dict(config.get(CONTENTS) or {}).get(key, digest) != digest:
                raise SpecsightError(
                    f"'{config.get(key)}' has changed since the run in '{self.path}' began: choose another --out"
                )

    def config(self) -> dict[str, Any]:
        """The configuration of the run. Raises `SpecsightError` where `path` is no run folder or is damaged."""
        try:
            content = parse_yaml(read_text(self.path / CONFIG))
        except FileNotFoundError as error:
            raise SpecsightError(f"'{self.path}' is not a run folder: it has no {CONFIG}") from error
        except (OSError, ValueError) as error:
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
        for name in (PREDICTIONS, SKIPPED, INSTRUCTIONS):
            file = self.path / name
            if file.exists():
                content = file.read_bytes()
                end = content.rfind(b"\n") + 1
                if end < len(content):
                    with file.open("r+b") as handle:
                        handle.truncate(end)

    def predictions(self, seed: int | None = None) -> list[Prediction]:
        """All finished pictures, or those of one seed; of a picture judged anew the last answer counts."""
        last = {(p.seed, p.id): p for p in self._lines(PREDICTIONS, Prediction.from_json)}
        return [prediction for (of, _), prediction in last.items() if seed is None or of == seed]

    def skipped(self) -> list[SkippedPicture]:
        """Pictures that could not be used; not those that could be when they were tried again."""
        judged = {(p.seed, p.id) for p in self._lines(PREDICTIONS, Prediction.from_json)}
        last = {(s.stage, s.seed, s.id): s for s in self._lines(SKIPPED, SkippedPicture.from_json)}
        return [
            picture
            for (stage, seed, id_), picture in last.items()
            if stage == "fit" or (seed, id_) not in judged
        ]

    def add(
        self,
        prediction: Prediction,
        map_: NDArray[np.float32],
        type_maps: Mapping[str, NDArray[np.float32]] | None = None,
        side: int | None = None,
    ) -> None:
        """Write a finished picture: its maps first, then its line, each forced to the disk.

        `map_` and each of `type_maps` are (H, W) float32 of the picture's own size; with `side` the map is written with
        a shorter side of at most that many pixels. A prediction that names no map is its line alone.
        """
        self.add_encoded(prediction, encoded_maps(prediction, map_, type_maps, side))

    def add_encoded(self, prediction: Prediction, files: Mapping[str, bytes]) -> None:
        """`add` of what `encoded_maps` made of the picture, in this process or another one."""
        for name, content in files.items():
            write_bytes(confined(self.path, name), content)
        self._append(PREDICTIONS, prediction.to_json())

    def skip(self, picture: SkippedPicture) -> None:
        """Note a picture that could not be used."""
        self._append(SKIPPED, asdict(picture))

    def add_instructed(self, answers: Sequence[Instructed]) -> None:
        """Write what was decided of a picture under its instructions, before the picture's own line."""
        if answers:
            self._append(INSTRUCTIONS, *(answer.to_json() for answer in answers))

    def instructed(self, seed: int | None = None) -> list[Instructed]:
        """All answers under instructions, or those of one seed; of a picture judged anew the last ones count."""
        last = {
            (one.seed, one.id, one.number): one for one in self._lines(INSTRUCTIONS, Instructed.from_json)
        }
        return [one for (of, _, _), one in last.items() if seed is None or of == seed]

    def write_drawn(
        self, one: Instructed, pixels: NDArray[np.uint8] | None, map_: NDArray[np.float32] | None
    ) -> None:
        """Write what was inspected and found under an instruction, and its map where that is one of its own.

        `pixels` (H, W) hold the values that `runs.instructed` names, `map_` (H, W) is written at a shorter side of at
        most `maps.INSTRUCTED_SIDE` pixels, as they are.
        """
        if pixels is not None:
            write_bytes(self._drawn_file(one, ".png"), maps.encode_labels(pixels))
        if map_ is not None:
            write_bytes(self._drawn_file(one, ".tiff"), maps.encode_map(map_, maps.INSTRUCTED_SIDE))

    def drawn(self, one: Instructed, size: tuple[int, int]) -> NDArray[np.uint8]:
        """What was inspected and found under an instruction, (H, W) of the picture's `size`."""
        return maps.read_labels(self._drawn_file(one, ".png"), size)

    def own_map(self, one: Instructed, size: tuple[int, int]) -> NDArray[np.float32]:
        """The map under an instruction that has one of its own, (H, W) of the picture's `size`."""
        return maps.read_map(self._drawn_file(one, ".tiff"), size)

    def map(self, prediction: Prediction) -> NDArray[np.float32]:
        """(H, W) float32, higher = more anomalous. Raises `SpecsightError` where it is damaged or was not kept."""
        if not prediction.map:
            raise SpecsightError(f"'{self.path}' keeps no maps (--no-maps): inspect the pictures again")
        return maps.read_map(confined(self.path, prediction.map), prediction.size)

    def has_type_maps(self, prediction: Prediction) -> bool:
        """Whether the detector gave a map per type, and it was kept."""
        return bool(prediction.map) and self._type_file(prediction).is_file()

    def type_maps(self, prediction: Prediction) -> dict[str, NDArray[np.float32]]:
        """Type → (h, w) map, its shorter side at most `maps.TYPE_SIDE` pixels, values to half precision."""
        return maps.read_type_maps(self._type_file(prediction))

    def fits(self) -> dict[int, Fit]:
        """The fits by seed, as far as there are any."""
        try:
            return {int(seed): Fit.from_json(fit) for seed, fit in self._json(FITS).items()}
        except (KeyError, TypeError, ValueError) as error:
            raise SpecsightError(f"'{self.path / FITS}' is damaged: run again into another --out") from error

    def add_fit(self, seed: int, fit: Fit) -> None:
        """Write what is known of a fit beside those of other seeds."""
        write_json(self.path / FITS, {**self._json(FITS), str(seed): fit.to_json()})

    def metrics(self) -> dict[str, Any]:
        """The numbers, the protocol, what was counted and spent; {} where nothing has been measured yet.

        Raises `SpecsightError` that names the first value that is not of its type.
        """
        try:
            return dict(check_numbers(self._json(METRICS)))
        except ValueError as error:
            raise SpecsightError(
                f"'{self.path / METRICS}' is damaged ({error}): delete it and run again"
            ) from error

    def protocol(self) -> Protocol:
        """Under what rules the numbers came about; an empty one where nothing has been measured yet."""
        return Protocol.from_json(self.metrics().get("protocol", {}))

    def write_metrics(self, numbers: Mapping[str, Any]) -> None:
        """Write `metrics.json`."""
        write_json(self.path / METRICS, numbers)

    def write_per_type(self, table: str) -> None:
        """Write the table by type, given as CSV."""
        write_text(self.path / PER_TYPE, table)

    def curves(self) -> dict[int, dict[str, Any]]:
        """Points of the curves by seed: "roc" and "pro", each x and y by name, or None where undefined."""
        try:
            content = check_curves(self._json(CURVES))
            return {int(seed): curves for seed, curves in content.get("seeds", {}).items()}
        except ValueError as error:
            raise SpecsightError(
                f"'{self.path / CURVES}' is damaged ({error}): delete it and run again"
            ) from error

    def write_curves(self, curves: Mapping[int, Mapping[str, Any]]) -> None:
        """Write `curves.json`, by seed."""
        write_json(self.path / CURVES, {"seeds": {str(seed): one for seed, one in curves.items()}})

    def environment(self) -> dict[str, Any]:
        """On what the run ran; {} where it is not finished."""
        return self._json(ENVIRONMENT)

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write `environment.json`."""
        write_json(self.path / ENVIRONMENT, facts)

    def _drawn_file(self, one: Instructed, suffix: str) -> Path:
        return confined(self.path, f"{INSTRUCTED}/{one.seed}/{file_name(one.id)}.{one.number}{suffix}")

    def _type_file(self, prediction: Prediction) -> Path:
        return confined(self.path, _type_name(prediction))

    def _json(self, name: str) -> dict[str, Any]:
        """One of the JSON files, or {} where it has not been written yet."""
        file = self.path / name
        if not file.exists():
            return {}
        try:
            content = parse_json(read_text(file))
            if not isinstance(content, dict):
                raise TypeError(f"a {type(content).__name__} in place of an object")
            return content
        except (OSError, ValueError, TypeError) as error:
            raise SpecsightError(f"'{file}' is damaged: delete it and run again") from error

    def _append(self, name: str, *lines: Mapping[str, Any]) -> None:
        # ASCII escapes: file names that are not valid Unicode survive the way to disk and back.
        data = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode("ascii")
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

    def _lines(self, name: str, read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
        """What `read` makes of each whole line: what stands behind the last line end was torn by a crash.

        Raises SpecsightError that names the file and the line where `read` raises ValueError.
        """
        file = self.path / name
        if not file.exists():
            return
        check_regular(file)
        with file.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    made = read(parse_json(line))
                except ValueError as error:
                    raise SpecsightError(
                        f"'{file}', line {number}: damaged ({error}); run again into another --out"
                    ) from error
                yield made


def encoded_maps(
    prediction: Prediction,
    map_: NDArray[np.float32],
    type_maps: Mapping[str, NDArray[np.float32]] | None = None,
    side: int | None = None,
) -> dict[str, bytes]:
    """Name inside the run folder → content of the files that a picture's maps are kept in; arguments as of
    `RunFolder.add`."""
    if not prediction.map:
        return {}
    files = {prediction.map: maps.encode_map(map_, side)}
    if type_maps:
        files[_type_name(prediction)] = maps.encode_type_maps(type_maps)
    return files


def _type_name(prediction: Prediction) -> str:
    return PurePosixPath(prediction.map).with_suffix(".types.safetensors").as_posix()
