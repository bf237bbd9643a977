"""Exact tail probabilities of counts, in plain Python.

The server and a light install set thresholds without scipy, which is larger than all
their other dependencies together.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

_PRECISION: Final = 1e-15
_TINY: Final = 1e-300
_MOST_STEPS: Final = 200


def binomial_tail(k: int, n: int, share: float) -> float:
    """Return the probability of `k` or more hits in `n` independent draws at chance `share`."""
    if k <= 0:
        return 1.0
    if k > n or share <= 0:
        return 0.0
    return 1.0 if share >= 1 else _incomplete_beta(k, n - k + 1, share)


@lru_cache(4096)  # the search for missing ham needs the same bounds many times
def share_at_tail(k: int, n: int, probability: float) -> float:
    """Return the share at which `binomial_tail` of `k` in `n` has this probability."""
    a, b = k, n - k + 1
    low, high, mean = 0.0, 1.0, a / (a + b)
    share = mean + NormalDist().inv_cdf(probability) * sqrt(mean * (1 - mean) / (a + b + 1))
    if not low < share < high:
        share = mean
    for _ in range(_MOST_STEPS):
        excess = _incomplete_beta(a, b, share) - probability
        low, high = (low, share) if excess > 0 else (share, high)
        density = exp(_log_kernel(a, b, share)) / (share * (1 - share))
        following = share - excess / density if density else low
        if not low < following < high:  # Newton's step has left the bracket
            following = (low + high) / 2
        if abs(following - share) <= 1e-13 * share:
            return following
        share = following
    return share


def hypergeometric_tail(k: int, population: int, marked: int, drawn: int) -> float:
    """Return the probability of `k` or more marked among `drawn` without replacement."""
    rest = population - marked
    every = _log_choose(population, drawn)
    return sum(
        exp(_log_choose(marked, i) + _log_choose(rest, drawn - i) - every)
        for i in range(max(k, drawn - rest), min(marked, drawn) + 1)
    )


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_kernel(a: int, b: int, x: float) -> float:
    """Return the logarithm of ``x**a * (1 - x)**b / B(a, b)``."""
    return lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)


def _incomplete_beta(a: int, b: int, x: float) -> float:
    """Return the regularized incomplete beta function, 0 < x < 1."""
    kernel = exp(_log_kernel(a, b, x))
    if x < (a + 1) / (a + b + 2):
        return kernel * _fraction(a, b, x) / a
    return 1.0 - kernel * _fraction(b, a, 1 - x) / b


def _fraction(a: int, b: int, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function (Lentz's method)."""
    c, d = 1.0, 1.0 / _nonzero(1 - (a + b) * x / (a + 1))
    found, change, m = d, 2.0, 0
    while abs(change - 1) > _PRECISION and m < 100_000:
        m += 1
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _nonzero(1 + numerator * d)
            c = _nonzero(1 + numerator / c)
            change = c * d
            found *= change
    return found


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
