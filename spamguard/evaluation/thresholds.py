"""Decision thresholds from a promise, such as "lose at most 1 in 1000 real comments".

The functions find the threshold that keeps a promise on future comments with a stated
confidence, or say how many ham comments are missing.

The bounds assume that the model was not fitted on these comments and that the comments
are independent. Comments under one post or on one blog resemble each other, and then
support less than the bound says. `ham_lost_by_group` shows losses by group.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike

from spamguard.errors import InputError, ModelFormatError
from spamguard.evaluation.metrics import (
    Floats,
    binomial_lower,
    binomial_upper,
    checked_pair,
    checked_share,
)
from spamguard.evaluation.tails import binomial_tail

__all__ = [
    "Promise",
    "Threshold",
    "ham_lost_by_group",
    "ham_needed",
    "refuting_groups",
    "threshold_for_max_ham_lost",
    "threshold_for_min_precision",
]

Kind = Literal["max_ham_lost", "min_precision"]
_Plain = TypeVar("_Plain", str, bool, int, float)

_FORMS: dict[Kind, str] = {"max_ham_lost": "ham_lost<=", "min_precision": "precision>="}

# The ham side's part of the error that a precision promise allows. The spam caught is a
# large count, so its bound is tight at any confidence.
_HAM_PART = 0.9

# The search for missing ham ends here.
_MOST_HAM = 10**9


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise about the comments at or above a threshold.

    Parameters
    ----------
    kind : {"max_ham_lost", "min_precision"}
        At most this share of ham is at or above the threshold, or at least this share
        of the comments there is spam.
    value : float
        The share, strictly between 0 and 1.
    confidence : float, default 0.95
        How often the promise holds, over draws of the labelled comments.

    Raises
    ------
    InputError
        Another kind, or a number out of range.
    """

    kind: Kind
    value: float
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError('The kind of a promise is "max_ham_lost" or "min_precision".')
        object.__setattr__(self, "value", checked_share("The share promised", self.value))
        object.__setattr__(self, "confidence", checked_share("confidence", self.confidence))

    @classmethod
    def parse(cls, text: str, confidence: float = 0.95) -> Promise:
        """Read ``"ham_lost<=0.001"`` or ``"precision>=0.998"``; spaces are ignored.

        `confidence` is strictly between 0 and 1.

        Raises
        ------
        InputError
            Any other text, or a share not between 0 and 1.

        Examples
        --------
        >>> Promise.parse("ham_lost<=0.001")
        Promise(kind='max_ham_lost', value=0.001, confidence=0.95)
        """
        if isinstance(text, str):
            plain = "".join(text.split())
            for kind, form in _FORMS.items():
                if plain.startswith(form):
                    try:
                        return cls(kind, float(plain.removeprefix(form)), confidence)
                    except ValueError:
                        break
        raise InputError('A promise reads like "ham_lost<=0.001" or "precision>=0.998".')

    def __str__(self) -> str:
        return f"{_FORMS[self.kind]}{self.value!r}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A decision threshold, its promise and the evidence.

    Parameters
    ----------
    log_odds : float
        The threshold, compared with >=; infinity where the promise is not supported.
    supported : bool
        Whether the labelled comments support the promise.
    ham, ham_lost : int
        Ham comments seen, and those of them at or above the threshold.
    ham_lost_upper : float
        Exact one-sided upper bound on the share of ham lost, 0 to 1, at the
        promise's confidence; ties count as lost. For a precision promise it also
        allows for the other thresholds tried. Where unsupported: the bound if none
        of this many were lost.
    spam, spam_caught : int
        Spam comments seen, and those of them at or above the threshold.
    precision : float
        Estimated share of spam at or above the threshold, at `spam_share`; NaN where
        there are no comments or no spam was seen.
    spam_share : float
        The share of spam among all comments that `precision` assumes.
    missing_ham : int
        How many more ham comments are needed; 0 where the promise is supported, or
        where more ham alone would not help.
    """

    promise: Promise
    log_odds: float
    supported: bool
    ham: int
    ham_lost: int
    ham_lost_upper: float
    spam: int
    spam_caught: int
    precision: float
    spam_share: float
    missing_ham: int

    def to_dict(self) -> dict[str, str | float | int | bool | None]:
        """Return plain values for JSON, with None for infinity and NaN."""
        return {
            "promise": str(self.promise),
            "confidence": self.promise.confidence,
            "log_odds": self.log_odds if self.supported else None,
            "supported": self.supported,
            "ham": self.ham,
            "ham_lost": self.ham_lost,
            "ham_lost_upper": self.ham_lost_upper,
            "spam": self.spam,
            "spam_caught": self.spam_caught,
            "precision": None if math.isnan(self.precision) else self.precision,
            "spam_share": self.spam_share,
            "missing_ham": self.missing_ham,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Threshold:
        """Read the result of `to_dict`; other keys are ignored.

        Raises
        ------
        ModelFormatError
            A value is missing or of another type, or `supported` contradicts the cut.
        """
        try:
            promise = Promise.parse(
                _field(values, "promise", str), _field(values, "confidence", float)
            )
        except InputError as error:
            raise ModelFormatError(f"A stored threshold is damaged: {error}") from None
        supported = _field(values, "supported", bool)
        if (values.get("log_odds") is None) is supported:
            raise ModelFormatError("A stored threshold is damaged: supported contradicts the cut.")
        return cls(
            promise=promise,
            log_odds=_field(values, "log_odds", float) if supported else math.inf,
            supported=supported,
            ham=_field(values, "ham", int),
            ham_lost=_field(values, "ham_lost", int),
            ham_lost_upper=_field(values, "ham_lost_upper", float),
            spam=_field(values, "spam", int),
            spam_caught=_field(values, "spam_caught", int),
            precision=math.nan
            if values.get("precision") is None
            else _field(values, "precision", float),
            spam_share=_field(values, "spam_share", float),
            missing_ham=_field(values, "missing_ham", int),
        )


def _field(values: Mapping[str, object], key: str, kind: type[_Plain]) -> _Plain:
    value = values.get(key)
    if kind is float and type(value) is int:
        value = float(value)  # JSON may have dropped the ".0"
    # The exact type: True is an int to isinstance, and no count.
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise ModelFormatError(
            f"A stored threshold is damaged: {key} must be of type {kind.__name__}."
        )
    return value


def ham_needed(rate: float, confidence: float = 0.95) -> int:
    """Return how many ham comments, none of them lost, support "at most `rate` lost".

    It is the smallest n with ``1 - (1 - rate) ** n >= confidence``.

    Parameters
    ----------
    rate : float
        Largest share of ham lost, strictly between 0 and 1.
    confidence : float, default 0.95

    Examples
    --------
    >>> ham_needed(0.001)
    2995
    """
    share = checked_share("rate", rate)
    return math.ceil(math.log(1 - checked_share("confidence", confidence)) / math.log1p(-share))


def threshold_for_max_ham_lost(
    log_odds: ArrayLike,
    y: ArrayLike,
    rate: float,
    confidence: float = 0.95,
    *,
    spam_share: float | None = None,
) -> Threshold:
    """Return the lowest threshold that loses at most `rate` of ham.

    It lies just above the k-th largest log-odds of n ham comments. For any
    distribution, the share of future ham at or above it is at most Beta(k, n - k + 1)
    (Wilks 1941). k is the largest that stays within `rate` with the given confidence.
    It depends on n alone, so choosing it costs no confidence.

    Parameters
    ----------
    log_odds : array_like, shape (n,)
        Of comments the model was not fitted on.
    y : array_like of {0, 1}, shape (n,)
    rate : float
        Largest share of ham lost, strictly between 0 and 1.
    confidence : float, default 0.95
    spam_share : float, optional
        Share of spam for the precision; by default the one in `y`.

    Returns
    -------
    Threshold
        Unsupported below ``ham_needed(rate, confidence)`` ham comments.
    """
    promise = Promise("max_ham_lost", rate, confidence)
    sample = _Sample.of(log_odds, y, spam_share)
    n = len(sample.ham)
    needed = ham_needed(promise.value, promise.confidence)
    if n < needed:
        return sample.unsupported(promise, needed - n)

    def minus_confidence(k: int) -> float:
        return -binomial_tail(k, n, promise.value)

    k = bisect_right(range(1, n + 1), -promise.confidence, key=minus_confidence)
    lost = max(k, 1) - 1  # at n >= needed k is 1 or more, whatever rounding says
    return sample.threshold(promise, lost, binomial_upper(lost, n, promise.confidence))


def threshold_for_min_precision(
    log_odds: ArrayLike,
    y: ArrayLike,
    precision: float,
    spam_share: float | None = None,
    confidence: float = 0.95,
) -> Threshold:
    """Return the lowest threshold whose precision is at least `precision`.

    With a share s of spam, catching a share r of it and losing a share f of ham gives
    a precision of ``s r / (s r + (1 - s) f)``. Its bound comes from the exact upper
    bound on f and the exact lower bound on r.

    The lowest of many passing thresholds passes partly by luck: if every ham comment
    is tried with single-test bounds, the promise broke in up to 3 of 10 simulated
    draws instead of 1 in 20. So only the thresholds that lose 0, 1, 2, 4, 8 ... ham
    comments are tried, and the error is divided among them (Bonferroni).

    Parameters
    ----------
    log_odds : array_like, shape (n,)
        Of comments the model was not fitted on.
    y : array_like of {0, 1}, shape (n,)
    precision : float
        Strictly between 0 and 1.
    spam_share : float, optional
        The site's own share of spam, strictly between 0 and 1; by default the one
        in `y`, or one half where a class is missing.
    confidence : float, default 0.95

    Returns
    -------
    Threshold
        Where unsupported, `missing_ham` estimates how many more ham comments are
        needed if the shares at each threshold stay the same.
    """
    promise = Promise("min_precision", precision, confidence)
    sample = _Sample.of(log_odds, y, spam_share)
    n = len(sample.ham)
    case = _PrecisionCase(promise, sample.spam_share, len(sample.spam))
    # Without ham there is no threshold to try; assume that all spam would be caught.
    seen = [(lost, sample.caught(lost)) for lost in case.losses_tried(n) or [0]]
    for lost, caught in reversed(seen):
        if n and case.proves(lost, n, caught):
            return sample.threshold(promise, lost, case.ham_lost_upper(lost, n))
    return sample.unsupported(promise, case.missing_ham(n, seen))


@dataclass(frozen=True, slots=True)
class _PrecisionCase:
    """The evidence that a precision needs, given the spam."""

    promise: Promise
    spam_share: float
    spam: int

    @property
    def odds(self) -> float:
        """The precision is met where (share of ham lost) <= odds * recall."""
        s, precision = self.spam_share, self.promise.value
        return s * (1 - precision) / ((1 - s) * precision)

    def losses_tried(self, n: int) -> list[int]:
        """Return 0, 1, 2, 4 ... as far as `n` ham and perfect recall could support."""
        most = min(n - 1, int(n * min(self.odds, 1)))
        return [0][:n] + [2**i for i in range(max(most, 0).bit_length())]

    def error(self, n: int) -> float:
        return (1 - self.promise.confidence) / max(len(self.losses_tried(n)), 1)

    def ham_lost_upper(self, lost: int, n: int) -> float:
        return binomial_upper(lost, n, 1 - self.error(n) * _HAM_PART)

    def proves(self, lost: int, n: int, caught: int) -> bool:
        recall = binomial_lower(caught, self.spam, 1 - self.error(n) * (1 - _HAM_PART))
        # Equivalent to comparing the upper bound on the ham lost, without inverting the tail.
        share = self.odds * recall
        return binomial_tail(lost + 1, n, share) >= 1 - self.error(n) * _HAM_PART or share >= 1

    def missing_ham(self, n: int, seen: list[tuple[int, int]]) -> int:
        """Return how much more ham proves the precision at constant shares; 0 if none does."""

        def enough(total: int, lost: int, caught: int) -> bool:
            scaled = -(-total * lost // max(n, 1))  # rounded up, without floats
            return self.proves(scaled, total, caught)

        totals = range(n + 1, _MOST_HAM)
        answers = [
            bisect_left(totals, True, key=partial(enough, lost=lost, caught=caught)) + 1
            for lost, caught in seen
            if enough(_MOST_HAM, lost, caught)
        ]
        return min(answers, default=0)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Labelled log-odds: ham from the highest down, spam in any order."""

    ham: Floats
    spam: Floats
    spam_share: float

    @classmethod
    def of(cls, log_odds: ArrayLike, y: ArrayLike, spam_share: float | None) -> _Sample:
        spam, values = checked_pair(y, log_odds, "log_odds")
        if spam_share is not None:
            share = checked_share("spam_share", spam_share)
        else:
            share = float(spam.mean()) if spam.any() and not spam.all() else 0.5
        return cls(np.sort(values[~spam])[::-1], values[spam], share)

    def cut(self, lost: int) -> float:
        """Return the lowest cut that loses at most `lost` of the ham here."""
        if len(self.ham) == 0:
            return -math.inf
        return math.nextafter(float(self.ham[lost]), math.inf)

    def caught(self, lost: int) -> int:
        return int((self.spam >= self.cut(lost)).sum())

    def threshold(self, promise: Promise, lost: int, upper: float) -> Threshold:
        cut = self.cut(lost)
        ham_lost, caught = int((self.ham >= cut).sum()), self.caught(lost)
        blocked = (1 - self.spam_share) * ham_lost / len(self.ham)
        right = self.spam_share * caught / len(self.spam) if len(self.spam) else math.nan
        return Threshold(
            promise=promise,
            log_odds=cut,
            supported=True,
            ham=len(self.ham),
            ham_lost=ham_lost,
            ham_lost_upper=upper,
            spam=len(self.spam),
            spam_caught=caught,
            precision=right / (right + blocked) if right + blocked else math.nan,
            spam_share=self.spam_share,
            missing_ham=0,
        )

    def unsupported(self, promise: Promise, missing: int) -> Threshold:
        return Threshold(
            promise=promise,
            log_odds=math.inf,
            supported=False,
            ham=len(self.ham),
            ham_lost=0,
            ham_lost_upper=binomial_upper(0, len(self.ham), promise.confidence),
            spam=len(self.spam),
            spam_caught=0,
            precision=math.nan,
            spam_share=self.spam_share,
            missing_ham=missing,
        )


