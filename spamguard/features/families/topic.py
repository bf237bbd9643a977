"""How far a comment strays from its post, and what it copies.

Words are compared by stem and weighted by inverse document frequency.
Language-model disagreement follows Mishne, Carmel and Lempel, "Blocking Blog Spam
with Language Model Disagreement" (AIRWeb 2005): the divergence of the comment's
unigram model from the post's, both smoothed with a background model. Without a
post every feature is missing and contributes nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from spamguard.features.hosts import host_of, host_words, path_of
from spamguard.features.language import language_of, script_of
from spamguard.features.patterns import late
from spamguard.features.reading import (
    SHINGLE,
    Copied,
    PostReading,
    Reading,
    counts_of,
    shingles_of,
    terms_of,
    text_key,
)
from spamguard.features.schema import MISSING, Feature

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

if cython.compiled:
    from cython.cimports.libc.math import exp, log, log1p, sqrt
else:
    from math import exp, log, log1p, sqrt
from spamguard.features.lexer import words_of

FEATURES = (
    Feature("topic_similarity", 0, 1, "likeness of comment and post (cosine)", "mean"),
    Feature("topic_title", 0, 1, "share of the title's telling words that the comment has", "mean"),
    Feature("topic_rare_shared", 0, 3, "rare words shared with the post (log scale)", "mean"),
    Feature(
        "topic_divergence", 0, 12, "disagreement of language models, comment against post", "mean"
    ),
    Feature("topic_author", 0, 1, "share of the author name's words that the post has", "mean"),
    Feature("topic_target", 0, 1, "share of the words in link targets that the post has", "mean"),
    Feature("topic_script", 0, 1, "written in another script than the post", "mean"),
    Feature("topic_language", 0, 1, "written in another language than the post", "mean"),
    Feature(
        "topic_thread_copied",
        0,
        1,
        "share of five-word runs copied from earlier comments",
        accuses=True,
    ),
    Feature("topic_thread_repeat", 0, 1, "the same comment is in the thread already", accuses=True),
)
_TOPIC = 8  # features of the post's text; the others are of the thread

_KANA = late("[\u3040-\u30ff]")
_EAST = frozenset({"japanese", "han", "kanji"})
_FEW = 10  # letters: a few Han characters may be Japanese


def _writing(words: list[str]) -> str:
    """Return the script of `words`: "japanese" with kana, "kanji" for a few Han characters alone."""
    script = script_of(words)
    if script not in ("kana", "han"):
        return script
    letters = "".join(words)
    if _KANA.search(letters):
        return "japanese"
    return "han" if len(letters) >= _FEW else "kanji"


def _differ(mine: str, theirs: str) -> bool:
    return mine != theirs and not ("kanji" in (mine, theirs) and {mine, theirs} <= _EAST)


Idf = Mapping[str, float]
"""Inverse document frequency of any term."""
_RARE = 4.5


@dataclass(slots=True)
class _Weights:
    """A post's terms under one set of weights, shared by every comment."""

    norm: float
    size: int
    title: dict[str, float]
    title_mass: float
    writing: str
    language: str


def _weigh(post: PostReading, idf: Idf) -> _Weights:
    known, weighed = post.kept.get("topic", (None, None))
    if known is idf:
        return cast(_Weights, weighed)
    norm: cython.double = 0.0
    value: cython.double
    size: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t
    term: str
    for term, count in post.counts.items():
        value = idf[term]
        if count > 1:
            value *= 1 + log(count)
        norm += value * value
        size += count
    title = {term: idf[term] for term in sorted(post.title_terms)}
    found = _Weights(
        norm, size, title, sum(title.values()), _writing(post.words[:300]), language_of(post.words)
    )
    post.kept["topic"] = (idf, found)
    return found


def _share(terms: list[str], post: PostReading, idf: Idf) -> float:
    """Return the share of the idf mass of `terms` that the post has."""
    shared: cython.double = 0.0
    total: cython.double = 0.0
    weight: cython.double
    term: str
    for term in dict.fromkeys(terms):  # in order, as sums must not depend on hashing
        weight = idf[term]
        total += weight
        if term in post.counts:
            shared += weight
    return shared / total if total else MISSING


