"""Hashed n-grams of words and characters.

Text copied from the post is left out. Only bucket numbers are stored, so a model
contains no one's words. An n-gram's hash is a polynomial over its code points, all
arithmetic modulo 2**64; evidence cuts the n-grams out of the comment again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features.evidence import Pieces
from spamguard.features.hosts import host_of, host_words, path_of, registered_domain
from spamguard.features.lexer import words_of
from spamguard.features.reading import Reading, own_pieces

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

if cython.compiled:
    from cython.cimports.libc.math import sqrt
else:
    from math import sqrt

BLOCKS: Final = ("words", "pairs", "characters", "author", "hosts", "anchors")
"""Blocks of n-grams, in column order."""
LEAST: Final = 6
"""Minimum size of a block in its normalisation, so that one or two n-grams do not decide alone."""

I64 = NDArray[np.int64]
_LONGEST: Final = 90_000  # characters of one text

# --- hashes -------------------------------------------------------------------------

_MODULUS = cython.declare(cython.ulonglong, 2**64 - 1)
_BASE = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
_BASE_2 = cython.declare(cython.ulonglong, pow(0x9E3779B97F4A7C15, 2, 2**64))
_BASE_3 = cython.declare(cython.ulonglong, pow(0x9E3779B97F4A7C15, 3, 2**64))
_BASE_4 = cython.declare(cython.ulonglong, pow(0x9E3779B97F4A7C15, 4, 2**64))
_PAIR = cython.declare(cython.ulonglong, 0xD6E8FEB86659FD93)
_MIX = cython.declare(cython.ulonglong, 0xFF51AFD7ED558CCD)
_SALT = cython.declare(cython.ulonglong, 0xA24BAED4963EE407)
_SPACE = cython.declare(cython.ulonglong, 33 * 0xFF51AFD7ED558CCD % 2**64)
_NUMBER = cython.declare(cython.ulonglong, 49 * 0xFF51AFD7ED558CCD % 2**64)


@cython.cfunc
def _key(found: cython.ulonglong, number: cython.ulonglong, bits: cython.int) -> cython.int:
    """Return the key of an n-gram's hash: the number of its block, then its bucket."""
    found = (found + (number + 1) * _SALT) & _MODULUS
    found = ((found ^ (found >> 33)) * _MIX) & _MODULUS
    found = ((found ^ (found >> 29)) * _BASE) & _MODULUS
    return (number << bits) | (found >> (64 - bits))


@cython.cfunc
def _word_hash(word: str) -> cython.ulonglong:
    total: cython.ulonglong = 0
    power: cython.ulonglong = 1
    value: cython.ulonglong
    in_number: cython.bint = False
    letter: cython.Py_UCS4
    for letter in word:
        if not letter.isdecimal():
            in_number = False
            value = ((ord(letter) + 1) * _MIX) & _MODULUS
        elif in_number:
            continue
        else:  # any number is one digit
            in_number = True
            value = _NUMBER
        total = (total + value * power) & _MODULUS
        power = (power * _BASE) & _MODULUS
    return total


