import json
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, norm

from spamguard.errors import InputError, ModelFormatError
from spamguard.evaluation.metrics import binomial_lower, binomial_upper
from spamguard.evaluation.thresholds import (
    Promise,
    Threshold,
    ham_lost_by_group,
    ham_needed,
    refuting_groups,
    threshold_for_max_ham_lost,
    threshold_for_min_precision,
)
from spamguard.model import log_odds_at_prior


def sample(n_ham, n_spam, random, shift=3.0, digits=None):
    log_odds = np.r_[random.normal(0, 1, n_ham), random.normal(shift, 1, n_spam)]
    y = np.r_[np.zeros(n_ham), np.ones(n_spam)]
    return (log_odds if digits is None else np.round(log_odds, digits)), y


# -- promises


def test_a_promise_reads_as_it_is_written():
    assert Promise.parse("ham_lost<=0.001") == Promise("max_ham_lost", 0.001)
    assert Promise.parse(" precision >= 0.998 ", 0.9) == Promise("min_precision", 0.998, 0.9)
    for promise in (Promise("max_ham_lost", 1e-5), Promise("min_precision", np.float64(0.998))):
        assert Promise.parse(str(promise)) == promise
    assert str(Promise("min_precision", np.float64(0.998))) == "precision>=0.998"


@pytest.mark.parametrize(
    "text",
    ["", "0.73", "ham_lost>=0.1", "precision>=", "precision>=high", "recall>=0.9", 0.73, None],
)
def test_other_texts_are_no_promise(text):
    with pytest.raises(InputError, match="reads like"):
        Promise.parse(text)


@pytest.mark.parametrize("value", [0, 1, -0.1, 2, math.nan, "many", None])
def test_a_promise_needs_a_share_and_a_confidence(value):
    with pytest.raises(InputError, match="between 0 and 1"):
        Promise("max_ham_lost", value)
    with pytest.raises(InputError, match="between 0 and 1"):
        Promise("max_ham_lost", 0.1, value)


def test_a_promise_has_one_of_two_kinds():
    with pytest.raises(InputError, match="kind"):
        Promise("best_f1", 0.5)


# -- how much ham


def test_ham_needed_is_the_smallest_number_that_will_do():
    assert ham_needed(0.001) == 2995
    assert ham_needed(0.01) == 299
    assert ham_needed(0.5, 0.75) == 2
    for rate in (0.3, 0.02, 0.0004):
        for confidence in (0.8, 0.95, 0.99):
            n = ham_needed(rate, confidence)
            assert 1 - (1 - rate) ** n >= confidence > 1 - (1 - rate) ** (n - 1)


def test_too_little_ham_is_said_to_be_too_little():
    random = np.random.default_rng(0)
    log_odds, y = sample(2900, 500, random)
    found = threshold_for_max_ham_lost(log_odds, y, 0.001)
    assert not found.supported
    assert found.log_odds == math.inf
    assert found.missing_ham == 95
    assert (found.ham, found.ham_lost, found.spam, found.spam_caught) == (2900, 0, 500, 0)
    assert found.ham_lost_upper == binomial_upper(0, 2900)
    assert math.isnan(found.precision)


def test_just_enough_ham_puts_the_cut_above_all_of_it():
    random = np.random.default_rng(0)
    log_odds, y = sample(2995, 500, random)
    found = threshold_for_max_ham_lost(log_odds, y, 0.001)
    assert found.supported
    assert found.missing_ham == 0
    assert found.ham_lost == 0
    assert found.log_odds == np.nextafter(log_odds[y == 0].max(), np.inf)
    assert found.ham_lost_upper <= 0.001
    assert found.spam_caught == (log_odds[y == 1] >= found.log_odds).sum()
    assert found.precision == 1.0


# -- the cut that loses little ham


@pytest.mark.parametrize(("n", "rate"), [(299, 0.01), (500, 0.02), (1000, 0.05), (40, 0.5)])
def test_the_cut_is_the_lowest_that_the_binomial_allows(n, rate):
    random = np.random.default_rng(n)
    log_odds, y = sample(n, 100, random)
    found = threshold_for_max_ham_lost(log_odds, y, rate)
    # Losing k of n, or fewer, must be a surprise (5 %) where the true rate is above `rate`.
    allowed = max(k for k in range(n) if binom.cdf(k, n, rate) <= 0.05)
    assert found.ham_lost == allowed
    assert found.ham_lost_upper == pytest.approx(binomial_upper(allowed, n))
    assert found.ham_lost_upper <= rate < binomial_upper(allowed + 1, n)


def test_the_promise_about_ham_is_kept():
    random = np.random.default_rng(7)
    kept = 0
    for _ in range(400):
        log_odds, y = sample(600, 10, random)
        found = threshold_for_max_ham_lost(log_odds, y, 0.02)
        kept += norm.sf(found.log_odds) <= 0.02
    assert kept / 400 >= 0.93


