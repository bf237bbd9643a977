import json
import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from spamguard.errors import InputError
from spamguard.evaluation.metrics import (
    Figure,
    average_precision,
    binomial_lower,
    binomial_upper,
    blog_metrics,
    clopper_pearson,
    cluster_bootstrap,
    ece,
    macro_mean,
    mcc,
    recall_at_fpr,
    reliability,
    roc_auc,
)


def simulated(rows, seed=0):
    """Labels, log-odds with ties, calibrated-looking probabilities and posts."""
    random = np.random.default_rng(seed)
    y = (random.random(rows) < 0.4).astype(int)
    log_odds = np.round(random.normal(2.0 * (2 * y - 1), 1.5), 1)
    return y, log_odds, 1 / (1 + np.exp(-log_odds)), random.integers(0, max(rows // 8, 1), rows)


def recall_by_trying_everything(y, scores, fpr):
    best = 0.0
    for cut in [*scores, math.inf]:
        called = [score >= cut for score in scores]
        ham_called = [c for c, label in zip(called, y, strict=True) if label == 0]
        spam_called = [c for c, label in zip(called, y, strict=True) if label == 1]
        if sum(ham_called) / len(ham_called) <= fpr:
            best = max(best, sum(spam_called) / len(spam_called))
    return best


# -- ranking


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=25),
    st.sampled_from([0.0, 0.01, 0.1, 0.2, 1 / 3, 0.5, 1.0]),
)
def test_recall_at_fpr_equals_trying_every_threshold(rows, fpr):
    y, scores = [label for label, _ in rows], [score for _, score in rows]
    found = recall_at_fpr(y, scores, fpr)
    if len(set(y)) < 2:
        assert math.isnan(found)
    else:
        assert found == recall_by_trying_everything(y, scores, fpr)


def test_recall_at_fpr_does_not_split_a_tie():
    # The spam at 1.0 can only be caught together with the ham beside it.
    assert recall_at_fpr([1, 1, 0, 0], [2.0, 1.0, 1.0, 0.0], 0.0) == 0.5
    assert recall_at_fpr([1, 1, 0, 0], [2.0, 1.0, 1.0, 0.0], 0.5) == 1.0
    assert recall_at_fpr([1, 0], [0.0, 0.0], 0.5) == 0.0


@pytest.mark.parametrize("n_ham", [50, 100, 700, 900])
def test_recall_at_fpr_allows_exactly_the_stated_share(n_ham):
    for percent in (2, 4, 6, 14, 28):
        lost = n_ham * percent // 100
        scores = [1.0] * lost + [0.0] * (n_ham - lost) + [0.5, 2.0]
        y = [0] * n_ham + [1, 1]
        assert recall_at_fpr(y, scores, percent / 100) == 1.0
        assert recall_at_fpr(y, scores, (percent - 1) / 100) == 0.5


def test_recall_at_fpr_depends_on_the_ranking_alone():
    y, log_odds, p, _ = simulated(500)
    assert recall_at_fpr(y, log_odds, 0.02) == recall_at_fpr(y, p, 0.02)


@pytest.mark.parametrize("seed", range(5))
def test_ranking_metrics_agree_with_scikit_learn(seed):
    y, log_odds, _, _ = simulated(300, seed)
    assert roc_auc(y, log_odds) == pytest.approx(peer.roc_auc_score(y, log_odds), abs=1e-12)
    expected = peer.average_precision_score(y, log_odds)
    assert average_precision(y, log_odds) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("y", [[], [0, 0], [1, 1]])
def test_ranking_is_undefined_without_both_classes(y):
    scores = [0.5] * len(y)
    assert math.isnan(recall_at_fpr(y, scores, 0.01))
    assert math.isnan(roc_auc(y, scores))
    assert math.isnan(average_precision(y, scores))


# -- decisions


def test_mcc_knows_perfect_inverted_and_undefined():
    assert mcc([0, 1, 1], [0, 1, 1]) == 1.0
    assert mcc([0, 1, 1], [1, 0, 0]) == -1.0
    assert mcc([0, 1, 1], [1, 1, 1]) == 0.0
    assert mcc([1, 1], [1, 1]) == 0.0
    assert mcc([], []) == 0.0


