"""How far a comment strays from its post, and what it copies.

Words are compared by stem and weighted by inverse document frequency.
Language-model disagreement follows Mishne, Carmel and Lempel, "Blocking Blog Spam
with Language Model Disagreement" (AIRWeb 2005): the divergence of the comment's
unigram model from the post's, both smoothed with a background model. Without a
post every feature is missing and contributes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from typing import cast

from spamguard.features.hosts import host_of, host_words, path_of
from spamguard.features.language import language_of, script_of
from spamguard.features.patterns import late
from spamguard.features.reading import (
    SHINGLE,
    Copied,
    PostReading,
    Reading,
    shingles_of,
    terms_of,
    text_key,
)
from spamguard.features.schema import MISSING, Feature
from spamguard.features.text import words_of

FEATURES = (
    Feature("topic_similarity", 0, 1, "likeness of comment and post (cosine)", "mean"),
    Feature(
        "topic_coverage", 0, 1, "share of the comment's telling words that the post has", "mean"
    ),
    Feature("topic_title", 0, 1, "share of the title's telling words that the comment has", "mean"),
    Feature("topic_rare_shared", 0, 3, "rare words shared with the post (log scale)", "mean"),
    Feature(
        "topic_divergence", 0, 12, "disagreement of language models, comment against post", "mean"
    ),
    Feature(
        "topic_unrelated", 0, 1, "not one telling word of the post in ten words or more", "mean"
    ),
    Feature("topic_anchor", 0, 1, "share of the links' words that the post has", "mean"),
    Feature("topic_author", 0, 1, "share of the author name's words that the post has", "mean"),
    Feature("topic_target", 0, 1, "share of the words in link targets that the post has", "mean"),
    Feature("topic_script", 0, 1, "written in another script than the post", "mean"),
    Feature("topic_language", 0, 1, "written in another language than the post", "mean"),
    Feature("topic_copied", 0, 1, "share of five-word runs copied from the post", accuses=True),
    Feature(
        "topic_only_copied", 0, 1, "hardly a word but those copied from the post", accuses=True
    ),
    Feature("topic_thread", 0, 1, "likeness to the nearest earlier comment", "mean"),
    Feature(
        "topic_thread_coverage", 0, 1, "share of telling words that earlier comments have", "mean"
    ),
    Feature(
        "topic_thread_copied",
        0,
        1,
        "share of five-word runs copied from earlier comments",
        accuses=True,
    ),
    Feature("topic_thread_repeat", 0, 1, "the same comment is in the thread already", accuses=True),
)
_TOPIC = 13  # features of the post's text; the others are of the thread

_KANA = late("[\u3040-\u30ff]")
_EAST = frozenset({"japanese", "han", "kanji"})
_FEW = 10  # letters: a few Han characters may be Japanese


def _writing(words: Sequence[str]) -> str:
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


Idf = Callable[[str], float]
_RARE = 4.5  # inverse document frequency


@dataclass(slots=True)
class _Weights:
    """A post's terms under one set of weights, shared by every comment."""

    norm: float
    size: int
    title: dict[str, float]
    title_mass: float
    writing: str
    language: str
    thread_masses: list[float]
    thread: frozenset[str]


def _weigh(post: PostReading, idf: Idf) -> _Weights:
    known, weighed = post.kept.get("topic", (None, None))
    if known is idf:
        return cast(_Weights, weighed)
    title = {term: idf(term) for term in sorted(post.title_terms)}
    found = _Weights(
        norm=sum(((1 + log(count)) * idf(term)) ** 2 for term, count in post.counts.items()),
        size=sum(post.counts.values()),
        title=title,
        title_mass=sum(title.values()),
        writing=_writing(post.words[:300]),
        language=language_of(post.words),
        thread_masses=[sum(map(idf, sorted(terms))) for terms in post.thread_terms],
        thread=frozenset().union(*post.thread_terms),
    )
    post.kept["topic"] = (idf, found)
    return found


def _share(terms: Iterable[str], post: PostReading, idf: Idf) -> float:
    """Return the share of the idf mass of `terms` that the post has."""
    shared = total = 0.0
    for term in dict.fromkeys(terms):  # in order, as sums must not depend on hashing
        weight = idf(term)
        total += weight
        if term in post.counts:
            shared += weight
    return shared / total if total else MISSING


