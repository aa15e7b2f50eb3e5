"""YAML text → plain values and the nodes that know their lines, read as YAML 1.2 reads them and within limits.

In: text. Out: dictionaries, lists, text, numbers, true and false. What YAML 1.1 would turn into something else stays
text: `1:30` (90), `010` (8), `1_000`, `2001-01-01`, `yes`, `no`, `on`, `off`. Keys stand once; there are no tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

DEEPEST = 20
"""Lists and mappings inside each other."""
MOST_VALUES = 100_000
"""Values in one text, those that aliases repeat counted each time."""
TAG = "tag:yaml.org,2002:"
WHOLE = r"[-+]?(?:0|[1-9][0-9]*)"
CORE: dict[str, tuple[re.Pattern[str], str]] = {
    f"{TAG}null": (re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN"),
    f"{TAG}bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    f"{TAG}int": (re.compile(f"^{WHOLE}$"), "-+0123456789"),
    f"{TAG}float": (
        re.compile(
            rf"^(?:(?:{WHOLE}(?:\.[0-9]*)?|[-+]?\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        "-+0123456789.",
    ),
}
"""Plain scalars that are not text: tag → its spelling (YAML 1.2.2, section 10.3.2, decimal only) and first letters."""


def read_nodes(text: str) -> tuple[yaml.Node | None, Any]:
    """The root node of one document and its content, both None for an empty one.

    Raises yaml.YAMLError for text that is no YAML, and Refusal for what is nested deeper than `DEEPEST` or larger than
    `MOST_VALUES`, has tags, or a key that stands twice in one mapping.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    return node, None if node is None else _Content().of(node, 0)


def write_nodes(value: Any) -> str:
    """YAML of plain values that `read_nodes` and readers of YAML 1.1 understand alike."""
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written


class Refusal(Exception):
    """What is valid YAML and not read: the problem with its way out, and its 1-based line."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise _refusal(f"tags such as {tag.replace(TAG, '!!')} are not read: leave it out", event)
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refusal("lists or mappings nested too deeply: write one level per line", event)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {  # noqa: RUF012
        first: list(resolvers) for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        """Points and lists of points in brackets, as a person writes them."""
        return super().represent_sequence(tag, sequence, flow_style or _is_points(sequence))


def _is_points(sequence: Any) -> bool:
    """Whether it holds numbers, or lists of numbers, alone."""
    values = [v for one in sequence for v in (one if isinstance(one, list) else [one])]
    return bool(values) and all(type(v) in (int, float) for v in values)


for _tag, (_spelling, _letters) in CORE.items():
    for _first in (*_letters, *([""] if _tag.endswith("null") else [])):
        _Loader.yaml_implicit_resolvers.setdefault(_first, []).append((_tag, _spelling))
for _first, _resolvers in _Loader.yaml_implicit_resolvers.items():
    # Before those of YAML 1.1: numbers of both are written plain, text that either takes for a number in quotes.
    _Dumper.yaml_implicit_resolvers[_first] = [*_resolvers, *_Dumper.yaml_implicit_resolvers.get(_first, [])]


class _Content:
    """Content of nodes, counted."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, node: yaml.Node, depth: int) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _refusal(f"more than {MOST_VALUES:,} values: shorten it", node)
        if depth > DEEPEST:
            raise _refusal("it holds itself: write out what '*' stands for", node)
        if isinstance(node, yaml.ScalarNode):
            return _SCALARS.get(node.tag, str)(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(child, depth + 1) for child in node.value]
        content: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key must be a word", key)
            if key.value in lines:
                raise _refusal(f"'{key.value}' stands here and in line {lines[key.value]}: keep one", key)
            lines[key.value] = key.start_mark.line + 1
            content[key.value] = self.of(child, depth + 1)
        return content


def _whole(value: str) -> int | float:
    """A whole number; one of more digits than any use has as a float, which may be infinite."""
    return int(value) if len(value) <= 18 else float(value)


def _number(value: str) -> float:
    return float(value.replace(".inf", "inf").replace(".nan", "nan") if value[-1].isalpha() else value)


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{TAG}null": lambda value: None,
    f"{TAG}bool": lambda value: value[0] in "tT",
    f"{TAG}int": _whole,
    f"{TAG}float": lambda value: _number(value.lower()),
}


def _refusal(problem: str, place: yaml.Node | yaml.Event) -> Refusal:
    return Refusal(problem, place.start_mark.line + 1 if place.start_mark else 1)
