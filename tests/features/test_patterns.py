"""Patterns that are compiled late behave like those compiled at once."""

from __future__ import annotations

import copy
import pickle
import re
import threading

import pytest

from spamguard.features import patterns
from spamguard.features.patterns import late


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """What a test makes is not among those of the package."""
    monkeypatch.setattr(patterns, "_all", list(patterns._all))


def test_nothing_is_compiled_before_it_is_used(monkeypatch):
    asked = []
    compiled = re.compile
    monkeypatch.setattr(
        patterns.re, "compile", lambda *given: asked.append(given) or compiled(*given)
    )
    pattern = late("(a)b", re.IGNORECASE)
    assert asked == []
    assert pattern.search("xAB").group(1) == "A"
    assert pattern.sub("-", "ab ab") == "- -"
    assert pattern.pattern == "(a)b"
    assert asked == [("(a)b", re.IGNORECASE)]


def test_it_has_all_that_a_pattern_has():
    pattern, compiled = late("a(?P<rest>b*)"), re.compile("a(?P<rest>b*)")
    for name in dir(compiled):
        if not name.startswith("_"):
            assert hasattr(pattern, name)
    assert pattern.groupindex == compiled.groupindex
    assert pattern.findall("abb a") == compiled.findall("abb a")


def test_a_server_that_has_a_model_has_all_patterns_and_suffixes(monkeypatch):
    pytest.importorskip("starlette")
    from spamguard.features import hosts
    from spamguard.server import models

    hosts._suffix_list.cache_clear()
    hosts.registered_domain.cache_clear()
    models._loaded("default")
    compiled = []
    monkeypatch.setattr(patterns._Late, "compile", lambda self: compiled.append(self._given))
    for made in patterns._all:
        assert made.search is not None
    assert compiled == []
    before = hosts._suffix_list.cache_info().misses
    for host in ("b.example.net", "b.xn--p1ai.example"):
        hosts.registered_domain(host)
    assert hosts._suffix_list.cache_info().misses == before == 2


def test_a_mistake_shows_when_it_is_used():
    pattern = late("(")
    with pytest.raises(re.error):
        pattern.match("")


def test_it_can_be_copied_before_and_after_its_first_use():
    pattern = late("A+", re.IGNORECASE)
    for _ in range(2):
        copies = copy.copy(pattern), copy.deepcopy(pattern), pickle.loads(pickle.dumps(pattern))
        assert [copied.match("aa").end() for copied in copies] == [2, 2, 2]
        pattern.match("a")


def test_threads_that_use_it_first_agree():
    pattern, found, gate = late("[a-z]+"), [], threading.Barrier(8)

    def use():
        gate.wait()
        found.append(pattern.findall("ab cd"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["ab", "cd"]] * 8