def ham_lost_by_group(
    log_odds: ArrayLike,
    y: ArrayLike,
    groups: Iterable[Hashable],
    cut: float,
    confidence: float = 0.95,
) -> dict[Hashable, tuple[int, int, float]]:
    """Return how much ham a threshold loses in each group, such as a blog or language.

    A promise kept overall may be broken on one blog. Each bound holds for its group
    alone: of twenty at 95 %, expect one to fail.

    Parameters
    ----------
    log_odds : array_like, shape (n,)
    y : array_like of {0, 1}, shape (n,)
    groups : iterable of hashable, length n
    cut : float
        Compared with >=; infinity loses nothing.
    confidence : float, default 0.95
        Of the one-sided upper bound.

    Returns
    -------
    dict of group to (int, int, float)
        Ham lost, ham seen and the exact upper bound on the share lost, 0 to 1, in
        order of appearance; groups without ham are left out.
    """
    counts = count_ham_lost(log_odds, y, groups, cut)
    return {name: (k, n, binomial_upper(k, n, confidence)) for name, (k, n) in counts.items()}


def refuting_groups(
    log_odds: ArrayLike,
    y: ArrayLike,
    groups: Iterable[Hashable],
    cut: float,
    rate: float,
    confidence: float = 0.95,
) -> list[Hashable]:
    """Return the groups whose ham refutes that `cut` loses at most `rate`.

    A group refutes the promise where the exact one-sided lower bound on its share of
    ham lost (Clopper and Pearson 1934) is above `rate`. Each group is tested alone, so
    some of many do so by chance, and a small group that does not may still be unsafe.

    Parameters
    ----------
    log_odds : array_like, shape (n,)
        Of comments the model was not fitted on.
    y : array_like of {0, 1}, shape (n,)
    groups : iterable of hashable, length n
        Such as each comment's blog.
    cut : float
        Compared with >=; such as the `log_odds` of a supported `Threshold`.
    rate : float
        Largest share of ham lost, strictly between 0 and 1.
    confidence : float, default 0.95
        Of the one-sided lower bound.

    Returns
    -------
    list
        In order of appearance.
    """
    share, level = checked_share("rate", rate), checked_share("confidence", confidence)
    counts = count_ham_lost(log_odds, y, groups, cut)
    # The lower bound exceeds the rate exactly where so large a loss is this improbable.
    return [name for name, (k, n) in counts.items() if binomial_tail(k, n, share) < 1 - level]


def count_ham_lost(
    log_odds: ArrayLike, y: ArrayLike, groups: Iterable[Hashable], cut: float
) -> dict[Hashable, tuple[int, int]]:
    """Return the ham lost and the ham seen for each group that has ham."""
    spam, values = checked_pair(y, log_odds, "log_odds")
    names = list(groups)
    if len(names) != len(values):
        raise InputError(f"groups has {len(names)} rows and log_odds has {len(values)}.")
    if math.isnan(cut):
        raise InputError("cut is NaN; pass the log_odds of a Threshold.")
    seen = Counter(compress(names, ~spam))
    lost: Counter[Hashable] = Counter(compress(names, ~spam & (values >= cut)))
    return {name: (lost[name], n) for name, n in seen.items()}
