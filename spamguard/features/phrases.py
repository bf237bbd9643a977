"""Finds the phrases of a lexicon in the words of a text.

Phrases match whole words. A trailing ``*`` matches any ending (``кредит*``). Chinese,
Japanese and Korean have no spaces between words, so their phrases match anywhere and
are long enough not to occur inside other words. Of overlapping phrases the first and
longest counts, and its words count once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spamguard.features.patterns import late

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

_CJK_FIRST = "\u3040"
_CJK = late(f"[{_CJK_FIRST}-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STEM = 3  # letters that index the stems of first words

# Phrases with a common beginning, by their next word. Under "" the group of the phrase that ends
# here, under "*" the trees of stems.
Tree = dict[str, Any]


def has_cjk(text: str) -> bool:
    """Return whether `text` contains Chinese, Japanese or Korean letters."""
    return not text.isascii() and _CJK.search(text) is not None


def _add(tree: Tree, words: list[str], number: int) -> None:
    for word in words:
        if word[-1] == "*":
            tree = tree.setdefault("*", {})
        tree = tree.setdefault(word.rstrip("*"), {})
    tree[""] = number


class Phrases:
    """An index of groups of phrases by word: cost grows with the words, not the phrases."""

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self.names = tuple(groups)
        # The remainders of phrases by first word, replaced by a tree when the word is first seen.
        self._firsts: dict[str, Any] = {}
        self._cjk: dict[str, int] = {}
        patterns: dict[str, None] = {}
        stems: Tree = {}
        for number, group in enumerate(groups.values()):
            for phrase in group:
                first, _, rest = phrase.partition(" ")
                if max(phrase) > _CJK_FIRST:  # only CJK phrases have letters this high
                    self._cjk[phrase.replace(" ", "")] = number
                    patterns[re.escape(phrase).replace("\\ ", " ?")] = None
                elif first[-1] == "*":
                    _add(stems, phrase.split(), number)
                else:
                    self._firsts.setdefault(first, []).append((rest, number))
        self._stems: dict[str, list[tuple[str, Tree]]] = {}
        for stem in sorted(stems.get("*", ()), key=len, reverse=True):  # the longest stem wins
            self._stems.setdefault(stem[:_STEM], []).append((stem, stems["*"][stem]))
        self._cjk_pattern = late("|".join(sorted(patterns, key=len, reverse=True)))

    def find(self, words: list[str], text: str = "") -> list[tuple[int, str]]:
        """Return (group number, phrase as written) for every phrase in `words`; `text` is for CJK."""
        found: list[tuple[int, str]] = []
        firsts: dict[str, Any] = self._firsts
        stems: dict[str, list[tuple[str, Tree]]] = self._stems
        at: cython.Py_ssize_t = 0
        end: cython.Py_ssize_t
        word: str
        while at < len(words):
            word = words[at]
            end = 0
            tree = firsts.get(word)
            if tree is not None:
                if type(tree) is list:
                    tree = self._grown(word)
                end = _end(tree, words, at + 1)
            if end == 0:
                known = stems.get(word[:_STEM])
                if known is not None:
                    for stem, tree in known:
                        if word.startswith(stem):
                            end = _end(tree, words, at + 1)
                            if end > 0:
                                break
            if end == 0:
                at += 1
                continue
            found.append((_number(tree, words, at + 1, end), " ".join(words[at:end])))
            at = end
        if text and has_cjk(text):
            for phrase in self._cjk_pattern.findall(text):
                found.append((self._cjk[phrase.replace(" ", "")], phrase))
        return found

    def _grown(self, word: str) -> Tree:
        """Return the tree of the phrases that begin with `word`."""
        tree: Tree = {}
        for rest, number in self._firsts[word]:
            _add(tree, rest.split(), number)
        self._firsts[word] = tree  # equal, whichever of two threads comes last
        return tree


@cython.cfunc
def _next(tree: dict[str, Any], word: str) -> object:
    """Return the tree of the phrases that go on with `word`, or None."""
    found = tree.get(word)
    if found is None:
        stems = tree.get("*")
        if stems is not None:
            for stem in stems:
                if word.startswith(stem):
                    return stems[stem]
    return found


@cython.cfunc
def _end(tree: dict[str, Any], words: list[str], start: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Return the end of the longest phrase of `tree` that goes on at `start`; 0 without one."""
    end: cython.Py_ssize_t = start if "" in tree else 0
    at: cython.Py_ssize_t
    for at in range(start, len(words)):
        found = _next(tree, words[at])
        if found is None:
            break
        tree = found
        if "" in tree:
            end = at + 1
    return end


@cython.cfunc
def _number(
    tree: dict[str, Any], words: list[str], start: cython.Py_ssize_t, end: cython.Py_ssize_t
) -> object:
    """Return the group of the phrase of `tree` from `start` to `end`."""
    at: cython.Py_ssize_t
    for at in range(start, end):
        tree = _next(tree, words[at])
    return tree[""]
