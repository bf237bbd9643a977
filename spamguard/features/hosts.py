"""Web addresses: their hosts, registered domains and kinds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from spamguard.features.patterns import late

# A scheme may be missing, wrong or written twice.
_HOST = late(
    r"\s*+(?:h(?:tt|xx)ps?:/{0,3}|[a-z][a-z0-9+.-]{1,15}://|/{1,3}){0,4}+(?:[^/?#\s\\]{0,200}@)?"
    r"(\[[0-9a-f:.]{2,45}\]|[^/?#:\s\\\"'<>]{1,253})(?::\d{0,5}(?=[/?#]|\s*\Z))?",
    re.IGNORECASE,
)
_IP = late(r"(?:\d{1,3}\.){3}\d{1,3}|\d{8,10}|0x[0-9a-f]{1,8}", re.ASCII)
_LETTERS = re.compile(r"[a-z]+")

# Collected by hand: services whose addresses hide their target.
SHORTENERS = frozenset(
    "bit.ly tinyurl.com goo.gl t.co ow.ly is.gd buff.ly adf.ly cutt.ly rebrand.ly shorturl.at t.ly tiny.cc "
    "bit.do v.gd x.co soo.gd s.id rb.gy clck.ru vk.cc u.to ouo.io shorte.st bc.vc linktr.ee q.gs j.mp "
    "snipurl.com su.pr tr.im cli.gs budurl.com lnk.to fb.me amzn.to tny.im 1url.com 2u.pw shorturl.com "
    "bl.ink short.io t2m.io tl.gd wp.me urlz.fr kutt.it gg.gg goo.su bitly.com han.gl me2.do".split()
)
# Sites that readers cite when they help each other.
REFERENCE = frozenset(
    "github.com gitlab.com bitbucket.org stackoverflow.com stackexchange.com superuser.com serverfault.com "
    "askubuntu.com wikipedia.org wikimedia.org microsoft.com msdn.com mozilla.org python.org npmjs.com "
    "pypi.org nuget.org rubygems.org crates.io golang.org kernel.org debian.org ubuntu.com archlinux.org "
    "apache.org w3.org ietf.org rfc-editor.org arxiv.org acm.org ieee.org nasa.gov jsfiddle.net codepen.io "
    "repl.it pastebin.com jekyllrb.com wordpress.org php.net mysql.com postgresql.org oracle.com java.com "
    "openjdk.org haskell.org rust-lang.org asp.net visualstudio.com uservoice.com codeplex.com imgur.com "
    "archive.org doi.org jstor.org nature.com bbc.co.uk nytimes.com theguardian.com xkcd.com reddit.com "
    "ycombinator.com".split()
)
# Sites of programmers; an author's address there is rarely promotion.
DEVELOPERS = frozenset(
    "github.com github.io gitlab.com gitlab.io bitbucket.org codeberg.org stackoverflow.com "
    "stackexchange.com sr.ht npmjs.com pypi.org".split()
)
CHEAP_TLDS = frozenset(
    "xyz top online site club shop store live pro icu fun win bet casino poker vip life world today agency "
    "academy health loan download click link website space buzz monster rest cyou sbs info biz su tk ml ga "
    "cf gq pw cc ws website press host".split()
)
# Free hosting, often used for pages that exist only for their links.
FREE_HOSTS = frozenset(
    "wordpress.com blogspot.com tumblr.com weebly.com wixsite.com wix.com webs.com jimdo.com yolasite.com livejournal.com "
    "sites.google.com medium.com pinterest.com vk.com yupoo.com wikidot.com angelfire.com tripod.com ucoz.ru ucoz.com "
    "typepad.com over-blog.com hatenablog.com ameblo.jp skyrock.com bravesites.com strikingly.com site123.me godaddysites.com "
    "business.site mystrikingly.com webnode.com webflow.io carrd.co netlify.app blogger.com quora.com vimeo.com dailymotion.com "
    "issuu.com scribd.com behance.net flickr.com about.me gravatar.com disqus.com soundcloud.com patreon.com".split()
)
SOCIAL = frozenset(
    "facebook.com twitter.com x.com instagram.com linkedin.com youtube.com youtu.be tiktok.com t.me "
    "pinterest.com tumblr.com medium.com vk.com ok.ru google.com".split()
)


class _SuffixList(Protocol):
    def privatesuffix(self, domain: str) -> str | None: ...


@lru_cache(maxsize=2)
def _suffix_list(punycode: bool) -> _SuffixList:
    # Reading the list takes longer than scoring a comment, and encoding it in punycode twice as
    # long again, so both wait until a host needs them.
    from publicsuffixlist import PublicSuffixList

    found: _SuffixList = PublicSuffixList(accept_encoded_idn=punycode)
    return found


def host_of(url: str) -> str:
    """Return the host of `url` in lower case without ``www.``; empty where there is none."""
    return _parts_of(url)[0]


def path_of(url: str) -> str:
    """Return what follows the host, without leading or trailing slashes."""
    return _parts_of(url)[1]


def _parts_of(url: str) -> tuple[str, str]:
    # Every family needs the parts of the same link. Long addresses are not cached.
    return _kept_parts(url) if len(url) <= _LONGEST_KEPT else _split(url)


def _split(url: str) -> tuple[str, str]:
    match = _HOST.match(url)
    if match is None:
        return "", ""
    host = match.group(1).lower().strip(".")
    path = url[match.end() :].strip("/ ")
    return (host[4:] if host.startswith("www.") else host), path


_LONGEST_KEPT = 300
_kept_parts = lru_cache(maxsize=2048)(_split)


@lru_cache(maxsize=4096)
def registered_domain(host: str) -> str:
    """Return the domain that was registered (``b.co.uk`` for ``a.b.co.uk``), by the public suffix list."""
    if "." not in host or is_ip(host):
        return host
    if host.count(".") == 1 and host == host.lower():
        return host  # two labels: a registered domain, or a public suffix
    try:
        return _suffix_list("xn--" in host.lower()).privatesuffix(host) or host
    except (UnicodeError, ValueError, IndexError):
        return host


def is_on(host: str, sites: frozenset[str]) -> bool:
    """Return whether `host` is one of `sites` or a subdomain (``ann.github.io``)."""
    while host not in sites:
        _, dot, host = host.partition(".")
        if not dot:
            return False
    return True


def is_ip(host: str) -> bool:
    """Return whether `host` is an IP address: numeric IPv4 or bracketed IPv6."""
    return host.startswith("[") or _IP.fullmatch(host) is not None


@lru_cache(maxsize=4096)
def host_words(host: str) -> tuple[str, ...]:
    """Return the words in the host's labels, without its public suffix."""
    domain = registered_domain(host)
    label = domain.split(".", 1)[0]
    return tuple(_LETTERS.findall(label)) or ((label,) if label else ())
