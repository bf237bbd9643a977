"""Comment and post -> one row of numbers, every column nameable.

A row is the raw values of the named features and, block by block, the hashed
n-grams. Nothing is learned here but the background: how common each term is,
which the topic family weighs words by.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.features import FAMILIES, FEATURES, ngrams, values_of
from spamguard.features.reading import Reading, read, terms_of
from spamguard.text import read_body, words_of

BACKGROUND_SIZE: Final = 1 << 16
NAMES: Final = (*(f.name for f in FEATURES), *(f"ngrams_{block}" for block in ngrams.BLOCKS))
"""Named columns: the features, then one column a block of n-grams."""

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Row:
    """One comment in numbers."""

    dense: NDArray[np.float64]  # raw value of each feature; NaN where it does not apply
    buckets: tuple[I32, ...]  # of each block of n-grams
    values: tuple[F32, ...]
    language: str = ""  # code; empty where it cannot be told


def _slot(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "replace")) & (BACKGROUND_SIZE - 1)


def learn_background(comments: Iterable[Comment]) -> F32:
    """Count in how many `comments` each term occurs and return inverse document frequencies.

    Returns
    -------
    ndarray of float32, shape (65536,)
        ``log((n + 1) / (count + 1))`` by the term's hash: no term is stored.
    """
    counts = np.zeros(BACKGROUND_SIZE)
    n = 0
    for comment in comments:
        n += 1
        terms = set(terms_of(words_of(read_body(comment.text).text)))
        counts[list({_slot(term) for term in terms})] += 1
    # Half precision is what the model file keeps; rounding here makes both agree.
    rounded: F32 = np.log((n + 1) / (counts + 1)).astype(np.float16).astype(np.float32)
    return rounded


FLAT_BACKGROUND: Final[F32] = np.full(BACKGROUND_SIZE, log(1000), np.float32)
FLAT_BACKGROUND.flags.writeable = False


class Vectorizer:
    """Turns comments into rows.

    Parameters
    ----------
    bits : int
        The n-grams fall into ``2**bits`` buckets.
    background : ndarray of float32, shape (65536,), optional
        Inverse document frequencies as given by `learn_background`.
    """

    def __init__(self, bits: int, background: F32 = FLAT_BACKGROUND) -> None:
        self.bits = bits
        self.background = background

    @cached_property
    def _idf(self) -> _Idf:
        return _Idf(self.background)

    def __getstate__(self) -> dict[str, object]:
        return {"bits": self.bits, "background": self.background}

    def read(self, comment: Comment) -> tuple[Reading, NDArray[np.float64]]:
        """Return the reading of `comment` and the raw values of its named features."""
        reading = read(comment)
        return reading, np.array(values_of(reading, self._idf.weight))

    def row(self, comment: Comment) -> Row:
        """Return `comment` as a row."""
        reading, dense = self.read(comment)
        buckets, values = weigh(list(ngrams.hashes_of(reading)), self.bits)
        return Row(dense, buckets, values, reading.language)


LEAST_GRAMS: Final = 6


def weigh(
    hashes: Sequence[tuple[str, ngrams.U64]], bits: int
) -> tuple[tuple[I32, ...], tuple[F32, ...]]:
    """Return, for each block of n-grams, its distinct buckets and their values.

    Counts are sublinear and each block has unit length: a long comment says
    no more than a short one, and saying a thing ten times not ten times more.
    """
    # All blocks at once: a block's number goes above its bucket's bits, so one sort serves all.
    keys = np.sort(ngrams.keys(hashes, bits))
    if len(keys) == 0:
        return (np.zeros(0, np.int32),) * len(hashes), (np.zeros(0, np.float32),) * len(hashes)
    first = np.empty(len(keys), bool)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    starts = first.nonzero()[0]
    counts = np.empty(len(starts), np.float32)
    counts[:-1] = starts[1:] - starts[:-1]
    counts[-1] = len(keys) - starts[-1]
    distinct = keys[starts]
    block = distinct >> bits
    # A block of one or two n-grams must not stake everything on them.
    sizes = np.array([max(len(h), LEAST_GRAMS) for _, h in hashes], np.float32)
    values = np.sqrt(counts / sizes[block])
    buckets = (distinct & ((1 << bits) - 1)).astype(np.int32)
    edges = np.searchsorted(block, np.arange(len(hashes) + 1)).tolist()
    parts = list(itertools.pairwise(edges))
    return tuple(buckets[a:b] for a, b in parts), tuple(values[a:b] for a, b in parts)


class _Idf:
    """Weight of a term, remembered for the terms seen last."""

    def __init__(self, table: F32) -> None:
        weights = table.tolist()
        self.weight = lru_cache(maxsize=65_536)(lambda term: float(weights[_slot(term)]))


def dense_columns(families: Sequence[str] | None) -> NDArray[np.bool_]:
    """Return which of `FEATURES` belong to `families` (all where None)."""
    return np.array(
        [families is None or name in families for name, fs in FAMILIES.items() for _ in fs]
    )
