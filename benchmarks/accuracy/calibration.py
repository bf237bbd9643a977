"""Compare methods that turn held-out scores into probabilities on another blog.

Three of the twelve blogs are held out at a time. The first figure is for the
training blogs, each left out of the calibration in turn; it decided which method
is shipped. The second is for the held-out blogs and had no influence.

Usage: python benchmarks/accuracy/calibration.py DATASETS RESULT.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from benchmarks.protocols.held_out import UNSEEN_BLOGS, prepare
from spamguard.evaluation.metrics import ece
from spamguard.storage import find_model
from spamguard.training import recipe as training
from spamguard.training.recipe import Material, Recipe, Settings, row_weights
from spamguard.training.solver import fit_logistic

F64 = NDArray[np.float64]
Curve = Callable[[F64], F64]
LEAST = 30  # comments of each class that a blog needs to be measured


def sigmoid(z: F64) -> F64:
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def of_facts(material: Material, chosen: NDArray[np.bool_]) -> Material:
    return replace(
        material, spam=material.spam[chosen], source=material.source[chosen],
        blog=material.blog[chosen], post=material.post[chosen],
    )  # fmt: skip


def fitted(terms: Callable[[F64], F64], scores: F64, spam: Any, weight: F64) -> Curve:
    from scipy.sparse import csr_matrix

    slopes, shift = fit_logistic(csr_matrix(terms(scores)), spam, weight, 1e-9, tol=1e-10)
    return lambda z: sigmoid(terms(z) @ slopes + shift)


def line(scores: F64) -> F64:
    return scores[:, None]


def platt(scores: F64, facts: Material, settings: Settings) -> Curve:
    return fitted(line, scores, facts.spam, row_weights(facts, settings))


def alike(scores: F64, facts: Material, settings: Settings) -> Curve:
    return platt(scores, facts, replace(settings, class_power=1.0))


def unweighted(scores: F64, facts: Material, settings: Settings) -> Curve:
    return platt(scores, facts, replace(settings, class_power=0.0))


def as_they_come(scores: F64, facts: Material, settings: Settings) -> Curve:
    weight = row_weights(facts, settings)
    for side in (facts.spam, ~facts.spam):  # undo the equal weight of ham and spam
        weight[side] *= side.sum() / weight[side].sum()
    return fitted(line, scores, facts.spam, weight)


def moderated(scores: F64, facts: Material, settings: Settings) -> Curve:
    own = np.char.startswith(facts.source, "modblog-")
    return platt(scores[own], of_facts(facts, own), settings)


def beta(scores: F64, facts: Material, settings: Settings) -> Curve:
    first = platt(scores, facts, settings)

    def terms(z: F64) -> F64:
        p = first(z)
        return np.column_stack([np.log(p + 1e-12), -np.log(1 - p + 1e-12)])

    return fitted(terms, scores, facts.spam, row_weights(facts, settings))


def bent(scores: F64, facts: Material, settings: Settings) -> Curve:
    scale = float(scores.std())

    def terms(z: F64) -> F64:
        return np.column_stack([z, scale * np.arctan(2 * z / scale)])

    return fitted(terms, scores, facts.spam, row_weights(facts, settings))


def isotonic(scores: F64, facts: Material, settings: Settings) -> Curve:
    model = IsotonicRegression(y_min=0.0005, y_max=0.9995, out_of_bounds="clip")
    model.fit(scores, facts.spam, sample_weight=row_weights(facts, settings))
    return lambda z: np.asarray(model.predict(z))


WAYS: dict[str, Callable[[F64, Material, Settings], Curve]] = {
    "Platt, on all sets": platt,
    "Platt, equal weight for every set": alike,
    "Platt, equal weight for every comment": unweighted,
    "Platt, ham and spam at their natural shares": as_they_come,
    "Platt, on moderated blogs only": moderated,
    "Platt with a curved term": bent,
    "beta": beta,
    "isotonic": isotonic,
}


def inside(scores: F64, facts: Material, settings: Settings) -> dict[str, list[float]]:
    """Return each method's error on every training blog, left out of the calibration in turn."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for source in np.unique(facts.source[np.char.startswith(facts.source, "modblog-")]):
        own = facts.source == source
        spam = facts.spam[own]
        if min(spam.sum(), (~spam).sum()) < LEAST:
            continue
        rest = of_facts(facts, ~own)
        for name, way in WAYS.items():
            curve = way(scores[~own], rest, settings)
            found[name].append(ece(spam.astype(int), curve(scores[own])))
    return found


def main(directory: str, target: str) -> None:
    held = prepare(directory, Recipe.read(find_model("default") / "recipe.toml"), UNSEEN_BLOGS, 2)
    material, settings = held.material, held.settings
    chosen: dict[str, list[float]] = {name: [] for name in WAYS}
    unseen: dict[str, list[float]] = {name: [] for name in WAYS}
    chance, rng = [], np.random.default_rng(settings.seed)
    for three in (UNSEEN_BLOGS[k::4] for k in range(4)):
        rows = np.flatnonzero(held.learned_from & ~np.isin(material.blog, three))
        part = material.take(rows)
        # As in `training.learn`, except for the last step.
        trusted = np.ones(len(part), bool)
        scores = training.out_of_fold(part, trusted, settings, n_jobs=2)
        slope, shift = training.calibration(scores, part, settings)
        trusted = ~training.doubtful(slope * scores + shift, part, settings)
        scores = training.out_of_fold(part, trusted, settings, n_jobs=2)[trusted]
        facts = of_facts(part, trusted)
        model = training.fit_rows(part.take(np.flatnonzero(trusted)), settings)
        for name, errors in inside(scores, facts, settings).items():
            chosen[name] += errors
        curves = {name: way(scores, facts, settings) for name, way in WAYS.items()}
        for blog in three:
            tested = held.test_rows(blog)
            spam, z = material.spam[tested], model.decision_function(material.rows[tested])
            for name, curve in curves.items():
                unseen[name].append(ece(spam.astype(int), curve(z)))
            p = curves["Platt, on moderated blogs only"](z)
            drawn = rng.random((50, len(p))) < p
            chance.append(float(np.mean([ece(one.astype(int), p) for one in drawn])))
        print(three, {name: round(float(np.mean(v)), 4) for name, v in unseen.items()}, flush=True)
    result = {
        "protocol": "calibration",
        "macro": {"ece_by_chance": round(float(np.mean(chance)), 5)},
        "rows": [
            {
                "way": name,
                "ece_of_blogs_learned_from": round(float(np.mean(chosen[name])), 5),
                "ece": round(float(np.mean(unseen[name])), 5),
            }
            for name in WAYS
        ],
    }
    Path(target).write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
