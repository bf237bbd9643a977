"""A comment's pull request in a real git repository, judged as in CI."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess

import pytest

from spamguard import cli

pytest.importorskip("yaml", reason="PyYAML is not installed: pip install 'spamguard[import]'")
if shutil.which("git") is None:
    pytest.skip("git is not installed", allow_module_level=True)

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
STANDING = "Which database was it, and did the query planner take the index at once there?"
ENTRY = (
    "_id: x\nname: {name}\nemail: 0123456789abcdef\nmessage: {text}\ndate: '2024-05-01T10:00:00Z'\n"
)
FOLDER = "_data/comments/slow-pages"


class Blog:
    """A blog's repository with one post and one comment, and a branch as Staticman makes it."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(
            "_posts/2024-04-30-slow-pages.md", "---\ntitle: Slow pages\n---\nNo index there.\n"
        )
        self.write(f"{FOLDER}/entry1.yml", ENTRY.format(name="Tom", text=STANDING))
        self.commit("start")
        self.git("checkout", "-q", "-b", "staticman_1")

    def git(self, *arguments):
        identity = {f"GIT_{who}_{what}": "x@blog.example" for who in ("AUTHOR", "COMMITTER")
                    for what in ("NAME", "EMAIL")}  # fmt: skip
        subprocess.run(
            ["git", *arguments], cwd=self.path, check=True, env=os.environ | identity,
            capture_output=True,
        )  # fmt: skip

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def commit(self, subject):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)


@pytest.fixture
def blog(tmp_path):
    return Blog(tmp_path / "blog")


@pytest.fixture
def check(blog, capsys):
    def run(*arguments):
        code = cli.main(["check-pr", "--repository", str(blog.path), *arguments])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else told.err

    return run


def test_spam_and_ham_by_exit_code(blog, check):
    blog.write(f"{FOLDER}/entry2.yml", ENTRY.format(name="Mira", text=HAM))
    blog.commit("Add Staticman data")
    code, found = check("--since", "main")
    assert (code, found["label"], found["others"]) == (0, "ham", [])
    (comment,) = found["comments"]
    assert comment["file"] == f"{FOLDER}/entry2.yml"
    assert comment["spam_probability"] < 0.5
    assert comment["reasons"]
    blog.write(f"{FOLDER}/entry3.json", json.dumps({"name": "cheap pills", "message": SPAM}))
    blog.commit("Add Staticman data")
    code, found = check("--since", "main")
    assert (code, found["label"]) == (4, "spam")
    assert [c["label"] for c in found["comments"]] == ["ham", "spam"]


def test_the_post_and_the_thread_are_read(blog):
    from spamguard.integrations.pullrequest import check_request
    from spamguard.scoring import default_model

    blog.write(f"{FOLDER}/entry2.yml", ENTRY.format(name="Mira", text=STANDING))
    blog.commit("Add Staticman data")
    verdicts = check_request(blog.path, "main", default_model()).verdicts
    names = {reason.feature for reason in verdicts[f"{FOLDER}/entry2.yml"].reasons}
    assert "topic_thread_repeat" in names or "topic_thread_copied" in names, names
    assert "topic_similarity" in names


def test_main_may_have_gone_on(blog, check):
    blog.write(f"{FOLDER}/entry2.yml", ENTRY.format(name="Mira", text=HAM))
    blog.commit("Add Staticman data")
    blog.git("checkout", "-q", "main")
    blog.write("_posts/2024-06-01-more.md", "---\ntitle: More\n---\nText.\n")
    blog.commit("another post")
    blog.git("checkout", "-q", "staticman_1")
    assert check("--since", "main")[1]["others"] == []
    # As a service checks it out: merged with main.
    blog.git("merge", "-q", "main")
    code, found = check("--since", "main")
    assert (code, found["others"], len(found["comments"])) == (0, [], 1)


@pytest.mark.parametrize("change", ["config", "edit", "delete", "link", "broken", "workflow"])
def test_what_is_no_new_comment_is_for_a_person(blog, check, change):
    blog.write(f"{FOLDER}/entry2.yml", ENTRY.format(name="Mira", text=HAM))
    other = f"{FOLDER}/entry1.yml"
    if change == "config":
        blog.write(other := "_config.yml", "title: mine\n")
    elif change == "edit":
        blog.write(other, ENTRY.format(name="Tom", text=SPAM))
    elif change == "delete":
        (blog.path / other).unlink()
    elif change == "link":
        (blog.path / (other := f"{FOLDER}/entry3.yml")).symlink_to("/etc/hostname")
    elif change == "broken":
        blog.write(other := f"{FOLDER}/entry3.yml", "message: [\n")
    else:
        blog.write(other := ".github/workflows/comments.yml", "on: push\n")
    blog.commit("Add Staticman data")
    code, found = check("--since", "main")
    assert (code, found["label"], found["others"]) == (3, "unsure", [other])


def test_nothing_new(check):
    assert check("--since", "main") == (0, {"label": "none", "comments": [], "others": []})


def test_single_files(blog, check, tmp_path):
    blog.write(f"{FOLDER}/entry2.yml", ENTRY.format(name="cheap pills", text=SPAM))
    blog.write("comments/a.md", f"---\nname: Mira\n---\n{HAM}\n")
    assert check(f"{FOLDER}/entry2.yml")[0] == 4
    assert check("comments/a.md")[0] == 0
    code, found = check("comments/a.md", f"{FOLDER}/entry2.yml")
    assert (code, len(found["comments"])) == (4, 2)
    (tmp_path / "outside.yml").write_text("message: x\n")
    (blog.path / "link.yml").symlink_to(tmp_path / "outside.yml")
    blog.write("large.yml", "x" * 600_000)
    for wrong in ("../outside.yml", "link.yml", "gone.yml", "large.yml"):
        assert check(wrong)[0] == 1


def test_standard_input(check, monkeypatch):
    def given(data):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        return check("-")

    assert given(json.dumps({"message": SPAM, "name": "cheap pills"}).encode())[0] == 4
    code, found = given(json.dumps({"body": HAM, "post_title": "Slow pages"}).encode())
    assert (code, found["comments"][0]["file"]) == (0, "-")
    for bad in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"message": []}', b" " * 1_000_001):
        code, said = given(bad)
        assert code == 1
        assert said.startswith("spamguard: ")


def test_mistakes_are_told(check, capsys, tmp_path):
    code, said = check("--since", "no-such-branch")
    assert code == 1
    assert "git cannot read" in said
    assert check("--since=--help")[0] == 1
    for usage in ([], ["x.yml", "--since", "main"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["check-pr", *usage])
        assert stopped.value.code == 2
    capsys.readouterr()
    assert cli.main(["check-pr", "--repository", str(tmp_path), "--since", "main"]) == 1
