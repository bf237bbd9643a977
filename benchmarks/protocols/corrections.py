"""The gain from immediate corrections and from chosen labels, on unseen blogs."""

from __future__ import annotations

import os
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.protocols.held_out import UNSEEN_BLOGS, HeldOut, prepare
from spamguard.analysis.report import Result, site_model
from spamguard.corpus import campaigns_of, comments_of
from spamguard.evaluation.metrics import recall_at_fpr, roc_auc
from spamguard.model import SpamModel
from spamguard.progress import Watch, ignore_progress
from spamguard.training.online import SiteWeights
from spamguard.training.queue import chosen_of
from spamguard.training.recipe import Recipe

F64 = NDArray[np.float64]

DECISIONS: Final = (10, 30, 100)
_DRAWS: Final = 5  # of random labels, for comparison


def moderation(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
    *,
    prepared: HeldOut | None = None,
) -> Result:
    """Measure the gain from corrections and from chosen labels on unseen blogs.

    Corrections: a blog's comments come in time order, and the site's own weights learn each
    error before the next comment. Chosen labels: N comments of a blog's older half are
    labelled, in the order of `review_order` or at random; the newer half is the test.
    """
    held_out = prepared or prepare(directory, recipe, UNSEEN_BLOGS, n_jobs)
    models = held_out.learn(UNSEEN_BLOGS, watch, n_jobs)
    dates = pd.to_datetime(held_out.frame["date"], errors="coerce", utc=True, format="mixed")
    work = (
        joblib.delayed(_of_blog)(held_out, blog, models[blog], dates.to_numpy())
        for blog in UNSEEN_BLOGS
    )
    rows = []
    for row in joblib.Parallel(n_jobs=n_jobs, return_as="generator")(work):
        rows.append(row)
        (watch or ignore_progress)("blogs", len(rows), len(UNSEEN_BLOGS))
    macro = {
        f"{what}_{when}": round(float(np.mean([row["corrected"][when][what] for row in rows])), 5)
        for what in ("ham_lost", "spam_missed")
        for when in ("before", "after")
    }
    macro |= {
        f"{how} {n} {figure}": round(
            float(
                np.nanmean(
                    [row["labels"].get(str(n), {}).get(f"{how}_{figure}", np.nan) for row in rows]
                )
            ),
            5,
        )
        for n in DECISIONS
        for how in ("chosen", "random")
        for figure in ("auc", "recall_at_1pct")
    }
    return {"protocol": "moderation", "macro": macro, "rows": rows}


def _of_blog(held_out: HeldOut, blog: str, base: SpamModel, dates: NDArray[Any]) -> dict[str, Any]:
    material, own = held_out.material, held_out.test_rows(blog)
    own = own[np.argsort(dates[material.origin[own]], kind="stable")]
    corrections, corrected = _corrected(held_out, own, base)
    return {
        "blog": blog,
        "comments": len(own),
        "corrections": corrections,
        "corrected": corrected,
        "labels": _chosen(held_out, own, base),
    }


def _corrected(
    held_out: HeldOut, own: NDArray[np.intp], base: SpamModel
) -> tuple[int, dict[str, Any]]:
    """Return the number of corrections, and the ham lost and spam missed with and without them."""
    material = held_out.material
    spam = material.spam[own]
    comments = comments_of(held_out.frame.iloc[material.origin[own]])
    rows, site = material.rows[own], SiteWeights()
    before = _labels(base, rows)
    after = before.copy()
    wanted = np.where(spam, "spam", "ham")
    corrections = 0
    for i, comment in enumerate(comments):
        if after[i] == wanted[i]:
            continue
        corrections += 1
        site.learn(base, comment, "spam" if spam[i] else "ham")
        if i + 1 < len(comments):
            after[i + 1 :] = _labels(site.applied_to(base), rows[np.arange(i + 1, len(comments))])
    found: dict[str, Any] = {}
    for when, labels in (("before", before), ("after", after)):
        found[when] = {
            "ham_lost": round(float((labels[~spam] == "spam").mean()), 5),
            "spam_missed": round(float((labels[spam] != "spam").mean()), 5),
        }
    return corrections, found


def _labels(model: SpamModel, rows: Any) -> NDArray[np.str_]:
    return model.cuts.labels(model.decision_function(rows), rows.languages, model.languages)


def _chosen(held_out: HeldOut, own: NDArray[np.intp], base: SpamModel) -> dict[str, Any]:
    """Return the gain from N labels in the order of `review_order` and at random."""
    material = held_out.material
    pool, test = own[: len(own) // 2], own[len(own) // 2 :]
    if len(np.unique(material.spam[test])) < 2:
        return {}
    texts = held_out.frame["text"].iloc[material.origin[pool]].tolist()
    _, first, sizes = np.unique(campaigns_of(texts), return_index=True, return_counts=True)
    candidates = pool[first]
    log_odds = base.decision_function(material.rows[candidates])
    order = [
        candidates[i]
        for i, _ in chosen_of(log_odds, sizes, material.rows[candidates], base, max(DECISIONS))
    ]
    random = np.random.default_rng(held_out.settings.seed)
    draws = [random.permutation(candidates) for _ in range(_DRAWS)]
    found = {}
    for n in DECISIONS:
        if n > len(candidates) // 2:
            break
        asked = _figures(held_out, base, np.array(order[:n]), test)
        by_chance = np.mean([_figures(held_out, base, draw[:n], test) for draw in draws], axis=0)
        found[str(n)] = {
            "chosen_auc": round(float(asked[0]), 5),
            "chosen_recall_at_1pct": round(float(asked[1]), 5),
            "random_auc": round(float(by_chance[0]), 5),
            "random_recall_at_1pct": round(float(by_chance[1]), 5),
        }
    return found


def _figures(
    held_out: HeldOut, base: SpamModel, labelled: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[float, float]:
    material = held_out.material
    model = site_model(base, material.rows[labelled], material.spam[labelled])
    y, log_odds = material.spam[test].astype(int), model.decision_function(material.rows[test])
    return roc_auc(y, log_odds), recall_at_fpr(y, log_odds, 0.01)
