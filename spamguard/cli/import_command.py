"""``spamguard import``: a blog's own history as labelled comments."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from spamguard.progress import Progress

if TYPE_CHECKING:
    from collections import Counter

    from spamguard.importers import ImportSummary, Report

# The option of each source that has any of its own, and what the importer calls it.
_OWN: Final = {
    "prefix": ("prefix", ("wordpress-db",)),
    "posts": ("posts", ("wordpress-json",)),
    "comments_dir": ("folder", ("staticman",)),
    "pulls": ("pulls", ("staticman",)),
    "column": ("columns", ("csv", "jsonl")),
    "spam": ("spam", ("csv", "jsonl")),
    "ham": ("ham", ("csv", "jsonl")),
    "label": ("label", ("csv", "jsonl")),
}
_BY: Final = {"owner": "the owner", "filter": "a filter", "none": "nobody known"}


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    options = _options(args)
    from spamguard.importers import columns_from, import_comments

    if "columns" in options:
        options["columns"] = columns_from(options["columns"])
    keep = [name for name in ("email", "ip") if getattr(args, f"with_{name}")]
    with Progress() as watch:
        done = import_comments(
            args.source, args.path, args.output, blog=args.blog, trust=args.trust, keep=keep,
            replace=args.replace, watch=watch, **options,
        )  # fmt: skip
    if args.json:
        files = [str(path) for path in done.files]
        print(json.dumps(done.report.to_dict() | {"files": files}, indent=1))
    else:
        _print(done)
    if done.report.lost:
        print(
            f"spamguard: {done.report.lost.total():,} comments could not be read; see above",
            file=sys.stderr,
        )
    return 1 if done.report.lost else 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options = {}
    for option, (name, sources) in _OWN.items():
        value = getattr(args, option)
        if value is None:
            continue
        if args.source not in sources:
            args.usage_error(f"--{option.replace('_', '-')} goes with {' and '.join(sources)}")
        options[name] = value
    if args.label is not None and (args.spam or args.ham):
        args.usage_error("--label goes without --spam and --ham")
    return options


def _print(done: ImportSummary) -> None:
    from spamguard.cli.terminal import Screen

    screen, report = Screen(), done.report
    screen.field("comments", f"{report.found:,} under {report.posts:,} posts")
    for label, count in (("spam", report.spam), ("ham", report.ham)):
        screen.field(label, f"{count:,}" + _deciders(report, label))
    for name, counter in (
        ("unlabelled", report.unlabelled), ("kept apart", report.apart),
        ("dropped", report.dropped), ("repaired", report.damage),
    ):  # fmt: skip
        if counter.total():
            screen.field(name, f"{counter.total():,}: {_listed(counter)}")
    for number, path in enumerate(done.files):
        screen.field("written" if number == 0 else "", str(path))
    for number, words in enumerate(report.notes):
        screen.field("note" if number == 0 else "", words)
    if report.spam and report.ham:
        screen.line()
        screen.line(f"Train: spamguard train --corpus {done.files[0]} --output mysite-1")


def _deciders(report: Report, label: str) -> str:
    told = [
        f"{count:,} by {_BY[by]} ({source})"
        for (which, by, source), count in report.labels.most_common()
        if which == label
    ]
    return f": {', '.join(told)}" if told else ""


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counter.most_common() if count)
