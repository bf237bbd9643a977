"""Canonical text: the same words from any dress, tricks undone, in linear time."""

from __future__ import annotations

import html
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard.features import lexer
from spamguard.features import text as canonical
from spamguard.features.lexer import scan, words_of
from spamguard.features.text import (
    MAX_HEAD,
    MAX_TAIL,
    Body,
    Link,
    clean_characters,
    read_body,
)

CASES = [
    json.loads(line)
    for line in Path(__file__)
    .parents[1]
    .joinpath("cases")
    .joinpath("text.jsonl")
    .read_text("utf-8")
    .splitlines()
]
COUNTED = (
    "emails",
    "phones",
    "code_length",
    "quote_lines",
    "hidden_characters",
    "stacked_marks",
    "styled_letters",
    "mixed_script_words",
    "spaced_words",
    "leet_words",
)


def cleaned(text):
    body = Body()
    return clean_characters(text, body, scan(text)), {n: getattr(body, n) for n in COUNTED}


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_case(case):
    body = read_body(case["raw"])
    assert body.text == case["text"]
    assert [[link.kind, link.url, link.anchor] for link in body.links] == case.get("links", [])
    # What a case does not name must not have fired.
    expected = {name: case.get(name, type(getattr(Body(), name))()) for name in COUNTED}
    assert {name: getattr(body, name) for name in COUNTED} == expected


def test_every_kind_of_link_and_every_count_has_a_case():
    kinds = {link[0] for case in CASES for link in case.get("links", [])}
    assert kinds == {"bare", "html", "bbcode", "markdown", "domain", "obfuscated"}
    assert {name for case in CASES for name in case} >= set(COUNTED)


# --- the same words in any dress --------------------------------------------------

WORDS = 'Beans & peas grow "well" here.\nSee my notes about soil today.\nIt\'s 5 > 3 pots.'
TARGET = "http://garden.example/soil?a=1&b=2"
HTML = (
    "<p>Beans &amp; peas grow &quot;well&quot; here.</p>\n"
    '<p>See <a href="http://garden.example/soil?a=1&amp;b=2">my notes</a> about <b>soil</b> today.<br />'
    "It&#39;s 5 &gt; 3 pots.</p>"
)
DRESSED = {
    "html": HTML,
    "html in another style": HTML.replace("<p>", "<div class='x'>").replace("</p>", "</div>"),
    "html escaped": html.escape(HTML),
    "html escaped twice": html.escape(html.escape(HTML)),
    "html with windows line ends": HTML.replace("\n", "\r\n"),
    "markdown": (
        'Beans & peas grow "well" here.\n\n'
        f"See [my notes]({TARGET}) about **soil** today.  \nIt's 5 > 3 pots."
    ),
    "bbcode": (
        'Beans & peas grow "well" here.\n'
        f"See [url={TARGET}]my notes[/url] about [b]soil[/b] today.\nIt's 5 > 3 pots."
    ),
    "byte order marks": f"\ufeff{HTML}\ufeff",
}


@pytest.mark.parametrize("dress", DRESSED)
def test_same_words_and_links_in_any_dress(dress):
    body = read_body(DRESSED[dress])
    assert body.text == WORDS
    assert {link.url for link in body.links} == {TARGET}
    assert [link.anchor for link in body.links] == ["my notes"]


@pytest.mark.parametrize("escape", [str, html.escape, lambda s: html.escape(html.escape(s))])
def test_plain_text_is_the_same_however_often_it_was_escaped(escape):
    assert read_body(escape(WORDS)).text == WORDS


BARE = {
    "plain": "See http://a.example/x and http://b.example/y now",
    "html": '<p>See <a href="http://a.example/x">http://a.example/x</a> and <a href="http://b.example/y">http://b.example/y</a> now</p>',
    "markdown": "See <http://a.example/x> and [http://b.example/y](http://b.example/y) now",
    "bbcode": "See [url]http://a.example/x[/url] and [url=http://b.example/y]http://b.example/y[/url] now",
}


@pytest.mark.parametrize("dress", BARE)
def test_bare_addresses_are_the_same_links_in_any_dress(dress):
    body = read_body(BARE[dress])
    assert body.text == "See and now"
    assert sorted(link.url for link in body.links) == ["http://a.example/x", "http://b.example/y"]


# --- length ------------------------------------------------------------------------


def test_of_a_long_body_the_start_and_the_end_are_read():
    raw = "first " + "x " * MAX_HEAD + "middle " + "y " * MAX_TAIL + "http://last.example/"
    body = read_body(raw)
    assert body.length == len(raw)
    assert body.text.startswith("first x")
    assert "middle" not in body.text
    assert body.links == [Link("bare", "http://last.example/")]


