"""``spamguard retrain``: learn from your own comments, behind a gate."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.options import add_jobs, model_name, share
from spamguard.display import counted
from spamguard.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from spamguard.training import Outcome

REJECTED: Final = 3
"""Exit code if the new model is not better; 1 is an error."""

_DESCRIPTION: Final = """\
Learn from your own labelled comments, starting from a model that already knows
spam. The newest of both kinds are held back; the model in DIR is replaced only
if the new one calls no more of those real comments spam and catches no less of
that spam. Otherwise nothing changes, and the exit code is 3. A model already in
DIR is tested on comments newer than all it has learned, if there are five of
each kind.

The former model is kept: --rollback restores it. The same comments give the same
model. At least ten spam and ten real comments are needed; a hundred make a
difference. FILE is read as by "spamguard train", or it is a journal of
"spamguard feedback" (named .db or .sqlite, or a URL); rows without a label are
skipped. If a column "account" names the moderator of each label, no account
outweighs the others together.
"""
_EXAMPLES: Final = """\
examples:
  spamguard retrain --from corpus.jsonl -o models/mysite
  spamguard retrain --from corpus.jsonl --from feedback.db -o models/mysite
  spamguard score --model models/mysite "Nice one, thanks"
  spamguard retrain -o models/mysite --rollback
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument(
        "--from", dest="sources", metavar="FILE", action="append", default=[],
        help="labelled comments; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="the model in use, or a new directory"
    )
    parser.add_argument(
        "--site", metavar="NAME", help="of a journal, only this site's decisions (all)"
    )
    parser.add_argument(
        "--base", default="default", metavar="NAME|DIR", help="model to start from (default)"
    )
    parser.add_argument(
        "--name", type=model_name, metavar="NAME", help="name of the model (that of DIR)"
    )
    parser.add_argument(
        "--hold-back", type=share, default=0.2, metavar="SHARE",
        help="share of the comments, the newest, that the model is measured on (0.2)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="measure, and change nothing")
    parser.add_argument("--rollback", action="store_true", help="put the former model back")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.progress import Progress
    from spamguard.storage import load_model
    from spamguard.training import replace_model, retrain, rollback

    target = Path(args.output)
    if args.rollback:
        if args.sources:
            args.usage_error("--rollback goes without --from")
        print(f"{rollback(target).title} is in use again in {target}")
        return 0
    if not args.sources:
        args.usage_error("name the labelled comments: --from FILE, as often as needed")
    frame = read_labelled(args.sources, args.site)
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


def read_labelled(sources: list[str], site: str | None = None) -> pd.DataFrame:
    """Read files and journals as one corpus; columns `file` and `row` name each origin."""
    import pandas as pd

    from spamguard.corpus import check_corpus, read_corpus

    frames = [_journal(s, site) if _is_journal(s) else read_corpus(s) for s in sources]
    for source, frame in zip(sources, frames, strict=True):
        if frame["label"].isna().all():
            of = f" of {site}" if site and _is_journal(source) else ""
            raise InputError(f"{source} has no labelled comments{of}: a column label is needed.")
        sites = set(frame["blog"].tolist())
        if site is None and _is_journal(source) and len(sites) > 1:
            print(
                f"{source} holds {len(sites):,} sites, and all are read: --site NAME chooses one",
                file=sys.stderr,
            )
    marked = [
        frame.assign(file=source, row=range(1, len(frame) + 1))
        for source, frame in zip(sources, frames, strict=True)
    ]
    return check_corpus(pd.concat(marked, ignore_index=True).drop(columns="duplicate_group"))


def _is_journal(source: str) -> bool:
    """Return whether the name is that of a journal, not of a corpus file."""
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
        f"learned from {counted(outcome.learned, 'comment')}, measured on the {outcome.held_back:,} newest"
    )
    if outcome.undated:
        print(
            f"{counted(outcome.undated, 'comment has', 'comments have')} no date, so treated as old",
            file=sys.stderr,
        )
    print(gate.why)
    for what, (low, high) in (
        ("real comments lost", gate.ham_lost_range),
        ("spam caught", gate.spam_caught_range),
    ):
        print(f"{what}: {100 * low:.1f} to {100 * high:.1f} % (95 % interval)")
    if outcome.doubted:
        command = f"spamguard audit {' '.join(args.sources)}"
        print(
            f"{counted(outcome.doubted, 'label looks', 'labels look')} wrong, weighted down: {command}",
            file=sys.stderr,
        )
    if not gate.passed:
        print(f"nothing was changed in {target}", file=sys.stderr)
    elif args.dry_run:
        print(f"nothing was changed in {target}: --dry-run", file=sys.stderr)
    else:
        print(f"in use in {target}; back with: spamguard retrain -o {target} --rollback")
