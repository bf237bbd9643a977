"""What a notebook shows: all of the sum, and nothing that a comment could make it do."""

from __future__ import annotations

import math
import pickle
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard import Comment, Post, SpamModel, score_many
from spamguard.analysis import highlight
from spamguard.analysis.notebook import report_html
from spamguard.display import safe, table
from spamguard.explaining import MOST_SHADED
from spamguard.features import BLOCKS
from tests.test_explaining import POST, RICH, random_model

RANDOM = random_model(scale=0.5)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1) http://evil.example www.evil.example",
    "<a href='http://evil.example'>here</a> [url=http://evil.example]x[/url]",
    "</div></td></table></details><style>*{display:none}</style>",
    r"$$\href{javascript:alert(1)}{x}$$ \(x\) $y$ \[z\] \begin{equation}q\end{equation} \ref{a}",
    "\u202egnp.exe \u2066 \x1b[31m \x00 \ud800",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "a" * 5_000,
    "e\u0301\u0301\u0301\u0301" * 40,
]
IGNORED = "tex2jax_ignore mathjax_ignore"  # what MathJax does not look into
TAGS = {
    "div", "span", "b", "i", "br", "wbr", "table", "tr", "td", "th", "details", "summary", "ul", "li",
    "code", "img",
}  # fmt: skip


class Page(HTMLParser):
    """Reads HTML strictly: what is opened is closed, in order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "wbr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")

    handle_pi = unknown_decl = handle_decl


def read(page):
    found = Page()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def check_safe(page):
    found = read(page)
    for tag, attributes in found.tags:
        assert tag in TAGS
        assert set(attributes) <= {"style", "title", "alt", "src", "class"}, attributes
        assert attributes.get("class", IGNORED) == IGNORED
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
        assert "url(" not in attributes.get("style", "")
        if "title" in attributes:
            assert re.fullmatch(r"[+-]\d+\.\d\d", attributes["title"])
    assert found.tags[0][1]["class"] == IGNORED
    assert not re.search(r"://|www\.", page)
    # No delimiter of a formula, nor a part of one, stands beside what could complete it.
    assert not re.search(r"[$\\](?!</span>)|(?<!<span>)[$\\]", page)
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069\ud800-\udfff\x1b]", page)
    return "".join(found.text)


# --- where the sum comes from -----------------------------------------------------


def check_sum(model, comment):
    placed = model.shading(comment)
    parts = [word.contribution for word in placed.words] + list(placed.elsewhere.values())
    total = model.intercept + math.fsum(parts)
    assert total == pytest.approx(model.log_odds(comment), abs=2e-6)
    assert len(placed.words) <= MOST_SHADED
    return placed


@pytest.mark.parametrize("which", ["learned", "random"])
def test_what_is_shown_adds_up_for_every_sample_comment(model, sample_comments, which):
    judge = model if which == "learned" else RANDOM
    for comment in sample_comments[::3]:
        placed = check_sum(judge, comment)
        assert "words, not placed" not in placed.elsewhere


@given(st.text(max_size=200), st.text(max_size=30))
def test_what_is_shown_adds_up_whatever_is_written(text, author):
    check_sum(RANDOM, Comment(text, author=author, post=POST))


@pytest.mark.parametrize(
    "text", [*HOSTILE, "", "a b c " * 20_000, "ΟΔΟΣ İstanbul İİ 12 345", "你好世界 再见"]
)
def test_what_is_shown_adds_up_for_the_worst(text):
    check_sum(RANDOM, Comment(text))


def test_a_weight_shows_in_the_word_that_it_belongs_to():
    """With a single bucket's weight, nothing but the words that fall into it has a part."""
    comment = Comment("the quick brown fox")
    for at, word in enumerate(["the", "quick", "brown", "fox"]):
        weights = RANDOM.ngram_weights * 0
        rows = RANDOM.vectorizer.rows([Comment(word)])
        # What this word alone is hashed to.
        (bucket,) = rows.buckets[rows.blocks == BLOCKS.index("words")].tolist()
        weights[bucket] = 1.0
        model = model_with(weights)
        parts = [w.contribution for w in model.shading(comment).words]
        assert parts[at] == max(parts) > 0, word


def model_with(weights):
    return SpamModel(
        "one",
        "1",
        0.0,
        RANDOM.dense_weights * 0,
        RANDOM.dense_reference,
        weights,
        RANDOM.background,
    )


def test_words_stand_in_their_order_and_lines():
    placed = RANDOM.shading(Comment("First line.\nSecond,  line — here"))
    assert [w.text for w in placed.words] == ["First", "line.", "Second,", "line", "—", "here"]
    assert [w.ends_line for w in placed.words] == [False, True, False, False, False, True]


def test_a_long_text_is_cut_and_its_rest_is_one_sum():
    placed = check_sum(RANDOM, Comment("word other " * MOST_SHADED))
    assert len(placed.words) == MOST_SHADED
    assert f"{MOST_SHADED:,} further words" in placed.elsewhere


