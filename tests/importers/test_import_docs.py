"""The page for people: every command in it is one, and every source is on it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from spamguard.cli.arguments import parser_for
from spamguard.importers import SOURCES
from spamguard.importers.columns import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
COMMANDS = re.findall(r"^spamguard .*$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_can_be_parsed(command):
    parser_for().parse_args(shlex.split(command)[1:])


def test_every_source_has_its_command():
    shown = {shlex.split(c)[2] for c in COMMANDS if c.startswith("spamguard import ")}
    assert shown == set(SOURCES)


def test_every_field_is_named():
    listed = PAGE.partition("Fields there are: ")[2].partition(". A column")[0]
    assert re.findall(r"`([a-z_]+)`", listed) == list(NAMES)


def test_every_link_leads_to_a_heading():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
