"""Promotional phrases in named groups, matched on whole words.

The phrases come from reading comment spam in several languages and were collected
by hand. A trailing ``*`` matches any ending (``кредит*``). Chinese, Japanese and
Korean have no spaces between words, so their phrases match anywhere and are long
enough not to occur inside other words. Of overlapping phrases the first and
longest counts, and its words count once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from math import log1p

from spamguard.features.lexer import words_of
from spamguard.features.patterns import late
from spamguard.features.phrases import Phrases
from spamguard.features.reading import Reading, messengers_in
from spamguard.features.schema import Feature
from spamguard.features.wordlists import sections, word_sections

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(chain.from_iterable(sections(f"phrases/{group}").values()))
    for group in (
        "pharma gambling money seo essay spells testimonial training adult goods services apps "
        "subscribe action template thanks praise flattery"
    ).split()
}

PHRASES = Phrases(GROUPS)
_PERCENT_OFF = late(r"\d{1,3} ?% off\b")
_GOODS = PHRASES.names.index("goods")
_SERVICES = PHRASES.names.index("services")
SELLING = frozenset(
    PHRASES.names.index(name)
    for name in GROUPS
    if name not in ("subscribe", "action", "template", "thanks", "praise", "flattery")
)
"""Numbers of the groups of goods and services."""

# --- "best dentist in Leeds" ----------------------------------------------------------

_TRADES = frozenset(word_sections("trades")["trades"])
_BEST = frozenset(word_sections("trades")["best"])
_PLACES = frozenset(word_sections("trades")["places"])


def _local(words: list[str]) -> list[tuple[int, str]]:
    """Return trades with their town: "best dentist in Leeds", "movers in Dubai"."""
    found: list[tuple[int, str]] = []
    at: cython.Py_ssize_t
    for at in range(1, len(words) - 1):
        if words[at] != "in" or words[at - 1] not in _TRADES:
            continue
        if words[at + 1] in _PLACES or not _BEST.isdisjoint(words[max(0, at - 5) : at - 1]):
            found.append((_SERVICES, " ".join(words[at - 1 : at + 2])))
    return found


# --- goods in the name of a person or a host --------------------------------------------

# Goods and trades that also count at the beginning or end of a longer word.
_TRADED = word_sections("goods")["traded"]
# Also names of people or plain words, so they count only beside another word for goods.
_PLAIN = frozenset(word_sections("goods")["plain"])
_GOODS_WORDS = frozenset(_TRADED).union(word_sections("goods")["whole"]) - _PLAIN
_STARTS = frozenset(_TRADED).union(word_sections("goods")["starts"])
_ENDS = frozenset(_TRADED).union(word_sections("goods")["ends"])
_INNOCENT_START = late(
    "best(?:and|e|i|or|uz|al|wick)|buy(?:uk|an)|diet(?:er|e?rich|z|mar|l|h|ary|ic|it)|sex(?:t|u|is|ag)|storey|slot[hnt]|"
    "judith|limo[ngs]|shop(?:en|in)|crypto[gls]|essayis|girlscout|adulter|pharmaco|travell|legali|weight(?:on|man)"
)
_INNOCENT_END = late(
    "(?:bishop|workshop|photoshop|restore|keystore|datastore|essex|sussex|wessex|middlesex|unisex|sloan|contours|detours|"
    "ideals|ordeals|accompany|illegal|[rb]esolution|[rb]esolutions|absolution|dissolution|lightweight|heavyweight|misspells|"
    "backpackers|parental|straining|(?:up|vali|man|consoli|accommo|liqui|intimi|back|out)dating)\\Z"
)
_SIZES = sorted({len(word) for word in _STARTS | _ENDS}, reverse=True)
_REST = 3  # further letters of a longer word
# Long enough to count in the middle of a word: "carinsurancequotes".
_MIDDLE = late(
    "|".join(
        sorted(w for w in _TRADED if len(w) > 7 and w not in ("training", "solution", "solutions"))
    )
)
_SEGMENT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BET = late(r"\dbet\b|\bbet\d")


def _joined(segment: str) -> Iterator[str]:
    """Yield the goods with which a longer word begins or ends."""
    sizes = [k for k in _SIZES if k + _REST <= len(segment)]
    start = next((segment[:k] for k in sizes if segment[:k] in _STARTS), "")
    if start and not _INNOCENT_START.match(segment):
        yield start
    end = next((segment[-k:] for k in sizes if segment[-k:] in _ENDS), "")
    if end and not _INNOCENT_END.search(segment[-20:]):
        yield end
    if not start and not end:
        yield from _MIDDLE.findall(segment)


def goods_in_name(name: str) -> list[str]:
    """Return the goods and trades in a host, a path or a person's name.

    A word counts between spaces, hyphens, digits or capitals, or at the beginning or
    end of a longer word: ``cheapviagra``, but not ``frankmiller`` or ``bishop``.
    """
    found: list[str] = []
    plain: list[str] = []
    for segment in map(str.lower, _SEGMENT.findall(name)):
        if segment in _PLAIN:
            plain.append(segment)
        elif segment in _GOODS_WORDS:
            found.append(segment)
        elif len(segment) > 5:
            found += _joined(segment)
    if "bet" in name:
        found += _BET.findall(name)
    return found + plain if len(found) + len(plain) > 1 else found


def goods_of_author(name: str) -> list[str]:
    """Return the goods and trades in a person's name."""
    hits = [
        phrase for number, phrase in PHRASES.find(words_of(name), name.lower()) if number in SELLING
    ]
    if len(hits) == 1 and hits[0] in _PLAIN:
        hits = []
    return hits or goods_in_name(name)[:1]


