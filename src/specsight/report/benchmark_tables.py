"""Scores of several models over one benchmark → tables of text: a row for each number, a column for each model.

In: `Scores` by the names that `benchmark.scoring` gives. Out: `Block`s for the page. What no model has is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from specsight.benchmark.scoring.accuracy import OVERLAPS
from specsight.benchmark.scoring.resampling import Figure
from specsight.benchmark.scoring.scores import Scores
from specsight.benchmark.tasks import SUBTASKS, TASKS
from specsight.specification.vocabulary import as_words

DASH = "–"
Format = Literal["percent", "number", "points", "hundred"]
"""Shares; three decimals; signed percentage points; a score of 0 to 100, one decimal."""
Better = Literal["higher", "lower", ""]
TEXT_FORM = [task for task, info in TASKS.items() if "text" in info.forms]
PAIRED = [task for task, info in TASKS.items() if info.paired]


TEXT_METRICS: Sequence[tuple[str, str, Format]] = (
    ("exact", "exact match", "percent"),
    ("f1", "token F1", "number"),
    ("bleu", "BLEU", "hundred"),
    ("rouge_l", "ROUGE-L", "number"),
    ("cider", "CIDEr-D", "number"),
    ("meteor", "METEOR", "number"),
    ("similarity", "sentence similarity", "number"),
)


GROUNDING: Sequence[tuple[str, str, Better, Format]] = (
    ("consistency", "Consistency index", "higher", "number"),
    ("valid", "Reports that can be read", "higher", "percent"),
    ("polarity", "Verdict is the true one", "higher", "percent"),
    ("types", "Types, F1", "higher", "number"),
    ("cells", "Cells, Jaccard index", "higher", "number"),
    ("cells_hit", "Centroids in stated cells", "higher", "percent"),
    ("mass_in", "Defect pixels in stated cells", "higher", "percent"),
    ("boxes", "Boxes, IoU", "higher", "number"),
    *((f"boxes_acc@{limit}", f"Boxes found at IoU {limit}", "higher", "percent") for limit in OVERLAPS),
    ("count_error", "Number of defects, mean error", "lower", "number"),
    ("severity_kappa", "Severity, weighted kappa", "higher", "number"),
    ("severity_rho", "Severity, Spearman", "higher", "number"),
    ("severity_stated", "Severity stated", "higher", "percent"),
    ("hallucination", "Hallucination", "lower", "percent"),
    ("hallucination/good", "Hallucination, good pictures", "lower", "percent"),
    ("hallucination/defective", "Hallucination, defective pictures", "lower", "percent"),
    ("omission", "Omission", "lower", "percent"),
    ("omission/good", "Omission, good pictures", "lower", "percent"),
    ("omission/defective", "Omission, defective pictures", "lower", "percent"),
    ("invented", "Good pictures with an invented defect", "lower", "percent"),
)


@dataclass(frozen=True)
class Line:
    """How one number is called and written."""

    name: str
    title: str
    better: Better = "higher"
    format: Format = "percent"


@dataclass(frozen=True)
class Cell:
    """One number of one model."""

    text: str
    interval: str = ""
    note: str = ""
    """Why there is none, or under which definition it was measured."""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One number of all models."""

    title: str
    count: str
    chance: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Block:
    """Numbers that belong into one table."""

    id: str
    title: str
    meaning: str
    rows: Sequence[Row]

    @property
    def folded(self) -> bool:
        """Whether the page shows it when it is asked for: what is looked up, and not read."""
        return self.id in ("groups", "letters", "invalid")

    @property
    def has_chance(self) -> bool:
        """Whether guessing has a column."""
        return any(row.chance for row in self.rows)

    @property
    def notes(self) -> list[str]:
        """Under which definitions numbers were measured, each once."""
        return list(dict.fromkeys(cell.note for row in self.rows for cell in row.cells if cell.note))


def blocks(scores: Mapping[str, Scores], unranked: Sequence[str] = ()) -> list[Block]:
    """All tables, the models in the order of `scores`; `unranked` are never called the best."""
    figures = {name: one.figures for name, one in scores.items()}
    made = (_block(*words, lines, figures, unranked) for words, lines in _tables(figures))
    return [block for block in made if block.rows]


