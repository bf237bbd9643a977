"""The analyst's guide: every block runs, every command is one, what is measured holds."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from spamguard.cli.arguments import parser_for

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "analysts.md").read_text("utf-8")


def test_every_block_runs(capsys):
    matplotlib = pytest.importorskip("matplotlib")
    pytest.importorskip("datasketch")
    matplotlib.use("agg")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/analysts.md", "exec"), names)
    matplotlib.pyplot.close("all")
    assert "columns moved" in capsys.readouterr().out
    assert names["features"].attrs["units"]["links_count"] == "ln(1 + count)"


def test_every_command_is_one():
    commands = re.findall(r"`(spamguard [^`\n]+)`", PAGE)
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
