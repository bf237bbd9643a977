"""The attacks change what they say they change, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from spamguard import Comment, Post
from spamguard.training.tricks import ATTACKS

SPAM = Comment(
    'Great article! Buy cheap watches at http://watch.example/a and <a href="http://b.example">here</a>',
    author="Kim",
    post=Post(
        title="Beans", text="Runner beans climb happily on a balcony if the pots are deep enough."
    ),
)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_changes_the_comment_the_same_way_each_time(name):
    once, twice = (ATTACKS[name](SPAM, np.random.default_rng(3)) for _ in range(2))
    assert once == twice
    assert once != SPAM
    assert (once.author, once.post) == (SPAM.author, SPAM.post)


@pytest.mark.parametrize(
    "name", ["homoglyphs", "zero width", "leet", "spaced letters", "html tricks", "paraphrase"]
)
def test_tricks_with_letters_leave_links_alone(name):
    attacked = ATTACKS[name](SPAM, np.random.default_rng(3)).text
    assert "http://watch.example/a" in attacked
    assert 'href="http://b.example"' in attacked


def test_split_links_leave_no_address():
    text = ATTACKS["split links"](SPAM, np.random.default_rng(3)).text
    assert "watch dot example/a" in text
    assert "http" not in text


def test_link_goes_to_the_author():
    moved = ATTACKS["link to author"](SPAM, np.random.default_rng(3))
    assert moved.author_url == "http://watch.example/a"
    assert "http" not in moved.text


@pytest.mark.parametrize("words", [10, 50, 150])
def test_padding_has_as_many_words_as_it_says(words):
    padded = ATTACKS[f"{words} good words"](SPAM, np.random.default_rng(3)).text
    assert len(padded[len(SPAM.text) :].split()) == words
