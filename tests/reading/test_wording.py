"""Wording that says nothing changes no clause: politeness, quotes, spaces, letter case, the order of sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured.reading import load_items, load_products

from specsight.reading import as_objects, read
from specsight.reading.normal import plain
from specsight.reading.quantities import quantities

FOLDER = Path(__file__).parent
PRODUCTS = load_products(FOLDER / "development.yaml")
ITEMS = [item for item in load_items(FOLDER / "development.jsonl") if "\n" not in item["text"]]
SINGLE = [item for item in ITEMS if item["text"].rstrip().endswith(".") and item["text"].count(".") == 1]
MULTIPLE = st.lists(st.sampled_from(SINGLE), min_size=2, max_size=4)


def clauses(text: str, product: str) -> set[tuple[object, ...]]:
    found = as_objects(read(text, PRODUCTS[product]))
    return {
        (one["kind"], one["part"], (one["defect"] or "").casefold() or None, one["limit_mm"]) for one in found
    }


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ITEMS),
    st.sampled_from([
        lambda text: text.replace("'", "\u2019").replace('"', "\u201d") if text.count('"') < 2 else text,
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" ", "  "),
        lambda text: f"  {text} \n",
        lambda text: f"\ufeff{text}",
        lambda text: text.replace("-", "\u2011"),
        lambda text: "\r\n".join([text, ""]),
        str.upper,
        lambda text: text[0].lower() + text[1:],
    ]),
)  # fmt: skip
def test_spelling_that_says_nothing_changes_no_clause(item: dict[str, str], change: object) -> None:
    assert callable(change)
    assert clauses(change(item["text"]), item["product"]) == clauses(item["text"], item["product"])


@settings(max_examples=60, deadline=None)
@given(
    # A sentence that brings such a remark itself is not read with two of them: it is unread.
    st.sampled_from([item for item in SINGLE if not re.search(r"^As per|, which ", item["text"])]),
    st.sampled_from(["Please note that ", "As agreed, ", "Please note: ", "For this batch, "]),
)
def test_politeness_changes_no_clause(item: dict[str, str], before: str) -> None:
    text = item["text"]
    polite = f"{before}{text[0].lower()}{text[1:]}"
    assert clauses(polite, item["product"]) == clauses(text, item["product"])


@settings(max_examples=60, deadline=None)
@given(MULTIPLE, st.randoms(use_true_random=False))
def test_the_order_of_sentences_changes_no_clause(items: list[dict[str, str]], random: object) -> None:
    product = items[0]["product"]
    texts = [item["text"] for item in items if item["product"] == product]
    # What refers to the sentence before belongs to it.
    texts = [
        text
        for text in texts
        if text.split()[0] not in ("It", "They", "But", "Except", "Unless", "On", "In", "If", "When")
    ]
    shuffled = list(texts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clauses(" ".join(shuffled), product) == clauses(" ".join(texts), product)


def test_a_sentence_takes_no_type_from_the_one_before_unless_it_says_so() -> None:
    both = clauses("Nicks are typically smaller than 1 mm. Reject everything.", "gear wheel")
    assert {kind for kind, *_ in both} == {"unread"}


@pytest.mark.parametrize(
    ("text", "millimetres"),
    [
        ("2 mm", 2), ("2,5 mm", 2.5), (".5 mm", 0.5), ("1/4 in", 6.35), ('0.5"', 12.7), ("1 1/2 inches", 38.1),
        ("½ inch", 12.7), ("1½ mm", 1.5), ("300 µm", 0.3), ("2 cm", 20), ("20 thou", 0.508),
        ("two and a half millimetres", 2.5),
        ("half a millimetre", 0.5), ("a quarter of an inch", 6.35), ("three tenths of a millimetre", 0.3),
        ("twenty-five microns", 0.025), ("one point two five mm", 1.25), ("an inch", 25.4), ("between 1 and 3 mm", 3),
        ("1-3 mm", 3), ("from 1 mm to 3 mm", 3), ("1,234.5 µm", 1.2345), ("0 mm", 0),
    ],
)  # fmt: skip
def test_lengths_are_read_in_millimetres(text: str, millimetres: float) -> None:
    (found,) = quantities(plain(f"up to {text} long").casefold())
    assert (found.mm, found.problem) == (pytest.approx(millimetres, abs=1e-9), "")


@pytest.mark.parametrize(
    "text", ["3 kg", "-2 mm", "5 m", "2 mm²", "1,000 mm", "5 %", "2 x 3 mm", "± 1 mm", "3 to 1 mm"]
)
def test_what_is_no_length_of_a_defect_says_what_is_wrong(text: str) -> None:
    (found,) = quantities(plain(f"up to {text}").casefold())
    assert found.problem


@given(
    st.floats(min_value=0.001, max_value=999).map(lambda value: round(value, 3)),
    st.sampled_from(["mm", " mm", " millimetres"]),
)
def test_a_limit_is_read_as_it_is_written(value: float, unit: str) -> None:
    written = f"{value:.3f}".rstrip("0").rstrip(".")
    (found,) = quantities(f"up to {written}{unit}")
    assert found.mm == pytest.approx(value)


@given(st.text(alphabet="0123456789 .,/-mminchcofandhalf'\"", max_size=60))
def test_any_numbers_are_read_without_an_error(text: str) -> None:
    for found in quantities(text):
        assert 0 <= found.start < found.end <= len(text)
        assert found.mm >= 0
