"""Evidence: a column's strings are those that made it fire, and no others.

The cases are data: `cases/evidence.jsonl`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard import Comment, Post, load_model
from spamguard.features import BLOCKS, FEATURES, Vectorizer
from spamguard.features.families import strings_of, values_of
from spamguard.features.reading import read
from tests.features.test_families import Weights, comment_of, idf, load

CASES = load("evidence.jsonl")
NAMES = [f.name for f in FEATURES]
# These measure or compare; nothing in the comment can be pointed at.
SILENT = {
    *("topic_similarity", "topic_divergence", "topic_script", "topic_language"),
    *("topic_thread_repeat", "style_empty", "style_code", "style_quote"),
    *("style_styled_letters", "style_hidden", "style_stacked_marks"),
}
MODEL = load_model()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['feature']}: {case['evidence']}")
def test_case(case):
    comment = comment_of(case)
    weigh = Weights(lambda _: case["idf"]) if "idf" in case else idf
    reading = read(comment)
    (values,) = values_of([reading], weigh)
    found = strings_of(reading, comment, values, weigh)
    assert list(found[case["feature"]]) == case["evidence"]


def test_every_column_has_a_case_or_nothing_to_point_at():
    assert {case["feature"] for case in CASES} == set(NAMES) - SILENT


def check(comment):
    evidence = MODEL.vectorizer.evidence(comment)
    fired = {n for n, value in zip(NAMES, evidence.values.tolist(), strict=True) if value > 0}
    assert set(evidence.strings) == fired
    assert {name for name, strings in evidence.strings.items() if not strings} <= SILENT
    assert all(len(set(strings)) == len(strings) for strings in evidence.strings.values())


def test_what_fires_in_the_sample_has_evidence(sample_comments):
    for comment in sample_comments:
        check(comment)


POST = Post("Runner beans", "Runner beans climb on a balcony.", "https://garden.example/", "Marta")


@given(st.text(max_size=200), st.text(max_size=30), st.text(max_size=60))
def test_what_fires_in_any_text_has_evidence(text, author, url):
    check(Comment(text, author, url, post=POST))


def test_a_verdict_names_the_shortener_and_not_its_neighbours():
    text = "See https://lwn.net/Articles/1/ or http://bit.ly/2xYz or https://docs.python.org/3/"
    reasons = {r.feature: r.evidence for r in MODEL.verdict(Comment(text)).reasons}
    assert reasons["links_shortener"] == "a link through a shortener: “bit.ly”"


def test_evidence_has_the_values_and_the_n_grams_of_the_row(sample_comments):
    vectorizer = Vectorizer(12, MODEL.background)
    for comment in sample_comments[::10]:
        rows, evidence = vectorizer.rows([comment]), vectorizer.evidence(comment)
        assert np.array_equal(evidence.values, rows.dense[0], equal_nan=True)
        for number, block in enumerate(BLOCKS):
            pieces, own = evidence.ngrams[block], rows.blocks == number
            assert set(pieces.buckets.tolist()) == set(rows.buckets[own].tolist())
            values = dict(zip(pieces.buckets.tolist(), pieces.values.tolist(), strict=True))
            assert [values[b] for b in rows.buckets[own].tolist()] == rows.values[own].tolist()
            assert math.fsum(1 / pieces.counts) == pytest.approx(own.sum())


def test_the_text_is_the_canonical_one():
    evidence = MODEL.vectorizer.evidence(Comment("<b>Hello</b>\nsee http://a.example/x there"))
    assert evidence.text == "Hello\nsee there"
    assert evidence.ngrams["words"].texts == ["hello", "see", "there"]
    assert evidence.ngrams["words"].positions.tolist() == [0, 1, 2]
