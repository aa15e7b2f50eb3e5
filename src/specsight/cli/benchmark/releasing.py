"""The verb `benchmark release`: what persons kept of a benchmark, as its next version."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import PATH
from specsight.errors import require


@click.command()
@click.argument("bench", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the new version.")
@click.option("--keep-undecided", is_flag=True, help="Keep items that nobody has decided about.")
@click.option("--force", metavar="NOTE", help="Release although checks fail; the note stands in its card.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
def release(bench: Path, out: Path, keep_undecided: bool, force: str | None, data: Path | None) -> None:
    """Release the accepted and edited items of BENCH as its next version, with a changelog.

    A benchmark that fails a check is not released without --force.

    \b
    specsight benchmark release bench/ -o bench-1.1/
    """
    require("sqlalchemy", "serve")
    from specsight.benchmark.curation.release import release as write_release
    from specsight.benchmark.curation.store import CurationStore
    from specsight.benchmark.files import Benchmark

    released = write_release(CurationStore(Benchmark(bench, data)), out, keep_undecided, force)
    screen.say(f"version {released.version}, {released.summary}: {out}")
    for line in released.forced:
        screen.say(f"released although a check fails: {line}")