def test_the_promise_about_ham_is_kept_with_ties():
    random = np.random.default_rng(8)
    kept = 0
    for _ in range(400):
        log_odds, y = sample(600, 10, random, digits=0)
        found = threshold_for_max_ham_lost(log_odds, y, 0.02)
        # Rounded to whole numbers, what is at or above the cut was above the half before it.
        kept += norm.sf(math.ceil(found.log_odds) - 0.5) <= 0.02
    assert kept / 400 >= 0.93


def test_ties_stay_below_the_cut():
    log_odds = np.r_[np.zeros(500), np.full(500, 3.0), np.full(50, 3.0), np.full(50, 4.0)]
    y = np.r_[np.zeros(1000), np.ones(100)]
    found = threshold_for_max_ham_lost(log_odds, y, 0.01)
    assert found.log_odds > 3.0
    assert (found.ham_lost, found.spam_caught) == (0, 50)
    # Ham at one value cannot be parted: the bound is that of losing its share of the run.
    assert found.ham_lost_upper > binomial_upper(0, 1000)


def test_precision_is_stated_at_the_spam_share_asked_for():
    random = np.random.default_rng(3)
    log_odds, y = sample(1000, 1000, random)
    here = threshold_for_max_ham_lost(log_odds, y, 0.05)
    rare = threshold_for_max_ham_lost(log_odds, y, 0.05, spam_share=0.1)
    assert here.log_odds == rare.log_odds
    assert here.spam_share == 0.5
    assert here.precision == pytest.approx(here.spam_caught / (here.spam_caught + here.ham_lost))
    r, f = rare.spam_caught / 1000, rare.ham_lost / 1000
    assert rare.precision == pytest.approx(0.1 * r / (0.1 * r + 0.9 * f))


def test_ham_alone_is_enough_for_a_promise_about_ham():
    found = threshold_for_max_ham_lost(np.arange(400.0), np.zeros(400), 0.01)
    assert found.supported
    assert (found.spam, found.spam_caught) == (0, 0)
    assert math.isnan(found.precision)


def test_no_comments_support_nothing():
    found = threshold_for_max_ham_lost([], [], 0.01)
    assert (found.supported, found.missing_ham, found.ham_lost_upper) == (False, 299, 1.0)
    found = threshold_for_min_precision([], [], 0.9)
    assert (found.supported, found.missing_ham) == (False, 0)


# -- the cut with high precision


def true_precision(cut, spam_share, shift):
    caught, lost = spam_share * norm.sf(cut - shift), (1 - spam_share) * norm.sf(cut)
    return caught / (caught + lost)


def test_the_promise_about_precision_is_kept():
    random = np.random.default_rng(11)
    kept = supported = 0
    for _ in range(400):
        log_odds, y = sample(1500, 1500, random)
        found = threshold_for_min_precision(log_odds, y, 0.97)
        supported += found.supported
        kept += not found.supported or true_precision(found.log_odds, 0.5, 3.0) >= 0.97
    assert supported > 390
    assert kept / 400 >= 0.95


def test_the_promise_about_precision_is_not_made_by_luck():
    # A twentieth of the ham looks exactly like spam, so precision is 0.952 at every cut.
    random = np.random.default_rng(12)
    made = 0
    for _ in range(400):
        ham = np.where(random.random(2000) < 0.05, random.uniform(1, 2, 2000), -1.0)
        log_odds = np.r_[ham, random.uniform(1, 2, 2000)]
        found = threshold_for_min_precision(log_odds, np.repeat([0, 1], 2000), 0.953)
        made += found.supported
    assert made / 400 <= 0.05


def test_precision_depends_on_the_share_of_spam():
    random = np.random.default_rng(4)
    log_odds, y = sample(20000, 5000, random, shift=4.0)
    cuts = [threshold_for_min_precision(log_odds, y, 0.98, spam_share=s) for s in (0.9, 0.5, 0.1)]
    assert all(found.supported for found in cuts)
    assert cuts[0].log_odds < cuts[1].log_odds < cuts[2].log_odds
    assert all(found.precision >= 0.98 for found in cuts)
    as_seen = threshold_for_min_precision(log_odds, y, 0.98)
    assert as_seen.spam_share == pytest.approx(0.2)
    assert as_seen.precision == pytest.approx(
        as_seen.spam_caught / (as_seen.spam_caught + as_seen.ham_lost)
    )


