"""Isso: its real application, and its real server as a user starts it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

isso = pytest.importorskip("isso", reason="Isso is not installed: pip install 'spamguard[isso]'")

from werkzeug.test import Client  # noqa: E402
from werkzeug.wrappers import Response  # noqa: E402

import spamguard.integrations.isso as adapter  # noqa: E402
from spamguard.errors import FeedbackError, InputError  # noqa: E402
from spamguard.feedback import Journal  # noqa: E402

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
CLUB = "Our chess club meets each Friday evening in the old mill, and all are welcome."
CONF = """[general]
dbpath = {folder}/comments.db
host = http://127.0.0.1:9/
notify = stdout
[server]
listen = http://127.0.0.1:{port}
[guard]
ratelimit = 1000
direct-reply = 1000
enabled = {guard}
[spamguard]
journal = {folder}/feedback.db
{more}
"""


class Blog:
    """A visitor and a moderator before one Isso."""

    def __init__(self, folder, more="", guard="true"):
        self.folder = folder
        self.settings = folder / "isso.cfg"
        self.settings.write_text(CONF.format(folder=folder, port=0, more=more, guard=guard))
        self.app = adapter.make_app(self.settings)
        self.client = Client(self.app, Response)

    def new(self, text, uri="/slow/", **fields):
        answer = self.client.post(
            f"/new?uri={uri}", json={"text": text, "title": "Slow pages, found", **fields}
        )
        assert answer.status_code in (201, 202), answer.get_data(as_text=True)
        found = json.loads(answer.data)
        assert (answer.status_code == 202) == (found["mode"] == 2)
        return found

    def isso(self):
        """Isso's own object, inside its layers."""
        found = self.app
        while not isinstance(found, isso.Isso):
            found = getattr(found, "app", None) or found.__closure__[0].cell_contents
        return found

    def moderate(self, comment, action):
        key = self.isso().sign(comment["id"])
        return self.client.post(f"/id/{comment['id']}/{action}/{key}")

    def entries(self):
        with Journal(self.folder / "feedback.db") as journal:
            return [
                (e.comment_id.partition("@")[0], e.decision or e.label) for e in journal.entries()
            ]


@pytest.fixture
def blog(tmp_path):
    return Blog(tmp_path)


def test_isso_itself_is_left_as_it_was(blog):
    from isso import db

    assert (db.Guard.__module__, db.Comments.__module__) == ("isso.db.spam", "isso.db.comments")
    assert type(blog.isso().db.guard) is adapter.Guard


def test_spam_waits_and_ham_is_published(blog, caplog):
    assert blog.new(SPAM, author="cheap pills", website="http://pills.example")["mode"] == 2
    assert blog.new(HAM, author="Mira & Tom")["mode"] == 1
    shown = json.loads(blog.client.get("/?uri=/slow/").data)
    assert [reply["author"] for reply in shown["replies"]] == ["Mira &amp; Tom"]
    assert blog.entries() == [("1", "spam"), ("2", "ham")]
    with Journal(blog.folder / "feedback.db") as journal:
        journal.correct(next(journal.entries(last=1)).comment_id, "ham", by="x")
        (row,) = journal.labels()
    assert (row["author"], row["post_title"]) == ("Mira & Tom", "Slow pages, found")
    assert row["post_url"] == "http://127.0.0.1:9/slow/"
    assert "no such option" not in caplog.text


def test_what_the_moderator_does_is_learned_at_once(tmp_path):
    # Everything waits, so that there is a club to delete.
    blog = Blog(tmp_path, "[moderation]\nenabled = true")
    one = blog.new(CLUB)
    assert blog.moderate(one, "delete").data == b"Comment has been deleted"
    assert [decision for _, decision in blog.entries()][1:] == ["spam"]
    two = blog.new(CLUB + " Come!")
    assert blog.entries()[-1] == ("1", "spam")  # the verdict on another comment with this number
    assert blog.moderate(two, "activate").data == b"Comment has been activated"
    assert blog.entries()[-1] == ("1", "ham")
    with Journal(tmp_path / "feedback.db") as journal:
        assert journal.summary().spam == journal.summary().ham == 1


