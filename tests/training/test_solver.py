"""The solver: one minimum, whichever way it is sought."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from spamguard.training import solver
from spamguard.training.solver import fit_logistic


def problem(n=120, columns=700, density=0.05, seed=3):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, columns)) * (rng.random((n, columns)) < density)
    spam = dense @ rng.normal(size=columns) + rng.normal(size=n) > 0.2
    return csr_matrix(dense.astype(np.float32)), spam, rng.uniform(0.2, 3.0, n)


def loss_of(matrix, spam, weight, strength, theta, intercept, offset=0.0):
    margin = np.where(spam, 1.0, -1.0) * (matrix @ theta + intercept + offset)
    return weight @ np.logaddexp(0, -margin) / weight.sum() + 0.5 * strength * theta @ theta


def both_ways(monkeypatch, *args, **kwargs):
    calls = []
    few = solver._fit_few
    monkeypatch.setattr(solver, "_fit_few", lambda *a: calls.append(1) or few(*a))
    first = fit_logistic(*args, **kwargs)
    assert calls == [1]
    monkeypatch.setattr(solver, "_FEW", 0)
    second = fit_logistic(*args, **kwargs)
    assert calls == [1]
    return first, second


@pytest.mark.parametrize("strength", [1e-3, 1e-1])
@pytest.mark.parametrize("with_offset", [False, True])
def test_few_rows_and_many_find_the_same_minimum(monkeypatch, strength, with_offset):
    matrix, spam, weight = problem()
    offset = np.random.default_rng(5).normal(size=len(spam)) if with_offset else None
    settings = {"offset": offset, "tol": 1e-10, "max_iter": 2_000}
    (w1, b1), (w2, b2) = both_ways(monkeypatch, matrix, spam, weight, strength, **settings)
    assert w1 == pytest.approx(w2, abs=1e-3)
    assert b1 == pytest.approx(b2, abs=1e-3)
    assert matrix @ w1 + b1 == pytest.approx(matrix @ w2 + b2, abs=5e-3)


def test_the_settings_as_they_are_reach_the_least_loss(monkeypatch):
    matrix, spam, weight = problem()
    best = fit_logistic(matrix, spam, weight, 1e-3, tol=1e-12, max_iter=5_000)
    least = loss_of(matrix, spam, weight, 1e-3, *best)
    for found in both_ways(monkeypatch, matrix, spam, weight, 1e-3):
        assert loss_of(matrix, spam, weight, 1e-3, *found) == pytest.approx(least, abs=1e-3)


@pytest.mark.parametrize(("n", "columns"), [(400, 20), (60, 400)])
def test_agrees_with_scikit_learn(n, columns):
    rng = np.random.default_rng(8)
    dense = rng.normal(size=(n, columns))
    spam = dense @ rng.normal(size=columns) + rng.normal(size=n) > 0.3
    weight = rng.uniform(0.5, 2.0, n)
    strength = 0.02
    weights, intercept = fit_logistic(
        csr_matrix(dense.astype(np.float32)), spam, weight, strength, tol=1e-12, max_iter=3_000
    )
    # Scikit-learn minimises C * sum(weight * loss) + ||w||^2 / 2.
    reference = LogisticRegression(C=1.0 / (strength * weight.sum()), tol=1e-9, max_iter=5_000)
    reference.fit(dense, spam, weight)
    assert weights == pytest.approx(reference.coef_[0], abs=2e-3)
    assert intercept == pytest.approx(reference.intercept_[0], abs=2e-3)


def test_the_minimum_has_no_slope():
    matrix, spam, weight = problem(n=200, columns=50, density=0.3)
    strength = 0.01
    weights, intercept = fit_logistic(matrix, spam, weight, strength, tol=1e-12, max_iter=3_000)
    chance = 1 / (1 + np.exp(-(matrix @ weights + intercept)))
    slope = weight / weight.sum() * (chance - spam)
    assert matrix.T @ slope + strength * weights == pytest.approx(0, abs=1e-4)
    assert slope.sum() == pytest.approx(0, abs=1e-4)


def test_only_ratios_of_the_weights_matter():
    matrix, spam, weight = problem()
    one = fit_logistic(matrix, spam, weight, 0.01)
    other = fit_logistic(matrix, spam, 1_000 * weight, 0.01)
    assert one[0] == pytest.approx(other[0], abs=1e-6)
    assert one[1] == pytest.approx(other[1], abs=1e-6)


@pytest.mark.parametrize("few", [True, False])
def test_rows_of_weight_zero_are_absent(monkeypatch, few):
    if not few:
        monkeypatch.setattr(solver, "_FEW", 0)
    matrix, spam, weight = problem()
    kept = np.arange(len(spam)) % 3 > 0
    settings = {"tol": 1e-10, "max_iter": 2_000}
    one = fit_logistic(matrix, spam, np.where(kept, weight, 0.0), 0.01, **settings)
    other = fit_logistic(matrix[kept], spam[kept], weight[kept], 0.01, **settings)
    assert one[0] == pytest.approx(other[0], abs=1e-3)
    assert one[1] == pytest.approx(other[1], abs=1e-3)


@pytest.mark.parametrize("few", [True, False])
def test_columns_that_no_row_uses_stay_at_zero(monkeypatch, few):
    if not few:
        monkeypatch.setattr(solver, "_FEW", 0)
    matrix, spam, weight = problem(density=0.004)
    unused = np.bincount(matrix.indices, minlength=matrix.shape[1]) == 0
    assert unused.any()
    weights, _ = fit_logistic(matrix, spam, weight, 0.01)
    assert weights[unused] == pytest.approx(0, abs=1e-12)
    assert np.abs(weights[~unused]).max() > 0.1


@pytest.mark.parametrize("few", [True, False])
def test_rows_without_anything_teach_the_intercept(monkeypatch, few):
    if not few:
        monkeypatch.setattr(solver, "_FEW", 0)
    matrix = csr_matrix((40, 400), dtype=np.float32)
    spam = np.arange(40) < 10
    weights, intercept = fit_logistic(matrix, spam, np.ones(40), 0.1, tol=1e-12)
    assert not weights.any()
    assert intercept == pytest.approx(np.log(10 / 30), abs=1e-3)


def test_an_offset_that_says_it_all_leaves_nothing_to_learn():
    matrix, spam, weight = problem()
    offset = np.where(spam, 40.0, -40.0)
    weights, intercept = fit_logistic(matrix, spam, weight, 0.01, offset=offset)
    assert np.abs(weights).max() < 1e-6
    assert abs(intercept) < 1e-6


def test_extreme_offsets_do_not_overflow():
    matrix, spam, weight = problem()
    weights, intercept = fit_logistic(matrix, spam, weight, 0.01, offset=np.where(spam, -1e4, 1e4))
    assert np.isfinite(weights).all()
    assert np.isfinite(intercept)


def test_it_is_watched_and_stops_when_told():
    matrix, spam, weight = problem()
    steps = []
    fit_logistic(matrix, spam, weight, 1e-4, max_iter=3, tol=0.0, watch=steps.append)
    assert steps == [1, 2, 3]


def test_twice_the_same():
    matrix, spam, weight = problem()
    (w1, b1), (w2, b2) = (fit_logistic(matrix, spam, weight, 0.01) for _ in range(2))
    assert np.array_equal(w1, w2)
    assert b1 == b2


def test_what_is_given_is_left_as_it_was():
    matrix, spam, weight = problem()
    offset = np.ones(len(spam))
    before = matrix.copy(), spam.copy(), weight.copy(), offset.copy()
    fit_logistic(matrix, spam, weight, 0.01, offset=offset)
    assert (matrix != before[0]).nnz == 0
    for now, then in zip((spam, weight, offset), before[1:], strict=True):
        assert np.array_equal(now, then)
