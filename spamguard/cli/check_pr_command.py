"""``spamguard check-pr``: a label for the comment that a pull request brings."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from spamguard.errors import InputError
from spamguard.storage import load_model

EXIT_CODES: Final = {"none": 0, "ham": 0, "unsure": 3, "spam": 4}
"""1 is an error, 2 wrong usage."""

_MOST: Final = 1_000_000
"""Bytes of standard input."""


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.integrations.pullrequest import check_files, check_object, check_request

    if bool(args.files) == (args.since is not None):
        args.usage_error("name the comments' files, or say with --since what they are added to")
    model = load_model(args.model)
    repository = Path(args.repository)
    if args.since is not None:
        found = check_request(repository, args.since, model, args.comments_dir)
    elif args.files == ["-"]:
        data = sys.stdin.buffer.read(_MOST + 1)
        if len(data) > _MOST:
            raise InputError("standard input is larger than a comment can be.")
        found = check_object(data.decode("utf-8-sig", "replace"), model)
    else:
        found = check_files(repository, args.files, model, args.comments_dir)
    print(json.dumps(found.facts(), indent=1))
    return EXIT_CODES[found.label]
