"""``spamguard models``: the installed models, their training data and figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from spamguard.display import percent, share
from spamguard.errors import ModelFormatError, SpamguardError

if TYPE_CHECKING:
    from spamguard.model import SpamModel

_DESCRIPTION: Final = """\
List the installed models: what they were trained on, how they were measured
and where their decision thresholds are. With NAME, print that model's card.
"""
_EXAMPLES: Final = """\
examples:
  spamguard models
  spamguard models default
  spamguard models ./mysite-1 --json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a model: print its card")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.storage import load_model, model_names

    if args.name is not None:
        return _one(args.name, args.json)
    code, found = 0, []
    for name in model_names():
        try:
            found.append(load_model(name))
        except SpamguardError as error:  # one damaged model must not hide the others
            print(f"spamguard: {error}", file=sys.stderr)
            code = 1
    if args.json:
        print(json.dumps([_facts(model) for model in found], indent=1))
        return code
    for number, model in enumerate(found):
        _print(model, apart=number > 0)
    return code


def _one(name: str, as_json: bool) -> int:
    from spamguard.storage import find_model, load_model

    model = load_model(name)
    card = find_model(name) / "CARD.md"
    if as_json:
        print(json.dumps(_facts(model), indent=1))
    elif card.is_file():
        from spamguard.cli.terminal import Screen

        Screen().text(card.read_text("utf-8"))
    else:
        _print(model, apart=False)
    return 0


def _facts(model: SpamModel) -> dict[str, Any]:
    from spamguard.model import probability

    cuts = {"unsure": model.cuts.unsure, "spam": model.cuts.spam, "discard": model.cuts.discard}
    return {
        "name": model.name,
        "version": model.version,
        "trained_on": model.about.get("trained_on"),
        "figures": model.about.get("figures"),
        "prior": model.prior,
        "promises": _recorded(model),
        "thresholds": {k: None if v is None else probability(v) for k, v in cuts.items()},
    }


def _recorded(model: SpamModel) -> dict[str, Mapping[str, Any]]:
    """Return the promises that `spamguard thresholds` recorded, by threshold."""
    found = model.about.get("promises")
    given = found if isinstance(found, Mapping) else {}
    return {name: each for name, each in given.items() if isinstance(each, Mapping)}


def _print(model: SpamModel, apart: bool) -> None:
    from spamguard.cli.terminal import Screen

    screen = Screen()
    facts = _facts(model)
    cuts = {k: None if v is None else percent(v) for k, v in facts["thresholds"].items()}
    if apart:
        screen.line()
    screen.line((f"{model.name} {model.version}", "bold"))
    screen.field("trained on", _in_words(facts["trained_on"]) or "not recorded")
    screen.field("thresholds", f"unsure from {cuts['unsure']}, spam from {cuts['spam']}")
    discard = f"from {cuts['discard']}" if cuts["discard"] else "locked: no promise backs it"
    screen.field("discard", discard)
    screen.field("probabilities", f"where {share(model.prior)} of all comments are spam")
    for action, words in _promises(facts["promises"]):
        screen.field(f"{action} promise", words)
    figures = list(_flat(facts["figures"] or {}))
    for number, (name, value) in enumerate(figures):
        screen.field("held-out folds" if number == 0 else "", f"{name}: {value}")
    if not figures:
        screen.field("held-out folds", "no figures recorded")


def _promises(promises: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each threshold that `spamguard thresholds` set, and its promise in words."""
    from spamguard.cli.terminal import promise_words
    from spamguard.evaluation import Threshold

    for action, recorded in promises.items():
        try:
            found = Threshold.from_dict(recorded)
        except ModelFormatError:
            yield action, "its record is damaged"
            continue
        learned = recorded.get("learned_from")
        warning = "; measured on comments it had LEARNED FROM" if learned else ""
        yield (
            action,
            f"{promise_words(found.promise)}: {found.ham_lost:,} of {found.ham:,} lost, "
            f"{found.spam_caught:,} of {found.spam:,} spam caught{warning}",
        )


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_in_words(each) for each in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _flat(figures: object, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the figures of nested mappings, each with the names above it."""
    if not isinstance(figures, Mapping):
        if isinstance(figures, float) and 0 <= figures <= 1:
            yield above or "all", share(figures)
        else:
            yield above or "all", _in_words(figures)
        return
    for name, value in figures.items():
        yield from _flat(value, f"{above} {name}".strip().replace("_", " "))
