"""What whoever runs it relies on: limits, health, figures, logs, privacy, retention, reload."""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from spamguard import save_model
from spamguard.errors import FeedbackError, SpamguardError
from spamguard.server import ServerConfig, ServerError, create_app
from spamguard.server.cli import reached_at
from spamguard.server.http import limits
from spamguard.server.store.server_tables import comments
from spamguard.server.watch import drift_of, telemetry
from spamguard.server.watch.logs import JsonLines
from spamguard.server.worker import open_journal
from spamguard.storage import find_model
from spamguard.training.retraining import replace_model

SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."


def figures(http):
    lines = http.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


# --- health, figures, logs -------------------------------------------------------------


def test_health_and_ready(http):
    assert http.get("/health").json() == {"status": "alive"}
    assert http.get("/ready").json()["status"] == "ready"


def test_figures(blog):
    blog.check(SPAM)
    blog.check(HAM)
    blog.check(HAM, user_role="administrator")
    blog.ham(SPAM)
    blog.post("/1.1/there-is-no-such-thing")
    found = figures(blog.http)
    assert found['spamguard_verdicts_total{cause="model",label="spam"}'] == 1
    assert found['spamguard_verdicts_total{cause="model",label="ham"}'] == 1
    assert found['spamguard_verdicts_total{cause="administrator",label="ham"}'] == 1
    assert found['spamguard_feedback_total{agreed="no",decision="ham"}'] == 1
    assert found['spamguard_requests_total{endpoint="/1.1/comment-check",status="200"}'] == 3
    assert found['spamguard_requests_total{endpoint="other",status="404"}'] == 1
    assert found['spamguard_request_seconds_count{endpoint="/1.1/comment-check"}'] == 3
    assert found["spamguard_spam_probability_count"] == 2


def test_drift_is_reported_once_there_is_enough_to_compare(blog, services, rows, monkeypatch):
    monkeypatch.setattr(telemetry, "_FRESH", -1.0)
    blog.check(SPAM)
    services.recorder.flush()
    found = figures(blog.http)
    assert found["spamguard_spam_share_recent"] == 1
    assert "spamguard_drift" not in found
    blog.check(HAM)
    spam, ham = (row._asdict() for row in rows())
    weeks_ago = (datetime.now(UTC) - timedelta(days=14)).isoformat(timespec="microseconds")

    def add(number, row, **changed):
        same = {name: value for name, value in row.items() if name != "id"} | changed
        copies = [same | {"guid": uuid4().hex} for _ in range(number)]
        with services.journal.database.writing() as connection:
            connection.execute(sa.insert(comments), copies)
        return figures(blog.http)

    # All was ham, half is spam now; but of so few, chance alone makes much of nothing.
    found = add(500, ham, at=weeks_ago)
    assert found["spamguard_spam_share_recent"] == 0.5
    assert found["spamguard_spam_share_before"] == 0
    assert "spamguard_drift" not in found
    assert "spamguard_drift" not in add(80, spam)
    assert add(40, spam)["spamguard_drift"] > 0.25


@pytest.mark.parametrize(("now", "before"), [(113, 452), (180, 180), (2_000, 90)])
def test_where_nothing_has_changed_the_drift_that_is_told_is_seldom_high(now, before):
    draw = random.Random(1)

    def histogram(number):
        counts = Counter(draw.choices(range(10), (50, 5, 3, 2, 2, 2, 3, 5, 8, 20), k=number))
        return [counts[i] for i in range(10)]

    found = [drift_of(histogram(now), histogram(before)) for _ in range(400)]
    told = [drift for drift in found if drift is not None]
    assert sum(drift > 0.25 for drift in told) <= 0.02 * len(found)
    assert bool(told) is (9 * (1 / now + 1 / before) <= 0.1)


