"""What strangers wrote is shown as it is and does nothing; reasons read as sentences."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from spamguard.display import share
from spamguard.server.pages.escaping import MOST, marks_of, pieces_of, plain
from spamguard.server.pages.reasons import has_reason, parse_reasons, sentences_of
from spamguard.server.pages.rendering import environment, page
from spamguard.verdict import Reason


def kinds(pieces):
    return [(piece.text, piece.kind) for piece in pieces]


def test_words_are_marked_by_what_they_speak_for():
    marks = marks_of(
        [
            Reason("ngrams_text", 0.5, "“cheap”"),
            Reason("promo_thanks", -0.4, "phrases of the group thanks: “thanks”, “well done”"),
        ]
    )
    found = kinds(pieces_of("Cheaper? No: CHEAP. Well done, thanks!", marks))
    assert found == [
        ("Cheaper? No: ", ""), ("CHEAP", "spam"), (". ", ""), ("Well done", "ham"), (", ", ""),
        ("thanks", "ham"), ("!", ""),
    ]  # fmt: skip


def test_an_evidence_that_was_cut_marks_nothing_it_does_not_quote():
    assert marks_of([Reason("links_bare", 1.0, "links: “a.example”, “b.exa")]) == {"a.example": 1.0}


def test_what_turns_a_line_around_or_hides_is_named():
    found = kinds(pieces_of("abc\u202egnp.exe\u200b\x00\ufeff", {}))
    assert found == [
        ("abc", ""), ("U+202E", "odd"), ("gnp.exe", ""), ("U+200B", "odd"), ("U+0000", "odd"),
        ("U+FEFF", "odd"),
    ]  # fmt: skip


def test_joiners_that_scripts_need_stay():
    assert kinds(pieces_of("می\u200cخواهم क्\u200dष", {})) == [("می\u200cخواهم क्\u200dष", "")]


def test_a_long_text_says_what_is_left():
    *_, last = pieces_of("x" * (MOST + 5), {})
    assert last.text == " … and 5 more characters"


@given(
    st.text(),
    st.dictionaries(st.text(min_size=1, max_size=9).map(str.lower), st.floats(-3, 3), max_size=5),
)
def test_nothing_of_a_text_is_lost(text, marks):
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    back = "".join(
        chr(int(piece.text[2:], 16)) if piece.kind == "odd" else piece.text
        for piece in pieces_of(text, marks)
    )
    assert back == shown


@given(st.text(alphabet="<>&\"'/=`{}%#a \ud800\u2028", max_size=40))
def test_whatever_the_text_the_page_holds_no_element_of_it(text):
    template = environment().from_string(
        '{% from "parts.html" import pieces %}<p title="{{ text }}">{{ pieces(list) }}</p>'
    )
    made = template.render(text=text, list=pieces_of(text, {"a": 1.0}))
    for ours in (
        "<p title=",
        "</p>",
        '<mark class="for-spam">',
        "</mark>",
        '<span class="odd">',
        "</span>",
    ):
        made = made.replace(ours, "")
    assert "<" not in made
    assert page(made).status_code == 200  # halves of characters can be sent


def test_a_post_is_shown_without_its_markup():
    assert plain("<p>One <b>two</b></p><script>x()</script>").split() == ["One", "two"]
    assert plain(None) == ""


def test_reasons_are_sentences():
    found = sentences_of(
        [
            Reason(
                "links_bare", 1.4, "links written as bare (log scale, capped at one): “a.example”"
            ),
            Reason("promo_pharma", 0.7, "phrases of the group pharma (log scale): “cheap pills”"),
            Reason("topic_similarity", 0.6, "no sign of: likeness of comment and post (cosine)"),
            Reason("ngrams_text", 0.3, "“order”"),
            Reason("ngrams_text", 0.2, "“now”"),
            Reason("ngrams_text", -0.1, "“index”"),
        ]
    )
    assert [(s.text, s.for_spam, s.strength) for s in found] == [
        ("Links written as bare: “a.example”.", True, "strong"),
        ("Phrases about medicines: “cheap pills”.", True, ""),
        ("Not seen: likeness of comment and post.", True, ""),
        ("Words more common in spam: “order”, “now”.", True, ""),
        ("Words more common in real comments: “index”.", False, "weak"),
    ]


def test_damaged_reasons_are_none():
    for stored in (None, "", "[", "[[1]]", '{"a": 1}', '[["a", "x", "y"]]'):
        assert parse_reasons(stored) == []
    assert parse_reasons(json.dumps([["a_b", 1, "c"]])) == [Reason("a_b", 1.0, "c")]


def test_filtering_by_reason_takes_what_speaks_for_spam():
    reasons = [Reason("links_bare", 1.0, ""), Reason("author_url", -1.0, "")]
    assert has_reason(reasons, "links")
    assert has_reason(reasons, "links_bare")
    assert not has_reason(reasons, "author")
    assert not has_reason(reasons, "link")


def test_a_share_never_reads_more_certain_than_it_is():
    assert share(0.9999) == "99.9 %"
    assert share(1.0) == "100.0 %"
    assert share(None) == "–"
