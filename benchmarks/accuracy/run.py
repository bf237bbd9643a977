"""Measure spamguard by every protocol, reading the sets and learning each model once.

Usage: python benchmarks/accuracy/run.py DIRECTORY [PROTOCOL ...]

Each protocol by itself is `spamguard evaluate PROTOCOL --datasets DIRECTORY --output FILE`; together
they share what takes longest. Results go to benchmarks/results, one file a protocol, each written as
soon as it is there; a run that is broken off keeps those that are done.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.protocols.accuracy import tubespam, unseen_blogs
from benchmarks.protocols.corrections import moderation
from benchmarks.protocols.held_out import UNSEEN_BLOGS, HeldOut, prepare
from benchmarks.protocols.studies import ablation, ham_panels, robustness, site_labels
from spamguard.files import write_bytes
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe

RESULTS = Path(__file__).resolve().parent.parent / "results"
SHARED: dict[str, Callable[..., Any]] = {
    "unseen-blog": unseen_blogs,
    "labels": site_labels,
    "moderation": moderation,
    "robustness": robustness,
    "ablation": ablation,
}
ALONE: dict[str, Callable[..., Any]] = {"tubespam": tubespam, "panels": ham_panels}


def watch(stage: str, done: int, total: int) -> None:
    print(f"  {stage} {done}/{total}", end="\r", flush=True)


def main(directory: str, *wanted: str) -> None:
    recipe = Recipe.read(find_model("default") / "recipe.toml")
    names = wanted or (*SHARED, *ALONE)
    if unknown := set(names) - {*SHARED, *ALONE}:
        sys.exit(f"no such protocol: {', '.join(sorted(unknown))}")
    held_out: HeldOut | None = None
    for name in names:
        started = time.monotonic()
        if name in SHARED:
            held_out = held_out or prepare(directory, recipe, UNSEEN_BLOGS, 2)
            result = SHARED[name](directory, recipe, watch, 2, prepared=held_out)
        else:
            result = ALONE[name](directory, recipe, watch, 2)
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_bytes(RESULTS / f"{name}.json", text.encode("utf-8"))
        print(f"{name}: {time.monotonic() - started:.0f} s {result['macro']}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
