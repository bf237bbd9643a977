"""What the measurements share: real ``spamguard serve`` processes, their requests, and the machine."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "datasets" / "sample"
WORKERS = 2


def _tests(name: str) -> ModuleType:
    """Return a module of the tests, which start and stop servers as we need it here."""
    path = ROOT / "tests" / name
    spec = importlib.util.spec_from_file_location("_".join(Path(name).with_suffix("").parts), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_SERVER = _tests("server/conftest.py")
_DATABASES = _tests("conftest.py")


class Process(_SERVER.Process):  # type: ignore[misc, name-defined]
    """The tests' server process with longer time-outs, because the cores may be busy."""

    def wait_for(self, condition: Callable[[], object], seconds: float = 600.0) -> None:
        """Wait until the condition holds."""
        super().wait_for(condition, seconds)

    def stop(self) -> int:
        """Send SIGTERM, and wait until the server has written everything."""
        self.process.send_signal(signal.SIGTERM)
        return int(self.process.wait(600))


@contextlib.contextmanager
def serving(*options: str, workers: int = WORKERS, database: str | None = None) -> Iterator[Any]:
    """Run a server with the default model and without a rate limit."""
    with tempfile.TemporaryDirectory(prefix="spamguard-load-") as folder:
        options = ("--workers", str(workers), "--rate", "0", *options)
        process = Process(Path(folder), *options, database=database)
        try:
            process.wait_for(lambda: len(process.workers()) == workers)
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def postgresql() -> Iterator[Any]:
    """Run a PostgreSQL server; None where it is not installed."""
    programs = _DATABASES.programs_of_postgresql()
    if programs is None:
        yield None
        return
    account = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        names = {user.pw_name for user in pwd.getpwall()}
        account = next(name for name in ("postgres", "nobody") if name in names)
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if account is not None:
        shutil.chown(folder, account)
    server = None
    try:
        server = _DATABASES.PostgreSQL(programs, folder, account)
        yield server
    finally:
        if server is not None:
            server.stop("immediate")
        shutil.rmtree(folder)


# --- requests -----------------------------------------------------------------------


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / name).read_text("utf-8").splitlines()]


def register_posts(server: Any) -> int:
    """Register the sample's posts; return how many."""
    posts = [{k: p[k] for k in ("url", "title", "text")} for p in _lines("posts.jsonl")]
    request = urllib.request.Request(
        server.base + "/v1/posts", json.dumps({"posts": posts}).encode(), method="PUT",
        headers={"Authorization": f"Bearer {server.key[0]}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as reply:
        return int(json.load(reply)["registered"])


def forms(key: str) -> list[str]:
    """Return a comment-check form for each comment of the sample; the comment is its last field."""
    urls = {post["post_id"]: post["url"] for post in _lines("posts.jsonl")}
    return [
        urllib.parse.urlencode(
            {
                "api_key": key, "blog": "https://blog.example/", "user_ip": "192.0.2.7",
                "user_agent": "Mozilla/5.0", "permalink": urls[comment["post_id"]],
                "comment_type": "comment", "comment_author": comment["author"] or "",
                "comment_author_url": comment["author_url"] or "",
                "comment_content": comment["text"],
            }
        )
        for comment in _lines("comments.jsonl")
    ]  # fmt: skip


def request_of(form: str) -> bytes:
    """Return a form as a request on a keep-alive connection."""
    body = form.encode()
    return (
        b"POST /1.1/comment-check HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


# --- the machine --------------------------------------------------------------------


def _busy() -> float:
    """Return the seconds that all cores together were busy."""
    numbers = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / os.sysconf("SC_CLK_TCK")


def others() -> dict[str, float]:
    """Return the load by other programs, measured for three seconds while we are idle."""
    before, start = _busy(), time.monotonic()
    time.sleep(3)
    cores = (_busy() - before) / (time.monotonic() - start)
    return {
        "load_average": round(os.getloadavg()[0], 1),
        "cores_taken_by_others": round(cores, 2),
    }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return median and 99th percentile in milliseconds."""
    ranked = sorted(seconds)
    return {
        f"p{p}_ms": round(1000 * ranked[min(len(ranked) - 1, len(ranked) * p // 100)], 2)
        for p in (50, 99)
    }
