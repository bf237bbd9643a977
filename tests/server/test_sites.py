"""Each key is its own site: what one teaches moves no other's verdicts unless both want it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from spamguard import Comment
from spamguard.errors import FeedbackError, ServerError
from spamguard.server.filters import Filters
from spamguard.server.queries import Query
from spamguard.server.store.server_tables import sites
from spamguard.server.worker import Worker

SPAM = "cheap viagra at http://pills.example order now"


def probability(blog, content=SPAM):
    return blog.check(content).headers["x-spamguard-probability"]


def test_feedback_stays_with_its_site(blog, other):
    before = probability(other)
    blog.ham(SPAM)
    assert blog.check().text == "false"
    assert probability(other) == before


def test_sharing_needs_both_sides(blog, other, services):
    before = probability(other)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    assert probability(other) == before  # the first does not give
    services.sites.set("second", takes=False)
    services.sites.set("first", gives=True)
    blog.ham(SPAM)
    assert probability(other) == before  # the second does not take
    services.sites.set("second", takes=True)
    assert probability(other) < before
    services.sites.set("second", takes=False)
    assert probability(other) == before


def test_what_a_site_gives_itself_counts_once(blog, other, services):
    blog.ham(SPAM)
    alone = probability(blog)
    services.sites.set("second", gives=True, takes=True)
    other.ham(SPAM)
    assert probability(other) == alone


def test_who_gives_no_longer_takes_it_back(blog, other, services):
    before = probability(other)
    services.sites.set("first", gives=True)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    assert probability(other) < before
    services.sites.set("first", gives=False)
    assert probability(other) == before
    assert blog.check().text == "false"  # at home it counts on


def test_what_was_taken_back_is_taken_out_of_the_pool(blog, other, services):
    before = probability(other)
    services.sites.set("first", gives=True)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    (entry,) = services.journal.entries()
    services.feedback.undo(services.sites.named("first"), entry.id, "anna")
    assert probability(other) == before


def test_one_site_cannot_undo_another_s(blog, other, services):
    blog.ham(SPAM)
    (entry,) = services.journal.entries()
    with pytest.raises(ServerError, match="no entry"):
        services.feedback.undo(services.sites.named("second"), entry.id, "bob")
    assert blog.check().text == "false"


def test_a_decision_from_the_queue(blog, services, rows):
    blog.check()
    site = services.sites.named("first")
    (row,) = rows()
    taught = services.feedback.decide(site, row.id, "ham", "anna")
    assert taught.agreed is False
    assert blog.check().text == "false"
    services.feedback.decide(site, row.id, "remove", "anna")
    assert blog.check().text == "true"  # no label any more
    assert list(services.journal.labels("first")) == []
    with pytest.raises(ServerError, match="not there"):
        services.feedback.decide(site, 999, "ham", "anna")


def test_a_decision_on_another_site_s_comment(blog, other, services, rows):
    blog.check()
    (row,) = rows()
    with pytest.raises(ServerError, match="not there"):
        services.feedback.decide(services.sites.named("second"), row.id, "ham", "bob")


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a/b", "x" * 65, "é"])
def test_names_that_are_none(services, name):
    with pytest.raises(ServerError, match="name"):
        services.sites.add(name)


def test_names_and_keys_are_taken_once(services):
    key = services.sites.add("a.example")
    with pytest.raises(ServerError, match="already"):
        services.sites.add("a.example")
    with pytest.raises(ServerError, match="already"):
        services.sites.add("b.example", key)
    with pytest.raises(ServerError, match="key"):
        services.sites.add("b.example", "short")


def test_settings_that_are_none(services):
    services.sites.add("a.example")
    with pytest.raises(ServerError, match="no setting"):
        services.sites.set("a.example", key_digest="x")
    with pytest.raises(ServerError, match="must not exceed"):
        services.sites.set("a.example", unsure_cut=2.0, spam_cut=1.0)
    with pytest.raises(ServerError, match="no site"):
        services.sites.set("b.example", gives=True)
    with pytest.raises(ServerError, match="no site"):
        services.sites.set("", gives=True)  # the pool is none


def test_weights_in_memory_are_those_that_a_new_process_reads(blog, services):
    """However often and in whatever order something was corrected."""
    texts = [f"{SPAM} number {i}" for i in range(6)]
    for text in texts:
        blog.ham(text)
        probability(blog)
    blog.spam(texts[0])
    blog.spam(texts[3])
    entries = [e.id for e in services.journal.entries()]
    services.feedback.undo(services.sites.named("first"), entries[-1], "anna")
    site = services.sites.named("first")
    here = services.filters.model_of(site)
    fresh = fresh_filters(services).model_of(site)
    assert here.intercept == pytest.approx(fresh.intercept, abs=1e-12)
    assert here.ngram_weights == pytest.approx(fresh.ngram_weights, abs=1e-7)


def fresh_filters(services):
    """Return what another process would have in memory."""
    return Filters(services.journal, services.models, services.posts)


def test_the_lessons_of_a_former_layout_are_moved(blog, other, services, config):
    services.sites.set("first", gives=True)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    mine, theirs = probability(blog), probability(other)
    with services.journal.database.writing() as connection:
        (step,) = connection.execute(sa.text("SELECT * FROM spamguard_steps")).all()
        pool = sites.insert().values(name="", created_at="2024")
        pool = connection.execute(pool).inserted_primary_key[0]
        first = connection.execute(
            sa.select(sites.c.id).where(sites.c.name == "first")
        ).scalar_one()
        for statement in (
            "ALTER TABLE spamguard_sites ADD COLUMN sequence INTEGER NOT NULL DEFAULT 1",
            "CREATE TABLE spamguard_lessons (site INTEGER REFERENCES spamguard_sites (id), "
            "key VARCHAR(80), sequence INTEGER, data BLOB, at VARCHAR(32))",
            "DROP TABLE spamguard_steps",
            "UPDATE spamguard_meta SET value = '1' WHERE key = 'schema'",
            "UPDATE spamguard_server_settings SET value = '1' WHERE key = 'schema'",
        ):
            connection.exec_driver_sql(statement)
        lesson = sa.text("INSERT INTO spamguard_lessons VALUES (:site, :key, 1, :data, '2024')")
        for site, key in ((first, step.comment_id), (pool, f"{first}:{step.comment_id[:48]}")):
            connection.execute(lesson, {"site": site, "key": key, "data": step.data})
        # The text cannot teach it again: what counts is what was moved.
        connection.exec_driver_sql("UPDATE spamguard_comments SET text = x'41'")
    moved = Worker.open(config)
    one, two = moved.sites.named("first"), moved.sites.named("second")
    query = Query(Comment(SPAM))
    found = [f"{moved.filters.answer(x, query).verdict.spam_probability:.4f}" for x in (one, two)]
    assert found == [mine, theirs]
    assert [site.name for site in moved.sites.all()] == ["first", "second"]
    moved.sites.add("third")
    moved.close()


def test_a_forgotten_comment_is_gone_with_all_it_taught(blog, other, services, rows, config):
    before, elsewhere = probability(blog), probability(other)
    services.sites.set("first", gives=True)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    guid = blog.check().headers["x-akismet-guid"]
    assert services.feedback.forget(services.sites.named("first"), guid, "anna") == 2
    assert probability(blog) == before
    assert probability(other) == elsewhere
    assert [entry.kind for entry in services.journal.entries(site="first")] == ["forget"]
    assert blog.ham(SPAM).status_code == 200  # and is not learned again
    assert probability(blog) == before
    with pytest.raises(ServerError, match="guid"):
        services.feedback.forget(services.sites.named("second"), guid, "anna")


def test_a_comment_nobody_decided_on_is_forgotten_too(blog, services, rows, config):
    guid = blog.check("an unmistakable remark").headers["x-akismet-guid"]
    services.feedback.forget(services.sites.named("first"), guid, "anna")
    assert rows() == []
    services.recorder.flush()
    for path in config.models_directory.parent.glob("server.db*"):
        assert b"unmistakable" not in path.read_bytes()


def test_what_was_interrupted_is_forgotten_when_it_is_repeated(blog, services, rows, monkeypatch):
    blog.ham(SPAM)
    guid = blog.check().headers["x-akismet-guid"]
    site = services.sites.named("first")

    def refuse(*_, **__):
        raise FeedbackError("the database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(type(services.journal), "forget", refuse)
        with pytest.raises(FeedbackError):
            services.feedback.forget(site, guid, "anna")
    assert services.feedback.forget(site, guid, "anna") == 2
    assert rows() == []
    assert [entry.kind for entry in services.journal.entries(site="first")] == ["forget"]


def test_of_decisions_at_once_one_counts_everywhere(blog, services, rows):
    blog.check(CLUB)
    site, (row,) = services.sites.named("first"), rows()
    gate = threading.Barrier(4)

    def decide(number):
        gate.wait()
        for _ in range(3):
            decision = ("spam", "ham")[number % 2]
            receipt = services.feedback.decide(site, row.id, decision, f"anna{number}")
            if number == 3:
                services.feedback.undo(site, receipt.entry, "ben")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(decide, range(4)))
    entry, correction = services.journal.decision(row.digest, site="first")
    (row,) = rows()
    assert (row.entry, row.decision) == (entry, correction.decision)
    now = services.sites.named("first")
    here, fresh = (f.model_of(now) for f in (services.filters, fresh_filters(services)))
    assert here.intercept == fresh.intercept
    label = here.verdict(Comment(CLUB)).label
    assert label == ("spam" if correction.decision == "spam" else "ham")


CLUB = "Our chess club meets on Friday in the town hall, everybody is welcome."
