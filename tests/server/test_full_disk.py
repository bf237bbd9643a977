"""A disk that really is full: what was acknowledged stays, the rest is refused in plain words."""

from __future__ import annotations

import subprocess

import pytest

from spamguard.feedback import Journal
from spamguard.server import ServerConfig

SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."
THANKS = "Thanks for making the web a better place."


@pytest.fixture
def config(small_disk):
    return ServerConfig(database=str(small_disk / "server.db"), rate=0)


def test_a_full_disk_and_room_again(blog, services, small_disk):
    acknowledged = []
    for number in range(1000):
        text = f"{number} {SPAM} " + "and more " * 400
        reply = blog.spam(text)
        if reply.status_code != 200:
            break
        assert reply.text == THANKS
        acknowledged.append(text)
    assert acknowledged
    assert (reply.status_code, reply.text) == (
        503,
        "the database is not available; try again later",
    )
    assert "retry-after" in reply.headers
    # It goes on judging, by what it has learned.
    assert blog.check(SPAM).text == "true"
    assert blog.check(HAM).text == "false"
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert blog.spam(text).text == THANKS
    assert services.recorder.flush()
    with Journal(small_disk / "server.db", create=False) as journal:
        kept = {row["text"] for row in journal.labels("first")}
    assert kept == {*acknowledged, text}
