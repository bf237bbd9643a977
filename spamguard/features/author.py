"""What the author's name and address give away."""

from __future__ import annotations

import re
from math import log1p

from spamguard.features.promo import goods_in_host, goods_in_name, goods_of_author
from spamguard.features.reading import Reading
from spamguard.features.schema import MISSING, Feature
from spamguard.features.style import is_random_case, is_unspeakable
from spamguard.hosts import CHEAP_TLDS, DEVELOPERS, SOCIAL, host_words, is_on, path_of

_CAMEL = re.compile(r"[A-Z][a-z]{2,}(?:[A-Z][a-z]*)+")
_DOMAIN_NAME = re.compile(
    r"https?:|www\.|(?<!\basp)(?<!\bvb)(?<!\bado)(?<!\bml)(?<=\w\w)\.(?:com|net|org|info|ru|co|io|us|uk|in|biz|xyz|de|fr)\b",
    re.I,
)

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
    Feature("author_in_comment", 0, 1, "the author signs with the given name"),
    Feature("author_in_post", 0, 1, "a word of the author name is in the post", "mean"),
    Feature("author_is_post_author", 0, 1, "written by the author of the post"),
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
    Feature("author_url_is_name", 0, 1, "the author's domain repeats the author's name"),
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
)


def _name_values(r: Reading, goods: int, address: bool) -> tuple[float, ...]:
    name, words = r.author, r.author_words
    letters = sum(map(str.isalpha, name))
    gibberish = is_random_case(name) or any(
        len(word) > 4 and is_unspeakable(word) for word in words
    )
    capitalised = [w for w in name.split() if w[:1].isupper()]
    return (
        log1p(len(words)),
        log1p(goods),
        float(address),
        float(any(map(str.isdigit, name))),
        float(len(words) > 1 and name == name.lower() and name != name.upper()),
        float(len(words) == 1 and name == name.lower() and name != name.upper()),
        float(letters > 3 and name == name.upper() and name != name.lower()),
        float(len(words) == 1 and _CAMEL.fullmatch(name.strip()) is not None),
        float(gibberish),
        float(goods == 0 and 2 <= len(words) <= 3 and len(capitalised) == len(words)),
        float(_signs(r)),
        _shared_with_post(r, [w for w in words if len(w) > 3]),
        float(r.by_post_author),
    )


def _signs(r: Reading) -> bool:
    """True if the comment ends with the author's name, or the first of its words."""
    name = r.author_words
    if not name or len(r.words) <= len(name) or len(name[0]) < 3:
        return False
    return r.words[-1] == name[0] or r.words[-len(name) :] == name


def _shared_with_post(r: Reading, words: list[str]) -> float:
    if r.post is None or not r.post.has_text or not words:
        return MISSING
    return float(any(word[:6] in r.post.counts for word in words))


def _url_values(r: Reading, name_goods: int, praise: int) -> tuple[float, ...]:
    path = path_of(r.author_url)
    label = r.author_domain.split(".", 1)[0]
    goods = len(goods_in_host(r.author_host)) + len(goods_in_name(path[:200]))
    name = "".join(r.author_words)
    plain = label.replace("-", "")
    sells = goods > 0 or name_goods > 0
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
        float(not sells and len(name) > 3 and len(plain) > 3 and (name in plain or plain in name)),
        _shared_with_post(r, [w for w in host_words(r.author_host) if len(w) > 3]),
        float(len(plain) > 4 and plain.lower() in "".join(r.words[:2_000])),
        float(name_goods > 0),
        float(praise > 0 and len(r.words) < 80),
        float(len(r.words) <= 25),
    )


def values(r: Reading, praise: int) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`; `praise` is the number of praising phrases."""
    own = r.by_post_author
    address = _DOMAIN_NAME.search(r.author) is not None
    goods = 0 if own else goods_of_author(r.author)
    name = (
        _name_values(r, goods, address) if r.author else (MISSING,) + (0.0,) * 10 + (MISSING, 0.0)
    )
    if r.author_url and not own:
        return name + _url_values(r, goods + address, praise)
    return name + (0.0,) * 10 + (MISSING, 0.0, 0.0, 0.0, 0.0)
