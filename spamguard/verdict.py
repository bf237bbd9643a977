"""The output: a verdict and its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from spamguard.display import box, one_line, percent, safe, table

__all__ = ["Label", "Reason", "Verdict"]

# Safe for colour-blind people (Okabe and Ito).
_COLOURS: Final = {"spam": "213,94,0", "ham": "0,114,178", "unsure": "150,120,0"}

Label = Literal["ham", "unsure", "spam"]
"""Publish, ask a person, or hold."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a verdict.

    Parameters
    ----------
    feature : str
        Name of the feature, such as ``links_count``; for words and parts of words the
        n-gram block, such as ``ngrams_text``.
    contribution : float
        Contribution to the log-odds; positive values speak for spam.
    evidence : str
        What was found, in plain words or as the words themselves.
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
        Safe to delete unseen; True only if the model's measurements support it.
    log_odds : float
        ``log(p / (1 - p))``; `intercept` plus all contributions.
    intercept : float
        Log-odds before anything is read.
    model : str
        Name and version of the model.
    language : str
        Code of the comment's language; empty if unclear.
    language_known : bool
        False if the model has seen too little ham in this language. Then `label` is
        never spam and `discard` never true.
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

    @property
    def is_spam(self) -> bool:
        """True if the label is ``"spam"``."""
        return self.label == "spam"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All contributions, strongest first; with `intercept` they sum to `log_odds`.

        Rounding may change the sum by a millionth.
        """
        if callable(self._reasons):
            # Computed on first use, as most verdicts are never explained.
            object.__setattr__(self, "_reasons", self._reasons())
        assert not callable(self._reasons)
        return self._reasons

    def strongest(self, most: int) -> tuple[Reason, ...]:
        """Return ``reasons[:most]``, faster than computing all reasons."""
        if callable(self._reasons):
            return self._reasons(max(0, most))
        return self._reasons[: max(0, most)]

    def __str__(self) -> str:
        """Return the verdict and its strongest reasons, over several lines."""
        label = f"{self.label} (discard)" if self.discard else self.label
        lines = [f"{label}, {percent(self.spam_probability)} spam (log-odds {self.log_odds:+.2f})"]
        lines += (f"  {r.contribution:+.2f}  {one_line(r.evidence, 200)}" for r in self.reasons[:5])
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Verdicts in a list are shown without reasons, which take a moment each.
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else str(self))

    def _repr_html_(self) -> str:
        """Return the verdict and its strongest reasons, escaped."""
        label = f"{self.label} (discard)" if self.discard else self.label
        badge = f"background:rgb({_COLOURS[self.label]});color:#fff;padding:1px 8px"
        rows = [(f"{r.contribution:+.2f}", r.feature, r.evidence) for r in self.strongest(8)]
        return box(
            f'<div><span style="{badge};border-radius:3px;font-weight:bold">{label}</span> ',
            f"<b>{safe(percent(self.spam_probability))}</b> spam, ",
            f"log-odds {self.log_odds:+.2f}, by {safe(self.model)}{self._language()}</div>",
            table(["adds", "reason", ""], rows),
        )

    def _language(self) -> str:
        if not self.language:
            return ""
        unknown = "" if self.language_known else ", which the model has not learned"
        return f", language {safe(self.language)}{unknown}"

    def __bool__(self) -> bool:
        raise TypeError("A Verdict has no truth value; use verdict.is_spam or verdict.label.")

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
