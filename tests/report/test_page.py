"""The page: complete in itself, says what the run says, and trusts nothing that came from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.support.synthetic_run import METRICS_EXAMPLE, NASTY, PROTOCOL, make_run, metric

from specsight.errors import SpecsightError
from specsight.report.large import large
from specsight.report.page import render
from specsight.report.pictures import Drawing
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import SkippedPicture

WITHOUT_TRUTH = {
    "protocol": PROTOCOL | {"seeds": [0], "synthetic": False},
    "seconds": METRICS_EXAMPLE["seconds"],
}


class Page(HTMLParser):
    """Tags with attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.sources: dict[str, str] = {"style": "", "script": ""}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.sources:
            self.sources[self._inside] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute))]


def page_of(run: Path) -> Page:
    return Page(render(run).read_text("utf-8"))


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    page = page_of(run)
    assert page.values("src")
    assert all(address.startswith("data:") for address in page.values("src"))
    sheets = [href for href in page.values("href") if not href.startswith(("data:", "#"))]
    assert sheets
    assert all((run / sheet).is_file() for sheet in sheets), (
        "what lies beside the page is a further way, not needed"
    )
    held = {attrs["id"] for tag, attrs in page.tags if tag == "template"}
    zooms = [attrs for tag, attrs in page.tags if attrs.get("class") == "zoom"]
    assert {f"large-{attrs['data-large']}" for attrs in zooms} == held
    assert "url(" not in page.sources["style"]
    assert "@import" not in page.sources["style"]
    assert not page.values("style")
    assert [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed", "form", "base")] == []


def test_the_policy_allows_exactly_this_style_and_script(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path))
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for kind, source in page.sources.items():
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_headline_numbers_stand_on_the_page(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path))
    for words in ("0.971", "0.941 to 0.993", "75.0 %", "Image F1-max (oracle)", "fewer than a million"):
        assert words in page.text
    assert str(PROTOCOL["line"]) in page.text
    assert "The pictures are synthetic" in page.text


def test_text_from_outside_stays_text(tmp_path: Path) -> None:
    run = make_run(
        tmp_path,
        good=2,
        defective=2,
        names=[NASTY],
        skipped=[SkippedPicture(NASTY, NASTY, NASTY, "judge")],
        metrics=METRICS_EXAMPLE | {"per_type": {NASTY: {"support": 1, "image_auroc": metric(0.5)}}},
    )
    html = render(run).read_text("utf-8")
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    page = Page(html)
    assert NASTY in page.text
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_every_picture_has_words_for_those_who_do_not_see_it(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path))
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) > 10
    assert all(attrs.get("alt") for attrs in images)
    charts = [attrs for tag, attrs in page.tags if tag == "svg" and "chart" in str(attrs.get("class"))]
    assert len(charts) == 3
    assert all(attrs.get("role") == "img" and attrs.get("aria-label") for attrs in charts)


def test_names_in_any_script_and_of_any_length(tmp_path: Path) -> None:
    names = ["Prüfling №7 日本語 🛞", "x" * 900, "broken\udcff name", "a/b\\c:d"]
    run = make_run(tmp_path, good=4, defective=0, names=names)
    page = page_of(run)
    assert names[0] in page.text
    assert names[1] in page.text
    assert "broken? name" in page.text
    assert len(list((run / "overlays" / "0").glob("*.jpg"))) == 4


def test_inspections_show_rejects_first_and_link_to_every_overlay(tmp_path: Path) -> None:
    run = make_run(tmp_path, kind="inspection", metrics=WITHOUT_TRUTH)
    page = page_of(run)
    verdicts = [str(a["data-verdict"]) for t, a in page.tags if t == "tr" and "data-verdict" in a]
    assert verdicts == sorted(verdicts, reverse=True)
    assert set(verdicts) == {"accept", "reject"}
    links = {href for href in page.values("href") if href.startswith("overlays/")}
    assert len(links) == len(verdicts) == 12
    assert all((run / link).stat().st_size > 1000 for link in links)
    assert "ROC" not in page.text
    assert "truth:" not in page.text


def test_without_threshold_the_page_says_so(tmp_path: Path) -> None:
    page = page_of(
        make_run(tmp_path, kind="inspection", metrics=WITHOUT_TRUTH, calibrated=False, good=1, defective=0)
    )
    assert "No threshold was calibrated" in page.text
    assert "No verdict" in page.text


def test_a_run_without_defects_and_findings(tmp_path: Path) -> None:
    quiet = METRICS_EXAMPLE | {
        "image_auroc": metric(None, reason="needs good and defective pictures"),
        "per_type": {},
    }
    page = page_of(make_run(tmp_path, good=3, defective=0, metrics=quiet))
    assert "needs good and defective pictures" in page.text
    assert "Typical good parts" in page.text
    assert "Worst misses" not in page.text


def test_long_runs_are_cut_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specsight.report.page.TABLE_ROWS", 10)
    monkeypatch.setattr("specsight.report.gallery.WORST", 2)
    page = page_of(make_run(tmp_path, sizes=((64, 64),), good=20, defective=20))
    assert sum("data-verdict" in attrs for _, attrs in page.tags) == 10
    assert "The first 10 of 40 pictures" in page.text
    assert re.search(r"2 of \d+", page.text)