def test_a_body_at_the_limit_is_read_whole():
    raw = "a" * MAX_HEAD + " middle " + "b" * (MAX_TAIL - 8)
    assert "middle" in read_body(raw).text


def test_one_character_for_eighteen_does_not_swell_a_body():
    assert len(read_body("\ufdfa" * 1_000_000).text) <= 2 * (MAX_HEAD + MAX_TAIL)
    assert read_body("\ufdfa").text == unicodedata.normalize("NFKC", "\ufdfa")


# --- words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP, it’s 5 o'clock", ["don't", "stop", "it's", "5", "o'clock"]),
        ("'quoted' and well-known", ["quoted", "and", "well", "known"]),
        ("snake_case", ["snake", "case"]),
        ("हिन्दी में लिखा", ["हिन्दी", "में", "लिखा"]),
        ("אָלֶף بَيْت", ["אָלֶף", "بَيْت"]),
        ("İstanbul", ["istanbul"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("...", []),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


# --- nothing crashes -------------------------------------------------------------------

NASTY = [
    "<", "<a", "<a>", "</a>", "<p>", "<!--", "-->", "<code>", "</code>", "<pre>", "<script>", "[url", "[url=", "[url]", "[/url]", "[quote]", "[code]", "](", "[a](", "http://",
    "https://x", "www.", "&amp;", "&#x", "&#1", "&lt;", "`", "```", "**", "__", "~~", ">", "#", "-", "*", "@", "a@b.example", "dot", "(dot)", ".", "com", ".ru", "/", "href=", "'", '"', "\\", "1", "+1",
    "(", ")", "|", "{", "}", "а", "я", "α", "中", "カ", "한", "𝐚", "ⓐ", "ａ", "word", "x",
    "\ufdfa",
]  # fmt: skip
NASTY += list(" \r\n\t\x00\ud800\udfff\u202e\u202d\ufeff\u200b\u200c\u200d\u0301\u0336\U000e0041")


@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=5), max_size=60).map("".join))
def test_any_string_is_read(raw):
    body = read_body(raw)
    assert body.length == len(raw)
    words_of(body.text)
    body.text.encode("utf-8")  # no surrogate is left
    assert not any(ord(c) < 32 and c != "\n" for c in body.text)
    assert not {"\ufeff", "\u200b", "\u202e", "\u2066", "\u00ad"} & set(body.text)
    assert body.text == body.text.strip()


@given(st.text(max_size=200))
def test_cleaning_again_changes_nothing(raw):
    once, _ = cleaned(raw)
    again, counts = cleaned(once)
    assert again == once
    assert not counts["styled_letters"] + counts["stacked_marks"] + counts["hidden_characters"]
    assert not counts["mixed_script_words"]


# --- linear time -----------------------------------------------------------------------

MILLION = 1_000_000
HOSTILE = (
    "a", " ", "\n", "\t", "\r", "\x00", "1", ".", "-", "_", "__", "*", "**", "~", "#", "`", "``", "`a", "'", '"',
    "!", "?", "…", "@", "a@", "a.a@", "a@a.", "$", "@4", "a4", "|", "/", "//", "://", ":", "\\", "{", "+", "(0",
    "<", "<a", "<a ", "<a href=", "<a href='", "<a>", "</a>", "<p>", "<!", "<code>", "<pre>", "<script>", "href = ",
    "<blockquote>", "[", "[url=", "[url]", "[/url]", "[quote]", "[code]", "[code][/code]", "(", "](", "[a](", "[](x)",
    "![a](", "[a](b(", "> ", "\n> ", ">", "- ", "http://", "http: // ", "https://a.a.a.a.", "www.", "a.", "a. ",
    ". com", " .com", "a .com", "a.com ", "a.com/", "adf.ly / x ", "dot ", "a dot ", "(dot) com", "(dot", "a (",
    "1 ", "1-", "+1", "0.0.", "1.1.1.1 ", "a-", "-.", "a b ", "a*b", "c a s i n o ", "v1agra ", "word ", "A ", "aB",
    "&", "&amp;", "&amp;lt;", "&#", "&#1", "&#x", "&lt;", "\ufeff", "\u202e", "\u200d", "a\u200b", "a\u200d", "\u0301",
    "\u0301\u0300", "a\u0301", "a\u0336", "аa", "aа", "ΑA", "中", "あ", "한", "𝐚", "ⓐ", "ａ", "\ufdfa", "\ud800", "😀",
    "http://a.example/ ", "[url=http://a.example]a[/url]", "<a href='http://a.example'>a</a>", "x@a.example ",
    "[a](http://a.example) ",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "z<"], ids=["alone", "ended"])
