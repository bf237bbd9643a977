"""Evidence: what in a comment made its columns fire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The n-grams of one block of a comment, and the pieces of text they are cut from.

    Parameters
    ----------
    texts : list of str
        The pieces: words, or what is between two spaces.
    width : int
        Pieces that one n-gram spans: two where the n-grams are pairs of words.
    buckets, places : ndarray of int64
        Of each n-gram, its bucket, and the piece that it is in or begins in.
    values : ndarray of float32
        The value of each n-gram's column, as `Rows` has it.
    counts : ndarray of int64
        How many n-grams of the block share that value.
    positions : ndarray of int64 or None
        The word of the canonical text that each piece is in; None where the
        pieces are not of the text.
    """

    texts: list[str]
    width: int
    buckets: NDArray[np.int64]
    places: NDArray[np.int64]
    values: NDArray[np.float32]
    counts: NDArray[np.int64]
    positions: NDArray[np.int64] | None

    def text(self, i: int) -> str:
        """Return what n-grams are cut from.

        Parameters
        ----------
        i : int
            Number of the piece that they begin in.

        Returns
        -------
        str
            The piece, and the next where an n-gram spans two.
        """
        return " ".join(self.texts[i : i + self.width])


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What in a comment made its columns fire.

    Parameters
    ----------
    text : str
        The canonical text: no markup, links or code.
    values : ndarray of float64, shape (n_features,)
        Raw values of the named features, as `Rows` has them.
    strings : mapping of str to tuple of str
        For each named column that fired, the strings that made it fire;
        nothing for a column that only counts or compares.
    ngrams : mapping of str to Pieces
        By block.
    """

    text: str
    values: NDArray[np.float64]
    strings: Mapping[str, tuple[str, ...]]
    ngrams: Mapping[str, Pieces]
