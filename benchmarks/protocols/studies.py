"""The longer protocols: one site over time, panels, attacks, feature families."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.protocols.held_out import UNSEEN_BLOGS, HeldOut, prepare
from spamguard.analysis.report import (
    F64,
    LABELS,
    Result,
    attacked,
    beside_untouched,
    curve,
    some_of_each,
)
from spamguard.corpus import comments_of, dataset_cards
from spamguard.evaluation.metrics import clopper_pearson, recall_at_fpr, roc_auc
from spamguard.features import FAMILIES, count_languages, languages_known
from spamguard.model import Cuts, SpamModel
from spamguard.progress import Watch, ignore_progress
from spamguard.scoring import in_order
from spamguard.training.recipe import (
    LANGUAGE_HAM,
    Material,
    Recipe,
    Settings,
    blog_folds,
    calibration,
    cuts_for,
    doubtful,
    fit_rows,
    out_of_fold,
)
from spamguard.training.tricks import ATTACKS

HELD_OUT_LANGUAGES: Final = ("fr", "pt", "zh", "ru", "id")
_GROUPS: Final = 4  # blogs held out together, to limit the number of models


# --- panels -------------------------------------------------------------------------


def ham_panels(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> Result:
    """Ham lost in every set and language, by models that never saw the source.

    Sources are held out in folds; a fold's calibration and thresholds come from the other
    folds. For each of `HELD_OUT_LANGUAGES` a further model is trained without that
    language. The recipe's background sets are not wholly unseen: word frequencies and some
    spam's padding come from them in every fold.
    """
    watch = watch or ignore_progress
    prepared = prepare(directory, recipe, (), n_jobs)
    frame, material, settings = prepared.frame, prepared.material, prepared.settings
    trusted = np.ones(len(material), bool)
    first = out_of_fold(material, trusted, settings, watch, n_jobs)
    slope, shift = calibration(first, material, settings)
    trusted = ~doubtful(slope * first + shift, material, settings)
    raw = out_of_fold(material, trusted, settings, watch, n_jobs)
    labels = _cross_fitted_labels(raw, trusted, material, settings)
    whole = ~material.bare
    cards = dataset_cards()
    held_out = _languages_held_out(raw, trusted, material, settings, watch, n_jobs)
    rows = [
        _panel(name, labels, material, whole & (material.source == name)) for name in recipe.sets
    ]
    for row in rows:
        row["languages"] = list(cards[row["set"]].languages)
    return {
        "protocol": "panels",
        "comments": len(frame),
        "macro": _by_language(rows),
        "rows": [row for row in rows if row["ham"] >= 20],
        "languages_held_out": held_out,
    }


def _cross_fitted_labels(
    raw: F64, trusted: NDArray[np.bool_], material: Material, settings: Settings
) -> NDArray[np.str_]:
    """Return each row's label, or "discard", by thresholds from the other folds."""
    fold = blog_folds(material.blog, settings.folds, settings.seed)
    labels = np.full(len(raw), "discard")
    for k in np.unique(fold):
        slope, shift, cuts, known = _fitted_on(fold != k, raw, trusted, material, settings)
        here = fold == k
        log_odds = slope * raw[here] + shift
        told = cuts.labels(log_odds, material.rows.languages[here], known)
        dropped = (told == "spam") & (
            log_odds >= (np.inf if cuts.discard is None else cuts.discard)
        )
        labels[here] = np.where(dropped, "discard", told)
    return labels


def _fitted_on(
    here: NDArray[np.bool_],
    raw: F64,
    trusted: NDArray[np.bool_],
    material: Material,
    settings: Settings,
) -> tuple[float, float, Cuts, frozenset[str]]:
    """Return slope, shift, thresholds and known languages from the rows `here`."""
    learned = here & trusted
    slope, shift = calibration(raw[learned], material.facts(learned), settings)
    chosen = here & ~material.bare
    cuts, _ = cuts_for(slope * raw[chosen] + shift, material.facts(chosen), settings)
    learned &= ~material.bare
    counts = count_languages(material.rows.languages[learned], material.spam[learned])
    return slope, shift, cuts, languages_known(counts, LANGUAGE_HAM)


def _languages_held_out(
    raw: F64,
    trusted: NDArray[np.bool_],
    material: Material,
    settings: Settings,
    watch: Watch,
    n_jobs: int | None,
) -> list[Result]:
    work = (
        joblib.delayed(_language_held_out)(language, raw, trusted, material, settings)
        for language in HELD_OUT_LANGUAGES
    )
    rows = _in_order(work, len(HELD_OUT_LANGUAGES), watch, n_jobs)
    return [row for row in rows if row["ham"] + row["spam"]]