def _likeness(
    counts: dict[str, int], post: PostReading, weighed: _Weights, idf: Idf
) -> tuple[float, int, float]:
    """Return cosine, number of shared rare words, and divergence of comment and post."""
    theirs: dict[str, int] = post.counts
    size: cython.double = weighed.size
    n: cython.Py_ssize_t = 0
    dot: cython.double = 0.0
    own: cython.double = 0.0
    divergence: cython.double = 0.0
    rare: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t
    other: cython.Py_ssize_t
    weight: cython.double
    value: cython.double
    share: cython.double
    background: cython.double
    term: str
    for count in counts.values():
        n += count
    for term, count in counts.items():
        weight = idf[term]
        value = weight
        if count > 1:
            value *= 1 + log(count)
        own += value * value
        background = 0.002 * exp(-weight)
        share = 0.9 * count / n + background
        other = theirs.get(term, 0)
        if other:
            rare += weight > _RARE
            if other > 1:
                weight *= 1 + log(other)
            dot += value * weight
            divergence += share * log(share / (0.9 * other / size + background))
        else:
            divergence += share * log(share / background)
    return (
        dot / sqrt(own * weighed.norm) if own > 0 and weighed.norm > 0 else MISSING,
        rare,
        divergence if n >= 3 else MISSING,
    )


def _post_values(r: Reading, post: PostReading, idf: Idf) -> tuple[float, ...]:
    weighed = _weigh(post, idf)
    # Compare only the visitor's own words, without copied text.
    copied, own = r.copied, r.own_words
    counts = counts_of(terms_of(own) if copied else r.terms)
    cosine = divergence = title = rare = MISSING
    if counts:
        cosine, shared, divergence = _likeness(counts, post, weighed, idf)
        rare = log1p(shared)
        if weighed.title_mass:
            title = sum([w for t, w in weighed.title.items() if t in counts]) / weighed.title_mass
    targets = _target_words(r) if r.links else []
    mine, theirs = _writing(r.words), weighed.writing
    language, other = r.language, weighed.language
    return (
        cosine,
        title,
        rare,
        divergence,
        _share(terms_of(r.author_words), post, idf) if r.author_words else MISSING,
        _share(terms_of(targets), post, idf) if targets else MISSING,
        float(_differ(mine, theirs)) if mine and theirs else MISSING,
        float(language != other) if language and other else MISSING,
    )


def _thread_values(r: Reading, post: PostReading) -> tuple[float, ...]:
    if not r.terms or not post.has_thread:
        return (MISSING,) * (len(FEATURES) - _TOPIC)
    known = post.thread_texts
    repeated = post.thread_runs.repeated_in(r.words)
    enough = 0.0 if len(r.words) >= SHINGLE else MISSING
    return (
        len(repeated) / len(shingles_of(r.words)) if repeated else enough,
        float(text_key(r.words, cut=False) in known or text_key(r.words, cut=True) in known),
    )


def values(r: Reading, idf: Idf) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    post = r.post
    if post is None:
        return (MISSING,) * len(FEATURES)
    topic = _post_values(r, post, idf) if post.has_text else (MISSING,) * _TOPIC
    return topic + _thread_values(r, post)


def strings(r: Reading, idf: Idf) -> dict[str, list[str]]:
    """Return the words and runs of the post behind those of `FEATURES` that fired."""
    post = r.post
    if post is None:
        return {}
    found = {"topic_thread_copied": _runs_of(post.thread_runs.repeated_in(r.words), r.words)}
    return found | _strings_of_post(r, post, idf) if post.has_text else found


def _strings_of_post(r: Reading, post: PostReading, idf: Idf) -> dict[str, list[str]]:
    own = r.own_words if r.copied else r.words

    def shared(words: Iterable[str], theirs: Container[str]) -> list[str]:
        distinct = dict.fromkeys(words)
        return [word for word in distinct if any(term in theirs for term in terms_of([word]))]

    def is_rare(word: str) -> bool:
        return any(idf[term] > _RARE and term in post.counts for term in terms_of([word]))

    return {
        "topic_title": shared(own, post.title_terms),
        "topic_rare_shared": list(filter(is_rare, dict.fromkeys(own))),
        "topic_author": shared(r.author_words, post.counts),
        "topic_target": shared(_target_words(r), post.counts),
    }


def _runs_of(copied: Copied, words: list[str]) -> list[str]:
    """Return the copied runs of `words`, joined where they overlap."""
    found: list[str] = []
    start = end = 0
    for i in range(len(words) - SHINGLE + 1):
        if tuple(words[i : i + SHINGLE]) not in copied:
            continue
        if i > end:
            found.append(" ".join(words[start:end]))
            start = i
        end = i + SHINGLE
    return list(filter(None, [*found, " ".join(words[start:end])]))


def _target_words(r: Reading) -> list[str]:
    return [
        word
        for link in r.links[:50]
        for word in (*host_words(host_of(link.url)), *words_of(path_of(link.url)[:200]))
    ]