# -- probabilities


def test_reliability_counts_every_row_once_in_its_bin():
    y = [0, 0, 1, 1, 1]
    p = [0.0, 0.4, 0.5, 0.9, 1.0]
    table = reliability(y, p, bins=2)
    assert table == [
        (pytest.approx(0.2), 0.0, 2),
        (pytest.approx(0.8), 1.0, 3),
    ]
    assert ece(y, p, bins=2) == pytest.approx(0.2)
    assert reliability(y, p, bins=10)[-1] == (pytest.approx(0.95), 1.0, 2)


def test_calibration_error_of_known_cases():
    y = [0, 1] * 50
    assert ece(y, [0.5] * 100) == pytest.approx(0)
    assert ece(y, [0.9] * 100) == pytest.approx(0.4)


def test_calibration_error_ignores_the_order_of_rows():
    y, _, p, _ = simulated(400)
    mixed = np.random.default_rng(1).permutation(400)
    assert ece(y[mixed], p[mixed]) == pytest.approx(ece(y, p), abs=1e-12)


@pytest.mark.parametrize("metric", [ece])
def test_no_rows_no_probability_metric(metric):
    assert math.isnan(metric([], []))
    assert reliability([], []) == []


# -- what goes in


@pytest.mark.parametrize("metric", [roc_auc, average_precision, ece])
@pytest.mark.parametrize(
    ("y", "values"),
    [
        ([0, 1], [0.1, math.nan]),
        ([0, 1], [0.1, math.inf]),
        ([0, math.nan], [0.1, 0.2]),
        ([0, 2], [0.1, 0.2]),
        (["ham", "spam"], [0.1, 0.2]),
        ([0, 1, 1], [0.1, 0.2]),
        ([[0, 1]], [[0.1, 0.2]]),
        ([0, 1], [0.1, None]),
    ],
)
def test_what_cannot_be_measured_is_refused(metric, y, values):
    with pytest.raises(InputError):
        metric(y, values)


@pytest.mark.parametrize("metric", [ece])
def test_log_odds_are_not_taken_for_probabilities(metric):
    with pytest.raises(InputError, match="between 0 and 1"):
        metric([0, 1], [-2.0, 3.0])


def test_settings_out_of_range_are_refused():
    with pytest.raises(InputError, match="fpr"):
        recall_at_fpr([0, 1], [0, 1], 1.5)
    with pytest.raises(InputError, match="fpr"):
        recall_at_fpr([0, 1], [0, 1], math.nan)
    with pytest.raises(InputError, match="bins"):
        ece([0, 1], [0, 1], bins=0)
    with pytest.raises(InputError, match="predicted"):
        mcc([0, 1], [0.2, 0.7])
    with pytest.raises(InputError, match="match"):
        mcc([0, 1], [0])


# -- how sure


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.30850),
        (10, 10, 0.69150, 1.0),
        (5, 10, 0.18709, 0.81291),
        (1, 20, 0.00127, 0.24873),
        (50, 100, 0.39832, 0.60168),
    ],
)
def test_clopper_pearson_matches_published_values(k, n, low, high):
    assert clopper_pearson(k, n) == (pytest.approx(low, abs=2e-5), pytest.approx(high, abs=2e-5))


def test_clopper_pearson_edges():
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(0, 40)[1] == pytest.approx(1 - 0.025 ** (1 / 40))
    low, high = clopper_pearson(3, 50, level=0.9)
    assert (low, high) == (binomial_lower(3, 50, 0.95), binomial_upper(3, 50, 0.95))
    for bad in ((3, 2), (-1, 2), (0.5, 2), (True, 2)):
        with pytest.raises(InputError):
            clopper_pearson(*bad)
    with pytest.raises(InputError, match="level"):
        clopper_pearson(1, 2, level=1.0)


