"""The page for owners of blogs: its commands, its code and its links are real."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spamguard.cli import parser_for

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backends.md").read_text("utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^\s*(?:echo .* \| )?(spamguard [^\n>|]*)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_can_be_parsed(command):
    words = shlex.split(command.replace('"$BASE"', "main"))[1:]
    if words == ["serve"] and " serve " not in parser_for().format_help():
        pytest.skip("there is no server in this version")
    assert parser_for().parse_args(words).command == words[0]


@pytest.mark.parametrize("code", CODE)
def test_what_the_code_imports_is_there(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and not node.module.startswith(
            (
                "spamguard.integrations.django",
                "django_comments",
                "django.db",
                "wagtail",
            )  # tested in a project
        ):
            module = pytest.importorskip(node.module.partition(".")[0]) and importlib.import_module(
                node.module
            )
            for alias in node.names:
                assert hasattr(module, alias.name)


def test_the_code_for_flask_fastapi_and_others_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spaces = {}
    for code in CODE:
        for first in ("from flask", "from fastapi", "from spamguard import Comment, Post"):
            if code.startswith(first):
                pytest.importorskip(first.split()[1])
                spaces[first] = {"__name__": "page"}
                exec(compile(code, "backends.md", "exec"), spaces[first])
    assert len(spaces) == 3
    flask = spaces["from flask"]
    answer = (
        flask["app"].test_client().post("/comments/17", data={"text": "Which database was it?"})
    )
    assert answer.json == {"published": True}
    learned = next(code for code in CODE if code.startswith("guard.correct"))
    exec(compile(learned, "backends.md", "exec"), flask)
    assert flask["guard"].journal.summary().spam == 1
    flask["guard"].close()
    spaces["from spamguard import Comment, Post"]["site"].close()


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) == headings
    for link in re.findall(r"\]\(((?!#|http)[^)]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


def test_the_settings_of_django_are_those_there_are():
    source = (ROOT / "spamguard" / "integrations" / "django" / "conf.py").read_text("utf-8")
    (defaults,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "DEFAULTS"
    )
    section = PAGE.partition("## Django")[2].partition("## Any")[0]
    assert re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE) == list(defaults)


def test_the_exit_codes_are_those_there_are():
    from spamguard.integrations.pullrequest import EXIT_CODES

    rows = dict(re.findall(r"^\| (\d) \| `(\w+)`", PAGE, re.MULTILINE))
    assert rows == {"0": "ham", "3": "unsure", "4": "spam"}
    assert all(EXIT_CODES[label] == int(code) for code, label in rows.items())


@pytest.mark.parametrize(
    ("text", "label"),
    [("Which database was it?", "ham"), ("Buy cheap viagra at http://pills.example now", "spam")],
)
def test_the_step_for_github_labels_the_request(tmp_path, text, label):
    """The step as the page has it, in a clone, with a `gh` that only says what it was told."""
    yaml = pytest.importorskip("yaml")
    for tool in ("bash", "git", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    workflow = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1))
    (step,) = (s for s in workflow["jobs"]["label"]["steps"] if s.get("name"))
    assert "${{" not in step["run"]  # what a stranger named must not become part of a command
    origin, clone = tmp_path / "origin", tmp_path / "clone"

    def git(where, *arguments):
        identity = ("-c", "user.name=x", "-c", "user.email=x@blog.example")
        subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True)

    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "commit", "-q", "--allow-empty", "-m", "start")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    (clone / "comments").mkdir()
    (clone / "comments" / "a.yml").write_text(f"message: {text}\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "Add Staticman data")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text('#!/bin/sh\necho "gh $*"\n')
    (tools / "spamguard").write_text(f'#!/bin/sh\nexec {sys.executable} -m spamguard "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {"BASE": "main", "REQUEST": "7", "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=clone, env=os.environ | environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"gh pr edit 7 --add-label {label}"