def test_logs_hold_no_text_no_address_and_no_key(blog, caplog, monkeypatch, services):
    caplog.set_level(logging.INFO, "spamguard.server")
    secret = "s3cr3t-words"
    blog.check(secret, comment_author=secret, user_ip="203.0.113.99", permalink=f"http://{secret}")
    blog.spam(secret, reporter=secret)
    blog.http.get("/1.2/usage-limit", params={"api_key": blog.key})
    blog.http.get(f"/{secret}/{blog.key}")

    def broken(*_):
        raise ValueError(f"the comment was {secret} of {blog.key}")

    monkeypatch.setattr(services.filters, "answer", broken)
    assert blog.check(secret).status_code == 500
    lines = [JsonLines().format(record) for record in caplog.records]
    events = [json.loads(line)["event"] for line in lines]
    assert events.count("request") == 5
    text = "\n".join(lines)
    for hidden in (secret, blog.key, "203.0.113.99", "192.0.2.7"):
        assert hidden not in text
    assert "/1.1/comment-check" in text


def test_what_other_libraries_log_is_not_filled_in():
    try:
        raise ValueError("quoting a comment")
    except ValueError as error:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "x.py", 1, "failed for %s", ("a comment",),
            (ValueError, error, error.__traceback__),
        )  # fmt: skip
    line = json.loads(JsonLines().format(record))
    assert line["message"] == "failed for %s"
    assert line["error"] == "ValueError"
    assert line["where"][0].startswith("test_operations.py:")
    assert "comment" not in json.dumps(line)


# --- limits -----------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Hold the limits' clock still; it is moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(limits, "monotonic", lambda: now[0])
    return now


def test_a_key_that_asks_too_much_must_wait(serve, clock):
    http = serve(rate=0.1)
    key = http.app.state.worker.sites.add("first")
    fields = {"api_key": key, "blog": "b", "user_ip": "i", "comment_content": HAM}
    assert http.post("/1.1/comment-check", data=fields).text == "false"
    reply = http.post("/1.1/comment-check", data=fields)
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) == 10
    clock[0] += 10
    assert http.post("/1.1/comment-check", data=fields).text == "false"
    other = http.app.state.worker.sites.add("second")
    assert http.post("/1.1/comment-check", data=fields | {"api_key": other}).status_code == 200


def test_guessing_keys_is_slow(blog, clock):
    wrong = {"api_key": "000000000000", "blog": "b"}
    said = [blog.http.post("/1.1/verify-key", data=wrong).status_code for _ in range(30)]
    assert said == [200] * 20 + [429] * 10
    assert blog.check(SPAM).text == "true"  # who has a key is served all the same
    clock[0] += 1
    assert blog.http.post("/1.1/verify-key", data=wrong).status_code == 200
    assert blog.http.post("/1.1/verify-key", data=wrong).status_code == 429


def test_bodies_have_a_limit(serve):
    http = serve(body_bytes=2000)
    assert http.post("/1.1/comment-check", content=b"a" * 1000).status_code == 200
    assert http.post("/1.1/comment-check", content=b"a" * 2001).status_code == 413

    def parts():  # without saying how long it is
        for _ in range(30):
            yield b"a" * 100

    assert http.post("/1.1/comment-check", content=parts()).status_code == 413
    reply = http.put("/v1/posts", content=b"a" * 2001)
    assert (reply.status_code, reply.json()) == (413, {"error": "the body is too large"})


@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"rate": -1.0}, {"body_bytes": 0}, {"retention_days": 0}]
)
def test_impossible_configurations(wrong):
    with pytest.raises(ServerError):
        ServerConfig(**wrong)


def test_workers_get_the_configuration_from_the_environment(monkeypatch):
    monkeypatch.setenv("SPAMGUARD_SERVER", "")
    config = ServerConfig(database="x.db", privacy=True, rate=3.5, feedback_days=7)
    config.to_environment()
    assert ServerConfig.from_environment() == config
    for wrong in ("{", "[]", '{"workers": 0}', '{"workers": "x"}'):
        monkeypatch.setenv("SPAMGUARD_SERVER", wrong)
        with pytest.raises(ServerError):
            ServerConfig.from_environment()


# --- models -----------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    """Return a directory with a copy of the shipped model."""
    place = tmp_path / "model"
    shutil.copytree(find_model("default"), place)
    return place


def other_version(services):
    from dataclasses import replace

    return replace(services.models.shared, version="next")


