"""Comment and post -> one row of numbers, every column nameable.

A row is the raw values of the named features and, block by block, the hashed
n-grams. Nothing is learned here but the background: how common each term is,
which the topic family weighs words by.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.features import ngrams, topic
from spamguard.features.families import FAMILIES, FEATURES, values_of
from spamguard.features.reading import Reading, read, terms_of
from spamguard.features.text import MAX_HEAD, MAX_TAIL, read_body, words_of

BACKGROUND_SIZE: Final = 1 << 16
_BATCH, _BATCH_CHARACTERS = 256, 200_000
NAMES: Final = (*(f.name for f in FEATURES), *(f"ngrams_{block}" for block in ngrams.BLOCKS))
"""Named columns: the features, then one column a block of n-grams."""

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Some comments in numbers.

    The n-grams of all of them are one list: those of a comment together,
    and within it those of a block.
    """

    dense: NDArray[np.float64]  # raw values of the features, (n, n_features); NaN: does not apply
    cells: NDArray[np.int64]  # of each n-gram: comment * CELLS + block
    buckets: NDArray[np.int64]
    values: F32
    languages: list[str]  # codes; empty where one cannot be told


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
        # Who asks for one verdict often asks for its reasons next.
        self._last: tuple[Comment, Reading, NDArray[np.float64]] | None = None

    @cached_property
    def _idf(self) -> _Idf:
        return _Idf(self.background)

    @cached_property
    def _hasher(self) -> ngrams.Hasher:
        return ngrams.Hasher(self.bits)

    def __getstate__(self) -> dict[str, object]:
        return {"bits": self.bits, "background": self.background, "_last": None}

    def read(self, comment: Comment) -> tuple[Reading, NDArray[np.float64]]:
        """Return the reading of `comment` and the raw values of its named features."""
        last = self._last  # another thread may put its own there at any time
        if last is not None and last[0] is comment:
            return last[1], last[2]
        reading = read(comment)
        return reading, _rows([reading], self._idf.weight)[0]

    def standing(self, reading: Reading) -> list[ngrams.Standing]:
        """Return the n-grams of a comment, block by block, with where they stand."""
        return self._hasher.standing(reading)

    def vectors(self, comments: Sequence[Comment]) -> Vectors:
        """Return `comments` in numbers, whatever their order or number; see `Vectors`."""
        readings = [read(comment) for comment in comments]
        dense = _rows(readings, self._idf.weight)
        if len(comments) == 1:
            self._last = comments[0], readings[0], dense[0].copy()
        cells, buckets, values = weigh(self._hasher.keys(readings), self.bits)
        return Vectors(dense, cells, buckets, values, [r.language for r in readings])


_ROW = struct.Struct(f"={len(FEATURES)}d")


def _rows(readings: Sequence[Reading], idf: topic.Idf) -> NDArray[np.float64]:
    """Return the raw values of the named features, shape (n, n_features)."""
    # Packed in rows and read as one: twice as quick as to have numpy look at every number.
    packed = bytearray().join([_ROW.pack(*row) for row in values_of(readings, idf)])
    return np.frombuffer(packed, np.float64).reshape(-1, len(FEATURES))


def batches(comments: Iterable[Comment]) -> Iterator[list[Comment]]:
    """Cut `comments` into lists: long enough to share the cost of calls, short enough to hold."""
    batch: list[Comment] = []
    room = _BATCH_CHARACTERS
    for comment in comments:
        batch.append(comment)
        room -= min(len(comment.text), MAX_HEAD + MAX_TAIL)
        if room < 0 or len(batch) == _BATCH:
            yield batch
            batch, room = [], _BATCH_CHARACTERS
    if batch:
        yield batch


LEAST_GRAMS: Final = 6


def weigh(grams: ngrams.Keys, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64], F32]:
    """Return the cell, the bucket and the value of each distinct n-gram.

    Counts are sublinear and each block has unit length: a long comment says
    no more than a short one, and saying a thing ten times not ten times more.
    """
    keys = grams.keys
    keys.sort()
    last = np.ones(len(keys), bool)  # of equal ones
    np.not_equal(keys[1:], keys[:-1], out=last[:-1])
    ends = last.nonzero()[0]
    sums = ends + 1
    sums[1:] -= sums[:-1].copy()
    counts = sums.astype(np.float32)
    distinct = keys[ends]
    cells = distinct >> bits
    # A block of one or two n-grams must not stake everything on them.
    sizes = np.zeros((grams.sizes.shape[1], ngrams.CELLS), np.float32)
    np.maximum(grams.sizes.T, LEAST_GRAMS, out=sizes[:, : len(grams.sizes)])
    counts /= sizes.ravel()[cells]
    return cells, distinct & ((1 << bits) - 1), np.sqrt(counts, out=counts)


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
