"""Features of links: number, kind, target and markup."""

from __future__ import annotations

from collections.abc import Callable
from math import log1p

from spamguard.features.families.promo import PHRASES, SELLING, goods_in_host, goods_in_name
from spamguard.features.hosts import (
    CHEAP_TLDS,
    DEVELOPERS,
    REFERENCE,
    SHORTENERS,
    SOCIAL,
    host_of,
    is_on,
    path_of,
)
from spamguard.features.lexer import words_of
from spamguard.features.patterns import late
from spamguard.features.reading import Reading, messengers_in
from spamguard.features.schema import Feature

_KINDS = ("bare", "html", "bbcode", "markdown", "domain", "obfuscated")

FEATURES = (
    Feature("links_count", 0, 4, "links in the comment (log scale)"),
    Feature("links_share", 0, 1, "share of the comment that is links"),
    Feature("links_alone", 0, 1, "hardly any words besides the links"),
    *(
        Feature(f"links_{kind}", 0, 0.7, f"links written as {kind} (log scale, capped at one)")
        for kind in _KINDS
    ),
    Feature("links_shortener", 0, 1, "a link through a shortener", accuses=True),
    Feature("links_punycode", 0, 1, "a punycode or non-Latin host", accuses=True),
    Feature(
        "links_cheap_domain", 0, 1, "a domain ending that is mostly sold cheaply", accuses=True
    ),
    Feature("links_hyphen_host", 0, 1, "a host with several hyphens or many digits"),
    Feature("links_reference", 0, 1, "a link to a site that readers cite when they help"),
    Feature("links_social", 0, 1, "a link to a social network"),
    Feature("links_deep", 0, 1, "a link to a page within a site"),
    Feature("links_dated", 0, 1, "a link to a page with a date in its address, such as an article"),
    Feature("links_docs", 0, 1, "a link to documentation, a forum, a wiki or an issue"),
    Feature(
        "links_home_last", 0, 1, "ends with a link to a front page, of no site that readers cite"
    ),
    Feature(
        "links_goods_host", 0, 2, "a host named after goods or trades (log scale)", accuses=True
    ),
    Feature(
        "links_goods_anchor", 0, 2, "words of a link that name goods (log scale)", accuses=True
    ),
    Feature("links_anchor_words", 0, 3, "words that are links (log scale)"),
    Feature("links_author_only", 0, 1, "no link in the comment, one in the author's address"),
    Feature("links_author_same", 0, 1, "a link to the author's own domain"),
    Feature("contacts_email", 0, 2, "e-mail addresses in the comment (log scale)", accuses=True),
    Feature("contacts_phone", 0, 2, "telephone numbers in the comment (log scale)", accuses=True),
    Feature("contacts_reach", 0, 1, "a messenger with a number or an e-mail address", accuses=True),
)
_NO_LINKS = (0.0,) * sum(feature.name.startswith("links_") for feature in FEATURES[:-5])
_DATED = late(r"(?:^|/)(?:19|20)\d\d[/-]\d\d?(?:[/-]|$)")
_DOCS = late(
    r"//(?:docs?|wiki|developers?|forums?|support|learn|help|issues|bugs|api|man|msdn|groups|lists)\d?\."
    r"|/(?:issues|pull|commit|wiki|docs?|questions|reference|manual|rfc\d*|blob|tree|releases)/"
)


_CITED = REFERENCE | DEVELOPERS | SOCIAL


def _is_home(path: str) -> bool:
    return not path or path.startswith("#") or path.lower() in ("index.html", "index.php")


def _ends_at_home(r: Reading) -> bool:
    url = r.links[-1].url
    if not r.ends_with_link or not _is_home(path_of(url)):
        return False
    return not is_on(host_of(url), _CITED) and not _is_docs(url)


def _anchor_goods(r: Reading) -> int:
    return sum(_sells(link.anchor) for link in r.links[:50])


def _sells(anchor: str) -> bool:
    """Return whether the words of a link name goods."""
    if not anchor:
        return False
    hits = PHRASES.find(words_of(anchor), anchor)
    return any(number in SELLING for number, _ in hits) or bool(goods_in_name(anchor))


