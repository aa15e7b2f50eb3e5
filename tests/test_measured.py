"""The tables of the documents come from run folders, number by number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from measured.instructions import arguments_of, folder_of, instruction_tables
from measured.rows import MeasuredSet, Measurement, measured_sets, measurements
from measured.tables import detectors_table, types_table
from tests.support.instructed_plates import make_plates
from tests.support.synthetic_run import make_dataset

from specsight.cli import cli
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


@pytest.mark.long
def test_the_suite_of_instructions_is_run_and_its_tables_are_printed(tmp_path: Path) -> None:
    data = make_plates(tmp_path, test=2)
    of = MeasuredSet("plates", "drawn plates", data, data / "specification.yaml", 64)
    assert instruction_tables(of, tmp_path) == "", "nothing has been measured"
    arguments = [*arguments_of(of, ["patchcore"], "filters", tmp_path), "--resamples", "0"]
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert folder_of(of, tmp_path).joinpath("suite.json").is_file()
    lines = instruction_tables(of, tmp_path).splitlines()
    assert lines[0] == "# Instructions, drawn plates"
    assert "## Pairs decided right both ways, from the raw text" in lines
    (ignored, *_) = [
        line for line in lines if line.startswith("| patchcore, words ignored | ") and "%" in line
    ][1:]
    assert ignored.count(" 0.0 % ") == 3, "scope, tolerance and all pairs: exactly none"
    assert " 50.0 % " in ignored
