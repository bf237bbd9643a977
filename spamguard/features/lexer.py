"""One pass over the characters of a text: the signs it holds, and its words.

`scan` returns the signs of a text as bits. A step that undoes markup, links or
tricks runs only where its sign was seen, so a plain comment meets no pattern at all.
A sign may be reported where there is nothing to undo, but it is never missed.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase, digits

try:
    import cython
except ImportError:  # these modules run without Cython too
    from spamguard.features import interpreted as cython

COMPILED: bool = cython.compiled
"""Whether this form runs as machine code."""

# --- signs --------------------------------------------------------------------------------

# Of one character. BOM is U+FEFF; PECULIAR needs normalising, TRICKY a closer look.
TAG, ENTITY, BRACKET, ANGLE, TICK, DRESS, AT, CONTROL, RETURN, BOM, PECULIAR, TRICKY = (
    1 << n for n in range(12)
)
# Of two neighbours: what may be a domain, a split domain, //, www, ](, "- ", ~~, a letter beside a
# digit, two spaces, two scripts in one word.
DOMAIN, SPLIT, URL, WEB, LINKED, LEAD, STRUCK, LEET, UNTIDY, MIXED = (1 << n for n in range(12, 22))
DIGITS = 1 << 22  # as many as a telephone number has
MARKUP = TAG | ENTITY | BRACKET | ANGLE | TICK | DRESS | LINKED | LEAD | STRUCK
UNCLEAN = CONTROL | BOM | PECULIAR | TRICKY | MIXED
_LEAST_DIGITS = 9

# --- kinds of characters ------------------------------------------------------------------

_KIND_NAMES = (
    "any capital small digit leet space newline tab return control dot close close_square open open_square slash "
    "less more ampersand tick dress tilde lead at dollar bang w bom script peculiar tricky after_dot"
).split()
_KINDS = {name: number for number, name in enumerate(_KIND_NAMES)}
_WIDTH = 64  # more than there are kinds

# Fit as they are; all else above U+007F is peculiar.
_PLAIN = (
    "A1-A7 A9 AB-AC AE B0-B1 B6-B7 BB BF-12F 134-13E 141-148 14A-17E 2010 2012-2015 2018-2023 2030 2039-203A "
    "20A0-20A7 20A9-20B9 2600-26FF 3001-3002 3008-3011 3041-3096 30A1-30FA 30FC 4E00-9FFF AC00-D7A3 1F300-1F64F"
)
# Cyrillic, fit unless it stands in a Latin word.
_SCRIPT = "400-482 48A-52F"
_TRICKY = (
    "80-9F AD 262 26A 274 280 28F 29C 29F 300-36F 483-489 115F-1160 180E 1AB0-1AFF 1D00-1D2B 1DC0-1DFF 200B-200F "
    "202A-202E 2060-206F 20D0-20FF 2160-217F 2460-24FF 3164 A730-A731 D800-DFFF FF21-FF3A FF41-FF5A FFA0 FFF9-FFFC "
    "1D400-1D7FF 1F110-1F189 E0000-E01EF"
)
_ASCII = {
    "capital": ascii_uppercase, "small": ascii_lowercase + "\u0130\u0131", "digit": digits, "leet": "0134578",
    "space": " ", "newline": "\n", "tab": "\t", "return": "\r", "dot": ".", "close": ")}", "close_square": "]",
    "open": "(", "open_square": "[", "slash": "/", "less": "<", "more": ">", "ampersand": "&", "tick": "`",
    "dress": "*_", "tilde": "~", "lead": "#+-", "at": "@", "dollar": "$", "bang": "!|", "w": "wW",
    "control": "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127))),
}  # fmt: skip
_ALONE = {
    "less": TAG, "ampersand": ENTITY, "open_square": BRACKET, "more": ANGLE, "tick": TICK, "dress": DRESS, "at": AT,
    "tab": UNTIDY, "control": CONTROL | UNTIDY, "return": RETURN | UNTIDY, "bom": BOM, "peculiar": PECULIAR | UNTIDY,
    "tricky": TRICKY | UNTIDY,
}  # fmt: skip
_LETTERS = "capital small w"
_SPACES = "space newline tab return after_dot"
_PAIRS = (
    (DOMAIN, "dot", f"{_LETTERS} script"),
    (SPLIT, "after_dot", "small w"),
    (SPLIT, "space after_dot", "dot"),
    (SPLIT, "dot after_dot", "close close_square"),
    (URL, "slash", "slash"),
    (WEB, "w", "w"),
    (LINKED, "close_square", "open"),
    (LEAD, "lead", "space tab"),
    (STRUCK, "tilde", "tilde"),
    (LEET, "leet at dollar bang", _LETTERS),
    (LEET, f"{_LETTERS} bang", "leet at dollar"),
    (UNTIDY, _SPACES, _SPACES),
    (MIXED, _LETTERS, "script"),
    (MIXED, "script", _LETTERS),
)


def _ranges(text: str) -> list[tuple[int, int]]:
    pairs = (part.split("-") for part in text.split())
    return [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]


_BELOW = 0x3000  # characters whose kind is in a table


def _kind_table() -> bytes:
    kinds = bytearray([_KINDS["any"]]) * 0x80 + bytearray([_KINDS["peculiar"]]) * (_BELOW - 0x80)
    for kind, ranges in (("any", _PLAIN), ("script", _SCRIPT), ("tricky", _TRICKY)):
        for first, last in _ranges(ranges):
            if last < _BELOW:
                kinds[first : last + 1] = bytes([_KINDS[kind]]) * (last + 1 - first)
    for kind, letters in _ASCII.items():
        for letter in letters:
            kinds[ord(letter)] = _KINDS[kind]
    return bytes(kinds)


def _pair_table() -> bytes:
    """Return the number of the sign of two neighbours, 0 for none, at ``_WIDTH * first + second``."""
    pairs = bytearray(_WIDTH * _WIDTH)
    for sign, firsts, seconds in _PAIRS:
        for first in firsts.split():
            for second in seconds.split():
                pairs[_WIDTH * _KINDS[first] + _KINDS[second]] = sign.bit_length()
    return bytes(pairs)


_KIND_OF: bytes = _kind_table()
_PAIR_OF: bytes = _pair_table()
_SIGNS_ALONE = tuple((1 << _KINDS[kind], sign) for kind, sign in _ALONE.items())
_ABOVE = tuple(
    (first, last, _KINDS[kind])
    for kind, ranges in (("any", _PLAIN), ("tricky", _TRICKY), ("bom", "FEFF"))
    for first, last in _ranges(ranges)
    if last >= _BELOW
)
_SPACE, _NEWLINE, _DOT, _AFTER_DOT = (_KINDS[k] for k in ("space", "newline", "dot", "after_dot"))
_LEET, _DIGIT, _PECULIAR = (_KINDS[k] for k in ("leet", "digit", "peculiar"))


def _kind_above(code: int) -> int:
    for first, last, kind in _ABOVE:
        if first <= code <= last:
            return kind
    return _PECULIAR


def scan(text: str) -> int:
    """Return the signs of `text`."""
    return _scan(text) if cython.compiled or len(text) < _FEW else _scan_at_once(text)


@cython.boundscheck(False)
@cython.wraparound(False)
def _scan(text: str) -> int:
    kinds: bytes = _KIND_OF
    pairs: bytes = _PAIR_OF
    at: cython.Py_ssize_t
    code: cython.uint
    kind: cython.uint
    last: cython.uint = _NEWLINE
    digits: cython.Py_ssize_t = 0
    alone: cython.ulonglong = 0
    seen: cython.ulonglong = 0
    one: cython.ulonglong = 1
    space: cython.uint = _SPACE
    dot: cython.uint = _DOT
    after_dot: cython.uint = _AFTER_DOT
    digit: cython.uint = _DIGIT
    leet: cython.uint = _LEET
    for at in range(len(text)):
        code = ord(text[at])
        if code < 0x3000:
            kind = kinds[code]
        elif 0x4E00 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7A3:
            kind = 0
        else:
            kind = _kind_above(code)
        alone |= one << kind
        seen |= one << pairs[64 * last + kind]
        if kind == space:
            if last in (dot, after_dot):
                kind = after_dot
        elif kind in (digit, leet):
            digits += 1
        last = kind
    # A text that ends with a space is untidy too.
    seen |= one << pairs[64 * last + space]
    return _signs(alone, seen, digits)


def _signs(alone: int, seen: int, digits: int) -> int:
    signs = seen >> 1
    for kind, sign in _SIGNS_ALONE:
        if alone & kind:
            signs |= sign
    return signs | DIGITS if digits >= _LEAST_DIGITS else signs


_FEW = 100  # characters that Python reads as fast one by one
_SPLIT_AFTER_SPACES = re.compile(r"\. +[a-z\u0130\u0131.)}\]]")


def _scan_at_once(text: str) -> int:
    """Do what `_scan` does, by numpy, which is faster where nothing is compiled."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = np.frombuffer(_KIND_OF, np.uint8)[np.minimum(codes, _BELOW - 1)].astype(np.uint16)
    for at in np.flatnonzero(codes >= _BELOW):
        kinds[at] = _kind_above(int(codes[at]))
    edges = np.concatenate(([_NEWLINE], kinds, [_SPACE]))
    pairs = np.frombuffer(_PAIR_OF, np.uint8)[edges[:-1] * _WIDTH + edges[1:]]
    seen = sum(1 << int(number) for number in np.flatnonzero(np.bincount(pairs)))
    counts = np.bincount(kinds, minlength=_WIDTH)
    alone = sum(1 << int(kind) for kind in np.flatnonzero(counts))
    if ". " in text and _SPLIT_AFTER_SPACES.search(text) is not None:
        seen |= SPLIT << 1
    return _signs(alone, seen, int(counts[_DIGIT] + counts[_LEET]))


