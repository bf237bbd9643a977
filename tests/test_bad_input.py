"""Whatever a backend passes in, there is a defined answer, and soon: a verdict, or one of our errors."""

from __future__ import annotations

import math
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spamguard import (
    Comment,
    CorpusError,
    InputError,
    ModelFormatError,
    ModelNotFoundError,
    Post,
    SpamClassifier,
    SpamguardError,
    load_model,
    save_model,
    score,
    score_frame,
    score_many,
)

MEGABYTE = 1_000_000

STRANGE = {
    "empty": "",
    "one letter": "a",
    "one letter, a megabyte": "a" * MEGABYTE,
    "spaces": " " * MEGABYTE,
    "lines": "\n" * MEGABYTE,
    "every space there is": "\u00a0\u2003\u3000\u2028\u2029\x0b\x0c\x85\u200b\ufeff\u180e" * 20_000,
    "words": "word another third " * 60_000,
    "words, all different": " ".join(f"w{i}" for i in range(150_000)),
    "one word of a megabyte with digits": "a1" * (MEGABYTE // 2),
    "digits": "7" * MEGABYTE,
    "telephone numbers": "+1 234 567 8901 " * 50_000,
    "dashes": "-" * MEGABYTE,
    "dots": "." * MEGABYTE,
    "dots and letters": "a." * (MEGABYTE // 2),
    "spelled dots": "a dot b " * 100_000,
    "split words": "v i a g r a " * 80_000,
    "letters with dots": "v.i.a.g.r.a" * 80_000,
    "at signs": "@" * MEGABYTE,
    "e-mails": "a@b.example " * 80_000,
    "half an e-mail": "a@" * 300_000,
    "scheme": "http://",
    "schemes": "http://" * 100_000,
    "schemes and spaces": "http:// " * 100_000,
    "slashes": "/" * MEGABYTE,
    "a link of a megabyte": "http://" + "a" * MEGABYTE,
    "a link with a megabyte of dots": "http://" + "a." * (MEGABYTE // 2) + "com",
    "a link with a megabyte of path": "http://a.example/" + "x/" * (MEGABYTE // 2),
    "a link with user names": "http://" + "a@" * 200_000 + "b.example",
    "ports": "http://a.example:" + "8" * 500_000,
    "brackets in a host": "http://[" + ":" * 200_000 + "]/",
    "ten thousand links": "http://spam.example/x " * 10_000,
    "ten thousand different links": " ".join(f"http://spam{i}.example/p{i}" for i in range(10_000)),
    "ten thousand anchors": "<a href='http://a.example'>cheap</a> " * 10_000,
    "ten thousand markdown links": "[cheap](http://a.example) " * 10_000,
    "ten thousand bbcode links": "[url=http://a.example]cheap[/url] " * 10_000,
    "less-than": "<" * MEGABYTE,
    "greater-than": ">" * MEGABYTE,
    "both": "<>" * (MEGABYTE // 2),
    "open tags": "<a href=" * 100_000,
    "open tags with quotes": "<a href='" * 100_000,
    "nested tags": "<div>" * 100_000 + "</div>" * 100_000,
    "tags in tags": "<a <b <i " * 100_000,
    "one endless tag": "<a " + "x='y' " * 150_000,
    "comments of html": "<!--" * 200_000,
    "half declarations": "<!" * 200_000 + "<?" * 200_000 + "<![CDATA[" * 50_000,
    "scripts": "<script>" * 100_000,
    "entities": "&amp;" * 200_000,
    "half entities": "&" * MEGABYTE,
    "numbered entities": "&#9999999999;&#x110000;&#0;&#xD800;" * 30_000,
    "entities of entities": "&amp;" + "amp;" * 250_000,
    "bbcode": "[url=",
    "bbcodes": "[url=" * 100_000,
    "brackets": "[" * MEGABYTE,
    "brackets, both": "[](" * 300_000,
    "half markdown": "[a](" * 200_000,
    "markdown images": "![](" * 200_000,
    "nested brackets": "[" * 50_000 + "]" * 50_000 + "(http://a.example)",
    "parentheses": "(" * MEGABYTE,
    "stars": "*" * MEGABYTE,
    "backquotes": "`" * MEGABYTE,
    "backquotes and words": "`a` ``b " * 100_000,
    "quotes": "'\"" * 300_000,
    "backslashes": "\\" * MEGABYTE,
    "underscores": "_a_" * 300_000,
    "exclamations": "!?" * (MEGABYTE // 2),
    "nul": "\x00",
    "nuls": "\x00" * MEGABYTE,
    "controls": "".join(map(chr, range(32))) * 10_000,
    "lone surrogate": "\ud800",
    "lone surrogates": "\ud800\udfff\udc00 word " * 50_000,
    "surrogates in a link": "http://\ud800.example/\udfff <a href='\ud800'>\udc00</a>",
    "right to left": "\u202e" * MEGABYTE,
    "right to left around words": "\u202ecod\u202c.\u2066exe\u2069 " * 50_000,
    "accents": "e" + "\u0301" * MEGABYTE,
    "accents on letters": "e\u0301\u0323" * 300_000,
    "arabic ligature": "\ufdfa" * 100_000,
    "ligatures": "\ufb03" * 300_000,
    "wide letters": "\uff48\uff54\uff54\uff50\uff1a\uff0f\uff0f" * 50_000,
    "styled letters": "𝓬𝓱𝓮𝓪𝓹 " * 100_000,
    "mixed scripts": "сheаp vіagra " * 60_000,
    "astral": "\U0010ffff\U000e0001" * 100_000,
    "private": "\ue000" * 300_000,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 50_000,
    "chinese": "便宜的药片在这里买" * 80_000,
    "thai": "ยาราคาถูก" * 80_000,
    "cyrillic": "дешёвые таблетки " * 50_000,
    "turkish dot": "İ" * 300_000,
    "sharp s": "ß" * 300_000,
    "replacement": "\ufffd" * 300_000,
    "byte order marks": "\ufeff" * 300_000,
    "punycode": "http://xn--" + "a" * 100_000 + ".example " + "http://xn--\u00e4-.example",
    "number hosts": "http://999.999.999.999 http://0x7f000001 http://2130706433 http://1 http://.. http://:80",
    "windows path": "C:\\Users\\me\\file.txt " * 30_000,
    "json": '{"a":' * 100_000,
    "template": "{{7*7}}${jndi:ldap://a.example}<%= 1 %>",
    "format": "%s%n{0}{name!r:>10000000000}",
}  # fmt: skip


def plain(verdict):
    assert math.isfinite(verdict.log_odds)
    assert 0 <= verdict.spam_probability <= 1
    assert verdict.label in ("ham", "unsure", "spam")
    assert isinstance(verdict.discard, bool)
    total = verdict.intercept + math.fsum(r.contribution for r in verdict.reasons)
    assert total == pytest.approx(verdict.log_odds, abs=1e-5)


@pytest.mark.parametrize("name", STRANGE)
def test_strange_comments(model, no_hang, name):
    with no_hang():
        plain(score(STRANGE[name], model=model))


@pytest.mark.parametrize("name", STRANGE)
def test_strange_everything_else(model, no_hang, name):
    text = STRANGE[name]
    post = Post(
        title=text[:100_000], text=text, url=text, author=text, date=text[:100], thread=[text] * 3
    )
    comment = Comment(
        "Thanks, this helped.", author=text, author_url=text, date=text[:100], post=post
    )
    with no_hang():
        plain(score(comment, model=model))


def test_strange_comments_together(model, no_hang):
    texts = [text[:2_000] for text in STRANGE.values()]
    with no_hang():
        alone = [score(text, model=model) for text in texts]
        assert score_many(texts, model=model) == alone
        # As objects: where pyarrow is installed, pandas would keep text in Arrow, which has no
        # room for half a surrogate pair.
        frame = pd.DataFrame({"text": pd.Series(texts, dtype=object)})
        found = score_frame(frame, model=model)
    assert found["spam_probability"].tolist() == [v.spam_probability for v in alone]


def test_strange_comments_can_be_learned_from(no_hang):
    texts = [text[:2_000] for text in STRANGE.values()]
    labels = ["ham", "spam"] * (len(texts) // 2) + ["ham"] * (len(texts) % 2)
    with no_hang():
        classifier = SpamClassifier(bits=8).fit(texts, labels)
        assert np.isfinite(classifier.decision_function(texts)).all()
        classifier.partial_fit(texts, labels)
        assert np.isfinite(classifier.decision_function(texts)).all()


def test_a_post_of_five_megabytes(model, no_hang):
    text = "The crust needs steam and a hot stone in the first ten minutes. " * 78_000
    assert len(text) > 4_900_000
    with no_hang():
        plain(score("How hot should the stone be?", text, model=model))
        plain(score("How hot should the stone be?", Post(title=text, text=text), model=model))


def test_a_long_thread(model, no_hang):
    thread = [f"I tried {i} minutes and the crust was fine." for i in range(20_000)]
    with no_hang():
        plain(score("Fine crust after 30 minutes.", Post(text="Bread", thread=thread), model=model))


def test_a_comment_of_ten_megabytes(model, no_hang):
    with no_hang(20):
        plain(score("see http://a.example and more words " * 280_000, model=model))


def test_half_signs_can_be_shown(model):
    verdict = score(
        Comment("half \ud800 sign", author="\udfff", author_url="http://\ud800.example"),
        model=model,
    )
    for reason in verdict.reasons:
        repr(reason)
        reason.evidence.encode("utf-8")  # what print does


def test_evidence_moves_no_cursor(model):
    url = "http://evil\x1b[2J\x07\u202e.com"
    verdict = score(Comment("hi \x1b[2J \u202e there", "Bob\x1b[0m", url), model=model)
    assert all(reason.evidence.isprintable() for reason in verdict.reasons)


def test_names_and_addresses_are_remembered_cut(model):
    size, limit = 300_000, 40_000_000
    score(Comment("warm", "up", "http://up.example"), model=model)
    tracemalloc.start()
    for i in range(200):
        comment = Comment("hello", f"{i}" + "n" * size, f"http://{i}.example/" + "u" * size)
        score(comment, model=model)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < limit


# --- None and numbers in the wrong place ------------------------------------------------

NO_TEXT = [None, 0, 5, -1, 1.5, float("nan"), True, b"bytes", bytearray(b"x"), [], ["text"], (), {}, {"text": "x"},
           object(), str, datetime(2024, 5, 1, tzinfo=UTC), np.array(["a", "b"]), pd.NA, pd.NaT, Path("x")]  # fmt: skip
NO_TEXT_OR_NONE = [value for value in NO_TEXT if value is not None]
NO_DATE = [v for v in NO_TEXT_OR_NONE if not isinstance(v, datetime)]


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_score_wants_text(model, wrong):
    with pytest.raises(InputError):
        score(wrong, model=model)
    with pytest.raises(TypeError):
        score(wrong, model=model)


@pytest.mark.parametrize("wrong", [*NO_TEXT_OR_NONE, Comment("no post")])
def test_score_wants_a_post(model, wrong):
    with pytest.raises(InputError):
        score("fine", wrong, model=model)
    with pytest.raises(InputError):
        score(Comment("fine"), wrong, model=model)
    with pytest.raises(InputError):
        Comment("fine", post=wrong)


@pytest.mark.parametrize(
    "wrong", [0, 5, 1.5, True, b"default", [], {}, object(), Comment("x"), np.zeros(3)]
)
def test_a_model_is_a_model_a_name_or_a_path(wrong):
    for call, given in (
        (score, "x"),
        (score_many, ["x"]),
        (score_frame, pd.DataFrame({"text": ["x"]})),
    ):
        with pytest.raises(InputError):
            call(given, model=wrong)


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_one_of_many(model, wrong):
    with pytest.raises(InputError):
        score_many(["fine", wrong], model=model)


@pytest.mark.parametrize(
    "wrong", [w for w in NO_TEXT if not isinstance(w, list | tuple | np.ndarray)]
)
def test_many(model, wrong):
    with pytest.raises(InputError):
        score_many(wrong, model=model)


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_frame(model, wrong):
    with pytest.raises(InputError):
        score_frame(wrong, model=model)


@pytest.mark.parametrize(
    "column", ["text", "author", "author_url", "post_title", "post_text", "post_url", "date"]
)
@pytest.mark.parametrize("wrong", [0, 5, 1.5, True, b"x", ["x"], {}, object(), np.array(["a"])])
def test_cells(model, column, wrong):
    given = pd.DataFrame({"text": ["a", "b"]})
    given[column] = pd.Series(["a", wrong], dtype=object)
    with pytest.raises(InputError, match=column):
        score_frame(given, model=model)


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_comment_text(wrong):
    with pytest.raises(InputError, match=r"Comment\.text"):
        Comment(wrong)


@pytest.mark.parametrize("wrong", NO_TEXT_OR_NONE)
def test_comment_and_post_fields(wrong):
    for name in ("author", "author_url"):
        with pytest.raises(InputError, match=name):
            Comment("fine", **{name: wrong})
    for name in ("title", "text", "url", "author"):
        with pytest.raises(InputError, match=name):
            Post(**{name: wrong})


@pytest.mark.parametrize("wrong", [v for v in NO_DATE if v is not pd.NaT])
def test_dates(wrong):
    with pytest.raises(InputError, match="date"):
        Comment("fine", date=wrong)
    with pytest.raises(InputError, match="date"):
        Post(date=wrong)


@pytest.mark.parametrize(
    "wrong", ["text", b"x", 5, 1.5, True, object(), [5], [None], ["x", b"y"], [["x"]]]
)
def test_threads(wrong):
    with pytest.raises(InputError, match="thread"):
        Post(thread=wrong)


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_estimator(fitted, wrong):
    for method in (
        fitted.predict,
        fitted.predict_proba,
        fitted.decision_function,
        fitted.contributions,
    ):
        if isinstance(wrong, list | tuple) and not wrong:
            assert len(method(wrong)) == 0
        elif isinstance(wrong, list | np.ndarray):
            assert len(method(wrong)) == len(wrong)  # those hold text
        else:
            with pytest.raises(InputError):
                method(wrong)
        with pytest.raises(InputError):
            method(["fine", wrong])
    for learn in ("fit", "partial_fit"):
        with pytest.raises(SpamguardError):
            getattr(SpamClassifier(bits=8), learn)(wrong, ["ham", "spam", "ham"])
        with pytest.raises(SpamguardError):
            getattr(SpamClassifier(bits=8), learn)(["fine", wrong], ["ham", "spam"])
        with pytest.raises(CorpusError):
            getattr(SpamClassifier(bits=8), learn)(["fine", "cheap", "more"], wrong)


@pytest.mark.parametrize("wrong", [v for v in NO_TEXT if not isinstance(v, Path)])
def test_load_and_save(model, tmp_path, wrong):
    with pytest.raises(InputError):
        load_model(wrong)
    with pytest.raises(InputError):
        save_model(wrong, tmp_path)
    with pytest.raises(InputError):
        save_model(model, wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_none_of_ours(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelFormatError):
        score("fine", model=tmp_path)
    with pytest.raises(ModelNotFoundError):
        score("fine", model=tmp_path / "nothing")


def test_messages_repeat_neither_text_nor_addresses(model):
    secret = "me@private.example"
    calls = [
        lambda: Comment(secret.encode()),
        lambda: Comment("x", author=[secret]),
        lambda: Post(thread=[{secret: 1}]),
        lambda: score([secret], model=model),
        lambda: score_many({"a": secret}, model=model),
        lambda: score_frame({"text": secret}, model=model),
        lambda: score_frame(pd.DataFrame({"text": [secret.encode()]}), model=model),
        lambda: SpamClassifier().fit([[secret]], [0]),
    ]
    for call in calls:
        with pytest.raises(SpamguardError) as caught:
            call()
        assert "private" not in str(caught.value)
