"""How often a drift report raises a false alarm, and how small a change it detects.

False alarms: the posts of one blog are split into two halves at random, so nothing
has changed and every reported change is a false alarm. For comparison there is the
same test on single comments, and a Kolmogorov-Smirnov test of each column, with and
without Bonferroni's correction. Power: some comments in one half are replaced by
spam from another blog. Time: the earlier half of a blog is compared with the later
half, where nobody knows what changed.

Usage: python benchmarks/false_alarms.py DIRECTORY RESULT.json
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
from spamguard.corpus import comments_of, load_datasets
from spamguard.evaluation.metrics import clopper_pearson

SETS = (
    *("modblog-haacked", "modblog-jdieter", "modblog-spinningnumbers"),
    *("hamblog-evertpot", "hamblog-haacked-archive", "hamblog-stephencleary-archive"),
)
WITH_SPAM = SETS[:3]  # blogs whose spam replaces comments of other blogs
ALPHA, DEALS, RUNS = 0.05, 199, 30
REPLACED = (0.02, 0.05, 0.1, 0.2)
SCORED = set(SCORES)
MOST = 1_500  # comments per blog


def part(comments: Measurement, chosen: np.ndarray) -> Measurement:
    return Measurement(
        comments.cells[chosen], comments.parts, comments.posts[chosen], comments.probability
    )


def halves(comments: Measurement, rng: np.random.Generator) -> tuple[Measurement, Measurement]:
    """Split the posts at random into two halves."""
    posts = np.unique(comments.posts)
    first = np.isin(comments.posts, rng.permutation(posts)[: len(posts) // 2])
    return part(comments, first), part(comments, ~first)


def alone(comments: Measurement) -> Measurement:
    return replace(comments, posts=np.arange(len(comments.posts)))


def ks_smallest(a: Measurement, b: Measurement) -> float:
    """Return the smallest p-value of any column, using the comments that have a value in it."""
    smallest = 1.0
    for x, y in zip(a.cells.T, b.cells.T, strict=True):
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        if len(x) and len(y):
            smallest = min(smallest, float(ks_2samp(x, y, method="asymp").pvalue))
    return smallest


def replaced(
    comments: Measurement, share: float, spam: Measurement, rng: np.random.Generator
) -> Measurement:
    cells = comments.cells.copy()
    rows = rng.permutation(len(cells))[: round(share * len(cells))]
    cells[rows] = spam.cells[rng.integers(0, len(spam.cells), len(rows))]
    return replace(comments, cells=cells)


def moved_columns(a: Measurement, b: Measurement, seed: int) -> list[str]:
    return compare(a, b, alpha=ALPHA, deals=DEALS, seed=seed).moved.index.tolist()


def rate(hits: list[bool]) -> dict[str, float | int]:
    low, high = clopper_pearson(sum(hits), len(hits))
    share = sum(hits) / len(hits)
    return {"share": round(share, 4), "low": round(low, 4), "high": round(high, 4), "n": len(hits)}


def read(directory: str) -> tuple[dict[str, Measurement], dict[str, Measurement], dict[str, Any]]:
    model = default_model()
    frame = load_datasets(SETS, directory)
    moments = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed")
    by_blog, spam, times = {}, {}, {}
    for blog in SETS:
        own = np.flatnonzero(frame["dataset"] == blog)
        own = np.sort(np.random.default_rng(0).permutation(own)[:MOST])
        rows = frame.iloc[own]
        posts = pd.factorize(rows["post_group"])[0]
        by_blog[blog] = measure(comments_of(rows), posts, model)
        spam[blog] = part(by_blog[blog], (rows["label"] == "spam").to_numpy())
        times[blog] = moments.iloc[own].to_numpy()
    return by_blog, spam, times


def main() -> int:
    warnings.simplefilter("ignore", RuntimeWarning)
    directory, target = sys.argv[1:3]
    by_blog, spam, times = read(directory)
    quiet: dict[str, list[bool]] = {name: [] for name in ("report", "alone", "ks", "bonferroni")}
    heard: dict[float, list[list[str]]] = {share: [] for share in REPLACED}
    rows = []
    for number, (blog, comments) in enumerate(by_blog.items()):
        rng = np.random.default_rng(number)
        other = spam[WITH_SPAM[(number + 1) % len(WITH_SPAM)]]
        first = len(quiet["report"])
        for run in range(RUNS):
            a, b = halves(comments, rng)
            quiet["report"].append(bool(moved_columns(a, b, run)))
            quiet["alone"].append(bool(moved_columns(alone(a), alone(b), run)))
            smallest = ks_smallest(a, b)
            quiet["ks"].append(smallest <= ALPHA)
            quiet["bonferroni"].append(smallest <= ALPHA / len(COLUMNS))
            if run < RUNS // 4:
                for share in REPLACED:
                    heard[share].append(moved_columns(a, replaced(b, share, other, rng), run))
        order = pd.Series(times[blog]).rank(method="first").to_numpy()
        earlier = order <= np.nanmax(order) / 2
        moved = moved_columns(part(comments, earlier), part(comments, ~earlier), 0)
        rows.append(
            {
                "blog": blog,
                "comments": len(comments.posts),
                "posts": len(np.unique(comments.posts)),
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
