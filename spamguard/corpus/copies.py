"""Near-copies: comments with nearly the same text, by MinHash (Broder 1997).

Spam campaigns use templates and hit many blogs. A copy on both sides of a split makes
any model look better than it is, and a flood of copies must not outweigh the rest.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features import words_of

LEAST_WORDS: Final = 5
"""Shorter texts are too common to be copies of each other."""

_U64 = NDArray[np.uint64]

# duplicate_groups compares runs of four words: 16 bands of 4 hashes propose pairs, and half of
# the 64 hashes must then agree, so about half of the runs are shared.
_PERMUTATIONS, _BANDS, _RUN = 64, 16, 4
_AGREEMENT = 0.5
_MAX_CHARACTERS = 200_000
_CHUNK = 400_000  # words hashed at a time: bounds the memory

_DRESS = re.compile(r"<[^<>]{1,300}>|(?:https?://|www\.)\S+")
_DIGITS = re.compile(r"\d+")
# Chinese and Japanese put no spaces between words, so every character counts as one.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u9fff]+")

# These constants do not depend on the version of a random generator.
_BYTES = hashlib.shake_128(b"spamguard").digest(8 * (2 * _PERMUTATIONS + _RUN))
_CONSTANTS = np.frombuffer(_BYTES, dtype="<u8").astype(np.uint64)
_SHIFTS = _CONSTANTS[:_PERMUTATIONS]
_MULTIPLIERS = _CONSTANTS[_PERMUTATIONS:] | np.uint64(1)  # odd, so that no bit is lost


def plain_words(text: str) -> list[str]:
    """Return the words to compare: without case, markup and addresses, digit runs as 0."""
    text = text[:_MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # campaigns often use styled letters
    if "&" in text:
        text = html.unescape(text)
    text = _DRESS.sub(" ", text).lower()
    return _WORD.findall(_DIGITS.sub("0", text))


def _hashed(words: list[str]) -> _U64:
    codes = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words]
    return np.array(codes, dtype=np.uint64)


def _runs(texts: list[_U64], length: int) -> tuple[_U64, NDArray[np.intp]]:
    """Return the hashes of all runs of `length` hashed words, and where each text's runs start."""
    words = np.concatenate(texts)
    total = len(words) - length + 1
    runs = np.zeros(total, dtype=np.uint64)
    for offset in range(length):
        runs += words[offset : offset + total] * _MULTIPLIERS[_PERMUTATIONS + offset]
        runs ^= runs >> np.uint64(31)
    # Drop the runs that begin in one text and end in the next.
    ends = np.cumsum([len(text) for text in texts])
    own = np.ones(total, dtype=bool)
    for back in range(1, length):
        own[(ends[:-1] - back)] = False
    counts = [len(text) - length + 1 for text in texts]
    return runs[own], np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)


def _sign(texts: list[_U64], length: int = _RUN) -> NDArray[np.uint32]:
    """Return a MinHash signature for each text, over its runs of `length` words."""
    runs, starts = _runs(texts, length)
    signatures = np.empty((len(texts), _PERMUTATIONS), dtype=np.uint32)
    for k in range(_PERMUTATIONS):
        hashed = (runs * _MULTIPLIERS[k] + _SHIFTS[k]) >> np.uint64(32)
        signatures[:, k] = np.minimum.reduceat(hashed, starts)
    return signatures


def _signed(texts: Iterable[list[str]], length: int = _RUN) -> NDArray[np.uint32]:
    """Sign texts of words, some at a time."""
    signatures = [np.empty((0, _PERMUTATIONS), dtype=np.uint32)]
    chunk: list[_U64] = []
    size = 0
    for words in texts:
        chunk.append(_hashed(words))
        size += len(words)
        if size >= _CHUNK:
            signatures.append(_sign(chunk, length))
            chunk, size = [], 0
    if chunk:
        signatures.append(_sign(chunk, length))
    return np.concatenate(signatures)


def _band_keys(signatures: NDArray[np.uint32], width: int) -> Iterator[_U64]:
    """Yield a key for each text, band by band; texts with equal keys may be copies."""
    for band in range(0, _PERMUTATIONS - width + 1, width):
        part = signatures[:, band : band + width].astype(np.uint64)
        yield (part * _MULTIPLIERS[:width]).sum(axis=1, dtype=np.uint64)


