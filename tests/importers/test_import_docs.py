"""The page for people: every source and every field is on it. tests/test_docs.py runs its commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from spamguard.importers import SOURCES
from spamguard.importers.columns import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
COMMANDS = re.findall(r"^spamguard .*$", PAGE, re.MULTILINE)


def test_every_source_has_its_command():
    shown = {shlex.split(c)[2] for c in COMMANDS if c.startswith("spamguard import ")}
    assert shown == set(SOURCES)


def test_every_field_is_named():
    listed = PAGE.partition("The fields are: ")[2].partition(". A column")[0]
    assert re.findall(r"`([a-z_]+)`", listed) == list(NAMES)
