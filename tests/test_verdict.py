"""What comes out: a frozen answer that cannot be mistaken for a truth value."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from spamguard.verdict import Reason, Verdict

REASONS = (Reason("links_count", 1.5, "2 links"), Reason("style_length", -0.5, "40 words"))


def verdict(label="spam", reasons=REASONS):
    return Verdict(0.9, label, False, 2.2, 1.2, "default 1", reasons)


@pytest.mark.parametrize("label", ["ham", "unsure", "spam"])
def test_a_verdict_has_no_truth_value(label):
    with pytest.raises(TypeError, match=r"is_spam"):
        bool(verdict(label))
    with pytest.raises(TypeError, match=r"label"):
        assert not verdict(label)


@pytest.mark.parametrize(("label", "expected"), [("ham", False), ("unsure", False), ("spam", True)])
def test_is_spam(label, expected):
    assert verdict(label).is_spam is expected


def test_reasons_are_put_into_words_once_and_only_when_asked_for():
    calls = []

    def explain():
        calls.append(1)
        return REASONS

    v = verdict(reasons=explain)
    assert v.spam_probability == 0.9
    assert v.is_spam
    repr(v)
    hash(v)
    assert v == verdict()
    assert calls == []
    assert v.reasons == REASONS
    assert v.reasons is v.reasons
    assert calls == [1]


def test_reasons_that_fail_are_asked_for_again():
    answers = iter([ValueError("not now"), REASONS])

    def explain():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    v = verdict(reasons=explain)
    with pytest.raises(ValueError, match="not now"):
        _ = v.reasons
    assert v.reasons == REASONS


def test_without_reasons():
    assert Verdict(0.5, "unsure", False, 0.0, 0.0, "default 1").reasons == ()


def test_reasons_sum_to_the_log_odds():
    v = verdict()
    assert v.intercept + sum(r.contribution for r in v.reasons) == pytest.approx(v.log_odds)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_reasons_survive_pickling(protocol):
    v = verdict(reasons=lambda: REASONS)  # a function that itself cannot be pickled
    loaded = pickle.loads(pickle.dumps(v, protocol))
    assert loaded == v
    assert loaded.reasons == REASONS
    assert copy.deepcopy(v).reasons == REASONS


def test_nothing_can_be_changed():
    v = verdict()
    for name in ("spam_probability", "label", "discard", "log_odds", "intercept", "model"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(v, name, None)
    with pytest.raises((AttributeError, TypeError)):
        v.reasons = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        REASONS[0].contribution = 0.0
    assert not hasattr(v, "__dict__")


def test_equality_and_hash_do_not_look_at_reasons():
    assert verdict() == verdict(reasons=())
    assert hash(verdict()) == hash(verdict(reasons=()))
    assert verdict() != verdict("ham")
    assert verdict() != dataclasses.replace(verdict(), model="another 2")


def test_a_verdict_is_shown_without_its_reasons():
    shown = repr(verdict())
    assert "spam_probability=0.9" in shown
    assert "links_count" not in shown
