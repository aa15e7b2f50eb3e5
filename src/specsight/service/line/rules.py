"""What a server of lines lets pass, and to whom."""

from __future__ import annotations

from specsight.errors import SpecsightError
from specsight.line.tokens import Tokens
from specsight.service.limits import Rates
from specsight.service.local import HOST
from specsight.service.rules import FORM, LONGEST, Rules

LARGEST_MIB = 64
"""Largest request with pictures."""
JSON = "application/json"
MULTIPART = "multipart/form-data"
LONGEST_JSON = 64 << 10
"""Bytes of a JSON body: a person's words. Nesting deeper than Python's limit is refused as no JSON."""
LOOPBACK = frozenset({HOST, "::1", "localhost"})
OPEN = frozenset({"/enter", "/health"})
"""What anybody may ask: the form for a token, and whether the server is alive."""
STATIC = ("/static/",)
"""Styles and scripts, which the form for a token has as well."""


def line_rules(
    host: str = HOST,
    names: tuple[str, ...] = (),
    largest_mib: float = LARGEST_MIB,
    rates: Rates | None = None,
    proxied: bool = False,
) -> Rules:
    """The rules of a server that listens on `host` and answers to `names` besides its own."""
    largest = int(largest_mib * (1 << 20))
    alone = host in LOOPBACK and not names and not proxied
    return Rules(
        hosts=tuple(name.lower() for name in names),
        bodies={MULTIPART: max(largest, LONGEST_JSON), JSON: LONGEST_JSON, FORM: min(LONGEST, largest)},
        tokens=True,
        open=OPEN | ({"/metrics"} if alone else frozenset()),
        open_below=STATIC,
        rates=rates or Rates(),
        together=max(512 << 20, largest),
    )


def check_reach(host: str, names: tuple[str, ...], tokens: Tokens) -> None:
    """Raises SpecsightError where a server that others reach has nobody who may ask, or no name."""
    if host in LOOPBACK:
        return
    if not names:
        raise SpecsightError(f"--host {host}: name with --allow-host what browsers call this server")
    if not any(one.valid(tokens.store.clock()) for one in tokens.all()):
        raise SpecsightError(
            f"--host {host}: nobody has a token; give one out with 'specsight line token add NAME --role …' "
            "and the same --db"
        )
