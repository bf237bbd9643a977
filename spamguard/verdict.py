"""What comes out: a verdict and the reasons for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from spamguard.printing import one_line, percent

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


class Judge(Protocol):
    """What judged a comment and can show why."""

    def html_of(self, verdict: Verdict, comment: Any, /) -> str:
        """Return `verdict` on `comment` as HTML."""


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
    _reasons: tuple[Reason, ...] | Callable[..., tuple[Reason, ...]] = field(
        default=(), repr=False, compare=False
    )
    # Who judged what, for a notebook; not there in a verdict that has travelled.
    _source: tuple[Judge, Any] | None = field(default=None, repr=False, compare=False, kw_only=True)

    @property
    def is_spam(self) -> bool:
        """True if the label is ``"spam"``."""
        return self.label == "spam"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All contributions, strongest first; with `intercept` they sum to `log_odds`.

        To a millionth: sums of many n-grams are rounded on the way.
        """
        if callable(self._reasons):
            # Put into words only when somebody asks: most verdicts are never explained.
            object.__setattr__(self, "_reasons", self._reasons())
        assert not callable(self._reasons)
        return self._reasons

    def strongest(self, most: int) -> tuple[Reason, ...]:
        """Return the strongest reasons, sooner than all of them can be put into words.

        Parameters
        ----------
        most : int
            So many at most; 0 or more.

        Returns
        -------
        tuple of Reason
            What ``reasons[:most]`` gives.
        """
        if callable(self._reasons):
            return self._reasons(max(0, most))
        return self._reasons[: max(0, most)]

    def __str__(self) -> str:
        """Return the verdict with its strongest reasons, over several lines."""
        label = f"{self.label} (discard)" if self.discard else self.label
        lines = [f"{label}, {percent(self.spam_probability)} spam (log-odds {self.log_odds:+.2f})"]
        lines += (f"  {r.contribution:+.2f}  {one_line(r.evidence, 200)}" for r in self.reasons[:5])
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # In a list of many nobody reads reasons, and each takes a moment.
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else str(self))

    def _repr_html_(self) -> str | None:
        """Return the comment's words shaded by contribution, and bars; None where it is not known."""
        return None if self._source is None else self._source[0].html_of(self, self._source[1])

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
