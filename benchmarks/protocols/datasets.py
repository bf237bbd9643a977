"""``spamguard datasets``: the catalogue of labelled comments, and which of it is here."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

from spamguard.corpus import (
    DATASETS_VARIABLE,
    Card,
    dataset_cards,
    datasets_dir,
)
from spamguard.errors import CorpusError

State = Literal["unknown", "absent", "present", "verified", "altered"]
_SHOWN: Final[dict[State, str]] = {
    "unknown": "", "absent": "no", "present": "yes", "verified": "verified", "altered": "ALTERED",
}  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    cards = list(dataset_cards().values())
    if args.name is not None:
        cards = [card for card in cards if card.name == args.name]
        if not cards:
            raise CorpusError(f"there is no set named {args.name!r}; spamguard datasets lists all.")
    named = args.datasets or args.verify or os.environ.get(DATASETS_VARIABLE)
    directory = datasets_dir(args.datasets) if named else None
    states = _states(cards, directory, args.verify)
    if args.json:
        rows = [asdict(card) | {"state": states[card.name]} for card in cards]
        print(json.dumps(rows if args.name is None else rows[0], indent=1))
    elif args.name is not None:
        _print_card(cards[0], states[cards[0].name])
    else:
        _print_table(cards, states)
    return 1 if "altered" in states.values() else 0


def _states(cards: list[Card], directory: Path | None, verify: bool) -> dict[str, State]:
    from spamguard.progress import Progress

    states: dict[str, State] = {}
    with Progress() as progress:
        for card in cards:
            states[card.name] = _state(card, directory, verify)
            progress("sets", len(states), len(cards))
    return states


def _state(card: Card, directory: Path | None, verify: bool) -> State:
    if directory is None:
        return "unknown"
    files = {
        directory / card.name / "comments.jsonl.gz": card.sha256_comments,
        directory / card.name / "posts.jsonl.gz": card.sha256_posts,
    }
    if not all(path.is_file() for path in files):
        return "absent"
    if not verify:
        return "present"
    whole = all(_sha256(path) == expected for path, expected in files.items())
    return "verified" if whole else "altered"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _print_table(cards: list[Card], states: dict[str, State]) -> None:
    from rich.table import Table

    from spamguard.cli.terminal import Screen

    screen = Screen()
    known = any(state != "unknown" for state in states.values())
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("set", overflow="fold")
    for name in ("spam", "ham", "posts"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("in")
    table.add_column("use", no_wrap=True)
    if known:
        table.add_column("here", no_wrap=True)
    for card in cards:
        cells = [card.name, *(f"{n:,}" for n in (card.spam, card.ham, card.posts))]
        cells += [", ".join(card.languages), card.use]
        table.add_row(*cells, *([_SHOWN[states[card.name]]] if known else []))
    screen.console.print(table)
    screen.line()
    screen.line(
        f"{len(cards)} sets, {sum(c.spam for c in cards):,} spam and {sum(c.ham for c in cards):,} ham."
    )
    if known:
        here = sum(state not in ("absent", "unknown") for state in states.values())
        screen.line(f"{here} of them are here.")
    else:
        screen.paragraph("None ships. Name the directory that holds yours with --datasets.")


def _print_card(card: Card, state: State) -> None:
    from spamguard.cli.terminal import Screen

    screen = Screen()
    screen.line((card.name, "bold"))
    for name, value in asdict(card).items():
        if name == "name" or value in ("", ()):
            continue
        shown = ", ".join(value) if isinstance(value, tuple) else value
        if isinstance(value, float):
            shown = f"{value:.0%}"
        screen.field(name.replace("_", " "), f"{shown:,}" if isinstance(shown, int) else str(shown))
    if state != "unknown":
        screen.field("here", _SHOWN[state])
