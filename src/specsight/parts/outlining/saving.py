"""Outlines → the YAML file of a specification; everything else in it stays as a person wrote it, comments too.

`ruamel.yaml` writes it, for it is the maintained library that reads YAML and writes it again with comments, order and
quotes as they were (PyYAML drops comments).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.specification import (
    Outline,
    Part,
    Requirement,
    Specification,
    Tolerance,
    load_specification,
    parse_specification,
)
from specsight.specification.vocabulary import Vocabulary
from specsight.specification.yaml import LONGEST_FILE, read_words
from specsight.storage import write_text
from specsight.storage.files import path_from

LONGEST_NAME = 200


def check_new_part(name: str, parts: Sequence[Part]) -> None:
    """Raise SpecsightError where a further part cannot be called `name`: it is empty or too long, or one of the `parts`
    is called so, or means the same, by its name or a phrase."""
    if not 1 <= len(name) <= LONGEST_NAME:
        raise SpecsightError(f"a part needs a name, of at most {LONGEST_NAME} characters")
    if other := Vocabulary.of(parts).find(name):
        means = "" if other == name else f", and '{name}' means the same"
        raise SpecsightError(f"there is a part '{other}' already{means}: choose it, or another name")


def save_outlines(
    path: Path, picture: Path, size: tuple[int, int], outlines: Mapping[str, Outline | None]
) -> Specification:
    """Write outlines that were drawn on `picture`, (width, height) pixels, into a specification; returns what it says.

    The file is made where there is none. Parts that it does not name are added to it, those of None are taken out, with
    their outlines on all pictures. The first picture is its
    reference; outlines on another one are a further reference; of a picture that has outlines, they are replaced, and
    where none are left, it is a reference no more. Written whole or not at all, after it was read as a specification.

    Raises SpecsightError where that cannot be: the file is no specification, or would be none.
    """
    before = load_specification(path) if path.exists() else None
    yaml = _yaml()
    document = _document(yaml, path)
    drawn = {name: shapes for name, shapes in outlines.items() if shapes}
    kept = {name: shapes for name, shapes in outlines.items() if shapes is not None}
    _remove_parts(document, before, outlines.keys() - kept.keys())
    _add_parts(document, before, kept)
    named = {"picture": path_from(path.absolute().parent, picture), "size": _flow(list(size))}
    if before is None or before.reference is None or _same(before.reference.picture, picture):
        _set_first(document, named, drawn)
        if before is not None and before.further_references and not drawn:
            raise SpecsightError(
                f"'{picture}' is the first of several references in '{path}': outline at least one part on it"
            )
    else:
        _set_further(document, before, picture, named, drawn)
    text = io.StringIO()
    yaml.dump(document, text)
    if len(text.getvalue().encode()) > LONGEST_FILE:
        raise SpecsightError(f"'{path}' would be larger than {LONGEST_FILE:,} bytes: draw with fewer points")
    parse_specification(text.getvalue(), str(path))
    write_text(path.resolve(), text.getvalue())  # what a link leads to, so that it stays one
    return load_specification(path)


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width = True, 100
    return yaml


def _document(yaml: Any, path: Path) -> Any:
    if not path.exists():
        return yaml.load(f"product: {_quoted(path.stem)}\n")
    from ruamel.yaml.util import load_yaml_guess_indent

    text = read_words(path)
    _, indent, offset = load_yaml_guess_indent(text)
    yaml.indent(mapping=2, sequence=indent or 2, offset=offset or 0)
    return yaml.load(text)


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _remove_parts(document: Any, before: Specification | None, names: Set[str]) -> None:
    if before is None or not names:
        return
    needed: list[Tolerance | Requirement] = [*before.tolerances, *before.requirements]
    for clause in needed:
        named = Vocabulary.of(before.parts).find(clause.part) if clause.part else None
        if named in names:
            raise SpecsightError(
                f"the part '{named}' is needed by '{clause.words}': take that out of the file first"
            )
    document["parts"] = type(document["parts"])(
        part for part in document["parts"] if part["name"] not in names
    )
    for reference in document.get("further_references", ()):
        for name in names & reference["outlines"].keys():
            del reference["outlines"][name]


def _add_parts(document: Any, before: Specification | None, named: Mapping[str, Outline]) -> None:
    parts = document.setdefault("parts", [])
    known = [part["name"] for part in parts]
    there = [part for part in (before.parts if before else ()) if part.name in known]
    for name in named:
        if name not in known:
            check_new_part(name, there)
            there.append(Part(name=name))
            parts.append({"name": name})


def _set_first(document: Any, named: Mapping[str, Any], drawn: Mapping[str, Outline]) -> None:
    for part in document["parts"]:
        part.pop("outline", None)
        if part["name"] in drawn:
            part["outline"] = _plain(drawn[part["name"]])
    document.pop("reference", None)
    if drawn:
        # Before the parts, where a reader looks for what their numbers mean.
        document.insert(list(document).index("parts"), "reference", dict(named))


def _set_further(
    document: Any,
    before: Specification,
    picture: Path,
    named: Mapping[str, Any],
    drawn: Mapping[str, Outline],
) -> None:
    further = document.setdefault("further_references", [])
    number = next(
        (k for k, one in enumerate(before.further_references) if _same(one.picture, picture)), len(further)
    )
    entry = {**named, "outlines": {name: _plain(shapes) for name, shapes in drawn.items()}}
    further[number : number + 1] = [entry] if drawn else []
    if not further:
        del document["further_references"]


def _plain(outline: Outline) -> list[Any]:
    """Shapes as YAML writes them, points in brackets."""
    plain = []
    for shape in outline:
        content = shape.model_dump(mode="json", exclude_defaults=True)
        for kind, given in content.items():
            content[kind] = (
                _flow([_flow(_short(point)) for point in given])
                if kind == "polygon"
                else _flow({name: _short(value) for name, value in given.items()})
            )
        plain.append(content)
    return plain


def _short(value: Any) -> Any:
    """Tenths of a pixel are as exact as a hand is; whole numbers are written as such."""
    if isinstance(value, list):
        return _flow([_short(one) for one in value])
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def _flow(value: Any) -> Any:
    """A list or mapping in brackets, on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    made = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    made.fa.set_flow_style()
    return made


def _same(first: str | Path, second: Path) -> bool:
    return Path(first).resolve() == second.resolve()
