"""Hashed n-grams of words and characters.

Text copied from the post is left out. Only bucket numbers are stored, so a model
contains no one's words. A polynomial hash over code points computes all n-grams
in array operations; evidence cuts the n-grams out of the comment again.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, chain, pairwise, repeat
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from spamguard.features.evidence import Pieces
from spamguard.features.hosts import host_of, host_words, path_of, registered_domain
from spamguard.features.reading import Reading, own_pieces
from spamguard.features.text import words_of

BLOCKS: Final = ("words", "pairs", "characters", "author", "hosts", "anchors")
"""Blocks of n-grams, in column order."""
CHARACTERS: Final = (3, 4, 5)

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
_BASE = np.uint64(0x9E3779B97F4A7C15)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_29, _33 = np.uint64(29), np.uint64(33)
_SALTS = {name: np.uint64((i + 1) * 0xA24BAED4963EE407 % 2**64) for i, name in enumerate(BLOCKS)}
_DIGITS = re.compile(r"\d+")
_LONGEST = 90_000  # characters of one text


@lru_cache(maxsize=1)
def _powers() -> tuple[U64, U64]:
    """Return the powers of the hash's base and of its inverse (mod 2**64)."""
    size = 100_000
    base = np.full(size, _BASE)
    base[0] = 1
    inverse = np.full(size, np.uint64(pow(int(_BASE), -1, 2**64)))
    inverse[0] = 1
    return np.multiply.accumulate(base), np.multiply.accumulate(inverse)


@dataclass(slots=True)
class Grams:
    """The n-grams of one text: hashes and positions."""

    text: str
    words: U64
    pairs: U64
    characters: U64
    starts: NDArray[np.intp]  # of words
    places: NDArray[np.intp]  # of character n-grams


_NO_HASHES, _NO_PLACES = np.zeros(0, np.uint64), np.zeros(0, np.intp)
_NOTHING = Grams("", _NO_HASHES, _NO_HASHES, _NO_HASHES, _NO_PLACES, _NO_PLACES)


def grams_of(text: str, sizes: tuple[int, ...] = CHARACTERS) -> Grams:
    """Hash the n-grams of `text`, words with single spaces between them."""
    if not text:
        return _NOTHING
    text = f" {_DIGITS.sub('0', text)[:_LONGEST]} "
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    space = code == 32
    edges = space.nonzero()[0]
    filled = edges[1:] - edges[:-1] > 1
    starts, ends = edges[:-1][filled] + 1, edges[1:][filled]
    powers, inverses = _powers()
    # total[i] is the hash of text[:i]; the hash of an n-gram is a shifted difference.
    total = np.zeros(len(code) + 1, np.uint64)
    np.cumsum((code + np.uint64(1)) * _MIX * powers[: len(code)], out=total[1:])
    words = (total[ends] - total[starts]) * inverses[starts]
    pairs = words[:-1] * _PAIR + words[1:]
    if not sizes:
        return Grams(text, words, pairs, _NO_HASHES, starts, _NO_PLACES)
    # An n-gram may begin or end with a space but not reach across one.
    crosses = np.zeros(len(code) + 1, np.intp)
    np.cumsum(space, out=crosses[1:])
    hashes, places = [_NO_HASHES], [_NO_PLACES]
    for size in sizes:
        last = len(code) - size + 1
        if last <= 0:
            continue
        at = (crosses[size - 1 : last + size - 1] == crosses[1 : last + 1]).nonzero()[0]
        hashes.append((total[at + size] - total[at]) * inverses[at] + np.uint64(size))
        places.append(at)
    return Grams(text, words, pairs, np.concatenate(hashes), starts, np.concatenate(places))


def _bucket(salted: U64, bits: int) -> NDArray[np.int64]:
    h = salted ^ (salted >> _33)
    h *= _MIX
    h ^= h >> _29
    h *= _BASE
    h >>= np.uint64(64 - bits)
    return h.view(np.int64)


def buckets(hashes: U64, block: str, bits: int) -> NDArray[np.int64]:
    """Return the bucket, 0 to ``2**bits - 1``, of each hash in the named block."""
    return _bucket(hashes + _SALTS[block], bits)


