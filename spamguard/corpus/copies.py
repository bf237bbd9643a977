"""Near-copies: comments whose texts are much the same, by MinHash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from spamguard.features import words_of

if TYPE_CHECKING:
    pass

import html
import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

from numpy.typing import NDArray

# --- near-duplicates ------------------------------------------------------------

# Campaigns are spun from templates and cross blogs: a copy on both sides of a split
# makes any model look better than it is. Copies are found by MinHash over runs of
# four words: 16 bands of 4 hashes propose pairs, and at least half of all 64 hashes
# must then agree, which says that about half of the runs are shared.
_PERMUTATIONS, _BANDS, _RUN = 64, 16, 4
_AGREEMENT = 0.5
_MIN_WORDS = 5  # shorter texts say too little: only equal ones are copies
_MAX_CHARACTERS = 200_000
_CHUNK = 400_000  # words signed at a time: bounds the memory

_SURROGATE = re.compile("[\ud800-\udfff]")
_DRESS = re.compile(r"<[^<>]{1,300}>|(?:https?://|www\.)\S+")
_DIGITS = re.compile(r"\d+")
# Chinese and Japanese put no spaces between words: there every sign counts as one.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u9fff]+")

# Constants that no version of a random generator can change.
_BYTES = hashlib.shake_128(b"spamguard").digest(8 * (2 * _PERMUTATIONS + _RUN))
_CONSTANTS = np.frombuffer(_BYTES, dtype="<u8").astype(np.uint64)
_SHIFTS = _CONSTANTS[:_PERMUTATIONS]
_MULTIPLIERS = _CONSTANTS[_PERMUTATIONS:] | np.uint64(1)  # odd, so that no bit is lost


def plain_words(text: str) -> list[str]:
    """Return the words by which copies are known: without case, markup, addresses, and numbers' values."""
    text = text[:_MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # styled letters are a campaign's usual dress
    if "&" in text:
        text = html.unescape(text)
    text = _DRESS.sub(" ", text).lower()
    return _WORD.findall(_DIGITS.sub("0", text))


def _sign(texts: list[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """MinHash signatures of texts that are given as one hash a word."""
    runs = np.array([len(text) - _RUN + 1 for text in texts])
    words = np.concatenate(texts)
    total = len(words) - _RUN + 1
    run = np.zeros(total, dtype=np.uint64)
    for offset in range(_RUN):
        run += words[offset : offset + total] * _MULTIPLIERS[_PERMUTATIONS + offset]
        run ^= run >> np.uint64(31)
    # Runs that begin in one text and end in the next are no one's.
    ends = np.cumsum([len(text) for text in texts])
    own = np.ones(total, dtype=bool)
    for back in range(1, _RUN):
        own[(ends[:-1] - back)] = False
    run = run[own]
    starts = np.concatenate([[0], np.cumsum(runs)[:-1]])
    signatures = np.empty((len(texts), _PERMUTATIONS), dtype=np.uint32)
    for k in range(_PERMUTATIONS):
        hashed = (run * _MULTIPLIERS[k] + _SHIFTS[k]) >> np.uint64(32)
        signatures[:, k] = np.minimum.reduceat(hashed, starts)
    return signatures


def _similar_pairs(signatures: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    width = _PERMUTATIONS // _BANDS
    for band in range(0, _PERMUTATIONS, width):
        part = signatures[:, band : band + width].astype(np.uint64)
        keys = (part * _MULTIPLIERS[:width]).sum(axis=1, dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        # Each is held against the first of its bucket, which keeps large buckets cheap.
        firsts = order[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
        firsts, others = firsts[~begins], order[~begins]
        alike = (signatures[firsts] == signatures[others]).mean(axis=1) >= _AGREEMENT
        yield from zip(firsts[alike].tolist(), others[alike].tolist(), strict=True)


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def duplicate_groups(texts: Iterable[str]) -> NDArray[np.int64]:
    """Number the groups of texts that say nearly the same.

    Case, markup, addresses and the value of numbers do not count. Texts of fewer
    than five words are copies only when they are equal. Likeness carries on: two
    texts that are both like a third are in one group.

    Parameters
    ----------
    texts : iterable of str
        Comments, as they came.

    Returns
    -------
    ndarray of int64
        A group for each text, numbered from 0 by first appearance. The same
        texts in the same order always give the same numbers.

    Examples
    --------
    >>> from spamguard.corpus import duplicate_groups
    >>> duplicate_groups(["Thanks!", "Which flour?", "<p>thanks</p>"]).tolist()
    [0, 1, 0]
    """
    first: dict[bytes, int] = {}
    parents: list[int] = []
    signed: list[int] = []
    signatures = [np.empty((0, _PERMUTATIONS), dtype=np.uint32)]
    chunk: list[NDArray[np.uint64]] = []
    size = 0
    for row, text in enumerate(texts):
        words = plain_words(text)
        # What has no words at all (an address, an emoji) is compared as it stands.
        raw = (" ".join(words) or f"\0{text.strip()}").encode("utf-8", "surrogatepass")
        parents.append(first.setdefault(hashlib.blake2b(raw, digest_size=16).digest(), row))
        if parents[row] == row and len(words) >= _MIN_WORDS:
            codes = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words]
            chunk.append(np.array(codes, dtype=np.uint64))
            signed.append(row)
            size += len(words)
        if size >= _CHUNK:
            signatures.append(_sign(chunk))
            chunk, size = [], 0
    if chunk:
        signatures.append(_sign(chunk))
    if signed:
        for a, b in _similar_pairs(np.concatenate(signatures)):
            one, other = sorted((_root(parents, signed[a]), _root(parents, signed[b])))
            parents[other] = one
    roots = [_root(parents, row) for row in range(len(parents))]
    number = {root: n for n, root in enumerate(dict.fromkeys(roots))}
    return np.array([number[root] for root in roots], dtype=np.int64)


def near_duplicates(test_texts: Iterable[str], train_texts: Iterable[str]) -> NDArray[np.bool_]:
    """Mark the test texts that have a near-duplicate among the training texts.

    A test text whose copy, also in the test, has one is marked as well. For many
    splits of one corpus, compare its ``duplicate_group`` instead: it costs nothing.

    Parameters
    ----------
    test_texts, train_texts : iterable of str
        Bodies of comments, in any order.

    Returns
    -------
    ndarray of bool
        One a test text.
    """
    tests = list(test_texts)
    groups = duplicate_groups(itertools.chain(tests, train_texts))
    return np.isin(groups[: len(tests)], groups[len(tests) :])


LEAST_WORDS: Final = 5
"""Shorter texts are nobody's copies."""


def campaigns_of(texts: list[str]) -> NDArray[np.int64]:
    """Return a number for each text, the same for near-copies of at least five words.

    Parameters
    ----------
    texts : list of str, length n
        Bodies of comments.

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal for texts that belong together.

    Examples
    --------
    >>> campaigns_of(["yes", "yes", "buy my new book of poems", "Buy my new book of poems!"]).tolist()
    [0, 1, 2, 2]
    """
    groups = duplicate_groups(texts)
    short = np.array([len(words_of(text)) < LEAST_WORDS for text in texts], bool)
    free = int(groups.max(initial=-1)) + 1
    groups[short] = np.arange(free, free + int(short.sum()))
    _, numbers = np.unique(groups, return_inverse=True)
    first = {int(n): i for i, n in reversed(list(enumerate(numbers.tolist())))}
    rank = {n: k for k, n in enumerate(sorted(first, key=lambda n: first[n]))}
    return np.array([rank[n] for n in numbers.tolist()], np.int64)
