"""The language of a comment, by its script or its function words.

Function words (the, und, pas) make up a third of running text but are rare in
lists of goods, so they name a language and tell prose from keywords. A script
used by one language, or nearly so, names it alone; related languages share one
code (Devanagari is "hi", Hebrew letters are "he"). Short, mixed and garbled
text has no language: no answer is better than a wrong one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features.wordlists import sections, word_sections

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

__all__ = ["count_languages", "is_known", "language_of", "languages_known", "name_of", "script_of"]

_HEAD, _TAIL = 200, 100  # words read: a foreign preface alone must not decide for a long comment
_LONGEST = 100  # characters read of a word: some scripts write no spaces
_LEAST_LETTERS = 10  # of the script: a few Han characters may be Japanese
_LEAST_WORDS = 3  # distinct function words
_LEAST_LONGER = 2  # of them with two letters or more: s p a c e d letters have none
_LEAST_SHARE = 0.15  # of function words among all words
_MARGIN = 1.4  # ratio between the votes of the best language and the next
_MAJORITY = 0.6  # of the letters in one script

# --- function words ---------------------------------------------------------------

_LATIN: Final = word_sections("languages/latin")
_CYRILLIC: Final = word_sections("languages/cyrillic")
_ARABIC: Final = word_sections("languages/arabic")
_CODES: Final = (*_LATIN, *_CYRILLIC, *_ARABIC)


def _owners(languages: Mapping[str, tuple[str, ...]]) -> dict[str, bytes]:
    """Return, for each word or letter, the numbers of its languages in `_CODES`."""
    owners: dict[str, list[int]] = {}
    for code, words in languages.items():
        for word in words:
            owners.setdefault(word, []).append(_CODES.index(code))
    return {word: bytes(codes) for word, codes in owners.items()}


# A letter that few languages use is half a vote, split among them.
_TELLING_LETTERS: Final = _owners(word_sections("languages/letters"))
_MOST_TELLING = 6  # votes counted for one such letter

_OWNERS: Final = {
    "latin": _owners(_LATIN),
    "cyrillic": _owners(_CYRILLIC),
    "arabic": _owners(_ARABIC),
}

# --- scripts ----------------------------------------------------------------------

# First letter of each block, its script, and the language of that script.
_BLOCKS: Final = (
    ("\0", "latin", ""), ("\u0370", "greek", "el"), ("\u0400", "cyrillic", ""), ("\u0530", "armenian", "hy"),
    ("\u0590", "hebrew", "he"), ("\u0600", "arabic", ""), ("\u0700", "other", ""), ("\u0750", "arabic", ""),
    ("\u0780", "other", ""), ("\u0900", "devanagari", "hi"), ("\u0980", "bengali", "bn"),
    ("\u0a00", "gurmukhi", "pa"), ("\u0a80", "gujarati", "gu"), ("\u0b00", "oriya", "or"), ("\u0b80", "tamil", "ta"),
    ("\u0c00", "telugu", "te"), ("\u0c80", "kannada", "kn"), ("\u0d00", "malayalam", "ml"),
    ("\u0d80", "sinhala", "si"), ("\u0e00", "thai", "th"), ("\u0e80", "lao", "lo"), ("\u0f00", "tibetan", "bo"),
    ("\u1000", "burmese", "my"), ("\u10a0", "georgian", "ka"), ("\u1100", "hangul", "ko"),
    ("\u1200", "ethiopic", "am"), ("\u13a0", "other", ""), ("\u1780", "khmer", "km"), ("\u1800", "other", ""),
    ("\u1e00", "latin", ""), ("\u1f00", "greek", "el"), ("\u2000", "other", ""), ("\u3040", "kana", "ja"),
    ("\u3100", "other", ""), ("\u3400", "han", "zh"), ("\ua000", "other", ""), ("\uac00", "hangul", "ko"),
    ("\ud7b0", "other", ""),
)  # fmt: skip
_STARTS: Final = tuple(start for start, _, _ in _BLOCKS)
_NAMED: Final = {script: code for _, script, code in _BLOCKS}
# A character for a syllable or a word counts as several letters.
_WORTH: Final = {"han": 3, "kana": 2, "hangul": 2}
_DIGITS = re.compile(r"[\d_]+")


def _script(letter: str) -> str:
    return _BLOCKS[bisect_right(_STARTS, letter) - 1][1]


def script_of(words: list[str]) -> str:
    """Return the script, such as ``latin``, in which most of `words` begin; empty without words."""
    votes: dict[str, int] = {}
    latin: cython.Py_ssize_t = 0
    word: str
    letter: cython.Py_UCS4
    for word in words:
        letter = word[0]
        if letter < "\u0370":
            latin += letter.isalpha()
        else:
            script = _script(letter)
            if script != "latin" or letter.isalpha():
                votes[script] = votes.get(script, 0) + 1
    if not votes:
        return "latin" if latin else ""
    if latin:
        votes["latin"] = votes.get("latin", 0) + latin
    return max(votes, key=votes.__getitem__)


def _main_script(letters: str) -> str:
    """Return the script of most `letters`; empty for few or mixed letters."""
    if letters.isascii():
        return "latin"
    shares: Counter[str] = Counter()
    for letter, count in Counter(_DIGITS.sub("", letters)).items():
        shares[_script(letter)] += count
    if 10 * shares["kana"] >= shares["han"] > 0:  # a few の do not make Chinese text Japanese
        shares["kana"] += shares.pop("han")
    if not shares:
        return ""
    weighed = {script: count * _WORTH.get(script, 1) for script, count in shares.items()}
    best = max(weighed, key=weighed.__getitem__)
    enough = shares[best] >= _LEAST_LETTERS and weighed[best] >= _MAJORITY * sum(weighed.values())
    return best if enough else ""


# --- the language -----------------------------------------------------------------


def language_of(words: list[str]) -> str:
    """Return the ISO 639-1 code of the language of `words`, or an empty string if it is unclear."""
    if len(words) > _HEAD + _TAIL:
        words = [*words[:_HEAD], *words[-_TAIL:]]
    letters = "".join(words)
    if len(letters) > _LONGEST:
        letters = "".join([word[:_LONGEST] for word in words])
    script = _main_script(letters)
    owners = _OWNERS.get(script)
    return _NAMED.get(script, "") if owners is None else _by_words(words, letters, owners)


def _by_words(words: list[str], letters: str, owners: dict[str, bytes]) -> str:
    """Count votes of function words and rare letters; a word of several languages splits one vote."""
    said: dict[str, int] = {}
    votes: cython.double[64] = [0.0] * 64  # by language
    share: cython.double
    best: cython.Py_ssize_t = 0
    code: cython.Py_ssize_t
    word: str
    codes: bytes
    for word in words:
        if word in owners:
            said[word] = said.get(word, 0) + 1
    if len(said) < _LEAST_WORDS:
        return ""
    for word, count in said.items():
        codes = owners[word]
        share = count / len(codes)
        for code in codes:
            votes[code] += share
    if not letters.isascii():
        _count_telling(letters, votes)
    for code in range(len(_CODES)):
        if votes[code] > votes[best]:
            best = code
    return _CODES[best] if _is_clear(best, votes, said, owners, len(words)) else ""


@cython.cfunc
def _is_clear(
    best: cython.Py_ssize_t,
    votes: cython.double[64],
    said: dict[str, int],
    owners: dict[str, bytes],
    n: cython.Py_ssize_t,
) -> cython.bint:
    """Return whether enough words vote for `best`, and clearly more than for any other language."""
    hits: cython.Py_ssize_t = 0
    longer: cython.Py_ssize_t = 0
    total: cython.Py_ssize_t = 0
    code: cython.Py_ssize_t
    word: str
    codes: bytes
    for word, count in said.items():
        codes = owners[word]
        if best in codes:
            hits += 1
            longer += len(word) > 1
            total += count
    if hits < _LEAST_WORDS or longer < _LEAST_LONGER or total < _LEAST_SHARE * n:
        return False
    for code in range(len(_CODES)):
        if code != best and votes[best] < _MARGIN * votes[code]:
            return False
    return True


@cython.cfunc
def _count_telling(letters: str, votes: cython.double[64]) -> cython.void:
    """Add the votes of rare letters to languages that have a function word already."""
    code: cython.Py_ssize_t
    codes: bytes
    for letter in sorted(set(letters) & _TELLING_LETTERS.keys()):
        codes = _TELLING_LETTERS[letter]
        for code in codes:
            if votes[code] > 0:
                votes[code] += min(letters.count(letter), _MOST_TELLING) / (2.0 * len(codes))


_NAMES: Final = dict(entry.split() for entry in sections("languages/names")["names"])


def name_of(language: str) -> str:
    """Return the English name of a language (``Portuguese`` for ``pt``), or its code."""
    return _NAMES.get(language, language)


# --- what a model knows -----------------------------------------------------------


def is_known(language: str, known: frozenset[str]) -> bool:
    """Return whether a model that knows the languages `known` may call a comment spam.

    An unclear `language` (empty) counts as known. If `known` is empty, the model
    has no count of its languages and every language counts as known.
    """
    return not language or not known or language in known


def count_languages(
    languages: NDArray[np.str_], spam: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Return the number of ham and spam comments per language, by code and then label.

    Parameters
    ----------
    languages : ndarray of str, shape (n,)
        Codes, as in `Rows`; empty codes are left out.
    spam : ndarray of bool, shape (n,)
        Whether each comment is spam.
    """
    return {
        str(code): {
            "ham": int((~spam & (languages == code)).sum()),
            "spam": int((spam & (languages == code)).sum()),
        }
        for code in np.unique(languages[languages != ""])
    }


def languages_known(counts: Mapping[str, Mapping[str, int]], least_ham: int) -> frozenset[str]:
    """Return the languages with at least `least_ham` ham comments in `counts`.

    Spam does not count: a model that does not know a language errs on its ham.
    """
    return frozenset(code for code, count in counts.items() if count["ham"] >= least_ham)
