"""``python -m benchmarks.protocols datasets``: list the catalogue and the sets present."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

from spamguard.cli.terminal import Screen
from spamguard.corpus import (
    DATASETS_VARIABLE,
    Card,
    dataset_cards,
    datasets_dir,
)
from spamguard.errors import CorpusError
from spamguard.progress import Progress

State = Literal["unknown", "absent", "present", "verified", "altered"]
_SHOWN: Final[dict[State, str]] = {
    "unknown": "", "absent": "no", "present": "yes", "verified": "verified", "altered": "ALTERED",
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """List the sets, or show one, and return the exit code."""
    args = _parser().parse_args(argv)
    cards = list(dataset_cards().values())
    if args.name is not None:
        cards = [card for card in cards if card.name == args.name]
        if not cards:
            raise CorpusError(f"there is no set named {args.name!r}; leave NAME out to list all.")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.protocols datasets",
        description="List the sets of labelled comments that spamguard knows. They do not ship, "
        "because their comments belong to their authors.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a set: show its whole card")
    parser.add_argument("--datasets", metavar="DIR", help="directory that holds the sets")
    parser.add_argument("--verify", action="store_true", help="compare the files with their cards")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _states(cards: list[Card], directory: Path | None, verify: bool) -> dict[str, State]:
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
    screen = Screen()
    known = any(state != "unknown" for state in states.values())
    head = ["set", "spam", "ham", "posts", "use", *(["here"] if known else []), "in"]
    rows = []
    for card in cards:
        counts = [f"{number:,}" for number in (card.spam, card.ham, card.posts)]
        here = [_SHOWN[states[card.name]]] if known else []
        rows.append([card.name, *counts, card.use, *here, ", ".join(card.languages)])
    screen.table(head, rows, left=("set", "use", "here", "in"))
    screen.line()
    spam, ham = sum(card.spam for card in cards), sum(card.ham for card in cards)
    screen.line(f"{len(cards)} sets, {spam:,} spam and {ham:,} ham.")
    if known:
        here = sum(state not in ("absent", "unknown") for state in states.values())
        screen.line(f"{here} of them {'is' if here == 1 else 'are'} here.")
    else:
        screen.paragraph("None ships. Name the directory that holds yours with --datasets.")


def _print_card(card: Card, state: State) -> None:
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
