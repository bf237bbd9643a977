"""What strangers wrote, as pieces of plain text: nothing in it acts, hides or turns around.

The templates escape every piece. Here the words that moved the verdict are marked,
and characters that would reorder a line or cannot be seen are named instead.
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
# Controls but tab and line ends, marks of direction, invisible ones, tags, halves of characters.
# U+200C and U+200D stay: some scripts need them.
_ODD: Final = (
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e"
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff\\U000e0000-\\U000e0fff]"
)
_QUOTED: Final = re.compile("“([^”]{1,80})”")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text.

    Parameters
    ----------
    text : str
    kind : {"", "spam", "ham", "odd"}
        What the words speak for; ``"odd"`` names a character that is not shown.
    """

    text: str
    kind: str = ""


def pieces_of(text: str | None, marks: Mapping[str, float], most: int = MOST) -> list[Piece]:
    """Return the text in pieces.

    Parameters
    ----------
    text : str or None
    marks : mapping of str to float
        Words in small letters, and what they contribute to the log-odds of spam.
    most : int
        Characters that are shown; the last piece tells how many are left.
    """
    whole = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    found = list(_split(whole[:most], marks))
    if len(whole) > most:
        found.append(Piece(f" … and {len(whole) - most:,} more characters", "odd"))
    return found


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
            # What the pattern takes for equal and `lower` does not is no mark.
            yield Piece(f"U+{ord(seen):04X}", "odd") if len(seen) == 1 else Piece(seen)
        else:
            yield Piece(seen, "spam" if weight > 0 else "ham")
    if at < len(text):
        yield Piece(text[at:])


def marks_of(reasons: Iterable[Reason]) -> dict[str, float]:
    """Return the words that reasons quote, in small letters, with what they contribute together."""
    found: dict[str, float] = {}
    for reason in reasons:
        for word in _QUOTED.findall(reason.evidence):
            word = word.strip().lower()
            if word:
                found[word] = found.get(word, 0.0) + reason.contribution
    return found


def plain(text: str | None) -> str:
    """Return the words of a post without its markup."""
    return plain_text(text) if text else ""


one_line = partial(pieces_of, marks={}, most=300)
