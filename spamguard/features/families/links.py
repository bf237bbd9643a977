"""Features of links: number, kind, target and markup."""

from __future__ import annotations

from collections import Counter
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
    is_ip,
    is_on,
    path_of,
)
from spamguard.features.patterns import late
from spamguard.features.reading import Reading, messengers_in
from spamguard.features.schema import Feature
from spamguard.features.text import words_of

_KINDS = ("bare", "html", "bbcode", "markdown", "domain", "obfuscated")

FEATURES = (
    Feature("links_count", 0, 4, "links in the comment (log scale)"),
    Feature("links_one", 0, 1, "exactly one link in the comment"),
    Feature("links_many", 0, 1, "three or more links"),
    Feature("links_share", 0, 1, "share of the comment that is links"),
    Feature("links_alone", 0, 1, "hardly any words besides the links"),
    *(
        Feature(f"links_{kind}", 0, 0.7, f"links written as {kind} (log scale, capped at one)")
        for kind in _KINDS
    ),
    Feature("links_mixed_kinds", 0, 1, "the same link written in several markups"),
    Feature("links_domains", 0, 3, "different domains linked (log scale)"),
    Feature("links_repeated", 0, 3, "links to a domain already linked (log scale)"),
    Feature("links_shortener", 0, 1, "a link through a shortener", accuses=True),
    Feature("links_ip", 0, 1, "a link to a bare IP address"),
    Feature("links_punycode", 0, 1, "a punycode or non-Latin host", accuses=True),
    Feature(
        "links_cheap_domain",
        0,
        1,
        "a link to a domain ending that is mostly sold cheaply",
        accuses=True,
    ),
    Feature("links_hyphen_host", 0, 1, "a host with several hyphens or many digits"),
    Feature("links_reference", 0, 1, "a link to a site that readers cite when they help"),
    Feature("links_social", 0, 1, "a link to a social network"),
    Feature("links_home", 0, 1, "a link to a front page"),
    Feature("links_deep", 0, 1, "a link to a page within a site"),
    Feature("links_dated", 0, 1, "a link to a page with a date in its address, such as an article"),
    Feature("links_article", 0, 1, "a link to a page named after several words"),
    Feature("links_docs", 0, 1, "a link to documentation, a forum, a wiki or an issue"),
    Feature("links_sold_home", 0, 1, "words linked to a front page"),
    Feature("links_brand", 0, 1, "the name of a linked domain is in the text"),
    Feature("links_last", 0, 1, "the comment ends with its link"),
    Feature(
        "links_home_last",
        0,
        1,
        "the comment ends with a link to a front page, of no site that readers cite",
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
    Feature("links_own_site", 0, 2, "links to the blog's own site (log scale)"),
    Feature("contacts_email", 0, 2, "e-mail addresses in the comment (log scale)", accuses=True),
    Feature("contacts_phone", 0, 2, "telephone numbers in the comment (log scale)", accuses=True),
    Feature("contacts_messenger", 0, 1, "a messenger named", accuses=True),
    Feature("contacts_reach", 0, 1, "a messenger with a number or an e-mail address", accuses=True),
)
_CONTACTS = sum(feature.name.startswith("contacts_") for feature in FEATURES)
_DATED = late(r"(?:^|/)(?:19|20)\d\d[/-]\d\d?(?:[/-]|$)")
_ARTICLE = late(
    r"[^\W_]{1,30}(?:[-_][^\W_]{1,30}){3}|/\d\d?/(?:\d\d?/)?[^\W_]{1,30}(?:[-_][^\W_]{1,30}){2}"
)
_DOCS = late(
    r"//(?:docs?|wiki|developers?|forums?|support|learn|help|issues|bugs|api|man|msdn|groups|lists)\d?\."
    r"|/(?:issues|pull|commit|wiki|docs?|questions|reference|manual|rfc\d*|blob|tree|releases)/"
)


def _brands(r: Reading, domains: list[str]) -> list[str]:
    """Return the `domains` that the text names."""
    together = "".join(r.words[:2_000])
    return [
        domain for domain in domains[:20] if len(_name(domain)) > 4 and _name(domain) in together
    ]


def _name(domain: str) -> str:
    return domain.split(".", 1)[0].replace("-", "")


_CITED = REFERENCE | DEVELOPERS | SOCIAL


def _is_home(path: str) -> bool:
    return not path or path.startswith("#") or path.lower() in ("index.html", "index.php")


def _ends_at_home(r: Reading) -> bool:
    url = r.links[-1].url
    if not r.ends_with_link or not _is_home(path_of(url)):
        return False
    return not is_on(host_of(url), _CITED) and not _is_docs(url)


def _in_several_markups(r: Reading) -> list[str]:
    """Return the domains linked in several markups, such as HTML and BBCode."""
    kinds: dict[str, str] = {}
    return [
        domain
        for domain, link in zip(r.link_domains, r.links, strict=True)
        if link.kind not in ("domain", "obfuscated")
        and kinds.setdefault(domain, link.kind) != link.kind
    ]


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


def _is_deep(path: str) -> bool:
    return "/" in path or "?" in path


def _is_docs(url: str) -> bool:
    return _DOCS.search(url[:300].lower()) is not None


def values(r: Reading) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    links = () if r.by_post_author else r.links
    n = len(links)
    contacts = (0.0,) * _CONTACTS
    if not r.by_post_author:
        contacts = (
            log1p(len(r.body.emails)),
            log1p(len(r.body.phones)),
            float(r.messenger),
            float(r.messenger and bool(r.body.phones or r.body.emails)),
        )
    author_only = float(n == 0 and bool(r.author_url) and not r.by_post_author)
    if n == 0:
        rest = len(FEATURES) - _CONTACTS - 3
        return (0.0,) * rest + (author_only, 0.0, log1p(r.own_links), *contacts)
    hosts = [host_of(link.url) for link in links[:100]]
    domains = set(r.link_domains)
    kinds = [link.kind for link in links]
    size = sum(len(link.url) for link in links)
    words = len(r.words)
    length = max(1, len(r.body.text) + size)
    paths = [path_of(link.url) for link in links[:100]]
    goods_hosts = sum(bool(goods_in_host(host)) for host in hosts)
    goods_anchors = _anchor_goods(r)
    goods = goods_hosts or goods_anchors
    return (
        log1p(n),
        float(n == 1),
        float(n >= 3),
        size / length,
        float(words <= 3),
        *(log1p(kinds.count(kind)) for kind in _KINDS),
        float(bool(_in_several_markups(r))),
        log1p(len(domains)),
        log1p(n - len(domains)),
        float(any(is_on(host, SHORTENERS) for host in hosts)),
        float(any(map(is_ip, hosts))),
        float(any(map(_is_foreign, hosts))),
        float(any(map(_is_cheap, hosts))),
        float(any(map(_is_hyphened, hosts))),
        float(any(is_on(host, REFERENCE) for host in hosts)),
        float(any(is_on(host, SOCIAL) for host in hosts)),
        float(any(map(_is_home, paths))),
        float(any(map(_is_deep, paths))),
        float(not goods and any(map(_DATED.search, paths))),
        float(not goods and any(map(_ARTICLE.search, paths))),
        float(any(_is_docs(link.url) for link in links[:100])),
        float(any(link.anchor and not path for link, path in zip(links, paths, strict=False))),
        float(bool(_brands(r, r.link_domains))),
        float(r.ends_with_link),
        float(_ends_at_home(r)),
        log1p(goods_hosts),
        log1p(goods_anchors),
        log1p(sum(len(link.anchor.split()) for link in links)),
        author_only,
        float(bool(r.author_domain) and r.author_domain in domains),
        log1p(r.own_links),
        *contacts,
    )


def strings(r: Reading) -> dict[str, list[str]]:
    """Return the domains, addresses and link texts behind those of `FEATURES` that fired."""
    domains, links = r.link_domains, r.links[:100]
    contacts = r.body.phones + r.body.emails
    messengers = messengers_in(r.words, r.lower, domains)
    all_of_them = ("count", "one", "many", "share", "alone", "domains")
    found = {f"links_{name}": domains for name in all_of_them} | {
        "links_mixed_kinds": _in_several_markups(r),
        "links_repeated": [d for d, count in Counter(domains).items() if count > 1],
        "links_brand": _brands(r, domains),
        "links_last": domains[-1:],
        "links_home_last": domains[-1:],
        "links_docs": [_address(link.url) for link in links if _is_docs(link.url)],
        "links_sold_home": [x.anchor for x in links if x.anchor and not path_of(x.url)],
        "links_goods_anchor": [link.anchor for link in r.links[:50] if _sells(link.anchor)],
        "links_anchor_words": [link.anchor for link in r.links if link.anchor],
        "links_author_only": [r.author_domain],
        "links_author_same": [r.author_domain],
        "links_own_site": [r.post.host] if r.post is not None else [],
        "contacts_email": r.body.emails,
        "contacts_phone": r.body.phones,
        "contacts_messenger": messengers,
        "contacts_reach": messengers + contacts,
    }
    for kind in _KINDS:
        of_links = zip(domains, r.links, strict=True)
        found[f"links_{kind}"] = [domain for domain, link in of_links if link.kind == kind]
    for name, fires in _BY_HOST.items():
        found[name] = [host for host in (host_of(link.url) for link in links) if fires(host)]
    for name, fires in _BY_PATH.items():
        found[name] = [_address(link.url) for link in links if fires(path_of(link.url))]
    return found


def _address(url: str) -> str:
    return "/".join(filter(None, (host_of(url), path_of(url))))


_BY_HOST: dict[str, Callable[[str], object]] = {
    "links_shortener": lambda host: is_on(host, SHORTENERS),
    "links_ip": is_ip,
    "links_punycode": _is_foreign,
    "links_cheap_domain": _is_cheap,
    "links_hyphen_host": _is_hyphened,
    "links_reference": lambda host: is_on(host, REFERENCE),
    "links_social": lambda host: is_on(host, SOCIAL),
    "links_goods_host": goods_in_host,
}
_BY_PATH: dict[str, Callable[[str], object]] = {
    "links_home": _is_home,
    "links_deep": _is_deep,
    "links_dated": lambda path: _DATED.search(path),
    "links_article": lambda path: _ARTICLE.search(path),
}
