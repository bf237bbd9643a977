"""What docs/moderation-pages.md says is so."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from pathlib import Path

from spamguard.cli import parser_for
from spamguard.server.http import limits
from spamguard.server.pages import queue_query, sessions
from spamguard.training.retraining import LEAST

DOCS = (Path(__file__).parents[3] / "docs" / "moderation-pages.md").read_text("utf-8")
SCRIPT = Path(queue_query.__file__).with_name("static") / "pages.js"


def test_commands_parse():
    found = re.findall(r"^spamguard .*$", DOCS, re.MULTILINE)
    assert len(found) == 2
    for line in found:
        args, left = parser_for().parse_known_args(shlex.split(line)[1:])
        assert not left
        assert args.run


def test_keys_are_those_of_the_script():
    told = set(re.findall(r"^\| ((?:`.` ?)+)\|", DOCS, re.MULTILINE))
    keys = {key for row in told for key in re.findall(r"`(.)`", row)}
    deeds = SCRIPT.read_text("utf-8").split("const actions = {")[1].split("};")[0]
    assert keys == set(re.findall(r'^ +"?([a-z/])"?: ', deeds, re.MULTILINE))


def test_numbers_are_those_of_the_program():
    assert timedelta(hours=12) == sessions._IDLE
    assert "twelve hours" in DOCS
    assert timedelta(days=7) == sessions._LONGEST
    assert "a week at most" in DOCS
    assert (limits._MOST_TRIES, round(1 / limits._TRIES)) == (10, 30)
    assert "Ten attempts to log in are free, then one in 30 seconds" in DOCS
    assert f"the first {queue_query.WINDOW} that fit" in DOCS
    assert LEAST == 10
    assert "From ten decisions of each kind on" in DOCS
