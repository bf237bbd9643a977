"""How far a comment strays from its post, and what it copies.

Words are compared by stem and weighted by their inverse document frequency in
the training comments. Language-model disagreement follows Mishne, Carmel and
Lempel, "Blocking Blog Spam with Language Model Disagreement" (AIRWeb 2005):
the divergence of the comment's unigram model from the post's, each smoothed
with a background model.

Without a post every feature here is missing, which says nothing either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import log, log1p, sqrt

from spamguard.features.reading import PostReading, Reading, shingles_of, terms_of
from spamguard.features.schema import MISSING, Feature
from spamguard.hosts import host_of, host_words, path_of
from spamguard.text import words_of

FEATURES = (
    Feature("topic_similarity", 0, 1, "likeness of comment and post (cosine)", "mean"),
    Feature("topic_coverage", 0, 1, "share of the comment's telling words that the post has", "mean"),
    Feature("topic_title", 0, 1, "share of the title's telling words that the comment has", "mean"),
    Feature("topic_rare_shared", 0, 3, "rare words shared with the post (log scale)", "mean"),
    Feature("topic_divergence", 0, 12, "disagreement of language models, comment against post", "mean"),
    Feature("topic_unrelated", 0, 1, "not one telling word of the post in ten words or more", "mean"),
    Feature("topic_anchor", 0, 1, "share of the links' words that the post has", "mean"),
    Feature("topic_author", 0, 1, "share of the author name's words that the post has", "mean"),
    Feature("topic_target", 0, 1, "share of the words in link targets that the post has", "mean"),
    Feature("topic_script", 0, 1, "written in another script than the post", "mean"),
    Feature("topic_language", 0, 1, "written in another language than the post", "mean"),
    Feature("topic_copied", 0, 1, "share of five-word runs copied from the post", "mean"),
    Feature("topic_thread", 0, 1, "likeness to the nearest earlier comment", "mean"),
    Feature("topic_thread_coverage", 0, 1, "share of telling words that earlier comments have", "mean"),
    Feature("topic_thread_copied", 0, 1, "share of five-word runs copied from earlier comments", "mean"),
    Feature("topic_thread_repeat", 0, 1, "the same comment stands in the thread already", "mean"),
)
_TOPIC = 12  # features that need the post's text; the others need the thread

_LANGUAGES: dict[str, str] = {
    "en": "the and is of to it that this with for was are have not but from they what there would about",
    "de": "der die das und ist nicht ein eine ich auch mit sich auf dem den von wie wir noch aber oder zu",
    "fr": "le les des est une et dans pour que qui pas avec sur je vous nous plus mais cette ce sont du",
    "es": "el los las una es y en por que con para como pero más este muy lo se del al su",
    "pt": "o os uma é e em por que com para como mas mais este muito não um do da na você isso",
    "it": "il gli una è e di per che con come ma più questo molto non sono della nel anche ho",
    "nl": "de het een en van is dat niet met voor zijn op te maar ook aan er wat deze wel",
    "pl": "nie jest się na to w z i że jak do co ale tak za od po już dla tego",
    "tr": "bir ve bu için çok da de ile ben ne gibi daha var ama olan kadar sonra mı en değil",
    "id": "yang dan di ini itu dengan untuk dari tidak ada saya akan bisa juga karena pada ke sudah anda kita",
    "ru": "и в не на что я с как это по но к у за из так же от бы для",
    "vi": "và của là có cho không được một các với này trong tôi người đã",
}


def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for code, words in _LANGUAGES.items():
        for word in words.split():
            owners.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in owners.items()}


_OWNERS = _owners()


def language_of(words: Iterable[str]) -> str:
    """Guess the language of `words` by its small words; empty where they do not tell."""
    votes: Counter[str] = Counter()
    total = 0
    for word in words:
        owners = _OWNERS.get(word)
        if owners is not None:
            total += 1
            for code in owners:
                votes[code] += 1
    if total < 3:
        return ""
    (best, first), *rest = votes.most_common(2)
    return best if not rest or first >= 1.4 * rest[0][1] else ""


_SCRIPTS = (
    ("cyrillic", "\u0400", "\u052f"), ("greek", "\u0370", "\u03ff"), ("arabic", "\u0600", "\u06ff"),
    ("hebrew", "\u0590", "\u05ff"), ("indic", "\u0900", "\u0dff"), ("thai", "\u0e00", "\u0e7f"),
    ("kana", "\u3040", "\u30ff"), ("han", "\u3400", "\u9fff"), ("hangul", "\uac00", "\ud7af"),
)  # fmt: skip


def script_of(words: Iterable[str]) -> str:
    """Return the script in which most of `words` begin; empty where there are none."""
    votes: Counter[str] = Counter()
    for word in words:
        c = word[0]
        if c < "\u0370":
            votes["latin"] += c.isalpha()
        else:
            votes[next((name for name, low, high in _SCRIPTS if low <= c <= high), "other")] += 1
    best = votes.most_common(1)
    return best[0][0] if best and best[0][1] else ""


Idf = Callable[[str], float]


def _share(terms: Iterable[str], post: PostReading, idf: Idf) -> float:
    """Share of the idf mass of `terms` that the post has."""
    shared = total = 0.0
    for term in set(terms):
        weight = idf(term)
        total += weight
        if term in post.counts:
            shared += weight
    return shared / total if total else MISSING


def _cosine(counts: Counter[str], post: PostReading, idf: Idf) -> float:
    dot = own = 0.0
    for term, count in counts.items():
        weight = idf(term)
        value = (1 + log(count)) * weight
        own += value * value
        other = post.counts.get(term)
        if other:
            dot += value * (1 + log(other)) * weight
    theirs = _norm(post, idf)
    return dot / sqrt(own * theirs) if own and theirs else MISSING


def _norm(post: PostReading, idf: Idf) -> float:
    return sum(((1 + log(count)) * idf(term)) ** 2 for term, count in post.counts.items())


def _divergence(counts: Counter[str], post: PostReading, idf: Idf) -> float:
    n, m = sum(counts.values()), sum(post.counts.values())
    if n < 3 or m == 0:
        return MISSING
    total = 0.0
    for term, count in counts.items():
        background = 0.02 * 2.718281828 ** -idf(term)
        comment = 0.9 * count / n + 0.1 * background
        theirs = 0.9 * post.counts.get(term, 0) / m + 0.1 * background
        total += comment * log(comment / theirs)
    return total


def _post_values(r: Reading, post: PostReading, idf: Idf) -> tuple[float, ...]:
    counts = Counter(r.terms)
    coverage = _share(counts, post, idf)
    rare = [t for t in counts if t in post.counts and idf(t) > 4.5]
    anchors = [term for link in r.links[:50] for term in terms_of(words_of(link.anchor))]
    targets = [
        term
        for link in r.links[:50]
        for term in terms_of([*host_words(host_of(link.url)), *words_of(path_of(link.url)[:200])])
    ]
    title = {t: idf(t) for t in post.title_terms}
    mass = sum(title.values())
    mine, theirs = script_of(r.words), script_of(post.words[:300])
    language, other = language_of(r.words), language_of(post.words[:300])
    shingles = shingles_of(r.words)
    return (
        _cosine(counts, post, idf) if counts else MISSING,
        coverage,
        sum(w for t, w in title.items() if t in counts) / mass if mass and counts else MISSING,
        log1p(len(rare)) if counts else MISSING,
        _divergence(counts, post, idf),
        float(not rare and coverage < 0.15) if len(r.words) >= 10 else MISSING,
        _share(anchors, post, idf) if anchors else MISSING,
        _share(terms_of(r.author_words), post, idf),
        _share(targets, post, idf) if targets else MISSING,
        float(mine != theirs) if mine and theirs else MISSING,
        float(language != other) if language and other else MISSING,
        len(shingles & post.shingles) / len(shingles) if shingles else MISSING,
    )


def _thread_values(r: Reading, post: PostReading, idf: Idf) -> tuple[float, ...]:
    terms = set(r.terms)
    if not terms or not post.thread_terms:
        return (MISSING,) * (len(FEATURES) - _TOPIC)
    mass = sum(map(idf, terms))
    nearest, everything = 0.0, set[str]()
    for other in post.thread_terms:
        shared = sum(map(idf, terms & other))
        nearest = max(nearest, shared / (mass + sum(map(idf, other)) - shared or 1.0))
        everything |= other
    shingles = shingles_of(r.words)
    return (
        nearest,
        sum(map(idf, terms & everything)) / mass,
        len(shingles & post.thread_shingles) / len(shingles) if shingles else MISSING,
        float(" ".join(r.words) in post.thread_texts),
    )


def values(r: Reading, idf: Idf) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`; `idf` weighs a term."""
    post = r.post
    if post is None:
        return (MISSING,) * len(FEATURES)
    topic = _post_values(r, post, idf) if post.has_text else (MISSING,) * _TOPIC
    return topic + _thread_values(r, post, idf)
