"""``spamguard demo``."""

from __future__ import annotations

import argparse

from spamguard.cli.demo_command import show


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    show(args.post)
    return 0
