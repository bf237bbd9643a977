"""Each key is its own site: what one teaches moves no other's verdicts unless both want it."""

from __future__ import annotations

import pytest

from spamguard.errors import FeedbackError, ServerError

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
    services.teacher.undo(services.sites.named("first"), entry.id, "anna")
    assert probability(other) == before


def test_one_site_cannot_undo_another_s(blog, other, services):
    blog.ham(SPAM)
    (entry,) = services.journal.entries()
    with pytest.raises(ServerError, match="no entry"):
        services.teacher.undo(services.sites.named("second"), entry.id, "bob")
    assert blog.check().text == "false"


def test_a_decision_from_the_queue(blog, services, rows):
    blog.check()
    site = services.sites.named("first")
    (row,) = rows()
    taught = services.teacher.decide(site, row.id, "ham", "anna")
    assert taught.agreed is False
    assert blog.check().text == "false"
    services.teacher.decide(site, row.id, "remove", "anna")
    assert blog.check().text == "true"  # no label any more
    assert list(services.journal.labels("first")) == []
    with pytest.raises(ServerError, match="not there"):
        services.teacher.decide(site, 999, "ham", "anna")


def test_a_decision_on_another_site_s_comment(blog, other, services, rows):
    blog.check()
    (row,) = rows()
    with pytest.raises(ServerError, match="not there"):
        services.teacher.decide(services.sites.named("second"), row.id, "ham", "bob")


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
    with pytest.raises(ServerError, match="must not fall"):
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
    services.teacher.undo(services.sites.named("first"), entries[-1], "anna")
    from spamguard.server.weights import Weights

    site = services.sites.named("first")
    here = services.weights.model_for(site)
    fresh = Weights(services.journal.database, services.models).model_for(site)
    assert here.intercept == pytest.approx(fresh.intercept, abs=1e-12)
    assert here.ngram_weights == pytest.approx(fresh.ngram_weights, abs=1e-7)


def test_a_lesson_that_is_damaged_is_passed_over(blog, services):
    import sqlalchemy as sa

    from spamguard.server.store.server_tables import lessons
    from spamguard.server.weights import Weights

    blog.ham(SPAM)
    blog.ham("buy cheap watches at http://watches.example")
    with services.journal.database.writing() as connection:
        connection.execute(
            sa.update(lessons).where(lessons.c.sequence == 1).values(data=b"\0" * 100)
        )
    site = services.sites.named("first")
    base = services.models.shared
    model = Weights(services.journal.database, services.models).model_for(site)
    assert model.intercept != base.intercept


def test_a_forgotten_comment_is_gone_with_all_it_taught(blog, other, services, rows, config):
    before, elsewhere = probability(blog), probability(other)
    services.sites.set("first", gives=True)
    services.sites.set("second", takes=True)
    blog.ham(SPAM)
    guid = blog.check().headers["x-akismet-guid"]
    assert services.teacher.forget(services.sites.named("first"), guid, "anna") == 2
    assert probability(blog) == before
    assert probability(other) == elsewhere
    assert [entry.kind for entry in services.journal.entries(site="first")] == ["forget"]
    assert blog.ham(SPAM).status_code == 200  # and is not learned again
    assert probability(blog) == before
    with pytest.raises(ServerError, match="guid"):
        services.teacher.forget(services.sites.named("second"), guid, "anna")


def test_a_comment_nobody_decided_on_is_forgotten_too(blog, services, rows, config):
    guid = blog.check("an unmistakable remark").headers["x-akismet-guid"]
    services.teacher.forget(services.sites.named("first"), guid, "anna")
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
            services.teacher.forget(site, guid, "anna")
    assert services.teacher.forget(site, guid, "anna") == 2
    assert rows() == []
    assert [entry.kind for entry in services.journal.entries(site="first")] == ["forget"]


def asked_twice(blog, services, rows):
    """Return what a comment scores untaught, its site, and its row."""
    before = probability(blog, CLUB)
    (row,) = rows()
    return before, services.sites.named("first"), row.id


CLUB = "Our chess club meets on Friday in the town hall, everybody is welcome."


def test_of_two_decisions_at_once_the_later_counts(blog, services, rows, monkeypatch):
    before, site, row = asked_twice(blog, services, rows)
    teacher, lesson, done = services.teacher, services.teacher._lesson, []

    def overtaken(*given):
        found = lesson(*given)
        if not done:
            done.append(None)  # the next one is not overtaken
            done.append(teacher.decide(site, row, "ham", "ben"))
        return found

    monkeypatch.setattr(teacher, "_lesson", overtaken)
    teacher.decide(site, row, "spam", "anna")
    entry, decision = services.journal.decision(rows()[0].digest, site="first")
    assert (entry, decision.decision) == (done[1].entry, "ham")
    assert rows()[0].decision == "ham"
    assert probability(blog, CLUB) <= before


def test_an_undo_takes_nothing_with_it_that_came_meanwhile(blog, services, rows, monkeypatch):
    before, site, row = asked_twice(blog, services, rows)
    entry = services.teacher.decide(site, row, "spam", "anna").entry
    taught, decision, done = probability(blog, CLUB), type(services.journal).decision, []
    assert taught > before

    def overtaken(journal, *given, **named):
        found = decision(journal, *given, **named)
        if not done:
            done.append(None)
            services.teacher.decide(site, row, "spam", "ben")
        return found

    monkeypatch.setattr(type(services.journal), "decision", overtaken)
    services.teacher.undo(site, entry, "anna")
    assert done
    assert rows()[0].decision == "spam"
    assert probability(blog, CLUB) == taught
