"""Features of the author's name and address."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import log1p

from spamguard.comment import Comment
from spamguard.features.families.given_names import GIVEN_NAMES
from spamguard.features.families.promo import PRAISE, goods_in_host, goods_in_name, goods_of_author
from spamguard.features.families.style import is_random_case, is_random_word, is_unspeakable
from spamguard.features.hosts import (
    CHEAP_TLDS,
    DEVELOPERS,
    FREE_HOSTS,
    SOCIAL,
    host_words,
    is_on,
    path_of,
)
from spamguard.features.patterns import late
from spamguard.features.reading import Reading, terms_of
from spamguard.features.schema import MISSING, Feature
from spamguard.features.text import words_of

_CAMEL = late(r"[A-Z][a-z]{2,}(?:[A-Z][a-z]*)+")
_DOMAIN_NAME = late(
    r"https?:|www\.|(?<!\basp)(?<!\bvb)(?<!\bado)(?<!\bml)(?<=\w\w)\.(?:com|net|org|info|ru|co|io|us|uk|in|biz|xyz|de|fr)\b",
    re.I,
)
_ACADEMIC = late(r"\.edu(?:\.[a-z]{2})?\Z|\.ac\.[a-z]{2}\Z|(?:^|\.)univ-|university|universit")
# Marks that no real home page's address has.
_ODD_ADDRESS = late(r"@|%25|[^:]//|\s|;|\(")
_LONG_ADDRESS = 160
_EVERYDAY = 6.0
"""Inverse document frequency below which a word is everyday: about one comment in 400."""
_TELLING = 4.5

FEATURES = (
    Feature("author_words", 0, 3, "words in the author name (log scale)", "mean"),
    Feature(
        "author_goods", 0, 2, "the author name names goods or trades (log scale)", accuses=True
    ),
    Feature("author_is_address", 0, 1, "the author name is a web address", accuses=True),
    Feature("author_digits", 0, 1, "digits in the author name"),
    Feature("author_small_letters", 0, 1, "an author name of several words without a capital"),
    Feature("author_one_small_word", 0, 1, "an author name of one word without a capital"),
    Feature("author_capitals", 0, 1, "an author name in capitals"),
    Feature("author_joined", 0, 1, "an author name of joined parts, such as made by programs"),
    Feature("author_gibberish", 0, 1, "an author name that cannot be spoken", accuses=True),
    Feature("author_first_and_last", 0, 1, "an author name of two or three capitalised words"),
    Feature("author_given_name", 0, 1, "the author name begins with a given name"),
    Feature("author_everyday", 0, 1, "share of everyday words in the author name", "mean"),
    Feature("author_many_words", 0, 1, "an author name of four words or more", accuses=True),
    Feature("author_in_comment", 0, 1, "the author signs with the given name"),
    Feature(
        "author_in_text", 0, 1, "the author name is inside the text of the comment", accuses=True
    ),
    Feature("author_in_post", 0, 1, "a word of the author name is in the post", "mean"),
    Feature("author_is_post_author", 0, 1, "written by the author of the post"),
    Feature("author_url_junk", 0, 1, "letters that are no address in its place", accuses=True),
    Feature("author_url", 0, 1, "an address is given with the name"),
    Feature("author_url_home", 0, 1, "the author's address is a front page"),
    Feature("author_url_deep", 0, 2, "depth of the author's address (log scale)"),
    Feature(
        "author_url_goods",
        0,
        2,
        "the author's address is named after goods or trades (log scale)",
        accuses=True,
    ),
    Feature(
        "author_url_cheap", 0, 1, "the author's address has a cheap domain ending", accuses=True
    ),
    Feature("author_url_hyphens", 0, 1, "hyphens or digits in the author's domain"),
    Feature("author_url_long", 0, 1, "a long name before the domain ending"),
    Feature("author_url_developer", 0, 1, "the author's address is on a site of developers"),
    Feature("author_url_social", 0, 1, "the author's address is on a social network"),
    Feature("author_url_free_host", 0, 1, "the author's address is on a host of free pages"),
    Feature("author_url_academic", 0, 1, "the author's address is a university's"),
    Feature("author_url_odd", 0, 1, "an author's address that no person would give", accuses=True),
    Feature(
        "author_url_is_name", 0, 1, "the author's domain repeats a name of one word or a person's"
    ),
    Feature(
        "author_url_slug",
        0,
        1,
        "the page of the author's address is named like the author",
        accuses=True,
    ),
    Feature("author_url_in_post", 0, 1, "a word of the author's domain is in the post", "mean"),
    Feature("author_brand_in_comment", 0, 1, "the author's domain is named in the comment"),
    Feature("author_sells_and_links", 0, 1, "a commercial name with an address", accuses=True),
    Feature(
        "author_flatters_and_links",
        0,
        1,
        "praise under a name that carries an address",
        accuses=True,
    ),
    Feature("author_short_and_links", 0, 1, "a few words under a name that carries an address"),
    Feature(
        "author_vague_and_links",
        0,
        1,
        "not one telling word of the post under a name that carries an address",
    ),
)


Idf = Callable[[str], float]


@lru_cache(maxsize=2048)
def _sold_by(name: str) -> tuple[int, bool]:
    """Return the number of goods in a name, and whether it is a web address."""
    return len(goods_of_author(name)), _DOMAIN_NAME.search(name) is not None


@lru_cache(maxsize=2048)
def _written(name: str, goods: int, address: bool) -> tuple[float, ...]:
    """Return the features of the name alone, whatever the comment says."""
    words = words_of(name)
    letters = sum(map(str.isalpha, name))
    gibberish = (
        is_random_case(name)
        or is_random_word(name)
        or any(len(word) > 4 and is_unspeakable(word) for word in words)
    )
    capitalised = [w for w in name.split() if w[:1].isupper()]
    small = name == name.lower() and name != name.upper()
    return (
        log1p(len(words)),
        log1p(goods),
        float(address),
        float(any(map(str.isdigit, name))),
        float(len(words) > 1 and small),
        float(len(words) == 1 and small),
        float(letters > 3 and name == name.upper() and name != name.lower()),
        float(len(words) == 1 and _CAMEL.fullmatch(name.strip()) is not None),
        float(gibberish),
        float(goods == 0 and 2 <= len(words) <= 3 and len(capitalised) == len(words)),
        float(_is_person(words)),
    )


def _name_values(r: Reading, goods: int, address: bool, idf: Idf) -> tuple[float, ...]:
    words = r.author_words
    return (
        *_written(r.author, goods, address),
        _everyday(words, idf),
        float(len(words) > 3),
        float(_signs(r)),
        float(_is_named_within(r)),
        _shared_with_post(r, [w for w in words if len(w) > 3]),
        float(r.by_post_author),
        float(r.author_url_junk),
    )


def _is_person(words: list[str]) -> bool:
    """Return whether a name of at most three words begins or ends with a given name."""
    return 0 < len(words) <= 3 and (words[0] in GIVEN_NAMES or words[-1] in GIVEN_NAMES)


def _everyday(words: list[str], idf: Idf) -> float:
    """Return the share of everyday words in a name, without people's names."""
    longer = [w for w in words if len(w) > 3]
    if not longer:
        return MISSING
    common = [w for w in longer if w not in GIVEN_NAMES and _is_common(w, idf)]
    return len(common) / len(longer)