@lru_cache(maxsize=4096)
def goods_in_host(host: str) -> tuple[str, ...]:
    """Return the goods and trades in `host`, without its public suffix."""
    return tuple(goods_in_name(host.rpartition(".")[0]))


_KIND_WORDS = frozenset({"thanks", "praise"})
_COUNTS = tuple(
    Feature(
        f"promo_{name}",
        0,
        2.5,
        f"phrases of the group {name} (log scale)",
        accuses=name not in _KIND_WORDS,
    )
    for name in GROUPS
)
FEATURES = (
    *_COUNTS,
    Feature("promo_density", 0, 1, "share of words in phrases that sell", accuses=True),
    Feature(
        "promo_disguised",
        0,
        2,
        "goods written so that a filter would miss them (log scale)",
        accuses=True,
    ),
    Feature(
        "promo_goods_and_contact",
        0,
        1,
        "goods together with a telephone, e-mail or messenger",
        accuses=True,
    ),
)


def hits_of(r: Reading) -> list[tuple[int, str]]:
    """Return every phrase in the comment; none if the post's own author wrote it."""
    if r.by_post_author:
        return []
    hits = PHRASES.find(r.words, r.lower)
    if "%" in r.lower:
        hits += [(_GOODS, phrase) for phrase in _PERCENT_OFF.findall(r.lower)]
    return hits + _local(r.words)


def values(r: Reading) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    counts = [0] * len(PHRASES.names)
    sold: cython.Py_ssize_t = 0
    for number, phrase in hits_of(r):
        counts[number] += 1
        if number in SELLING:
            sold += phrase.count(" ") + 1
    contact = r.messenger or bool(r.body.phones or r.body.emails)
    return (
        *[log1p(count) if count else 0.0 for count in counts],
        min(1.0, sold / max(1, len(r.words))),  # without spaces, one "word" may hold two phrases
        log1p(len(_disguised(r))),
        float(sold > 0 and contact),
    )


def _disguised(r: Reading) -> list[str]:
    body = r.body
    hidden = [*body.leet_words, *body.mixed_script_words, *body.spaced_words]
    if not hidden or r.by_post_author:
        return []
    hits = PHRASES.find([word.lower() for word in hidden])
    return [phrase for number, phrase in hits if number in SELLING]


def strings(r: Reading) -> dict[str, list[str]]:
    """Return the phrases, and words near them, behind those of `FEATURES` that fired."""
    found: dict[str, list[str]] = {f"promo_{name}": [] for name in PHRASES.names}
    sells = []
    for number, phrase in hits_of(r):
        found[f"promo_{PHRASES.names[number]}"].append(phrase)
        if number in SELLING:
            sells.append(phrase)
    messengers = messengers_in(r.words, r.lower, r.link_domains)
    return found | {
        "promo_density": sells,
        "promo_disguised": _disguised(r),
        "promo_goods_and_contact": sells + r.body.phones + r.body.emails + messengers,
    }
