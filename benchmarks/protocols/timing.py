"""Speed on this machine, measured on the shipped sample."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from spamguard.corpus import comments_of, load_sample
from spamguard.scoring import default_model, score_many

_FIRST: Final = """
import json, resource, sys, time
start = time.perf_counter()
import spamguard
verdict = spamguard.score("Great post! Cheap pills at http://pills.example", "How we moved to static pages")
seconds = time.perf_counter() - start
try:  # ru_maxrss starts from what the parent held
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
except (OSError, StopIteration):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
heavy = sorted({"sklearn", "scipy", "pandas", "joblib"} & set(sys.modules))
print(json.dumps({"seconds": seconds, "peak_mb": peak, "heavy_imports": heavy}))
"""
_ROUNDS: Final = 7


def speed(
    directory: object = None,
    recipe: object = None,
    watch: Callable[[str, int, int], None] | None = None,
    n_jobs: int | None = None,
) -> dict[str, Any]:
    """Measure a fresh process's first score, and single comments with their post.

    In seconds and MB of resident memory (median of fresh processes), microseconds per
    comment (median and 99th percentile) and comments per second.
    """
    first = []
    for done in range(_ROUNDS):
        first.append(_fresh_process())
        if watch is not None:
            watch("fresh processes", done + 1, _ROUNDS)
    comments = comments_of(load_sample())
    model = default_model()
    seen = _each(model.verdict, comments)
    # Another address makes it another post to the cache, so nothing is cached.
    fresh = _each(
        model.verdict,
        [
            replace(c, post=None if c.post is None else replace(c.post, date=str(i)))
            for i, c in enumerate(comments)
        ],
    )
    start = time.perf_counter()
    score_many(comments * 5, model=model)
    rate = 5 * len(comments) / (time.perf_counter() - start)
    return {
        "protocol": "speed",
        "macro": {
            "import_load_first_score_s": round(float(np.median([f["seconds"] for f in first])), 4),
            "peak_memory_mb": round(float(np.median([f["peak_mb"] for f in first])), 1),
            "heavy_imports": first[0]["heavy_imports"],
            "comment_median_us": round(float(np.median(seen)) * 1e6, 1),
            "comment_p99_us": round(float(np.quantile(seen, 0.99)) * 1e6, 1),
            "comment_new_post_median_us": round(float(np.median(fresh)) * 1e6, 1),
            "comments_per_second": round(rate),
        },
        "rows": [],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": os.cpu_count(),
    }


def _fresh_process() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _FIRST], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _each(judge: Callable[[Any], object], comments: list[Any]) -> list[float]:
    """Return the seconds per comment, the best of three because the machine is shared."""
    best = [float("inf")] * len(comments)
    for _ in range(3):
        for i, comment in enumerate(comments):
            start = time.perf_counter()
            judge(comment)
            best[i] = min(best[i], time.perf_counter() - start)
    return best
