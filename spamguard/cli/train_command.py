"""``spamguard train`` and ``spamguard evaluate``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spamguard.errors import InputError
from spamguard.files import write_bytes
from spamguard.model import SpamModel, probability
from spamguard.progress import Progress
from spamguard.storage import find_model, load_model


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    return _train(args) if args.command == "train" else _evaluate(args)


# --- train ------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> int:
    from spamguard.training import recipe as training

    _check_train(args)
    if args.corpus is not None:
        target = free(Path(args.output), args.replace)
        from spamguard.corpus import read_corpus

        frame = read_corpus(args.corpus, labelled=True)
        name = {} if args.name is None else {"name": args.name}
        with Progress() as watch:
            trained = training.train_corpus(frame, watch=watch, n_jobs=args.jobs, **name)
    else:
        recipe = training.Recipe.read(_recipe(args))
        target = free(Path(args.output or f"{recipe.name}-{recipe.version}"), args.replace)
        from spamguard.corpus import datasets_dir

        with Progress() as watch:
            trained = training.train_recipe(
                recipe, datasets_dir(args.datasets), watch=watch, n_jobs=args.jobs
            )
    target.mkdir(parents=True, exist_ok=True)
    training.write(trained, target)
    print(f"{trained.model.title} is in {target}")
    _print_figures(trained.model)
    print(f'Try it: spamguard score --model {target} "Nice post!"')
    return 0


def _print_figures(model: SpamModel) -> None:
    """Print what held-out folds say of the thresholds, as far as the model tells."""
    from spamguard.cli.terminal import share

    figures = model.about.get("figures") or {}
    named = (("spam_caught", "of the spam caught"), ("ham_lost", "of the real comments lost"))
    told = [
        f"{share(figures[key])} {what}"
        for key, what in named
        if isinstance(figures.get(key), float)
    ]
    if told:
        print(f"On held-out folds: {', '.join(told)}")
    cuts = model.cuts
    discard = "locked" if cuts.discard is None else f"from {share(probability(cuts.discard))}"
    print(
        f"Thresholds: unsure from {share(probability(cuts.unsure))}, "
        f"spam from {share(probability(cuts.spam))}, discard {discard}"
    )


def _check_train(args: argparse.Namespace) -> None:
    if args.corpus is None and args.recipe is None:
        args.usage_error("name what to learn from: --corpus FILE, or --recipe FILE")
    if args.corpus is not None and (args.recipe is not None or args.datasets is not None):
        args.usage_error("--corpus goes without --recipe and --datasets")
    if args.corpus is not None and args.output is None:
        args.usage_error("say with --output DIR where the model is to go")
    if args.corpus is None and args.name is not None:
        args.usage_error("--name goes with --corpus; a recipe names its model")


def free(directory: Path, replace: bool, option: str = "--output") -> Path:
    """Return `directory`; refused here, before hours of work, if it holds a model."""
    if (directory / "model.json").exists() and not replace:
        raise InputError(
            f"{directory} holds a model already; name another {option} or say --replace."
        )
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is not a directory; name another {option}.")
    return directory


def _recipe(args: argparse.Namespace) -> Path:
    return Path(args.recipe) if args.recipe is not None else find_model("default") / "recipe.toml"


# --- evaluate ---------------------------------------------------------------------


def _evaluate(args: argparse.Namespace) -> int:
    from spamguard.analysis import evaluate_corpus, render
    from spamguard.corpus import read_corpus

    if args.output is not None and not Path(args.output).parent.is_dir():
        raise InputError(f"{Path(args.output).parent} is no directory; make it first.")
    frame = read_corpus(args.file, labelled=True)
    result = evaluate_corpus(frame, load_model(args.model or "default"))
    if args.output is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_bytes(Path(args.output), text.encode())
    from spamguard.cli.terminal import Screen

    Screen().text(render(result))
    return 0
