"""Contributions -> reasons in plain words.

Named features give a reason each, with what was seen. The n-grams of the
comment's text are gathered by the word they stand in, so that a person reads
words and not hash buckets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from spamguard.features import FEATURES, ngrams, promo
from spamguard.features.reading import Reading
from spamguard.vectorizer import LEAST_GRAMS
from spamguard.verdict import Reason

if TYPE_CHECKING:
    from spamguard.comment import Comment
    from spamguard.model import SpamModel

MOST_WORDS: Final = 40
"""Reasons given for single words; the rest is one reason, ``ngrams_rest``."""
_ROUNDING: Final = 5e-7
_MEANING = {f.name: f.meaning for f in FEATURES}


def reasons_for(model: SpamModel, comment: Comment, log_odds: float) -> tuple[Reason, ...]:
    """Return all reasons for the log-odds that `model` gives `comment`, strongest first.

    Their contributions and the model's intercept sum to `log_odds`.
    """
    reading, dense = model.vectorizer.read(comment)
    reasons = list(_named(model, reading, dense))
    merged: defaultdict[tuple[str, str], float] = defaultdict(float)
    for feature, word, part in _words(model, reading):
        merged[feature, word] += part
    words = [(key, part) for key, part in merged.items() if part]
    words.sort(key=lambda found: -abs(found[1]))
    reasons += [Reason(name, part, f"“{word}”") for (name, word), part in words[:MOST_WORDS]]
    rest = log_odds - model.intercept - sum(reason.contribution for reason in reasons)
    left = len(words) - MOST_WORDS
    if left > 0 or abs(rest) > _ROUNDING:
        evidence = f"{left} further words and parts of words" if left > 0 else "rounding"
        reasons.append(Reason("ngrams_rest", rest, evidence))
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.contribution)))


def _named(model: SpamModel, reading: Reading, dense: np.ndarray) -> Iterator[Reason]:
    for feature, value, part in zip(
        FEATURES, dense.tolist(), model.dense_contributions(dense).tolist(), strict=True
    ):
        if part:
            yield Reason(feature.name, part, _evidence(feature.name, value, reading))


def _evidence(name: str, value: float, reading: Reading) -> str:
    family, _, noun = name.partition("_")
    seen: list[str] = []
    if family == "promo" and noun in promo.PHRASES.names:
        number = promo.PHRASES.names.index(noun)
        seen = [phrase for n, phrase in promo.hits_of(reading) if n == number]
    elif family == "links" and noun != "author_only" and value:
        seen = list(dict.fromkeys(reading.link_domains))
    elif name.startswith("author_url") or noun == "author_only":
        seen = [reading.author_domain] if reading.author_domain and value else []
    elif family == "author" and value:
        seen = [reading.author] if reading.author else []
    if seen:
        listed = ", ".join(f"“{word[:60]}”" for word in dict.fromkeys(seen[:20]))
        return f"{_MEANING[name]}: {listed}"
    return _MEANING[name] if value else f"no sign of: {_MEANING[name]}"


def _words(model: SpamModel, reading: Reading) -> Iterator[tuple[str, str, float]]:
    words = ngrams.grams_of(" ".join(reading.own_words), sizes=())
    yield from _of_text(model, "text", words, ("words", "pairs", None))
    text = ngrams.grams_of(reading.own_lower)
    yield from _of_text(model, "text", text, (None, None, "characters"))
    author = ngrams.grams_of(" ".join(reading.author_words))
    yield from _of_text(model, "author", author, ("author", None, "author"))
    hosts = ngrams.grams_of(ngrams.host_text(reading))
    yield from _of_text(model, "hosts", hosts, ("hosts", None, "hosts"))
    anchors = ngrams.grams_of(ngrams.anchor_text(reading), sizes=())
    yield from _of_text(model, "anchors", anchors, ("anchors", None, None))


def _of_text(
    model: SpamModel, where: str, grams: ngrams.Grams, blocks: tuple[str | None, ...]
) -> Iterator[tuple[str, str, float]]:
    if not grams.text:
        return
    by_word, by_pair = sums_by_place(model, grams, blocks)
    parts: defaultdict[str, float] = defaultdict(float)
    for cut, sums in ((grams.word, by_word), (grams.pair, by_pair)):
        found = sums.tolist()
        for i in np.flatnonzero(sums).tolist():
            parts[cut(i)] += found[i]
    name = f"ngrams_{where}"
    yield from ((name, word[:60], part) for word, part in parts.items() if part)


def sums_by_place(
    model: SpamModel, grams: ngrams.Grams, blocks: tuple[str | None, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the n-grams of each word add, and those of each pair of words.

    `blocks` are those that words, pairs and characters count in, None for none.
    Characters count where the word stands that they are of.
    """
    # Summed by place before any word is cut out: cutting a long one for each of its n-grams
    # would take time as the square of its length.
    by_word, by_pair = np.zeros(len(grams.words)), np.zeros(len(grams.pairs))
    around = np.searchsorted(grams.starts, grams.places + 1, side="right") - 1
    pieces = (
        (grams.words, by_word, np.arange(len(by_word))),
        (grams.pairs, by_pair, np.arange(len(by_pair))),
        (grams.characters, by_word, np.maximum(around, 0)),
    )
    for block in dict.fromkeys(filter(None, blocks)):
        own = [piece for piece, name in zip(pieces, blocks, strict=True) if name == block]
        hashes = np.concatenate([piece[0] for piece in own])
        if not len(hashes):
            continue
        weights = _share_each(model, block, hashes)
        start = 0
        for found, sums, places in own:
            sums += np.bincount(places, weights[start : start + len(found)], len(sums))
            start += len(found)
    return by_word, by_pair


def _share_each(model: SpamModel, block: str, hashes: ngrams.U64) -> np.ndarray:
    """Return the contribution of each single n-gram: a bucket's is shared by those in it."""
    found = ngrams.buckets(hashes, block, model.vectorizer.bits)
    unique, inverse, counts = np.unique(found, return_inverse=True, return_counts=True)
    values = np.sqrt(counts.astype(np.float32) / np.float32(max(len(hashes), LEAST_GRAMS)))
    contributions = model.ngram_weights[unique].astype(float) * values
    return np.asarray(contributions[inverse] / counts[inverse])