def test_a_model_is_replaced_while_it_serves(serve, model):
    http = serve(model=str(model))
    services = http.app.state.worker
    save_model(other_version(services), model)
    services.models.check()
    assert http.get("/ready").json()["model"].endswith("-next")


@pytest.mark.parametrize("damage", ["weights", "description", "gone"])
def test_a_model_that_is_damaged_changes_nothing(serve, model, damage):
    http = serve(model=str(model))
    services = http.app.state.worker
    before = services.models.shared
    if damage == "weights":
        next(model.glob("weights-*")).write_bytes(b"x")
        (model / "model.json").touch()
    elif damage == "description":
        (model / "model.json").write_text("{")
    else:
        shutil.rmtree(model)
    services.models.check()
    services.models.check()
    assert services.models.shared is before
    key = services.sites.add("first")
    fields = {"api_key": key, "blog": "b", "user_ip": "i", "comment_content": SPAM}
    assert http.post("/1.1/comment-check", data=fields).text == "true"
    found = figures(http)
    if damage != "gone":
        assert found['spamguard_model_changes_total{what="refused"}'] == 1
    save_model(other_version(services), model)
    services.models.check()
    assert services.models.shared is not before


def test_a_server_does_not_start_with_a_damaged_model(config, model):
    from dataclasses import replace

    (model / "model.json").write_text("{")
    app = create_app(replace(config, model=str(model)))
    from starlette.testclient import TestClient

    with pytest.raises(SpamguardError), TestClient(app):
        pass


def test_what_was_taught_outlives_a_new_model(blog, services):
    blog.ham(SPAM)
    site = services.sites.named("first")
    replace_model(other_version(services), services.models.directory_of(site.id))
    services.models.check()
    assert services.models.of(site.id).version == "next"
    assert blog.check(SPAM).text == "false"
    shutil.rmtree(services.models.directory_of(site.id))
    services.models.check()
    assert services.models.of(site.id) is services.models.shared
    assert blog.check(SPAM).text == "false"


def test_a_site_s_own_model_is_its_own(blog, other, services):
    from dataclasses import replace

    site = services.sites.named("first")
    lenient = replace(services.models.shared, intercept=services.models.shared.intercept - 50)
    replace_model(lenient, services.models.directory_of(site.id))
    services.models.check()
    assert blog.check(SPAM).text == "false"
    assert other.check(SPAM).text == "true"


# --- the database is away ---------------------------------------------------------------


@pytest.fixture
def away(services, monkeypatch):
    """Make the database unreachable, and reachable again."""

    def fail(*_):
        raise FeedbackError("the server cannot be reached")

    def switch(on):
        for name in ("reading", "writing"):
            if on:
                monkeypatch.setattr(services.journal.database, name, fail)
            else:
                monkeypatch.undo()

    return switch


def test_verdicts_go_on_without_the_database(blog, services, rows, away):
    blog.check(SPAM)
    assert blog.check(SPAM).text == "true"
    away(True)
    assert blog.check(SPAM).text == "true"
    assert blog.check(SPAM, permalink="https://blog.example/never-seen").text == "true"
    assert blog.http.get("/ready").status_code == 503
    assert blog.http.get("/health").status_code == 200
    reply = blog.ham(SPAM)
    assert (reply.status_code, reply.text) == (
        503,
        "the database is not available; try again later",
    )
    assert int(reply.headers["retry-after"]) > 0
    away(False)
    assert len(rows()) == 4
    assert list(services.journal.entries()) == []
    assert blog.ham(SPAM).status_code == 200


def test_a_comment_that_cannot_be_written_does_not_keep_others_waiting(
    blog, services, rows, monkeypatch
):
    from spamguard.server import recorder as records

    write = records.write

    def picky(connection, batch, privacy):
        if any(answer.query.comment.text == "poison" for answer in batch):
            raise FeedbackError("the database refuses")
        write(connection, batch, privacy)

    monkeypatch.setattr(records, "write", picky)
    for text in ("poison", "poison", "poison", "poison", "one", "poison", "two"):
        blog.check(text)
    assert [row.text for row in rows()] == ["one", "two"]
    assert figures(blog.http)['spamguard_records_late_total{what="dropped"}'] == 5


