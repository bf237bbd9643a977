"""The core that the adapters share."""

from __future__ import annotations

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from spamguard import Comment, Post, load_model, save_model, score
from spamguard.errors import FeedbackError, InputError
from spamguard.feedback import Correction, Journal, steps
from spamguard.integrations import Site, comment_of

CLUB = Comment(
    "Our chess club meets each Friday evening in the old mill, and all are welcome.",
    post=Post(title="On copper", url="https://kettles.example/copper"),
)
HAM = Comment("Thanks, the second query was missing an index here as well.", author="Mira")


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "feedback.db")
    yield made
    made.close()


def same(site, other):
    return [site.check(c).log_odds for c in (CLUB, HAM)] == pytest.approx(
        [other.check(c).log_odds for c in (CLUB, HAM)], abs=1e-9
    )


def test_it_starts_as_the_shipped_model(site):
    assert site.check(CLUB).label != "spam"  # or the tests below would show nothing
    assert site.check(HAM).log_odds == score(HAM).log_odds


def test_a_decision_that_teaches_nothing_is_told_of(site, caplog):
    site.check(CLUB, 1)
    with caplog.at_level(logging.WARNING, "spamguard"):
        site.correct(1, "spam", by="anna")
        assert not caplog.records
        site.correct("nobody checked this", "spam", by="anna")
    assert "kept but not learned" in caplog.text


def test_a_decision_is_kept_learned_undone_and_forgotten(site):
    before = site.check(CLUB, 1).log_odds
    entry = site.correct(1, "spam", by="anna")
    assert site.check(CLUB).label == "spam"
    site.undo(entry, by="anna")
    assert site.check(CLUB).log_odds == before
    site.correct(1, "spam", by="anna")
    site.correct(1, "remove", by="anna")  # no label
    assert site.check(CLUB).log_odds == before
    site.correct(1, "spam", by="anna")
    site.forget(1, by="anna")
    assert site.check(CLUB).log_odds == before
    site.check(CLUB, 1)  # leaves no trace, and is answered


def test_all_of_a_sites_processes_know_at_once(site, tmp_path):
    other = Site(tmp_path / "feedback.db")
    assert other.check(CLUB).label != "spam"
    site.correct("a", "spam", by="anna", comment=CLUB)
    assert other.check(CLUB).label == "spam"
    assert same(site, other)
    late = Site(tmp_path / "feedback.db")
    site.correct("b", "spam", by="anna", comment=HAM)
    site.correct("b", "ham", by="anna")
    assert same(late, other)
    site.journal.forget_before("2999-01-01", by="anna")
    assert other.check(CLUB).log_odds == score(CLUB).log_odds
    late.close()
    other.close()


def test_what_is_imported_is_learned_too(site):
    site.check(CLUB)
    added = site.import_history([Correction("x", "spam", "import", CLUB)])
    assert added.taken == 1
    assert site.check(CLUB).label == "spam"
    site.journal.correct_many([Correction("x", "ham", "import", CLUB)])
    assert site.check(CLUB).label != "spam"


def test_a_large_import_is_learned_once_and_only_its_latest(site, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "MOST", 120)
    site.check(CLUB)
    site.import_history(
        Correction(f"x{i}", "spam", "import", Comment(f"{CLUB.text} {i}")) for i in range(201)
    )
    assert site.check(CLUB).label == "spam"
    page = steps.read_steps(site.journal.database, "", 0)
    assert [key for key, data in page.rows if data] == [f"x{i}" for i in range(81, 201)]
    monkeypatch.setattr(steps, "learn_due", None)  # nothing is left to learn
    other = Site(tmp_path / "feedback.db")
    assert same(site, other)
    other.close()


