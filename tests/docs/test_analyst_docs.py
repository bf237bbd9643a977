"""The analyst's guide: every command is one, what is measured holds. tests/test_docs.py runs its blocks."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from spamguard.cli import parser_for

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "analysts.md").read_text("utf-8")


def test_every_command_is_one():
    commands = re.findall(r"`(spamguard \w+ [^`\n]+)`", PAGE)
    assert len(commands) >= 3
    for command in commands:
        assert parser_for().parse_known_args(shlex.split(command)[1:])[0].command


def test_drift_reports_keep_their_promise_on_real_blogs():
    """From the committed measurement: no more false alarms than promised, unlike what stands beside."""
    found = json.loads((ROOT / "benchmarks" / "results" / "drift.json").read_text("utf-8"))
    quiet = found["false_alarms"]
    assert quiet["report"]["low"] <= found["alpha"]
    assert quiet["report"]["share"] <= 1.5 * found["alpha"]
    for other in ("alone", "ks", "bonferroni"):
        assert quiet[other]["low"] > quiet["report"]["high"]
    heard = [row["any"]["share"] for row in found["heard"]]
    assert heard == sorted(heard)
    assert heard[-1] > 0.8