def _is_common(word: str, idf: Idf) -> bool:
    return all(idf(term) < _EVERYDAY for term in terms_of([word]))


def _signs(r: Reading) -> bool:
    """Return whether the comment ends with the author's name or its first word."""
    name = r.author_words
    if not name or len(r.words) <= len(name) or len(name[0]) < 3:
        return False
    return r.words[-1] == name[0] or r.words[-len(name) :] == name


def _is_named_within(r: Reading) -> bool:
    """Return whether the comment contains the whole name, other than as greeting or signature."""
    name = r.author_words
    if not name or len("".join(name)) < 5:
        return False
    inner = r.words[2 : min(len(r.words) - len(name), 500)]
    size = len(name)
    return any(inner[i : i + size] == name for i, word in enumerate(inner) if word == name[0]) or (
        len(r.words) > 3 and size > 1 and r.words[-size:] == name and not _is_person(name)
    )


def _shared_with_post(r: Reading, words: list[str]) -> float:
    if r.post is None or not r.post.has_text or not words:
        return MISSING
    return float(bool(_in_post(r, words)))


def _in_post(r: Reading, words: list[str]) -> list[str]:
    return [] if r.post is None else [word for word in words if word[:6] in r.post.counts]


def _repeated(label: str, name: str) -> bool:
    return len(name) > 3 and len(label) > 3 and (name in label or label in name)


