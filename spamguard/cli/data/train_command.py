"""``spamguard train``: a model from labelled comments, or from a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.options import add_jobs, model_name
from spamguard.display import share
from spamguard.errors import InputError

if TYPE_CHECKING:
    from spamguard.model import SpamModel

_DESCRIPTION: Final = """\
Train a model on your own labelled comments (--corpus), or again from a recipe
(--recipe), which names its sets by hash and so gives the same model each time.

A corpus is a .csv, .jsonl or .jsonl.gz file with the fields text and label
(ham or spam), and as many as you have of author, author_url, date, post_id,
post_title, post_text and blog.
"""
_EXAMPLES: Final = """\
examples:
  spamguard train --corpus moderated.csv --output mysite-1
  spamguard score --model mysite-1 "Nice one, thanks"
  spamguard train --recipe models/default/recipe.toml --datasets ~/sets
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("--corpus", metavar="FILE", help="labelled comments of your own")
    parser.add_argument("--recipe", metavar="FILE", help="a recipe, such as the shipped model's")
    parser.add_argument("--datasets", metavar="DIR", help="directory that holds the recipe's sets")
    add_jobs(parser)
    parser.add_argument(
        "--output", metavar="DIR",
        help="directory for the model (default: NAME-VERSION of the recipe)",
    )  # fmt: skip
    parser.add_argument(
        "--name", type=model_name, metavar="NAME", help="name of a model from --corpus (mysite)"
    )
    parser.add_argument("--replace", action="store_true", help="replace a model that exists")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    _check_usage(args)
    from spamguard.progress import Progress
    from spamguard.training import Recipe, save_run, train_corpus, train_recipe

    with Progress() as watch:
        if args.corpus is not None:
            from spamguard.corpus import read_corpus

            target = unused(Path(args.output), args.replace)
            frame = read_corpus(args.corpus, labelled=True)
            name = {} if args.name is None else {"name": args.name}
            trained = train_corpus(frame, watch=watch, n_jobs=args.jobs, **name)
        else:
            from spamguard.corpus import datasets_dir

            recipe = Recipe.read(Path(args.recipe))
            target = unused(Path(args.output or f"{recipe.name}-{recipe.version}"), args.replace)
            directory = datasets_dir(args.datasets)
            trained = train_recipe(recipe, directory, watch=watch, n_jobs=args.jobs)
    target.mkdir(parents=True, exist_ok=True)
    save_run(trained, target)
    print(f"{trained.model.title} is in {target}")
    _print_figures(trained.model)
    print(f'Try it: spamguard score --model {target} "Nice post!"')
    return 0


def _check_usage(args: argparse.Namespace) -> None:
    if args.corpus is None and args.recipe is None:
        args.usage_error("name what to learn from: --corpus FILE, or --recipe FILE")
    if args.corpus is not None and (args.recipe is not None or args.datasets is not None):
        args.usage_error("--corpus goes without --recipe and --datasets")
    if args.corpus is not None and args.output is None:
        args.usage_error("name the model's directory with --output DIR")
    if args.corpus is None and args.name is not None:
        args.usage_error("--name goes with --corpus; a recipe names its model")


def unused(directory: Path, replace: bool, option: str = "--output") -> Path:
    """Return `directory`; refuse it before the long work if it holds a model."""
    if (directory / "model.json").exists() and not replace:
        raise InputError(
            f"{directory} already holds a model; name another {option} or pass --replace."
        )
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is not a directory; name another {option}.")
    return directory


def _print_figures(model: SpamModel) -> None:
    """Print the thresholds and their recorded figures on held-out folds."""
    from spamguard.model import probability

    figures = model.about.get("figures") or {}
    names = (("spam_caught", "of the spam caught"), ("ham_lost", "of the real comments lost"))
    parts = [
        f"{share(figures[key])} {words}"
        for key, words in names
        if isinstance(figures.get(key), float)
    ]
    if parts:
        print(f"On held-out folds: {', '.join(parts)}")
    cuts = model.cuts
    discard = "locked" if cuts.discard is None else f"from {share(probability(cuts.discard))}"
    print(
        f"Thresholds: unsure from {share(probability(cuts.unsure))}, "
        f"spam from {share(probability(cuts.spam))}, discard {discard}"
    )