def _likeness(
    counts: Counter[str], post: PostReading, weighed: _Weights, idf: Idf
) -> tuple[float, float, int, float]:
    """Return cosine, coverage, number of shared rare words, and divergence of comment and post."""
    if not counts:
        return MISSING, MISSING, 0, MISSING
    theirs, size, n = post.counts, weighed.size, sum(counts.values())
    dot = own = shared = total = divergence = 0.0
    rare = 0
    for term, count in counts.items():
        weight = idf(term)
        total += weight
        value = weight if count == 1 else (1 + log(count)) * weight
        own += value * value
        background = 0.002 * exp(-weight)
        share = 0.9 * count / n + background
        other = theirs.get(term)
        if other:
            shared += weight
            rare += weight > _RARE
            dot += value * (1 + log(other)) * weight
            divergence += share * log(share / (0.9 * other / size + background))
        else:
            divergence += share * log(share / background)
    return (
        dot / sqrt(own * weighed.norm) if own and weighed.norm else MISSING,
        shared / total if total else MISSING,
        rare,
        divergence if n >= 3 else MISSING,
    )


def _post_values(r: Reading, post: PostReading, idf: Idf) -> tuple[float, ...]:
    weighed = _weigh(post, idf)
    # Compare only the visitor's own words, without copied text.
    copied, own = r.copied, r.own_words
    copied_most = bool(copied) and len(own) < len(r.words) / 2 and not r.body.quote_lines
    counts = Counter(terms_of(own) if copied else r.terms)
    cosine, coverage, rare, divergence = _likeness(counts, post, weighed, idf)
    anchors = [term for link in r.links[:50] for term in terms_of(words_of(link.anchor))]
    targets = [
        term
        for link in r.links[:50]
        for term in terms_of([*host_words(host_of(link.url)), *words_of(path_of(link.url)[:200])])
    ]
    title, mass = weighed.title, weighed.title_mass
    mine, theirs = _writing(r.words), weighed.writing
    language, other = r.language, weighed.language
    return (
        cosine,
        coverage,
        sum(w for t, w in title.items() if t in counts) / mass if mass and counts else MISSING,
        log1p(rare) if counts else MISSING,
        divergence,
        float(rare == 0 and coverage < 0.15) if len(own) >= 10 else MISSING,
        _share(anchors, post, idf) if anchors else MISSING,
        _share(terms_of(r.author_words), post, idf),
        _share(targets, post, idf) if targets else MISSING,
        float(_differ(mine, theirs)) if mine and theirs else MISSING,
        float(language != other) if language and other else MISSING,
        # A quotation in an answer is marked, or has words of its author's own beside it.
        len(copied) / len(shingles_of(r.words)) if copied_most else 0.0,
        float(len(copied) > 0 and len(own) <= len(r.words) / 5 and not r.body.quote_lines),
    )


def _thread_values(r: Reading, post: PostReading, idf: Idf) -> tuple[float, ...]:
    terms = dict.fromkeys(r.terms)
    if not terms or not post.thread_terms:
        return (MISSING,) * (len(FEATURES) - _TOPIC)
    weighed = _weigh(post, idf)
    mass = sum(map(idf, terms))
    nearest = 0.0
    for other, theirs in zip(post.thread_terms, weighed.thread_masses, strict=True):
        if not other.isdisjoint(terms):
            shared = sum(idf(term) for term in terms if term in other)
            nearest = max(nearest, shared / (mass + theirs - shared or 1.0))
    known = post.thread_texts
    repeated = post.thread_runs.repeated_in(r.words)
    enough = 0.0 if len(r.words) >= SHINGLE else MISSING
    return (
        nearest if mass else MISSING,
        sum(idf(term) for term in terms if term in weighed.thread) / mass if mass else MISSING,
        len(repeated) / len(shingles_of(r.words)) if repeated else enough,
        float(text_key(r.words, cut=False) in known or text_key(r.words, cut=True) in known),
    )


def values(r: Reading, idf: Idf) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    post = r.post
    if post is None:
        return (MISSING,) * len(FEATURES)
    topic = _post_values(r, post, idf) if post.has_text else (MISSING,) * _TOPIC
    return topic + _thread_values(r, post, idf)


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
        return any(idf(term) > _RARE and term in post.counts for term in terms_of([word]))

    copied = _runs_of(r.copied, r.words)
    return {
        "topic_coverage": shared(own, post.counts),
        "topic_title": shared(own, post.title_terms),
        "topic_rare_shared": list(filter(is_rare, dict.fromkeys(own))),
        "topic_anchor": shared(_anchor_words(r), post.counts),
        "topic_author": shared(r.author_words, post.counts),
        "topic_target": shared(_target_words(r), post.counts),
        "topic_copied": copied,
        "topic_only_copied": copied,
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


def _anchor_words(r: Reading) -> list[str]:
    return [word for link in r.links[:50] for word in words_of(link.anchor)]


def _target_words(r: Reading) -> list[str]:
    return [
        word
        for link in r.links[:50]
        for word in (*host_words(host_of(link.url)), *words_of(path_of(link.url)[:200]))
    ]
