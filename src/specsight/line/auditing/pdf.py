"""A sheet → PDF, with the fonts embedded; the same sheet gives the same bytes.

ReportLab (BSD) writes it: a wheel without system libraries, which embeds fonts that come with matplotlib and
can leave out times and random ids. WeasyPrint lays out HTML, but takes Pango and fonts from the
system: another machine, other bytes. DejaVu has Latin, Greek, Cyrillic, Georgian, Armenian and more.
What it lacks is written as its code points.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from specsight.errors import require
from specsight.line.auditing.sections import Section
from specsight.line.auditing.sheet import Sheet

FONT, BOLD = "SpecsightSans", "SpecsightSansBold"
FILES = {FONT: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
MARGIN = 48.0
"""Of a page, in points."""
PADDING = 6.0
"""That ReportLab leaves inside a frame."""
INK, SOFT, LINE, BAD, FINE, STRONG = "#1b2127", "#56616c", "#dde1e4", "#a3261b", "#1c6b45", "#fff3d6"
LONGEST_WORD = 24
"""Characters of words that are not broken in a table."""
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
        invariant=1,
    )

    def foot(canvas: Any, _document: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, MARGIN / 2, f"{write.known(sheet.title)[:90]} · Specsight")
        canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, f"page {canvas.getPageNumber()}")

    document.build(write.story(sheet), onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


class _Writer:
    """Pieces of a page `width` points wide."""

    def __init__(self, width: float) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self.width = width
        self.glyphs = _glyphs()

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

    def known(self, text: str) -> str:
        """The text with characters that the font lacks as their code points."""
        return "".join(
            one if ord(one) in self.glyphs or one == "\n" else f"[U+{ord(one):04X}]" for one in text
        )

    def paragraph(self, text: str, style: str) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(escape(self.known(text)).replace("\n", "<br/>"), self.styles[style])

    def story(self, sheet: Sheet) -> list[Any]:
        from reportlab.platypus import Paragraph, Spacer

        colour = BAD if sheet.bad else FINE
        title = f'{escape(self.known(sheet.title))}: <font color="{colour}">{escape(self.known(sheet.verdict))}</font>'
        parts: list[Any] = [Paragraph(title, self.styles["title"]), self.paragraph(sheet.lead, "lead")]
        if sheet.alert:
            parts += [self.paragraph(sheet.alert, "alert"), Spacer(1, 8)]
        if sheet.pictures:
            parts += [Spacer(1, 6), self._pictures(sheet)]
        for section in sheet.sections:
            parts += self._section(section)
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
        from reportlab.pdfbase.pdfmetrics import stringWidth

        def width(text: str) -> float:
            return float(stringWidth(text, BOLD, 8)) + 10

        columns: Sequence[Sequence[str]] = list(zip(section.head, *section.rows))
        words = [
            max(width(word) for cell in column for word in cell.split() or [""] if len(word) <= LONGEST_WORD)
            for column in columns
        ]
        wanted = [min(max(map(width, column)), self.width / 2) for column in columns]
        room = self.width - sum(words)
        further = [max(want - word, 0.0) for want, word in zip(wanted, words)]
        return [word + room * more / (sum(further) or 1.0) for word, more in zip(words, further)]


_PLAIN = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 8),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
]


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the fonts have; registers them."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = {name: TTFont(name, str(folder / file)) for name, file in FILES.items()}
    for one in fonts.values():
        pdfmetrics.registerFont(one)
    return frozenset.intersection(*(frozenset(one.face.charToGlyph) for one in fonts.values()))
