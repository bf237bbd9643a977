"""Numbers and untrusted text for terminals and notebooks.

Comments are hostile, so their text is escaped: addresses do not become links, marks
that reverse the writing are dropped, formulas (which may hold links) are not typeset,
and nothing is loaded.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_MOST_LETTERS: Final = 200
_MOST_CHARACTERS: Final = 4_000
_CELL: Final = "padding:1px 8px 1px 0;text-align:left;vertical-align:middle;border:none"
_TABLE: Final = "border-collapse:collapse;margin:4px 0;font-size:inherit"
_BOX: Final = "max-width:60em;line-height:1.5;font-family:sans-serif;font-size:13px"


def safe(text: str, most: int = _MOST_LETTERS) -> str:
    """Return `text` as inert HTML.

    Examples
    --------
    >>> safe("<b>http://a.example</b>")
    '&lt;b&gt;http:<wbr>//a.example&lt;/b&gt;'
    """
    cut = text[: most + 1]
    if len(cut) > most:
        cut = f"{cut[:most]}…"
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in cut)
    # Drop direction marks, surrogates and private characters.
    shown = "".join(c for c in kept if unicodedata.category(c)[0] != "C" or c in "\u200c\u200d")
    # An invisible break keeps programs from turning addresses into links.
    page = html.escape(shown).replace("://", ":<wbr>//").replace("www.", "www<wbr>.")
    # A formula's delimiter must be within one element, so split it.
    return page.replace("$", "<span>$</span>").replace("\\", "<span>\\</span>")


def box(*parts: str) -> str:
    """Return HTML `parts` in a box that MathJax ignores."""
    # The first class is for MathJax 2, the second for MathJax 3.
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{_BOX}">{"".join(parts)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return `rows` as an HTML table with escaped cells; empty without rows."""
    lines = ["".join(cell(safe(str(text), 1_000)) for text in row) for row in rows]
    if not lines:
        return ""
    names = "".join(cell(safe(name), kind="th") for name in head)
    return grid([names, *lines] if any(head) else lines)


def grid(lines: Iterable[str]) -> str:
    """Return rows of HTML cells as a table."""
    inside = "".join(f'<tr style="background:none">{line}</tr>' for line in lines)
    return f'<table style="{_TABLE}">{inside}</table>'


def cell(page: str, style: str = "", kind: str = "td") -> str:
    """Return a table cell with the HTML `page`."""
    return f'<{kind} style="{_CELL}{style}">{page}</{kind}>'


def percent(probability: float) -> str:
    """Return a probability in percent, but never 0 % or 100 %, which would claim certainty.

    >>> percent(0.987), percent(0.00001), percent(0.999999)
    ('99 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability >= 0.995 else f"{100 * probability:.0f} %"


def share(value: float | None, digits: int = 1) -> str:
    """Return a measured share, 0 to 1, in percent, or a dash for None.

    >>> share(0.8746), share(0.0), share(None)
    ('87.5 %', '0.0 %', '–')
    >>> share(0.99999)
    '99.9 %'
    """
    if value is None:
        return "–"
    rounded = round(100 * value, digits)
    # What is not certain must not look certain.
    if value < 1 and rounded >= 100:
        rounded = 100 - 10.0**-digits
    return f"{rounded:.{digits}f} %"


def counted(value: int, one: str, many: str = "") -> str:
    """Return a number with its noun, or with a noun and verb that agree with it.

    Examples
    --------
    >>> counted(1, "comment"), counted(1_200, "comment")
    ('1 comment', '1,200 comments')
    >>> counted(2, "comment is", "comments are")
    '2 comments are'
    """
    return f"{value:,} {one if value == 1 else many or f'{one}s'}"


def one_line(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return the start of `text` in one line, safe for a terminal.

    Control characters, direction marks, private characters and surrogates are dropped.

    >>> one_line("two\\x1b[2J\\nlines")
    'two [2J lines'
    """
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[:most])
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())