def _language_held_out(
    language: str,
    raw: F64,
    trusted: NDArray[np.bool_],
    material: Material,
    settings: Settings,
) -> Result:
    """Label one language's rows by a model trained without that language.

    Calibration and thresholds come from the folds' scores of the other rows.
    """
    cards = dataset_cards()
    own = [name for name in np.unique(material.source) if cards[name].languages == (language,)]
    out = np.isin(material.source, own) | (material.rows.languages == language)
    slope, shift, cuts, known = _fitted_on(~out, raw, trusted, material, settings)
    model = fit_rows(material.take(np.flatnonzero(~out & trusted)), settings)
    tested = np.flatnonzero(out & ~material.bare)
    log_odds = slope * model.decision_function(material.rows[tested]) + shift
    languages = material.rows.languages[tested]
    found: Result = {"language": language}
    for side, spam in (("ham", False), ("spam", True)):
        here = material.spam[tested] == spam
        found[side] = int(here.sum())
        found[f"{side}_told"] = _exact_share(languages[here] == language)
        for words, guard in (("", known), ("_without_guard", frozenset[str]())):
            labels = cuts.labels(log_odds[here], languages[here], guard)
            for label in ("spam", "unsure", "ham"):
                found[f"{side}_called_{label}{words}"] = _exact_share(labels == label)
    return found


_BLOCKED = ("spam", "discard")


def _panel(
    name: str, labels: NDArray[np.str_], material: Material, here: NDArray[np.bool_]
) -> dict[str, Any]:
    ham, spam = labels[here & ~material.spam], labels[here & material.spam]
    return {
        "set": name,
        "ham": len(ham),
        "ham_blocked": _exact_share(np.isin(ham, _BLOCKED)),
        "ham_discarded": _exact_share(ham == "discard"),
        "ham_unsure": _exact_share(ham == "unsure"),
        "spam": len(spam),
        "spam_caught": _exact_share(np.isin(spam, _BLOCKED)),
        "spam_discarded": _exact_share(spam == "discard"),
    }


