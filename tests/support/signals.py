"""For child processes that are to be stopped: signals act, whatever the tests themselves were started under."""

from __future__ import annotations

import signal


def heed_signals() -> None:
    """Undo `nohup` and a shell's background, which children inherit; to be given as `preexec_fn`."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
