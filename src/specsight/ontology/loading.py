"""Files of knowledge about types → an `Ontology`, and back.

In: the shipped files (`types.yaml`, one file per set in `sets`) and YAML files of a user's own, in the same format.
Out: one ontology. An error names the file and the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from specsight.ontology.entries import Attributes, OntologyFile, ProductTypes, TypeEntry
from specsight.ontology.ontology import Ontology, completed
from specsight.specification.terms import SeverityLevel
from specsight.specification.yaml import parse_model, read_words
from specsight.specification.yaml_nodes import write_nodes
from specsight.storage.files import write_text

HERE = Path(__file__).parent
NESTED: Mapping[str, type[BaseModel]] = {
    "types": TypeEntry,
    "products": ProductTypes,
    "attributes": Attributes,
    "severity": SeverityLevel,
}


def load_ontology(layout: str | None = None, extend: Iterable[Path] = ()) -> Ontology:
    """The shipped knowledge, extended by a user's files, of which later ones count before earlier ones.

    Parameters: `layout` is that of the data (`DatasetListing.layout`): where a shipped set has this layout, products of
    the others are not meant even if their names are the same (the toothbrush of MVTec AD and that of Real-IAD). Raises
    SpecsightError that names file and line.
    """
    files = list(_shipped())
    if layout is not None and layout in {file.layout for file in files}:
        files = [
            file.model_copy(update={"products": ()}) if file.layout not in (None, layout) else file
            for file in files
        ]
    for path in extend:
        files.append(_parse(read_words(path), str(path), files))
    return _together(files)


def read_ontology(path: Path) -> Ontology:
    """The ontology of one file alone, such as that of a benchmark. Raises SpecsightError that names file and line."""
    return _together([_parse(read_words(path), str(path), [])])


def save_ontology(ontology: Ontology, path: Path, name: str) -> None:
    """Write an ontology as one file that `read_ontology` reads back; `name` becomes its set. Equal ones give equal
    bytes."""
    content = OntologyFile(
        set=name,
        general=tuple(name for name in ontology.types if name in ontology.general),
        superclasses=dict(ontology.superclasses),
        types=tuple(_bases_first(ontology)),
        products=ontology.products,
    )
    write_text(path, write_nodes(content.model_dump(mode="json", exclude_defaults=True)))


@cache
def _shipped() -> tuple[OntologyFile, ...]:
    files: list[OntologyFile] = []
    for path in (HERE / "types.yaml", *sorted((HERE / "sets").glob("*.yaml"))):
        files.append(_parse(read_words(path), path.name, files))
    return tuple(files)


def _parse(text: str, source: str, before: Iterable[OntologyFile]) -> OntologyFile:
    """A file, whose names may be those of the files before it."""
    known = list(before)
    context = {
        "types": {entry.name for file in known for entry in file.types},
        "superclasses": {name for file in known for name in file.superclasses},
    }
    return parse_model(text, OntologyFile, source, NESTED, context)


def _together(files: Iterable[OntologyFile]) -> Ontology:
    files = list(files)
    return Ontology(
        {name: text for file in files for name, text in file.superclasses.items()},
        completed(entry for file in files for entry in file.types),
        tuple(block for file in files for block in file.products),
        frozenset[str]().union(*(file.anywhere for file in files)),
    )


def _bases_first(ontology: Ontology) -> Iterator[TypeEntry]:
    """Entries in their order, but for those that others are like, which come before these."""
    given: set[str] = set()

    def entries(entry: TypeEntry) -> Iterator[TypeEntry]:
        if entry.name in given:
            return
        if entry.like is not None and entry.like != entry.name:
            yield from entries(ontology.types[entry.like])
        given.add(entry.name)
        yield entry

    for entry in ontology.types.values():
        yield from entries(entry)