# --- words --------------------------------------------------------------------------------

# Vowel signs and accents: not letters, but part of a word.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0900-\u0963\u0971-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ecd"
    "\u0f71-\u0f84\u102b-\u103e\u17b6-\u17d3"
)
_WORD = re.compile(rf"[^\W_]+(?:(?:['\u200c\u200d](?=[^\W_])|[{_MARKS}]+)[^\W_]*)*")
_MARK_LIMIT = 0x17D4


def _mark_table() -> bytes:
    marks = re.compile(f"[{_MARKS}]")
    found = bytearray(_MARK_LIMIT)
    for first, last in (
        (m.start(), m.end()) for m in marks.finditer("".join(map(chr, range(_MARK_LIMIT))))
    ):
        found[first:last] = b"\1" * (last - first)
    return bytes(found)


_MARK_OF: bytes = _mark_table()


@cython.annotation_typing(False)
def words_of(text: str) -> list[str]:
    """Return the lower-case words of canonical text, in order; apostrophes join (``don't``)."""
    return lower_words(text.lower())


def lower_words(text: str) -> list[str]:
    """Return the words of `text`, which is in lower case."""
    if not text.isascii():
        text = text.replace("’", "'").replace("i\u0307", "i")
    if not cython.compiled:
        return _WORD.findall(text)  # says the same, and is faster here
    return _words(text)


