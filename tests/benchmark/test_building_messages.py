"""What `specsight benchmark build` says of a mistake: one line, before pictures are rendered or read."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support import dataset_layouts

from specsight.benchmark.build import BuildPlan, build_benchmark
from specsight.benchmark.doubts import doubts
from specsight.benchmark.tyre_recipe import write_tyres
from specsight.cli import cli
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.ontology import load_ontology
from specsight.records import Defect, Sample
from specsight.specification import parse_specification
from specsight.synthetic.tyres import OtherSettings

MISTAKES = {
    "hold out": (["--hold-out", "plant"], "--hold-out plant: write NAME=VALUE, such as light=low"),
    "shares": (["--shares", "0.5", "0.5", "0.5"], "give three that add up to 1"),
    "size": (["--size", "huge"], "unknown size 'huge': known: large, standard, tiny"),
    "ontology": (
        ["--ontology", "typo.yaml"],
        "typo.yaml, line 3: unknown key 'acton': did you mean 'action'?",
    ),
    "words": (["--spec", "typo.yaml"], "typo.yaml, line 1: "),
    "no words": (["--spec", "gone.yaml"], "cannot read 'gone.yaml'"),
    "captioner": (["--captioner", "rule"], "unknown captioner 'rule': did you mean 'rules'?"),
    "device": (["--device", "tpu"], "unknown device 'tpu'"),
    "seed": (["--seed", "-3"], "-3 is not in the range"),
    "there already": (["-o", "."], "is there already: choose another folder, or move it away"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_before_tyres_are_rendered(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rendered(*_: object, **__: object) -> None:
        raise AssertionError("rendered in spite of a mistake")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("specsight.benchmark.tyre_recipe.generate", rendered)
    (tmp_path / "typo.yaml").write_text("types:\n- name: scratch\n  acton: polish\n")
    arguments, words = MISTAKES[name]
    result = CliRunner().invoke(cli, ["benchmark", "build", "tyres", "-o", "new", *arguments])
    assert words in result.output if name == "seed" else words in str(result.exception), result.output
    assert [path.name for path in tmp_path.iterdir()] == ["typo.yaml"]


def test_size_without_the_recipe_and_pictures_without_labels(tmp_path: Path) -> None:
    dataset_layouts.picture(tmp_path / "pictures" / "one.png")
    command = ["benchmark", "build", str(tmp_path / "pictures"), "-o", str(tmp_path / "bench")]
    assert "--size is of the tyre recipe" in str(
        CliRunner().invoke(cli, [*command, "--size", "tiny"]).exception
    )
    with pytest.raises(SpecsightError, match="none of its pictures is known to be good or defective"):
        build_benchmark(load_dataset(tmp_path / "pictures"), tmp_path / "bench", BuildPlan(name="x"))
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_tyres_of_another_size_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: object, **__: object) -> None:
        raise OtherSettings("add --replace")

    monkeypatch.setattr("specsight.benchmark.tyre_recipe.generate", other)
    with pytest.raises(SpecsightError, match="tyres of another size than tiny: choose another --out"):
        write_tyres(tmp_path, "tiny")


def test_a_list_gives_its_folder_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "caps").mkdir()
    dataset_layouts.picture(tmp_path / "caps" / "one.png")
    (tmp_path / "caps" / "manifest.jsonl").write_text('{"id": "a", "image": "one.png", "product": "cap"}\n')
    plans: list[BuildPlan] = []

    def noted(_listing: object, _out: object, plan: BuildPlan) -> None:
        plans.append(plan)
        raise SpecsightError("enough")

    monkeypatch.setattr("specsight.benchmark.build.build_benchmark", noted)
    for data in ("caps", "caps/manifest.jsonl"):
        CliRunner().invoke(cli, ["benchmark", "build", str(tmp_path / data), "-o", str(tmp_path / "bench")])
    assert [plan.name for plan in plans] == ["caps", "caps"]


def _samples(*types: str) -> list[Sample]:
    return [
        Sample(f"{k}", Path(f"{k}.png"), "cap", "test", "defective", defects=(Defect(type=one),))
        for k, one in enumerate(types)
    ]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        (("scratch", "hairline crack"), None),
        (("scratch", "defective"), None),
        (("scratch", "gremlin", "dent"), "names 1 of the 3 types of the data, not: dent, gremlin"),
        (
            ("hole", "dent"),
            "the specification (product: nut) names no type of the data (dent, hole): is it that of cap?",
        ),
    ],
)
def test_words_of_another_product_are_doubted(types: tuple[str, ...], words: str | None) -> None:
    given = parse_specification("product: nut\ndefects:\n- {name: scratch}\n- {name: crack}\n")
    ontology = load_ontology().with_specification(given, "cap")
    said = list(doubts(_samples(*types), ontology, given))
    assert said == [] if words is None else (len(said) == 1 and words in said[0])
    assert list(doubts(_samples(*types), ontology, None)) == []
