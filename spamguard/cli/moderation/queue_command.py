"""``spamguard queue``: which comments to decide first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spamguard.cli.options import add_jobs, count
from spamguard.display import counted

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.training import Decision

_DESCRIPTION: Final = """\
Order comments without a label so that few decisions teach much: those that the
model is unsure of, unlike each other, near-copies as one. They are printed as
JSON lines; add "label": "ham" or "spam" and give the file to "spamguard
retrain". With --decided, print the comments of CORPUS that such a file decides
about, with their labels, near-copies included.
"""
_EXAMPLES: Final = """\
examples:
  spamguard queue corpus.unlabelled.jsonl --most 50 > decide.jsonl
  spamguard queue corpus.jsonl --model models/mysite
  spamguard queue corpus.jsonl --decided decide.jsonl > decided.jsonl
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("corpus", metavar="CORPUS", help="comments, some without a label")
    parser.add_argument(
        "--most", type=count, default=100, metavar="N", help="decisions to list (100)"
    )
    parser.add_argument(
        "--decided", metavar="FILE", help="labelled lines of an earlier queue of the same CORPUS"
    )
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model in use")
    add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.corpus import read_corpus
    from spamguard.progress import Progress
    from spamguard.storage import load_model
    from spamguard.training import review_order

    frame = read_corpus(args.corpus)
    if args.decided is not None:
        _print_decided(frame, args.decided)
        return 0
    with Progress() as watch:
        model = load_model(args.model)
        decisions = review_order(frame, model, args.most, watch=watch, n_jobs=args.jobs)
    _print_queue(frame, decisions)
    return 0


def _print_decided(frame: pd.DataFrame, path: str) -> None:
    from spamguard.corpus import fields_of_file
    from spamguard.training import spread

    lines = [fields for _, fields in fields_of_file(Path(path))]
    found = spread(frame, lines)
    for _, row in found.drop(columns="duplicate_group").iterrows():
        given = {name: value for name, value in row.items() if _is_given(value)}
        _print_row(given)
    decisions = sum(line.get("label") is not None for line in lines)
    print(f"{counted(decisions, 'decision')} for {counted(len(found), 'comment')}", file=sys.stderr)


def _print_queue(frame: pd.DataFrame, decisions: list[Decision]) -> None:
    """Print the rows and the subject of each decision, to be labelled and read back."""
    from spamguard.training import mark_of

    texts = frame["text"].tolist()
    for number, decision in enumerate(decisions, 1):
        row = {k: v for k, v in frame.iloc[decision.row].items() if _is_given(v)}
        row.pop("duplicate_group", None)
        facts = {
            "decision": number,
            "row": decision.row + 1,
            "copies": [copy + 1 for copy in decision.copies],
            "mark": mark_of(texts[copy] for copy in decision.copies),
            "log_odds": round(decision.log_odds, 3),
        }
        _print_row(facts | row)
    comments = sum(len(decision.copies) for decision in decisions)
    print(
        f"{counted(len(decisions), 'decision')} for {counted(comments, 'comment')}", file=sys.stderr
    )


def _print_row(row: Mapping[Any, Any]) -> None:
    from spamguard.corpus import json_row

    print(json_row(dict(row)).decode().rstrip("\n"))


def _is_given(value: object) -> bool:
    return value is not None and value == value  # NaN is not itself
