"""The order of the rooms holds: a room imports only from rooms above it, and `docs/rooms.md` names them all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import specsight

SOURCE = Path(specsight.__file__).parent
ORDER = [
    "version",
    "errors",
    "registry",
    "storage",
    "progress",
    "machine",
    "checkpoints",
    "plotting",
    "specification",
    "record_json",
    "records",
    "ontology",
    "images",
    "engine",
    "datasets",
    "synthetic",
    "stress",
    "metrics",
    "learning",
    "encoders",
    "features",
    "preparation",
    "language",
    "prompts",
    "reading",
    "detectors",
    "parts",
    "presence",
    "point_spread",
    "calibration",
    "findings",
    "decision",
    "explain",
    "choosing",
    "inspector",
    "asking",
    "runs",
    "evaluation",
    "benchmark",
    "recipes",
    "report",
    "line",
    "service",
    "screen",
    "doctor",
    "cli",
]


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> Iterator[str]:
    """Rooms named by any import of a file, those inside functions and type checks included."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}, line {node.lineno}: imports are absolute"
            first, *rest = (node.module or "").split(".")
            if first == "specsight":
                yield from rest[:1] or (a.name for a in node.names if not a.name.startswith("__"))
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("specsight."))


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(file: Path) -> Iterator[str]:
    """Modules of the package that a file imports, as dotted names; names inside a module stand for the module."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "specsight":
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_room_imports_only_from_rooms_above_it() -> None:
    files = [file for file in SOURCE.rglob("*.py") if file.parent != SOURCE or file.stem != "__init__"]
    assert {room_of(file) for file in files} == set(ORDER)
    upward = [
        f"{file.relative_to(SOURCE)} imports {room}"
        for file in files
        for room in imported_rooms(file)
        if ORDER.index(room) > ORDER.index(room_of(file))
    ]
    assert upward == []


def test_no_file_reaches_itself_through_its_imports() -> None:
    """A circle inside a room is two files with one idea between them. A package's `__init__` stands for its modules."""
    files = {dotted(file): set(imported_modules(file)) for file in SOURCE.rglob("*.py")}
    imports = {
        name: {one for one in targets if one in files and one != name} for name, targets in files.items()
    }
    packages = {name for name in files if any(other.startswith(f"{name}.") for other in files)}
    reached = {name: targets - packages for name, targets in imports.items() if name not in packages}
    while True:
        leaves = {name for name, targets in reached.items() if not targets & reached.keys()}
        if not leaves:
            break
        reached = {name: targets for name, targets in reached.items() if name not in leaves}
    # What is left lies on a circle or leads to one.
    entered = set().union(*reached.values()) if reached else set()
    assert sorted(reached.keys() & entered) == []


def test_the_page_on_rooms_names_every_room_in_order() -> None:
    page = (Path(__file__).parents[1] / "docs" / "rooms.md").read_text("utf-8")
    table = page[page.index("| room |") :]
    places = [table.find(f"`{room}`") for room in ORDER]
    assert -1 not in places, [room for room, place in zip(ORDER, places) if place < 0]
    assert places == sorted(places)
