"""Blogs held out: which ones, and how a corpus is made ready for testing on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spamguard.errors import CorpusError
from spamguard.training import Material, Recipe, background_of, capped, gather

UNSEEN_BLOGS: Final = (
    "astrotime", "benbalter", "edwinwenink", "gabeluci", "haacked", "hajekj", "hendrixjoseph",
    "jdieter", "maartenballiauw", "spinningnumbers", "stephencleary", "travisdowns",
)  # fmt: skip
"""Moderated blogs with enough of both classes to measure on."""


def prepare(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    blogs: Sequence[str],
    n_jobs: int | None = None,
) -> tuple[pd.DataFrame, Material, NDArray[np.bool_]]:
    """Read and vectorize a recipe's sets once for a protocol that tests on `blogs`.

    Returns
    -------
    tuple
        The corpus, its material, and which rows of it may be learned from:
        a tested blog keeps all its rows, training takes the recipe's caps.

    Raises
    ------
    CorpusError
        If a set is missing, or the recipe has none for one of `blogs`.
    """
    frame, learned_from = select(directory, recipe, blogs)
    # Where no background set is left, all that remains is one; a tested blog never is.
    others = frame[~frame["blog"].isin(list(blogs))]
    background = background_of(_without(recipe, blogs, frame), others)
    material = gather(frame, background, recipe.settings, n_jobs)
    return frame, material, learned_from[material.origin]


def select(
    directory: str | os.PathLike[str] | None, recipe: Recipe, blogs: Sequence[str]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Read a recipe's sets for a protocol that tests on `blogs`, without vectorizing them.

    Returns
    -------
    tuple
        The corpus, and which of its rows may be learned from; see `prepare`.

    Raises
    ------
    CorpusError
        If a set is missing, or the recipe has none for one of `blogs`.
    """
    frame = recipe.load(directory)
    unknown = [b for b in blogs if not (frame["dataset"] == f"modblog-{b}").any()]
    if unknown:
        raise CorpusError(f"the recipe has no comments of {', '.join(unknown)} to test on.")
    tested = frame["dataset"].isin([f"modblog-{blog}" for blog in blogs])
    kept = capped(frame, recipe.settings).index
    frame = frame.loc[kept.union(frame.index[tested])]
    return frame, np.asarray(frame.index.isin(kept), dtype=bool)


def _without(recipe: Recipe, blogs: Iterable[str], frame: pd.DataFrame) -> Recipe:
    """Keep sets of the tested blogs out of the background, whatever the recipe says."""
    own = set(frame.loc[frame["blog"].isin(list(blogs)), "dataset"])
    return replace(recipe, background=tuple(n for n in recipe.background if n not in own))
