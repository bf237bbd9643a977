"""``spamguard thresholds``: the cut that keeps a promise on comments of one's own."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spamguard.cli.train_command import free
from spamguard.progress import Progress
from spamguard.storage import load_model, save_model

if TYPE_CHECKING:
    from spamguard.evaluation import Promise, SiteThreshold
    from spamguard.model import SpamModel


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.corpus import read_corpus
    from spamguard.evaluation import threshold_on

    _check_usage(args)
    target = None if args.save is None else free(Path(args.save), args.replace, "--save")
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
        f"spamguard: WARNING: {model.title} has learned from these very comments. It loses fewer "
        "of them than it will of others: do not rely on what follows. Measure on comments it has "
        "not seen.",
        file=sys.stderr,
    )


def _save(args: argparse.Namespace, model: SpamModel, found: SiteThreshold, target: Path) -> None:
    from spamguard.evaluation import with_threshold

    copy = with_threshold(model, found, lock_discard=args.lock_discard)
    save_model(copy, target, name=args.name or "mysite")
    # On stderr: standard output may be JSON that somebody reads.
    print(f"{model.title} with this cut for {found.action} is in {target}", file=sys.stderr)
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
    from spamguard.cli.terminal import Screen, promise_words, share

    screen, threshold = Screen(), found.threshold
    screen.line((f"{model.name} {model.version}", "bold"))
    screen.field("comments", f"{threshold.ham:,} real ones and {threshold.spam:,} spam")
    screen.field("promise", f"{promise_words(threshold.promise)}, at {found.action}")
    if found.language_unknown:
        told = "count too" if found.action == "unsure" else "are unsure at most: not counted"
        screen.field("languages", f"{found.language_unknown:,} in ones it does not know {told}")
    if not threshold.supported:
        screen.field("cut", "none: these comments do not support the promise")
        screen.field("missing", _missing(found))
        return
    screen.field(
        "cut",
        f"log-odds {threshold.log_odds:.4f}, probability {probability_words(threshold.log_odds)}"
        f" where {share(found.prior)} of all comments are spam",
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
            f"{fine(threshold.precision)} where {share(threshold.spam_share)} of all comments "
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
    """Return what speaks against relying on the bound, a sentence each."""
    lost = found.threshold.ham_lost
    told = [
        f"{g.ham_lost:,} of the {lost:,} real comments lost are "
        f"{'on one blog' if g.by == 'blog' else 'under one post'} ({g.name}), which has "
        f"{g.ham:,}: they are not independent, and the bound says too little there"
        for g in found.gathered[:5]
    ]
    if len(found.gathered) > 5:
        told.append(f"{len(found.gathered) - 5} more such groups (--json lists all)")
    if found.broken_blogs:
        blogs = ", ".join(found.broken_blogs[:5])
        told.append(f"the promise is broken on single blogs: {blogs}")
    return told


def fine(value: float) -> str:
    """Return a share from 0 to 1 in percent, to three digits: small ones matter here.

    Examples
    --------
    >>> fine(0.000988), fine(0.545), fine(1.0)
    ('0.0988 %', '54.5 %', '100 %')
    """
    return f"{100 * value:.3g} %"


def probability_words(log_odds: float) -> str:
    """Return the probability at a cut with as many digits as tell it from 0 and from 1.

    Examples
    --------
    >>> probability_words(0.0), probability_words(9.2), probability_words(-12.0)
    ('0.500', '0.99990', '0.0000061')
    """
    rare = 1.0 / (1.0 + math.exp(min(abs(log_odds), 30.0)))
    digits = max(3, 1 - math.floor(math.log10(rare)))
    return f"{rare if log_odds < 0 else 1.0 - rare:.{digits}f}"