# --- verdicts ---------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text, model):
    comment = Comment(
        text, author=text, author_url=text, post=Post(title=text, text=text, url=text)
    )
    for judge in (model, RANDOM):
        check_safe(judge.verdict(comment)._repr_html_())
        check_safe(highlight(comment, model=judge)._repr_html_())


@given(st.text(max_size=100), st.text(max_size=40))
def test_any_text_does_nothing(text, author):
    comment = Comment(text, author=author, author_url=text)
    check_safe(RANDOM.verdict(comment)._repr_html_())
    check_safe(highlight(comment, model=RANDOM)._repr_html_())


def test_a_verdict_shows_its_label_and_strongest_reasons(model):
    verdict = model.verdict(RICH)
    shown = check_safe(verdict._repr_html_())
    assert verdict.label in shown
    assert f"{verdict.log_odds:+.2f}" in shown
    for reason in verdict.strongest(8):
        assert f"{reason.contribution:+.2f}{reason.feature}" in shown


def test_a_highlight_shows_words_and_families(model):
    shown = check_safe(highlight(RICH, model=model)._repr_html_())
    assert model.verdict(RICH).label in shown
    for family in ("words of the text", "links", "promo", "before anything is read"):
        assert family in shown
    assert re.search(r"Great\s+post!", shown)


def test_the_numbers_shown_add_up(model):
    page = highlight(RICH, model=model)._repr_html_()
    rows = re.findall(r"text-align:right\">([+-]\d+\.\d\d)</td>", page)
    *parts, total = map(float, rows)
    assert sum(parts) == pytest.approx(total, abs=0.005 * (len(parts) + 1))


def test_shading_tells_spam_from_ham_without_colour():
    page = highlight("one two three four five six seven", model=RANDOM)._repr_html_()
    spans = re.findall(r'title="([+-])[^"]*" style="[^"]*border-bottom:2px (solid|dotted)', page)
    assert set(spans) == {("+", "solid"), ("-", "dotted")}


def test_a_verdict_that_has_travelled_shows_the_same(model):
    verdict = pickle.loads(pickle.dumps(model.verdict(RICH)))
    assert verdict._repr_html_() == model.verdict(RICH)._repr_html_()
    assert str(verdict) == str(model.verdict(RICH))


def test_verdicts_of_several_processes_show_as_well(model):
    comments = [Comment(f"some words number {i}") for i in range(120)]
    (found, *_) = score_many(comments, model=model, n_jobs=2)
    assert found._repr_html_() == model.verdict(comments[0])._repr_html_()


def test_plain_text_is_as_good(model):
    verdict = model.verdict(Comment("Buy \x1b[31mcheap viagra\x1b[0m", author="a\x1bb\u202ec"))
    lines = str(verdict).splitlines()
    assert lines[0].startswith(verdict.label)
    assert len(lines) == 6
    assert f"{verdict.reasons[0].contribution:+.2f}" in lines[1]
    assert str(verdict).replace("\n", "").isprintable()


def test_ipython_prints_a_verdict_and_not_a_thousand(model):
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    verdict = model.verdict(RICH)
    assert pretty(verdict) == str(verdict)
    assert pretty([verdict]) == f"[{verdict!r}]"
    assert pretty(model) == str(model)


# --- models, tables, reports ------------------------------------------------------


def test_a_model_shows_what_it_is(model):
    shown = check_safe(model._repr_html_())
    assert model.title in shown
    for name in ("unsure", "spam", "discard", "links", "promo", "n-grams"):
        assert name in shown
    family, pairs = next((f, p) for f, p in model.top_weights().items() if p)
    assert f"{pairs[0][0]} {pairs[0][1]:+.1f}" in shown, family
    assert pairs == sorted(pairs, key=lambda pair: -abs(pair[1]))
    for text in (shown, str(model)):
        assert f"{1 / (1 + math.exp(-model.cuts.spam)):.3f}" in text


def test_a_model_named_by_an_enemy():
    about = {
        "trained_on": HOSTILE[0],
        "figures": {HOSTILE[1]: 0.5},
        "calibration": {HOSTILE[2]: 1.0},
    }
    model = SpamModel(
        HOSTILE[0], "1", 0.0, RANDOM.dense_weights, RANDOM.dense_reference, RANDOM.ngram_weights,
        RANDOM.background, about=about,
    )  # fmt: skip
    check_safe(model._repr_html_())
    for odd in ({"figures": 3, "calibration": [1], "trained_on": 5}, {}):
        assert SpamModel(
            "m",
            "1",
            0.0,
            RANDOM.dense_weights,
            RANDOM.dense_reference,
            RANDOM.ngram_weights,
            RANDOM.background,
            about=odd,
        )._repr_html_()


def test_tables_and_pictures():
    page = report_html(HOSTILE[0], [table(["a", HOSTILE[1]], [[HOSTILE[2], "1"]])], [b"\x89PNG"])
    assert "1" in check_safe(page)
    assert table(["a"], []) == ""


def test_safe_cuts():
    assert safe("x" * 300) == "x" * 200 + "…"