def _words(text: str) -> list[str]:
    """Do what `_WORD` does, several times as fast where it is compiled."""
    marks: bytes = _MARK_OF
    found: list[str] = []
    size: cython.Py_ssize_t = len(text)
    at: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t
    letter: cython.Py_UCS4
    while at < size:
        letter = text[at]
        if not _is_alnum(letter):
            at += 1
            continue
        start = at
        at += 1
        while at < size:
            letter = text[at]
            if _is_alnum(letter):
                at += 1
            elif letter == "'" or letter == "\u200c" or letter == "\u200d":
                at += 1
                if at == size or not _is_alnum(text[at]):
                    at -= 1
                    break
            elif "\u0300" <= letter < "\u17d4" and marks[ord(letter)]:
                at += 1
            else:
                break
        found.append(text[start:at])
    return found


@cython.cfunc
@cython.inline
def _is_alnum(letter: cython.Py_UCS4) -> cython.bint:
    if letter < "\x80":
        return "a" <= letter <= "z" or "0" <= letter <= "9" or "A" <= letter <= "Z"
    return letter.isalnum()


def any_spaced(words: list[str]) -> bool:
    """Return whether three neighbours have one letter each, as in s p a c e d words."""
    short: cython.int = 0
    word: str
    for word in words:
        short = short + 1 if len(word) == 1 else 0
        if short == 3:
            return True
    return False


