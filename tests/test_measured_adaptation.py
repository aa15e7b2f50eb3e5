"""What `python -m measured adaptation` counts to which row."""

from __future__ import annotations

from pathlib import Path

from measured.adaptation import _limited, _lines, _shows

from specsight.records import Defect, Sample


def sample(*types: str) -> Sample:
    defects = tuple(Defect(type_) for type_ in types)
    return Sample("a", Path("a.png"), "plate", label="defective" if types else "good", defects=defects)


def test_a_picture_with_a_labelled_and_another_type_counts_as_labelled() -> None:
    labelled = ("crack", "cut")
    assert _shows(sample("crack", "stain"), labelled, "labelled types")
    assert not _shows(sample("crack", "stain"), labelled, "other types")
    assert _shows(sample("stain"), labelled, "other types")
    assert _shows(sample("stain"), labelled, "every type labelled")


def test_twice_as_many_defective_pictures_are_judged() -> None:
    kept = _limited([sample()] * 9 + [sample("cut")] * 9, 4)
    assert [one.label for one in kept].count("good") == 4
    assert [one.label for one in kept].count("defective") == 8


def test_the_measured_model_is_never_the_line_that_is_learned_to_choose_from() -> None:
    lines = _lines({"sport": Path("sport"), "winter": Path("winter")})
    assert lines["model"] == ("--data", "sport", "--target", "winter")
    assert lines["light"][:2] == ("--data", "winter")
