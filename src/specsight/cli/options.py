"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import click

from specsight import screen
from specsight.cli.settings import complete
from specsight.errors import SpecsightError, did_you_mean, excerpt, one_line
from specsight.learning.device import AUTO
from specsight.storage.addresses import Address, address_of, mirrored, uploading


class _PathType(click.Path):
    """A path, as click reads it; refused where nothing can have this name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The `Path` of a text."""
        if isinstance(value, str) and (not value or "\0" in value):
            raise SpecsightError(f"'{value}' is no path: it is empty or has a zero byte in it")
        return super().convert(value, param, ctx)


class _PlaceType(_PathType):
    """A path, or an address of object storage (s3://bucket/folder)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The `Path` or `Address` of a text."""
        address = address_of(value) if isinstance(value, str) else None
        return super().convert(value, param, ctx) if address is None else address


def here(place: Path | Address) -> Path:
    """The files at a place as files of this machine: those at an address are mirrored."""
    return mirrored(place) if isinstance(place, Address) else place


def output(place: Path | Address) -> AbstractContextManager[Path]:
    """The folder to write into; one for an address is uploaded when all has ended well."""
    return _uploaded(place) if isinstance(place, Address) else contextlib.nullcontext(place)


@contextlib.contextmanager
def _uploaded(address: Address) -> Iterator[Path]:
    with uploading(address) as folder:
        yield folder
    screen.say(f"uploaded: {address}")


FRAMED_BY_GOOD = "auto"
"""Value of options that good pictures decide."""


def _side(**words: int) -> Callable[..., int | str | None]:
    """What reads a length in pixels, "auto" (good pictures choose), or one of the words that stand for a number."""

    def read(_context: click.Context, option: click.Parameter, value: str | None) -> int | str | None:
        if value is None or value == FRAMED_BY_GOOD:
            return value
        try:
            return words[value] if value in words else int(value)
        except ValueError as error:
            others = " or ".join((FRAMED_BY_GOOD, *words))
            raise SpecsightError(
                f"{option.opts[0]} {value}: give a whole number of pixels, or {others}"
            ) from error

    return read


PATH = _PathType(path_type=Path)
PLACE = _PlaceType(path_type=Path)
ENCODER = "bundled"
DEVICE_HELP = "Where the encoder runs: auto, cpu, cuda, cuda:N or mps."


Command = TypeVar("Command", bound=Callable[..., Any])


def _run_by(context: click.Context, _parameter: click.Parameter, name: str) -> None:
    from specsight.encoders import set_default_runtime

    before = set_default_runtime(name)
    context.call_on_close(lambda: set_default_runtime(before))


def _runtime(default: str) -> Callable[[Command], Command]:
    return click.option(
        "--runtime",
        default=default,
        show_default=True,
        callback=_run_by,
        expose_value=False,
        help="What runs the encoder: torch, onnx or openvino; auto: the graph of an exported model, else torch; fast: "
        "the same, else the quickest that is installed.",
    )


RUNTIME = _runtime(AUTO)
LINE_RUNTIME = _runtime("fast")
"""Of verbs that judge part by part for hours, where making a graph once is worth it, and of those that judge such
parts again."""

FITTING = (
    click.option(
        "--detector",
        default="patchcore",
        show_default=True,
        help="See: list detectors; auto chooses one on the good parts.",
    ),
    click.option("--minutes", type=float, help="Time for the choice (auto); default: 5."),
    click.option("--candidates", type=int, help="Candidates to compare (auto), in place of a time."),
    click.option(
        "--encoder",
        default=ENCODER,
        show_default=True,
        help="A name, a folder or a hub id; several with commas for auto.",
    ),
    click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP),
    RUNTIME,
    click.option(
        "--resolution",
        metavar="PX",
        callback=_side(),
        help="Shorter side, in pixels, or auto: good pictures choose; default: the detector's own.",
    ),
    click.option(
        "--tile",
        metavar="PX",
        callback=_side(none=0),
        help="Look at longer pictures in overlapping tiles of this side, in pixels; auto; default: none.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Detector parameter; see: list detectors NAME.",
        shell_complete=complete,
    ),
    click.option("--spec", type=PATH, help="Specification of the product (YAML)."),
    click.option("--train-on", type=PATH, help="Another labelled set, for detectors trained across sets."),
    click.option("--train-spec", type=PATH, help="Words about that set; default: its names."),
    click.option("--holdout", type=int, help="Good parts held out for the threshold, in place of folds."),
    click.option(
        "--folds",
        type=int,
        help="Judge every good part in one of so many folds, for the threshold; 0: hold parts out. Default: 5, or 0.",
    ),
    click.option(
        "--by-place/--no-by-place",
        default=None,
        help="Compare maps with good parts' at the same place. Default: where good parts lie alike.",
    ),
    click.option(
        "--false-reject-rate",
        default=0.05,
        show_default=True,
        help="Wanted upper limit for good parts rejected.",
    ),
    click.option("--confidence", default=0.95, show_default=True, help="Of that limit."),
)
"""What a fit depends on, whichever verb asks for it."""


