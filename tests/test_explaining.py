"""Reasons: the very terms of the sum, put into words."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spamguard import Comment, Post, Reason, load_model
from spamguard.explaining import MOST_WORDS
from spamguard.features import BLOCKS, FEATURES, Vectorizer
from spamguard.model import SpamModel

MOST = len(FEATURES) + MOST_WORDS + 1
KNOWN = {f.name for f in FEATURES} | {
    f"ngrams_{where}" for where in ("text", "author", "hosts", "anchors", "rest")
}

POST = Post(
    title="Oiling a squeaky door hinge",
    text="Graphite powder beats oil, because it does not gather dust. Lift the pin out first.",
    url="https://workshop.example/hinge",
)
RICH = Comment(
    "Great post! <a href='http://cheap-pills.example/buy'>cheap viagra online</a> and "
    "[url=http://casino.example]casino bonus[/url], write to sales@pills.example now!!!",
    author="Cheap Pills Online",
    author_url="http://cheap-pills.example",
    post=POST,
)


def random_model(seed=0, bits=10, scale=1.0):
    """Weights everywhere, so that nothing can be left out unnoticed."""
    rng = np.random.default_rng(seed)
    n = len(FEATURES)
    return SpamModel(
        name="random",
        version=str(seed),
        intercept=float(rng.normal()),
        dense_weights=scale * rng.normal(size=n),
        dense_reference=rng.uniform(0, 0.5, n),
        ngram_weights=(scale * rng.normal(size=1 << bits)).astype(np.float16).astype(np.float32),
        background=Vectorizer(bits).background,
    )


RANDOM = random_model()


def check(verdict):
    reasons = verdict.reasons
    total = verdict.intercept + math.fsum(r.contribution for r in reasons)
    assert total == pytest.approx(verdict.log_odds, abs=1e-6)
    assert len({(r.feature, r.evidence) for r in reasons}) == len(reasons)
    strengths = [abs(r.contribution) for r in reasons]
    assert strengths == sorted(strengths, reverse=True)
    assert len(reasons) <= MOST
    for reason in reasons:
        assert isinstance(reason, Reason)
        assert reason.feature in KNOWN
        assert math.isfinite(reason.contribution)
        assert reason.contribution != 0
        assert isinstance(reason.evidence, str)
        assert reason.evidence.strip()
        assert len(reason.evidence) < 2_000
        assert not reason.evidence.startswith("0 further")


@pytest.mark.parametrize("which", ["learned", "random"])
def test_reasons_give_the_log_odds_of_every_sample_comment(model, sample_comments, which):
    judge = model if which == "learned" else RANDOM
    for comment in sample_comments:
        check(judge.verdict(comment))


def test_reasons_are_the_contributions(model, sample_comments):
    names = model.get_feature_names_out().tolist()
    for comment in sample_comments[::20]:
        parts = dict(zip(names, model.contributions(comment).tolist(), strict=True))
        reasons = model.verdict(comment).reasons
        named = {r.feature: r.contribution for r in reasons if not r.feature.startswith("ngrams")}
        assert named == {n: p for n, p in parts.items() if p and not n.startswith("ngrams")}
        grams = math.fsum(r.contribution for r in reasons if r.feature.startswith("ngrams"))
        assert grams == pytest.approx(sum(parts[f"ngrams_{b}"] for b in BLOCKS), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_sum_holds_for_weights_of_any_size(scale):
    verdict = random_model(2, scale=scale).verdict(RICH)
    total = verdict.intercept + math.fsum(r.contribution for r in verdict.reasons)
    assert total == pytest.approx(verdict.log_odds, abs=1e-6)


def test_every_place_words_come_from_is_named():
    found = {r.feature for r in RANDOM.verdict(RICH).reasons}
    assert {"ngrams_text", "ngrams_author", "ngrams_hosts", "ngrams_anchors"} <= found


def test_a_word_is_quoted_from_its_own_place():
    def words(comment, where):
        reasons = RANDOM.verdict(comment).reasons
        return {r.evidence.strip("“”") for r in reasons if r.feature == f"ngrams_{where}"}

    comment = Comment("lovely", author="Zebedee", author_url="http://quince.example")
    assert words(comment, "text") == {"lovely"}
    assert words(comment, "author") == {"zebedee"}
    assert any("quince" in word for word in words(comment, "hosts"))
    assert not words(comment, "anchors")


@pytest.mark.parametrize("word", ["alpha", "zebra", "omega"])
def test_parts_of_a_word_count_for_the_word_around_them(word):
    judge = random_model(bits=18)
    rows = judge.vectorizer.rows([Comment(word)])
    weights = np.zeros(1 << 18, np.float32)
    weights[rows.buckets[rows.blocks == BLOCKS.index("characters")]] = 1.0
    judge = replace(judge, dense_weights=np.zeros(len(FEATURES)), ngram_weights=weights)
    (reason,) = judge.verdict(Comment("Alpha, zebra and\nomega")).reasons
    assert word in reason.evidence
    assert not any(other in reason.evidence for other in {"alpha", "zebra", "omega"} - {word})


def test_phrases_and_addresses_are_shown_as_evidence(model):
    reasons = {r.feature: r.evidence for r in RANDOM.verdict(RICH).reasons}
    assert "viagra" in reasons["promo_pharma"]
    assert "casino" in reasons["promo_gambling"]
    assert "cheap-pills.example" in reasons["links_count"]


def test_what_is_absent_is_called_absent():
    n = len(FEATURES)
    judge = replace(
        RANDOM,
        dense_weights=np.ones(n),
        dense_reference=np.full(n, 0.25),
        ngram_weights=np.zeros(1 << 10, np.float32),
    )
    reasons = {r.feature: r for r in judge.verdict(Comment("plain words here")).reasons}
    assert reasons["links_count"].contribution == -0.25
    assert reasons["links_count"].evidence.startswith("no sign of")


def test_many_words_become_one_rest():
    text = " ".join(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}x" for i in range(400))
    reasons = RANDOM.verdict(Comment(text)).reasons
    assert sum(r.feature == "ngrams_text" for r in reasons) == MOST_WORDS
    (rest,) = [r for r in reasons if r.feature == "ngrams_rest"]
    assert rest.evidence[0].isdigit()
    check(RANDOM.verdict(Comment(text)))


def test_the_rest_is_what_the_further_words_add(model, sample_comments):
    # It is given as what is missing in the sum; so nothing else may be missing.
    longest = sorted(sample_comments, key=lambda c: -len(c.text))[:20]
    for judge in (model, RANDOM):
        for comment in longest:
            pieces = judge.vectorizer.evidence(comment).ngrams.values()
            parts = [judge.ngram_weights[p.buckets] * p.values / p.counts for p in pieces]
            expected = judge.contributions(comment)[len(FEATURES) :].sum()
            assert np.concatenate(parts).sum() == pytest.approx(expected, abs=1e-5)


def test_no_rest_is_invented(model):
    for text in ("fine", "two words", ""):
        found = {r.feature for r in model.verdict(Comment(text)).reasons}
        assert "ngrams_rest" not in found


def test_a_model_that_knows_nothing_gives_no_reasons():
    n = len(FEATURES)
    judge = SpamModel(
        "blank",
        "0",
        -1.5,
        np.zeros(n),
        np.zeros(n),
        np.zeros(1 << 8, np.float32),
        RANDOM.background,
    )
    verdict = judge.verdict(RICH)
    assert verdict.reasons == ()
    assert verdict.log_odds == verdict.intercept == -1.5


def test_the_same_after_pickling_and_from_another_copy_of_the_model(model):
    verdict = model.verdict(RICH)
    loaded = pickle.loads(pickle.dumps(verdict))
    assert loaded.reasons == verdict.reasons
    assert pickle.loads(pickle.dumps(model)).verdict(RICH).reasons == verdict.reasons


def test_asking_twice_or_late_gives_the_same(model):
    verdict = model.verdict(RICH)
    model.verdict(Comment("something else in between", post=POST))
    first = verdict.reasons
    assert first is verdict.reasons
    assert first == model.verdict(RICH).reasons


@pytest.mark.parametrize("most", [-1, 0, 1, 8, 45, 1_000])
def test_the_strongest_are_the_first_of_all(sample_comments, most):
    for comment in (*sample_comments[::40], RICH, Comment("word " * 50 + "x" * 500)):
        verdict = RANDOM.verdict(comment)
        strongest = verdict.strongest(most)
        assert strongest == verdict.reasons[: max(0, most)]
        assert verdict.strongest(most) == strongest


def test_they_can_be_written_as_json(model, sample_comments):
    for comment in (*sample_comments[:10], RICH, Comment("half a sign \ud800 here \x00 too")):
        verdict = model.verdict(comment)
        packed = json.dumps([asdict(r) for r in verdict.reasons], allow_nan=False)
        assert [Reason(**r) for r in json.loads(packed)] == list(verdict.reasons)
        json.dumps([verdict.spam_probability, verdict.log_odds, verdict.label, verdict.discard])


def test_background_has_the_size_that_hashes_need(model):
    assert model.background.shape == (Vectorizer.background_size,)


anything = st.text(max_size=300)
dressed = st.lists(
    st.sampled_from(
        ["http://a.example/x", "<a href=", "[url=", "[/url]", "</a>", ">", "&amp;", "buy now", "\u200b",
         "\ufeff", "пример", "例え", "i̇", "😀", "\ud83d", "@", "www.b.example", "\n", "\t", "1234567", "!!!"]
    ),
    max_size=40,
).map(" ".join)  # fmt: skip


@given(
    st.one_of(anything, dressed), st.none() | anything, st.none() | dressed, st.none() | anything
)
@settings(derandomize=True, max_examples=60, deadline=None, database=None)
def test_any_text_is_explained(text, author, url, post):
    check(RANDOM.verdict(Comment(text, author, url, post=post)))


def test_a_comment_is_read_once_for_its_verdict_and_its_reasons(shipped_reader):
    model, count = shipped_reader
    one, two = Comment("Cheap pills at http://pills.example"), Comment("Which version was that?")
    verdict = model.verdict(one)
    assert verdict.reasons
    assert count() == 1
    later = model.verdict(two)
    assert model.verdict(one).reasons == verdict.reasons
    assert later.reasons != verdict.reasons
    assert sum(r.contribution for r in later.reasons) == pytest.approx(
        later.log_odds - model.intercept, abs=1e-6
    )


@pytest.fixture
def shipped_reader(monkeypatch):
    """The shipped model, and how many comments it has read."""
    from spamguard.features import vectorizer

    read, seen = vectorizer.read_many, []

    def counted(comments):
        seen.extend(comments)
        return read(comments)

    monkeypatch.setattr(vectorizer, "read_many", counted)
    return load_model(), lambda: len(seen)