@pytest.mark.parametrize(
    "address", ["http://a\x00b/", "http://\ud800/", "http://[", "é.example", ""]
)
def test_any_address_of_a_blog_is_taken(blog, rows, address):
    body = f"api_key={blog.key}&user_ip=i&comment_content=x&blog=b&permalink=p".encode()
    from urllib.parse import quote

    body = body.replace(b"blog=b", b"blog=" + quote(address, errors="surrogatepass").encode())
    assert blog.http.post("/1.1/comment-check", content=body).status_code == 200
    assert len(rows()) == (1 if address else 0)


def test_a_disk_that_really_is_full(small_disk, serve):
    http = serve(database=str(small_disk / "server.db"))
    services = http.app.state.worker
    fields = {"api_key": services.sites.add("first"), "blog": "b", "user_ip": "i"}
    one = fields | {"comment_content": SPAM}
    assert http.post("/1.1/submit-ham", data=one).status_code == 200
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:  # until there is no space left
            file.write(b"x" * 4096)
    codes = set()
    for i in range(200):  # what room the log has left is used up
        text = {"comment_content": f"{i} {SPAM}" * 20}
        codes.add(http.post("/1.1/submit-spam", data=fields | text).status_code)
        if 503 in codes:
            break
    assert 503 in codes
    assert http.post("/1.1/comment-check", data=one).status_code == 200
    filler.unlink()
    assert http.post("/1.1/submit-ham", data=one).status_code == 200
    assert http.post("/1.1/comment-check", data=one).text == "false"
    assert services.recorder.flush()


# --- privacy and retention ----------------------------------------------------------------


def test_privacy_mode_keeps_nothing_that_was_said(serve, config):
    http = serve(privacy=True)
    services = http.app.state.worker
    key = services.sites.add("first")
    fields = {
        "api_key": key, "blog": "https://blog.example", "user_ip": "203.0.113.99",
        "comment_content": SPAM, "comment_author": "Xavier Secretive",
        "comment_author_url": "http://pills.example/page", "permalink": "https://blog.example/42",
    }  # fmt: skip
    assert http.post("/1.1/comment-check", data=fields).text == "true"
    assert http.post("/1.1/submit-ham", data=fields).status_code == 200
    assert http.post("/1.1/comment-check", data=fields).text == "false"  # it learns all the same
    services.recorder.flush()
    with services.journal.database.reading() as connection:
        found = connection.execute(sa.select(comments)).all()
    assert [row.text for row in found] == [None, None]
    assert {row.decision for row in found} == {"ham"}
    for path in config.models_directory.parent.glob("server.db*"):
        data = path.read_bytes()
        for said in (b"viagra", b"pills", b"Secretive", b"203.0.113", b"/42"):
            assert said not in data, (path, said)


def test_privacy_is_for_a_whole_database(serve, config):
    open_journal(config).close()
    from dataclasses import replace

    private = replace(config, privacy=True)
    with pytest.raises(SpamguardError, match="texts"):
        open_journal(private)
    elsewhere = replace(private, database=f"{config.database}2")
    open_journal(elsewhere).close()
    with pytest.raises(ServerError, match="digests only"):
        open_journal(replace(elsewhere, privacy=False))


def test_retention_deletes_what_nobody_decided_on(serve, config):
    http = serve(retention_days=30)
    services = http.app.state.worker
    key = services.sites.add("first")
    fields = {"api_key": key, "blog": "b", "user_ip": "i"}
    for text in ("an old remark nobody looked at", SPAM):
        http.post("/1.1/comment-check", data=fields | {"comment_content": text})
    http.post("/1.1/submit-spam", data=fields | {"comment_content": SPAM})
    services.recorder.flush()
    now = datetime.now(UTC)
    assert services.retention.run(now + timedelta(days=29)) == 0
    assert services.retention.run(now + timedelta(days=31)) == 1
    with services.journal.database.reading() as connection:
        assert [row.text for row in connection.execute(sa.select(comments))] == [SPAM]
    assert [row["text"] for row in services.journal.labels("first")] == [SPAM]
    for path in config.models_directory.parent.glob("server.db*"):
        assert b"an old remark" not in path.read_bytes()


