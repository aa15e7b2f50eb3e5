"""What the numbers of a benchmark are called, how they are written, and into which tables they go.

In: the names of numbers that `benchmark.scoring` gave. Out: tables of `Line`s, in the order of the page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from specsight.benchmark.scoring.accuracy import OVERLAPS
from specsight.benchmark.scoring.scenarios import PLAIN
from specsight.benchmark.tasks import SUBTASKS, TASKS
from specsight.specification.vocabulary import as_words

Format = Literal["percent", "number", "points", "hundred"]
"""Shares; three decimals; signed percentage points; a score of 0 to 100, one decimal."""
Better = Literal["higher", "lower", ""]
"""Which way is better; empty where neither is."""
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


class Table(NamedTuple):
    """Numbers that belong into one table."""

    id: str
    title: str
    meaning: str
    lines: Sequence[Line]


OVERVIEW = Table(
    "overview",
    "Overview",
    "The mean over tasks weighs every task alike. An invalid answer is a wrong one. Over-kill: parts rejected that are "
    "to be accepted; miss: parts accepted that are to be rejected; undecided: neither was said.",
    (
        Line("accuracy", "Accuracy, mean over tasks"),
        Line("accuracy/all", "Accuracy, all questions"),
        Line("mmad", "Accuracy by MMAD's rule"),
        Line("pairs", "Matched pairs right both ways"),
        Line("circular", "Right in every order of options"),
        Line("grounding/consistency", "Consistency of reports", format="number"),
        Line("over_kill/anomaly", "Over-kill", "lower"),
        Line("miss/anomaly", "Miss", "lower"),
        Line("undecided/anomaly", "Undecided", "lower"),
        Line("invalid", "Invalid answers", "lower"),
        Line("error", "Failed questions", "lower"),
    ),
)
BY_TASK = Table(
    "tasks",
    "By task",
    "Share of right answers. Answers in words and reports are measured further below.",
    [Line(f"task/{task}", info.title) for task, info in TASKS.items()],
)
BY_ROW = Table(
    "mmad",
    "By MMAD's rows",
    "Accuracy by set and row, then the mean over sets; detection: the mean of good and of defective pictures.",
    [Line(f"subtask/{row}", row) for row in SUBTASKS],
)
WORDS = Table(
    "words",
    "Whether words decide",
    "The two questions of a matched pair show the same picture and call for opposite verdicts. Who looks and does not "
    "read answers both alike and gets no pair right; who guesses gets a quarter; both have a control gap of 0.",
    (
        *(Line(f"pairs/{task}", f"{TASKS[task].title}: right both ways") for task in PAIRED),
        Line("pairs", "All pairs: right both ways"),
        *(Line(f"same/{task}", f"{TASKS[task].title}: answered alike", "lower") for task in PAIRED),
        Line("same", "All pairs: answered alike", "lower"),
        Line("part_auroc", "Part-AUROC", format="number"),
        Line("scope_drop", "Scope drop", "lower", "number"),
        Line("scope_compliance", "Scope compliance"),
        *(
            Line(f"control_gap/{task}", f"Control gap: {TASKS[task].title.lower()}", format="number")
            for task in PAIRED
        ),
        Line("control_gap", "Control gap: all pairs", format="number"),
    ),
)
TEXTS = Table(
    "texts",
    "Text quality",
    "How alike answers in words are to a reference text. It says nothing of whether they are true: a text that calls a "
    "scratch a stain, in the words of the reference, scores high.",
    [
        Line(f"text/{task}/{name}", f"{TASKS[task].title}: {title}", format=format)
        for task in TEXT_FORM
        for name, title, format in TEXT_METRICS
    ],
)
REPORTS = Table(
    "grounding",
    "Grounded reports",
    "Statements against the truth of the picture. Hallucination: share of what is asserted that is not true; omission: "
    "share of what is true that is not stated. Consistency: mean of verdict, types, cells, severity and 1 less "
    "hallucination. What cannot be read states nothing.",
    [Line(f"grounding/{name}", title, better, format) for name, title, better, format in GROUNDING],
)
COUNTERFACTUAL = Table(
    "counterfactual",
    "Counterfactual pictures",
    "Flip: of rejected originals, the share accepted once their defects are painted over. Stability: the share of "
    "verdicts that stay when an equal region without defects is painted over.",
    (Line("counterfactual/flip", "Flip"), Line("counterfactual/stability", "Stability")),
)
VERDICTS = Table(
    "verdicts",
    "Verdicts",
    "Wrong verdicts by kind, of every task that accepts or rejects.",
    [
        Line(f"{name}/{task}", f"{TASKS[task].title}: {words}", "lower")
        for task in ("anomaly", *PAIRED)
        for name, words in (("over_kill", "over-kill"), ("miss", "miss"), ("undecided", "undecided"))
    ],
)
BOXES = Table(
    "boxes",
    "Boxes",
    "Intersection over union with the true box, and the share of boxes from a limit on.",
    (
        Line("box/iou", "Mean IoU", format="number"),
        *(Line(f"box/acc@{limit}", f"IoU of {limit} or more") for limit in OVERLAPS),
    ),
)
CIRCULAR = Table(
    "circular",
    "Right in every order of options",
    "Share of questions that are right however the options are shifted: what chance gives falls with every order.",
    [Line(f"circular/{task}", info.title) for task, info in TASKS.items()],
)
INVALID = Table(
    "invalid",
    "Invalid answers by task",
    "Answers that are not in the form that was asked for, or missing.",
    [Line(f"invalid/{task}", info.title, "lower") for task, info in TASKS.items()],
)
DIFFERENCES = (
    Line("accuracy", "Mean over tasks", format="points"),
    Line("mmad", "MMAD's mean", format="points"),
    Line("pairs", "Pairs right both ways", format="points"),
    *(Line(f"task/{task}", info.title, format="points") for task, info in TASKS.items()),
)


def tables(names: Collection[str]) -> list[Table]:
    """All tables for numbers of these names, those included whose numbers nobody has."""
    return [
        *(
            OVERVIEW,
            BY_TASK,
            BY_ROW,
            WORDS,
            _scenarios(names),
            TEXTS,
            REPORTS,
            BOXES,
            COUNTERFACTUAL,
            VERDICTS,
        ),
        *(_groups(names), CIRCULAR, _letters(names), INVALID),
    ]


def _scenarios(names: Collection[str]) -> Table:
    found = [name.partition("/")[2] for name in names if name.startswith("scenario/")]
    kinds = (
        Line("scenario", "accuracy"),
        Line("change", "change", "", "points"),
        Line("flipped", "other answer", "lower"),
        Line("scenario_auroc", "AUROC", format="number"),
        Line("change_auroc", "change of AUROC", "", "number"),
        Line("scenario_pairs", "pairs right both ways"),
    )
    return Table(
        "scenarios",
        "Scenarios, TGAD-style",
        "S1: the same questions, worded otherwise; the change is against the same questions in plain words. S2: one "
        "component alone is inspected. S3: composed panels of several parts.",
        [
            Line(
                f"{kind.name}/{scenario}",
                f"{scenario.replace('/', ', ')}: {kind.title}",
                kind.better,
                kind.format,
            )
            for scenario in sorted(found, key=lambda name: (name != PLAIN, name))
            for kind in kinds
        ],
    )


def _groups(names: Collection[str]) -> Table:
    def title(name: str) -> str:
        """ "by/light_side/left" → "Light side: left"."""
        _, key, value = name.split("/", 2)
        words = as_words(key)
        return f"{words[:1].upper()}{words[1:]}: {as_words(value)}"

    return Table(
        "groups",
        "By product and condition",
        "Accuracy, mean over the tasks that each group has.",
        [Line(name, title(name)) for name in sorted(names) if name.startswith("by/")],
    )


def _letters(names: Collection[str]) -> Table:
    return Table(
        "letters",
        "Preferred letters",
        "How often each letter was answered, and how often it is right: what a model prefers before it has looked.",
        [
            Line(name, f"{name.split('/')[1]}, {'answered' if name.endswith('given') else 'right'}", "")
            for name in sorted(names)
            if name.startswith("letter/")
        ],
    )
