"""Flask: the example under a threaded server, and the extension by itself."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

flask = pytest.importorskip(
    "flask", reason="Flask is not installed: pip install 'spamguard[flask]'"
)

from werkzeug.serving import make_server  # noqa: E402

from spamguard import Comment  # noqa: E402
from spamguard.errors import InputError  # noqa: E402
from spamguard.integrations.flask import Spamguard  # noqa: E402

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
CLUB = "Our chess club meets each Friday evening, see http://chess.example for the place."


def load_example(name):
    path = Path(__file__).parents[2] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The example, served by threads."""
    monkeypatch.setenv("SPAMGUARD_JOURNAL", str(tmp_path / "feedback.db"))
    monkeypatch.setenv("MODERATOR_TOKEN", "secret")
    example = load_example("flask_blog")
    running = make_server("127.0.0.1", 0, example.app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()

    def send(path, fields=None, token=""):
        data = None if fields is None else json.dumps(fields).encode()
        headers = {"Content-Type": "application/json", "X-Token": token}
        asked = urllib.request.Request(
            f"http://127.0.0.1:{running.server_port}{path}", data, headers
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    yield send
    running.shutdown()
    thread.join()
    running.server_close()
    example.guard.close()


def test_the_example_publishes_holds_back_and_learns(server):
    status, spam = server("/comments", {"text": SPAM, "author": "cheap pills"})
    assert (status, spam["published"]) == (201, False)
    assert server("/comments", {"text": HAM, "author": "Mira"})[1]["published"] is True
    assert server("/comments")[1] == [HAM]

    _, club = server("/comments", {"text": CLUB})
    assert server(f"/comments/{club['id']}/spam", {})[0] == 403
    assert server(f"/comments/{club['id']}/spam", {}, token="secret")[0] == 204
    assert server("/comments", {"text": CLUB + " Come!"})[1]["published"] is False
    assert server(f"/comments/{club['id']}/ham", {}, token="secret")[0] == 204
    assert server("/comments", {"text": CLUB + " Do!"})[1]["published"] is True
    assert server("/comments/none/ham", {}, token="secret")[0] == 404


def test_many_at_once_get_the_same_verdict(server):
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda i: server("/comments", {"text": (HAM, SPAM)[i % 2]}), range(40))
        )
    assert [a["published"] for _, a in answers] == [True, False] * 20


def test_bad_requests_are_refused_not_crashed_on(server):
    for fields in ({}, [], "x", {"author": "Mira"}):
        assert server("/comments", fields)[0] == 400


def test_forms_and_fields_of_another_name(tmp_path):
    app = flask.Flask("blog")
    guard = Spamguard(app, tmp_path / "feedback.db", hold="spam")
    assert app.extensions["spamguard"] is guard
    with app.test_request_context(method="POST", data={"message": SPAM, "name": "cheap pills"}):
        assert guard.check_request("c1").label == "spam"
    with app.test_request_context(method="POST", data={"my_words": HAM, "text": SPAM}):
        assert guard.check_request("c2", fields={"text": "my_words"}).label == "ham"
    with (
        app.test_request_context(method="POST", data="[1", content_type="application/json"),
        pytest.raises(InputError),
    ):
        guard.check_request()
    kinds = [(e.comment_id, e.label) for e in guard.journal.entries()]
    assert kinds == [("c1", "spam"), ("c2", "ham")]
    guard.close()


def test_the_configuration_is_read(tmp_path):
    app = flask.Flask("blog")
    guard = Spamguard()
    with pytest.raises(InputError, match="SPAMGUARD_JOURNAL"):
        guard.init_app(app)
    app.config.update(
        SPAMGUARD_JOURNAL=tmp_path / "feedback.db", SPAMGUARD_SITE="one", SPAMGUARD_HOLD="spam"
    )
    guard.init_app(app)
    guard.check(Comment(HAM), "c1")
    assert (guard.name, guard.hold) == ("one", "spam")
    assert [e.site for e in guard.journal.entries()] == ["one"]
    guard.close()


def test_it_needs_nothing_heavy(tmp_path):
    """A blog installs numpy, publicsuffixlist, SQLAlchemy and Flask alone."""
    program = """
import sys
for name in ("sklearn", "scipy", "pandas", "joblib", "rich", "starlette", "django"):
    sys.modules[name] = None
from flask import Flask
from spamguard.integrations.flask import Spamguard
guard = Spamguard(Flask("blog"), sys.argv[1])
guard.check("cheap pills at http://pills.example", 1)
guard.undo(guard.correct(1, "ham", by="anna"), by="anna")
guard.forget(1, by="anna")
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "feedback.db")]
    subprocess.run(command, check=True, timeout=120)
