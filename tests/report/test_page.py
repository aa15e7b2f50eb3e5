"""The page: complete in itself, says what the run says, and trusts nothing that came from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.support.synthetic_run import METRICS_EXAMPLE, NASTY, PROTOCOL, make_run, metric

from specsight.errors import SpecsightError
from specsight.report import render
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
    page = page_of(make_run(tmp_path))
    addresses = page.values("src") + page.values("href")
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
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
    assert all(attrs.get("alt") and attrs.get("width") and attrs.get("height") for attrs in images)
    charts = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(charts) == 3
    assert all(attrs.get("role") == "img" and attrs.get("aria-label") for attrs in charts)


def test_names_in_any_script_and_of_any_length(tmp_path: Path) -> None:
    names = ["Prüfling №7 日本語 🛞", "x" * 900, "broken\udcff name", "a/b\\c:d"]
    run = make_run(tmp_path, good=4, defective=0, names=names)
    page = page_of(run)
    assert names[0] in page.text
    assert names[1] in page.text
    assert "broken? name" in page.text
    assert len(list((run / "overlays" / "0").iterdir())) == 4


def test_inspections_show_rejects_first_and_link_to_every_overlay(tmp_path: Path) -> None:
    run = make_run(tmp_path, kind="inspection", metrics=WITHOUT_TRUTH)
    page = page_of(run)
    verdicts = [str(a["data-verdict"]) for t, a in page.tags if t == "tr" and "data-verdict" in a]
    assert verdicts == sorted(verdicts, reverse=True)
    assert set(verdicts) == {"accept", "reject"}
    links = [href for href in page.values("href") if href.startswith("overlays/")]
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
