"""N-grams: what is made of one piece of text alone is what is made of many at once."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("number", "words", "characters"),
    [(2, False, True), (3, True, True), (4, True, True), (5, True, False)],
)
@given(pieces=PIECES)
def test_one_piece_by_itself_has_the_keys_that_it_has_among_many(number, words, characters, pieces):
    made = ngrams._piece_keys(pieces, number, words, characters, bits=20)
    assert made == [ngrams._one_piece_keys(p, number, words, characters, 20) for p in pieces]


@given(PIECES)
def test_one_word_by_itself_has_the_hash_that_it_has_among_many(words):
    words = list(filter(None, words))  # there is no empty word, wherever a long text is cut
    assert ngrams._word_hashes(words) == [ngrams._one_word_hash(word) for word in words]


def test_few_and_many_missing_pieces_are_remembered_alike():
    pieces = [f"word{'abcdefghij'[i % 10] * (i % 7)}" for i in range(40)]
    one_by_one, at_once = (ngrams.Hasher(16)._memories[0] for _ in range(2))
    assert [one_by_one.of([piece])[0] for piece in pieces] == at_once.of(pieces)


LIGATURE = "\ufdfa"
"""One character that normalisation makes eighteen of."""


@pytest.mark.parametrize("before", ["x ", "", "xy ", "x" * 7 + " "])
def test_a_text_that_is_cut_between_words_has_no_empty_word(before):
    hasher = ngrams.Hasher(16)
    reading = read(Comment(before + f"{LIGATURE} " * 5_000))
    assert len(reading.own_lower) > ngrams._LONGEST
    assert "" not in ngrams._words_within(reading.own_words, reading)
    grams = hasher.keys([reading, read(Comment("an ordinary comment"))])
    assert len(grams.keys) == grams.sizes.sum()


def test_a_text_that_is_cut_changes_no_other_verdict():
    cut = Comment("x " + f"{LIGATURE} " * 5_000)
    other = Comment("Wonderful explanation thanks buy cheap replica handbags somewhere unusual")
    model = load_model()  # one that remembers nothing yet
    together = [verdict.log_odds for verdict in score_many([cut, other], model=model)]
    alone = [load_model().log_odds(comment) for comment in (cut, other)]
    assert together == pytest.approx(alone, abs=1e-9)
    assert model.log_odds(other) == pytest.approx(alone[1], abs=1e-9)