def test_the_ham_said_to_be_missing_would_do():
    random = np.random.default_rng(5)
    log_odds, y = sample(300, 2000, random, shift=5.0)
    found = threshold_for_min_precision(log_odds, y, 0.998, spam_share=0.5)
    assert not found.supported
    assert found.log_odds == math.inf
    assert found.missing_ham > 0
    # More ham of the same kind, none of it above what was there.
    for extra, supported in ((found.missing_ham, True), (found.missing_ham // 2, False)):
        more_odds = np.r_[log_odds, np.full(extra, -1.0)]
        more_y = np.r_[y, np.zeros(extra)]
        again = threshold_for_min_precision(more_odds, more_y, 0.998, spam_share=0.5)
        assert again.supported is supported


def test_where_more_ham_cannot_help_none_is_missing():
    random = np.random.default_rng(6)
    log_odds, y = sample(4000, 500, random, shift=0.0)
    found = threshold_for_min_precision(log_odds, y, 0.99)
    assert (found.supported, found.missing_ham) == (False, 0)
    no_spam = threshold_for_min_precision(np.arange(50.0), np.zeros(50), 0.9)
    assert (no_spam.supported, no_spam.missing_ham) == (False, 0)


def test_without_ham_no_precision_is_promised():
    found = threshold_for_min_precision(np.arange(50.0), np.ones(50), 0.9)
    assert not found.supported
    assert found.missing_ham > 20


# -- what goes in


@pytest.mark.parametrize("find", [threshold_for_max_ham_lost, threshold_for_min_precision])
@pytest.mark.parametrize(
    ("log_odds", "y"),
    [
        ([0.1, math.nan], [0, 1]),
        ([0.1, math.inf], [0, 1]),
        ([0.1, 0.2], [0, 2]),
        ([0.1, 0.2], [0, math.nan]),
        ([0.1, 0.2], [0]),
        (["a", "b"], [0, 1]),
        (0.1, 1),
    ],
)
def test_what_cannot_be_measured_is_refused(find, log_odds, y):
    with pytest.raises(InputError):
        find(log_odds, y, 0.9)


@pytest.mark.parametrize("spam_share", [0, 1, math.nan, -1])
def test_a_spam_share_is_a_share(spam_share):
    with pytest.raises(InputError, match="spam_share"):
        threshold_for_min_precision([0.0, 1.0], [0, 1], 0.9, spam_share=spam_share)


# -- on disk


@pytest.mark.parametrize("rate", [0.05, 0.0001])
def test_a_threshold_survives_json(rate):
    random = np.random.default_rng(9)
    log_odds, y = sample(500, 500, random)
    found = threshold_for_max_ham_lost(log_odds, y, rate, 0.9)
    assert found.supported is (rate == 0.05)
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    again = Threshold.from_dict(stored)
    assert again.to_dict() == found.to_dict()
    assert again.log_odds == found.log_odds
    assert again.promise == found.promise


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("promise", "best>=1"),
        ("promise", "precision>=7"),
        ("promise", 3),
        ("confidence", 2.0),
        ("log_odds", None),
        ("log_odds", "3"),
        ("log_odds", math.nan),
        ("supported", 1),
        ("supported", False),
        ("ham", 3.5),
        ("ham", True),
        ("precision", "high"),
        ("missing_ham", None),
    ],
)
def test_a_damaged_threshold_is_refused(key, value):
    good = threshold_for_max_ham_lost(np.arange(200.0), np.zeros(200), 0.05).to_dict()
    Threshold.from_dict(good)
    with pytest.raises(ModelFormatError, match="damaged"):
        Threshold.from_dict({**good, key: value})


