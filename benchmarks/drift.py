"""How often a drift report cries wolf, and how small a change it hears.

False alarms: the posts of one blog are dealt into two halves at random, so
nothing has changed; every report that tells of a move is a false alarm. Beside
the report stand the same test with each comment dealt out alone, and a
Kolmogorov-Smirnov test of each column, with and without Bonferroni's
correction. Power: part of the comments of one half is replaced by spam of
another blog. Time: the earlier half of a blog against the later, where nobody
knows what moved.

Usage: python benchmarks/drift.py DIRECTORY RESULT.json
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from spamguard import default_model
from spamguard.analysis.drift import COLUMNS, SCORES, Measurement, compare, measure
from spamguard.corpus.catalogue import load_datasets
from spamguard.corpus.frame import comments_of
from spamguard.evaluation.metrics import clopper_pearson

SETS = (
    *("modblog-haacked", "modblog-jdieter", "modblog-spinningnumbers"),
    *("hamblog-evertpot", "hamblog-haacked-archive", "hamblog-stephencleary-archive"),
)
WITH_SPAM = SETS[:3]  # whose spam is put among others' comments
ALPHA, DEALS, RUNS = 0.05, 199, 30
REPLACED = (0.02, 0.05, 0.1, 0.2)
SCORED = set(SCORES)
MOST = 1_500  # comments of a blog


def part(lot: Measurement, chosen: np.ndarray) -> Measurement:
    return Measurement(lot.cells[chosen], lot.parts, lot.posts[chosen], lot.probability)


def halves(lot: Measurement, rng: np.random.Generator) -> tuple[Measurement, Measurement]:
    """Deal the posts out, about half of them to either side."""
    posts = np.unique(lot.posts)
    first = np.isin(lot.posts, rng.permutation(posts)[: len(posts) // 2])
    return part(lot, first), part(lot, ~first)


def alone(lot: Measurement) -> Measurement:
    return replace(lot, posts=np.arange(len(lot.posts)))


def ks_smallest(a: Measurement, b: Measurement) -> float:
    """Return the smallest p-value of any column, over the comments to which each applies."""
    smallest = 1.0
    for x, y in zip(a.cells.T, b.cells.T, strict=True):
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        if len(x) and len(y):
            smallest = min(smallest, float(ks_2samp(x, y, method="asymp").pvalue))
    return smallest


def replaced(
    lot: Measurement, share: float, spam: Measurement, rng: np.random.Generator
) -> Measurement:
    cells = lot.cells.copy()
    rows = rng.permutation(len(cells))[: round(share * len(cells))]
    cells[rows] = spam.cells[rng.integers(0, len(spam.cells), len(rows))]
    return replace(lot, cells=cells)


def told(a: Measurement, b: Measurement, seed: int) -> list[str]:
    return compare(a, b, alpha=ALPHA, deals=DEALS, seed=seed).moved.index.tolist()


def rate(hits: list[bool]) -> dict[str, float | int]:
    low, high = clopper_pearson(sum(hits), len(hits))
    share = sum(hits) / len(hits)
    return {"share": round(share, 4), "low": round(low, 4), "high": round(high, 4), "n": len(hits)}


def read(directory: str) -> tuple[dict[str, Measurement], dict[str, Measurement], dict[str, Any]]:
    model = default_model()
    frame = load_datasets(SETS, directory)
    moments = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed")
    lots, spam, times = {}, {}, {}
    for blog in SETS:
        own = np.flatnonzero(frame["dataset"] == blog)
        own = np.sort(np.random.default_rng(0).permutation(own)[:MOST])
        rows = frame.iloc[own]
        posts = pd.factorize(rows["post_group"])[0]
        lots[blog] = measure(comments_of(rows), posts, model)
        spam[blog] = part(lots[blog], (rows["label"] == "spam").to_numpy())
        times[blog] = moments.iloc[own].to_numpy()
    return lots, spam, times


def main() -> int:
    warnings.simplefilter("ignore", RuntimeWarning)
    directory, target = sys.argv[1:3]
    lots, spam, times = read(directory)
    quiet: dict[str, list[bool]] = {name: [] for name in ("report", "alone", "ks", "bonferroni")}
    heard: dict[float, list[list[str]]] = {share: [] for share in REPLACED}
    rows = []
    for number, (blog, lot) in enumerate(lots.items()):
        rng = np.random.default_rng(number)
        other = spam[WITH_SPAM[(number + 1) % len(WITH_SPAM)]]
        first = len(quiet["report"])
        for run in range(RUNS):
            a, b = halves(lot, rng)
            quiet["report"].append(bool(told(a, b, run)))
            quiet["alone"].append(bool(told(alone(a), alone(b), run)))
            smallest = ks_smallest(a, b)
            quiet["ks"].append(smallest <= ALPHA)
            quiet["bonferroni"].append(smallest <= ALPHA / len(COLUMNS))
            if run < RUNS // 4:
                for share in REPLACED:
                    heard[share].append(told(a, replaced(b, share, other, rng), run))
        order = pd.Series(times[blog]).rank(method="first").to_numpy()
        earlier = order <= np.nanmax(order) / 2
        moved = told(part(lot, earlier), part(lot, ~earlier), 0)
        rows.append(
            {
                "blog": blog,
                "comments": len(lot.posts),
                "posts": len(np.unique(lot.posts)),
                "false_alarms": rate(quiet["report"][first:]),
                "moved_between_halves_in_time": moved,
            }
        )
        print(blog, rows[-1]["false_alarms"], moved[:6], flush=True)
    result = {
        "protocol": "drift",
        "alpha": ALPHA,
        "deals": DEALS,
        "model": default_model().title,
        "false_alarms": {name: rate(hits) for name, hits in quiet.items()},
        "heard": [
            {
                "replaced": share,
                "any": rate([bool(names) for names in found]),
                "scores": rate([not SCORED.isdisjoint(names) for names in found]),
            }
            for share, found in heard.items()
        ],
        "rows": rows,
    }
    Path(target).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
