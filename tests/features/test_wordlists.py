"""The files of the lexicon keep their rules, and a faulty one says where the fault is."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from spamguard.errors import SpamguardError
from spamguard.features import wordlists
from spamguard.features.families import promo
from spamguard.features.language import name_of

LEXICON = Path(wordlists.__file__).with_name("lexicon")
NAMES = sorted(
    path.relative_to(LEXICON).with_suffix("").as_posix() for path in LEXICON.rglob("*.txt")
)
PHRASES = [name for name in NAMES if name.startswith("phrases/")]
LINES = [*PHRASES, "languages/names"]  # an entry a line
BY_LANGUAGE = [
    *PHRASES,
    "messengers",
    "placeholders",
]


def separator_of(name: str) -> str | None:
    return "\n" if name in LINES else None


def entries_of(name: str) -> dict[str, tuple[str, ...]]:
    return wordlists.sections(name) if name in LINES else wordlists.word_sections(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_keeps_every_rule(name):
    wordlists.check(name, separator_of(name))
    found = entries_of(name)
    assert found
    assert all(found.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_file_begins_with_what_it_is_and_how_to_add_to_it(name):
    head, _, _ = (LEXICON / f"{name}.txt").read_text("utf-8").partition("\n[")
    lines = head.strip().splitlines()
    assert len(lines) > 2
    assert all(line.startswith("#") for line in lines)
    assert " line" in head


@pytest.mark.parametrize("name", [name for name in NAMES if name != "languages/names"])
def test_entries_are_written_as_comments_are_read(name):
    for entry in (entry for entries in entries_of(name).values() for entry in entries):
        assert entry == unicodedata.normalize("NFKC", entry.lower()), entry


@pytest.mark.parametrize("name", BY_LANGUAGE)
def test_sections_are_languages(name):
    for code in entries_of(name):
        assert code == "any" or name_of(code) != code, code


def test_a_phrase_is_in_one_group():
    assert sorted(promo.GROUPS) == [name.removeprefix("phrases/") for name in PHRASES]
    counts = Counter(phrase for group in promo.GROUPS.values() for phrase in group)
    assert [phrase for phrase, count in counts.items() if count > 1] == []


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(wordlists, "_FOLDER", str(tmp_path))
    wordlists.sections.cache_clear()
    wordlists.word_sections.cache_clear()

    def write(content: str | bytes) -> str:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "tried.txt").write_bytes(data)
        return "tried"

    yield write
    wordlists.sections.cache_clear()
    wordlists.word_sections.cache_clear()


def test_comments_and_blank_lines_do_not_count(written):
    name = written("# What it is.\n\n[en]\n# the first\nbuy now\n\nbuy here\n\n[tr]\nsatın al\n")
    assert wordlists.sections(name) == {"en": ("buy now", "buy here"), "tr": ("satın al",)}


def test_a_line_may_hold_several_words(written):
    name = written("# What it is.\n\n[en]\nthe and\n# more\nof\n\n[any]\nto\n")
    assert wordlists.word_sections(name) == {"en": ("the", "and", "of"), "any": ("to",)}
    assert wordlists.all_words(name) == {"the", "and", "of", "to"}


def test_line_ends_of_windows_make_no_difference(written):
    assert wordlists.sections(written("[en]\r\nbuy now\r\n")) == {"en": ("buy now",)}


FAULTS = [
    ("[en]\nbuy now\nbuy here\nbuy now\n", "line 4: 'buy now' is on line 2 too"),
    ("[en]\nbuy\n\n[tr]\nal\n\n[en]\nsell\n", r"line 7: \[en\] is on line 1 too"),
    ("[en\nbuy\n", "line 1: not a heading"),
    ("[]\nbuy\n", "line 1: not a heading"),
    ("# words\nbuy\n[en]\nsell\n", "line 2: no heading above it"),
    ("[en]\n\n[tr]\nal\n", "line 1: a section without entries"),
    ("[en]\nal\n[tr]\n", "line 3: a section without entries"),
    ("# nothing\n", "line 1: a section without entries"),
    ("[en]\nbuy\nnow\xa0or never\n".encode("latin-1"), "line 3: not UTF-8"),
]
STRAY = ["buy \n", " buy\n", "buy  now\n", "buy\tnow\n", "buy\xa0now\n", "\ufeffbuy\n"]


@pytest.mark.parametrize(("content", "message"), FAULTS)
def test_a_fault_is_named_with_its_line(written, content, message):
    with pytest.raises(SpamguardError, match=rf"lexicon/tried\.txt, {message}"):
        wordlists.sections(written(content))


@pytest.mark.parametrize("line", STRAY)
def test_the_check_finds_stray_spaces(written, line):
    with pytest.raises(SpamguardError, match=r"tried\.txt, line 2: a stray space"):
        wordlists.check(written(f"[en]\n{line}"), "\n")
