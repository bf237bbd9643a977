"""SpamClassifier without options, on 200 comments up to a stream of a million.

Three blogs are held out with everything from their sources. Each size is drawn
from the rest. The stream passes the same comments repeatedly through
`partial_fit`, in parts and in random order. It shows time, memory and that
quality does not fall, not what a million different comments would teach.

Usage: python benchmarks/sizes.py DIRECTORY RESULT.json
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocols.held_out import prepare
from spamguard import SpamClassifier
from spamguard.evaluation.metrics import roc_auc
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe

BLOGS = ("astrotime", "jdieter", "spinningnumbers")
SIZES = (200, 2_000, 20_000)
STREAM, PART = 1_000_000, 5_000


def _memory() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    directory, target = sys.argv[1:3]
    recipe = Recipe.read(find_model("default") / "recipe.toml")
    recipe = replace(recipe, settings=replace(recipe.settings, set_cap=800, bare_share=0.0))
    _, material, learned_from = prepare(directory, recipe, BLOGS, n_jobs=2)
    train = np.flatnonzero(learned_from & ~np.isin(material.blog, BLOGS))
    train = np.random.default_rng(1).permutation(train)
    tests = {b: np.flatnonzero(material.source == f"modblog-{b}") for b in BLOGS}

    def auc(classifier: SpamClassifier) -> float:
        found = [
            roc_auc(
                material.spam[t].astype(int), classifier.model_.decision_function(material.rows[t])
            )
            for t in tests.values()
        ]
        return round(float(np.mean(found)), 5)

    rows: list[dict[str, Any]] = []
    for size in SIZES:
        part = train[:size]
        start = time.perf_counter()
        fitted = SpamClassifier().fit(material.rows[part], material.spam[part])
        seconds = round(time.perf_counter() - start, 2)
        rows.append(
            {
                "learned by": "fit",
                "comments": len(part),
                "seconds": seconds,
                "auc": auc(fitted),
                "peak_mb": _memory(),
            }
        )
    stream, seen, start = SpamClassifier(), 0, time.perf_counter()
    while seen < STREAM:
        first = seen % (len(train) // PART * PART)
        part = train[first : first + PART]
        stream.partial_fit(material.rows[part], material.spam[part])
        seen += len(part)
        if seen in (20_000, 200_000, STREAM):
            seconds = round(time.perf_counter() - start, 2)
            rows.append(
                {
                    "learned by": "partial_fit",
                    "comments": seen,
                    "seconds": seconds,
                    "auc": auc(stream),
                    "peak_mb": _memory(),
                }
            )
    result = {
        "protocol": "sizes",
        "blogs": list(BLOGS),
        "different_comments": len(train),
        "rows": rows,
    }
    Path(target).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
