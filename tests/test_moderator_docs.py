"""The moderator's guide, from export to a better model, as it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from spamguard import cli
from spamguard.cli.arguments import parser_for

PAGE = (Path(__file__).parents[1] / "docs" / "moderators.md").read_text("utf-8")
COMMANDS = re.findall(r"^(spamguard [^\n>]*?)(?: > (\S+))?$", PAGE, re.MULTILINE)
WXR = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Kettles</title>
<wp:wxr_version>1.2</wp:wxr_version><link>https://kettles.example</link>
<item><title>On copper</title><link>https://kettles.example/copper</link><wp:post_id>1</wp:post_id>
<wp:post_type>post</wp:post_type><content:encoded><![CDATA[<p>How a kettle of copper is cleaned.</p>]]></content:encoded>
{comments}</item></channel></rss>
"""
ONE = """<wp:comment><wp:comment_id>{i}</wp:comment_id><wp:comment_author><![CDATA[{author}]]></wp:comment_author>
<wp:comment_date_gmt>2023-{month:02d}-{day:02d} 10:00:00</wp:comment_date_gmt>
<wp:comment_content><![CDATA[{text}]]></wp:comment_content><wp:comment_approved>{approved}</wp:comment_approved>
<wp:comment_type></wp:comment_type></wp:comment>
"""


@pytest.fixture
def export(tmp_path, sample):
    """An export of a blog with spam of its own kind; the last few are still in the queue."""
    random = np.random.default_rng(1)
    words = np.array(" ".join(sample["text"][:40]).split())
    rows = []
    for i in range(120):
        kind, text = ("1", "spam")[i % 3 == 0], " ".join(random.choice(words, 12))
        rows.append((f"Our chess club {text}" if kind == "spam" else text, kind))
        rows.append((sample["text"].iloc[i], {"ham": "1", "spam": "spam"}[sample["label"].iloc[i]]))
    rows = [(text, kind if i < 230 else "0") for i, (text, kind) in enumerate(rows)]
    comments = "".join(
        ONE.format(
            i=i, author=f"Ann {i}", month=1 + i // 28, day=1 + i % 28,
            text=text.replace("]]>", ""), approved=state,
        )
        for i, (text, state) in enumerate(rows)
    )  # fmt: skip
    file = tmp_path / "blog.xml"
    file.write_text(WXR.format(comments=comments), "utf-8")
    return file


def test_every_command_of_the_guide_is_one():
    assert len(COMMANDS) >= 7
    for command, _ in COMMANDS:
        args = parser_for().parse_args(shlex.split(command)[1:])
        assert args.command


def test_the_guide_from_export_to_a_model_and_back(export, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command, target in COMMANDS:
        code = cli.main(shlex.split(command)[1:])
        told = capsys.readouterr()
        # A retraining after the first may be turned down by the gate.
        assert code in ((0, 3) if "decided.jsonl" in command else (0,)), (command, told.err)
        if target:
            Path(target).write_text(told.out, "utf-8")
        if target == "decide.jsonl":
            label_all(Path(target))
    assert Path("decided.jsonl").read_text("utf-8").count("\n") >= 10


def label_all(file):
    """Do what the guide asks of its reader."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    file.write_text("".join(json.dumps(line | {"label": "ham"}) + "\n" for line in lines), "utf-8")


def test_the_code_of_the_guide_runs():
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "moderators.md", "exec"), {})
