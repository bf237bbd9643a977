"""Weighted logistic regression for sparse rows, with a prior to start from.

The loss is the weighted mean logistic loss plus half the squared distance of the weights
from their prior: zero, or a base model's weights by way of `offset`. L-BFGS (Liu and Nocedal
1989) finds its only minimum.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

F64 = NDArray[np.float64]

_FEW = 1_500


def fit_logistic(
    matrix: csr_matrix,
    spam: NDArray[np.bool_],
    weight: F64,
    strength: float,
    *,
    offset: F64 | None = None,
    accuses: NDArray[np.bool_] | None = None,
    max_iter: int = 200,
    tol: float = 1e-5,
    watch: Callable[[int], None] | None = None,
) -> tuple[F64, float]:
    """Return weights and intercept.

    `strength` is the strength of the penalty on squared weights. The intercept is free unless
    there is an `offset`, the log-odds by a prior model. Columns in `accuses` keep a weight of
    zero or more, except with few rows. `watch` is called with the number of each iteration.
    """
    if 4 * matrix.shape[0] <= matrix.shape[1] and matrix.shape[0] <= _FEW:
        return _fit_few(matrix, spam, weight, strength, offset, None, max_iter, tol, watch)
    # Unused columns stay at their prior, so leave them out.
    used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    small = matrix[:, used] if len(used) < matrix.shape[1] // 2 else matrix
    rows, columns = small.tocsr(), small.T.tocsr() if small.shape[0] < 5_000 else small.T
    floor = None
    if accuses is not None:
        floor = np.append(np.where(accuses, 0.0, -np.inf), -np.inf)
        if small is not matrix:
            floor = floor[np.append(used, matrix.shape[1])]
    theta = _minimize(rows, columns, spam, weight, strength, offset, floor, max_iter, tol, watch)
    weights = np.zeros(matrix.shape[1])
    if small is matrix:
        weights[:] = theta[:-1]
    else:
        weights[used] = theta[:-1]
    return weights, float(theta[-1])


def _fit_few(
    matrix: csr_matrix,
    spam: NDArray[np.bool_],
    weight: F64,
    strength: float,
    *rest: Any,
) -> tuple[F64, float]:
    """Find the same minimum with one variable per row.

    The best weights are a sum of rows. In an orthonormal basis of the rows the penalty keeps
    its form, so only the matrix changes.
    """
    gram = (matrix @ matrix.T).toarray().astype(float)
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-7 * max(values[-1], 1e-12)
    root = np.sqrt(values[kept])
    reduced = vectors[:, kept] * root
    theta = _minimize(reduced, reduced.T, spam, weight, strength, *rest)
    weights: F64 = matrix.T @ (vectors[:, kept] @ (theta[:-1] / root))
    return weights, float(theta[-1])


def _minimize(
    rows: Any,
    columns: Any,
    spam: NDArray[np.bool_],
    weight: F64,
    strength: float,
    offset: F64 | None,
    floor: F64 | None,
    max_iter: int,
    tol: float,
    watch: Callable[[int], None] | None,
) -> F64:
    """Return the weights with the least loss, followed by the intercept."""
    from scipy.optimize import Bounds, minimize
    from threadpoolctl import threadpool_limits

    sign = np.where(spam, 1.0, -1.0)
    share = weight / weight.sum()
    start = np.zeros(len(sign)) if offset is None else offset
    # From scratch the intercept is free; otherwise the base model's is its prior.
    held = 0.0 if offset is None else strength
    kind = rows.dtype  # products in the precision of the rows

    def loss(theta: F64) -> tuple[float, F64]:
        w = theta[:-1]
        margin = sign * (rows @ w.astype(kind) + theta[-1] + start)
        value = float(share @ np.logaddexp(0.0, -margin) + 0.5 * strength * (w @ w))
        value += 0.5 * held * float(theta[-1]) ** 2
        slope = -share * sign / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        gradient = np.empty_like(theta)
        gradient[:-1] = columns @ slope.astype(kind) + strength * w
        gradient[-1] = slope.sum() + held * theta[-1]
        return value, gradient

    steps = itertools.count(1)

    def count(_: Any) -> None:
        step = next(steps)
        if watch is not None:
            watch(step)

    # One thread gives the same sums on any number of cores, and is no slower.
    with threadpool_limits(limits=1):
        solve: Any = minimize  # its overloads lack bounds with a gradient
        bounds = None if floor is None else Bounds(floor, np.inf)
        found: F64 = solve(
            loss,
            np.zeros(rows.shape[1] + 1),
            jac=True,
            method="L-BFGS-B",
            callback=count,
            bounds=bounds,
            options={"maxiter": max_iter, "maxcor": 8, "ftol": tol, "gtol": 1e-7},
        ).x
    return found
