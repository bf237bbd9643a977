"""``spamguard campaigns``: comments that say nearly the same."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from spamguard.cli.terminal import Screen, one_line
from spamguard.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.analysis import Campaign

_MOST_SHARED = 4


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.least < 2:
        args.usage_error("--least is 2 or more: one comment is no campaign")
    from spamguard.analysis import find_campaigns

    frame = _read(args.files)
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


def _read(files: list[str]) -> pd.DataFrame:
    import pandas as pd

    from spamguard.corpus import read_corpus

    frames = []
    for file in files:
        frame = read_corpus(file)
        own = frame["blog"] == "own"  # the file names none
        if len(files) > 1:
            frame.loc[own, "blog"] = Path(file).name
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _show(frame: pd.DataFrame, found: list[Campaign], most: int) -> None:
    screen = Screen()
    comments = sum(map(len, found))
    screen.line(f"{len(found):,} campaigns, {comments:,} of {len(frame):,} comments")
    for number, campaign in enumerate(found[:most], 1):
        when = f", {campaign.first} to {campaign.last}" if campaign.first else ""
        blogs = f" on {campaign.blogs:,} blogs" if campaign.blogs > 1 else ""
        screen.line("")
        screen.line(
            f"{number:>3}  {len(campaign):,} comments under {campaign.posts:,} posts{blogs}{when}"
        )
        screen.paragraph(one_line(frame["text"].iloc[campaign.rows[0]]), indent=5, most=2)
        for name, shared in (("links", campaign.links), ("names", campaign.names)):
            if shared:
                told = (
                    f"{thing} ({count:,})" for thing, count in list(shared.items())[:_MOST_SHARED]
                )
                screen.paragraph(f"{name}: {', '.join(told)}", indent=5, most=1)
    if len(found) > most:
        screen.line("")
        screen.line(f"{len(found) - most:,} more: --most shows them, --json gives all")