def test_a_picture_that_has_gone_is_named_and_the_rest_is_drawn(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=1, defective=1)
    (tmp_path / "data" / "0.png").unlink()
    (tmp_path / "data" / "1_mask.png").unlink()
    page = page_of(run)
    assert "The picture cannot be shown:" in page.text
    assert "The true outline cannot be shown:" in page.text


def test_skipped_files_are_named_with_their_reason(tmp_path: Path) -> None:
    skipped = SkippedPicture("a", "sub/leer.png", "'sub/leer.png' is empty", "judge")
    page = page_of(make_run(tmp_path, good=2, defective=0, skipped=[skipped]))
    assert "Skipped (1)" in page.text
    assert "sub/leer.png" in page.text
    assert "'sub/leer.png' is empty" in page.text


def test_drawn_again_it_is_the_same_page(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=3, defective=3)
    assert render(run).read_bytes() == render(run).read_bytes()


def test_several_products_lead_to_their_pages(tmp_path: Path) -> None:
    run = tmp_path / "several"
    run.mkdir()
    products = {}
    for name in ("plate", "disc & ring"):
        inside = make_run(tmp_path / name, good=2, defective=2)
        inside.rename(run / name.replace(" & ", "-"))
        products[name] = {"folder": name.replace(" & ", "-"), **METRICS_EXAMPLE}
    RunFolder(run).write_metrics(
        {
            "image_auroc": metric(0.9712),
            "products": products,
            "protocol": PROTOCOL | {"title": "patchcore on 2 products"},
        }
    )
    page = page_of(run)
    assert "disc & ring" in page.text
    leads = [href for href in page.values("href") if href.endswith("report.html")]
    assert leads == ["plate/report.html", "disc-ring/report.html"]
    assert all((run / lead).is_file() for lead in leads)


def test_what_is_no_run_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="holds no finished picture"):
        render(tmp_path)
    (tmp_path / "metrics.json").write_text("{damaged")
    with pytest.raises(SpecsightError, match="is damaged"):
        render(tmp_path)


def test_numbers_on_the_page_are_those_of_metrics_json(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=2, defective=2)
    html = render(run).read_text("utf-8")
    numbers = json.loads((run / "metrics.json").read_text("utf-8"))
    shown = dict(re.findall(r'data-metric="(\w+)">([^<]*)<', html))
    assert set(shown) == {k for k, v in numbers.items() if isinstance(v, dict) and "value" in v}
    for key, text in shown.items():
        value = numbers[key]["value"]
        if value is None:
            assert text == "–"
        elif text.endswith("%"):
            assert float(text[:-1]) == pytest.approx(100 * value, abs=0.05)
        else:
            assert float(text) == pytest.approx(value, abs=0.0005)


def test_a_verdict_that_a_clause_changed_shows_what_was_compared(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    file = run / "predictions.jsonl"
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    line = max(lines, key=lambda one: float(one["score"]))
    clause = {"kind": "scope", "parts": ["rim"]}
    excused = [{"finding": number, "clause": clause} for number in range(len(line["findings"]))]
    line["verdict"] = "accept"
    line["decision"] |= {"score": 0.125, "deciding": clause, "observed": excused}
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    page = render(run).read_text("utf-8")
    assert "above it; clauses changed 1 verdict." in page
    assert "what still counts <b>0.1250</b>" in page
    assert " above</text>" in page


@pytest.mark.parametrize(
    ("file", "content", "place"),
    [
        ("metrics", {"image_auroc": {"value": "high"}}, "image_auroc.value"),
        ("metrics", {"image_auroc": {"value": 0.9, "low": [1]}}, "image_auroc.low"),
        ("metrics", {"per_type": {"scratch": 3}}, "per_type.scratch"),
        ("metrics", {"per_type": {"scratch": {"image_auroc": "x"}}}, "per_type.scratch.image_auroc"),
        ("metrics", {"products": ["a"]}, "products"),
        ("metrics", {"products": {"a": {"image_auroc": {"value": 1}}}}, "products.a.folder"),
        (
            "metrics",
            {"products": {"a": {"folder": "a", "image_auroc": {"value": {}}}}},
            "products.a.image_auroc",
        ),
        ("metrics", {"seconds": {"look": {"median": 1}}}, "seconds.look"),
        ("metrics", {"protocol": {"details": 4}}, "protocol.details"),
        ("metrics", {"protocol": {"notes": 4}}, "protocol.notes"),
        (
            "metrics",
            {"account": {"used": "", "skipped": 0, "ignored": [{}], "notes": []}},
            "account.ignored.0",
        ),
        ("metrics", {"notes": "one"}, "notes"),
        ("metrics", {"located_pictures": {"0": 1}}, "located_pictures.0"),
        ("metrics", {"confusion": {"rows": ["a"]}}, "confusion.columns"),
        ("metrics", {"peak_mb": "much"}, "peak_mb"),
        ("curves", {"seeds": {"0": {"roc": {"fpr": [0, 1]}}}}, "seeds.0.roc"),
        ("curves", {"seeds": {"0": {"roc": {"fpr": [0, "x"], "tpr": [0, 1]}}}}, "seeds.0.roc"),
        ("curves", {"seeds": {"first": {}}}, "first"),
    ],
)
def test_numbers_of_another_type_are_one_line(
    tmp_path: Path, file: str, content: dict[str, object], place: str
) -> None:
    run = make_run(tmp_path, good=1, defective=1)
    (run / f"{file}.json").write_text(json.dumps(content))
    with pytest.raises(SpecsightError, match="is damaged") as told:
        render(run)
    assert f"'{run / file}.json' is damaged (" in str(told.value)
    assert place in str(told.value)
    assert "\n" not in str(told.value)


def test_large_pictures_beyond_the_limit_lie_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, good=6, defective=6)
    every = page_of(run)
    assert sum(tag == "template" for tag, _ in every.tags) == 12
    assert "Every picture opens large inside this page." in every.text
    size = len((run / "report.html").read_bytes())
    monkeypatch.setattr("specsight.report.page.LARGE", 60_000)
    monkeypatch.setattr("specsight.report.page.THUMBNAILS", 5_000)
    page = page_of(run)
    held = sum(tag == "template" for tag, _ in page.tags)
    assert 1 <= held < 12
    assert f"{held} of 12 pictures open large inside this page" in page.text
    html = (run / "report.html").read_text("utf-8")
    assert len(html) < size
    layers = re.findall(r"<template.*?</template>", html, re.DOTALL)
    assert sum(len(uri) for one in layers for uri in re.findall(r'"(data:[^"]*)"', one)) <= 60_000
    without = [a for _, a in page.tags if a.get("class") == "zoom" and "data-large" not in a]
    assert len({a["href"] for a in without}) == 12 - held
    assert all((run / str(a["href"])).stat().st_size > 1000 for a in without)