def difference_block(
    figures: Mapping[str, Mapping[str, Figure]], base: str, unranked: Sequence[str] = ()
) -> Block:
    """How far each model lies above `base`, on the questions that both were asked."""
    lines = [
        Line("accuracy", "Mean over tasks", format="points"),
        Line("mmad", "MMAD's mean", format="points"),
        Line("pairs", "Pairs right both ways", format="points"),
        *(Line(f"task/{task}", info.title, format="points") for task, info in TASKS.items()),
    ]
    meaning = (
        f"In percentage points, on the questions that both were asked; the interval is of the paired differences over "
        f"physical objects. One that holds 0 shows no difference to {base}."
    )
    return _block("differences", f"Compared with {base}", meaning, lines, figures, unranked)


def interval_text(figure: Figure, format: Format) -> str:
    """The ends of the interval over objects, else of Wilson's; empty where there is none."""
    ends = (figure.low, figure.high) if figure.low is not None else figure.wilson
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    return f"{_text(ends[0], format).removesuffix(' %')} to {_text(ends[1], format)}"


def _tables(
    figures: Mapping[str, Mapping[str, Figure]],
) -> Iterable[tuple[tuple[str, str, str], list[Line]]]:
    names = sorted({name for one in figures.values() for name in one})
    yield (
        (
            "overview",
            "Overview",
            "The mean over tasks weighs every task alike. An invalid answer is a wrong one. Over-kill: parts rejected "
            "that are to be accepted; miss: parts accepted that are to be rejected; undecided: neither was said.",
        ),
        [
            Line("accuracy", "Accuracy, mean over tasks"),
            Line("accuracy/all", "Accuracy, all questions"),
            Line("mmad", "Accuracy by MMAD's rule"),
            Line("pairs", "Matched pairs right both ways"),
            Line("circular", "Right in every order of options"),
            Line("over_kill/anomaly", "Over-kill", "lower"),
            Line("miss/anomaly", "Miss", "lower"),
            Line("undecided/anomaly", "Undecided", "lower"),
            Line("invalid", "Invalid answers", "lower"),
            Line("error", "Failed questions", "lower"),
        ],
    )
    yield (
        ("tasks", "By task", "Share of right answers."),
        [Line(f"task/{task}", info.title) for task, info in TASKS.items()],
    )
    yield (
        (
            "mmad",
            "By MMAD's rows",
            "Accuracy by set and row, then the mean over sets; detection: the mean of good and of defective pictures.",
        ),
        [Line(f"subtask/{row}", row) for row in SUBTASKS],
    )
    yield (
        (
            "words",
            "Whether words decide",
            "The two questions of a matched pair show the same picture and call for opposite verdicts. Who does not "
            "read answers both alike, gets no pair right and has a control gap of 0.",
        ),
        [
            *(Line(f"pairs/{task}", f"{TASKS[task].title}: right both ways") for task in PAIRED),
            *(Line(f"same/{task}", f"{TASKS[task].title}: answered alike", "lower") for task in PAIRED),
            Line("part_auroc", "Part-AUROC", format="number"),
            Line("scope_drop", "Scope drop", "lower", "number"),
            Line("scope_compliance", "Scope compliance"),
            *(
                Line(f"control_gap/{task}", f"Control gap: {TASKS[task].title.lower()}", format="number")
                for task in PAIRED
            ),
            Line("control_gap", "Control gap", format="number"),
        ],
    )
    yield (
        (
            "scenarios",
            "Scenarios, TGAD-style",
            "S1: the same questions, worded otherwise; the change is against the same questions in plain words. S2: "
            "one component alone is inspected. S3: composed panels of several parts.",
        ),
        _scenario_lines(names),
    )
    yield (
        (
            "counterfactual",
            "Counterfactual pictures",
            "Flip: of rejected originals, the share accepted once their defects are painted over. Stability: the share "
            "of verdicts that stay when an equal region without defects is painted over.",
        ),
        [Line("counterfactual/flip", "Flip"), Line("counterfactual/stability", "Stability")],
    )
    yield (
        ("groups", "By product and condition", "Accuracy, mean over the tasks that each group has."),
        [Line(name, _group_title(name)) for name in names if name.startswith("by/")],
    )
    yield (
        ("verdicts", "Verdicts", "Wrong verdicts by kind, of every task that accepts or rejects."),
        [
            Line(f"{name}/{task}", f"{TASKS[task].title}: {words}", "lower")
            for task in ("anomaly", *PAIRED)
            for name, words in (("over_kill", "over-kill"), ("miss", "miss"), ("undecided", "undecided"))
        ],
    )
    yield (
        (
            "boxes",
            "Boxes",
            "Intersection over union with the true box, and the share of boxes from a limit on.",
        ),
        [
            Line("box/iou", "Mean IoU", format="number"),
            *(
                Line(name, f"IoU of {name.partition('@')[2]} or more")
                for name in names
                if name.startswith("box/acc@")
            ),
        ],
    )
    yield (
        (
            "letters",
            "Preferred letters",
            "How often each letter was answered, and how often it is right: what a model prefers before it has looked.",
        ),
        [
            Line(name, f"{name.split('/')[1]}, {'answered' if name.endswith('given') else 'right'}", "")
            for name in names
            if name.startswith("letter/")
        ],
    )
    yield (
        (
            "invalid",
            "Invalid answers by task",
            "Answers that are not in the form that was asked for, or missing.",
        ),
        [Line(f"invalid/{task}", info.title, "lower") for task, info in TASKS.items()],
    )


