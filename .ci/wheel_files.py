"""Every file of the package lies in the wheel, unchanged: code, weights, templates, styles, scripts, py.typed."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main(source: Path, wheel: Path) -> None:
    """Exit with the names of files below `source`/specsight that `wheel` lacks or holds with other content."""
    files = [p for p in (source / "specsight").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        names = {path.relative_to(source).as_posix(): path for path in files}
        wrong = sorted(n for n, p in names.items() if n not in held or archive.read(n) != p.read_bytes())
    kinds = {Path(name).suffix or Path(name).name for name in names}
    for kind in (".py", ".safetensors", ".json", ".j2", ".css", ".js", ".typed"):
        if kind not in kinds:
            sys.exit(f"'{source}' has no {kind} file: this check looks in the wrong place")
    if wrong:
        sys.exit(f"'{wheel.name}' lacks or changes: {', '.join(wrong)}")
    print(f"{wheel.name}: {len(names)} files of the package, {wheel.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
