"""What docs/server.md says can be done: its commands parse, its files are whole, its endpoints exist."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest

from spamguard.cli import parser_for
from spamguard.server import create_app

DOCS = (Path(__file__).parents[2] / "docs" / "server.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", DOCS, re.DOTALL)


def block(kind):
    (text,) = (text for name, text in BLOCKS if name == kind)
    return text


def commands():
    lines = "\n".join(text for name, text in BLOCKS if not name).replace("\\\n", " ").splitlines()
    found = [shlex.split(line) for line in lines if line.startswith("spamguard ")]
    found.append(shlex.split(block("ini").split("ExecStart=")[1].splitlines()[0]))
    found.append(re.findall(r'"([^"]+)"', block("dockerfile").split("CMD")[1]))
    return found


@pytest.mark.parametrize("argv", commands(), ids=" ".join)
def test_commands_parse(argv):
    assert argv[0].rpartition("/")[2] == "spamguard"
    args, left = parser_for().parse_known_args(argv[1:])
    assert not left
    assert args.run


def test_there_are_commands():
    assert len(commands()) > 10


def test_options_in_the_text_exist(capsys):
    named = set(re.findall(r"`(--[a-z-]+)", DOCS))
    text = ""
    for command in (["serve"], ["sites", "set"], ["retrain"]):
        with pytest.raises(SystemExit):
            parser_for().parse_args([*command, "--help"])
        text += capsys.readouterr().out
    assert named
    assert {option for option in named if option not in text} == set()


def test_the_unit_is_one():
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(block("ini"))
    assert unit["Service"]["DynamicUser"] == "yes"


def test_endpoints_exist(config):
    paths = {route.path for route in create_app(config).routes}
    for path in re.findall(r"`(/(?:1\.\d|v1|coral)/[\w/-]+)`", DOCS):
        assert path.replace("SITE", "{site}") in paths, path
    for path in ("/health", "/ready", "/metrics", "/openapi.json"):
        assert f"`{path}`" in DOCS
        assert path in paths


def test_headers_of_our_own_are_all_told(blog):
    reply = blog.check()
    ours = {name.lower() for name in reply.headers if name.lower().startswith("x-spamguard-")}
    assert ours == {name.lower() for name in re.findall(r"`(X-Spamguard-\w+)`", DOCS)}


def test_figures_that_are_named_exist(blog):
    from spamguard.server.watch.telemetry import Drift

    blog.check()
    page = blog.http.get("/metrics").text
    gauges = {"spamguard_drift"}
    for name in set(re.findall(r"`(spamguard_\w+)`", DOCS)) - gauges:
        assert name in page, name
    assert Drift.__doc__
