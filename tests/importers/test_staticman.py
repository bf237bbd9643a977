"""A blog's git history: requests merged, closed and open, files deleted, moved and restored."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from spamguard.errors import CorpusError
from spamguard.importers import staticman

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

POST = """---
title: "Bread in a cold oven"
date: 2023-03-01
---
Put it in cold.
"""


class Blog:
    """A repository that is written to as Staticman and its owner do."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("_posts/2023-03-01-cold-oven.md", POST)
        self.commit("The first post")

    def git(self, *arguments):
        names = {
            f"GIT_{who}_{what}": "x@x.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments], check=True, capture_output=True, text=True,
            env=os.environ | names | quiet,
        ).stdout.strip()  # fmt: skip

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def comment(self, key, text, slug="cold-oven", **fields):
        record = {"_id": key, "name": "Jo", "message": text, "date": 1677751200, **fields}
        lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in record.items())
        self.write(f"_data/comments/{slug}/{key}.yml", lines)

    def request(self, number, key, text):
        """Send a comment as a pull request; the ref is what GitHub makes of it."""
        self.git("checkout", "-q", "-b", f"staticman_{key}", "main")
        self.comment(key, text)
        self.commit("Add Staticman data")
        self.git("update-ref", f"refs/pull/{number}/head", "HEAD")
        self.git("checkout", "-q", "main")
        return f"staticman_{key}"

    def delete(self, key, slug="cold-oven", message="Delete"):
        (self.path / f"_data/comments/{slug}/{key}.yml").unlink()
        self.commit(message)


@pytest.fixture
def blog(tmp_path):
    return Blog(tmp_path / "blog")


def decided(comments):
    return {c.comment_id: (c.decision.label, c.decision.by, c.decision.source) for c in comments}


def history(blog):
    blog.comment("direct", "Came as a commit")
    blog.commit("Add Staticman data")
    branch = blog.request(1, "merged", "Which flour?")
    blog.git("merge", "-q", "--no-ff", "-m", "Merge pull request #1", branch)
    branch = blog.request(2, "squashed", "Rye, or wheat?")
    blog.git("merge", "-q", "--squash", branch)
    blog.commit("Add Staticman data (#2)")
    branch = blog.request(7, "forwarded", "And oats?")
    blog.git("merge", "-q", "--ff-only", branch)
    branch = blog.request(3, "rebased", "And spelt?")
    blog.write("_posts/2023-04-01-soup.md", "Leek.")
    blog.commit("Another post")
    blog.git("cherry-pick", branch)
    blog.request(4, "closed", "Cheap ovens http://ovens.example")
    blog.request(5, "open", "Nobody looked yet")
    branch = blog.request(6, "gone", "Spam that was merged by mistake")
    blog.git("merge", "-q", "--no-ff", "-m", "Merge pull request #6", branch)
    blog.delete("gone")
    blog.comment("moved", "I only moved")
    blog.commit("Add Staticman data")
    (blog.path / "_data/comments/cold-oven/moved.yml").rename(
        blog.path / "_data/comments/moved.yml"
    )
    blog.commit("Tidy up")
    blog.comment("restored", "Back again")
    blog.commit("Add Staticman data")
    blog.delete("restored")
    blog.comment("restored", "Back again")
    blog.commit("Sorry")


KNOWN = {
    "direct": ("ham", "none", "published"),
    "merged": ("ham", "owner", "merged request"),
    "squashed": ("ham", "owner", "merged request"),
    "forwarded": ("ham", "owner", "merged request"),
    "rebased": ("ham", "owner", "merged request"),
    "gone": ("spam", "owner", "deleted file"),
    "moved": ("ham", "none", "published"),
    "restored": ("ham", "none", "published"),
}


def test_states_from_a_list_of_requests(blog, taken, tmp_path):
    history(blog)
    pulls = tmp_path / "pulls.json"
    pulls.write_text(
        '[{"number":1,"state":"MERGED"},{"number":4,"state":"CLOSED"},{"number":5,"state":"OPEN"}]'
    )
    comments, report = taken("staticman", blog.path, pulls=pulls)
    assert decided(comments) == KNOWN | {
        "closed": ("spam", "owner", "request closed unmerged"),
        "open": (None, "none", "request still open"),
    }
    assert not report.notes
    assert len(comments) == 10


