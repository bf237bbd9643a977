"""A model speaks of the share of spam it is told, and acts on the same comments."""

import math
from dataclasses import replace

import numpy as np
import pytest

from spamguard import load_model, score
from spamguard.errors import InputError
from spamguard.model import Cuts, log_odds_at_prior

SHARES = [0.001, 0.02, 0.5, 0.95]


def logit(share):
    return math.log(share / (1 - share))


def test_the_shipped_model_speaks_of_one_half():
    assert load_model().prior == 0.5


@pytest.mark.parametrize("share", SHARES)
def test_the_odds_move_by_those_of_the_prior(model, sample_comments, share):
    moved = model.at_prior(share)
    assert moved.prior == share
    for comment in sample_comments[::10]:
        before, after = model.log_odds(comment), moved.log_odds(comment)
        assert after - before == pytest.approx(logit(share) - logit(model.prior))
        assert after == pytest.approx(log_odds_at_prior([before], model.prior, share)[0])


@pytest.mark.parametrize("share", SHARES)
def test_the_same_comments_are_acted_on(model, sample_comments, share):
    moved = model.at_prior(share)
    for comment in sample_comments:
        before, after = model.verdict(comment), moved.verdict(comment)
        assert (after.label, after.discard) == (before.label, before.discard)


def test_contributions_and_intercept_are_still_the_log_odds(model, sample_comments):
    moved = model.at_prior(0.02)
    for comment in sample_comments[::10]:
        assert np.array_equal(moved.contributions(comment), model.contributions(comment))
        verdict = moved.verdict(comment)
        assert verdict.intercept == moved.intercept
        total = verdict.intercept + sum(reason.contribution for reason in verdict.reasons)
        assert total == pytest.approx(verdict.log_odds)


def test_less_spam_makes_spam_less_likely():
    text = "Great post! Visit http://pills.example"
    chances = [score(text, model=load_model().at_prior(share)).spam_probability for share in SHARES]
    assert chances == sorted(chances)
    assert chances[0] < chances[-1]
    assert score(text, model=load_model().at_prior(0.5)) == score(text)


def test_probabilities_are_calibrated_at_the_prior():
    # Comments with known likelihood ratios, of which a fiftieth are spam.
    random = np.random.default_rng(1)
    spam = random.random(200_000) < 0.02
    at_half = 2.0 * random.normal(np.where(spam, 1.0, -1.0), 1.0)  # two normal classes: LR = 2 x
    p = 1 / (1 + np.exp(-log_odds_at_prior(at_half, 0.5, 0.02)))
    assert p.mean() == pytest.approx(0.02, abs=0.001)
    likely = (p > 0.3) & (p < 0.5)
    assert spam[likely].mean() == pytest.approx(p[likely].mean(), abs=0.03)


def test_there_and_back(model):
    moved = model.at_prior(0.02)
    assert (moved.trained_prior, moved.at_prior(0.7).trained_prior) == (model.prior, model.prior)
    back = moved.at_prior(0.7).as_trained()
    assert (back.prior, back.trained_prior) == (model.prior, None)
    assert back.intercept == pytest.approx(model.intercept)
    assert back.cuts.discard == pytest.approx(model.cuts.discard)
    assert model.at_prior(model.prior) is model
    assert model.as_trained() is model


def test_a_locked_discard_stays_locked(model):
    locked = replace(model, cuts=Cuts(-1.0, 1.0))
    assert locked.at_prior(0.9).cuts.discard is None


def test_the_arrays_are_shared_and_the_model_unchanged(model):
    before = (model.intercept, model.cuts, model.prior)
    moved = model.at_prior(0.02)
    assert moved.ngram_weights is model.ngram_weights
    assert (model.intercept, model.cuts, model.prior) == before
    assert (moved.title, moved.about) == (model.title, model.about)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, math.nan, math.inf, "much", None])
def test_a_prior_is_a_share(model, share):
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        model.at_prior(share)