def _similar_pairs(signatures: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    for keys in _band_keys(signatures, _PERMUTATIONS // _BANDS):
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        # Each is compared with the first of its bucket, which keeps large buckets cheap.
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
    """Number the groups of near-copies among texts.

    Case, markup, addresses and the value of numbers are ignored. Texts of fewer
    than five words are copies only if they are equal. Two texts that both
    resemble a third are in one group.

    Returns
    -------
    ndarray of int64, shape (n,)
        The group of each text, numbered from 0 by first appearance. The same texts
        in the same order always give the same numbers.

    Examples
    --------
    >>> from spamguard.corpus import duplicate_groups
    >>> duplicate_groups(["Thanks!", "Which flour?", "<p>thanks</p>"]).tolist()
    [0, 1, 0]
    """
    parents: list[int] = []
    signed: list[int] = []
    signatures = _signed(_distinct(texts, parents, signed))
    if signed:
        for a, b in _similar_pairs(signatures):
            one, other = sorted((_root(parents, signed[a]), _root(parents, signed[b])))
            parents[other] = one
    roots = [_root(parents, row) for row in range(len(parents))]
    number = {root: n for n, root in enumerate(dict.fromkeys(roots))}
    return np.array([number[root] for root in roots], dtype=np.int64)


def _distinct(texts: Iterable[str], parents: list[int], signed: list[int]) -> Iterator[list[str]]:
    """Yield each long text's words at its first appearance; fill `parents` and `signed` by row."""
    first: dict[bytes, int] = {}
    for row, text in enumerate(texts):
        words = plain_words(text)
        # A text without words, such as an address or an emoji, is compared unchanged.
        raw = (" ".join(words) or f"\0{text.strip()}").encode("utf-8", "surrogatepass")
        parents.append(first.setdefault(hashlib.blake2b(raw, digest_size=16).digest(), row))
        if parents[row] == row and len(words) >= LEAST_WORDS:
            signed.append(row)
            yield words


def campaigns_of(texts: list[str]) -> NDArray[np.int64]:
    """Return a number for each text, equal for near-copies of at least five words.

    The array has shape (n,); numbers start at 0 and follow first appearance.

    Examples
    --------
    >>> campaigns_of(["yes", "yes", "buy my new book of poems", "Buy my new book of poems!"]).tolist()
    [0, 1, 2, 2]
    """
    groups = duplicate_groups(texts)
    short = np.array([len(words_of(text)) < LEAST_WORDS for text in texts], bool)
    free = int(groups.max(initial=-1)) + 1
    groups[short] = np.arange(free, free + int(short.sum()))
    number = {group: n for n, group in enumerate(dict.fromkeys(groups.tolist()))}
    return np.array([number[group] for group in groups.tolist()], np.int64)


# --- groups around a leader -------------------------------------------------------

_LEADER_RUN = 3
_FOUND = 0.995  # share of pairs found at exactly the given likeness


def leader_groups(
    texts: Sequence[str],
    likeness: float,
    count: Callable[[list[str]], float] = len,
    least: float = LEAST_WORDS,
    watch: Callable[[str, int, int], None] | None = None,
) -> list[list[int]]:
    """Group the rows of texts that share enough of their three-word runs with a leader.

    The leader of a group is its most frequent text, so a group does not drift from one
    variant to the next, and the order of the rows does not matter. MinHash proposes
    leaders; the Jaccard similarity, at least `likeness` (0 to 1), is then exact. A text without a copy, or
    with `count` of its words below `least`, is in no group.
    """
    rows: defaultdict[str, list[int]] = defaultdict(list)  # of equal texts
    for row, text in enumerate(texts):
        if watch is not None and row % 500 == 0:
            watch("comments", row, len(texts))
        words = plain_words(text)
        if len(words) >= _LEADER_RUN and count(words) >= least:
            rows[" ".join(words)].append(row)
    # The most frequent text leads, whatever the order of the rows.
    ordered = sorted(rows, key=lambda text: (-len(rows[text]), -len(text), text))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for text, leader in zip(ordered, _leaders(ordered, likeness, watch), strict=True):
        groups[leader] += rows[text]
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _leaders(
    texts: list[str], likeness: float, watch: Callable[[str, int, int], None] | None
) -> Iterator[int]:
    """Yield the index of each text's leader: an earlier text, or the text itself."""
    signatures = _signed((text.split(" ") for text in texts), _LEADER_RUN)
    keys = np.stack([*_band_keys(signatures, _width(likeness))], axis=1)
    buckets: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    runs: dict[int, frozenset[int]] = {}  # of each leader
    for i, text in enumerate(texts):
        if watch is not None and i % 500 == 0:
            watch("texts", i, len(texts))
        own = frozenset(_runs([_hashed(text.split(" "))], _LEADER_RUN)[0].tolist())
        bands = list(enumerate(keys[i].tolist()))
        proposed = {leader for band in bands for leader in buckets.get(band, ())}
        near = [(_jaccard(own, runs[leader]), -leader) for leader in proposed]
        best, leader = max(near, default=(0.0, 0))
        if best >= likeness:
            yield -leader
            continue
        runs[i] = own
        for band in bands:
            buckets[band].append(i)
        yield i


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _width(likeness: float) -> int:
    """Return the widest band that still finds nearly all pairs as alike as `likeness`."""
    return next(
        width
        for width in (4, 3, 2, 1)
        if width == 1 or 1 - (1 - likeness**width) ** (_PERMUTATIONS // width) >= _FOUND
    )
