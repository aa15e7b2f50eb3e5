"""The sentences that readers are developed on: what is read of them is right, and nearly all of them are read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from measured.reading import keys, load_items, load_products, main, measure

from specsight.reading import as_objects, load_reader

FOLDER = Path(__file__).parent
PRODUCTS = load_products(FOLDER / "development.yaml")
ITEMS = load_items(FOLDER / "development.jsonl")


def test_the_development_set_is_read() -> None:
    tally = measure("grammar", ITEMS, PRODUCTS)
    read, right = (
        sum(counts[kind] for kind in counts if kind != "unread") for counts in (tally.read, tally.right)
    )
    expected = sum(tally.expected[kind] for kind in tally.expected if kind != "unread")
    assert right / read > 0.99
    assert right / expected > 0.97
    assert tally.right["unread"] / tally.expected["unread"] > 0.95
    assert tally.seconds / tally.items < 0.05


def test_the_development_set_is_large_and_of_other_products_than_the_test_set() -> None:
    assert len(ITEMS) >= 250
    tested = load_products(FOLDER / "instructions" / "products.yaml")
    used = Counter(item["product"] for item in ITEMS)
    assert len(used) >= 6
    assert not set(used) & set(tested)


def test_the_sentences_of_another_author_are_read() -> None:
    given = FOLDER / "development"
    tally = measure(
        "grammar", load_items(given / "by_another_author.jsonl"), load_products(given / "products.yaml")
    )
    read, right, expected = (
        sum(counts[kind] for kind in counts if kind != "unread")
        for counts in (tally.read, tally.right, tally.expected)
    )
    assert right / read > 0.97
    assert right / expected > 0.82


def test_counts_of_required_features_are_read() -> None:
    reader = load_reader()
    for item in ITEMS:
        for wanted in item["clauses"]:
            if "count" in wanted:
                found = as_objects(reader.read(item["text"], PRODUCTS[item["product"]]))
                assert wanted["count"] in {one.get("count") for one in found}, item["text"]


def test_the_measurement_prints_numbers_and_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", str(FOLDER / "development.jsonl"), "--reader", "grammar"]) == 0
    printed = capsys.readouterr().out
    assert "| all but unread |" in printed
    assert not any(item["text"] in printed for item in ITEMS if len(item["text"]) > 10)


def test_clauses_are_compared_under_the_names_of_the_product() -> None:
    plate = PRODUCTS["ceramic plate"]
    one = {"kind": "tolerance", "part": "lip", "defect": "nicks", "up_to_mm": 1.0000000001}
    other = {"kind": "tolerance", "part": "rim", "defect": "chip", "limit_mm": 1}
    assert keys(one, plate) == keys(other, plate)
    assert keys({"kind": "scope", "part": ["rim", "foot"]}, plate) == [
        ("scope", "rim", "", None),
        ("scope", "foot ring", "", None),
    ]
