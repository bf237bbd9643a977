"""N-grams: what is made of one piece of text alone is what is made of many at once."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard import Comment, load_model, score_many
from spamguard.features import ngrams
from spamguard.features.reading import read

PIECES = st.lists(
    st.text(st.sampled_from("abz09é中\ud800\U0001f600\u0301-'") | st.characters(), max_size=12).map(
        lambda text: text.replace(" ", "")
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("number", [2, 3, 4, 5])
@given(pieces=PIECES)
def test_a_piece_has_the_same_keys_among_others_and_when_it_comes_again(number, pieces):
    made = ngrams._keys_of_pieces(pieces, number, 20)
    assert made == b"".join([ngrams._keys_of_pieces([piece], number, 20) for piece in pieces])
    for _ in range(2):
        assert ngrams._known_keys(pieces, number, 20) == made


@given(st.lists(st.text("abz09é中'", min_size=1, max_size=9), max_size=8))
def test_words_that_come_again_have_the_same_keys(words):
    for _ in range(2):
        assert ngrams._known_words(words, 18) == ngrams._keys_of_words(words, 18)


def reference(piece):
    """Return the hashes of the n-grams of a piece, by the definition."""
    text = re.sub(r"\d+", "0", f" {piece} ")
    values = [(ord(letter) + 1) * 0xFF51AFD7ED558CCD for letter in text]

    def total(start, size):
        powers = (0x9E3779B97F4A7C15**k for k in range(size))
        return sum(v * p for v, p in zip(values[start:], powers, strict=False)) % 2**64

    return {(total(i, n) + n) % 2**64 for n in (3, 4, 5) for i in range(len(text) - n + 1)}


def bucket(found, number, bits):
    found = (found + (number + 1) * 0xA24BAED4963EE407) % 2**64
    found = ((found ^ found >> 33) * 0xFF51AFD7ED558CCD) % 2**64
    found = ((found ^ found >> 29) * 0x9E3779B97F4A7C15) % 2**64
    return number << bits | found >> (64 - bits)


@given(st.text(st.sampled_from("abz09é中\U0001f600'"), min_size=1, max_size=9))
def test_keys_are_those_of_the_definition(piece):
    keys = memoryview(ngrams._keys_of_pieces([piece], 2, 20)).cast("i").tolist()
    assert set(keys) == {bucket(found, 2, 20) for found in reference(piece)}


@given(st.lists(st.sampled_from(["to", "be", "or", "not", "that", "2"]), max_size=30))
def test_values_are_the_roots_of_the_share_of_each_n_gram(words):
    columns, values = ngrams.grams_of(read(Comment(" ".join(words))), 16)
    found = dict(
        zip(
            memoryview(columns).cast("i").tolist(),
            memoryview(values).cast("f").tolist(),
            strict=True,
        )
    )
    of_words = Counter(
        memoryview(ngrams._keys_of_words(words, 16)).cast("i").tolist()[: len(words)]
    )
    for key, count in of_words.items():
        assert found[key] == pytest.approx((count / max(len(words), ngrams.LEAST)) ** 0.5)


LIGATURE = "\ufdfa"
"""One character that normalisation makes eighteen of."""


@pytest.mark.parametrize("before", ["x ", "", "xy ", "x" * 7 + " "])
def test_a_text_that_is_cut_between_words_has_no_empty_word(before):
    reading = read(Comment(before + f"{LIGATURE} " * 5_000))
    assert len(reading.own_lower) > ngrams._LONGEST
    assert "" not in ngrams._words_within(reading.own_words, reading)
    keys, sizes = ngrams._keys_of(reading, 16)
    assert len(keys) == 4 * sum(sizes)


def test_a_text_that_is_cut_changes_no_other_verdict():
    cut = Comment("x " + f"{LIGATURE} " * 5_000)
    other = Comment("Wonderful explanation thanks buy cheap replica handbags somewhere unusual")
    model = load_model()  # one that remembers nothing yet
    together = [verdict.log_odds for verdict in score_many([cut, other], model=model)]
    alone = [load_model().log_odds(comment) for comment in (cut, other)]
    assert together == pytest.approx(alone, abs=1e-9)
    assert model.log_odds(other) == pytest.approx(alone[1], abs=1e-9)
