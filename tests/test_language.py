"""The language of a comment: told where it shows, and never guessed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard import language
from spamguard.language import is_known, language_of, languages_known, script_of
from spamguard.text import read_body, words_of

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "languages.jsonl")
    .read_text("utf-8")
    .splitlines()
]
TABLES = (language._LATIN, language._CYRILLIC, language._ARABIC)
TEXTS = [(case["text"], case["language"]) for case in CASES if case["language"]]


def told(text: str) -> str:
    return language_of(words_of(read_body(text).text))


@pytest.mark.parametrize("case", CASES, ids=[f"{c['language']}: {c['why']}" for c in CASES])
def test_cases(case):
    assert told(case["text"]) == case["language"], case["why"]


def test_every_language_of_the_tables_has_a_case():
    tried = {code for _, code in TEXTS}
    assert {code for table in TABLES for code in table} <= tried
    assert len(tried) >= 45


def test_words_are_listed_once_and_as_they_are_read():
    for table in TABLES:
        for code, words in table.items():
            assert max(Counter(words.split()).values()) == 1, code
            assert words_of(words) == words.split(), code
    known = {code for table in TABLES for code in table}
    assert {code for codes in language._TELLING_LETTERS.values() for code in codes} <= known
    assert sorted(language._STARTS) == list(language._STARTS)


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=[code for _, code in TEXTS])
def test_length_and_letter_case_do_not_matter(text, code):
    assert told(text.upper()) == code or code in ("el", "tr", "az", "vi")  # capitals lose accents
    assert told(" ".join([text] * 100)) == code


def test_two_languages_in_equal_parts_are_none():
    by_code = {code: text for text, code in TEXTS}
    for one, other in (("en", "de"), ("en", "cs"), ("fr", "nl"), ("en", "ru"), ("pl", "vi")):
        assert told(f"{by_code[one]} {by_code[other]}") in ("", one, other)
    assert told(f"{by_code['en']} {by_code['hu']}") != "hu"


def test_a_foreign_preface_does_not_name_a_long_comment():
    by_code = {code: words_of(text) for text, code in TEXTS}
    english = by_code["en"] * 30
    assert language_of(by_code["cs"] * 3 + english) == "en"


@given(st.lists(st.sampled_from([w for text, _ in TEXTS for w in words_of(text)]), max_size=40))
def test_the_answer_does_not_depend_on_order(words):
    assert language_of(words) == language_of(sorted(words))


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text):
    words = words_of(read_body(text).text)
    code = language_of(words)
    assert code == "" or (len(code) == 2 and code.islower())
    assert isinstance(script_of(words), str)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Runner beans", "latin"), ("бобы на балконе", "cyrillic"), ("中文", "han"), ("かな", "kana"),
        ("한국어", "hangul"), ("تجربة", "arabic"), ("Ελλάδα", "greek"), ("1 2 3", ""), ("", ""),
        ("மழை", "tamil"), ("मेघ", "devanagari"),
    ],
)  # fmt: skip
def test_script(text, script):
    assert script_of(words_of(text)) == script


@pytest.mark.parametrize(
    "unit", ["the ", "a", "не ", "中", "ไ", "ß", "я", "ə ", "x1 ", "が中"], ids=ascii
)
def test_a_megabyte_is_told_in_linear_time(unit, no_hang):
    text = unit * (1_000_000 // len(unit))
    with no_hang(10):
        for _ in range(20):  # all but splitting it is bounded, whatever its length
            language_of([text])
        language_of(words_of(text))


# --- what a model knows ---------------------------------------------------------------


def test_known_languages():
    counts = {
        "en": {"ham": 500, "spam": 0},
        "de": {"ham": 29, "spam": 900},
        "cs": {"ham": 30, "spam": 1},
    }
    assert languages_known(counts, 30) == {"en", "cs"}
    assert languages_known({}, 30) == frozenset()


def test_what_cannot_be_told_or_was_never_counted_is_known():
    known = frozenset({"en", "fr"})
    assert is_known("en", known)
    assert not is_known("cs", known)
    assert is_known("", known)
    assert is_known("cs", frozenset())
