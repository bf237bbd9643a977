"""The held-out blogs, and a corpus prepared for testing on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spamguard.errors import CorpusError
from spamguard.model import SpamModel
from spamguard.progress import Watch
from spamguard.scoring import in_order
from spamguard.training.recipe import (
    Material,
    Recipe,
    Settings,
    background_of,
    capped,
    gather,
    learn,
)

UNSEEN_BLOGS: Final = (
    "astrotime", "benbalter", "edwinwenink", "gabeluci", "haacked", "hajekj", "hendrixjoseph",
    "jdieter", "maartenballiauw", "spinningnumbers", "stephencleary", "travisdowns",
)  # fmt: skip
"""Moderated blogs with enough of both classes to measure on."""


@dataclass(slots=True)
class HeldOut:
    """A corpus prepared for held-out blogs, and the models that never saw them."""

    frame: pd.DataFrame
    material: Material
    learned_from: NDArray[np.bool_]  # rows within the recipe's caps; test blogs keep all
    settings: Settings
    models: dict[str, SpamModel] = field(default_factory=dict)  # by held-out blog

    def train_rows(self, blog: str) -> NDArray[np.intp]:
        """Return the training rows when `blog` is the test."""
        return np.flatnonzero(self.learned_from & (self.material.blog != blog))

    def test_rows(self, blog: str) -> NDArray[np.intp]:
        """Return all rows of `blog`."""
        own = self.material.source == f"modblog-{blog}"
        return np.flatnonzero(own & ~self.material.bare)

    def learn(
        self, blogs: Sequence[str], watch: Watch | None = None, n_jobs: int | None = None
    ) -> dict[str, SpamModel]:
        """Return, for each of `blogs`, the model trained on every other source; each trains once."""
        missing = [blog for blog in blogs if blog not in self.models]
        work = (
            joblib.delayed(_learned)(self.material, self.train_rows(blog), self.settings)
            for blog in missing
        )
        parts = in_order(work, n_jobs)
        for done, (blog, model) in enumerate(zip(missing, parts, strict=True), 1):
            self.models[blog] = model
            if watch is not None:
                watch("blogs", done, len(missing))
        return {blog: self.models[blog] for blog in blogs}


def _learned(material: Material, rows: NDArray[np.intp], settings: Settings) -> SpamModel:
    return learn(material.take(rows), settings).model


def prepare(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    blogs: Sequence[str],
    n_jobs: int | None = None,
) -> HeldOut:
    """Read and vectorize a recipe's sets once for protocols that test on `blogs`.

    Raises CorpusError if a set is missing, or the recipe has none for one of `blogs`.
    """
    frame, learned_from = select(directory, recipe, blogs)
    # Where no background set is left, all that remains is one; a tested blog never is.
    others = frame[~frame["blog"].isin(list(blogs))]
    background, padding = background_of(_without(recipe, blogs, frame), others)
    material = gather(frame, background, recipe.settings, padding, n_jobs)
    return HeldOut(frame, material, learned_from[material.origin], recipe.settings)


def select(
    directory: str | os.PathLike[str] | None, recipe: Recipe, blogs: Sequence[str]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """As `prepare`, without vectorizing: return the corpus and a mask of its training rows."""
    frame = recipe.load(directory)
    unknown = [b for b in blogs if not (frame["dataset"] == f"modblog-{b}").any()]
    if unknown:
        raise CorpusError(f"the recipe has no comments of {', '.join(unknown)} to test on.")
    tested = frame["dataset"].isin([f"modblog-{blog}" for blog in blogs])
    kept = capped(frame, recipe.settings).index
    frame = frame.loc[kept.union(frame.index[tested])]
    return frame, np.asarray(frame.index.isin(kept), dtype=bool)


def _without(recipe: Recipe, blogs: Iterable[str], frame: pd.DataFrame) -> Recipe:
    """Keep the test blogs' sets out of the recipe's background."""
    own = set(frame.loc[frame["blog"].isin(list(blogs)), "dataset"])
    return replace(recipe, background=tuple(n for n in recipe.background if n not in own))