def test_binomial_bounds_are_where_the_tail_is_small_enough():
    def at_most(k, n, share):
        return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1))

    for k, n in ((0, 7), (2, 30), (11, 40)):
        assert at_most(k, n, binomial_upper(k, n, 0.95)) == pytest.approx(0.05)
    for k, n in ((1, 7), (2, 30), (40, 40)):
        assert 1 - at_most(k - 1, n, binomial_lower(k, n, 0.95)) == pytest.approx(0.05)


def test_a_figure_is_plain_json():
    figure = Figure(0.5, math.nan, math.nan, 3)
    text = json.dumps(figure.to_dict(), allow_nan=False)
    assert json.loads(text) == {"value": 0.5, "low": None, "high": None, "n": 3}
    numpy_figure = Figure(np.float64(0.5), np.float64(0.25), np.float64(1), np.int64(3))
    assert json.loads(json.dumps(numpy_figure.to_dict()))["low"] == 0.25


def test_bootstrap_is_repeatable_and_follows_its_seed():
    y, log_odds, _, posts = simulated(300)
    first = cluster_bootstrap(roc_auc, posts, y, log_odds, samples=50)
    assert first == cluster_bootstrap(roc_auc, posts.tolist(), y, log_odds, samples=50)
    assert first != cluster_bootstrap(roc_auc, posts, y, log_odds, samples=50, seed=1)
    assert first.value == roc_auc(y, log_odds)
    assert first.low < first.value < first.high
    assert first.n == 300


def test_bootstrap_draws_whole_groups():
    groups = ["a", "b", "a", "c", "b", "a"]
    seen = []

    def look(rows):
        seen.append(rows.tolist())
        return float(len(rows))

    cluster_bootstrap(look, groups, np.arange(6), samples=100)
    whole = {"a": [0, 2, 5], "b": [1, 4], "c": [3]}
    assert len({tuple(rows) for rows in seen}) > 5
    for rows in seen[1:]:
        times = {name: rows.count(members[0]) for name, members in whole.items()}
        assert sum(times.values()) == 3
        expected = [row for name, members in whole.items() for row in members * times[name]]
        assert sorted(rows) == sorted(expected)


def test_bootstrap_is_wider_where_groups_agree_within_themselves():
    value = np.repeat([0.0, 1.0] * 10, 20)
    by_post = cluster_bootstrap(np.mean, np.repeat(np.arange(20), 20), value)
    by_row = cluster_bootstrap(np.mean, np.arange(400), value)
    assert by_post.high - by_post.low > 3 * (by_row.high - by_row.low)


def test_bootstrap_interval_covers_the_truth():
    random = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        level = np.repeat(random.normal(0, 1, 60), 5)
        found = cluster_bootstrap(
            np.mean,
            np.repeat(np.arange(60), 5),
            level + random.normal(0, 1, 300),
            samples=200,
            seed=seed,
        )
        covered += found.low <= 0 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_bootstrap_drops_undefined_replicates():
    # Half of the resamples of two posts lack a class.
    found = cluster_bootstrap(roc_auc, ["a", "b"], [0, 1], [0.0, 1.0], samples=40)
    assert found == Figure(1.0, 1.0, 1.0, 2)


def test_bootstrap_of_one_group_or_no_rows_has_no_interval():
    one = cluster_bootstrap(np.mean, ["a", "a"], [1.0, 3.0])
    assert one.value == 2.0
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    none = cluster_bootstrap(roc_auc, [], [], [])
    assert math.isnan(none.value)
    assert none.n == 0


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT])
def test_bootstrap_refuses_missing_groups(missing):
    with pytest.raises(InputError, match="missing"):
        cluster_bootstrap(np.mean, ["a", missing], [1.0, 2.0])


def test_labels_as_words_are_told_how_to_become_numbers():
    with pytest.raises(InputError, match='label == "spam"'):
        roc_auc(["ham", "spam"], [0.0, 1.0])


def test_bootstrap_refuses_other_lengths_and_settings():
    with pytest.raises(InputError, match="row"):
        cluster_bootstrap(np.mean, ["a", "b"], [1.0])
    with pytest.raises(InputError, match="samples"):
        cluster_bootstrap(np.mean, ["a", "b"], [1.0, 2.0], samples=0)


