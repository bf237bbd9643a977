"""``spamguard drift``: what has changed between two lots of comments."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from spamguard.cli.terminal import Screen
from spamguard.errors import InputError
from spamguard.progress import Progress
from spamguard.storage import load_model

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.analysis import DriftReport


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if (args.current is None) == (args.since is None):
        args.usage_error("give either CURRENT or --since DATE")
    from spamguard.analysis import drift_report

    if args.plot is not None:
        from spamguard.analysis import plots  # what is missing is told before the work

        plots.checked_target(args.plot)
    reference, current = _lots(args)
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


def _lots(args: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    from spamguard.corpus import read_corpus

    reference = read_corpus(args.reference)
    if args.current is not None:
        return reference, read_corpus(args.current)
    import pandas as pd

    day = pd.to_datetime(args.since, errors="coerce", utc=True)
    if pd.isna(day):
        args.usage_error(f"{args.since!r} is no date, such as 2024-05-01")
    moments = pd.to_datetime(reference["date"], errors="coerce", utc=True, format="mixed")
    if moments.isna().all():
        raise InputError(f"{Path(args.reference).name} has no dates; give two files instead.")
    # A comment without a date is of neither time.
    return reference[moments < day], reference[moments >= day]


def _show(report: DriftReport) -> None:
    screen = Screen()
    head, *lines = str(report).splitlines()
    screen.paragraph(head)
    for line in lines:
        screen.line(line)
    if not lines:
        screen.paragraph(
            f"Nothing moved by more than chance explains (at most {100 * report.alpha:g} % of such "
            "reports are wrong where nothing has changed)."
        )