def test_what_cannot_be_learned_now_is_learned_later(site, monkeypatch, caplog):
    site.correct("a", "spam", by="anna", comment=CLUB)
    site.import_history([Correction("b", "spam", "import", HAM)])

    def fails(*_):
        raise FeedbackError("The disk is full; make room.")

    with monkeypatch.context() as patched:
        patched.setattr("spamguard.feedback.site.learn_due", fails)
        assert site.check(CLUB).label == "spam"
        assert site.check(HAM).label != "spam"
    assert "disk is full" in caplog.text
    monkeypatch.setattr("spamguard.feedback.site.monotonic", lambda: 1e12)  # later
    assert site.check(HAM).label == "spam"


def test_an_old_journal_is_learned_once(site, tmp_path):
    site.correct("a", "spam", by="anna", comment=CLUB)
    site.undo(site.correct("b", "spam", by="anna", comment=HAM), by="anna")
    taught = site.check(CLUB).log_odds
    with site.journal.database.writing() as connection:
        steps.steps.drop(connection)
        connection.exec_driver_sql("UPDATE spamguard_meta SET value = '1' WHERE key = 'schema'")
    other = Site(tmp_path / "feedback.db")
    assert other.check(CLUB).log_odds == pytest.approx(taught, abs=1e-6)
    assert other.check(HAM).log_odds == pytest.approx(site.check(HAM).log_odds, abs=1e-6)
    other.close()


def test_a_damaged_step_is_learned_again(site, tmp_path):
    site.correct("a", "spam", by="anna", comment=CLUB)
    taught = site.check(CLUB).log_odds
    with site.journal.database.writing() as connection:
        connection.exec_driver_sql("UPDATE spamguard_steps SET data = x'00'")
    other = Site(tmp_path / "feedback.db")
    assert other.check(CLUB).log_odds == pytest.approx(taught, abs=1e-6)
    other.close()


def test_a_text_that_comes_after_its_decision_is_learned(site):
    site.correct(1, "spam", by="anna")
    assert site.check(CLUB).label != "spam"
    site.check(CLUB, 1)
    assert site.check(CLUB).label == "spam"


def test_a_correction_and_what_it_taught_are_written_together_or_not_at_all(site):
    def broken(connection, standing):
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        site.correct("a", "spam", by="anna", comment=CLUB, also=broken)
    assert list(site.journal.entries()) == []
    assert steps.last_step(site.journal.database, "") == 0


def test_without_texts_a_correction_is_learned_from_numbers_alone(tmp_path):
    site = Site(Journal(tmp_path / "feedback.db", texts="none"))
    entry = site.correct("a", "spam", by="anna", comment=CLUB)
    assert site.check(CLUB).label == "spam"
    site.undo(entry, by="anna")
    assert site.check(CLUB).log_odds == score(CLUB).log_odds
    site.close()


def test_one_sites_labels_move_no_other(site, tmp_path):
    other = Site(tmp_path / "feedback.db", name="other")
    site.correct("a", "spam", by="anna", comment=CLUB)
    assert other.check(CLUB).log_odds == score(CLUB).log_odds
    other.close()


def test_threads_share_it(site):
    gate = threading.Barrier(8)

    def work(number):
        gate.wait()
        for i in range(5):
            site.check(HAM, f"{number}-{i}")
            site.correct(f"{number}-{i}", "ham", by="anna")
            site.check(CLUB)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert site.journal.summary().ham == 40
    fresh = Site(site.journal.name)
    assert fresh.check(CLUB).label == site.check(CLUB).label
    fresh.close()


def test_a_journal_that_fails_costs_no_verdict(site, monkeypatch, caplog):
    site.correct("a", "spam", by="anna", comment=CLUB)
    taught = site.check(CLUB).log_odds

    def fails(*_, **__):
        raise FeedbackError("The disk is full; make room.")

    for method in ("record", "correct"):
        monkeypatch.setattr(site.journal, method, fails)
    monkeypatch.setattr("spamguard.feedback.site.last_step", fails)
    with caplog.at_level(logging.ERROR, "spamguard"):
        assert site.check(CLUB, "b").log_odds == taught
    assert "disk is full" in caplog.text
    assert "chess" not in caplog.text
    with pytest.raises(FeedbackError):  # a moderator is told
        site.correct("b", "ham", by="anna")