def host_text(r: Reading) -> str:
    """Return, as words, the hosts and paths of a comment's links and author address."""
    words: list[str] = []
    for url in [*(link.url for link in r.links[:50]), *([r.author_url] if r.author_url else [])]:
        host = host_of(url)
        domain = registered_domain(host)
        words += [domain, *host_words(host), *words_of(path_of(url)[:100])[:12]]
    return " ".join(words)


def anchor_text(r: Reading) -> str:
    """Return the link texts of a comment."""
    return " ".join(w for link in r.links[:50] if link.anchor for w in words_of(link.anchor))


# --- n-grams of many comments -------------------------------------------------------

CELLS: Final = 8
"""Key space for the blocks of a comment: the next power of two."""
LEAST: Final = 6
"""Minimum size of a block in its normalisation, so that one or two n-grams do not decide alone."""

_FEW_LETTERS = 24
_MOST_KEPT = 60_000
_LONGEST_KEPT = 40


@dataclass(slots=True)
class Keys:
    """All n-grams of some comments as integers, unordered.

    A key is ``(comment * CELLS + block) * 2**bits + bucket``, so sorting groups the
    n-grams by comment and block, and puts equal ones side by side.
    """

    keys: NDArray[np.int64]
    sizes: NDArray[np.int64]  # n-grams of each block and comment, shape (n_blocks, n)


class _Memory:
    """A cache of hashes by piece of text.

    `make` hashes many pieces at once. `make_one` hashes a single piece, which is
    faster for a few short ones.
    """

    def __init__(
        self, make: Callable[[list[str]], list[bytes]], make_one: Callable[[str], bytes]
    ) -> None:
        self._make, self._make_one = make, make_one
        self._kept: dict[str, bytes] = {}

    def of(self, pieces: list[str]) -> list[bytes]:
        found = list(map(self._kept.get, pieces))
        if None in found:
            missing = dict.fromkeys(
                p for p, known in zip(pieces, found, strict=True) if known is None
            )
            if sum(map(len, missing)) <= _FEW_LETTERS:
                made = {p: self._make_one(p) for p in missing}
            else:
                made = dict(zip(missing, _in_chunks(list(missing), self._make), strict=True))
            # Another thread may clear the cache at any time, so nothing below reads from it.
            if len(self._kept) > _MOST_KEPT:
                self._kept.clear()
            self._kept.update((p, b) for p, b in made.items() if len(p) <= _LONGEST_KEPT)
            return [made[p] if b is None else b for p, b in zip(pieces, found, strict=True)]
        return cast(list[bytes], found)


def _in_chunks(pieces: list[str], make: Callable[[list[str]], list[bytes]]) -> Iterator[bytes]:
    """Apply `make` to `pieces` in chunks no longer than one text may be."""
    chunk: list[str] = []
    room = _LONGEST
    for piece in pieces:
        room -= len(piece) + 1
        if room < 0 and chunk:
            yield from make(chunk)
            chunk, room = [], _LONGEST - len(piece) - 1
        chunk.append(piece)
    yield from make(chunk)


def _cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    edges = [0, *accumulate(sizes)]
    return [data[a:b] for a, b in pairwise(edges)]


def _word_hashes(words: list[str]) -> list[bytes]:
    return _cut(grams_of(" ".join(words), sizes=()).words.tobytes(), repeat(8, len(words)))


def _piece_keys(
    pieces: list[str], number: int, words: bool, characters: bool, bits: int
) -> list[bytes]:
    """Return the keys of each piece's n-grams, four bytes each, for comment number zero."""
    grams = grams_of(" ".join(pieces), CHARACTERS if characters else ())
    found, places = grams.characters, grams.places
    if words:
        found = np.concatenate((grams.words, found))
        places = np.concatenate((grams.starts, places))
    spaces = (
        np.frombuffer(grams.text.encode("utf-32-le", "surrogatepass"), np.uint32) == 32
    ).nonzero()[0]
    piece = np.searchsorted(spaces, places, side="right") - 1
    keys = buckets(found, BLOCKS[number], bits) | (number << bits)
    ordered = keys[np.argsort(piece, kind="stable")].astype(np.int32)
    return _cut(ordered.tobytes(), (4 * np.bincount(piece, minlength=len(pieces))).tolist())