@cython.cfunc
def _add_characters(
    piece: str,
    number: cython.ulonglong,
    bits: cython.int,
    keys: cython.int[:],
    n: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Write the keys of the n-grams of three to five characters of ``f" {piece} "``; return their end."""
    # The values of the last five characters; an n-gram is written when its last one is read.
    a: cython.ulonglong = 0
    b: cython.ulonglong = 0
    c: cython.ulonglong = 0
    d: cython.ulonglong = 0
    e: cython.ulonglong = _SPACE
    ahead: cython.ulonglong
    value: cython.ulonglong
    size: cython.Py_ssize_t = len(piece)
    at: cython.Py_ssize_t
    read: cython.Py_ssize_t = 1
    in_number: cython.bint = False
    letter: cython.Py_UCS4
    for at in range(size + 1):
        value = _SPACE
        if at < size:
            letter = piece[at]
            if not letter.isdecimal():
                in_number = False
                value = ((ord(letter) + 1) * _MIX) & _MODULUS
            elif in_number:
                continue
            else:
                in_number = True
                value = _NUMBER
        a, b, c, d, e = b, c, d, e, value
        read += 1
        if read >= 3:
            ahead = d * _BASE + e * _BASE_2
            keys[n] = _key(c + ahead + 3, number, bits)
            n += 1
            if read >= 4:
                ahead = c * _BASE + d * _BASE_2 + e * _BASE_3
                keys[n] = _key(b + ahead + 4, number, bits)
                n += 1
                if read >= 5:
                    ahead = b * _BASE + c * _BASE_2 + d * _BASE_3 + e * _BASE_4
                    keys[n] = _key(a + ahead + 5, number, bits)
                    n += 1
    return n


@cython.cfunc
def _add_words(
    words: list[str], bits: cython.int, keys: cython.int[:], n: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Write the keys of the words and then those of their pairs; return their end."""
    count: cython.Py_ssize_t = len(words)
    at: cython.Py_ssize_t
    last: cython.ulonglong = 0
    found: cython.ulonglong
    for at in range(count):
        found = _word_hash(words[at])
        keys[n + at] = _key(found, 0, bits)
        if at > 0:
            keys[n + count + at - 1] = _key(last * _PAIR + found, 1, bits)
        last = found
    return n + 2 * count - 1 if count else n


@cython.cfunc
def _add_pieces(
    pieces: list[str],
    number: cython.int,
    bits: cython.int,
    keys: cython.int[:],
    n: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Write the keys of the n-grams of `pieces` in block `number`, piece by piece; return their end."""
    piece: str
    for piece in pieces:
        if not piece:
            continue
        if number != _CHARACTERS:
            keys[n] = _key(_word_hash(piece), number, bits)
            n += 1
        if number != _ANCHORS:
            n = _add_characters(piece, number, bits, keys, n)
    return n


def _most(pieces: list[str]) -> int:
    """Return the most keys that `pieces` can have."""
    most: cython.Py_ssize_t = 0
    for piece in pieces:
        most += 3 * len(piece) + 1
    return most


def _keys_of_words(words: list[str], bits: int) -> bytes:
    made = bytearray(8 * len(words))
    return bytes(made[: 4 * _add_words(words, bits, memoryview(made).cast("i"), 0)])


def _keys_of_pieces(pieces: list[str], number: int, bits: int) -> bytes:
    made = bytearray(4 * _most(pieces))
    return bytes(made[: 4 * _add_pieces(pieces, number, bits, memoryview(made).cast("i"), 0)])


# Where nothing is compiled, a piece seen before is looked up.
_MOST_KEPT: Final = 60_000
_LONGEST_KEPT: Final = 40
_hashes: dict[str, int] = {}
_keys: dict[tuple[int, int], dict[str, bytes]] = {}


def _known_hash(word: str) -> int:
    found = _hashes.get(word)
    if found is None:
        found = _word_hash(word)
        if len(word) <= _LONGEST_KEPT:
            if len(_hashes) > _MOST_KEPT:
                _hashes.clear()
            _hashes[word] = found
    return found


def _known_words(words: list[str], bits: int) -> bytes:
    """Return the keys of words and pairs, as `_add_words` writes them."""
    hashes = np.array([_known_hash(word) for word in words], np.uint64)
    pairs = hashes[:-1] * np.uint64(_PAIR) + hashes[1:]
    found = np.concatenate((hashes + np.uint64(_SALT), pairs + np.uint64(2 * _SALT % 2**64)))
    found = (found ^ (found >> np.uint64(33))) * np.uint64(_MIX)
    found = (found ^ (found >> np.uint64(29))) * np.uint64(_BASE)
    keys = (found >> np.uint64(64 - bits)).astype(np.int32)
    keys[len(words) :] |= 1 << bits
    return keys.tobytes()


def _known_keys(pieces: list[str], number: int, bits: int) -> bytes:
    kept = _keys.setdefault((number, bits), {})
    parts: list[bytes] = []
    for piece in pieces:
        part = kept.get(piece)
        if part is None:
            part = _keys_of_pieces([piece], number, bits)
            if len(piece) <= _LONGEST_KEPT:
                if len(kept) > _MOST_KEPT:
                    kept.clear()
                kept[piece] = part
        parts.append(part)
    return b"".join(parts)


# --- n-grams of comments ------------------------------------------------------------

_CHARACTERS = cython.declare(cython.int, BLOCKS.index("characters"))
_ANCHORS = cython.declare(cython.int, BLOCKS.index("anchors"))


def _keys_of(r: Reading, bits: int) -> tuple[bytes, list[int]]:
    """Return the keys of the n-grams of a comment, block by block, and the number of each block's."""
    words = _words_within(r.own_words, r)
    pairs: cython.Py_ssize_t = max(0, len(words) - 1)
    sizes = [len(words), pairs]
    blocks = _blocks(r)
    number: cython.Py_ssize_t
    if not cython.compiled:
        parts = [_known_words(words, bits)]
        for number, pieces in enumerate(blocks, 2):
            parts.append(_known_keys(pieces, number, bits))
            sizes.append(len(parts[-1]) >> 2)
        return b"".join(parts), sizes
    most: cython.Py_ssize_t = 2 * len(words)
    for pieces in blocks:
        most += _most(pieces)
    made = bytearray(4 * most)
    keys: cython.int[:] = memoryview(made).cast("i")
    n: cython.Py_ssize_t = _add_words(words, bits, keys, 0)
    end: cython.Py_ssize_t = n
    for number in range(4):
        if blocks[number]:
            end = _add_pieces(blocks[number], number + 2, bits, keys, n)
        sizes.append(end - n)
        n = end
    return bytes(made[: 4 * n]), sizes


def grams_of(r: Reading, bits: int) -> tuple[bytes, bytes]:
    """Return the distinct n-grams of a comment, in the order in which they occur.

    The first part holds their columns, four bytes each, the second their values in single
    precision. Counts are sublinear and each block has unit length, so neither length
    nor repetition alone adds weight.
    """
    given, sizes = _keys_of(r, bits)
    count: cython.Py_ssize_t = len(given) >> 2
    if count == 0:
        return b"", b""
    if not cython.compiled:
        counts = Counter(memoryview(given).cast("i").tolist())
        keys_once = np.fromiter(counts, np.int32, len(counts))
        lengths = np.maximum(sizes, LEAST)[keys_once >> bits]
        roots = np.sqrt(np.fromiter(counts.values(), np.int64, len(counts)) / lengths)
        return keys_once.tobytes(), roots.astype(np.float32).tobytes()
    width: cython.Py_ssize_t = 16
    while width < 2 * count:
        width *= 2
    # An open hash table with the places of keys in `columns`, from one.
    table: cython.int[::1] = memoryview(bytearray(4 * width)).cast("i")
    made = bytearray(4 * count)
    weighed = bytearray(4 * count)
    columns: cython.int[::1] = memoryview(made).cast("i")
    values: cython.float[::1] = memoryview(weighed).cast("f")
    keys: cython.const[cython.int][::1] = memoryview(given).cast("i")  # type: ignore[valid-type]
    at: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    place: cython.int
    distinct: cython.int = 0
    for at in range(count):
        slot = keys[at] & (width - 1)
        while True:
            place = table[slot]
            if place == 0:
                columns[distinct] = keys[at]
                values[distinct] = 1
                distinct += 1
                table[slot] = distinct
                break
            if columns[place - 1] == keys[at]:
                values[place - 1] += 1
                break
            slot = (slot + 1) & (width - 1)
    length: cython.double
    total: cython.double
    shift: cython.int = bits
    for at in range(distinct):
        length = max(LEAST, sizes[columns[at] >> shift])
        total = values[at]
        values[at] = sqrt(total / length)
    return bytes(made[: 4 * distinct]), bytes(weighed[: 4 * distinct])


def sums_of(columns: bytes, values: bytes, weights: NDArray[np.float32], bits: int) -> list[float]:
    """Return the sum of weight times value of the n-grams of each block."""
    sums: list[float] = [0.0] * len(BLOCKS)
    if not columns:
        return sums
    if not cython.compiled:
        found = np.frombuffer(columns, np.int32)
        parts = weights[found & ((1 << bits) - 1)].astype(np.float64)
        parts *= np.frombuffer(values, np.float32)
        return np.bincount(found >> bits, parts, len(BLOCKS)).tolist()  # one by one, as below
    buckets: cython.const[cython.int][::1] = memoryview(columns).cast("i")  # type: ignore[valid-type]
    factors: cython.const[cython.float][::1] = memoryview(values).cast("f")  # type: ignore[valid-type]
    table: cython.const[cython.float][::1] = weights  # type: ignore[valid-type]
    at: cython.Py_ssize_t
    block: cython.Py_ssize_t = 0
    column: cython.int
    shift: cython.int = bits
    mask: cython.int = (1 << bits) - 1
    total: cython.double = 0.0
    weight: cython.double
    for at in range(len(columns) >> 2):
        column = buckets[at]
        if column >> shift != block:  # the blocks follow each other
            sums[block] = total
            block = column >> shift
            total = 0.0
        weight = table[column & mask]
        total += weight * factors[at]
    sums[block] = total
    return sums


def sum_of_named(values: tuple[float, ...], columns: bytes) -> float:
    """Return the sum of the contributions of named values.

    `columns` holds, in double precision and one after the other, the lower and upper bounds
    of all columns, their references and their weights.
    """
    if not cython.compiled:
        low, high, reference, weights = np.frombuffer(columns).reshape(4, -1)
        parts = (np.minimum(np.maximum(values, low), high) - reference) * weights
        parts[np.isnan(parts)] = 0.0
        return float(np.cumsum(parts)[-1])  # one by one, as below
    table: cython.const[cython.double][::1] = memoryview(columns).cast("d")  # type: ignore[valid-type]
    width: cython.Py_ssize_t = len(values)
    at: cython.Py_ssize_t
    value: cython.double
    total: cython.double = 0.0
    for at in range(width):
        value = values[at]
        if value == value:  # not NaN
            value = min(max(value, table[at]), table[width + at])
            total += (value - table[2 * width + at]) * table[3 * width + at]
    return total


def pieces_of(r: Reading, bits: int) -> dict[str, Pieces]:
    """Return the n-grams of each block of a comment, with the pieces of text that they come from."""
    words = _words_within(r.own_words, r)
    of_words = np.frombuffer(_keys_of_words(words, bits), np.int32).astype(np.int64)
    texts, keys = [words, words], [of_words[: len(words)], of_words[len(words) :]]
    places = [np.arange(len(own)) for own in keys]
    for number, pieces in enumerate(_blocks(r), 2):
        blobs = [_keys_of_pieces([piece], number, bits) for piece in pieces]
        texts.append(pieces)
        keys.append(np.frombuffer(b"".join(blobs), np.int32).astype(np.int64))
        places.append(np.repeat(np.arange(len(blobs)), [len(blob) >> 2 for blob in blobs]))
    values, counts = _weights_of(keys)
    of_text, of_pieces = _positions(r)
    positions = [of_text, of_text, of_pieces, None, None, None]
    buckets = [own & ((1 << bits) - 1) for own in keys]
    columns = zip(
        texts, (1, 2, 1, 1, 1, 1), buckets, places, values, counts, positions, strict=True
    )
    return {block: Pieces(*fields) for block, fields in zip(BLOCKS, columns, strict=True)}


def _blocks(r: Reading) -> list[list[str]]:
    """Return the pieces that the third and later blocks are cut from."""
    return [_split(r.own_lower), r.author_words, _host_pieces(r), _anchor_pieces(r)]


def _split(text: str) -> list[str]:
    if len(text) > _LONGEST:
        text = re.sub(r"\d+", "0", text)[:_LONGEST]
    return text.split(" ") if text else []


def _words_within(words: list[str], r: Reading) -> list[str]:
    """Return the comment's `words` up to the length limit of one text."""
    if len(r.own_lower) < _LONGEST // 2:
        return words
    return list(filter(None, _split(" ".join(words))))  # the cut may leave a space at the end


def _host_pieces(r: Reading) -> list[str]:
    """Return the words of the hosts and paths of a comment's links and author address."""
    if not r.links and not r.author_url:
        return []
    words: list[str] = []
    for url in [*(link.url for link in r.links[:50]), *([r.author_url] if r.author_url else [])]:
        host = host_of(url)
        domain = registered_domain(host)
        words += [domain, *host_words(host), *words_of(path_of(url)[:100])[:12]]
    return _split(" ".join(words))


def _anchor_pieces(r: Reading) -> list[str]:
    """Return the words of a comment's links."""
    if not r.links:
        return []
    return [w for link in r.links[:50] if link.anchor for w in words_of(link.anchor)]


def _weights_of(keys: list[I64]) -> tuple[list[NDArray[np.float32]], list[I64]]:
    """Return the column value of each n-gram, block by block, and how many n-grams share it."""
    sizes = [len(own) for own in keys]
    _, column, counts = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    counts = counts[column]
    # As in a row: counts are sublinear, and a block has unit length.
    length = np.repeat(np.maximum(np.array(sizes, np.float64), LEAST), sizes)
    values = np.sqrt(counts / length).astype(np.float32)
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
    if [w for inside in words for w in inside] != r.own_words:
        return None, pieces
    return np.repeat(pieces, list(map(len, words))), pieces