def test_states_from_the_refs_of_those_still_open(blog, taken):
    history(blog)
    blog.git("update-ref", "refs/pull/5/merge", "refs/pull/5/head")
    comments, _ = taken("staticman", blog.path)
    found = decided(comments)
    assert found["closed"] == ("spam", "owner", "request closed unmerged")
    assert found["open"] == (None, "none", "request still open")


def test_states_that_nobody_told(blog, taken):
    history(blog)
    comments, report = taken("staticman", blog.path)
    assert decided(comments)["closed"][0] is None
    assert "gh pr list" in report.notes[0]


def test_fields_posts_and_threads(blog, taken):
    blog.comment("one", "Which flour?", email="abc", url="https://jo.example", replying_to_uid="")
    blog.comment("two", "Rye.\n\nIndeed.", replying_to_uid="one")
    blog.comment("three", "Unknown post", slug="other")
    blog.commit("Add Staticman data")
    comments, report = taken("staticman", blog.path, blog="crumbs.example")
    one, three, two = sorted(comments, key=lambda c: c.comment_id)
    assert (one.author, one.author_url, one.date) == (
        "Jo", "https://jo.example", "2023-03-02T10:00:00Z",
    )  # fmt: skip
    assert two.parent_id == "one"
    assert one.parent_id is None
    assert two.text == "Rye.\n\nIndeed."
    assert (one.post.post_id, one.post.title) == ("cold-oven", "Bread in a cold oven")
    assert one.post.text.strip() == "Put it in cold."
    assert (three.post.post_id, three.post.title) == ("other", None)
    assert report.posts == 2


def test_json_and_front_matter(blog, taken):
    blog.write("data/comments/a/1.json", json.dumps({"id": 1, "name": "Jo", "body": "In JSON"}))
    blog.write("data/comments/a/2.md", "---\nname: Al\n---\nIn Markdown\n")
    blog.write("data/comments/a/3.txt", "no comment")
    blog.commit("Add")
    comments, _ = taken("staticman", blog.path, folder="data/comments/")
    assert [(c.author, c.text) for c in comments] == [("Jo", "In JSON"), ("Al", "In Markdown")]


def test_comments_moved_away_together_are_no_spam(blog, taken):
    for number in range(staticman._CLEARED + 5):
        blog.comment(f"c{number}", f"Comment {number}")
    blog.comment("kept", "Kept")
    blog.commit("Add")
    for number in range(staticman._CLEARED + 5):
        (blog.path / f"_data/comments/cold-oven/c{number}.yml").unlink()
    blog.commit("Comments live elsewhere now")
    _, report = taken("staticman", blog.path)
    assert report.ham == 1
    assert report.spam == 0
    assert report.unlabelled == {"deleted together with most others": staticman._CLEARED + 5}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x]\nb: &b [*a,*a]\nmessage: hi\n",  # repeats itself
        "- a list\n",
        "message: [unclosed\n",
        "!!python/object/apply:os.system ['true']\n",
        "[" * 5000,
        "message: " + "x" * 1_100_000,
    ],
)
def test_files_that_are_no_comments_are_counted(blog, taken, text):
    blog.write("_data/comments/p/bad.yml", text)
    blog.comment("good", "Hello")
    blog.commit("Add")
    comments, report = taken("staticman", blog.path)
    assert [c.text for c in comments] == ["Hello"]
    assert report.lost.total() == 1


def test_the_repository_runs_nothing_and_is_not_changed(blog, taken, tmp_path):
    blog.comment("one", "Hello")
    blog.commit("Add")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"):
        blog.git("config", name, str(trap))
    blog.git("config", "diff.x.textconv", str(trap))
    blog.write(".gitattributes", "* diff=x\n")
    before = blog.git("rev-parse", "HEAD")
    taken("staticman", blog.path)
    assert not (tmp_path / "sprung").exists()
    assert blog.git("rev-parse", "HEAD") == before


def test_what_is_no_repository_of_comments(blog, taken, tmp_path):
    with pytest.raises(CorpusError, match="--comments-dir"):
        taken("staticman", blog.path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusError, match="git cannot read"):
        taken("staticman", empty)
    pulls = tmp_path / "pulls.json"
    pulls.write_text("{}")
    with pytest.raises(CorpusError, match="gh pr list"):
        taken("staticman", blog.path, pulls=pulls)