def _group_title(name: str) -> str:
    """ "by/light_side/left" → "Light side: left"."""
    _, key, value = name.split("/", 2)
    words = as_words(key)
    return f"{words[:1].upper()}{words[1:]}: {as_words(value)}"


def _scenario_lines(names: Iterable[str]) -> list[Line]:
    listed = set(names)
    scenarios = [name.partition("/")[2] for name in sorted(listed) if name.startswith("scenario/")]
    kinds = (
        Line("scenario", "accuracy"),
        Line("change", "change", "", "points"),
        Line("flipped", "other answer", "lower"),
        Line("scenario_auroc", "AUROC", format="number"),
        Line("change_auroc", "change of AUROC", "", "number"),
        Line("scenario_pairs", "pairs right both ways"),
    )
    return [
        Line(
            f"{kind.name}/{scenario}",
            f"{scenario.replace('/', ', ')}: {kind.title}",
            kind.better,
            kind.format,
        )
        for scenario in scenarios
        for kind in kinds
        if f"{kind.name}/{scenario}" in listed
    ]


def _block(
    id_: str,
    title: str,
    meaning: str,
    lines: Sequence[Line],
    figures: Mapping[str, Mapping[str, Figure]],
    unranked: Sequence[str],
) -> Block:
    rows = [
        _row(line, figures, unranked) for line in lines if any(line.name in one for one in figures.values())
    ]
    return Block(id_, title, meaning, rows)


def _row(line: Line, figures: Mapping[str, Mapping[str, Figure]], unranked: Sequence[str]) -> Row:
    found = {model: one.get(line.name) for model, one in figures.items()}
    values = {
        model: figure.value
        for model, figure in found.items()
        if figure is not None and figure.value is not None and model not in unranked
    }
    best = None
    if line.better and len(set(values.values())) > 1:
        best = (max if line.better == "higher" else min)(values.values())
    counts = {figure.count for figure in found.values() if figure is not None}
    guess = next(
        (one[f"chance/{line.name}"] for one in figures.values() if f"chance/{line.name}" in one), None
    )
    return Row(
        title=line.title,
        count=_counts(counts),
        chance="" if guess is None or guess.value is None else _text(guess.value, line.format),
        cells=[_cell(figure, line, values.get(model) == best is not None) for model, figure in found.items()],
    )


def _cell(figure: Figure | None, line: Line, best: bool) -> Cell:
    if figure is None:
        return Cell(DASH)
    if figure.value is None:
        return Cell(DASH, note=figure.reason)
    return Cell(_text(figure.value, line.format), interval_text(figure, line.format), figure.variant, best)


def _counts(counts: set[int]) -> str:
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _text(value: float, format: Format) -> str:
    if format == "percent":
        return f"{100 * value:.1f} %"
    if format == "hundred":
        return f"{value:.1f}"
    if format == "points":
        return f"{100 * value:+.1f}".replace("-", "−")
    return f"{value:.3f}".replace("-", "−")
