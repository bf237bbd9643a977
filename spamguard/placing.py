"""Contributions -> the words of the comment that they come from, as far as they come from words.

The text is the canonical one, as the model reads it: without markup, links
and code. N-grams of words and of characters stand in it and are given to its
words; a pair of words is shared by both. All else (named features, the
author's name, addresses) has no place in the text and is one sum a family. The
parts and the intercept add up to the log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from spamguard.explaining import sums_by_piece
from spamguard.features import FAMILIES, ngrams, own_pieces, words_of

if TYPE_CHECKING:
    from spamguard.comment import Comment
    from spamguard.features import Reading
    from spamguard.model import SpamModel

MOST_WORDS: Final = 1_500
"""Words that are shown; what the others add is one sum."""

_ROUNDING: Final = 5e-7
_TEXT: Final = ("words", "pairs", "characters")


@dataclass(frozen=True, slots=True)
class Word:
    """What stands between two spaces of the text.

    Parameters
    ----------
    text : str
        As it is written there; hostile until it is escaped.
    contribution : float
        What its n-grams add to the log-odds.
    ends_line : bool
        Whether the line ends behind it.
    """

    text: str
    contribution: float
    ends_line: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the log-odds of a comment come from.

    Parameters
    ----------
    words : tuple of Word
        The text, in its order.
    elsewhere : mapping of str to float
        What has no place in the text, by family: links, promo, topic, author,
        style; the n-grams of the author's name, of addresses and of the words
        of links; and, if there is any, what could not be placed.
    """

    words: tuple[Word, ...]
    elsewhere: dict[str, float]

    @property
    def in_text(self) -> float:
        """What the words of the text add."""
        return sum(word.contribution for word in self.words)


def placed_for(model: SpamModel, comment: Comment) -> Placed:
    """Return where the log-odds that `model` gives `comment` come from."""
    reading, dense = model.vectorizer.read(comment)
    vectors = model.vectorizer.vectors([comment])
    blocks = dict(zip(ngrams.BLOCKS, model.block_contributions(vectors)[0].tolist(), strict=True))
    named = model.dense_contributions(dense)
    elsewhere: dict[str, float] = {}
    start = 0
    for family, features in FAMILIES.items():
        elsewhere[family] = float(named[start : start + len(features)].sum())
        start += len(features)
    elsewhere["name, in parts"] = blocks["author"]
    elsewhere["addresses, in parts"] = blocks["hosts"]
    elsewhere["words of links"] = blocks["anchors"]
    words = _words(model, reading)
    rest = sum(blocks[name] for name in _TEXT) - sum(word.contribution for word in words)
    further = sum(word.contribution for word in words[MOST_WORDS:])
    if len(words) > MOST_WORDS:
        elsewhere[f"{len(words) - MOST_WORDS:,} further words"] = further
    if abs(rest) > _ROUNDING:
        elsewhere["words, not placed"] = rest
    return Placed(tuple(words[:MOST_WORDS]), {k: v for k, v in elsewhere.items() if v})


def _words(model: SpamModel, reading: Reading) -> list[Word]:
    lines = [line.split() for line in reading.body.text.split("\n")]
    written = [word for line in lines for word in line]
    sums = np.zeros(len(written))
    # Lower case moves no space, so the n-th piece of one is the n-th of the other; of what was
    # copied from the post nothing is read. A very long text is cut; then the last sums are
    # missing here and are told of as not placed.
    kept = own_pieces(reading)
    places = np.arange(len(written)) if kept is None else np.array(kept, np.intp)
    by_word, by_pair, by_piece = sums_by_piece(model, model.vectorizer.standing(reading)[:3])
    count = min(len(places), len(by_piece))
    sums[places[:count]] += by_piece[:count]
    owner = _owners([written[i] for i in places], reading.own_words)
    if owner is not None:
        owner = places[owner][: len(by_word)]
        np.add.at(sums, owner, by_word)
        np.add.at(sums, owner[:-1], by_pair[:-1] / 2)
        np.add.at(sums, owner[1:], by_pair[:-1] / 2)
    ends = np.cumsum([len(line) for line in lines]) - 1
    last = set(ends.tolist())
    return [
        Word(text, part, i in last)
        for i, (text, part) in enumerate(zip(written, sums.tolist(), strict=True))
    ]


def _owners(written: list[str], words: list[str]) -> np.ndarray | None:
    """Return the piece of text that each of `words` stands in; None if they are not those."""
    found = [words_of(piece) for piece in written]
    if [word for own in found for word in own] != words:
        return None
    return np.repeat(np.arange(len(found)), [len(own) for own in found])
