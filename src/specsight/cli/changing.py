"""Verbs that change a saved model: `set-threshold`, `update` and `adapt`."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.inspecting import say_fitted
from specsight.cli.options import PATH, REPLACE, loading


@click.command(name="set-threshold")
@click.argument("model", type=PATH)
@click.option("--false-reject-rate", type=float, help="Wanted upper limit for good parts rejected.")
@click.option("--confidence", type=float, help="Of that limit.")
@click.option("--threshold", "value", type=float, help="A score of your own; it promises nothing.")
@click.option("--good", type=PATH, help="Folder with further good parts to count with those held out.")
@loading
def set_threshold(
    model: Path,
    false_reject_rate: float | None,
    confidence: float | None,
    value: float | None,
    good: Path | None,
    encoder: str | None,
    device: str,
) -> None:
    """Give a saved model another threshold without fitting it anew.

    The threshold comes from the scores of held-out good parts, which the model keeps. The former one stays on record.
    """
    from specsight.inspector.thresholds import set_threshold as set_

    changed = set_(model, false_reject_rate, confidence, value, good, encoder, device)
    for skipped in changed.skipped:
        screen.say(f"skipped: {skipped.reason}", err=True)
    if changed.account:
        screen.account(changed.account.line, changed.account.notes)
    screen.thresholds(changed.held_out.scores, changed.before, changed.after)
    for lacking, own in changed.fewer.items():
        screen.say(f"pictures without {lacking}: threshold {own.score_threshold:.6g}: {own.statement()}")
    screen.say(f"saved: {model}" if changed.changed else "unchanged")


@click.command()
@click.argument("model", type=PATH)
@click.option(
    "--good", type=PATH, required=True, multiple=True, help="Folder with further good parts; repeatable."
)
@click.option("--former", type=PATH, help="Where the good parts of before lie now, if they have moved.")
@loading
def update(
    model: Path, good: tuple[Path, ...], former: Path | None, encoder: str | None, device: str
) -> None:
    """Fit a saved model anew, to its good parts of before and further ones.

    Parameters, words and promise stay; a threshold that was set since is given up.
    """
    from specsight.inspector.updating import update_model

    updated = update_model(model, good, former, encoder, device)
    say_fitted(updated.inspector, updated.threshold)
    if updated.missing:
        pictures = "1 picture" if updated.missing == 1 else f"{updated.missing} pictures"
        screen.say(f"note: good parts that this model knew and that are no longer there: {pictures}")
    screen.say(f"saved: {model}")


@click.command()
@click.argument("model", type=PATH)
@click.argument("pictures", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model for the other line.")
@click.option(
    "--method",
    default="coral",
    show_default=True,
    help="coral, adabn: without training; coral_loss, mmd, dann: the head learns anew; tent: adabn, then sharpened.",
)
@loading
@REPLACE
def adapt(
    model: Path, pictures: Path, out: Path, method: str, encoder: str | None, device: str, replace: bool
) -> None:
    """Adapt a saved model to the same product on another line.

    Another line is another light, plant or camera. PICTURES is a folder from there, good and defective parts as they
    come; nobody has to say which are which. The new model says how it was adapted wherever it is used. Its threshold
    takes good parts of that line: set-threshold.
    """
    from specsight.inspector.adapting import adapt_model

    adapted = adapt_model(model, pictures, out, method, encoder, device, replace)
    for skipped in adapted.skipped:
        screen.say(f"skipped: {skipped.reason}", err=True)
    screen.account(adapted.account.line, adapted.account.notes)
    screen.say(
        "no threshold: that of before held for the old line",
        f"saved: {out}",
        f"next: specsight set-threshold {out} --good GOOD_PARTS_OF_THAT_LINE",
    )
