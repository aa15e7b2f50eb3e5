"""`watch`: pictures of a line, as they come, are judged, sorted and sent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.ending import stop_asked
from specsight.cli.options import PATH, beside, line_loading
from specsight.cli.records import begun_records
from specsight.errors import SpecsightError, require

if TYPE_CHECKING:
    from specsight.line.fleet import LiveModel, Loading
    from specsight.line.sources import Source
    from specsight.line.store import LineStore

WAIT = 5.0
"""Seconds that outlets have in the end to send what waits."""


@click.command()
@click.argument("folder", metavar="[FOLDER]", type=PATH, required=False)
@click.option("--model", type=PATH, required=True, help="A saved model, which judges.")
@click.option("-o", "--out", type=PATH, required=True, help="Where pictures go, sorted by their verdict.")
@click.option(
    "--to",
    multiple=True,
    metavar="KIND:WHERE",
    help="Where records go: jsonl:results.jsonl, csv:today.csv, ...; may be given again. See: list outlets.",
)
@click.option("--line", "name", default="line", show_default=True, help="Name of the line, in every record.")
@click.option("--db", help="Keep records here too: sqlite:///FILE or postgresql://…")
@click.option("--say", default="", help="What to inspect: plain sentences.")
@click.option("--depth", type=PATH, help="Folder where depth arrives, in mm, with the names of the pictures.")
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="NAME=FOLDER",
    help="Where a further channel arrives, as --depth: ir=folder; may be given again.",
)
@click.option(
    "--settle", default=0.5, show_default=True, help="Seconds without a change until a file is complete."
)
@click.option("--replay", type=PATH, help="In place of FOLDER: show the pictures of this one, and copy them.")
@click.option("--rate", help="Of --replay: 1.0/s, 60/min; default: each as soon as the last one is judged.")
@click.option("--loops", default=1, show_default=True, help="Of --replay; 0: without end.")
@click.option("--shuffle", type=int, metavar="SEED", help="Of --replay: another order in every loop.")
@click.option(
    "--camera", metavar="cti=FILE[,serial=…]", help="In place of FOLDER: frames of a GenICam camera."
)
@line_loading
def watch(
    folder: Path | None,
    model: Path,
    out: Path,
    to: tuple[str, ...],
    name: str,
    db: str | None,
    say: str,
    depth: Path | None,
    signals: tuple[str, ...],
    settle: float,
    replay: Path | None,
    rate: str | None,
    loops: int,
    shuffle: int | None,
    camera: str | None,
    encoder: str | None,
    device: str,
) -> None:
    """Judge pictures as they arrive in a folder, sort them by their verdict, and send records on.

    A picture is taken once it is complete, judged once, and moved to accepted, rejected, undecided or unreadable in
    --out. Killed at any moment, the same command goes on. Ctrl-C ends it. With --db the version judges that is live
    there, and another one from when it goes live.
    """
    require("sqlalchemy", "serve")
    from specsight.line.fleet import Loading
    from specsight.line.names import check_line, check_model
    from specsight.line.watching import Watch
    from specsight.storage import CHECKSUMS

    if sum(given is not None for given in (folder, replay, camera)) != 1:
        raise SpecsightError("give one of: a folder to watch, --replay FOLDER, --camera cti=FILE")
    if replay is None and (rate is not None or shuffle is not None or loops != 1):
        raise SpecsightError("--rate, --loops and --shuffle go with --replay alone")
    check_line(name, "--line")
    if not (model / CHECKSUMS).is_file():
        raise SpecsightError(f"'{model}' is no saved model: make one with 'specsight fit -o'")
    check_model(model.resolve().name)
    with ExitStack() as held:
        source = _source(folder, replay, camera, rate, loops, shuffle, beside(depth, signals), settle, out)
        held.callback(source.close)
        store = None if db is None else held.enter_context(closing(begun_records(db)))
        judges, follow = _judging(model, store, Loading(encoder, device))
        watch = Watch(judges, out, name, say, store, to, screen.say)
        try:
            screen.say(f"model: {_named(judges(), model)}; stop with Ctrl-C")
            with follow, stop_asked() as stop:
                account = watch.run(source, stop)
            left = source.left()
        finally:
            watch.close(WAIT)
        _say_account(
            str(account), left, [str(state) for state in watch.outlets.final], getattr(source, "behind", 0)
        )


def _source(
    folder: Path | None,
    replay: Path | None,
    camera: str | None,
    rate: str | None,
    loops: int,
    shuffle: int | None,
    beside: dict[str, Path],
    settle: float,
    out: Path,
) -> Source:
    """Where pictures come from, and what arrives `beside` them, by name."""
    depth = beside.pop("depth", None)
    if folder is not None:
        from specsight.line.sources.folder import FolderSource

        if not 0 < settle <= 3600:
            raise SpecsightError(f"--settle {settle}: give seconds above 0, up to 3600")
        if folder.resolve() == out.resolve():
            raise SpecsightError(f"'{out}' is the folder that is watched: choose another --out")
        return FolderSource(folder, depth, settle, signals=beside)
    if replay is not None:
        from specsight.line.sources.replay import ReplaySource, rate_of

        if loops < 0:
            raise SpecsightError(f"--loops {loops}: give 1 or more, or 0 for no end")
        return ReplaySource(
            replay, None if rate is None else rate_of(rate), loops, shuffle, depth, signals=beside
        )
    from specsight.line.sources.genicam import CameraSource, camera_options

    if depth is not None or beside:
        raise SpecsightError(
            "--depth and --signal go with a folder or --replay: frames of a camera have none"
        )
    return CameraSource(camera_options(camera or ""))


def _judging(
    model: Path, store: LineStore | None, load: Loading
) -> tuple[Callable[[], LiveModel], AbstractContextManager[None]]:
    """What judges, and a context in which it follows what goes live: without a store, the saved model as it is now."""
    from specsight.line.fleet import Fleet, LiveModel, version_of
    from specsight.line.following import following
    from specsight.storage import read_folder

    place = model.resolve()
    if store is not None:
        fleet = Fleet(place.parent, store, load, place.name)
        fleet.live(place.name)
        return partial(fleet.live, place.name), following(fleet, screen.say)
    (inspector, version), _ = read_folder(model, lambda: (load(model), version_of(model)))
    found = LiveModel(place.name, version, inspector)
    return lambda: found, nullcontext()


def _named(live: LiveModel, model: Path) -> str:
    """What judges, and whether it is another version than the one that lies in the folder."""
    from specsight.line.fleet import version_of

    other = version_of(model)
    is_live = (
        "" if other == live.version else f", which is live ('{model}' holds {other}: 'specsight line live')"
    )
    return f"{live.name} {live.version}{is_live}"


def _say_account(account: str, left: Mapping[str, str], outlets: list[str], behind: int) -> None:
    """One line about all that was done."""
    words = [account]
    if behind:
        words.append(f"{behind} later than the rate")
    if left:
        some = ", ".join(f"{name}: {reason}" for name, reason in list(left.items())[:3])
        words.append(f"{len(left)} left ({some}{', ...' if len(left) > 3 else ''})")
    screen.say("; ".join([*words, *outlets]))
