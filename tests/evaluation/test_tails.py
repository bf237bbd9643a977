import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv
from scipy.stats import binom, hypergeom

from spamguard.evaluation.tails import binomial_tail, hypergeometric_tail, share_at_tail


@given(st.integers(0, 3000), st.integers(0, 3000), st.floats(0, 1))
def test_binomial_tail_agrees_with_scipy(k, more, share):
    n = k + more
    assert binomial_tail(k, n, share) == pytest.approx(binom.sf(k - 1, n, share), abs=1e-10)


@given(st.integers(1, 3000), st.integers(0, 3000), st.floats(1e-6, 1 - 1e-6))
def test_share_at_tail_agrees_with_scipy(k, more, probability):
    expected = betaincinv(k, more + 1, probability)
    assert share_at_tail(k, k + more, probability) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 500), st.integers(1, 500), st.data())
def test_hypergeometric_tail_agrees_with_scipy(marked, rest, data):
    drawn = data.draw(st.integers(0, marked + rest))
    k = data.draw(st.integers(0, drawn))
    expected = hypergeom.sf(k - 1, marked + rest, marked, drawn)
    assert hypergeometric_tail(k, marked + rest, marked, drawn) == pytest.approx(expected, abs=1e-9)


def test_a_billion_draws_take_no_time():
    assert binomial_tail(10**6, 10**9, 0.001) == pytest.approx(0.5, abs=1e-3)
