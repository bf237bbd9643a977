"""``spamguard thresholds``: the threshold that keeps a promise on your own comments."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.data.train_command import unused
from spamguard.cli.options import model_name, share
from spamguard.display import counted
from spamguard.display import share as percent_of

if TYPE_CHECKING:
    from spamguard.evaluation import Promise, SiteThreshold
    from spamguard.model import SpamModel


_DESCRIPTION: Final = """\
Find the threshold that keeps a promise on labelled comments of your own: how
much spam it catches, how many real comments it loses, and the most it will lose
in future. If there are too few comments to support the promise, it says how many
are missing. --save writes a copy of the model with that threshold.

Use comments that the model has not learned from, or the promise means nothing:
the shipped model has learned from none of yours, a model that you trained has
learned from its corpus. CORPUS is read as by "spamguard train".
"""
_EXAMPLES: Final = """\
examples:
  spamguard thresholds moderated.csv --max-ham-lost 0.01
  spamguard thresholds moderated.csv --min-precision 0.998 --spam-share 0.9
  spamguard thresholds moderated.csv --max-ham-lost 0.005 --save mysite-1
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("corpus", metavar="CORPUS", help="labelled comments of your own")
    promise = parser.add_mutually_exclusive_group(required=True)
    promise.add_argument(
        "--max-ham-lost", type=share, metavar="SHARE", help="lose at most this share of ham"
    )
    promise.add_argument(
        "--min-precision", type=share, metavar="SHARE",
        help="at least this share of what is caught is spam",
    )  # fmt: skip
    parser.add_argument(
        "--confidence", type=share, default=0.95, metavar="SHARE",
        help="how often the promise holds (0.95)",
    )  # fmt: skip
    parser.add_argument(
        "--spam-share", type=share, metavar="SHARE",
        help="share of spam on your site, for the precision (default: that of CORPUS)",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|DIR", help="another model than the shipped one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", metavar="DIR", help="write a copy of the model with it")
    parser.add_argument(
        "--for", dest="action", choices=("spam", "unsure", "discard"),
        help="what happens at or above this threshold (default: the label is spam)",
    )  # fmt: skip
    parser.add_argument("--lock-discard", action="store_true", help="the copy never discards")
    parser.add_argument("--name", type=model_name, metavar="NAME", help="name of the copy (mysite)")
    parser.add_argument("--replace", action="store_true", help="replace a model that exists")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.corpus import read_corpus
    from spamguard.evaluation import threshold_on
    from spamguard.progress import Progress
    from spamguard.storage import load_model

    _check_usage(args)
    target = None if args.save is None else unused(Path(args.save), args.replace, "--save")
    model = load_model(args.model or "default")
    frame = read_corpus(args.corpus, labelled=True)
    with Progress() as watch:
        found = threshold_on(
            model, frame, _promise(args), args.action or "spam",
            spam_share=args.spam_share, watch=watch,
        )  # fmt: skip
    if found.learned_from:
        _warn(model)
    if args.json:
        print(json.dumps(_facts(model, found), indent=1))
    else:
        _print(model, found)
    if target is not None:
        _save(args, model, found, target)
    return 0


def _check_usage(args: argparse.Namespace) -> None:
    if args.save is None:
        given = (args.name, args.replace or None, args.lock_discard or None)
        if any(value is not None for value in given):
            args.usage_error("--name, --replace and --lock-discard go with --save DIR")
    if args.lock_discard and args.action == "discard":
        args.usage_error("--lock-discard goes without --for discard")


def _promise(args: argparse.Namespace) -> Promise:
    from spamguard.evaluation import Promise

    if args.max_ham_lost is not None:
        return Promise("max_ham_lost", args.max_ham_lost, args.confidence)
    return Promise("min_precision", args.min_precision, args.confidence)


def _warn(model: SpamModel) -> None:
    print(
        f"spamguard: WARNING: {model.title} has learned from these comments, so it loses "
        "fewer of them than of others. Do not rely on these figures: measure on comments that it "
        "has not seen.",
        file=sys.stderr,
    )


def _save(args: argparse.Namespace, model: SpamModel, found: SiteThreshold, target: Path) -> None:
    from spamguard.evaluation import with_threshold
    from spamguard.storage import save_model

    copy = with_threshold(model, found, lock_discard=args.lock_discard)
    save_model(copy, target, name=args.name or "mysite")
    # On stderr, because standard output may be JSON for a program.
    print(f"{model.title} with this threshold for {found.action} is in {target}", file=sys.stderr)
    print(f"See it: spamguard models {target}", file=sys.stderr)


# --- what is printed --------------------------------------------------------------


def _facts(model: SpamModel, found: SiteThreshold) -> dict[str, object]:
    threshold = found.threshold
    at = _probability(threshold.log_odds) if threshold.supported else None
    return {"model": model.title, **found.to_dict(), "probability": at}


def _probability(log_odds: float) -> float:
    from spamguard.model import probability

    return probability(log_odds)


def _print(model: SpamModel, found: SiteThreshold) -> None:
    from spamguard.cli.terminal import Screen, promise_words

    screen, threshold = Screen(), found.threshold
    screen.line((f"{model.name} {model.version}", "bold"))
    screen.field("comments", f"{threshold.ham:,} real ones and {threshold.spam:,} spam")
    screen.field("promise", f"{promise_words(threshold.promise)}, at {found.action}")
    if found.language_unknown:
        treatment = "counted too" if found.action == "unsure" else "unsure at most, so not counted"
        screen.field(
            "languages", f"{found.language_unknown:,} in ones it has not learned: {treatment}"
        )
    if not threshold.supported:
        screen.field("threshold", "none: these comments do not support the promise")
        screen.field("missing", _missing(found))
        return
    screen.field(
        "threshold",
        f"log-odds {threshold.log_odds:.4f}, probability {probability_words(threshold.log_odds)}"
        f" where {percent_of(found.prior)} of all comments are spam",
    )
    screen.field("spam caught", _part(threshold.spam_caught, threshold.spam))
    screen.field(
        "real ones lost",
        f"{_part(threshold.ham_lost, threshold.ham)}; at most {fine(threshold.ham_lost_upper)} "
        f"with {100 * threshold.promise.confidence:g} % confidence (exact, if comments are independent)",
    )
    if not math.isnan(threshold.precision):
        screen.field(
            "precision",
            f"{fine(threshold.precision)} where {percent_of(threshold.spam_share)} of all comments "
            "are spam (an estimate)",
        )
    for number, words in enumerate(_doubts(found)):
        screen.field("but" if number == 0 else "", words)


def _part(k: int, n: int) -> str:
    return f"{k:,} of {n:,}" + (f" ({fine(k / n)})" if n else "")


def _missing(found: SiteThreshold) -> str:
    threshold = found.threshold
    if threshold.missing_ham:
        about = "" if threshold.promise.kind == "max_ham_lost" else "about "
        return (
            f"{about}{threshold.missing_ham:,} more real comments, labelled ham and unknown to the "
            "model; or promise less"
        )
    if not threshold.spam:
        return "spam: label some, or promise a share of real comments with --max-ham-lost"
    return "more real comments alone would not help; promise less"


def _doubts(found: SiteThreshold) -> list[str]:
    """Return the reasons not to rely on the bound."""
    lost = found.threshold.ham_lost
    doubts = [
        f"{g.ham_lost:,} of the {lost:,} real comments lost are "
        f"{'on one blog' if g.by == 'blog' else 'under one post'} ({g.name}), which has "
        f"{g.ham:,}: they are not independent, and the bound says too little there"
        for g in found.gathered[:5]
    ]
    if len(found.gathered) > 5:
        doubts.append(f"{counted(len(found.gathered) - 5, 'more such group')} (--json lists all)")
    if found.broken_blogs:
        blogs = ", ".join(found.broken_blogs[:5])
        doubts.append(f"the promise is broken on single blogs: {blogs}")
    return doubts


def fine(value: float) -> str:
    """Return a share from 0 to 1 in percent, to three digits because small ones matter.

    Examples
    --------
    >>> fine(0.000988), fine(0.545), fine(1.0)
    ('0.0988 %', '54.5 %', '100 %')
    """
    return f"{100 * value:.3g} %"


def probability_words(log_odds: float) -> str:
    """Return the probability at a threshold, with enough digits to differ from 0 and 1.

    Examples
    --------
    >>> probability_words(0.0), probability_words(9.2), probability_words(-12.0)
    ('0.500', '0.99990', '0.0000061')
    """
    rare = 1.0 / (1.0 + math.exp(min(abs(log_odds), 30.0)))
    digits = max(3, 1 - math.floor(math.log10(rare)))
    return f"{rare if log_odds < 0 else 1.0 - rare:.{digits}f}"
