"""Hashed n-grams of words and characters.

Nothing is stored but a bucket number, so a model holds no one's words. A
polynomial hash over code points gives every n-gram by arithmetic on arrays;
a reason names an n-gram by cutting it out of the comment again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features.reading import Reading
from spamguard.hosts import host_of, host_words, path_of, registered_domain
from spamguard.text import words_of

BLOCKS: Final = ("words", "pairs", "characters", "author", "hosts", "anchors")
CHARACTERS: Final = (3, 4, 5)

U64 = NDArray[np.uint64]
_BASE = np.uint64(0x9E3779B97F4A7C15)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SALTS = {name: np.uint64((i + 1) * 0xA24BAED4963EE407 % 2**64) for i, name in enumerate(BLOCKS)}
_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=1)
def _powers() -> tuple[U64, U64]:
    """Powers of the hash's base and of its inverse (mod 2**64), for any text that is read."""
    size = 100_000
    base = np.full(size, _BASE)
    base[0] = 1
    inverse = np.full(size, np.uint64(pow(int(_BASE), -1, 2**64)))
    inverse[0] = 1
    return np.multiply.accumulate(base), np.multiply.accumulate(inverse)


@dataclass(slots=True)
class Grams:
    """The n-grams of one text: hashes, and where each stands in it."""

    text: str
    words: U64
    pairs: U64
    characters: U64
    starts: NDArray[np.intp]  # of words
    ends: NDArray[np.intp]
    places: NDArray[np.intp]  # start of each character n-gram

    def word(self, i: int) -> str:
        """Return word number `i`."""
        return self.text[self.starts[i] : self.ends[i]]

    def pair(self, i: int) -> str:
        """Return word number `i` and the next."""
        return self.text[self.starts[i] : self.ends[i + 1]]


_NO_HASHES, _NO_PLACES = np.zeros(0, np.uint64), np.zeros(0, np.intp)
_NOTHING = Grams("", _NO_HASHES, _NO_HASHES, _NO_HASHES, _NO_PLACES, _NO_PLACES, _NO_PLACES)


def grams_of(text: str, sizes: tuple[int, ...] = CHARACTERS) -> Grams:
    """Hash the n-grams of `text`, words with single spaces between them."""
    if not text:
        return _NOTHING
    text = f" {_DIGITS.sub('0', text)[:90_000]} "
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    space = code == 32
    edges = space.nonzero()[0]
    filled = edges[1:] - edges[:-1] > 1
    starts, ends = edges[:-1][filled] + 1, edges[1:][filled]
    powers, inverses = _powers()
    # total[i] is the hash of the text before i; an n-gram's is a difference, shifted to the start.
    total = np.zeros(len(code) + 1, np.uint64)
    np.cumsum((code + np.uint64(1)) * _MIX * powers[: len(code)], out=total[1:])
    words = (total[ends] - total[starts]) * inverses[starts]
    pairs = words[:-1] * _PAIR + words[1:]
    if not sizes:
        return Grams(text, words, pairs, _NO_HASHES, starts, ends, _NO_PLACES)
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
    return Grams(text, words, pairs, np.concatenate(hashes), starts, ends, np.concatenate(places))


def _bucket(salted: U64, bits: int) -> NDArray[np.intp]:
    h = (salted ^ (salted >> np.uint64(33))) * _MIX
    h ^= h >> np.uint64(29)
    return (h * _BASE >> np.uint64(64 - bits)).astype(np.intp)


def buckets(hashes: U64, block: str, bits: int) -> NDArray[np.intp]:
    """Return the bucket, 0 to ``2**bits - 1``, of each hash in the named block."""
    return _bucket(hashes + _SALTS[block], bits)


def keys(hashes: Sequence[tuple[str, U64]], bits: int) -> NDArray[np.intp]:
    """Return the bucket of every hash of all blocks, with the block's number above its bits."""
    found = _bucket(np.concatenate([h + _SALTS[block] for block, h in hashes]), bits)
    start = 0
    for number, (_, h) in enumerate(hashes):
        found[start : start + len(h)] |= number << bits
        start += len(h)
    return found


def host_text(r: Reading) -> str:
    """Return hosts and targets of a comment's links, and the author's, as words."""
    words: list[str] = []
    for url in [*(link.url for link in r.links[:50]), *([r.author_url] if r.author_url else [])]:
        host = host_of(url)
        domain = registered_domain(host)
        words += [domain, *host_words(host), *words_of(path_of(url)[:100])[:12]]
    return " ".join(words)


def anchor_text(r: Reading) -> str:
    """Return the words of a comment's links."""
    return " ".join(w for link in r.links[:50] if link.anchor for w in words_of(link.anchor))


def hashes_of(r: Reading) -> Iterator[tuple[str, U64]]:
    """Yield, for each of `BLOCKS` in its order, the hashes of the comment's n-grams."""
    words = grams_of(" ".join(r.words), sizes=())
    yield "words", words.words
    yield "pairs", words.pairs
    yield "characters", grams_of(r.lower).characters
    author = grams_of(" ".join(r.author_words))
    yield "author", np.concatenate((author.words, author.characters))
    hosts = grams_of(host_text(r))
    yield "hosts", np.concatenate((hosts.words, hosts.characters))
    yield "anchors", grams_of(anchor_text(r), sizes=()).words
