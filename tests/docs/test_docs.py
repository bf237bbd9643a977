"""Every code block of README.md and docs/*.md is run, or is on a short list that says why not.

The blocks of a page are run from top to bottom, as a reader would, in an empty directory with the
files that a reader has: the sample corpus and exports of our own under the names that the page uses.
Where a page shows Python it runs in one namespace; ``pycon`` blocks are doctests. Of commands those
of spamguard are run, or at least parsed.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from spamguard import cli
from spamguard.cli import parser_for

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
CASES = ROOT / "tests" / "importers" / "cases"

NOT_RUN = {
    "a cluster of their own; tests/test_parallel.py and tests/analysis/test_spark.py make these calls": [
        ("docs/scale.md", "import joblib"),
        ("docs/scale.md", "from spamguard.analysis import score_spark"),
    ],
    "a drawing, a table or an excerpt, no command": [
        ("docs/architecture.md", "                 a comment arrives"),
        ("docs/architecture.md", "leaves <- features"),
    ],
    "a file of another program; tests/server/test_server_docs.py reads what it says of ours": [
        ("docs/server.md", "server {"),
        ("docs/server.md", "[Unit]"),
        ("docs/server.md", "ARG BASE"),
    ],
}
"""Blocks by page and beginning. Python of them is still compiled and its imports are looked up."""

NOT_COMMANDED = {
    "installs or prepares an environment, which .ci/run does": ("pip install ", "python3 -m venv ", ".venv/bin/pip ", "source "),
    "measures for many minutes; its script must be there": ("python benchmarks/", "python -m benchmarks.protocols", "sh benchmarks/", "bash benchmarks/", "peers-env/bin/python benchmarks/"),
    "fetches from the reader's own server": ("read -rs ", "wp ", "docker exec ", "git clone ", "git -C ", "(cd blog && gh "),
}  # fmt: skip
"""Commands of other programs, by their beginnings."""

ONLY_PARSED = {
    "needs the reader's database server": ("import wordpress-db env:", "feedback postgresql", "feedback env:"),
    "needs an export that tests/importers makes": ("import isso ", "import remark42 ", "import staticman "),
    "reads what a pipe brings for ever": ("score > verdicts.jsonl",),
    "learns from an export for minutes; tests/training/test_recipe.py trains": ("train --corpus ",),
}  # fmt: skip
"""Commands of spamguard that are parsed and not run, by their beginnings."""

ELSEWHERE = {
    "docs/backends.md": "tests/integrations/test_backend_docs.py",  # projects of frameworks, Isso
    "docs/moderation-pages.md": "tests/server/pages/test_docs.py",  # asks for a password
    "docs/server.md": "tests/server/test_server_docs.py",  # a server that runs until it is stopped
}
"""Pages whose blocks need more than a directory, and the tests that run them; here they are parsed."""

# What a page's commands say where the reader's part in between is missing.
CODES = {
    "spamguard retrain --from corpus.jsonl --from decided.jsonl": (0, 3)
}  # the gate may refuse


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text("utf-8")
    for match in re.finditer(r"^```(\S*)[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def is_excused(block: Block) -> bool:
    return any(
        block.page == page and block.text.startswith(start)
        for listed in NOT_RUN.values()
        for page, start in listed
    )


def commands_of(block: Block) -> list[str]:
    """Return the commands of a block without comments and continuations."""
    lines = block.text.replace("\\\n", " ").splitlines()
    lines = [re.sub(r"\s{2,}#.*|^#.*", "", line).strip() for line in lines]
    return [line for line in lines if line]


# --- the reader's files -------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, sample) -> Path:
    """A directory with what readers of the pages have."""
    folder = tmp_path_factory.mktemp("reader")
    random = np.random.default_rng(1)
    words = np.array(" ".join(sample["text"][:40]).split())
    many = sample.iloc[np.tile(np.arange(len(sample)), 4)].reset_index(drop=True)
    many["text"] = [f"{text} {' '.join(random.choice(words, 6))}" for text in many["text"]]
    for name in ("comments.csv", "moderated.csv"):
        (many if name == "moderated.csv" else sample).to_csv(folder / name, index=False)
    for name in ("comments.jsonl", "many.jsonl"):
        sample.head(60).to_json(folder / name, orient="records", lines=True)
    lately = sample.head(20)[["comment_id", "text", "author", "label"]]
    lately.to_csv(folder / "corrections.csv", index=False)
    shutil.copy(CASES / "disqus.xml", folder / "export.xml")
    shutil.copy(CASES / "blogger-takeout.atom", folder / "feed.atom")
    shutil.copy(CASES / "movabletype.txt", folder / "export.txt")
    shutil.copy(CASES / "wp-posts.json", folder / "posts.json")
    old = "message;status\nWhich oven was it?;ok\nCheap pills at http://pills.example;junk\n"
    (folder / "old.csv").write_text(old, "utf-8")
    (folder / "blog.xml").write_text(export_of(sample), "utf-8")
    return folder


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


def export_of(sample) -> str:
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
    return WXR.format(comments=comments)


def prepare(command: str) -> None:
    """Lay out what is read, where two blocks of a page read or write different files of one name."""
    if command.startswith(("spamguard import ", "from spamguard.importers ")):
        for former in Path().glob("corpus*.jsonl"):
            former.unlink()
    if command.startswith("spamguard import wordpress-json"):
        shutil.copy(CASES / "wp-cli.json", "comments.json")
    elif command.startswith("spamguard import jsonl"):
        Path("comments.json").write_text('[{"user": {"name": "Jo"}, "body": "Which flour?"}]')


def do_what_the_page_asks(page: str, target: str) -> None:
    """Do by hand what a page asks of its reader between two commands."""
    if (page, target) == ("docs/moderators.md", "decide.jsonl"):
        lines = [json.loads(line) for line in Path(target).read_text("utf-8").splitlines()]
        assert len(lines) >= 10
        text = "".join(json.dumps(line | {"label": "ham"}) + "\n" for line in lines)
        Path(target).write_text(text, "utf-8")


# --- the blocks, page by page -------------------------------------------------------


@pytest.mark.parametrize("page", sorted(ELSEWHERE))
def test_pages_that_run_elsewhere_are_tested_there(page):
    assert Path(page).name in (ROOT / ELSEWHERE[page]).read_text("utf-8")
    parsed = 0
    for block in blocks_of(page):
        if block.language == "python":
            ast.parse(block.text)
            parsed += 1
        for command in commands_of(block) if block.language == "" else ():
            if command.startswith("spamguard "):
                assert parser_for().parse_args(shlex.split(command)[1:]).command
                parsed += 1
    assert parsed > 1


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_every_block_of_the_page_runs(page, files, tmp_path, monkeypatch, no_hang):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {"__name__": "reader"}
    for block in blocks_of(page):
        with no_hang(120):
            if is_excused(block):
                if block.language == "python":
                    check_imports(block)
            elif block.language == "python":
                prepare(block.text)
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("\n" * block.line + block.text, page, "exec"), names)
            elif block.language == "pycon":
                run_doctest(block, names)
            elif block.language in ("", "sh", "console"):
                for command in commands_of(block):
                    run(block, command)
            elif block.language == "json":
                json.loads(block.text)
            else:
                pytest.fail(f"{block}: nothing here runs blocks of {block.language!r}")
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def check_imports(block: Block) -> None:
    """Look up what a block that is not run takes from spamguard."""
    found = 0
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "spamguard":
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), f"{block}: no {alias.name}"
                found += 1
    assert found, f"{block}: takes nothing from spamguard"


def run_doctest(block: Block, names: dict[str, object]) -> None:
    example = doctest.DocTestParser().get_doctest(
        block.text, names, str(block), block.page, block.line
    )
    example.globs = names  # later blocks of the page go on with what this one made
    told: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags).run(
        example, out=told.append, clear_globs=False
    )
    assert result.attempted, f"{block}: no example"
    assert not result.failed, f"{block}:\n{''.join(told)}"


def run(block: Block, command: str) -> None:
    """Run a command of spamguard, parse it, or know why it is another program's."""
    _, found, own = command.rpartition("| ")
    own = (own if found else command).removeprefix(".venv/bin/")
    if not own.startswith("spamguard "):
        known = [p for starts in NOT_COMMANDED.values() for p in starts if command.startswith(p)]
        assert known, f"{block}: nobody says why this is not run: {command}"
        if script := re.search(r"benchmarks/(?!results)\S+\.(?:py|sh)", command):
            assert (ROOT / script[0]).is_file(), f"{block}: there is no {script[0]}"
        return
    words, _, target = own.removeprefix("spamguard ").partition(" > ")
    only_parsed = [p for starts in ONLY_PARSED.values() for p in starts]
    if any(own.removeprefix("spamguard ").startswith(start) for start in only_parsed):
        assert parser_for().parse_args(shlex.split(words)).command
        return
    prepare(own)
    said, complained = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = cli.main(shlex.split(words))
    allowed = next((codes for start, codes in CODES.items() if own.startswith(start)), (0,))
    assert code in allowed, f"{block}: {command}: {code}\n{complained.getvalue()}"
    if target:
        said.flush()
        Path(target.strip()).write_bytes(said.buffer.getvalue())
        do_what_the_page_asks(block.page, target.strip())


