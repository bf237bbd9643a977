"""The server as it really runs: worker processes, signals, kill -9, PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest

from spamguard import load_model, save_model
from spamguard.feedback import Journal
from spamguard.server.supervisor import WorkerProcess
from spamguard.storage import find_model

SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."
THANKS = "Thanks for making the web a better place."

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are seen in /proc")


def check_in_all(server, expected, seconds=30.0):
    """Ask until every worker has answered; all of them must say what is expected."""
    before = len(server.err.read_text().splitlines())
    workers, seen = set(server.workers()), set()
    until = time.monotonic() + seconds
    while seen != workers:
        assert time.monotonic() < until, "one worker never got a request"
        assert server.blog.check().text == expected
        lines = server.err.read_text().splitlines()[before:]
        seen |= {json.loads(x)["process"] for x in lines if '"/1.1/comment-check"' in x} & workers


def test_one_command_serves_and_says_what_to_put_where(start):
    server = start()
    told = server.out.read_text()
    assert f"127.0.0.1:{server.port}" in told
    assert server.key[0] in told
    assert server.blog.check().text == "true"
    assert Path(server.database).is_file()
    assert server.stop() == 0
    assert server.key[0] not in server.err.read_text()


@pytest.mark.process
def test_a_second_start_makes_no_second_key(start):
    server = start()
    key = server.key[0]
    server.stop()
    again = start()
    assert again.out.read_text().count("API key:") == 1
    again.blog.key = key
    assert again.blog.check().text == "true"


@pytest.mark.process
def test_feedback_in_one_worker_counts_in_the_other(start):
    server = start("--workers", "2")
    server.wait_for(lambda: len(server.workers()) == 2)
    check_in_all(server, "true")
    assert server.blog.ham(SPAM).text == THANKS
    check_in_all(server, "false")
    assert server.blog.spam(SPAM).text == THANKS
    check_in_all(server, "true")
    # Their figures add up, whoever is asked.
    asked = server.err.read_text().count('"endpoint": "/1.1/comment-check"')
    found = re.findall(
        r'spamguard_requests_total\{endpoint="/1.1/comment-check",status="200"\} ([\d.]+)',
        server.http.get("/metrics").text,
    )
    assert found == [str(float(asked))]
    assert server.stop() == 0


@pytest.mark.process
def test_kill_9_loses_no_acknowledged_feedback(start):
    server = start("--workers", "2")
    server.wait_for(lambda: len(server.workers()) == 2)
    acknowledged, stop = [], threading.Event()

    def teach(name):
        for i in range(10_000):
            if stop.is_set():
                return
            text = f"{name} {i} {SPAM}"
            try:
                reply = server.blog.spam(text)
            except OSError:
                continue  # the worker was killed in the middle: nothing was acknowledged
            if reply.status_code == 200 and reply.text == THANKS:
                acknowledged.append(text)

    threads = [threading.Thread(target=teach, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for _ in range(2):
        count = len(acknowledged)
        server.wait_for(lambda n=count: len(acknowledged) > n + 5)
        former = server.workers()
        os.kill(former[0], signal.SIGKILL)
        server.wait_for(lambda old=former: len(server.workers()) == 2 and server.workers() != old)
    stop.set()
    for thread in threads:
        thread.join()
    server.stop()
    with Journal(server.database, create=False) as journal:
        kept = {row["text"] for row in journal.labels("first")}
    assert len(acknowledged) > 10
    assert set(acknowledged) <= kept


@pytest.mark.process
def test_a_graceful_stop_answers_what_is_under_way(start):
    server = start()
    body = f"api_key={server.key[0]}&blog=b&user_ip=i&comment_content=hello".encode()
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        head = (
            "POST /1.1/comment-check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body[:-3])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(body[-3:])
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"false")
    assert server.process.wait(30) == 0
    # What it answered last is in the database too.
    import sqlite3

    connection = sqlite3.connect(server.database)
    assert connection.execute("SELECT count(*) FROM spamguard_server_comments").fetchone() == (1,)
    connection.close()


@pytest.mark.process
def test_a_body_that_does_not_come(slow_clients):
    with socket.create_connection(("127.0.0.1", slow_clients.port), 30) as client:
        client.sendall(b"POST /1.1/verify-key HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na")
        assert client.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.process
def test_a_head_without_an_end(slow_clients):
    with socket.create_connection(("127.0.0.1", slow_clients.port), 30) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n")
        line = b"X: " + b"x" * 1000 + b"\r\n"
        with pytest.raises(OSError, match=r"reset|[Pp]ipe"):
            client.sendall(line * 50_000)


@pytest.mark.process
def test_a_large_body_is_no_head(slow_clients):
    text = "word " * 60_000
    assert slow_clients.blog.check(text).text == "false"


@pytest.fixture(scope="module")
def slow_clients(module_process, tmp_path_factory):
    return module_process(tmp_path_factory.mktemp("server"), "--patience", "2")


@pytest.mark.process
def test_no_request_is_lost_while_the_model_is_replaced(start, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(find_model("default"), model)
    server = start("--model", str(model), "--workers", "2", "--rate", "0")
    server.wait_for(lambda: len(server.workers()) == 2)
    said, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            reply = server.blog.check()
            said.append((reply.status_code, reply.text))

    thread = threading.Thread(target=ask)
    thread.start()
    save_model(load_model("default"), model, version="next")
    server.wait_for(lambda: server.err.read_text().count('"what": "reloaded"') == 2)
    (model / "model.json").write_text("{")
    server.wait_for(lambda: server.err.read_text().count('"what": "refused"') == 2)
    stop.set()
    thread.join()
    assert server.blog.check().text == "true"
    assert set(said) == {(200, "true")}
    assert server.http.get("/ready").text.count("next") == 1


@pytest.mark.process
def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "spamguard", "serve", "--port", str(taken.getsockname()[1])],
            capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "another --port" in done.stderr
    assert "API key" not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_sites_are_managed_while_it_serves(start, tmp_path):
    server = start()

    def sites(*argv):
        done = subprocess.run(
            [sys.executable, "-m", "spamguard", "sites", *argv, "--database", server.database],
            capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    code, out, _ = sites("add", "two.example")
    assert code == 0
    server.blog.key = out.split()[-1]
    assert server.blog.check().text == "true"
    feed = tmp_path / "feed.xml"
    feed.write_text("<rss><item><title>A</title><link>http://two.example/a</link></item></rss>")
    assert sites("posts", "two.example", str(feed))[1] == "two.example: 1 post registered\n"
    (tmp_path / "secret").write_text("abc\n")
    assert (
        sites("set", "two.example", "--unsure", "spam", "--gives", "--coral-secret", "secret")[0]
        == 0
    )
    code, out, _ = sites("list")
    assert out == "first: 0 posts, 0 corrections\ntwo.example: 1 post, 0 corrections, gives\n"
    assert sites("set", "two.example")[0] == 2
    guid = server.blog.check().headers["x-akismet-guid"]
    time.sleep(1)
    assert sites("forget", "two.example", guid)[1] == "two.example: forgotten, also 1 copy\n"
    code, _, err = sites("revoke", "three.example")
    assert (code, "no site" in err) == (1, True)
    assert sites("revoke", "two.example")[0] == 0
    assert server.blog.check().text == "invalid"


@pytest.mark.process
def test_sites_of_a_database_that_is_not_there(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "spamguard", "sites", "add", "a", "--database", "none.db"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "does not exist" in done.stderr) == (1, True)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.process
@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "prometheus_client", "sqlalchemy"])
def test_what_is_missing_says_what_to_install(tmp_path, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from spamguard.cli import main; sys.exit(main(['serve']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'spamguard[server]'" in done.stderr
    assert "Traceback" not in done.stderr


class Dying:
    """A process that is gone after so many looks."""

    def __init__(self, looks):
        self.looks = looks

    def is_alive(self):
        self.looks -= 1
        return self.looks > 0


class Silent:
    """A connection whose other end never answers; the process that asks has that end open too."""

    def send(self, data):
        pass

    def poll(self, timeout):
        return False


@pytest.mark.process
def test_a_worker_that_ends_while_it_is_asked_is_not_waited_for():
    worker = WorkerProcess.__new__(WorkerProcess)
    worker.process, worker.parent_conn = Dying(3), Silent()
    assert not worker.ping(timeout=1e9)


@pytest.mark.process
def test_a_worker_that_answers_is_there():
    worker = WorkerProcess.__new__(WorkerProcess)
    worker.parent_conn, theirs = Pipe()
    worker.process = Dying(100)
    theirs.send(True)
    assert worker.ping(timeout=60)
    assert theirs.recv() == b"ping"
