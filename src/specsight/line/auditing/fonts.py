"""Text → runs that one font of a PDF shows.

DejaVu, which comes with matplotlib, is embedded. Chinese, Japanese and Korean are set in fonts that PDF names for them
through predefined CMaps (ISO 32000-1, 9.7.5.2); viewers bring them along or put their own in place, for such fonts have
tens of MB. What neither has is written as its code points.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path

FONT, BOLD = "SpecsightSans", "SpecsightSansBold"
FILES = {FONT: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
CHINESE, JAPANESE, KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
CHARACTERS = {CHINESE: "gbk", JAPANESE: "shift_jis", KOREAN: "euc_kr"}
"""Fonts that viewers bring → the encoding whose characters each has at least."""
KANA, HANGUL = re.compile("[\u3041-\u30fa]"), re.compile("[\uac00-\ud7a3]")


def runs(text: str) -> list[tuple[str, str]]:
    """(font, text) one after the other; the font is empty for those that are embedded, bold or not.

    One character may be written differently in each language: a text with kana is Japanese, one with hangul Korean,
    any other Chinese.
    """
    order = [CHINESE, JAPANESE, KOREAN]
    first = JAPANESE if KANA.search(text) else KOREAN if HANGUL.search(text) else CHINESE
    order = [first, *(one for one in order if one != first)]
    shown = [_shown(one, order) for one in text]
    return [(font, "".join(one for _, one in run)) for font, run in groupby(shown, key=lambda one: one[0])]


def width(text: str, font: str, size: float) -> float:
    """Points that a text takes, in `font` where that has its characters."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return sum(float(stringWidth(run, other or font, size)) for other, run in runs(text))


def _shown(one: str, order: list[str]) -> tuple[str, str]:
    """The font of a character, and what stands for it."""
    if one == "\n" or ord(one) in _glyphs():
        return "", one
    font = next((font for font in order if _has(font, one)), "")
    return font, one if font else f"[U+{ord(one):04X}]"


def _has(font: str, one: str) -> bool:
    try:
        one.encode(CHARACTERS[font])
    except UnicodeEncodeError:
        return False
    return ord(one) <= 0xFFFF  # names of glyphs are given in UCS-2


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the embedded fonts have; registers all."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [TTFont(name, str(folder / file)) for name, file in FILES.items()]
    for one in [*fonts, *(UnicodeCIDFont(name) for name in CHARACTERS)]:
        pdfmetrics.registerFont(one)
    return frozenset.intersection(*(frozenset(one.face.charToGlyph) for one in fonts))