def test_a_published_comment_deleted_teaches_nothing_unless_told(tmp_path):
    for more, decision in (("", "remove"), ("deleted-is-spam = all", "spam")):
        folder = tmp_path / decision
        folder.mkdir()
        blog = Blog(folder, more)
        blog.moderate(blog.new(HAM), "delete")
        assert blog.entries()[-1] == ("1", decision)


def test_an_author_who_deletes_decides_nothing(blog):
    made = blog.new(HAM)
    assert blog.client.delete(f"/id/{made['id']}").status_code == 200
    assert blog.entries() == [("1", "ham")]


def test_an_edit_is_judged_again(blog):
    made = blog.new(HAM)
    edited = blog.client.put(
        f"/id/{made['id']}", json={"text": SPAM, "website": "http://pills.example"}
    )
    assert json.loads(edited.data)["mode"] == 2
    assert json.loads(blog.client.get("/?uri=/slow/").data)["replies"] == []
    assert blog.entries() == [("1", "ham"), ("1", "spam")]
    # The moderator may write what they like.
    key = blog.isso().sign(made["id"])
    again = blog.client.post(f"/id/{made['id']}/edit/{key}", json={"text": "They sell pills."})
    assert json.loads(again.data)["mode"] == 2
    assert len(blog.entries()) == 2


def test_with_the_guard_off_nothing_is_judged(tmp_path):
    blog = Blog(tmp_path, guard="false")
    assert blog.new(SPAM)["mode"] == 1
    assert blog.entries() == []


def test_isso_serves_without_a_journal(blog, monkeypatch, caplog):
    site = adapter._site_of(blog.isso().db)

    def fails(*_, **__):
        raise FeedbackError("The disk is full; make room.")

    for method in ("record", "correct"):
        monkeypatch.setattr(site.journal, method, fails)
    monkeypatch.setattr("spamguard.feedback.site.last_step", fails)
    made = blog.new(SPAM)
    assert made["mode"] == 2
    assert blog.moderate(made, "activate").status_code == 200
    assert blog.isso().db.comments.get(made["id"])["mode"] == 1
    assert "was not kept" in caplog.text
    assert "viagra" not in caplog.text


def test_what_cannot_be_judged_waits(blog, monkeypatch):
    def fails(*_, **__):
        raise FeedbackError("gone")

    monkeypatch.setattr(adapter, "_site_of", fails)
    assert blog.new(HAM)["mode"] == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [("hold = ham", "hold"), ("deleted-is-spam = no", "deleted-is-spam")],
)
def test_mistakes_are_told_at_the_start(tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        Blog(tmp_path, settings)


def test_the_server_as_a_user_starts_it(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "isso.cfg"
    example = (Path(__file__).parents[2] / "examples" / "isso.cfg").read_text()
    settings.write_text(example.replace("8080", str(port)).replace("localhost:8000", "127.0.0.1:9"))
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard.integrations.isso", "-c", str(settings), "run"],
        cwd=tmp_path, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            for text, status in ((HAM, 201), (SPAM, 202)):
                assert post(process, port, text) == status
        finally:
            process.terminate()  # Ctrl-C is nothing to who was started in the background
            said, _ = process.communicate(timeout=60)
    assert not re.search(r"no such option|Traceback.*spamguard", said)
    with Journal(tmp_path / "feedback.db") as journal:
        assert [e.label for e in journal.entries()] == ["ham", "spam"]


def post(process, port, text):
    body = json.dumps({"text": text, "title": "Slow pages"}).encode()
    asked = urllib.request.Request(
        f"http://localhost:{port}/new?uri=/slow/", body, {"Content-Type": "application/json"}
    )
    for _ in range(1200):
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status
        except OSError:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
    raise AssertionError("it does not answer")


def test_without_a_journal_the_server_says_so(tmp_path):
    settings = tmp_path / "isso.cfg"
    settings.write_text(f"[general]\ndbpath = {tmp_path}/c.db\nhost = http://127.0.0.1:9/\n")
    done = subprocess.run(
        [sys.executable, "-m", "spamguard.integrations.isso", "-c", str(settings), "run"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "[spamguard] journal" in done.stderr.splitlines()[-1]
