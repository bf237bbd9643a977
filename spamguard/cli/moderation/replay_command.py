"""``spamguard replay``: a site's past, scored beside what was decided."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from spamguard.display import counted

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.evaluation import Replay, Tally

_DESCRIPTION: Final = """\
Score a site's past in the order of its dates, and show month by month what
would have been caught and lost, beside what was decided then (the column
label). Nothing is learned or changed.
"""
_EXAMPLES: Final = """\
examples:
  spamguard replay corpus.jsonl
  spamguard replay corpus.jsonl --disagreements > look.jsonl
"""
_HEAD: Final = (
    *("month", "spam", "caught", "unsure", "missed"),
    *("real", "lost", "unsure", "no decision"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("corpus", metavar="HISTORY", help="comments with dates and decisions")
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model to try")
    parser.add_argument(
        "--disagreements", action="store_true", help="list them, as JSON lines, instead"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.corpus import read_corpus
    from spamguard.evaluation import replay
    from spamguard.progress import Progress
    from spamguard.storage import load_model

    frame = read_corpus(args.corpus)
    with Progress() as watch:
        found = replay(frame, load_model(args.model), watch=watch)
    if args.disagreements:
        _print_disagreements(frame, found)
    else:
        _print_months(found)
    return 0


def _print_disagreements(frame: pd.DataFrame, found: Replay) -> None:
    for row, decision, verdict in found.disagreements:
        facts = {
            "row": row + 1,
            "decided": decision,
            "label": verdict.label,
            "spam_probability": round(verdict.spam_probability, 4),
            "reasons": [reason.evidence for reason in verdict.reasons[:3]],
            "date": frame["date"].iloc[row],
            "author": frame["author"].iloc[row],
            "text": str(frame["text"].iloc[row])[:500],
        }
        print(json.dumps(facts, ensure_ascii=False, default=str))


def _print_months(found: Replay) -> None:
    from spamguard.cli.terminal import Screen

    rows = [_cells(month or "no date", tally) for month, tally in sorted(found.months.items())]
    Screen().table(_HEAD, [*rows, _cells("all", found.total)], left=("month",))
    print(
        f"{counted(len(found.disagreements), 'disagreement')}: --disagreements lists them. "
        "Nothing was changed.",
        file=sys.stderr,
    )


def _cells(month: str, tally: Tally) -> list[str]:
    spam, ham = tally.spam, tally.ham
    counts = (
        *(sum(spam.values()), spam["spam"], spam["unsure"], spam["ham"]),
        *(sum(ham.values()), ham["spam"], ham["unsure"], sum(tally.unlabelled.values())),
    )
    return [month, *(f"{number:,}" for number in counts)]
