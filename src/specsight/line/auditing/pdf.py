"""A sheet → PDF; the same sheet gives the same bytes.

ReportLab (BSD) writes it: a wheel without system libraries, which embeds fonts that come with matplotlib and
can leave out times and random ids. WeasyPrint lays out HTML, but takes Pango and fonts from the
system: another machine, other bytes. `fonts` says in what each character is set.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from specsight.errors import require
from specsight.line.auditing.fonts import BOLD, FONT, runs, width
from specsight.line.auditing.sections import Section
from specsight.line.auditing.sheet import Sheet

MARGIN = 48.0
"""Of a page, in points."""
PADDING = 6.0
"""That ReportLab leaves inside a frame."""
INK, SOFT, LINE, BAD, FINE, STRONG = "#1b2127", "#56616c", "#dde1e4", "#a3261b", "#1c6b45", "#fff3d6"
LONGEST_WORD = 24
"""Characters of words that are not broken in a table."""
BROUGHT = (
    "Chinese, Japanese and Korean text stands here in fonts that this file does not hold: where its place is blank, "
    "the viewer lacks them. The HTML sheet of this part shows them, too."
)
LARGEST = 260.0
"""Height of a picture at most, in points."""


def render(sheet: Sheet) -> bytes:
    """The sheet on A4 pages. Raises MissingExtra where ReportLab is not installed."""
    require("reportlab", "audit")
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    write = _Writer(A4[0] - 2 * MARGIN - 2 * PADDING)
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"{sheet.title}: {sheet.verdict}",
        author="",
        creator="Specsight",
        lang="en",
        invariant=1,  # the same sheet, the same bytes: it was created on 2000-01-01
    )

    def foot(canvas: Any, _document: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(SOFT)
        line = canvas.beginText(MARGIN, MARGIN / 2)
        for font, run in runs(f"{sheet.title[:90]} · Specsight"):
            line.setFont(font or FONT, 7)
            line.textOut(run)
        canvas.drawText(line)
        canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, f"page {canvas.getPageNumber()}")

    document.build(write.story(sheet), onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


class _Writer:
    """Pieces of a page `width` points wide."""

    def __init__(self, width: float) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self.width = width
        self.brought = False
        """Whether some text takes fonts of the viewer."""

        def style(name: str, size: float, colour: str = INK, font: str = FONT, **more: Any) -> ParagraphStyle:
            values = {"fontName": font, "fontSize": size, "leading": 1.35 * size, "textColor": colour}
            return ParagraphStyle(name, **{**values, "splitLongWords": 1, **more})

        self.styles = {
            "title": style("title", 16, font=BOLD, spaceAfter=4),
            "lead": style("lead", 10, spaceAfter=3),
            "alert": style(
                "alert", 10, BAD, BOLD, borderColor=BAD, borderWidth=1, borderPadding=5, spaceBefore=6
            ),
            "section": style("section", 11, font=BOLD, spaceBefore=12, spaceAfter=3),
            "cell": style("cell", 8),
            "strong": style("strong", 8, font=BOLD),
            "head": style("head", 8, SOFT, BOLD),
            "caption": style("caption", 7.5, SOFT),
        }

    def marked(self, text: str) -> str:
        """Text as a paragraph takes it, with the fonts of what the embedded ones lack."""
        found = [(font, escape(run).replace("\n", "<br/>")) for font, run in runs(text)]
        self.brought |= any(font for font, _ in found)
        return "".join(f'<font name="{font}">{run}</font>' if font else run for font, run in found)

    def paragraph(self, text: str, style: str) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(self.marked(text), self.styles[style])

    def story(self, sheet: Sheet) -> list[Any]:
        from reportlab.platypus import Paragraph, Spacer

        colour = BAD if sheet.bad else FINE
        title = f'{self.marked(sheet.title)}: <font color="{colour}">{self.marked(sheet.verdict)}</font>'
        parts: list[Any] = [Paragraph(title, self.styles["title"]), self.paragraph(sheet.lead, "lead")]
        if sheet.alert:
            parts += [self.paragraph(sheet.alert, "alert"), Spacer(1, 8)]
        if sheet.pictures:
            parts += [Spacer(1, 6), self._pictures(sheet)]
        for section in sheet.sections:
            parts += self._section(section)
        if self.brought:
            parts.insert(2, self.paragraph(BROUGHT, "caption"))
        return parts

    def _pictures(self, sheet: Sheet) -> Any:
        from reportlab.platypus import Image, Table

        gap = 10.0
        room = (self.width - gap) / 2
        cells = []
        for one in sheet.pictures:
            height, width = one.size
            scale = min(room / width, LARGEST / height)
            image = Image(io.BytesIO(one.content), width * scale, height * scale)
            image.hAlign = "LEFT"
            cells.append([image, self.paragraph(one.caption, "caption")])
        cells += [[]] * (2 - len(cells))
        return Table(
            [cells], [room + gap, room], style=[*_PLAIN, ("VALIGN", (0, 0), (-1, -1), "TOP")], hAlign="LEFT"
        )

    def _section(self, section: Section) -> list[Any]:
        from reportlab.platypus import CondPageBreak, Table

        parts: list[Any] = [CondPageBreak(70), self.paragraph(section.title, "section")]
        parts += [self.paragraph(line, "cell") for line in section.text]
        if not section.rows:
            return parts
        style: list[Any] = [
            *_PLAIN,
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
        rows = [[self.paragraph(name, "head") for name in section.head]] if section.head else []
        for number, row in enumerate(section.rows):
            strong = number in section.strong
            if strong:
                style.append(("BACKGROUND", (0, len(rows)), (-1, len(rows)), STRONG))
            names = [
                "head" if not section.head and k == 0 else "strong" if strong else "cell"
                for k in range(len(row))
            ]
            rows.append([self.paragraph(cell, name) for cell, name in zip(row, names)])
        widths = self._widths(section)
        parts.append(
            Table(rows, widths, hAlign="LEFT", style=style, repeatRows=1 if section.head else 0, splitInRow=1)
        )
        return parts

    def _widths(self, section: Section) -> list[float]:
        """Columns in proportion to their longest cell, up to a limit, and never narrower than their longest word."""
        if not section.head:
            return [110.0, self.width - 110.0]

        def taken(text: str) -> float:
            return width(text, BOLD, 8) + 10

        columns: Sequence[Sequence[str]] = list(zip(section.head, *section.rows))
        words = [
            max(taken(word) for cell in column for word in cell.split() or [""] if len(word) <= LONGEST_WORD)
            for column in columns
        ]
        wanted = [min(max(map(taken, column)), self.width / 2) for column in columns]
        room = self.width - sum(words)
        further = [max(want - word, 0.0) for want, word in zip(wanted, words)]
        return [word + room * more / (sum(further) or 1.0) for word, more in zip(words, further)]


_PLAIN = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 8),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
]
