"""``spamguard retrain`` and ``spamguard audit``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.errors import InputError
from spamguard.progress import Progress
from spamguard.storage import load_model

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.training import Outcome


REJECTED: Final = 3
"""Exit code where all went well and the new model is not better; 1 is an error."""


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    return _audit(args) if args.command == "audit" else _retrain(args)


def _retrain(args: argparse.Namespace) -> int:
    from spamguard.training import replace_model, retrain, rollback

    target = Path(args.output)
    if args.rollback:
        if args.sources:
            args.usage_error("--rollback goes without --from")
        print(f"{rollback(target).title} is in use again in {target}")
        return 0
    if not args.sources:
        args.usage_error("name the labelled comments: --from FILE, as often as needed")
    frame = _read(args.sources, args.site)
    base = load_model(args.base)
    current = load_model(target) if (target / "model.json").is_file() else None
    with Progress() as watch:
        outcome = retrain(
            frame, base=base, current=current, hold_back=args.hold_back, watch=watch,
            n_jobs=args.jobs,
        )  # fmt: skip
    if outcome.gate.passed and not args.dry_run:
        replace_model(outcome.model, target, name=args.name or target.name, former=base)
    _report(args, outcome, target)
    return 0 if outcome.gate.passed else REJECTED


def _read(sources: list[str], site: str | None = None) -> pd.DataFrame:
    """Read files of labelled comments, and journals of feedback, as one corpus.

    Its columns `file` and `row` tell where each comment stood.
    """
    import pandas as pd

    from spamguard.corpus import check_corpus, read_corpus

    frames = [_journal(s, site) if _is_journal(s) else read_corpus(s) for s in sources]
    for source, frame in zip(sources, frames, strict=True):
        if frame["label"].isna().all():
            of = f" of {site}" if site and _is_journal(source) else ""
            raise InputError(f"{source} has no labelled comments{of}: a column label is needed.")
        sites = set(frame["blog"].tolist())
        if site is None and _is_journal(source) and len(sites) > 1:
            told = f"{source} holds {len(sites):,} sites, and all of them are read: --site NAME for one"
            print(told, file=sys.stderr)
    marked = [
        frame.assign(file=source, row=range(1, len(frame) + 1))
        for source, frame in zip(sources, frames, strict=True)
    ]
    return check_corpus(pd.concat(marked, ignore_index=True).drop(columns="duplicate_group"))


def _is_journal(source: str) -> bool:
    """Tell a journal of feedback from a file of comments, by its name."""
    return "://" in source or source.startswith("env:") or source.endswith((".db", ".sqlite"))


def _journal(source: str, site: str | None) -> pd.DataFrame:
    from spamguard.feedback import Journal

    with Journal(source, create=False) as journal:
        return journal.corpus(site)


def _report(args: argparse.Namespace, outcome: Outcome, target: Path) -> None:
    gate = outcome.gate
    if args.json:
        facts = outcome.model.about["retrained"] | {
            "doubted": outcome.doubted,
            "in_use": gate.passed,
        }
        print(json.dumps(facts, indent=1))
        return
    print(
        f"learned from {outcome.learned:,} comments, measured on the {outcome.held_back:,} newest"
    )
    if outcome.undated:
        print(f"{outcome.undated:,} comments have no date and count as old", file=sys.stderr)
    print(gate.why)
    low, high = gate.ham_lost_range
    print(f"real comments lost: {100 * low:.1f} to {100 * high:.1f} % (95 % interval)")
    low, high = gate.spam_caught_range
    print(f"spam caught: {100 * low:.1f} to {100 * high:.1f} % (95 % interval)")
    if outcome.doubted:
        print(
            f"{outcome.doubted:,} labels look wrong and count less: spamguard audit {' '.join(args.sources)}",
            file=sys.stderr,
        )
    if not gate.passed:
        print(f"nothing was changed in {target}", file=sys.stderr)
    elif args.dry_run:
        print(f"nothing was changed in {target}: --dry-run", file=sys.stderr)
    else:
        print(f"in use in {target}; back with: spamguard retrain -o {target} --rollback")


def _audit(args: argparse.Namespace) -> int:
    from spamguard.training import audit

    frame = _read(args.sources, args.site)
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
    print(f"{len(doubts):,} of {labelled:,} labels look wrong", file=sys.stderr)
    return 0
