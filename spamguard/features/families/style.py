"""Features of the writing: length, capitals, repeats, scripts, tricks, information per word."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import log1p
from string import ascii_letters

from spamguard.features.patterns import late
from spamguard.features.reading import Reading
from spamguard.features.schema import Feature

_CONSONANTS = re.compile("[bcdfghjklmnpqrstvwxz]{5}")
# Several letters for one sound, or common pairs.
_CLUSTER = late("(?:tsch|sch|ght|[csptz]h|ck|ng|[scrd]z|st|([b-df-hj-np-tv-xz])\\1)+")
FEATURES = (
    Feature("style_empty", 0, 1, "no words at all"),
    Feature("style_code", 0, 1, "share that is marked as code"),
    Feature("style_quote", 0, 2, "quoted passages (log scale)"),
    Feature("style_gibberish", 0, 1, "words that cannot be spoken, share", accuses=True),
    Feature("style_random_word", 0, 1, "nothing but a word of random letters", accuses=True),
    Feature("style_styled_letters", 0, 3, "letters in fancy alphabets (log scale)", accuses=True),
    Feature(
        "style_mixed_scripts",
        0,
        2,
        "words that mix scripts to look alike (log scale)",
        accuses=True,
    ),
    Feature("style_hidden", 0, 2, "invisible characters inside words (log scale)", accuses=True),
    Feature("style_stacked_marks", 0, 2, "stacked accents (log scale)", accuses=True),
    Feature("style_broken_text", 0, 1, "percent-encoded or mis-decoded text"),
)


# UTF-8 decoded as Latin-1 or Windows-1252, after compatibility normalisation.
_BROKEN = late(
    "%[0-9A-Fa-f]{2}%[0-9A-Fa-f]{2}|\ufffd|â€|Ã(?:[\x80-\xbfŸ„œ‰μ3]|1\u2044| [\u0300-\u036f])|Ð[\x80-\xbfμ\\d]|Ñ[\x80-\xbf€‚ƒ„…†‡ˆ‰]"
)


def is_unspeakable(word: str) -> bool:
    """Return whether lower-case Latin `word` has five consonants in a row; a cluster counts as one."""
    if _CONSONANTS.search(word) is None:
        return False
    return _CONSONANTS.search(_CLUSTER.sub("t", word)) is not None


# Names made by programs; camelCase and abbreviations do not match.
_RANDOM_CASE = late(
    r"(?<![^\W_])[A-Za-z]{0,20}(?:[A-Z]{2}[a-z]{1,2}[A-Z]{2}|[a-z][A-Z]{2,4}[a-z]{1,2}[A-Z]|[a-z][A-Z][a-z][A-Z][a-z])"
    r"|(?<![^\W_])[a-z][A-Z]{5,}(?![^\W_])"
)
# Letters by case; every match of the pattern contains one of the runs below.
_CASES = bytes.maketrans(ascii_letters.encode(), b"a" * 26 + b"A" * 26)
_RANDOM_ROWS = (b"AAaA", b"AAaaA", b"aAaAa", b"aAAAAA")


def is_random_case(text: str) -> bool:
    """Return whether `text` contains a word with random capitals."""
    cases = text.encode("ascii", "replace").translate(_CASES)
    if not any(map(cases.__contains__, _RANDOM_ROWS)):
        return False
    return _RANDOM_CASE.search(text) is not None


_CASE_RUNS = late(r"\A[a-z]+|[A-Z]+[a-z]*")
_NO_VOWEL = late(r"[b-df-hj-np-tv-xz]{3,}", re.IGNORECASE)


def is_random_word(word: str) -> bool:
    """Return whether a whole name or comment is random letters, such as "hiMQDdvofuB".

    Capitals must follow small letters, and one run must begin with several capitals or
    lack a vowel. Many words of programmers match too, so this is no test for the single
    words of a text.
    """
    if not 6 <= len(word) <= 25 or not word.isascii() or not word.isalpha():
        return False
    runs = _CASE_RUNS.findall(word)
    odd = (
        not run.isupper() and (run[:2].isupper() or _NO_VOWEL.fullmatch(run) is not None)
        for run in runs
    )
    return len(runs) > 1 and any(odd)


def _unspeakable(words: list[str]) -> list[str]:
    return [word for word in _longer_latin(words) if is_unspeakable(word)]


def _longer_latin(words: list[str]) -> list[str]:
    return [w for w in words if len(w) >= 6 and w.isascii() and w.isalpha()]


def _gibberish(words: list[str]) -> float:
    return len(_unspeakable(words)) / max(3, len(_longer_latin(words)))


def values(r: Reading) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    body, words = r.body, r.words
    return (
        float(not words and not body.links and not body.code_length),
        min(1.0, body.code_length / max(1, body.length)),
        log1p(body.quote_lines),
        _gibberish(words),
        float(
            0 < len(words) <= 2
            and len(body.text) < 60
            and any(map(is_random_word, body.text.split()))
        ),
        log1p(body.styled_letters),
        log1p(len(body.mixed_script_words)),
        log1p(body.hidden_characters),
        log1p(body.stacked_marks),
        float(_may_be_broken(body.text) and _BROKEN.search(body.text) is not None),
    )


def _may_be_broken(text: str) -> bool:
    return "%" in text or not text.isascii()


STRINGS: dict[str, Callable[[Reading], list[str]]] = {
    "style_gibberish": lambda r: _unspeakable(r.words),
    "style_random_word": lambda r: [w for w in r.body.text.split() if is_random_word(w)],
    "style_mixed_scripts": lambda r: r.body.mixed_script_words,
    "style_broken_text": lambda r: [m.group() for m in _BROKEN.finditer(r.body.text)],
}
"""Finders of the words and signs behind a column; other columns measure or count."""
