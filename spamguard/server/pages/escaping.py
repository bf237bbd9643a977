"""What strangers wrote, as pieces of plain text in which nothing acts, hides or reorders.

The templates escape each piece. This module marks the words that moved the verdict, and
replaces characters that are invisible or reorder a line by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from spamguard.features import plain_text
from spamguard.verdict import Reason

MOST: Final = 20_000
"""Characters of a text that are shown."""

_MOST_MARKS: Final = 200
# Controls but tab and line ends, direction marks, invisible characters, tags, surrogates.
# U+200C and U+200D stay, because some scripts need them.
_ODD: Final = (
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e"
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff\\U000e0000-\\U000e0fff]"
)
_QUOTED: Final = re.compile("“([^”]{1,80})”")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text.

    Its kind is ``"spam"`` or ``"ham"`` for words that speak for one, ``"odd"`` for the
    name of a character that is not shown, and empty otherwise.
    """

    text: str
    kind: str = ""


def pieces_of(text: str | None, marks: Mapping[str, float], most: int = MOST) -> list[Piece]:
    """Return up to `most` characters of a text in pieces.

    `marks` maps words in lower case to their contribution to the log-odds of spam.
    """
    whole = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    pieces = list(_split(whole[:most], marks))
    if len(whole) > most:
        pieces.append(Piece(f" … and {len(whole) - most:,} more characters", "odd"))
    return pieces


def _split(text: str, marks: Mapping[str, float]) -> Iterator[Piece]:
    words = sorted(marks, key=lambda word: -len(word))[:_MOST_MARKS]
    pattern = _ODD
    if words:
        pattern += rf"|(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"
    at = 0
    for match in re.finditer(pattern, text, re.IGNORECASE):
        if match.start() > at:
            yield Piece(text[at : match.start()])
        seen, at = match.group(), match.end()
        weight = marks.get(seen.lower())
        if weight is None:
            # The pattern ignores case in more ways than `lower`; such a match is not marked.
            yield Piece(f"U+{ord(seen):04X}", "odd") if len(seen) == 1 else Piece(seen)
        else:
            yield Piece(seen, "spam" if weight > 0 else "ham")
    if at < len(text):
        yield Piece(text[at:])


def marks_of(reasons: Iterable[Reason]) -> dict[str, float]:
    """Return the words that reasons quote, in lower case, each with its total contribution."""
    marks: dict[str, float] = {}
    for reason in reasons:
        for word in _QUOTED.findall(reason.evidence):
            word = word.strip().lower()
            if word:
                marks[word] = marks.get(word, 0.0) + reason.contribution
    return marks


def plain(text: str | None) -> str:
    """Return a post's text without its markup."""
    return plain_text(text) if text else ""


one_line = partial(pieces_of, marks={}, most=300)
