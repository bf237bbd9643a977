"""The schema of a named feature: name, range and meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

MISSING = math.nan
"""Value of a feature that does not apply; its contribution is zero."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A named column of the vectorizer.

    Parameters
    ----------
    name : str
        ``family_noun``.
    low, high : float
        Values are clipped to this range.
    meaning : str
        A plain description for people who read a verdict.
    reference : {"zero", "mean"}
        The value with contribution zero: 0, or the mean of the training comments
        to which the feature applies.
    accuses : bool
        Whether it may only raise the log-odds, so that a model cannot learn by
        chance that goods or a copied sentence speak for ham.
    """

    name: str
    low: float
    high: float
    meaning: str
    reference: Literal["zero", "mean"] = "zero"
    accuses: bool = False