def _is_slug(path: str, words: list[str]) -> bool:
    """Return whether a path contains the words of a name, joined as in a slug."""
    return len("".join(words)) > 6 and "".join(words) in "".join(words_of(path[:300].lower()))


def _is_vague(r: Reading, idf: Idf) -> float:
    if r.post is None or not r.post.has_text:
        return MISSING
    theirs = r.post.counts
    return float(not any(term in theirs and idf(term) > _TELLING for term in r.terms[:500]))


def _url_values(r: Reading, name_goods: int, praise: int, idf: Idf) -> tuple[float, ...]:
    url, path = r.author_url, path_of(r.author_url)
    label = r.author_domain.split(".", 1)[0]
    goods = len(goods_in_host(r.author_host)) + len(goods_in_name(path[:200]))
    words = r.author_words
    plain = label.replace("-", "")
    sells = goods > 0 or name_goods > 0
    repeated = _repeated(plain, "".join(words))
    person = _is_person(words) and not sells
    return (
        1.0,
        float(not path),
        log1p(path.count("/") + 1) if path else 0.0,
        log1p(goods),
        float(r.author_host.rsplit(".", 1)[-1] in CHEAP_TLDS),
        float("-" in label or any(map(str.isdigit, label))),
        float(len(label) > 15),
        float(is_on(r.author_host, DEVELOPERS)),
        float(is_on(r.author_host, SOCIAL)),
        float(is_on(r.author_host, FREE_HOSTS)),
        float(_ACADEMIC.search(r.author_host) is not None),
        float(len(url) > _LONG_ADDRESS or _ODD_ADDRESS.search(url) is not None),
        float(repeated and not sells and (person or len(words) == 1)),
        float(_is_slug(path, words) and not person),
        _shared_with_post(r, [w for w in host_words(r.author_host) if len(w) > 3]),
        float(len(plain) > 4 and plain.lower() in "".join(r.words[:2_000])),
        float(name_goods > 0),
        float(praise > 0 and len(r.words) < 80),
        float(len(r.words) <= 25),
        _is_vague(r, idf),
    )


def values(r: Reading, praise: int, idf: Idf) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`; `praise` is the number of praising phrases."""
    own = r.by_post_author
    goods, address = _sold_by(r.author)
    goods = 0 if own else goods
    name = _name_values(r, goods, address, idf) if r.author else _NO_NAME
    if r.author_url and not own:
        return name + _url_values(r, goods + address, praise, idf)
    return name + _NO_URL


_NAMES = [f.name for f in FEATURES]
_FIRST_OF_URL = _NAMES.index("author_url")


def _absent(names: list[str]) -> tuple[float, ...]:
    """Return the values without a name or address: NaN for features measured against a mean."""
    mean = {f.name for f in FEATURES if f.reference == "mean"}
    return tuple(MISSING if name in mean else 0.0 for name in names)


_NO_NAME = _absent(_NAMES[:_FIRST_OF_URL])
_NO_URL = _absent(_NAMES[_FIRST_OF_URL:])


def strings(
    r: Reading, comment: Comment, hits: list[tuple[int, str]], idf: Idf
) -> dict[str, list[str]]:
    """Return the name, words and parts of the address behind those of `FEATURES` that fired."""
    words, path = r.author_words, path_of(r.author_url)
    longer = [w for w in words if len(w) > 3]
    goods = goods_of_author(r.author)
    found = {key: [r.author] for key in _NAMES[:_FIRST_OF_URL]}
    found |= {key: [r.author_domain] for key in _NAMES[_FIRST_OF_URL:]}
    return found | {
        "author_goods": goods,
        "author_given_name": [w for w in (*words[:1], *words[-1:]) if w in GIVEN_NAMES],
        "author_everyday": [w for w in longer if w not in GIVEN_NAMES and _is_common(w, idf)],
        "author_in_post": _in_post(r, longer),
        "author_url_junk": [(comment.author_url or "").strip()],
        "author_url_deep": [f"{r.author_host}/{path}"],
        "author_url_goods": [*goods_in_host(r.author_host), *goods_in_name(path[:200])],
        "author_url_cheap": [r.author_host.rsplit(".", 1)[-1]],
        "author_url_odd": [r.author_url],
        "author_url_slug": [path],
        "author_url_in_post": _in_post(r, [w for w in host_words(r.author_host) if len(w) > 3]),
        "author_sells_and_links": goods or [r.author],
        "author_flatters_and_links": [phrase for number, phrase in hits if number in PRAISE],
    }