def test_bootstrap_is_fast_enough():
    y, log_odds, _, posts = simulated(6000)
    start = time.process_time()
    cluster_bootstrap(lambda a, b: recall_at_fpr(a, b, 0.01), posts, y, log_odds, samples=500)
    assert time.process_time() - start < 10  # about half a second where it was written


# -- a blog, and all of them


def labelled(log_odds):
    return np.select([log_odds >= 1, log_odds >= -1], ["spam", "unsure"], "ham")


def test_blog_metrics_are_the_metrics():
    y, log_odds, p, posts = simulated(400)
    label = labelled(log_odds)
    found = blog_metrics(y, log_odds, p, label, posts, samples=40)
    assert set(found) == {
        "auc", "average_precision", "recall_at_1pct", "recall_at_2pct", "mcc", "spam_caught",
        "ham_blocked", "unsure", "brier", "ece", "n_spam", "n_ham",
    }  # fmt: skip
    called = label == "spam"
    assert found["auc"].value == roc_auc(y, log_odds)
    assert found["average_precision"].value == average_precision(y, log_odds)
    assert found["recall_at_1pct"].value == recall_at_fpr(y, log_odds, 0.01)
    assert found["recall_at_2pct"].value == recall_at_fpr(y, log_odds, 0.02)
    assert found["mcc"].value == pytest.approx(peer.matthews_corrcoef(y, called), abs=1e-12)
    assert found["unsure"].value == np.mean(label == "unsure")
    assert found["brier"].value == pytest.approx(peer.brier_score_loss(y, p), abs=1e-12)
    assert found["ece"].value == ece(y, p)
    assert (found["n_spam"], found["n_ham"]) == (y.sum(), 400 - y.sum())
    blocked = int((called & (y == 0)).sum())
    n_ham = int((y == 0).sum())
    expected = Figure(blocked / n_ham, *clopper_pearson(blocked, n_ham), n_ham)
    assert found["ham_blocked"] == expected
    assert found["spam_caught"].value == called[y == 1].mean()
    assert found["spam_caught"].n == y.sum()
    for name in set(found) - {"n_spam", "n_ham", "ece"}:
        assert found[name].low <= found[name].value <= found[name].high


def test_blog_metrics_of_one_class_and_of_nothing():
    found = blog_metrics([0, 0], [-1, 2], [0.2, 0.9], ["ham", "spam"], ["a", "b"], samples=5)
    assert math.isnan(found["auc"].value)
    assert found["ham_blocked"].value == 0.5
    assert math.isnan(found["spam_caught"].value)
    assert (found["spam_caught"].low, found["spam_caught"].high) == (0.0, 1.0)
    empty = blog_metrics([], [], [], [], [])
    assert math.isnan(empty["unsure"].value)
    assert empty["n_spam"] == 0


def test_blog_metrics_refuse_other_labels():
    with pytest.raises(InputError, match="unsure"):
        blog_metrics([0, 1], [0, 1], [0, 1], ["ham", "junk"], ["a", "b"])
    with pytest.raises(InputError, match="entry"):
        blog_metrics([0, 1], [0, 1], [0, 1], ["ham"], ["a", "b"])


def test_macro_mean_counts_blogs_not_comments():
    blogs = [
        {"auc": Figure(0.9, 0.8, 1.0, 10), "n_spam": 5},
        {"auc": Figure(0.6, 0.5, 0.7, 9000), "n_spam": 6000},
        {"auc": Figure(math.nan, math.nan, math.nan, 3)},
        {"mcc": Figure(0.1, 0.0, 0.2, 3)},
    ]
    found = macro_mean(blogs)
    assert set(found) == {"auc", "mcc"}
    assert found["auc"].value == pytest.approx(0.75)
    assert found["auc"].n == 2
    assert (found["auc"].low, found["auc"].high) == (pytest.approx(0.6), pytest.approx(0.9))
    assert found["mcc"].value == 0.1
    assert math.isnan(found["mcc"].low)
    assert macro_mean(blogs)["auc"] == found["auc"]
    assert macro_mean([]) == {}
    undefined = macro_mean(blogs[2:3])["auc"]
    assert math.isnan(undefined.value)
    assert undefined.n == 0