def test_retention_of_feedback_deletes_what_it_taught(serve, config):
    http = serve(feedback_days=30)
    services = http.app.state.worker
    key = services.sites.add("first")
    fields = {"api_key": key, "blog": "b", "user_ip": "i", "comment_content": SPAM}
    http.post("/1.1/submit-ham", data=fields)
    assert http.post("/1.1/comment-check", data=fields).text == "false"
    services.recorder.flush()
    services.retention.run(datetime.now(UTC) + timedelta(days=31))
    assert list(services.journal.labels("first")) == []
    assert http.post("/1.1/comment-check", data=fields).text == "true"
    assert services.sites.corrections(services.sites.named("first")) == 0


def test_retention_runs_once_a_day(serve):
    http = serve(retention_days=30)
    services = http.app.state.worker
    ran = []
    services.retention.run = lambda now: ran.append(now) or 0
    services.retention.run_if_due()
    services.retention.run_if_due()
    assert len(ran) == 1


# --- the database ---------------------------------------------------------------------------


def test_a_database_of_a_newer_server(config):
    open_journal(config).close()
    import sqlite3

    with sqlite3.connect(config.database) as connection:
        connection.execute("UPDATE spamguard_server_settings SET value = '9' WHERE key = 'schema'")
    connection.close()
    with pytest.raises(ServerError, match="layout 9"):
        open_journal(config)


def test_the_journal_of_a_server_is_a_journal(blog, config, services):
    """What `spamguard feedback` and `spamguard retrain` read."""
    from spamguard.feedback import Journal

    blog.spam(SPAM)
    with Journal(config.database, create=False) as journal:
        assert [row["label"] for row in journal.labels("first")] == ["spam"]
    assert Path(config.database).stat().st_mode & 0o077 == 0


def test_writing_what_waits_ends_though_more_keeps_coming(blog, services, monkeypatch):
    """Else, where questions never cease, no correction was ever answered."""
    from spamguard.server import recorder as records

    written, most, real = [], 300, records.write

    def write(connection, batch, privacy):
        real(connection, batch, privacy)
        written.extend(batch)
        if len(written) < most:
            for judged in batch:
                services.recorder.put(replace(judged, guid=f"{len(written):032x}"))

    blog.check()
    monkeypatch.setattr(records, "write", write)
    assert services.recorder.flush()
    assert len(written) < most
    assert blog.ham("Another comment, of which nothing waits.").status_code == 200
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
        ("blog.example", "blog.example"),
        ("0.0.0.0", "THIS-MACHINE"),
        ("::", "THIS-MACHINE"),
    ],
)
def test_a_blog_is_told_an_address_that_it_can_reach(host, told):
    assert reached_at(host) == told


def test_the_recorder_outlives_any_error_and_keeps_its_answers(blog, services, rows, monkeypatch):
    from spamguard.server import recorder as records

    def broken(*_):
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(records, "write", broken)
    blog.check()
    with pytest.raises(RuntimeError):
        services.recorder.flush()
    monkeypatch.undo()
    assert len(rows()) == 1


def test_a_failed_retention_is_tried_again(services, monkeypatch):
    from spamguard.server.retention import Retention

    retention = Retention(services.journal, replace(services.config, retention_days=1))

    def fail(*_):
        raise FeedbackError("the file cannot be rewritten")

    monkeypatch.setattr(retention, "run", fail)
    with pytest.raises(FeedbackError):
        retention.run_if_due()
    ran = []
    monkeypatch.setattr(retention, "run", lambda now: ran.append(now) or 0)
    retention.run_if_due()
    retention.run_if_due()
    assert len(ran) == 1


def test_nothing_is_forgotten_while_answers_cannot_be_written(blog, services, monkeypatch):
    guid = blog.check().headers["X-akismet-guid"]
    monkeypatch.setattr(services.recorder, "flush", lambda: False)
    with pytest.raises(FeedbackError, match="try again"):
        services.feedback.forget(services.sites.named("first"), guid, "anna")