def test_a_picture_that_was_judged_anew_gets_a_new_sheet_and_others_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, kind="inspection", metrics=WITHOUT_TRUTH, good=4, defective=4)
    monkeypatch.setattr("specsight.report.page.LARGE", 0)
    monkeypatch.setattr("specsight.report.gallery.WORST", 0)
    monkeypatch.setattr("specsight.report.gallery.REJECTED", 0)
    first = render(run).read_bytes()
    sheets = sorted((run / "overlays" / "0").glob("*.jpg"))
    before = [sheet.stat().st_mtime_ns for sheet in sheets]
    assert render(run).read_bytes() == first
    assert [sheet.stat().st_mtime_ns for sheet in sheets] == before
    judged = RunFolder(run).predictions()[3]
    (run / judged.map).touch()
    render(run)
    after = [sheet.stat().st_mtime_ns for sheet in sheets]
    assert sum(old != new for old, new in zip(before, after)) == 1


def test_a_page_is_drawn_again_only_where_its_folder_has_changed(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=2, defective=2)
    drawn = render(run, anew=False).stat().st_mtime_ns
    assert render(run, anew=False).stat().st_mtime_ns == drawn
    RunFolder(run).write_metrics(METRICS_EXAMPLE | {"peak_mb": 1.0})
    page = render(run, anew=False)
    assert page.stat().st_mtime_ns > drawn
    assert "Peak memory 1 MB" in page.read_text("utf-8")
    assert render(run).stat().st_mtime_ns > page.stat().st_mtime_ns - 1, "asked for, it is always drawn"


def test_large_outlines_stand_around_their_regions_and_inside_the_frame(tmp_path: Path) -> None:
    rgb = np.full((60, 90, 3), 90, np.uint8)
    spot = np.zeros((60, 90), bool)
    spot[30, 45] = True
    made = large(Drawing(rgb, np.zeros((60, 90), np.float32), np.ones((60, 90), bool), spot))
    scale = made.width / 90
    points = np.array([float(n) for n in re.findall(r"\d+", made.truth)]).reshape(-1, 2) / scale
    assert points.min(axis=0) == pytest.approx([45, 30], abs=0.8)
    assert points.max(axis=0) == pytest.approx([46, 31], abs=0.8)
    assert made.truth.count("M") == 1
    whole = np.array([int(n) for n in re.findall(r"\d+", made.findings)]).reshape(-1, 2)
    assert whole.min() > 0
    assert (whole.max(axis=0) < [made.width, made.height]).all(), (
        "a finding that covers the picture has a frame"
    )
    nothing = large(Drawing(rgb, np.zeros((60, 90), np.float32), None, None))
    assert (nothing.findings, nothing.truth) == ("", "")


def test_what_was_noticed_in_reading_stands_at_the_head_once(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=3, defective=0)
    file = run / "predictions.jsonl"
    lines = [
        json.loads(line) | {"notes": ["16 bits, white is 4095"]} for line in file.read_text().splitlines()
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = page_of(run).text
    assert text.count("16 bits, white is 4095") == 1
    assert "Noticed in reading: 16 bits, white is 4095 (3 pictures, such as " in text
