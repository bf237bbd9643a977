"""Features of the author's name and address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import log1p

from spamguard.comment import Comment
from spamguard.features.families.given_names import GIVEN_NAMES
from spamguard.features.families.promo import goods_in_host, goods_in_name, goods_of_author
from spamguard.features.families.style import is_random_case, is_random_word, is_unspeakable
from spamguard.features.hosts import (
    CHEAP_TLDS,
    DEVELOPERS,
    SOCIAL,
    is_on,
    path_of,
)
from spamguard.features.lexer import words_of
from spamguard.features.patterns import late
from spamguard.features.reading import Reading
from spamguard.features.schema import MISSING, Feature

_DOMAIN_NAME = late(
    r"https?:|www\.|(?<!\basp)(?<!\bvb)(?<!\bado)(?<!\bml)(?<=\w\w)\.(?:com|net|org|info|ru|co|io|us|uk|in|biz|xyz|de|fr)\b",
    re.I,
)
_TELLING = 4.5

FEATURES = (
    Feature(
        "author_goods", 0, 2, "the author name names goods or trades (log scale)", accuses=True
    ),
    Feature("author_is_address", 0, 1, "the author name is a web address", accuses=True),
    Feature("author_gibberish", 0, 1, "an author name that cannot be spoken", accuses=True),
    Feature("author_first_and_last", 0, 1, "an author name of two or three capitalised words"),
    Feature("author_given_name", 0, 1, "the author name begins with a given name"),
    Feature("author_in_comment", 0, 1, "the author signs with the given name"),
    Feature(
        "author_in_text", 0, 1, "the author name is inside the text of the comment", accuses=True
    ),
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
    Feature("author_url_long", 0, 1, "a long name before the domain ending"),
    Feature("author_url_developer", 0, 1, "the author's address is on a site of developers"),
    Feature("author_url_social", 0, 1, "the author's address is on a social network"),
    Feature(
        "author_url_is_name", 0, 1, "the author's domain repeats a name of one word or a person's"
    ),
    Feature(
        "author_vague_and_links",
        0,
        1,
        "not one telling word of the post under a name that carries an address",
    ),
)


Idf = Mapping[str, float]


@lru_cache(maxsize=2048)
def _sold_by(name: str) -> tuple[int, bool]:
    """Return the number of goods in a name, and whether it is a web address."""
    return len(goods_of_author(name)), _DOMAIN_NAME.search(name) is not None


@lru_cache(maxsize=2048)
def _written(name: str, goods: int, address: bool) -> tuple[float, ...]:
    """Return the features of the name alone, whatever the comment says."""
    words = words_of(name)
    gibberish = (
        is_random_case(name)
        or is_random_word(name)
        or any(len(word) > 4 and is_unspeakable(word) for word in words)
    )
    capitalised = [w for w in name.split() if w[:1].isupper()]
    return (
        log1p(goods),
        float(address),
        float(gibberish),
        float(goods == 0 and 2 <= len(words) <= 3 and len(capitalised) == len(words)),
        float(_is_person(words)),
    )


def _name_values(r: Reading, goods: int, address: bool) -> tuple[float, ...]:
    return (
        *_written(r.author, goods, address),
        float(_signs(r)),
        float(_is_named_within(r)),
        float(r.by_post_author),
        float(r.author_url_junk),
    )


def _is_person(words: list[str]) -> bool:
    """Return whether a name of at most three words begins or ends with a given name."""
    return 0 < len(words) <= 3 and (words[0] in GIVEN_NAMES or words[-1] in GIVEN_NAMES)


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


def _repeated(label: str, name: str) -> bool:
    return len(name) > 3 and len(label) > 3 and (name in label or label in name)


def _is_vague(r: Reading, idf: Idf) -> float:
    if r.post is None or not r.post.has_text:
        return MISSING
    theirs = r.post.counts
    for term in r.terms[:500]:
        if term in theirs and idf[term] > _TELLING:
            return 0.0
    return 1.0


@lru_cache(maxsize=2048)
def _of_address(url: str, host: str, domain: str) -> tuple[tuple[float, ...], str, int]:
    """Return the features of an address alone, its name without hyphens, and its goods."""
    path = path_of(url)
    label = domain.split(".", 1)[0]
    goods = len(goods_in_host(host)) + len(goods_in_name(path[:200]))
    values = (
        1.0,
        float(not path),
        log1p(path.count("/") + 1) if path else 0.0,
        log1p(goods),
        float(host.rsplit(".", 1)[-1] in CHEAP_TLDS),
        float(len(label) > 15),
        float(is_on(host, DEVELOPERS)),
        float(is_on(host, SOCIAL)),
    )
    return values, label.replace("-", ""), goods


def _url_values(r: Reading, name_goods: int, idf: Idf) -> tuple[float, ...]:
    values, label, goods = _of_address(r.author_url, r.author_host, r.author_domain)
    words = r.author_words
    is_name = (
        goods == name_goods == 0
        and (len(words) == 1 or _is_person(words))
        and _repeated(label, "".join(words))
    )
    return (*values, float(is_name), _is_vague(r, idf))


def values(r: Reading, idf: Idf) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    own = r.by_post_author
    goods, address = _sold_by(r.author) if r.author else (0, False)
    name = _name_values(r, 0 if own else goods, address) if r.author else _NO_NAME
    if r.author_url and not own:
        return name + _url_values(r, goods + address, idf)
    return name + _NO_URL


_NAMES = [f.name for f in FEATURES]
_FIRST_OF_URL = _NAMES.index("author_url")
_NO_NAME = (0.0,) * _FIRST_OF_URL
_NO_URL = (0.0,) * (len(_NAMES) - _FIRST_OF_URL)


def strings(r: Reading, comment: Comment) -> dict[str, list[str]]:
    """Return the name, words and parts of the address behind those of `FEATURES` that fired."""
    words, path = r.author_words, path_of(r.author_url)
    found = {key: [r.author] for key in _NAMES[:_FIRST_OF_URL]}
    found |= {key: [r.author_domain] for key in _NAMES[_FIRST_OF_URL:]}
    return found | {
        "author_goods": goods_of_author(r.author),
        "author_given_name": [w for w in (*words[:1], *words[-1:]) if w in GIVEN_NAMES],
        "author_url_junk": [(comment.author_url or "").strip()],
        "author_url_deep": [f"{r.author_host}/{path}"],
        "author_url_goods": [*goods_in_host(r.author_host), *goods_in_name(path[:200])],
        "author_url_cheap": [r.author_host.rsplit(".", 1)[-1]],
    }
