"""A server inside the test, and one in processes of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="no server here (pip install 'spamguard[server]')")

import sqlalchemy as sa
from starlette.testclient import TestClient

from spamguard.server import ServerConfig, create_app
from spamguard.server.store.server_tables import comments

SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."
BLOG = "https://blog.example/"


class Blog:
    """A site as its blog sees the server: fields in, a reply out."""

    def __init__(self, http, key, name="first"):
        self.http, self.key, self.name = http, key, name

    def post(self, path, headers=None, **fields):
        given = {"api_key": self.key, "blog": BLOG, "user_ip": "192.0.2.7"} | fields
        return self.http.post(path, data=given, headers=headers)

    def check(self, content=SPAM, **fields):
        return self.post("/1.1/comment-check", comment_content=content, **fields)

    def spam(self, content, **fields):
        return self.post("/1.1/submit-spam", comment_content=content, **fields)

    def ham(self, content, **fields):
        return self.post("/1.1/submit-ham", comment_content=content, **fields)


@pytest.fixture
def config(tmp_path):
    return ServerConfig(database=str(tmp_path / "server.db"))


@pytest.fixture
def serve(config):
    """Start a server of another configuration; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(**changes):
            app = create_app(replace(config, **changes))
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start


@pytest.fixture
def http(serve):
    return serve()


@pytest.fixture
def services(http):
    return http.app.state.worker


@pytest.fixture
def blog(http, services):
    return Blog(http, services.sites.add("first"))


@pytest.fixture
def other(http, services):
    return Blog(http, services.sites.add("second"), "second")


@pytest.fixture
def rows(services):
    """Return what the database holds of comments, once all of it is written."""

    def read():
        services.recorder.flush()
        with services.journal.database.reading() as connection:
            return connection.execute(sa.select(comments).order_by(comments.c.id)).all()

    return read


# --- a server in processes of its own ------------------------------------------------


class Reply:
    def __init__(self, status, headers, text):
        self.status_code, self.headers, self.text = status, headers, text


class Wire:
    """HTTP by the standard library, a new connection each time: any worker may answer."""

    def __init__(self, base):
        self.base = base

    def post(self, path, data, headers=None):
        body = urllib.parse.urlencode(data).encode()
        return self._send(urllib.request.Request(self.base + path, body, headers or {}))

    def get(self, path):
        return self._send(urllib.request.Request(self.base + path))

    def _send(self, request):
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return Reply(reply.status, reply.headers, reply.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read().decode())


class Process:
    """``spamguard serve`` as an owner starts it."""

    def __init__(self, folder: Path, *options: str, database: str | None = None):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.database = database or str(folder / "server.db")
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "spamguard", "serve", "--database", self.database,
                 "--port", str(self.port), *options],
                stdout=out, stderr=err, cwd=folder,
                env={k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"},
            )  # fmt: skip
        self.http = Wire(self.base)
        self.wait_for(lambda: self.http.get("/ready").status_code == 200)
        self.key = re.findall(r"API key: +([0-9a-f]+)", self.out.read_text())[-1:]
        self.blog = Blog(self.http, self.key[0]) if self.key else None

    def wait_for(self, condition, seconds=60.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self.err.read_text()
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"waited in vain; the server said: {self.err.read_text()[-3000:]}")

    def workers(self):
        """Return the process ids that have logged that they started and still live."""
        found = re.findall(r'"process": (\d+), "event": "started"', self.err.read_text())
        return [int(n) for n in found if Path(f"/proc/{n}").exists()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        if self.process.poll() is None:
            for number in self.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            self.process.kill()
            self.process.wait(30)


@pytest.fixture
def start(tmp_path):
    """Start servers; those that still run at the end are killed."""
    started = []

    def begin(*options, **how):
        started.append(Process(tmp_path, *options, **how))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.fixture(scope="module")
def module_process():
    """Start servers that several tests share."""
    started = []

    def begin(folder, *options):
        started.append(Process(folder, *options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
