"""Spammers' tricks to evade a filter, as functions of a comment.

They measure the effect of each trick on spam, and of the defences on ham. Each is
deterministic given `rng`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from spamguard.comment import Comment

Attack = Callable[[Comment, np.random.Generator], Comment]

_LOOKALIKE: Final = str.maketrans("aceopxyiACEHKMOPTX", "асеорхуіАСЕНКМОРТХ")
_LEET: Final = str.maketrans("aeios", "43105")
_WORD: Final = re.compile(r"[A-Za-z]{4,}")
_URL: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"'\])]+")
_ANCHOR: Final = re.compile(
    r"<a\s[^>]*>(.*?)</a>|\[url=[^\]]*\](.*?)\[/url\]", re.IGNORECASE | re.DOTALL
)
_OUTSIDE_LINKS: Final = re.compile(r"(<[^>]*>|\[/?url[^\]]*\]|(?:https?://|www\.)[^\s<>\"'\])]+)")
# Everyday words for padding, chosen by hand.
_GOOD_WORDS: Final = (
    "yesterday morning my neighbour asked whether the small bridge near our school would be closed "
    "again because the river had risen so we walked there with the dog and looked at the water for "
    "a while then had tea and talked about the garden the weather old books and how the bus is late"
).split()
_PLAIN: Final = {
    "great": "good", "buy": "get", "cheap": "low cost", "best": "finest", "very": "quite", "amazing": "lovely",
    "thanks": "thank you", "article": "text", "website": "page", "information": "facts", "click": "press",
    "visit": "see", "help": "aid", "money": "cash", "get": "obtain", "awesome": "fine", "nice": "pleasant",
    "really": "truly", "please": "kindly", "online": "on the net",
}  # fmt: skip


def _outside_links(text: str, change: Callable[[str], str]) -> str:
    return "".join(
        part if i % 2 else change(part) for i, part in enumerate(_OUTSIDE_LINKS.split(text))
    )


def _some_words(
    comment: Comment, rng: np.random.Generator, share: float, change: Callable[[str], str]
) -> Comment:
    def maybe(match: re.Match[str]) -> str:
        return change(match.group()) if rng.random() < share else match.group()

    return replace(comment, text=_outside_links(comment.text, lambda part: _WORD.sub(maybe, part)))


def homoglyphs(comment: Comment, rng: np.random.Generator) -> Comment:
    """Replace letters by those of another alphabet in every second word."""
    return _some_words(comment, rng, 0.5, lambda word: word.translate(_LOOKALIKE))


def zero_width(comment: Comment, rng: np.random.Generator) -> Comment:
    """Add an invisible character to every second word."""
    return _some_words(comment, rng, 0.5, lambda word: f"{word[:2]}\u200b{word[2:]}")


def leet(comment: Comment, rng: np.random.Generator) -> Comment:
    """Replace letters by digits in every third word."""
    return _some_words(comment, rng, 0.33, lambda word: word.translate(_LEET))


def spaced(comment: Comment, rng: np.random.Generator) -> Comment:
    """S p a c e out the letters of every fifth word."""
    return _some_words(comment, rng, 0.2, " ".join)


def _shown(anchor: re.Match[str]) -> str:
    """Return the words and the address of a link, so that a hidden link is visible."""
    words, address = anchor.group(1) or anchor.group(2) or "", _URL.search(anchor.group())
    return words if address is None or address.group() in words else f"{words} {address.group()}"


def split_links(comment: Comment, rng: np.random.Generator) -> Comment:
    """Write addresses so that only people can read them: ``example dot com``."""
    bare = _ANCHOR.sub(_shown, comment.text)
    return replace(
        comment,
        text=_URL.sub(
            lambda m: re.sub(r"^(?:https?://)?(?:www\.)?", "", m.group()).replace(".", " dot "),
            bare,
        ),
    )


_MOST_PADDING: Final = 200  # words


def _padded_with(texts: Sequence[str]) -> Attack:
    def attack(comment: Comment, rng: np.random.Generator) -> Comment:
        wanted = int(rng.integers(5, _MOST_PADDING))
        words: list[str] = []
        for _ in range(wanted):  # a text may have no words
            words += texts[int(rng.integers(0, len(texts)))].split()
            if len(words) >= wanted:
                break
        parts = [comment.text, " ".join(words[:wanted])]
        return replace(comment, text="\n\n".join(parts if rng.random() < 0.7 else parts[::-1]))

    return attack


def tricks_with(texts: Sequence[str]) -> tuple[Attack, ...]:
    """Return the tricks for training, with padding from `texts`.

    The attacks below are measured with other padding.
    """
    padded = (_padded_with(texts),) * 3 if texts else ()
    return (homoglyphs, leet, spaced, split_links, post_sentences, link_to_author, *padded)


def _padded(words: int) -> Attack:
    def attack(comment: Comment, rng: np.random.Generator) -> Comment:
        start = int(rng.integers(0, len(_GOOD_WORDS)))
        padding = [_GOOD_WORDS[(start + i) % len(_GOOD_WORDS)] for i in range(words)]
        return replace(comment, text=f"{comment.text}\n\n{' '.join(padding).capitalize()}.")

    return attack


def post_sentences(comment: Comment, rng: np.random.Generator) -> Comment:
    """Put a sentence of the post in front."""
    text = comment.post.text if comment.post is not None else None
    plain = re.sub(r"<[^<>]*>", " ", text or "")
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", plain[:20_000]) if 40 < len(s) < 300]
    if not sentences:
        return comment
    return replace(
        comment, text=f"{sentences[int(rng.integers(0, len(sentences)))]} {comment.text}"
    )


def link_to_author(comment: Comment, rng: np.random.Generator) -> Comment:
    """Move the first link to the author's address, and remove the others."""
    found = _URL.search(comment.text)
    text = _ANCHOR.sub(lambda m: m.group(1) or m.group(2) or "", comment.text)
    return replace(
        comment,
        text=_URL.sub("", text),
        author_url=comment.author_url or (found.group().rstrip(".,") if found else None),
    )


def paraphrase(comment: Comment, rng: np.random.Generator) -> Comment:
    """Replace common words by synonyms."""
    return _some_words(comment, rng, 1.0, lambda word: _PLAIN.get(word.lower(), word))


def html_tricks(comment: Comment, rng: np.random.Generator) -> Comment:
    """Put empty tags and entities inside words."""

    def broken(word: str) -> str:
        return f"{word[:2]}<b></b>&#{ord(word[2])};{word[3:]}"

    return _some_words(comment, rng, 0.5, broken)


ATTACKS: Final[dict[str, Attack]] = {
    "homoglyphs": homoglyphs,
    "zero width": zero_width,
    "leet": leet,
    "spaced letters": spaced,
    "split links": split_links,
    "10 good words": _padded(10),
    "50 good words": _padded(50),
    "150 good words": _padded(150),
    "post sentence": post_sentences,
    "link to author": link_to_author,
    "paraphrase": paraphrase,
    "html tricks": html_tricks,
}