def _by_language(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pool the sets of each language, except multilingual sets."""
    pooled: dict[str, list[float]] = {}
    for row in rows:
        if len(row["languages"]) == 1 and row["ham"]:
            total = pooled.setdefault(row["languages"][0], [0.0, 0.0])
            total[0] += row["ham"] * row["ham_blocked"]["value"]
            total[1] += row["ham"]
    return {
        language: {"ham": int(n), "ham_blocked": round(lost / n, 5)}
        for language, (lost, n) in sorted(pooled.items())
    }


# --- families -------------------------------------------------------------------------


def ablation(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
    *,
    prepared: HeldOut | None = None,
) -> Result:
    """Leave each family out, and use each alone, on unseen blogs."""
    held_out = prepared or prepare(directory, recipe, UNSEEN_BLOGS, n_jobs)
    names = (*FAMILIES, "ngrams")
    sets: dict[str, tuple[str, ...] | None] = {"all": None}
    sets |= {f"without {n}": tuple(f for f in names if f != n) for n in names}
    sets |= {f"{n} alone": (n,) for n in names}
    groups = [UNSEEN_BLOGS[i::_GROUPS] for i in range(min(_GROUPS, len(UNSEEN_BLOGS)))]
    work = (
        joblib.delayed(_with_families)(held_out, blogs, families)
        for families in sets.values()
        for blogs in groups
    )
    found = _in_order(work, len(sets) * len(groups), watch, n_jobs)
    rows = []
    for i, name in enumerate(sets):
        blogs = np.array(
            [pair for part in found[i * len(groups) :][: len(groups)] for pair in part]
        )
        auc, recall = blogs.mean(axis=0).tolist()
        rows.append({"families": name, "auc": round(auc, 5), "recall_at_1pct": round(recall, 5)})
    return {"protocol": "ablation", "macro": rows[0], "rows": rows}


def _with_families(
    held_out: HeldOut, blogs: Sequence[str], families: tuple[str, ...] | None
) -> list[tuple[float, float]]:
    """Return ROC-AUC and recall at 1 % on each of the held-out `blogs`."""
    material = held_out.material
    train = np.flatnonzero(held_out.learned_from & ~np.isin(material.blog, list(blogs)))
    model = fit_rows(material.take(train), held_out.settings, families)
    found = []
    for blog in blogs:
        test = held_out.test_rows(blog)
        log_odds, y = model.decision_function(material.rows[test]), material.spam[test].astype(int)
        found.append((roc_auc(y, log_odds), recall_at_fpr(y, log_odds, 0.01)))
    return found


# --- a site over time, and attacks ---------------------------------------------------------


def site_labels(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
    *,
    prepared: HeldOut | None = None,
) -> Result:
    """Measure the gain from the first N labels of an unseen blog, in time order.

    All N share a blog's test rows: those after the largest N that leaves at least half.
    """
    held_out = prepared or prepare(directory, recipe, UNSEEN_BLOGS, n_jobs)
    models = held_out.learn(UNSEEN_BLOGS, watch, n_jobs)
    dates = pd.to_datetime(
        held_out.frame["date"], errors="coerce", utc=True, format="mixed"
    ).to_numpy()
    work = (
        joblib.delayed(_learning_curve)(held_out, blog, models[blog], dates)
        for blog in UNSEEN_BLOGS
    )
    rows = _in_order(work, len(UNSEEN_BLOGS), watch, n_jobs)
    macro = {
        f"{key} after {n}": round(
            float(np.nanmean([row["labels"].get(str(n), {}).get(key, np.nan) for row in rows])), 5
        )
        for n in LABELS
        for key in ("auc", "recall_at_1pct")
    }
    return {"protocol": "labels", "macro": macro, "rows": rows}


def _learning_curve(
    held_out: HeldOut, blog: str, base: SpamModel, dates: NDArray[Any]
) -> dict[str, Any]:
    material, own = held_out.material, held_out.test_rows(blog)
    own = own[np.argsort(dates[material.origin[own]], kind="stable")]
    spam = material.spam[own]
    steps, test, judged = curve(base, material.rows[own], spam, LABELS)
    y = spam[test:].astype(int)
    found = {
        str(n): {
            "auc": round(roc_auc(y, log_odds), 5),
            "recall_at_1pct": round(recall_at_fpr(y, log_odds, 0.01), 5),
        }
        for n, log_odds in zip(steps, judged, strict=True)
    }
    return {"blog": blog, "tested": len(y), "spam": int(y.sum()), "labels": found}


def robustness(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
    *,
    prepared: HeldOut | None = None,
) -> Result:
    """Measure the cost of each attack on unseen blogs, in spam missed and ham lost.

    Recall is taken at the threshold that loses 1 % of the blog's untouched ham, all else at
    the model's thresholds.
    """
    held_out = prepared or prepare(directory, recipe, UNSEEN_BLOGS, n_jobs)
    models = held_out.learn(UNSEEN_BLOGS, watch, n_jobs)
    work = (joblib.delayed(_attacked)(held_out, blog, models[blog]) for blog in UNSEEN_BLOGS)
    parts = _in_order(work, len(UNSEEN_BLOGS), watch, n_jobs)
    names = ("none", *ATTACKS)
    means = {
        name: {key: float(np.mean([part[name][key] for part in parts])) for key in parts[0][name]}
        for name in names
    }
    return {"protocol": "robustness", **beside_untouched(means)}


def _attacked(held_out: HeldOut, blog: str, model: SpamModel) -> dict[str, dict[str, float]]:
    material, test = held_out.material, held_out.test_rows(blog)
    rng = np.random.default_rng(held_out.settings.seed)
    spam = material.spam[test]
    both = test[some_of_each(spam, rng)]
    ham = model.decision_function(material.rows[test[~spam]])
    comments = comments_of(held_out.frame.iloc[material.origin[both]])
    return attacked(model, comments, material.spam[both], ham, rng)


# --- shared ---------------------------------------------------------------------------


def _exact_share(hits: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = clopper_pearson(int(hits.sum()), len(hits))
    return {
        "value": round(float(hits.mean()), 5) if len(hits) else None,
        "low": round(low, 5),
        "high": round(high, 5),
        "n": len(hits),
    }


def _in_order(
    work: Iterable[Any], total: int, watch: Watch | None, n_jobs: int | None
) -> list[Any]:
    """Return the results of the delayed calls in order, and report progress."""
    found = []
    for part in in_order(work, n_jobs):
        found.append(part)
        (watch or ignore_progress)("held out", len(found), total)
    return found
