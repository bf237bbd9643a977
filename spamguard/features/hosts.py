"""Web addresses: their hosts, registered domains and kinds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from spamguard.features.patterns import late
from spamguard.features.wordlists import word_sections

# A scheme may be missing, wrong or written twice.
_HOST = late(
    r"\s*+(?:h(?:tt|xx)ps?:/{0,3}|[a-z][a-z0-9+.-]{1,15}://|/{1,3}){0,4}+(?:[^/?#\s\\]{0,200}@)?"
    r"(\[[0-9a-f:.]{2,45}\]|[^/?#:\s\\\"'<>]{1,253})(?::\d{0,5}(?=[/?#]|\s*\Z))?",
    re.IGNORECASE,
)
_IP = late(r"(?:\d{1,3}\.){3}\d{1,3}|\d{8,10}|0x[0-9a-f]{1,8}", re.ASCII)
_LETTERS = re.compile(r"[a-z]+")

# Collected by hand: services whose addresses hide their target.
SHORTENERS = frozenset(word_sections("hosts")["shorteners"])
# Sites that readers cite when they help each other.
REFERENCE = frozenset(word_sections("hosts")["reference"])
# Sites of programmers; an author's address there is rarely promotion.
DEVELOPERS = frozenset(word_sections("hosts")["developers"])
CHEAP_TLDS = frozenset(word_sections("endings")["cheap"])
SOCIAL = frozenset(word_sections("hosts")["social"])


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
