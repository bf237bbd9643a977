"""What comes out: a verdict and the reasons for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

__all__ = ["Label", "Reason", "Verdict"]

Label = Literal["ham", "unsure", "spam"]
"""Publish, ask a person, hold back."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a verdict.

    Parameters
    ----------
    feature : str
        Name of the feature, such as ``links_count``; for words and parts of
        words the n-gram block, such as ``ngrams_text``.
    contribution : float
        What it added to the log-odds: above zero speaks for spam.
    evidence : str
        Where it was seen, in plain words or as the words themselves.
    """

    feature: str
    contribution: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer for one comment.

    Parameters
    ----------
    spam_probability : float
        Calibrated probability of spam, 0 to 1.
    label : {"ham", "unsure", "spam"}
        By the model's two decision thresholds.
    discard : bool
        Sure enough to be thrown away unseen; True only where the model's own
        measurements support that promise.
    log_odds : float
        ``log(p / (1 - p))``; `intercept` plus all contributions.
    intercept : float
        The log-odds before anything of the comment is read.
    model : str
        Name and version of the model that judged.
    language : str
        Code of the comment's language; empty where it cannot be told.
    language_known : bool
        False where the language was told and the model has not learned from
        real comments in it: then `label` is never spam and `discard` never
        true, whatever the probability.
    """

    spam_probability: float
    label: Label
    discard: bool
    log_odds: float
    intercept: float
    model: str
    language: str = field(default="", kw_only=True)
    language_known: bool = field(default=True, kw_only=True)
    _reasons: tuple[Reason, ...] | Callable[[], tuple[Reason, ...]] = field(
        default=(), repr=False, compare=False
    )

    @property
    def is_spam(self) -> bool:
        """True if the label is ``"spam"``."""
        return self.label == "spam"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All contributions, strongest first; with `intercept` they sum to `log_odds`."""
        if callable(self._reasons):
            # Put into words only when somebody asks: most verdicts are never explained.
            object.__setattr__(self, "_reasons", self._reasons())
        assert not callable(self._reasons)
        return self._reasons

    def __bool__(self) -> bool:
        raise TypeError("A Verdict has no truth value; ask verdict.is_spam or verdict.label.")

    def __reduce__(self) -> tuple[Callable[..., Verdict], tuple[object, ...]]:
        named = partial(Verdict, language=self.language, language_known=self.language_known)
        return named, (
            self.spam_probability,
            self.label,
            self.discard,
            self.log_odds,
            self.intercept,
            self.model,
            self.reasons,
        )