def test_its_own_model_is_used_when_it_is_there_and_when_it_is_replaced(site, tmp_path, caplog):
    own = Site(site.journal, own_model=tmp_path / "own")
    assert own.check(HAM).model.startswith("default")
    own.correct("a", "spam", by="anna", comment=CLUB)
    shipped = load_model("default")
    save_model(replace(shipped, intercept=shipped.intercept - 9), tmp_path / "own", name="own")
    assert own.check(HAM).model.startswith("own")
    assert own.check(CLUB).label == "spam"  # learned again, beside the new weights
    (tmp_path / "own" / "model.json").write_text("{")
    with caplog.at_level(logging.ERROR, "spamguard"):
        assert own.check(HAM).model.startswith("own")
        assert own.check(HAM).model.startswith("own")
    assert caplog.text.count("stays in use") == 1
    shutil.rmtree(tmp_path / "own")
    assert own.check(HAM).model.startswith("default")


@pytest.mark.parametrize(("hold", "held"), [("unsure", {"unsure", "spam"}), ("spam", {"spam"})])
def test_what_waits(tmp_path, hold, held):
    site = Site(tmp_path / "feedback.db", hold=hold)
    assert {label for label in ("ham", "unsure", "spam") if site.holds(label)} == held
    verdict = site.check(HAM)
    assert site.holds(verdict) is (verdict.label in held)
    site.close()


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match="hold"):
        Site(tmp_path / "feedback.db", hold="ham")
    with pytest.raises(FeedbackError):
        Site(tmp_path / "no" / "such" / "folder" / "feedback.db").check(HAM)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "a", "author": "b", "author_url": "c"}, ("a", "b", "c")),
        ({"message": "a", "name": "b", "website": "c", "email": "d"}, ("a", "b", "c")),
        ({"comment": "a", "url": "", "author": None}, ("a", None, None)),
        ({"body": 7, "author": ["x"], "name": True}, ("7", None, None)),
        ({"text": ""}, ("", None, None)),
    ],
)
def test_fields_of_forms(fields, expected):
    comment = comment_of(fields, Post(title="t"))
    assert (comment.text, comment.author, comment.author_url) == expected
    assert comment.post == Post(title="t")


def test_fields_without_a_text():
    with pytest.raises(InputError, match="text"):
        comment_of({"autor": "x"})


def test_one_site_cannot_undo_another_s(tmp_path):
    one, other = Site(tmp_path / "f.db", name="a"), Site(tmp_path / "f.db", name="b")
    entry = one.correct(1, "spam", by="anna", comment=CLUB)
    with pytest.raises(FeedbackError, match="no entry"):
        other.undo(entry, by="bob")
    assert one.check(CLUB).label == "spam"
    one.close()
    other.close()


def test_a_kept_correction_is_not_reported_as_failed(site, monkeypatch):
    site.check(CLUB, 1)

    def fail(*_, **__):
        raise FeedbackError("the database went away")

    monkeypatch.setattr(Journal, "decision", fail)
    assert site.correct(1, "spam", by="anna") > 0


def test_a_locked_journal_does_not_make_every_comment_wait(site, monkeypatch):
    from spamguard.feedback import site as module

    site.correct(1, "spam", by="anna", comment=CLUB)
    before = site.check(HAM).log_odds
    tries = []

    def locked(*_):
        tries.append(1)
        raise FeedbackError("the database is locked")

    monkeypatch.setattr(module, "learn_due", locked)
    site.import_history([Correction("2", "spam", "anna", HAM)])
    for _ in range(5):
        assert site.check(HAM).log_odds == before
    assert len(tries) == 1
    monkeypatch.undo()
    monkeypatch.setattr(module, "monotonic", lambda: 1e12)  # later
    assert site.check(HAM).log_odds > before