# --- the lists themselves -----------------------------------------------------------


def test_there_are_blocks_of_every_kind():
    assert {block.language for block in BLOCKS} >= {"", "python", "pycon"}
    assert len(BLOCKS) >= 60


def test_no_excuse_is_left_over():
    listed = [(page, start) for excuses in NOT_RUN.values() for page, start in excuses]
    for page, start in listed:
        assert any(b.page == page and b.text.startswith(start) for b in BLOCKS), (page, start)
    commands = [
        command
        for block in BLOCKS
        if block.page not in ELSEWHERE and not is_excused(block)
        for command in commands_of(block)
    ]
    for start in [p for starts in NOT_COMMANDED.values() for p in starts]:
        assert any(command.startswith(start) for command in commands), start
    for start in [p for starts in ONLY_PARSED.values() for p in starts]:
        assert any(f"spamguard {start}" in command for command in commands), start


@pytest.mark.parametrize(
    "text",
    [
        "```python\nfrom spamguard import nothing_of_the_kind\n```\n",
        "```pycon\n>>> 1 + 1\n3\n```\n",
        "```\nspamguard score --no-such-option\n```\n",
        "```\nspamguard score --input no-such-file.csv\n```\n",
        "```\nrm -r somewhere\n```\n",
        "```cobol\nSTOP RUN.\n```\n",
    ],
)
def test_a_block_that_does_not_work_is_found(text, files, tmp_path, monkeypatch, no_hang):
    (tmp_path / "bad.md").write_text(text, "utf-8")
    with pytest.raises((AssertionError, ImportError, SystemExit, pytest.fail.Exception)):
        test_every_block_of_the_page_runs(
            tmp_path / "bad.md", files, tmp_path, monkeypatch, no_hang
        )
