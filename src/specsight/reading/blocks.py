"""A text → statements: its sentences, with the heading or the key that they stand under.

In: text of any kind: prose, lists, key-value lines, Markdown. Out: `Statement`s in the order of the text. A list under
"Accept:" is read as sentences that begin with "Accept"; rows of tables are statements too (`tables`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from specsight.reading.normal import plain
from specsight.reading.tables import Row, row_cells, table_length

BULLET = re.compile(r"^\s*(?:[-*•·‣▪◦–+]|\(?\d{1,3}[.)](?!\d)|\(?[a-zA-Z][.)]|\[[ xX]?\])\s+(?=\S)")
RULE = re.compile(r"^\s*(?:=+|-{3,}|\*{3,}|_{3,})\s*$")
UNDERLINE = re.compile(r"^\s*(?:={3,}|-{3,})\s*$")
TITLE = re.compile(r"^\s*#{1,6}\s+|^\s*\d{1,2}(?:\.\d{1,2})*\.?\s+(?=[A-Z][\w /&-]{1,40}$)")
"""Beginnings of headings: "## Limits", "3.1 Limits"."""
ABBREVIATION = re.compile(
    r"\b(?:max|min|doc|e\.g|i\.e|dia|no|approx|incl|sq|resp|vs|ca|fig|rev|(?<![-\w])[A-Z])\.$|\bin\.$",
    re.IGNORECASE,
)
END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)")
GOES_ON = re.compile(
    r"(?i:except|excepting|exceptions?|excluding|unless|but|however|otherwise|though|although)\b"
    r"|(?i:apart)\b(?![^,]*, (?i:everything|nothing|all)\b)"
    r"|(?i:the rest|the remainder|the others?|everything else|nothing else|anything else|all else|all others?"
    r"|elsewhere|nowhere else|the same|likewise|only there|exception:)\b"
    r"|(?i:this|that|these|those|it|they) (?:is|are|does|do|holds?|apply|applies|means?|must|should|may)\b"
    r"|(?i:(?:please )?(?:also )?(?:add|report|flag|record|treat|include|ignore|skip) (?:it|them|these|those|this|both)\b)"  # noqa: E501
    r"|(?:on|in|at|of|up to|at most|and|or|if|when|while|where|is|are|must|only (?:on|in|at|if|when))\b"
)
"""Beginnings of what still belongs to the sentence before, behind the end of a line or a full stop."""
OPEN = re.compile(
    r"(?i:,|\b(?:not|never|no|don't|only|if|when|unless|to|and|or|but|of|on|in|the|a|than|is|are|be))$"
)
"""Endings of a line that say that the sentence goes on in the next."""
MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
PUNCTUATION = " .!?;:-*•–_#|=>+,"

KEYED = re.compile(r"[\w ()/-]{1,40}?(?::(?=\s|$)| = )")
"""Beginnings of lines that give a key its value: they begin a statement."""

EMPHASISED = re.compile(r"(\*\*?|__?)[^*_]{1,60}\1:?")
COLUMNS = re.compile(r"^([^\W\d][\w -]{1,30}?)(?: {3,}|\t+)(\S+(?: \S+){0,3})$")
"""A line in two columns without a rule: "nick      0.05 mm"."""

Understood = Callable[[str], bool]
"""Whether a sentence in plain characters is understood by itself."""


@dataclass(frozen=True)
class Statement:
    """One sentence: `text` as it was given, `plain` in plain characters."""

    text: str
    plain: str
    lead: str = ""
    """The line with a colon at its end that it belongs to: it says what the lines below are for."""
    title: str = ""
    """The heading, which may say what a short item is about."""
    row: Row | None = None


@dataclass
class _Page:
    """Where a text is being read: the headings that hold, and the paragraph or item that is not at its end yet."""

    understood: Understood
    lead: str = ""
    used: bool = False
    """Whether something has stood below `lead`."""
    deep: bool = False
    """Whether what stands below `lead` is indented."""
    title: str = ""
    waiting: str = ""
    found: list[Statement] = field(default_factory=list)

    def flush(self) -> None:
        """End the paragraph or item."""
        if self.waiting:
            self.used = self.used or bool(self.lead)
            self.found += _sentences(self.waiting, self.lead, self.title)
        self.waiting = ""

    def blank(self) -> None:
        """An empty line ends what stands below a line with a colon."""
        self.flush()
        if self.used:
            self.lead, self.used = "", False

    def line(self, line: str) -> None:
        """One line that is no row of a table."""
        if self.used and self.lead and line[0].isspace():
            self.deep = True
        elif self.deep and self.used:
            self.flush()
            self.lead, self.used, self.deep = "", False, False
        if EMPHASISED.fullmatch(line.strip()):
            line = f"{line.strip().rstrip(':')}:"
            self.flush()
        line = COLUMNS.sub(r"\1: \2", line)
        title = TITLE.match(line)
        if title and (line.lstrip()[0] == "#" or not self.understood(_plain(line[title.end() :]))):
            self.flush()
            self.lead, self.used = "", False
            self.title = line[title.end() :].strip().rstrip(":#").strip()
            self.found.append(_statement(self.title, title=self.title))
            return
        if bullet := BULLET.match(line):
            self.flush()
            line = line[bullet.end() :]
        elif self.waiting and not self._goes_on(line.strip()):
            self.flush()
        self.waiting = f"{self.waiting} {line.strip()}".strip()
        if self.waiting.endswith(":"):
            *sentences, lead = _pieces(self.waiting) or [""]
            self.waiting = " ".join(sentences)
            self.flush()
            self.lead, self.used = lead, False

    def _goes_on(self, line: str) -> bool:
        """Whether a line goes on with the sentence before: it begins small, unless both are understood alone."""
        before = self.waiting
        if GOES_ON.match(line) or OPEN.search(before[-10:]):
            return True
        if KEYED.match(line) and not OPEN.search(before[-10:]):
            return False
        if before[-1] in ".!?;:" or not (line[0].islower() or line[0].isdigit()):
            return False
        return not (self._is_whole(line) and self._is_whole(before))

    def _is_whole(self, line: str) -> bool:
        """Whether a line is understood, by itself or under its heading."""
        given = _plain(line)
        return self.understood(given) or (
            bool(self.title) and self.understood(f"{_plain(self.title)}: {given}")
        )


def statements(text: str, understood: Understood) -> list[Statement]:
    """The statements of a text; nothing but punctuation is left out."""
    page = _Page(understood)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")
    k = 0
    while k < len(lines):
        if rows := table_length(lines, k):
            page.flush()
            header = row_cells(lines[k])
            for line in lines[k + 2 : k + rows]:
                row = Row(tuple(map(_plain, header)), tuple(map(_plain, row_cells(line))))
                page.found.append(Statement(line.strip(), _plain(line), page.lead, page.title, row))
            k += rows
            continue
        below = lines[k + 1] if k + 1 < len(lines) else ""
        if lines[k].strip() and UNDERLINE.match(below) and len(lines[k]) < 80:
            page.line(f"# {lines[k].strip()}")
        elif not lines[k].strip():
            page.blank()
        elif not RULE.match(lines[k]):
            page.line(lines[k])
        k += 1
    page.flush()
    if page.lead and not page.used:
        page.found.append(_statement(page.lead))
    return page.found


def _sentences(text: str, lead: str, title: str) -> Iterator[Statement]:
    """The sentences of a paragraph or of an item of a list."""
    waiting = ""
    for piece in _pieces(text):
        if waiting and GOES_ON.match(piece) and not waiting.endswith("?"):
            waiting = f"{waiting} {piece}"
            continue
        if waiting:
            yield _statement(waiting, lead, title)
        waiting = piece
    if waiting:
        yield _statement(waiting, lead, title)


def _pieces(text: str) -> list[str]:
    """A text cut at the ends of its sentences."""
    pieces: list[str] = []
    for piece in END.split(text):
        piece = " ".join(piece.split())
        if (
            pieces
            and ABBREVIATION.search(pieces[-1])
            and not (pieces[-1].endswith(("in.", "max.", "min.")) and piece[:1].isupper())
        ):
            pieces[-1] = f"{pieces[-1]} {piece}"
        elif piece.strip(PUNCTUATION):
            pieces.append(piece)
    return pieces


def _statement(text: str, lead: str = "", title: str = "") -> Statement:
    return Statement(text, _plain(text), _plain(lead), _plain(title))


def _plain(text: str) -> str:
    return " ".join(MARKS.sub("", plain(text)).split()).strip(" >")
