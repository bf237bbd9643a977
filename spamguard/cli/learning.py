"""``spamguard train`` and ``spamguard evaluate``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from spamguard.errors import InputError
from spamguard.model import SpamModel, probability
from spamguard.progress import Progress
from spamguard.storage import find_model, load_model, write_bytes


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    return _train(args) if args.command == "train" else _evaluate(args)


# --- train ------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> int:
    import spamguard.training as training

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
    import spamguard.evaluation as evaluation

    if args.protocol is not None and args.corpus is not None:
        args.usage_error("give either a PROTOCOL or --corpus, not both")
    if args.output is not None and not Path(args.output).parent.is_dir():
        # Told before hours of work, not after.
        raise InputError(f"{Path(args.output).parent} is no directory; make it first.")
    if args.corpus is not None:
        result = _on_corpus(args, evaluation)
    elif args.protocol in evaluation.PROTOCOLS:
        result = _by_protocol(args, evaluation)
    else:
        return _list_protocols(args.protocol, evaluation)
    if args.output is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_bytes(Path(args.output), text.encode())
    from spamguard.cli.terminal import Screen

    Screen().text(evaluation.render(result))
    return 0


def _on_corpus(args: argparse.Namespace, evaluation: Any) -> dict[str, Any]:
    from spamguard.corpus import read_corpus

    if args.recipe is not None or args.datasets is not None:
        args.usage_error("--corpus goes without --recipe and --datasets")
    model = load_model(args.model or "default")
    result: dict[str, Any] = evaluation.evaluate_corpus(
        read_corpus(args.corpus, labelled=True), model
    )
    return result


def _by_protocol(args: argparse.Namespace, evaluation: Any) -> dict[str, Any]:
    from spamguard.corpus import DATASETS_VARIABLE, datasets_dir
    from spamguard.training import Recipe

    if args.model is not None:
        args.usage_error("--model goes with --corpus; a protocol trains its own models")
    # Not every protocol needs the sets; one that does says so itself.
    named = args.datasets or os.environ.get(DATASETS_VARIABLE)
    directory = datasets_dir(args.datasets) if named else None
    recipe = Recipe.read(_recipe(args))
    with Progress() as watch:
        result: dict[str, Any] = evaluation.PROTOCOLS[args.protocol].run(
            directory, recipe, watch, args.jobs
        )
    return result


def _list_protocols(asked: str | None, evaluation: Any) -> int:
    known = evaluation.PROTOCOLS.values()
    if asked is not None:
        print(f"spamguard evaluate: there is no protocol {asked!r}.", file=sys.stderr)
    print("usage: spamguard evaluate PROTOCOL, or --corpus FILE. Protocols:", file=sys.stderr)
    for protocol in known:
        print(f"  {protocol.name:<16} {protocol.summary}", file=sys.stderr)
    return 2
