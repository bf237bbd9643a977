"""``spamguard campaigns``: comments that say nearly the same."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.options import count, share

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.analysis import Campaign

_DESCRIPTION: Final = """\
Find comments that say nearly the same under many posts and on several blogs,
with their sizes over time and the links and names they share. Texts of fewer
than five words belong to no campaign.

Files are .csv, .jsonl, .jsonl.gz or .parquet, as for "spamguard train". A file
that names no blog counts as one blog.
"""
_EXAMPLES: Final = """\
examples:
  spamguard campaigns history.jsonl
  spamguard campaigns blog1.csv blog2.csv --least 5 --json > campaigns.jsonl
"""
_MOST_SHARED: Final = 4


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("files", nargs="+", metavar="FILE", help="comments")
    parser.add_argument(
        "--least", type=count, default=3, metavar="N", help="comments that make a campaign (3)"
    )
    parser.add_argument(
        "--likeness", type=share, default=0.5, metavar="SHARE",
        help="share of three-word runs that two of them have in common (0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--most", type=count, default=20, metavar="N", help="show at most N campaigns (20)"
    )
    parser.add_argument("--json", action="store_true", help="print all of them, as JSON lines")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.least < 2:
        args.usage_error("--least is 2 or more: one comment is no campaign")
    from spamguard.analysis import find_campaigns
    from spamguard.progress import Progress

    frame = _read_corpora(args.files)
    with Progress() as watch:
        found = find_campaigns(frame, least=args.least, likeness=args.likeness, watch=watch)
    if args.json:
        for campaign in found:
            facts = asdict(campaign) | {
                "comments": len(campaign),
                "rows": [row + 1 for row in campaign.rows],
                "text": frame["text"].iloc[campaign.rows[0]],
            }
            print(json.dumps(facts))
        return 0
    _show(frame, found, args.most)
    return 0


def _read_corpora(files: list[str]) -> pd.DataFrame:
    import pandas as pd

    from spamguard.corpus import read_corpus

    frames = []
    for file in files:
        frame = read_corpus(file)
        unnamed = frame["blog"] == "own"
        if len(files) > 1:
            frame.loc[unnamed, "blog"] = Path(file).name
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _show(frame: pd.DataFrame, found: list[Campaign], most: int) -> None:
    from spamguard.cli.terminal import Screen
    from spamguard.display import counted

    screen = Screen()
    comments = sum(map(len, found))
    screen.line(
        f"{counted(len(found), 'campaign')}, {comments:,} of {counted(len(frame), 'comment')}"
    )
    for number, campaign in enumerate(found[:most], 1):
        when = f", {campaign.first} to {campaign.last}" if campaign.first else ""
        blogs = f" on {campaign.blogs:,} blogs" if campaign.blogs > 1 else ""
        screen.line()
        screen.line(
            f"{number:>3}  {len(campaign):,} comments under {counted(campaign.posts, 'post')}{blogs}{when}"
        )
        screen.paragraph(frame["text"].iloc[campaign.rows[0]], indent=5, most=2)
        for name, shared in (("links", campaign.links), ("names", campaign.names)):
            if shared:
                items = list(shared.items())[:_MOST_SHARED]
                words = ", ".join(f"{thing} ({number:,})" for thing, number in items)
                screen.paragraph(f"{name}: {words}", indent=5, most=1)
    if len(found) > most:
        screen.line()
        screen.line(f"{len(found) - most:,} more: --most shows them, --json prints all")
