"""``spamguard audit``: labels that look wrong."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final

from spamguard.cli.options import add_jobs, count
from spamguard.display import counted

_DESCRIPTION: Final = """\
List the labels that look wrong, the most doubtful first, as JSON lines: where a
model that learned your other comments disagrees, or a near-copy has the other
label. Nothing is changed; correct the file and train again.
"""
_EXAMPLES: Final = """\
examples:
  spamguard audit corpus.jsonl
  spamguard audit corpus.jsonl --most 20 > doubtful.jsonl
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("sources", nargs="+", metavar="FILE", help="labelled comments")
    parser.add_argument(
        "--site", metavar="NAME", help="of a journal, only this site's decisions (all)"
    )
    parser.add_argument(
        "--base", default="default", metavar="NAME|DIR", help="model to start from (default)"
    )
    parser.add_argument(
        "--most", type=count, default=100, metavar="N", help="list at most N labels (100)"
    )
    add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.cli.moderation.retrain_command import read_labelled
    from spamguard.storage import load_model
    from spamguard.training import audit

    frame = read_labelled(args.sources, args.site)
    doubts = audit(frame, base=load_model(args.base), n_jobs=args.jobs)
    for doubt in doubts[: args.most]:
        row = frame.iloc[doubt.row]
        facts = {
            "file": row["file"],
            "row": int(row["row"]),
            "label": doubt.label,
            "log_odds": doubt.log_odds,
            "why": doubt.why,
            "comment_id": row["comment_id"],
            "text": str(row["text"])[:500],
            "author": row["author"],
        }
        print(json.dumps(facts, ensure_ascii=False))
    labelled = int(frame["label"].notna().sum())
    print(
        f"{counted(len(doubts), 'label looks', 'labels look')} wrong, of {labelled:,}",
        file=sys.stderr,
    )
    return 0