_64 = 2**64 - 1
_MIX_INT, _BASE_INT = int(_MIX), int(_BASE)
_FIVE_POWERS = tuple(pow(_BASE_INT, k, 2**64) for k in range(max(CHARACTERS)))


@lru_cache(maxsize=4096)
def _terms(letter: str) -> tuple[int, ...]:
    """Return what a letter adds to the hash in each of five positions of an n-gram."""
    value = (ord(letter) + 1) * _MIX_INT
    return tuple(value * power & _64 for power in _FIVE_POWERS)


def _word_hash(word: str) -> int:
    found = 0
    for letter in reversed(_DIGITS.sub("0", word)):
        found = (found * _BASE_INT + _terms(letter)[0]) & _64
    return found


def _one_word_hash(word: str) -> bytes:
    """Do what `_word_hashes` does, for one word."""
    return _word_hash(word).to_bytes(8, sys.byteorder)


def _one_piece_keys(piece: str, number: int, words: bool, characters: bool, bits: int) -> bytes:
    """Do what `_piece_keys` does, for one piece."""
    if not piece:
        return b""
    found = [_word_hash(piece)] if words else []
    if characters:
        terms = [_terms(letter) for letter in f" {_DIGITS.sub('0', piece)} "]
        sums = [a[0] + b[1] for a, b in pairwise(terms)]
        for size in CHARACTERS:
            sums = [s + t[size - 1] for s, t in zip(sums, terms[size - 1 :], strict=False)]
            found += [s + size for s in sums]
    salt, block, keep = int(_SALTS[BLOCKS[number]]), number << bits, 64 - bits
    keys = array("i")
    for h in found:  # as `_bucket` does
        h = (h + salt) & _64
        h = (h ^ h >> 33) * _MIX_INT & _64
        h = (h ^ h >> 29) * _BASE_INT & _64
        keys.append(h >> keep | block)
    return keys.tobytes()


def _split(text: str) -> list[str]:
    if len(text) > _LONGEST:
        text = _DIGITS.sub("0", text)[:_LONGEST]
    return text.split(" ") if text else []


def _words_within(words: list[str], r: Reading) -> list[str]:
    """Return the comment's `words` up to the length limit of one text."""
    if len(r.own_lower) < _LONGEST // 2:
        return words
    return list(filter(None, _split(" ".join(words))))  # the cut may leave a space at the end