def find_address(text: str, start: int) -> int:
    """Return the place of the next ``//`` after a colon in `text`, or -1."""
    at: cython.Py_ssize_t = text.find("//", start)
    while at > start:
        if text[at - 1] == ":" or (text[at - 1] == " " and at > start + 1 and text[at - 2] == ":"):
            return at
        at = text.find("//", at + 1)
    return -1


# --- what may be a domain -----------------------------------------------------------------

_LONGEST_ENDING = 9


def find_ending(text: str, start: int, endings: frozenset[str]) -> int:
    """Return the place of the next dot in `text` before one of the domain `endings`, or -1."""
    at: cython.Py_ssize_t = text.find(".", start)
    end: cython.Py_ssize_t
    size: cython.Py_ssize_t = len(text)
    while at >= 0:
        end = at + 1
        while end < size and end - at <= _LONGEST_ENDING and _is_domain_letter(text[end]):
            end += 1
        if end - at > 2 and text[at + 1 : end].lower() in endings:
            return at
        at = text.find(".", at + 1)
    return -1


@cython.cfunc
@cython.inline
def _is_domain_letter(letter: cython.Py_UCS4) -> cython.bint:
    if letter < "\x80":
        return _is_alnum(letter) or letter == "_" or letter == "-"
    return "\u00c0" <= letter <= "\u052f"


# --- Markdown -----------------------------------------------------------------------------


def without_leads(text: str) -> str:
    """Return `text` without the marks of headings and lists at the beginning of lines."""
    kept: list[str] = []
    size: cython.Py_ssize_t = len(text)
    start: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    at: cython.Py_ssize_t
    first: cython.Py_ssize_t
    while start < size:
        end = text.find("\n", start) + 1
        if end == 0:
            end = size
        first = start
        while first < end and first - start < 3 and text[first] == " ":
            first += 1
        at = first
        while at < end and at - first < 6 and text[at] == "#":
            at += 1
        if at == first and at < end and (text[at] == "-" or text[at] == "+"):
            at += 1
        if at > first and at < end and (text[at] == " " or text[at] == "\t"):
            start = at + 1
        kept.append(text[start:end])
        start = end
    return "".join(kept)


_DRESSED = re.compile(r"[*_]|~~|https?://\S+|www\.\S+")


def without_dress(text: str) -> str:
    """Return `text` without the marks of emphasis; addresses and words joined by a mark keep theirs."""
    kept: list[str] = []
    start: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    for found in _DRESSED.finditer(text):
        at = found.start()
        end = found.end()
        if at < start or text[at] == "h" or text[at] == "w":
            continue
        if text[at] != "~":
            end = _end_of_dress(text, at, text[at])
        if end > at:
            kept.append(text[start:at])
            start = end
    kept.append(text[start:])
    return "".join(kept)


@cython.cfunc
def _end_of_dress(text: str, at: cython.Py_ssize_t, mark: cython.Py_UCS4) -> cython.Py_ssize_t:
    """Return the end of the one to three marks at `at` that do not join words; `at` if they do."""
    size: cython.Py_ssize_t = len(text)
    end: cython.Py_ssize_t = at
    while end < size and end - at < 3 and text[end] == mark:
        end += 1
    if at == 0 or not _joins(text[at - 1], mark):
        return end
    while end > at and end < size and _joins(text[end], mark):
        end -= 1
    return end


@cython.cfunc
@cython.inline
def _joins(letter: cython.Py_UCS4, mark: cython.Py_UCS4) -> cython.bint:
    return _is_alnum(letter) or (mark == "_" and letter == "_")
