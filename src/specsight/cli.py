"""The command line: verbs over the rooms, nothing else. Heavy rooms are imported by the verb that needs them."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import click

from specsight import __version__
from specsight.errors import SpecsightError, did_you_mean

DEFAULT_ENCODER = "filters"
FOLDER = click.Path(path_type=Path, file_okay=False)
ANYWHERE = click.Path(path_type=Path)


class Verbs(click.Group):
    """A group whose misspelt verbs get "did you mean"."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise SpecsightError(f"unknown command '{args[0]}': {did_you_mean(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="specsight")
def cli() -> None:
    """Multimodal anomaly detection for industrial products."""


def main() -> None:
    """Entry point: a person's mistake is one line on standard error, never a traceback."""
    try:
        code = cli(standalone_mode=False)
    except SpecsightError as error:
        _fail(str(error), 2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("stopped; what was finished is kept, run the same command again to go on", 130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG):
            raise
        _fail(f"{error.strerror}: '{error.filename or 'the output folder'}'", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"specsight: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
