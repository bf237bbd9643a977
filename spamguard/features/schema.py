"""What a named feature is: its name, its range and its meaning in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

MISSING = math.nan
"""Value of a feature that does not apply; it contributes nothing either way."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One named column of the vectorizer.

    Parameters
    ----------
    name : str
        ``family_noun``.
    low, high : float
        Values are clipped to this range.
    meaning : str
        In plain words, for a person who reads a verdict.
    reference : {"zero", "mean"}
        What a contribution is measured against: nothing at all, or the mean
        of the training comments to which the feature applies.
    accuses : bool
        Whether it may only speak for spam: a model must not learn by chance
        that goods or a copied sentence speak for ham.
    """

    name: str
    low: float
    high: float
    meaning: str
    reference: Literal["zero", "mean"] = "zero"
    accuses: bool = False