def test_a_threshold_needs_numpy_only():
    # The server and a light install have neither scipy nor scikit-learn.
    code = (
        "import sys, spamguard.evaluation as e; e.clopper_pearson(3, 50);"
        "found = e.threshold_for_max_ham_lost(list(range(300)), [0] * 300, 0.01);"
        "assert found.supported;"
        "sys.exit(any(m in sys.modules for m in ('scipy', 'sklearn', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- around a cut


def test_ham_lost_is_reported_by_group():
    log_odds = [3.0, 1.0, 2.0, -1.0, 5.0, 0.0]
    y = [0, 0, 0, 0, 1, 1]
    groups = ["en", "en", "ru", "ru", "ru", "spam only"]
    assert ham_lost_by_group(log_odds, y, groups, 2.0) == {
        "en": (1, 2, binomial_upper(1, 2)),
        "ru": (1, 2, binomial_upper(1, 2)),
    }
    nothing = ham_lost_by_group(log_odds, y, groups, math.inf, confidence=0.5)
    assert nothing["en"] == (0, 2, binomial_upper(0, 2, 0.5))
    assert ham_lost_by_group([], [], [], 0.0) == {}
    with pytest.raises(InputError, match="groups"):
        ham_lost_by_group(log_odds, y, groups[:2], 2.0)
    with pytest.raises(InputError, match="NaN"):
        ham_lost_by_group(log_odds, y, groups, math.nan)


# -- groups that refute a promise


def test_a_cut_that_no_group_refutes():
    random = np.random.default_rng(1)
    log_odds, y = sample(10_000, 100, random)
    groups = random.integers(0, 4, len(y)).tolist()
    cut = float(norm.isf(0.005))
    assert refuting_groups(log_odds, y, groups, cut, 0.01) == []
    assert refuting_groups(log_odds, y, groups, math.inf, 0.01) == []
    assert refuting_groups([], [], [], cut, 0.01) == []


@pytest.mark.parametrize(("n", "rate"), [(40, 0.001), (300, 0.001), (2000, 0.001), (500, 0.05)])
def test_a_group_refutes_where_its_lower_bound_is_above_the_rate(n, rate):
    for lost in range(0, n + 1, max(1, n // 100)):
        log_odds = np.r_[np.ones(lost), np.zeros(n - lost), np.zeros(5000), [9.0]]
        y = np.r_[np.zeros(n + 5000), 1]
        groups = ["bad"] * n + ["calm"] * 5000 + ["bad"]
        expected = ["bad"] if binomial_lower(lost, n) > rate else []
        assert refuting_groups(log_odds, y, groups, 1.0, rate) == expected


def test_a_group_that_keeps_the_promise_seldom_refutes_it():
    # At exactly the rate promised: at most one draw in twenty, whatever the size.
    random = np.random.default_rng(21)
    rate = 0.02
    cut = float(norm.isf(rate))
    for n in (30, 200, 2000):
        refuted = [
            bool(refuting_groups(random.normal(0, 1, n), np.zeros(n), ["one"] * n, cut, rate))
            for _ in range(600)
        ]
        assert np.mean(refuted) <= 0.07


def test_a_bad_blog_is_found():
    # Its ham lies two higher, so at the common cut it loses far more than was promised.
    random = np.random.default_rng(23)
    for _ in range(20):
        log_odds = np.r_[random.normal(0, 1, 6000), random.normal(2, 1, 300)]
        groups = ["good"] * 6000 + ["bad"] * 300
        found = threshold_for_max_ham_lost(log_odds, np.zeros(6300), 0.01)
        assert refuting_groups(log_odds, np.zeros(6300), groups, found.log_odds, 0.01) == ["bad"]


@pytest.mark.parametrize(
    ("groups", "cut", "rate", "message"),
    [
        (["a"], 0.0, 0.1, "groups"),
        (["a", "a"], math.nan, 0.1, "NaN"),
        (["a", "a"], 0.0, 0.0, "rate"),
        (["a", "a"], 0.0, 1.0, "rate"),
    ],
)
def test_refuting_a_promise_needs_valid_settings(groups, cut, rate, message):
    with pytest.raises(InputError, match=message):
        refuting_groups([0.0, 1.0], [0, 0], groups, cut, rate)


# -- at another prior


def test_log_odds_move_with_the_share_of_spam():
    assert log_odds_at_prior([0.0], 0.5, 0.1) == pytest.approx(math.log(1 / 9))
    there = log_odds_at_prior([-1.0, 2.0], 0.3, 0.8)
    assert there[0] > -1.0
    assert log_odds_at_prior(there, 0.8, 0.3) == pytest.approx([-1.0, 2.0])
    assert log_odds_at_prior([1.5], 0.4, 0.4) == pytest.approx([1.5])
    with pytest.raises(InputError, match="site_share"):
        log_odds_at_prior([0.0], 0.5, 1.0)
    with pytest.raises(InputError, match="NaN"):
        log_odds_at_prior([math.nan], 0.5, 0.1)


def test_log_odds_at_another_prior_follow_bayes():
    # Two normal classes of equal width: the log-odds are linear in x, plus the prior's own.
    x = np.array([-1.0, 0.5, 4.0])
    for share in (0.2, 0.7):
        expected = norm.logpdf(x, 3) - norm.logpdf(x) + math.log(share / (1 - share))
        at_half = norm.logpdf(x, 3) - norm.logpdf(x)
        assert log_odds_at_prior(at_half, 0.5, share) == pytest.approx(expected)


def test_the_losses_tried_double_within_reason():
    from spamguard.evaluation.thresholds import _PrecisionCase

    case = _PrecisionCase(Promise("min_precision", 0.9), 0.5, 100)  # at best 1 / 9 of the ham
    assert case.losses_tried(0) == []
    assert case.losses_tried(1) == [0]
    assert case.losses_tried(40) == [0, 1, 2, 4]
    assert case.losses_tried(35) == [0, 1, 2]
    lax = _PrecisionCase(Promise("min_precision", 0.1), 0.9, 100)
    assert lax.losses_tried(4) == [0, 1, 2]
