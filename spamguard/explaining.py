"""Contributions -> reasons in words, and the words of the comment they come from.

Every named feature gives one reason, with what made it fire. The n-grams are
gathered by the word that they are cut from, so that a person reads words and
not hash buckets.
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
"""Reasons given for single words; the rest is one reason, ``ngrams_rest``."""
MOST_SHADED: Final = 1_500
"""Words that are shaded; what the others add is one sum."""
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
    """Return the reasons for a verdict, strongest first.

    Parameters
    ----------
    evidence : Evidence
        Of the comment.
    named : ndarray of float64, shape (n_features,)
        What each named feature contributes.
    weights : ndarray of float32, shape (2**bits,)
        Weight of each bucket of n-grams.
    total : float
        What all contributions add up to, and so the reasons.
    most : int, optional
        Put only so many into words.
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
    """Return in words what a contribution comes from."""
    meaning = _MEANING.get(name)
    if meaning is None:
        return f"“{_printable(word)}”"
    strings = evidence.strings.get(name, ())[:_MOST_STRINGS]
    if strings:
        shown = dict.fromkeys(_printable(string[:_LONGEST_STRING]) for string in strings)
        return f"{meaning}: {', '.join(f'“{string}”' for string in shown)}"
    return meaning if evidence.values[_COLUMNS[name]] else f"no sign of: {meaning}"


def _printable(text: str) -> str:
    """Return `text` as it may be printed: no half character, no sign that moves a cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else "\ufffd" for c in text)


def _sums_by_word(evidence: Evidence, weights: F32) -> dict[tuple[str, str], float]:
    """Return what each word and each pair of words adds, by the place where it was found."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for block in BLOCKS:
        pieces = evidence.ngrams[block]
        parts = _sums_by_piece(pieces, weights)
        found = np.flatnonzero(parts)
        for i, part in zip(found.tolist(), parts[found].tolist(), strict=True):
            sums[f"ngrams_{_PLACES[block]}", pieces.text(i)[:_LONGEST_STRING]] += part
    return sums


def _sums_by_piece(pieces: Pieces, weights: F32) -> F64:
    """Return what the n-grams of a block add at each piece of its text.

    What a bucket adds is shared by the n-grams of the block that are in it.
    """
    parts = weights[pieces.buckets].astype(float) * pieces.values / pieces.counts
    sums: F64 = np.bincount(pieces.places, parts, len(pieces.texts)).astype(float)
    return sums


# --- shading ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What is between two spaces of the text.

    Parameters
    ----------
    text : str
        As it is written there; hostile until it is escaped.
    contribution : float
        What its n-grams add to the log-odds; a pair of words is shared by both.
    ends_line : bool
        Whether the line ends behind it.
    """

    text: str
    contribution: float
    ends_line: bool


@dataclass(frozen=True, slots=True)
class Shading:
    """Where the log-odds of a comment come from; with the intercept, all of it.

    Parameters
    ----------
    words : tuple of Word
        The canonical text, in its order.
    elsewhere : mapping of str to float
        What is not in the text, by family: links, promo, topic, author,
        style; the n-grams of the author's name, of addresses and of the words
        of links; and, if there is any, what belongs to no word.
    """

    words: tuple[Word, ...]
    elsewhere: dict[str, float]

    @property
    def in_text(self) -> float:
        """What the words of the text add."""
        return sum(word.contribution for word in self.words)


def shading_of(evidence: Evidence, contributions: F64, weights: F32) -> Shading:
    """Return where the contributions to a verdict come from.

    Parameters
    ----------
    evidence : Evidence
        Of the comment.
    contributions : ndarray of float64, shape (n_names,)
        As `SpamModel.contributions` gives them.
    weights : ndarray of float32, shape (2**bits,)
        Weight of each bucket of n-grams.
    """
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
        # Of a very long text the last pieces are not read.
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
