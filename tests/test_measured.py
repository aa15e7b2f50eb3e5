"""The tables of the documents come from run folders, number by number."""

from __future__ import annotations

import json
from pathlib import Path

from measured.rows import MeasuredSet, Measurement, measured_sets, measurements
from measured.tables import detectors_table, types_table
from tests.support.synthetic_run import make_dataset

from specsight.evaluation import evaluate


def test_every_measurement_has_a_folder_of_its_own_and_every_set_a_specification(tmp_path: Path) -> None:
    sets = measured_sets(tmp_path)
    rows = list(measurements(sets, {"bundled": "bundled", "filters": "filters"}))
    assert len({row.name for row in rows}) == len(rows)
    assert {row.of.name for row in rows if row.group == "words"} == set(sets)
    for of in sets.values():
        assert of.specification.is_file() or of.specification.parent == tmp_path


def test_tables_print_the_numbers_of_a_run(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data")
    of = MeasuredSet("parts", "drawn parts", data, tmp_path / "none.yaml")
    measured = Measurement("memory", of, "patchcore", "filters", 64, ())
    missing = Measurement("memory", of, "spade", "filters", 64, ())
    evaluate(data, "patchcore", encoder="filters", resolution=64, resamples=20, out=tmp_path / measured.name)
    auroc = json.loads((tmp_path / measured.name / "metrics.json").read_text())["image_auroc"]
    table = detectors_table([measured, missing], tmp_path).splitlines()
    assert len(table) == 3
    assert table[2].startswith("| drawn parts, 64 px | `patchcore` | `filters` | ")
    assert f"{auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f})" in table[2]
    types = types_table([measured, missing], tmp_path).splitlines()
    assert (
        types[0]
        == "| set | type | pictures | `patchcore`: image, pixel AUROC | `spade`: image, pixel AUROC |"
    )
    assert len(types) > 2
    assert all(line.startswith("| parts | ") for line in types[2:])
