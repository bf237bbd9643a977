"""``spamguard queue`` and ``spamguard replay``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamguard.errors import InputError
from spamguard.progress import Progress
from spamguard.storage import load_model

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.evaluation import Replay, Tally
    from spamguard.training import Decision


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.corpus import read_corpus

    frame = read_corpus(args.corpus)
    if args.command == "queue" and args.decided is not None:
        _print_decided(frame, args.decided)
        return 0
    model = load_model(args.model)
    if args.command == "queue":
        from spamguard.training import review_order

        with Progress() as watch:
            decisions = review_order(frame, model, args.most, watch=watch, n_jobs=args.jobs)
        _print_queue(frame, decisions)
    else:
        from spamguard.evaluation import replay

        with Progress() as watch:
            found = replay(frame, model, watch=watch)
        _print_replayed(args, frame, found)
    return 0


def _print_decided(frame: pd.DataFrame, path: str) -> None:
    from spamguard.training import spread

    lines = list(_lines(path))
    found = spread(frame, lines)
    for _, row in found.drop(columns="duplicate_group").iterrows():
        given = {name: value for name, value in row.items() if _is_given(value)}
        print(json.dumps(given, ensure_ascii=False, default=str))
    decisions = sum(line.get("label") is not None for line in lines)
    print(f"{decisions:,} decisions for {len(found):,} comments", file=sys.stderr)


def _lines(path: str) -> Iterator[dict[str, Any]]:
    with Path(path).open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                fields = json.loads(line) if line.strip() else None
            except ValueError as error:
                raise InputError(f"{path}, line {number} is no JSON: {error}.") from error
            if isinstance(fields, dict):
                yield fields


def _print_queue(frame: pd.DataFrame, decisions: list[Decision]) -> None:
    """Print the rows as they came, with what the decision is for: label them and read them back."""
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
        print(json.dumps(facts | row, ensure_ascii=False, default=str))
    comments = sum(len(decision.copies) for decision in decisions)
    print(f"{len(decisions):,} decisions for {comments:,} comments", file=sys.stderr)


def _is_given(value: object) -> bool:
    return value is not None and value == value  # NaN is not itself


def _print_replayed(args: argparse.Namespace, frame: pd.DataFrame, found: Replay) -> None:
    if args.disagreements:
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
        return
    print(
        f"{'month':<8} {'spam':>7} {'caught':>7} {'unsure':>7} {'missed':>7}   {'real':>7} {'lost':>6} {'unsure':>7}   no decision"
    )
    for month, tally in sorted(found.months.items()):
        print(_line(month or "no date", tally))
    print(_line("all", found.total))
    print(
        f"{len(found.disagreements):,} disagreements: --disagreements lists them. Nothing was changed.",
        file=sys.stderr,
    )


def _line(month: str, tally: Tally) -> str:
    spam, ham = tally.spam, tally.ham
    return (
        f"{month:<8} {sum(spam.values()):>7,} {spam['spam']:>7,} {spam['unsure']:>7,} {spam['ham']:>7,}   "
        f"{sum(ham.values()):>7,} {ham['spam']:>6,} {ham['unsure']:>7,}   {sum(tally.unlabelled.values()):,}"
    )