def _allow(_context: click.Context, _parameter: click.Parameter, megapixels: float | None) -> None:
    if megapixels is not None:
        from specsight.images import set_max_megapixels

        set_max_megapixels(megapixels)


MAX_MEGAPIXELS = click.option(
    "--max-megapixels",
    type=float,
    callback=_allow,
    expose_value=False,
    help="Refuse larger pictures (default: 100); some 25 bytes of memory a pixel.",
)
DATABASE = click.option(
    "--db",
    envvar="SPECSIGHT_DB",
    default="sqlite:///line.db",
    show_default=True,
    help="Where records lie: sqlite:///FILE or postgresql://…; also SPECSIGHT_DB, which hides a password.",
)
ENGINE = (
    click.option(
        "--engine",
        default="local",
        show_default=True,
        help="Who works: local (this process) or ray (the workers of a cluster).",
    ),
    click.option(
        "--engine-address",
        help="Of a running Ray cluster; default: what RAY_ADDRESS says, else one of this machine is started.",
    ),
    click.option(
        "--engine-workers", type=int, help="Workers at once, of one thread each; default: one a processor."
    ),
)
"""Who works on the pieces of a run; see `specsight.engine`."""
REPLACE = click.option("--replace", is_flag=True, help="Give up what --out holds already.")


def fitting(command: Command) -> Command:
    """Give a verb the options of `FITTING`."""
    for option in reversed(FITTING):
        command = option(command)
    return command


def loading(command: Command, runtime: Callable[[Command], Command] = RUNTIME) -> Command:
    """Give a verb the options that say how a saved model is loaded, and what it may look at."""
    moved = click.option("--encoder", help="Where the model's encoder lies now, if it has moved.")
    device = click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP)
    return moved(device(runtime(MAX_MEGAPIXELS(command))))


def line_loading(command: Command) -> Command:
    """The same for a verb of a line, which judges as its server does: see `LINE_RUNTIME`."""
    return loading(command, LINE_RUNTIME)


def engines(command: Command) -> Command:
    """Give a verb the options of `ENGINE`."""
    for option in reversed(ENGINE):
        command = option(command)
    return command


class _TextType(click.types.StringParamType):
    """Words of a person. An argument whose bytes are no UTF-8 is refused: no record, table or page could hold it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text, as it is."""
        text = super().convert(value, param, ctx)
        if isinstance(text, str) and any("\ud800" <= one <= "\udfff" for one in text):
            named = (
                param.opts[0]
                if isinstance(param, click.Option)
                else getattr(param, "human_readable_name", "")
            )
            raise SpecsightError(f"{named} '{excerpt(one_line(text))}': give text in UTF-8")
        return text


TEXT = _TextType()


class Verbs(click.Group):
    """A group whose misspelt verbs get "did you mean", and whose texts are UTF-8."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb."""
        for one in cmd.params:
            if type(one.type) is click.types.StringParamType:
                one.type = TEXT
        super().add_command(cmd, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs, each with its whole first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(verb)) for name, verb in sorted(self.commands.items())])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments begin with. Raises SpecsightError with a suggestion for a misspelt one."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise SpecsightError(f"unknown command '{args[0]}': {did_you_mean(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


def _summary(verb: click.Command) -> str:
    """What stands before the first empty line of a verb's help, in one line."""
    return " ".join((verb.help or "").partition("\n\n")[0].split())


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """The numbers of "0,1,2"; `option` is named in the SpecsightError that anything else raises."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise SpecsightError(f"{option} {text}: write whole numbers with commas, such as 0,1,2") from error


def beside(depth: Path | None, signals: tuple[str, ...]) -> dict[str, Path]:
    """Where each signal lies, by name. Raises SpecsightError for a signal without name or path."""
    beside = {} if depth is None else {"depth": depth}
    for given in signals:
        name, _, path = given.partition("=")
        if not name or not path or name in ("rgb", "depth"):
            raise SpecsightError(f"--signal {given}: write a name and a path, such as ir=folder")
        beside[name] = Path(path)
    return beside
