"""What others get tells nothing of the test split's answers; what they send back is scored against all of it."""

from pathlib import Path

import pytest

pytest.importorskip("pycocotools")

from click.testing import CliRunner
from tests.support.small_benchmark import write_small_benchmark

from specsight.benchmark.answering.running import read_run
from specsight.benchmark.files import Benchmark, write_lines, write_manifest
from specsight.benchmark.hiding import commitment, hide_answers, open_run, read_key, without_answer
from specsight.benchmark.scoring.reading import read_run as read_answers
from specsight.benchmark.splits import Splits
from specsight.cli import cli
from specsight.errors import SpecsightError

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    """The small benchmark with names that say nothing; the good picture is training."""
    made = write_small_benchmark(tmp_path)
    names = {"boxed": "p1", "good": "p2", "scratch": "p3"}
    samples, items = list(made.samples()), list(made.items())
    for old, new in names.items():
        (tmp_path / "data" / f"{old}.png").rename(tmp_path / "data" / f"{new}.png")
    write_lines(
        made.folder / "samples.jsonl",
        (
            one.model_copy(
                update={
                    "id": names[one.id],
                    "group": names[one.id],
                    "image": f"{names[one.id]}.png",
                    "split": "train" if one.id == "good" else "test",
                    "conditions": {"visible": "rgb"},
                }
            )
            for one in samples
        ),
    )
    write_lines(
        made.folder / "items.jsonl",
        (
            one.model_copy(
                update={
                    "id": one.id.replace(one.sample, names[one.sample]),
                    "sample": names[one.sample],
                    "images": (f"{names[one.sample]}.png",),
                    "reference_images": (),
                    "split": "train" if one.sample == "good" else "test",
                }
            )
            for one in items
        ),
    )
    splits = Splits(seed=0, shares=None, counts={"test/defective": 2, "train/good": 1}, few_shot=())
    (made.folder / "splits.json").write_text(splits.model_dump_json())
    write_manifest(made.folder, made.manifest)
    return Benchmark(made.folder)


def test_nothing_of_the_test_split_is_told(benchmark: Benchmark, tmp_path: Path) -> None:
    hide_answers(benchmark, tmp_path / "public", KEY)
    public = Benchmark(tmp_path / "public")
    for item, full in zip(public.items(), benchmark.items(), strict=True):
        if full.split == "train":
            assert item == full
            continue
        assert item.answer == commitment(full, KEY)
        assert item.answer.startswith("hidden:")
        assert item.slots.model_dump(exclude_none=True) == {}
        assert (item.id, item.question, item.options, item.pair) == (
            full.id,
            full.question,
            full.options,
            full.pair,
        )
    train, *test = sorted(public.samples(), key=lambda one: one.split == "test")
    assert (train.label, train.conditions) == ("good", {"visible": "rgb"})
    for sample in test:
        assert (sample.label, sample.instances, sample.masks_known) == ("unknown", (), False)
        assert sample.text == sample.conditions == {}
    assert public.picture(train.image).is_file()
    assert public.manifest.build["hidden"] == 4
    assert "test/defective" not in (tmp_path / "public" / "splits.json").read_text()


def test_a_commitment_depends_on_answer_item_and_key(benchmark: Benchmark) -> None:
    first, second, *_ = (item for item in benchmark.items() if item.split == "test")
    made = commitment(first, KEY)
    assert made == commitment(first, KEY)
    assert made != commitment(first, KEY[::-1])
    assert made != commitment(first.model_copy(update={"answer": "B"}), KEY)
    assert made != commitment(second.model_copy(update={"answer": first.answer}), KEY)
    assert without_answer(first.model_copy(update={"split": "train"}), KEY).answer == first.answer


def test_names_that_tell_the_answer_are_refused(tmp_path: Path) -> None:
    made = write_small_benchmark(tmp_path)
    with pytest.raises(SpecsightError, match=r"'good' tells that its answer is 'good'"):
        hide_answers(made, tmp_path / "public", KEY)
    assert not (tmp_path / "public").exists()
    samples = [one.model_copy(update={"group": f"{one.label}_7", "id": one.id[:1]}) for one in made.samples()]
    write_lines(
        made.folder / "samples.jsonl", [samples[2].model_copy(update={"image": "a/Old_Scratches_01.png"})]
    )
    with pytest.raises(SpecsightError, match=r"'a/Old_Scratches_01.png' tells that its answer is 'scratch'"):
        hide_answers(made, tmp_path / "public", KEY)


def test_what_is_there_is_not_written_over(benchmark: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    with pytest.raises(SpecsightError, match="exists already"):
        hide_answers(benchmark, tmp_path / "public", KEY)


def test_a_key_is_made_once_and_short_ones_are_refused(tmp_path: Path) -> None:
    key = read_key(tmp_path / "bench.key")
    assert len(key) == 64
    assert read_key(tmp_path / "bench.key") == key
    assert (tmp_path / "bench.key").stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("secret\n")
    with pytest.raises(SpecsightError, match="has 6 characters, fewer than 32"):
        read_key(tmp_path / "short")


def test_a_run_over_the_public_form_is_scored_against_the_whole(benchmark: Benchmark, tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> None:
        result = CliRunner().invoke(cli, ["benchmark", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == 0, result.output

    key, public = tmp_path / "bench.key", tmp_path / "public"
    run("hide", benchmark.folder, "--key", key, "-o", public)
    run("run", public, "--model", "random", "-o", tmp_path / "theirs")
    with pytest.raises(SpecsightError, match="answers to other items"):
        read_answers(benchmark, tmp_path / "theirs")
    run("hide", benchmark.folder, "--key", key, "--open", tmp_path / "theirs", "-o", tmp_path / "opened")
    answered = read_answers(benchmark, tmp_path / "opened")
    assert answered.run.model == read_run(tmp_path / "theirs").model == "random"
    with pytest.raises(SpecsightError, match="other items than those of"):
        open_run(tmp_path / "theirs", benchmark, tmp_path / "wrong", KEY)
