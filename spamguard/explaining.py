"""Contributions to reasons in words, and to the words of the comment.

Every named feature gives one reason, with its evidence. N-grams are grouped by word,
so that people read words and not hash buckets.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features import BLOCKS, FAMILIES, FEATURES, Evidence, Pieces
from spamguard.verdict import Reason

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MOST_WORDS: Final = 40
"""Number of words with a reason of their own; the rest is one reason, ``ngrams_rest``."""
MOST_SHADED: Final = 1_500
"""Maximum number of shaded words; the others are one sum."""
_MOST_STRINGS, _LONGEST_STRING = 20, 60
_ROUNDING: Final = 5e-7
_MEANING = {f.name: f.meaning for f in FEATURES}
_NAMES = tuple(_MEANING)
_COLUMNS = {name: i for i, name in enumerate(_NAMES)}
_REST = "ngrams_rest"
_JOINERS = "\u200c\u200d"  # parts of Arabic and Indic words
_PLACES = {
    "words": "text", "pairs": "text", "characters": "text",
    "author": "author", "hosts": "hosts", "anchors": "anchors",
}  # fmt: skip


# --- reasons ----------------------------------------------------------------------


def reasons_for(
    evidence: Evidence, named: F64, weights: F32, total: float, most: int | None = None
) -> tuple[Reason, ...]:
    """Return the reasons for a verdict, strongest first, or only the first `most`.

    `named` holds the contributions of named features, shape (n_features,), `weights`
    the n-gram weights, shape (2**bits,), and `total` the sum of all contributions.
    """
    # A contribution, its feature, and the word it comes from.
    found = [(part, name, "") for part, name in zip(named.tolist(), _NAMES, strict=True) if part]
    sums = _sums_by_word(evidence, weights)
    words = [(part, name, word) for (name, word), part in sums.items() if part]
    words.sort(key=_strength)
    found += words[:MOST_WORDS]
    rest = total - sum(part for part, _, _ in found)
    left = len(words) - MOST_WORDS
    if left > 0 or abs(rest) > _ROUNDING:
        found.append((rest, _REST, ""))
    found.sort(key=_strength)
    rest_said = f"{left} further words and parts of words" if left > 0 else "rounding"
    return tuple(
        Reason(name, part, rest_said if name == _REST else _said(name, word, evidence))
        for part, name, word in found[:most]
    )


def _strength(found: tuple[float, str, str]) -> float:
    return -abs(found[0])


def _said(name: str, word: str, evidence: Evidence) -> str:
    """Return the evidence of a contribution in words."""
    meaning = _MEANING.get(name)
    if meaning is None:
        return f"“{_printable(word)}”"
    strings = evidence.strings.get(name, ())[:_MOST_STRINGS]
    if strings:
        shown = dict.fromkeys(_printable(string[:_LONGEST_STRING]) for string in strings)
        return f"{meaning}: {', '.join(f'“{string}”' for string in shown)}"
    return meaning if evidence.values[_COLUMNS[name]] else f"no sign of: {meaning}"


def _printable(text: str) -> str:
    """Return `text` without surrogates and control characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else "\ufffd" for c in text)


def _sums_by_word(evidence: Evidence, weights: F32) -> dict[tuple[str, str], float]:
    """Return the contribution of each word and pair of words, by the place it was found."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for block in BLOCKS:
        pieces = evidence.ngrams[block]
        parts = _sums_by_piece(pieces, weights)
        found = np.flatnonzero(parts)
        for i, part in zip(found.tolist(), parts[found].tolist(), strict=True):
            sums[f"ngrams_{_PLACES[block]}", pieces.text(i)[:_LONGEST_STRING]] += part
    return sums


def _sums_by_piece(pieces: Pieces, weights: F32) -> F64:
    """Return the contribution of a block's n-grams for each piece of its text.

    N-grams of the block in the same bucket share its contribution.
    """
    parts = weights[pieces.buckets].astype(float) * pieces.values / pieces.counts
    sums: F64 = np.bincount(pieces.places, parts, len(pieces.texts)).astype(float)
    return sums


# --- shading ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text, with its contribution to the log-odds.

    `text` is unescaped. Pairs of words share their contribution. `ends_line` says whether
    a line break follows.
    """

    text: str
    contribution: float
    ends_line: bool


@dataclass(frozen=True, slots=True)
class Shading:
    """The source of a comment's log-odds; with the intercept, all of them.

    `elsewhere` holds contributions from outside the text, by family: named features, and
    n-grams of the author's name, of addresses and of link texts.
    """

    words: tuple[Word, ...]
    elsewhere: dict[str, float]

    @property
    def in_text(self) -> float:
        """Sum of the contributions of the words."""
        return sum(word.contribution for word in self.words)


def shading_of(evidence: Evidence, contributions: F64, weights: F32) -> Shading:
    """Return the shading for `contributions`, as `SpamModel.contributions` returns them."""
    blocks = dict(zip(BLOCKS, contributions[len(FEATURES) :].tolist(), strict=True))
    elsewhere: dict[str, float] = {}
    start = 0
    for family, features in FAMILIES.items():
        elsewhere[family] = float(contributions[start : start + len(features)].sum())
        start += len(features)
    elsewhere["name, in parts"] = blocks["author"]
    elsewhere["addresses, in parts"] = blocks["hosts"]
    elsewhere["words of links"] = blocks["anchors"]
    words = _words(evidence, weights)
    in_text = sum(blocks[name] for name, place in _PLACES.items() if place == "text")
    rest = in_text - sum(word.contribution for word in words)
    if len(words) > MOST_SHADED:
        further = sum(word.contribution for word in words[MOST_SHADED:])
        elsewhere[f"{len(words) - MOST_SHADED:,} further words"] = further
    if abs(rest) > _ROUNDING:
        elsewhere["words, not placed"] = rest
    return Shading(tuple(words[:MOST_SHADED]), {k: v for k, v in elsewhere.items() if v})


def _words(evidence: Evidence, weights: F32) -> list[Word]:
    lines = [line.split() for line in evidence.text.split("\n")]
    written = [word for line in lines for word in line]
    sums = np.zeros(len(written))
    for block, place in _PLACES.items():
        pieces = evidence.ngrams[block]
        if place != "text" or pieces.positions is None:
            continue
        # The end of a very long text is not read.
        count = min(len(pieces.positions), len(pieces.texts))
        at, parts = pieces.positions[:count], _sums_by_piece(pieces, weights)[:count]
        if pieces.width == 1:
            np.add.at(sums, at, parts)
        else:
            np.add.at(sums, at[:-1], parts[:-1] / 2)
            np.add.at(sums, at[1:], parts[:-1] / 2)
    last = set((np.cumsum([len(line) for line in lines]) - 1).tolist())
    return [
        Word(text, part, i in last)
        for i, (text, part) in enumerate(zip(written, sums.tolist(), strict=True))
    ]
