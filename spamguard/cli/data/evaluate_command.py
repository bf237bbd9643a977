"""``spamguard evaluate``: measure a model on labelled comments of your own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from spamguard.errors import InputError

_DESCRIPTION: Final = """\
Measure a model on labelled comments of your own, with intervals. The report is
printed as Markdown; --output also writes all figures as JSON.

Use comments that the model has not learned from. FILE is read as by
"spamguard train".
"""
_EXAMPLES: Final = """\
examples:
  spamguard evaluate moderated.csv
  spamguard evaluate moderated.csv --model models/mysite --output figures.json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("file", metavar="FILE", help="labelled comments of your own")
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="model to measure")
    parser.add_argument("--output", metavar="FILE.json", help="also write all figures here")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.analysis import evaluate_corpus
    from spamguard.cli.terminal import Screen
    from spamguard.corpus import read_corpus
    from spamguard.files import write_bytes
    from spamguard.storage import load_model

    if args.output is not None and not Path(args.output).absolute().parent.is_dir():
        raise InputError(f"{Path(args.output).parent} is not a directory; make it first.")
    frame = read_corpus(args.file, labelled=True)
    report = evaluate_corpus(frame, load_model(args.model))
    if args.output is not None:
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        write_bytes(Path(args.output), text.encode())
    Screen().text(str(report))
    return 0