@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_hostile_text_is_read_in_linear_time(unit, end, no_hang):
    # A megabyte, of which the middle is skipped; and all that is ever read, with an end that fits no pattern.
    size = MAX_HEAD + MAX_TAIL - len(end) if end else MILLION
    raw = (unit * (size // len(unit) + 1))[:size] + end
    with no_hang(10):
        words_of(read_body(raw).text)


def test_ten_thousand_links(no_hang):
    with no_hang(10):
        body = read_body(" ".join(f"http://a{i}.example/" for i in range(10_000)))
    assert len(body.links) > 3_000
    assert len({link.url for link in body.links}) > 3_000


@given(
    st.lists(st.sampled_from([*"aB9éßłИ中İ", *" '’.,_-\n", "''", "\u0301", "½", "\x85"])).map(
        "".join
    )
)
def test_words_are_those_of_the_pattern(text):
    lower = text.lower().replace("’", "'").replace("i\u0307", "i")
    assert words_of(text) == lexer._WORD.findall(lower)
    assert lexer._words(lower) == lexer._WORD.findall(lower)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("f!shing", "leet_words", ["fishing"]),
        ("a!1!b", "leet_words", ["aiiib"]),
        ("fr33", "leet_words", ["free"]),
        ("p5yc", "leet_words", ["psyc"]),
        ("ga7e", "leet_words", ["gate"]),
        ("555.123.4567.89", "phones", ["555.123.4567.89"]),
        ("0789-789-7897", "phones", ["0789-789-7897"]),
        ("v_i_a_g_r_a", "spaced_words", ["viagra"]),
        ("F R E Q", "spaced_words", ["FREQ"]),
        ("\u0437 \u0430 \u0439 \u043c", "spaced_words", ["\u0437\u0430\u0439\u043c"]),
    ],
)
def test_each_sign_of_a_trick_is_seen(text, kind, found):
    assert getattr(read_body(text), kind) == found


@pytest.mark.parametrize(
    ("raw", "text"),
    [("an _old_ word", "an old word"), ("a ~~struck~~ one", "a struck one"), ("*so*", "so")],
)
def test_each_dress_is_taken_off(raw, text):
    assert read_body(raw).text == text


@pytest.mark.parametrize("raw", ["spam DOT com", "spam Dot com", "spam dot com", "spam (dot) com"])
def test_a_spelled_out_dot_is_seen_in_any_case(raw):
    assert [link.url for link in read_body(raw).links] == ["spam.com"]


def test_a_trick_far_into_a_text_is_seen():
    _, counts = cleaned("plain é words " * 100 + "vi\u200bagra")
    assert counts["hidden_characters"] == 1


@given(st.text(max_size=60))
def test_what_is_passed_over_would_change_nothing(text):
    # A step is tried only where its sign was seen.
    slow = Body()
    thorough = canonical._clean_tricky(text.replace("\ufeff", ""), slow)
    if canonical._WORD_OF_TWO_SCRIPTS.search(thorough):
        thorough = canonical._WORD_LGC.sub(lambda m: canonical._unmix(m, slow), thorough)
    assert cleaned(text) == (thorough, {n: getattr(slow, n) for n in COUNTED})


PIECES = st.sampled_from(
    [
        *"a b x to dot punkt . - ( ) [ ] / com ru be io xyz example 1 4 0".split(),
        *"+ @ $ ! | 555 12 * _ й Q hello".split(),
        *(" ", "  ", "\n"),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_a_sign_is_seen_wherever_its_pattern_matches(text):
    signs = scan(text)
    if canonical._DOMAIN.search(text):
        assert signs & lexer.DOMAIN
        assert lexer.find_ending(text, 0, canonical._ENDINGS) >= 0
    if canonical._URL.search(text):
        assert signs & (lexer.URL | lexer.WEB)
    body = Body()
    canonical._lift_phones(text, body)
    if body.phones:
        assert signs & lexer.DIGITS
    if canonical._SPACED.search(text):
        assert lexer.any_spaced(words_of(text))
    if text != "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n")))):
        assert signs & lexer.UNTIDY
    body = Body()
    canonical._find_leet(text, body)
    assert signs & lexer.LEET or not body.leet_words


@given(st.text(max_size=200) | st.lists(PIECES, max_size=60).map("".join))
def test_signs_found_at_once_include_those_found_one_by_one(text):
    one_by_one, at_once = lexer._scan(text), lexer._scan_at_once(text)
    assert one_by_one & ~at_once == 0
    assert at_once & ~one_by_one & ~lexer.SPLIT == 0
