"""Secrets and options of outlets. Secrets come from the environment or from files, never from a command line, which
everyone on a machine can read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from specsight.errors import SpecsightError

LONGEST = 10_000
"""Characters of a secret's file."""


def split_address(address: str, url: str, options: tuple[str, ...]) -> tuple[SplitResult, dict[str, str]]:
    """A URL and the options behind its "#" ("#ca=/etc/ca.pem&secret=/run/secrets/hook"), which are never sent.

    Raises SpecsightError for a URL that is none, that holds a password, and for options not among `options`.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SpecsightError(f"--to {address}: {error}") from error
    if parts.username is not None or parts.password is not None:
        shown = f"{address.partition('//')[0]}//{parts.hostname}"
        raise SpecsightError(
            f"--to {shown}: no name and password in an address, which everyone can read: see docs/watch.md"
        )
    if not parts.hostname:
        raise SpecsightError(f"--to {address}: names no host")
    given = dict(parse_qsl(parts.fragment, keep_blank_values=True))
    unknown = next((name for name in given if name not in options), None)
    if unknown is not None or ("#" in url and not given):
        raise SpecsightError(f"--to {address}: behind '#' may stand {', '.join(options)}, each as name=value")
    return parts._replace(fragment=""), given


def secret(variable: str, file: str = "") -> str:
    """The secret in `file`, in the environment variable, or in the file that VARIABLE_FILE names; "": none is given.

    Raises SpecsightError, without the secret, for a file that cannot be read.
    """
    if not file and variable in os.environ:
        return os.environ[variable]
    file = file or os.environ.get(f"{variable}_FILE", "")
    if not file:
        return ""
    try:
        with Path(file).open(encoding="utf-8") as opened:
            text = opened.read(LONGEST).strip()
    except (OSError, ValueError) as error:
        raise SpecsightError(
            f"cannot read the secret in '{file}': {getattr(error, 'strerror', None) or 'no text'}"
        ) from error
    if not text:
        raise SpecsightError(f"'{file}' holds no secret: it is empty")
    return text


def trusted(options: Mapping[str, str]) -> str | None:
    """File with the certificates of who may sign the other side's, of `#ca=FILE`; None: those that the system trusts.

    Raises SpecsightError where it is not there.
    """
    file = options.get("ca")
    if file is not None and not Path(file).is_file():
        raise SpecsightError(f"there is no file of certificates '{file}': check #ca=")
    return file
