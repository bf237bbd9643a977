"""How numbers and foreign text are printed for a person: one percent format, one escaper."""

from __future__ import annotations

import unicodedata

_MOST_CHARACTERS = 4_000


def percent(probability: float) -> str:
    """Return a probability in percent, but never 0 % or 100 %: nobody can know that.

    Examples
    --------
    >>> percent(0.987), percent(0.00001), percent(0.999999)
    ('99 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability >= 0.995 else f"{100 * probability:.0f} %"


def share(value: float, digits: int = 1) -> str:
    """Return a measured share, 0 to 1, in percent.

    Examples
    --------
    >>> share(0.8746), share(0.0)
    ('87.5 %', '0.0 %')
    """
    return f"{100 * value:.{digits}f} %"


def one_line(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return the start of `text` in one line, without characters that could command a terminal.

    Direction marks, private characters and half characters go, too: they tell a
    reader nothing, or deceive one.

    Examples
    --------
    >>> one_line("two\\x1b[2J\\nlines")
    'two [2J lines'
    """
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[:most])
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())