def _is_foreign(host: str) -> bool:
    return "xn--" in host or not host.isascii()


def _is_cheap(host: str) -> bool:
    return host.rsplit(".", 1)[-1] in CHEAP_TLDS


def _is_hyphened(host: str) -> bool:
    return host.count("-") > 1 or sum(map(str.isdigit, host)) > 3


def _is_deep(url: str) -> bool:
    path = path_of(url)
    return "/" in path or "?" in path


def _is_dated(url: str) -> bool:
    return _DATED.search(path_of(url)) is not None


def _is_docs(url: str) -> bool:
    return _DOCS.search(url[:300].lower()) is not None


def values(r: Reading) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    if r.by_post_author:
        return (*_NO_LINKS, 0.0, 0.0, 0.0, 0.0, 0.0)
    body = r.body
    contacts = (
        log1p(len(body.emails)),
        log1p(len(body.phones)),
        float(r.messenger and bool(body.phones or body.emails)),
    )
    if not r.links:
        return (*_NO_LINKS, float(bool(r.author_url)), 0.0, *contacts)
    return (
        *_of_links(r),
        0.0,
        float(bool(r.author_domain) and r.author_domain in r.link_domains),
        *contacts,
    )


def _of_links(r: Reading) -> tuple[float, ...]:
    urls = [link.url for link in r.links[:100]]
    kinds = [link.kind for link in r.links]
    hosts = list(map(host_of, urls))
    size = sum(len(link.url) for link in r.links)
    goods_hosts = len(list(filter(goods_in_host, hosts)))
    goods_anchors = _anchor_goods(r)
    return (
        log1p(len(r.links)),
        size / (len(r.body.text) + size),
        float(len(r.words) <= 3),
        *[log1p(kinds.count(kind)) for kind in _KINDS],
        *(float(any(map(fires, hosts))) for fires in _BY_HOST.values()),
        float(any(map(_is_deep, urls))),
        float(not goods_hosts and not goods_anchors and any(map(_is_dated, urls))),
        float(any(map(_is_docs, urls))),
        float(_ends_at_home(r)),
        log1p(goods_hosts),
        log1p(goods_anchors),
        log1p(sum(len(link.anchor.split()) for link in r.links)),
    )


def strings(r: Reading) -> dict[str, list[str]]:
    """Return the domains, addresses and link texts behind those of `FEATURES` that fired."""
    domains, links = r.link_domains, r.links[:100]
    found = {
        "links_count": domains,
        "links_share": domains,
        "links_alone": domains,
        "links_deep": [_address(link.url) for link in links if _is_deep(link.url)],
        "links_dated": [_address(link.url) for link in links if _is_dated(link.url)],
        "links_docs": [_address(link.url) for link in links if _is_docs(link.url)],
        "links_home_last": domains[-1:],
        "links_goods_host": [h for h in (host_of(link.url) for link in links) if goods_in_host(h)],
        "links_goods_anchor": [link.anchor for link in r.links[:50] if _sells(link.anchor)],
        "links_anchor_words": [link.anchor for link in r.links if link.anchor],
        "links_author_only": [r.author_domain],
        "links_author_same": [r.author_domain],
        "contacts_email": r.body.emails,
        "contacts_phone": r.body.phones,
        "contacts_reach": messengers_in(r.words, r.lower, domains) + r.body.phones + r.body.emails,
    }
    for kind in _KINDS:
        of_links = zip(domains, r.links, strict=True)
        found[f"links_{kind}"] = [domain for domain, link in of_links if link.kind == kind]
    for name, fires in _BY_HOST.items():
        found[name] = [host for host in (host_of(link.url) for link in links) if fires(host)]
    return found


def _address(url: str) -> str:
    return "/".join(filter(None, (host_of(url), path_of(url))))


_BY_HOST: dict[str, Callable[[str], object]] = {
    "links_shortener": lambda host: is_on(host, SHORTENERS),
    "links_punycode": _is_foreign,
    "links_cheap_domain": _is_cheap,
    "links_hyphen_host": _is_hyphened,
    "links_reference": lambda host: is_on(host, REFERENCE),
    "links_social": lambda host: is_on(host, SOCIAL),
}
"""What fires for a host, in the order of `FEATURES`."""
