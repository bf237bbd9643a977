"""``spamguard drift``: what changed between two sets of comments."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.options import share
from spamguard.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.analysis import DriftReport

_DESCRIPTION: Final = """\
Show what changed between two sets of comments: which features and which scores
moved. Labels are not needed. The test reassigns whole posts at random many
times, so where nothing moved, the chance that the report names anything is at
most --alpha, however many columns it looks at.

Give two files, or one file and the day from which comments count as new. Files
are .csv, .jsonl, .jsonl.gz or .parquet, as for "spamguard train".
"""
_EXAMPLES: Final = """\
examples:
  spamguard drift last-year.jsonl this-month.jsonl
  spamguard drift history.csv --since 2024-05-01 --plot drift.png
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("reference", metavar="REFERENCE", help="older comments")
    parser.add_argument("current", nargs="?", metavar="CURRENT", help="newer comments")
    parser.add_argument(
        "--since", metavar="DATE", help="instead of CURRENT: those of REFERENCE from this day on"
    )
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model in use")
    parser.add_argument(
        "--alpha", type=share, default=0.01, metavar="SHARE",
        help="largest chance of a false alarm in the whole report (0.01)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print every column, as JSON")
    parser.add_argument(
        "--plot", metavar="FILE.png", help="also draw what moved (needs spamguard[analysis])"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if (args.current is None) == (args.since is None):
        args.usage_error("give either CURRENT or --since DATE")
    from spamguard.analysis import drift_report
    from spamguard.progress import Progress
    from spamguard.storage import load_model

    if args.plot is not None:
        from spamguard.analysis import plots  # fails here, before the work, where it must

        plots.checked_target(args.plot)
    reference, current = _frames(args)
    with Progress() as watch:
        report = drift_report(
            reference, current, model=load_model(args.model), alpha=args.alpha, watch=watch
        )
    if args.json:
        print(json.dumps(report.to_dict()))
    else:
        _show(report)
    if args.plot is not None:
        plots.save(plots.drift(report), args.plot)
    return 0


def _frames(args: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    from spamguard.corpus import read_corpus

    reference = read_corpus(args.reference)
    if args.current is not None:
        return reference, read_corpus(args.current)
    import pandas as pd

    day = pd.to_datetime(args.since, errors="coerce", utc=True)
    if pd.isna(day):
        args.usage_error(f"{args.since!r} is not a date, such as 2024-05-01")
    moments = pd.to_datetime(reference["date"], errors="coerce", utc=True, format="mixed")
    if moments.isna().all():
        raise InputError(f"{Path(args.reference).name} has no dates; give two files instead.")
    # A comment without a date is in neither.
    return reference[moments < day], reference[moments >= day]


def _show(report: DriftReport) -> None:
    from spamguard.cli.terminal import Screen

    screen = Screen()
    head, *lines = str(report).splitlines()
    screen.paragraph(head)
    for line in lines:
        screen.line(line)
    if not lines:
        screen.paragraph(
            "Nothing moved by more than chance explains (where nothing has changed, at most "
            f"{100 * report.alpha:g} % of such reports name anything)."
        )
