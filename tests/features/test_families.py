"""The feature families: what fires, what looks alike and does not, what does not apply.

The cases are data: `cases/features.jsonl`, and `cases/features_known.jsonl` for what
should hold and does not yet. A case of the latter that passes is moved to the former.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spamguard.comment import Comment, Post
from spamguard.features.families import author, links, promo, style, topic
from spamguard.features.lexer import words_of
from spamguard.features.reading import MAX_THREAD, Runs, read, shingles_of, terms_of
from spamguard.features.text import MAX_HEAD, MAX_TAIL

FAMILIES = {"links": links, "promo": promo, "topic": topic, "author": author, "style": style}
FEATURES = {f.name: f for family in FAMILIES.values() for f in family.FEATURES}


def load(name):
    lines = (
        Path(__file__).parents[1].joinpath("cases").joinpath(name).read_text("utf-8").splitlines()
    )
    return [json.loads(line) for line in lines]


CASES = load("features.jsonl")
KNOWN = load("features_known.jsonl")


class Weights(dict):
    """Inverse document frequencies of a function instead of a trained background."""

    def __init__(self, weigh):
        self.weigh = weigh

    def __missing__(self, term):
        return self.weigh(term)


# A longer stem is a rarer word.
idf = Weights(lambda term: 6.0 if len(term) >= 6 else 3.0)


@settings(max_examples=1_000)
@given(st.text("aAbBZé1? ", max_size=12))
def test_letters_out_of_order_are_those_of_the_pattern(text):
    assert style.is_random_case(text) == (style._RANDOM_CASE.search(text) is not None)


def all_values(comment, weigh=idf):
    """Return the values of every family, feature by feature."""
    r = read(comment)
    values = {
        "links": links.values(r),
        "promo": promo.values(r),
        "topic": topic.values(r, weigh),
        "author": author.values(r, weigh),
        "style": style.values(r),
    }
    return {
        name: dict(zip([f.name for f in FAMILIES[name].FEATURES], found, strict=True))
        for name, found in values.items()
    }


def comment_of(case):
    fields = dict(case["comment"])
    post = fields.pop("post", None)
    return Comment(**fields, post=Post(**post) if post is not None else None)


def check(case):
    weigh = Weights(lambda _: case["idf"]) if "idf" in case else idf
    value = all_values(comment_of(case), weigh)[case["family"]][case["feature"]]
    if "missing" in case:
        assert math.isnan(value)
    elif "above" in case:
        assert value > case["above"]
    elif "below" in case:
        assert value < case["below"]
    else:
        assert not math.isnan(value)
        assert (value > 0) is case["fires"]


def name_of(case):
    return f"{case['feature']}: {case['why']}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_case(case):
    check(case)


@pytest.mark.parametrize("case", KNOWN, ids=name_of)
@pytest.mark.xfail(reason="known failure; once it passes, move the case to features.jsonl")
def test_known_failure(case):
    check(case)


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_has_a_case_that_fires_and_one_that_does_not(feature):
    cases = [case for case in CASES if case["feature"] == feature]
    assert any(case.get("fires") is True or "above" in case for case in cases)
    assert any(case.get("fires") is False or "below" in case for case in cases)


def test_cases_name_features_that_exist():
    for case in CASES + KNOWN:
        assert case["feature"] in {f.name for f in FAMILIES[case["family"]].FEATURES}
        assert len({"fires", "above", "below", "missing"} & set(case)) == 1
        assert case["why"]


def test_no_feature_is_named_twice():
    names = [f.name for family in FAMILIES.values() for f in family.FEATURES]
    assert len(names) == len(set(names))
    assert all(f.low < f.high and f.meaning for f in FEATURES.values())


# --- the table of phrases -----------------------------------------------------------------

PHRASES = [(name, phrase) for name, group in promo.GROUPS.items() for phrase in group]


def test_no_phrase_stands_in_the_table_twice():
    counts = Counter(" ".join(words_of(phrase.replace("*", ""))) for _, phrase in PHRASES)
    assert [phrase for phrase, count in counts.items() if count > 1] == []


def test_no_comma_of_the_table_is_missing():
    for name, phrase in PHRASES:
        words = phrase.split(" ")
        assert phrase, name
        assert len(words) <= 7, phrase
        assert all(one != other for one, other in pairwise(words)), phrase


def test_every_phrase_is_found_in_its_group():
    for name, phrase in PHRASES:
        text = phrase.replace("*", "")
        found = promo.PHRASES.find(words_of(text), text)
        assert [promo.PHRASES.names[number] for number, _ in found] == [name], phrase


def test_overlapping_phrases_take_their_words_once():
    words = "keep up the good work and buy cheap viagra online".split()
    found = [phrase for _, phrase in promo.PHRASES.find(words)]
    assert found == ["keep up the good work", "buy cheap", "viagra"]


# --- absence says nothing ----------------------------------------------------------------


@pytest.mark.parametrize(
    "post", [None, Post(), Post(title=""), Post(url="https://garden.example/", author="Ann")]
)
@pytest.mark.parametrize(
    "text", ["", "Cheap viagra at http://pills.example/", "Lovely beans on a balcony there"]
)
def test_without_words_in_the_post_no_topic_feature_applies(text, post):
    values = all_values(Comment(text, "Bob", "http://bob.example", post=post))["topic"]
    assert all(math.isnan(value) for value in values.values())


@pytest.mark.parametrize("before", [True, False])
def test_what_was_copied_from_the_post_is_not_the_visitors(before):
    sentence = "The generator is about four hundred lines of Python, and it reads Markdown."
    post = Post("Moving house", f"For nine years this blog was rented. {sentence} It is quick.")
    own = "Order (cheap) watches, at HTTP://shop.example today!"
    pasted = f"{sentence} {own}" if before else f"{own} {sentence}"
    alone, both = read(Comment(own, post=post)), read(Comment(pasted, post=post))
    assert both.words != alone.words
    assert both.own_words == alone.own_words == alone.words
    assert both.own_lower == alone.own_lower
    nothing = read(Comment(sentence, post=post))
    assert (nothing.own_words, nothing.own_lower) == ([], "")


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=40), max_size=3), st.data())
def test_runs_are_found_alike_one_by_one_and_counted_out(texts, data):
    runs = Runs(texts)
    for _ in range(2):  # few are looked for; many make them be counted out, which is then kept
        words = data.draw(st.lists(st.sampled_from("abc"), max_size=60))
        expected = shingles_of(words) & set().union(*map(shingles_of, texts))
        assert runs.repeated_in(words) == expected


def test_many_runs_are_found_as_few_are():
    words = [f"word{i}" for i in range(100)]
    few, many = Runs([words]).repeated_in(words[:6]), Runs([words]).repeated_in(words)
    assert few == shingles_of(words[:6])
    assert many == shingles_of(words)


def test_a_run_of_words_is_no_run_of_their_parts():
    words = "on the road to york".split()
    assert Runs([["upon", *words[1:]]]).repeated_in(words) == set()
    assert (
        Runs([["and", "son", *words[1:4], "yorkshire", "on", "york"]]).repeated_in(words) == set()
    )


def test_without_a_copy_nothing_is_left_out():
    r = read(Comment("It reads Markdown, I hope?", post=Post("t", "It reads Markdown quickly.")))
    assert r.own_words is r.words
    assert r.own_lower is r.lower


def test_a_thread_alone_makes_only_thread_features_apply():
    post = Post(thread=["My first sowing drowned in the rain of early June"])
    values = all_values(Comment("The rain of early June drowned my sowing", post=post))["topic"]
    assert {name for name, value in values.items() if not math.isnan(value)} == {
        "topic_thread_copied",
        "topic_thread_repeat",
    }


def test_without_a_name_or_an_address_the_author_family_is_silent():
    for author_name, url in [(None, None), ("", ""), (None, "  ")]:
        values = all_values(Comment("Lovely beans", author_name, url))["author"]
        assert all(value == 0 or math.isnan(value) for value in values.values())


# --- the site the comment was left on -------------------------------------------------------

SPAM = "Very informative! Cheap viagra at http://pills.example/ or http://pills.example/buy"


def test_the_posts_author_promotes_nothing():
    post = Post(text="Pills and what they cost", author="Márta  Lindqvist")
    own = all_values(Comment(SPAM, "márta lindqvist", "http://marta.example", post=post))
    other = all_values(Comment(SPAM, "Marta", "http://marta.example", post=post))
    assert set(own["promo"].values()) == {0.0}
    assert not any(value for name, value in own["links"].items() if name.startswith("links_"))
    assert other["promo"]["promo_pharma"] > 0
    assert other["links"]["links_count"] > 0


def test_a_name_alone_makes_no_post_author():
    for name in (None, "", "   ", "\ufeff"):
        own = all_values(Comment(SPAM, name, post=Post(text="Pills", author=name)))
        assert own["author"]["author_is_post_author"] == 0
        assert own["promo"]["promo_pharma"] > 0


def test_links_within_the_site_are_counted_apart():
    text = "As in https://garden.example/a and https://www.garden.example/b, but not http://shop.example/"
    at_home = all_values(Comment(text, post=Post(url="http://garden.example/beans")))["links"]
    away = all_values(Comment(text, post=Post(url="http://other.example/")))["links"]
    assert at_home["links_count"] == pytest.approx(math.log1p(1))
    assert away["links_count"] == pytest.approx(math.log1p(3))


def test_one_thread_does_not_leak_into_another_post():
    texts = ["First", "My first sowing drowned in the rain of early June"]
    comment = "My first sowing drowned in the rain of early June"
    with_thread = all_values(Comment(comment, post=Post(text="Beans", thread=texts)))["topic"]
    without = all_values(Comment(comment, post=Post(text="Beans")))["topic"]
    assert with_thread["topic_thread_repeat"] == 1
    assert math.isnan(without["topic_thread_repeat"])


def test_a_thread_of_very_long_comments_is_read_quickly(no_hang):
    texts = [f"{i} word next " * 20_000 for i in range(MAX_THREAD)]
    with no_hang(5):
        values = all_values(Comment("a word or the next", post=Post(thread=texts)))["topic"]
    assert values["topic_thread_copied"] == 0


def test_words_that_weigh_nothing_have_no_likeness():
    post = Post(text="several other words")
    values = all_values(Comment("several longer words", post=post), Weights(lambda _: 0.0))["topic"]
    assert math.isnan(values["topic_similarity"])


def test_a_post_read_under_two_weighings_keeps_them_apart():
    comment = Comment("Runner beans on a balcony", post=Post(text="Runner beans need deep pots"))
    one, other = Weights(lambda term: float(len(term))), Weights(lambda term: 1.0 / len(term))
    first = all_values(comment, one)["topic"]
    assert all_values(comment, other)["topic"]["topic_similarity"] != first["topic_similarity"]
    assert all_values(comment, one)["topic"] == pytest.approx(first, nan_ok=True, abs=0)


def test_of_a_long_thread_the_latest_comments_are_read():
    texts = [f"Number {i} of very many comments" for i in range(MAX_THREAD + 50)]

    def repeat(i):
        values = all_values(Comment(texts[i], post=Post(thread=texts)))
        return values["topic"]["topic_thread_repeat"]

    assert repeat(-1) == 1
    assert repeat(0) == 0


# --- any dress, the same values ---------------------------------------------------------------


def test_markup_of_an_importer_changes_no_word_feature():
    plain = "Cheap viagra & pills, very informative.\n\nWhy? It's 5 > 3."
    dressed = "\ufeff<p>Cheap viagra &amp; pills, very informative.</p>\r\n\r\n<p>Why? It&#39;s 5 &gt; 3.</p>\ufeff"
    one, other = all_values(Comment(plain)), all_values(Comment(dressed))
    for family in ("links", "promo", "style"):
        assert one[family] == pytest.approx(other[family], nan_ok=True)


def test_terms():
    assert terms_of(words_of("The gardening of an oak")) == ["the", "garden", "oak"]
    assert terms_of(words_of("我喜欢豆子")) == ["我喜", "喜欢", "欢豆", "豆子"]
    assert terms_of(words_of("да")) == ["да"]
    assert terms_of([]) == []


# --- any text, values that can be used ------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "cheap viagra ", "казино ", "赌场 ", "http://a.example/ ", "[x](http://b.example) ", "<p>", "</a>", "<a href='c.example'>",
        "THE BEST ", "why? ", "!!! ", "\n", "v1agra ", "c a s i n o ", "cаsino ", "+1 555 010 9999 ", "a@b.example ",
        "telegram ", "beans ", "balcony ", "and of the ", "\u200b", "\ufeff", "\U0001f600", "a1b2 ", "x" * 40 + " ", "%D0%BF%D1 ",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join)
UNBOUNDED = {"style_compression", "style_word_length"}  # clipped to their range by the model only


@given(
    text=TEXTS,
    name=st.none() | TEXTS,
    url=st.none() | TEXTS,
    post=st.none() | st.builds(Post, title=TEXTS, text=TEXTS, thread=st.lists(TEXTS, max_size=3)),
)
def test_any_comment_has_usable_values(text, name, url, post):
    comment = Comment(text, name, url, post=post)
    for family, values in all_values(comment).items():
        for feature, value in values.items():
            assert isinstance(value, float | int), feature
            if math.isnan(value):
                assert family in ("topic", "author", "style"), feature
                continue
            assert math.isfinite(value), feature
            limits = FEATURES[feature]
            if feature not in UNBOUNDED:
                assert value >= limits.low, feature
            if limits.high == 1:
                assert value <= 1 + 1e-9, feature


@given(TEXTS)
def test_a_thousand_comments_under_one_post_do_not_change_each_other(text):
    post = Post(text="Runner beans on a balcony need deep pots", url="https://garden.example/")
    alone = all_values(Comment(text, post=post))
    all_values(Comment("Something else http://x.example/", "Eve", post=post))
    together = all_values(Comment(text, post=Post(text=post.text, url=post.url)))
    for family, values in alone.items():
        assert together[family] == pytest.approx(values, nan_ok=True, abs=0)


# --- linear time ----------------------------------------------------------------------------------

HOSTILE = (
    "a", " ", "\n", "1", ".", ". ", "-", "_", "*", "`", "'", "!", "! ", "?", "…", "。", "@", "a@a.", "%", "%41", "/", "/a", "::",
    "<a ", "<p>", "[url=", "](", "(", "f(", "a(", "a.b(", "http://", "a.", ". com", "a.com ", "dot ", "1 ", "1-", "a-", "a b ",
    "aB", "Aa", "A ", "AAA ", "I ", "you ", "word ", "online ", "training ", "click ", "very ", "купить ", "контрольн ", "казино",
    "赌", "赌场", "카", "카지노", "中", "あ", "&amp;", "\ufeff", "\u202e", "a\u200b", "a\u0301", "аa", "𝐚", "\ufdfa", "😀", "whats ",
    "ab", "nn", "xq", "st", "Éa", "what!! ", "!?", "i ", "best ", "in ", "thank ", "your ", "50% off ", "http://a.example/ ", "http://bit.ly/a?", "[url=http://a.example]cheap[/url]", "<a href='http://a.example'>cheap</a>",
)  # fmt: skip
READ = MAX_HEAD + MAX_TAIL


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "z<"], ids=["alone", "ended"])
@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_hostile_comments_are_valued_in_linear_time(unit, end, no_hang):
    # A megabyte, of which the middle is skipped; and all that is ever read, with an end that fits no pattern.
    size = READ - len(end) if end else 1_000_000
    raw = (unit * (size // len(unit) + 1))[:size] + end
    with no_hang(10):
        all_values(
            Comment(raw, post=Post(text="Runner beans on a balcony", thread=["Lovely beans"]))
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["a", " ", "a ", "-", "a-", "A", "Aa", "1", ".", "a.com ", "http://", "中", "𝐚", "\ufdfa"],
    ids=ascii,
)
def test_hostile_authors_and_posts_are_read_in_linear_time(unit, no_hang):
    raw = unit * (1_000_000 // len(unit))
    with no_hang(10):
        all_values(
            Comment("Lovely beans here", raw, raw, post=Post(raw, raw, raw, raw, thread=[raw] * 3))
        )


def test_ten_thousand_links_are_valued(no_hang):
    raw = " ".join(f"<a href='http://a{i}.example/'>cheap {i}</a>" for i in range(10_000))
    with no_hang(10):
        values = all_values(Comment(raw))["links"]
    assert values["links_count"] > 7
    assert values["links_count"] > 4
