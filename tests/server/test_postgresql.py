"""The same server on PostgreSQL, which workers on several machines may share."""

from __future__ import annotations

import threading
import time

import pytest
from starlette.testclient import TestClient

from spamguard.feedback import Journal
from spamguard.server import ServerConfig, create_app

SPAM = "cheap viagra at http://pills.example order now"
THANKS = "Thanks for making the web a better place."


@pytest.fixture
def two(server):
    """Two servers on one database, as on two machines."""
    config = ServerConfig(database=server.url)
    with TestClient(create_app(config)) as one, TestClient(create_app(config)) as other:
        yield one, other


@pytest.fixture
def fields(two):
    key = two[0].app.state.worker.sites.add("first")
    return {"api_key": key, "blog": "https://blog.example", "user_ip": "i", "comment_content": SPAM}


def check(http, fields):
    return http.post("/1.1/comment-check", data=fields).text


def test_feedback_at_one_counts_at_the_other(two, fields):
    one, other = two
    assert [check(http, fields) for http in two] == ["true", "true"]
    assert one.post("/1.1/submit-ham", data=fields).text == THANKS
    assert [check(http, fields) for http in two] == ["false", "false"]
    assert other.post("/1.1/submit-spam", data=fields).text == THANKS
    assert [check(http, fields) for http in two] == ["true", "true"]


def test_many_corrections_at_once_are_all_learned_in_one_order(two, fields):
    def teach(http, name):
        for i in range(10):
            text = {"comment_content": f"{name} {i} {SPAM}"}
            assert http.post("/1.1/submit-ham", data=fields | text).text == THANKS

    threads = [
        threading.Thread(target=teach, args=(two[i % 2], name)) for i, name in enumerate("abcd")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    models = []
    for http in two:
        services = http.app.state.worker
        site = services.sites.named("first")
        assert site.sequence == 40
        models.append(services.filters.model_of(site))
    assert models[0].intercept == models[1].intercept
    assert (models[0].ngram_weights == models[1].ngram_weights).all()


def test_everything_else(two, fields):
    one, other = two
    for http in two:
        check(http, fields)
        http.app.state.worker.recorder.flush()
    told = one.get("/1.2/key-sites", params={"api_key": fields["api_key"]}).json()
    (sites,) = (value for value in told.values() if isinstance(value, list))
    assert sites[0]["api_calls"] == "2"
    bearer = {"Authorization": f"Bearer {fields['api_key']}"}
    post = {"url": "https://blog.example/a", "title": "A", "text": "zero \x00 byte, half \ud800"}
    import json

    assert one.put("/v1/posts", content=json.dumps(post), headers=bearer).status_code == 200
    asked = {"url": post["url"]}
    assert other.get("/v1/posts", params=asked, headers=bearer).json() == post
    assert "spamguard_spam_share_recent 1.0" in one.get("/metrics").text
    from datetime import UTC, datetime, timedelta

    later = datetime.now(UTC) + timedelta(days=100)
    assert one.app.state.worker.retention.run(later) == 2


def test_a_connection_that_dies_and_a_server_that_comes_back(two, fields, server):
    one, _ = two
    assert check(one, fields) == "true"
    server.stop("immediate")
    assert check(one, fields) == "true"  # by what was known last
    assert one.get("/ready").status_code == 503
    reply = one.post("/1.1/submit-ham", data=fields)
    assert reply.status_code == 503
    server.start()
    assert one.get("/ready").status_code == 200
    assert one.post("/1.1/submit-ham", data=fields).text == THANKS
    assert check(one, fields) == "false"
    services = one.app.state.worker
    until = time.monotonic() + 20
    while not services.recorder.flush():
        assert time.monotonic() < until
    with Journal(server.url, create=False) as journal:
        assert [row["label"] for row in journal.labels("first")] == ["ham"]


def test_workers_on_postgresql(server, start):
    process = start("--workers", "2", database=server.url)
    process.wait_for(lambda: len(process.workers()) == 2)
    assert process.blog.check().text == "true"
    assert process.blog.ham(SPAM).text == THANKS
    assert {process.blog.check().text for _ in range(10)} == {"false"}
    assert process.stop() == 0
