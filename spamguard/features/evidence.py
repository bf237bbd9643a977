"""The text behind each column of a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The n-grams of one block of a comment, and the text they come from.

    Parameters
    ----------
    texts : list of str
        The pieces: words, or text between two spaces.
    width : int
        Pieces per n-gram: two for pairs of words.
    buckets, places : ndarray of int64
        The bucket of each n-gram, and the piece where it begins.
    values : ndarray of float32
        Value of each n-gram's column, as in `Rows`.
    counts : ndarray of int64
        How many n-grams of the block share that value.
    positions : ndarray of int64 or None
        For each piece, the number of its word in the canonical text; None for
        pieces from elsewhere, such as the author's name.
    """

    texts: list[str]
    width: int
    buckets: NDArray[np.int64]
    places: NDArray[np.int64]
    values: NDArray[np.float32]
    counts: NDArray[np.int64]
    positions: NDArray[np.int64] | None

    def text(self, i: int) -> str:
        """Return the text of the n-grams that begin in piece `i`."""
        return " ".join(self.texts[i : i + self.width])


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What made the columns of a comment fire.

    Parameters
    ----------
    text : str
        The canonical text, without markup, links and code.
    values : ndarray of float64, shape (n_features,)
        Raw values of the named features, as in `Rows`.
    strings : mapping of str to tuple of str
        The strings that made each named column fire; none for a column that
        counts or compares.
    ngrams : mapping of str to Pieces
        By block.
    """

    text: str
    values: NDArray[np.float64]
    strings: Mapping[str, tuple[str, ...]]
    ngrams: Mapping[str, Pieces]
