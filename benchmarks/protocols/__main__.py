"""Run protocols on the shared data sets: python -m benchmarks.protocols NAME ...

Usage:
    python -m benchmarks.protocols NAME --datasets DIR [--output FILE.json]
    python -m benchmarks.protocols all --datasets DIR
    python -m benchmarks.protocols datasets [NAME] [--datasets DIR] [--verify] [--json]

Protocols that run together read the sets and learn each model once. Results go to
benchmarks/results, one file per protocol, written as soon as it is done.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.protocols import datasets
from benchmarks.protocols.accuracy import tubespam, unseen_blogs
from benchmarks.protocols.corrections import moderation
from benchmarks.protocols.held_out import UNSEEN_BLOGS, HeldOut, prepare
from benchmarks.protocols.markdown import render_protocol
from benchmarks.protocols.studies import ablation, ham_panels, robustness, site_labels
from benchmarks.protocols.timing import speed
from spamguard.errors import SpamguardError
from spamguard.storage import find_model, write_bytes
from spamguard.training.recipe import Recipe

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"

SHARED: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "unseen-blog": ("train on every other source, test on each of twelve blogs", unseen_blogs),
    "labels": ("what the first 10 to 300 labels of a blog bring", site_labels),
    "moderation": ("what corrections and chosen labels bring to a blog", moderation),
    "robustness": ("what each trick of spammers costs", robustness),
    "ablation": ("each feature family left out, and alone", ablation),
}
"""Protocols that test on the same blogs and share the prepared data."""

ALONE: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "tubespam": ("the authors' split, leave one video out, and time order", tubespam),
    "panels": ("real comments lost in every set and language", ham_panels),
    "speed": ("first score of a fresh process, and single comments, on this machine", speed),
}


def main(argv: Sequence[str]) -> int:
    """Run the named protocols and return the exit code."""
    if argv[:1] == ["datasets"]:
        return datasets.main(argv[1:])
    args = _parser().parse_args(argv)
    names = [*SHARED, *ALONE] if args.names == ["all"] else args.names
    if args.output is not None and len(names) > 1:
        sys.exit("--output is for a single protocol")
    recipe = Recipe.read(args.recipe or find_model("default") / "recipe.toml")
    held_out: HeldOut | None = None
    for name in names:
        started = time.monotonic()
        if name in SHARED:
            held_out = held_out or prepare(args.datasets, recipe, UNSEEN_BLOGS, args.jobs)
            run, more = SHARED[name][1], {"prepared": held_out}
        else:
            run, more = ALONE[name][1], {}
        result = run(args.datasets, recipe, _watch, args.jobs, **more)
        result = {**result, "model": f"{recipe.name}-{recipe.version}"}
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_bytes(args.output or RESULTS / f"{name}.json", text.encode())
        print(
            f"{name}: {time.monotonic() - started:.0f} s\n\n{render_protocol(result)}", flush=True
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<12} {what}" for name, (what, _) in {**SHARED, **ALONE}.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.protocols",
        description=f"Measure the shipped recipe on the shared data sets.\n\nprotocols:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="+", choices=[*SHARED, *ALONE, "all"], metavar="NAME", help="see above"
    )
    parser.add_argument("--datasets", metavar="DIR", help="directory that holds the sets")
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="the shipped model's if left out"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.json", help="where to write the result"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    return parser


def _watch(stage: str, done: int, total: int) -> None:
    print(f"  {stage} {done}/{total}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SpamguardError as error:
        sys.exit(f"{error}")
