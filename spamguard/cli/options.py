"""Types of option values that several commands share."""

from __future__ import annotations

import argparse
import re


def share(text: str) -> float:
    """Return a share between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.02")
    return value


def count(text: str) -> int:
    """Return a whole number above zero, or raise ArgumentTypeError."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero, such as 3")
    return int(text)


def model_name(text: str) -> str:
    """Return a name that is safe in a path."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a name for a model; use letters, digits, dots, dashes and underscores"
        )
    return text


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add ``--jobs``."""
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )


def _jobs(text: str) -> int:
    if not re.fullmatch(r"-?[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, such as 4 or -1")
    return int(text)
