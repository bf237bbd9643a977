"""Web addresses: hosts, registered domains, kinds; nothing that a visitor types may crash them."""

from __future__ import annotations

from pathlib import Path

import publicsuffixlist
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from spamguard.features import hosts
from spamguard.features.hosts import (
    CHEAP_TLDS,
    REFERENCE,
    SHORTENERS,
    SOCIAL,
    host_of,
    host_words,
    is_ip,
    path_of,
    registered_domain,
)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("http://shop.example/a/b", "shop.example", "a/b"),
        ("HTTPS://WWW.Shop.Example:8080/a/?b=1#c", "shop.example", "a/?b=1#c"),
        ("shop.example", "shop.example", ""),
        ("//shop.example/", "shop.example", ""),
        ("http:/shop.example", "shop.example", ""),
        ("http:///shop.example", "shop.example", ""),
        ("http://http://shop.example/x", "shop.example", "x"),
        ("hxxps://shop.example", "shop.example", ""),
        ("ftp://files.example/x", "files.example", "x"),
        (" http://shop.example/ ", "shop.example", ""),
        ("http://shop.example.", "shop.example", ""),
        ("http://user:word@shop.example/x", "shop.example", "x"),
        ("http://bank.example@shop.example/x", "shop.example", "x"),
        ("http://a@b@shop.example/x", "shop.example", "x"),
        ("http://shop.example?x=bank.example", "shop.example", "?x=bank.example"),
        ("http://shop.example#@bank.example", "shop.example", "#@bank.example"),
        ("http://shop.example\\@bank.example", "shop.example", "\\@bank.example"),
        ("http://localhost:8080", "localhost", ""),
        ("http://[2001:db8::1]:80/x", "[2001:db8::1]", "x"),
        ("http://пример.example/путь", "пример.example", "путь"),
        ("wwwoods.example", "wwwoods.example", ""),
        ("http://", "", ""),
        ("", "", ""),
        ("   ", "", ""),
    ],
)
def test_host_and_path(url, host, path):
    assert host_of(url) == host
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("shop.example", "shop.example"),
        ("a.b.shop.example", "shop.example"),
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("news.shop.com.br", "shop.com.br"),
        ("ann.github.io", "ann.github.io"),
        ("pages.ann.github.io", "ann.github.io"),
        ("ann.blogspot.com", "ann.blogspot.com"),
        # A public suffix by itself is nobody's domain: the host stands for it.
        ("co.uk", "co.uk"),
        ("github.io", "github.io"),
        ("com", "com"),
        ("localhost", "localhost"),
        ("", ""),
        ("203.0.113.9", "203.0.113.9"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("www.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("магазин.пример.рф", "пример.рф"),
    ],
)
def test_registered_domain(host, domain):
    assert registered_domain(host) == domain


@pytest.mark.parametrize(
    "host",
    ["..", "a..b", ".a.b", "-a.example", "xn--", "xn--zzzz.example", "xn--\u00e9.example", "\ud800.example",
     "x" * 64 + ".example", "\u0130.example", "a.\u3002.example", "\x00.example", "a b.example"],
)  # fmt: skip
def test_a_host_that_is_no_valid_name_does_not_crash(host):
    domain = registered_domain(host)
    assert isinstance(domain, str)
    assert isinstance(host_words(host), tuple)


def test_what_spares_reading_the_list_changes_no_domain():
    every = PublicSuffixList()
    lines = Path(publicsuffixlist.PSLFILE).read_text("utf-8").splitlines()
    listed = {line.strip().lstrip("!*").lstrip(".") for line in lines if line and line[:2] != "//"}
    listed |= {suffix.encode("idna").decode() for suffix in listed}
    fronts = ("", "a.", "A.", "\u0130.", "xn--e1afmkfd.", "b-c.a.", "d.b-c.a.")
    names = [front + suffix for suffix in sorted(listed) for front in fronts]
    names += [name.upper() for name in names if "xn--" in name]
    assert len(names) > 20_000
    asked = registered_domain.__wrapped__  # not from memory
    assert [n for n in names if asked(n) != (every.privatesuffix(n) or n)] == []


def test_long_addresses_are_not_remembered():
    before = hosts._kept_parts.cache_info().currsize
    for i in range(50):
        assert host_of(f"http://shop{i}.example/{'x' * 400}") == f"shop{i}.example"
    assert hosts._kept_parts.cache_info().currsize == before


@given(st.text(max_size=80) | st.text("ab.-:/@[]%w \u00df\u0130\u3002\ud800", max_size=40))
def test_any_string_has_a_host_a_domain_and_a_path(url):
    host = host_of(url)
    assert registered_domain(host) == registered_domain(registered_domain(host))
    assert path_of(url) is not None
    host_words(host)
    is_ip(host)


@pytest.mark.parametrize(
    "unit", ["a", ".", "a.", "/", "@", "a@", "http:", "http://", " ", "[", ":", "-"]
)
def test_a_long_address_is_read_in_linear_time(unit, no_hang):
    with no_hang(10):
        url = unit * (1_000_000 // len(unit))
        registered_domain(host_of(url))
        path_of(url)


@pytest.mark.parametrize("host", ["203.0.113.9", "[::1]", "3405803785", "0xcb007109"])
def test_numeric_hosts(host):
    assert is_ip(host)


@pytest.mark.parametrize(
    "host", ["203.0.113.example", "1.2.3", "a.203.0.113.9", "2024", "", "٢٠٣.٠.١١٣.٩"]
)
def test_hosts_with_a_name_are_not_numeric(host):
    assert not is_ip(host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("best-cheap2shoes.example", ("best", "cheap", "shoes")),
        ("www.shop.co.uk", ("shop",)),
        ("ann.github.io", ("ann",)),
        ("123.example", ("123",)),
        ("пример.рф", ("пример",)),
        ("", ()),
    ],
)
def test_host_words(host, words):
    assert host_words(host) == words


@pytest.mark.parametrize(
    "listed", [SHORTENERS, REFERENCE, SOCIAL], ids=["shorteners", "reference", "social"]
)
def test_listed_hosts_are_registered_domains(listed):
    # Lists are compared with registered domains; any other entry would never match.
    assert {host for host in listed if registered_domain(host) != host} == set()


def test_lists_do_not_overlap():
    assert SHORTENERS.isdisjoint(REFERENCE | SOCIAL)
    assert REFERENCE.isdisjoint(SOCIAL)
    assert not any("." in ending for ending in CHEAP_TLDS)


@pytest.mark.parametrize("url", ["http://bit.ly/x", "https://www.t.co/x", "goo.gl/x"])
def test_shorteners(url):
    assert registered_domain(host_of(url)) in SHORTENERS
    assert registered_domain(host_of(url.replace("/x", ".shop.example/x"))) not in SHORTENERS