class Hasher:
    """Computes the n-grams of comments, with a cache of words seen before.

    Character n-grams never cross a space, so those of a text are those of its
    pieces, and most pieces recur in other comments. `bits` is the number of bits of
    a bucket number.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._words = _Memory(_word_hashes, _one_word_hash)
        kinds = ((2, False, True), (3, True, True), (4, True, True), (5, True, False))
        self._memories = [
            _Memory(
                partial(_piece_keys, number=k, words=words, characters=characters, bits=bits),
                partial(_one_piece_keys, number=k, words=words, characters=characters, bits=bits),
            )
            for k, words, characters in kinds
        ]

    def keys(self, readings: Sequence[Reading]) -> Keys:
        """Return the keys of the n-grams of `readings`, numbered from zero."""
        words, pairs, counts = self._words_and_pairs(readings)
        blobs: list[bytes] = []  # a block's keys of each comment; block by block
        for pieces_of, memory in zip(_PIECES, self._memories, strict=True):
            pieces = [pieces_of(r) for r in readings]
            parts = memory.of(_joined(pieces))
            edges = accumulate(map(len, pieces), initial=0)
            blobs += [b"".join(parts[a:b]) for a, b in pairwise(edges)]
        counts += [len(blob) >> 2 for blob in blobs]
        keys: NDArray[np.int64] = np.concatenate(
            (words, pairs, np.frombuffer(b"".join(blobs), np.int32))
        )
        sizes = np.array(counts, np.int64)
        if len(readings) > 1:
            first = np.arange(len(readings)) << (self.bits + 3)
            keys += np.repeat(np.tile(first, len(BLOCKS)), sizes)
        return Keys(keys, sizes.reshape(len(BLOCKS), -1))

    def pieces(self, reading: Reading) -> dict[str, Pieces]:
        """Return the n-grams of each block, with the pieces of text that they come from."""
        words = _words_within(reading.own_words, reading)
        single, pairs, _ = self._words_and_pairs([reading])
        texts, keys = [words, words], [single, pairs]
        places = [np.arange(len(single)), np.arange(len(pairs))]
        for pieces_of, memory in zip(_PIECES, self._memories, strict=True):
            pieces = pieces_of(reading)
            blobs = memory.of(pieces)
            texts.append(pieces)
            keys.append(np.frombuffer(b"".join(blobs), np.int32).astype(np.int64))
            places.append(np.repeat(np.arange(len(blobs)), [len(blob) >> 2 for blob in blobs]))
        values, counts = _weights_of(keys)
        of_words, of_pieces = _positions(reading)
        positions = [of_words, of_words, of_pieces, None, None, None]
        buckets = [own & ((1 << self.bits) - 1) for own in keys]
        columns = zip(
            texts, (1, 2, 1, 1, 1, 1), buckets, places, values, counts, positions, strict=True
        )
        return {block: Pieces(*fields) for block, fields in zip(BLOCKS, columns, strict=True)}

    def _words_and_pairs(
        self, readings: Sequence[Reading]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
        """Return the keys of words and word pairs, and their numbers per comment."""
        words = [_words_within(r.own_words, r) for r in readings]
        hashes = np.frombuffer(b"".join(self._words.of(_joined(words))), np.uint64)
        pairs = hashes[:-1] * _PAIR + hashes[1:]
        counts = [len(own) for own in words]
        if len(words) > 1:  # the last word of one comment and the first of the next are no pair
            ends = np.cumsum(counts)
            pairs = np.delete(pairs, ends[(ends > 0) & (ends < len(hashes))] - 1)
        salted = np.concatenate((hashes + _SALTS["words"], pairs + _SALTS["pairs"]))
        found = _bucket(salted, self.bits)
        counts += [max(0, count - 1) for count in counts]
        return found[: len(hashes)], found[len(hashes) :] | (1 << self.bits), counts


def _joined(lists: list[list[str]]) -> list[str]:
    return lists[0] if len(lists) == 1 else list(chain.from_iterable(lists))


_PIECES: Final[tuple[Callable[[Reading], list[str]], ...]] = (
    lambda r: _split(r.own_lower),
    lambda r: r.author_words,
    lambda r: _split(host_text(r)) if r.links or r.author_url else [],
    lambda r: _split(anchor_text(r)) if r.links else [],
)
"""The texts that the third and later blocks are cut from, piece by piece."""


def _weights_of(keys: list[I64]) -> tuple[list[NDArray[np.float32]], list[I64]]:
    """Return the column value of each n-gram, block by block, and how many n-grams share it."""
    sizes = [len(own) for own in keys]
    _, column, counts = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    counts = counts[column]
    # As in a row: counts are sublinear, and a block has unit length.
    length = np.repeat(np.maximum(np.array(sizes, np.float32), np.float32(LEAST)), sizes)
    values = np.sqrt(counts.astype(np.float32) / length)
    ends = np.cumsum(sizes)[:-1]
    return np.split(values, ends), np.split(counts, ends)


def _positions(r: Reading) -> tuple[I64 | None, I64]:
    """Return, for the comment's own words and its pieces, the number of the word in the canonical text.

    Lower-casing moves no space, so the n-th pieces correspond. None if words and
    pieces differ.
    """
    written = r.body.text.split()
    kept = own_pieces(r)
    pieces = np.arange(len(written)) if kept is None else np.array(kept, np.int64)
    words = [words_of(written[i]) for i in pieces]
    if _joined(words) != r.own_words:
        return None, pieces
    return np.repeat(pieces, list(map(len, words))), pieces
