"""The journal of feedback: what was acknowledged stays, what was forgotten is gone."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from spamguard import Comment, InputError, Post, SpamClassifier, SpamguardError
from spamguard.corpus import COLUMNS, check_corpus
from spamguard.errors import FeedbackError, ForgottenError
from spamguard.feedback import Correction, Erasure, ImportCount, Journal, Summary
from spamguard.feedback import journal_tables as tables
from spamguard.feedback.entries import undone
from spamguard.verdict import Verdict

POST = Post(
    title="Slow pages, found", text="The second query had no index.", url="https://b.example/1"
)
COMMENT = Comment("Did you try EXPLAIN?", author="Mira", author_url="https://m.example", post=POST)
VERDICT = Verdict(0.25, "ham", False, -1.0986, -0.5, "tests 1", language="en")
SECRET = "zyxwvut"  # in what must be forgotten, or must not come back in a message
OLD = datetime(2020, 5, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "feedback.db"


@pytest.fixture
def in_file(path):
    with Journal(path) as found:
        yield found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.database)])
def where(request):
    """A place for a new journal, in each kind of database."""
    if request.param == "sqlite":
        return request.getfixturevalue("path")
    return request.getfixturevalue("server").url


@pytest.fixture
def journal(where):
    with Journal(where) as found:
        yield found


def labels(journal, **options):
    return [(row["comment_id"], row["label"]) for row in journal.labels(**options)]


def kinds(journal, **options):
    return [(entry.id, entry.kind) for entry in journal.entries(**options)]


# --- what goes in comes out ---------------------------------------------------------


def test_a_verdict_is_kept_with_all_that_it_says(journal):
    number = journal.record("c1", COMMENT, VERDICT, site="blog")
    (entry,) = journal.entries()
    assert (entry.id, entry.kind, entry.site, entry.comment_id) == (number, "verdict", "blog", "c1")
    assert (entry.label, entry.spam_probability, entry.log_odds) == ("ham", 0.25, -1.0986)
    assert (entry.discard, entry.model, entry.language, entry.by) == (False, "tests 1", "en", "")
    assert abs(datetime.now(UTC) - entry.at) < timedelta(minutes=1)
    assert labels(journal) == []


def test_a_correction_is_a_label_of_the_comment_with_its_post(journal):
    comment = Comment("Nice.", "Bob", "http://x.example", datetime(2024, 1, 2, 3, 4), POST)
    journal.correct("c1", "spam", by="anna", comment=comment, site="blog", post_id="p7", at=OLD)
    (row,) = journal.labels()
    assert row == {
        "blog": "blog", "comment_id": "c1", "post_id": "p7", "text": "Nice.", "author": "Bob",
        "author_url": "http://x.example", "date": "2024-01-02T03:04:00", "label": "spam",
        "post_title": POST.title, "post_text": POST.text, "post_url": POST.url,
        "post_author": None, "decided_at": "2020-05-01T00:00:00.000000+00:00", "account": "anna",
    }  # fmt: skip


def test_a_correction_takes_the_text_that_its_moderator_saw(journal):
    journal.record("c1", "first", VERDICT)
    journal.correct("c1", "spam", by="anna")
    journal.record("c1", "changed afterwards", VERDICT)
    assert [row["text"] for row in journal.labels()] == ["first"]


def test_a_text_that_comes_after_its_decision_makes_it_a_label(journal):
    journal.correct("c1", "spam", by="anna")
    assert (labels(journal), journal.summary()) == ([], Summary(without_text=1))
    journal.record("c1", "text", VERDICT)
    assert (labels(journal), journal.summary()) == ([("c1", "spam")], Summary(spam=1))


@settings(max_examples=40)
@given(text=st.text(), author=st.none() | st.text(), title=st.none() | st.text())
def test_any_text_comes_back_as_it_was(tmp_path_factory, text, author, title):
    folder = tmp_path_factory.mktemp("any")
    odd = text + "\0\ud800\U0001f600\r\n"
    with Journal(folder / "f.db") as journal:
        journal.correct("c", "ham", by="a", comment=Comment(odd, author, post=Post(title=title)))
        (row,) = journal.labels()
    assert (row["text"], row["author"], row["post_title"]) == (odd, author, title or None)
    shutil.rmtree(folder)


def test_one_post_and_one_comment_are_kept_once(in_file, path):
    for number in range(20):
        in_file.record(f"c{number % 4}", Comment(f"text {number % 4}", post=POST), VERDICT)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM spamguard_posts").fetchone() == (1,)
        assert raw.execute("SELECT count(*) FROM spamguard_comments").fetchone() == (4,)
    raw.close()


def test_earlier_comments_under_the_post_are_not_kept(in_file, path):
    post = Post(text="A post.", thread=[f"{SECRET} said this before"])
    in_file.correct("c1", "ham", by="anna", comment="Thanks.", post=post)
    assert not spilled(path)


# --- what counts --------------------------------------------------------------------


def test_the_last_decision_wins(journal):
    for decision in ("spam", "ham", "spam", "ham"):
        journal.correct("c1", decision, by="anna", comment=COMMENT)
    assert labels(journal) == [("c1", "ham")]


def test_remove_is_no_label(journal):
    journal.correct("c1", "spam", by="anna", comment=COMMENT)
    journal.correct("c1", "remove", by="anna")
    assert (labels(journal), journal.summary()) == ([], Summary(remove=1))
    journal.undo(2, by="anna")
    assert labels(journal) == [("c1", "spam")]


def test_undo_of_a_correction_an_undo_and_a_verdict(journal):
    verdict = journal.record("c1", COMMENT, VERDICT)
    ham = journal.correct("c1", "ham", by="anna")
    spam = journal.correct("c1", "spam", by="bob")
    undo = journal.undo(spam, by="anna")
    assert labels(journal) == [("c1", "ham")]
    again = journal.undo(undo, by="bob")
    assert labels(journal) == [("c1", "spam")]
    journal.undo(again, by="anna")
    assert labels(journal) == [("c1", "ham")]
    journal.undo(ham, by="anna")
    assert labels(journal) == []
    last = journal.undo(verdict, by="anna")
    back = {entry.id: entry.undone_by for entry in journal.entries()}
    assert (back[verdict], back[spam], back[undo], back[again]) == (last, undo, None, again + 1)


def test_an_undo_that_makes_no_sense_is_refused(journal):
    number = journal.correct("c1", "ham", by="anna", comment=COMMENT)
    journal.undo(number, by="anna")
    with pytest.raises(FeedbackError, match="undone already, by entry 2"):
        journal.undo(number, by="bob")
    for unknown in (99, 0, -1, 10**30):
        with pytest.raises(FeedbackError, match="no entry"):
            journal.undo(unknown, by="bob")
    with pytest.raises(InputError, match="number"):
        journal.undo("1", by="bob")
    forgotten = journal.forget("c1", by="anna")
    assert forgotten.entries == 2
    (entry,) = journal.entries()
    with pytest.raises(FeedbackError, match="cannot be undone"):
        journal.undo(entry.id, by="anna")


class Plain:
    """What a journal of one comment should say, worked out in another way."""

    def __init__(self):
        self.steps = []

    def counts(self, number):
        return not any(
            kind == "undo" and target == number and self.counts(later)
            for later, (kind, target) in enumerate(self.steps, 1)
            if later > number
        )

    def label(self):
        decisions = [
            (number, what)
            for number, (kind, what) in enumerate(self.steps, 1)
            if kind == "correct" and self.counts(number)
        ]
        return decisions[-1][1] if decisions else None


@settings(max_examples=40)
@given(st.lists(st.sampled_from(("spam", "ham", "remove")) | st.integers(1, 12), max_size=14))
def test_any_order_of_decisions_and_undo_is_worked_out_right(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("steps")
    plain = Plain()
    with Journal(folder / "f.db") as journal:
        for step in steps:
            if isinstance(step, str):
                journal.correct("c", step, by="a", comment="text")
                plain.steps.append(("correct", step))
            elif step <= len(plain.steps) and plain.counts(step):
                journal.undo(step, by="a")
                plain.steps.append(("undo", step))
            else:
                with pytest.raises(FeedbackError):
                    journal.undo(step, by="a")
            wanted = plain.label()
            assert labels(journal) == ([("c", wanted)] if wanted in ("spam", "ham") else [])
    shutil.rmtree(folder)


def test_undone_is_settled_from_the_end():
    assert undone([(1, None), (2, 1), (3, 2)]) == {2: 3}
    assert undone([(1, None), (2, 1), (3, 2), (4, 3)]) == {3: 4, 1: 2}


def test_history_read_in_later_does_not_beat_what_was_decided_since(journal):
    journal.correct("c1", "ham", by="anna", comment=COMMENT)
    journal.correct("c1", "spam", by="import", comment=COMMENT, at=OLD)
    assert labels(journal) == [("c1", "ham")]


def test_history_read_in_twice_is_entered_once(journal):
    rows = [Correction(f"c{n}", "spam", "import", f"text {n}", at=OLD) for n in range(450)]
    assert journal.correct_many(rows) == ImportCount(450, 0, 0)
    journal.undo(1, by="anna")
    assert journal.correct_many(rows) == ImportCount(0, 450, 0)
    assert journal.summary() == Summary(spam=449)


def test_a_decision_made_now_is_the_latest_although_the_clock_went_back(journal):
    ahead = datetime.now(UTC) + timedelta(hours=5)
    journal.correct("c1", "spam", by="anna", comment=COMMENT, at=ahead)
    journal.correct("c1", "ham", by="anna")
    assert labels(journal) == [("c1", "ham")]
    with pytest.raises(InputError, match="future"):
        journal.correct("c1", "ham", by="anna", at=ahead + timedelta(days=2))


def test_sites_do_not_mix(journal):
    journal.correct("1", "spam", by="anna", comment="one", site="a")
    journal.correct("1", "ham", by="anna", comment="two", site="b")
    journal.correct("1", "ham", by="anna", comment="three")
    assert [(r["blog"], r["text"]) for r in journal.labels()] == [
        ("a", "one"), ("b", "two"), (None, "three"),
    ]  # fmt: skip
    assert labels(journal, site="a") == [("1", "spam")]
    assert kinds(journal, site="b") == [(2, "correction")]
    assert journal.summary("") == Summary(ham=1)
    journal.forget("1", by="anna", site="a")
    assert [r["text"] for r in journal.labels()] == ["two", "three"]


def test_entries_are_listed_from_where_and_as_many_as_asked(journal):
    journal.correct_many(Correction(f"c{n}", "spam", "anna") for n in range(1, 251))
    assert [e.id for e in journal.entries()] == list(range(1, 251))
    assert [e.id for e in journal.entries(last=3)] == [248, 249, 250]
    assert [e.id for e in journal.entries(after=247)] == [248, 249, 250]
    assert [e.id for e in journal.entries(last=1000)] == list(range(1, 251))
    assert list(journal.entries(last=0)) == []
    assert [e.id for e in journal.entries(comment_id="c7")] == [7]


# --- what a corpus is made of -------------------------------------------------------


def test_the_corpus_is_one(journal):
    journal.correct("c1", "spam", by="anna", comment=COMMENT, site="blog")
    journal.correct("c2", "ham", by="bob", comment="plain")
    frame = journal.corpus()
    assert list(frame.columns) == [*COLUMNS, "decided_at", "account"]
    pd.testing.assert_frame_equal(frame, check_corpus(frame, labelled=True))
    assert frame["blog"].tolist() == ["blog", "own"]
    assert frame["label"].tolist() == ["spam", "ham"]


def test_comments_under_one_post_stay_together(journal):
    journal.correct("c1", "spam", by="anna", comment=COMMENT)
    edited = Post(title=POST.title, text="The post, edited.", url=POST.url)
    journal.correct("c2", "ham", by="anna", comment="Other words entirely.", post=edited)
    journal.correct("c3", "ham", by="anna", comment="Third.", post=Post(text="No address."))
    journal.correct("c4", "ham", by="anna", comment="Fourth one.", post="No address.")
    first, second, third, fourth = journal.corpus()["post_group"]
    assert first == second
    assert third == fourth != first


def test_an_empty_journal_gives_an_empty_corpus(journal):
    frame = journal.corpus()
    assert len(frame) == 0
    assert list(frame.columns) == [*COLUMNS, "decided_at", "account"]


def test_the_latest_decisions_only(journal):
    journal.correct_many(Correction(f"c{n}", "spam", "anna", f"text {n}") for n in range(250))
    journal.correct("c3", "ham", by="anna")
    assert journal.corpus(latest=2)["comment_id"].tolist() == ["c249", "c3"]


@pytest.mark.slow
def test_labels_are_read_in_bounded_memory(in_file):
    post = Post(text="p" * 100_000)
    in_file.correct_many(
        Correction(f"c{n}", "spam", "anna", Comment(f"{n} " + "x" * 20_000, post=post))
        for n in range(1500)
    )
    next(in_file.labels())
    tracemalloc.start()
    try:
        assert sum(len(row["text"]) for row in in_file.labels()) > 30_000_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert len(in_file.corpus(latest=50)) == 50
        bounded = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    assert bounded < 20_000_000


def test_labels_are_of_the_moment_when_the_first_is_asked_for(journal):
    journal.correct_many(Correction(f"c{n}", "spam", "anna", f"text {n}") for n in range(150))
    rows = journal.labels()
    next(rows)
    journal.correct("c149", "ham", by="anna")
    journal.correct("c999", "ham", by="anna", comment="new")
    journal.forget("c148", by="anna")
    seen = {row["comment_id"]: row["label"] for row in rows}
    assert (seen["c149"], "c999" in seen, "c148" in seen) == ("spam", False, False)


# --- killed, interrupted, full, damaged ---------------------------------------------

KILLS = 300
_KILLED = """
import json, os, random, signal, sys, time
from spamguard import Comment
from spamguard.feedback import Journal
from spamguard.verdict import Verdict

path, kills = sys.argv[1], int(sys.argv[2])
verdict = Verdict(0.5, "unsure", False, 0.0, 0.0, "tests 1")
draw = random.Random(7)
started, acknowledged, cut = time.monotonic(), {}, 0
for kill in range(kills):
    if time.monotonic() - started > 55:
        break
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            journal = Journal(path, wait=5)
            for count in range(10**6):
                name = f"{kill}-{count}"
                size = 10 if count % 3 else 30_000
                comment = Comment(name + "x" * size)
                if count % 4 == 0:
                    number = journal.record(name, comment, verdict)
                elif count % 4 == 3:
                    number = journal.undo(number, by="anna")
                else:
                    number = journal.correct(name, "spam", by="anna", comment=comment)
                os.write(writing, f"{number} {name}\\n".encode())
        finally:
            os._exit(1)  # only a mistake leads here: this process is killed
    os.close(writing)
    time.sleep(draw.uniform(0.0, 0.12))
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status), f"the writer failed by itself: {status}"
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    cut += not lines
    acknowledged |= {int(line.split()[0]): line.split()[1] for line in lines}
print(json.dumps({"kills": kill + 1, "without": cut, "acknowledged": acknowledged}))
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_writer_killed_hundreds_of_times_loses_nothing_it_acknowledged(path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _KILLED, str(path), str(KILLS)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    acknowledged = {int(number): name for number, name in told["acknowledged"].items()}
    assert told["kills"] >= 200
    assert told["without"] < told["kills"]  # some were killed before, most after an entry
    with Journal(path) as journal:
        kept = {entry.id: entry for entry in journal.entries()}
        texts = {row["comment_id"]: row["text"] for row in journal.labels()}
    for number, name in acknowledged.items():
        assert number in kept, f"entry {number} was acknowledged and is gone"
        if kept[number].kind != "undo":
            assert kept[number].comment_id == name
    for entry in kept.values():
        if entry.kind == "correction" and entry.undone_by is None:
            assert texts[entry.comment_id].startswith(f"{entry.comment_id}x")
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


def test_a_log_cut_off_anywhere_behind_an_acknowledged_entry_still_has_it(tmp_path, path):
    """As when the power fails: what was not synced is cut off or garbage."""
    log = path.with_name("feedback.db-wal")
    with Journal(path) as journal:
        sizes = []
        for number in range(1, 13):
            journal.correct(f"c{number}", "spam", by="anna", comment=f"text {number}" + "x" * 3000)
            sizes.append(log.stat().st_size)
        database, pages = path.read_bytes(), log.read_bytes()
    copy = tmp_path / "copy.db"
    for number, size in enumerate(sizes, 1):
        following = sizes[number] if number < len(sizes) else len(pages)
        for tail in (b"", b"\0" * 999, pages[size : (size + following) // 2], b"\xff" * 5000):
            copy.write_bytes(database)
            copy.with_name("copy.db-wal").write_bytes(pages[:size] + tail)
            copy.with_name("copy.db-shm").unlink(missing_ok=True)
            with Journal(copy) as found:
                assert len(labels(found)) == number


def test_every_write_is_on_the_disk_before_it_is_acknowledged(in_file):
    with in_file._database.writing() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
    }


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_log_is_synced_before_a_method_returns(path, tmp_path):
    program = (
        "import os, sys; from spamguard.feedback import Journal; j = Journal(sys.argv[1])\n"
        "for n in range(5):\n"
        "    os.write(1, b'begin\\n'); j.correct(str(n), 'ham', by='a', comment='t'); os.write(1, b'done\\n')"
    )
    trace = tmp_path / "trace"
    argv = ["strace", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(trace)]
    done = subprocess.run(
        [*argv, sys.executable, "-c", program, str(path)], capture_output=True, check=False
    )
    if done.returncode != 0 and b"ptrace" in done.stderr.lower():
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    sync, synced, acknowledged = re.compile(r"f(data)?sync\("), False, 0
    for line in trace.read_text("utf-8", "replace").splitlines():
        if '"begin\\n"' in line:
            synced = False
        elif "feedback.db-wal" in line:
            synced = bool(sync.search(line))  # the last thing that happened to the log
        elif '"done\\n"' in line:
            assert synced
            acknowledged += 1
    assert acknowledged == 5


def full(path, pages):
    """Let every connection to the journal find the disk full after so many pages."""
    from sqlalchemy import event

    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    found = Journal(path)
    event.listen(found._database.engine, "connect", limit)
    found._database.engine.dispose()
    return found


def until_full(journal, number):
    """Enter corrections from `number` on until that fails; return the first not kept, and why."""
    while number < 10_000:
        try:
            journal.correct(
                f"c{number}", "spam", by="anna", comment=f"{SECRET}{number}" + "x" * 4000
            )
        except FeedbackError as error:
            return number, str(error)
        number += 1
    raise AssertionError("never full")


def test_a_full_disk_is_told_and_nothing_is_lost(path):
    with Journal(path) as journal:
        journal.correct("c0", "spam", by="anna", comment="text")
    with full(path, path.stat().st_size // 4096 + 20) as journal:
        kept, told = until_full(journal, 1)
    assert re.search("disk is full.*Make room and do it again", told)
    assert 1 < kept < 100
    with Journal(path) as journal:
        assert len(labels(journal)) == kept
        journal.correct(f"c{kept}", "spam", by="anna", comment="x" * 5000)
        assert len(labels(journal)) == kept + 1


def test_a_disk_that_really_is_full(small_disk):
    path = small_disk / "feedback.db"
    with Journal(path) as journal:
        kept, told = until_full(journal, 0)
        assert "disk is full" in told
        assert len(labels(journal)) == kept > 10
        with pytest.raises(FeedbackError) as told:
            journal.forget("c1", by="anna")
        assert SECRET not in str(told.value)
    with Journal(path) as journal:
        assert len(labels(journal)) >= kept - 1
    copy = small_disk.parent / "copy.db"
    shutil.copy(path, copy)
    if (log := path.with_name("feedback.db-wal")).exists():
        shutil.copy(log, copy.with_name("copy.db-wal"))
    with Journal(copy) as journal:
        journal.correct("new", "ham", by="anna", comment="room again")
        assert ("new", "ham") in labels(journal)


def test_a_file_that_is_no_journal_is_told(tmp_path, path):
    path.write_bytes(b"This is a letter to my aunt. " * 300)
    with pytest.raises(FeedbackError, match="no SQLite file"):
        Journal(path)
    assert path.read_bytes().startswith(b"This is a letter")
    other = tmp_path / "comments.db"
    raw = sqlite3.connect(other)
    raw.execute("CREATE TABLE comments (text)")
    raw.commit()
    raw.close()
    before = other.read_bytes()
    with pytest.raises(FeedbackError, match="another program"):
        Journal(other)
    assert other.read_bytes() == before
    with pytest.raises(FeedbackError, match="no file"):
        Journal(tmp_path)
    with pytest.raises(FeedbackError, match="cannot be opened"):
        Journal(tmp_path / "nowhere" / "f.db")
    with pytest.raises(FeedbackError, match="does not exist"):
        Journal(tmp_path / "typo.db", create=False)
    assert not (tmp_path / "typo.db").exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(FeedbackError, match="holds no journal"):
        Journal(tmp_path / "empty.db", create=False)
    Journal(tmp_path / "empty.db").close()


def test_damage_anywhere_is_told_or_harmless(path, tmp_path):
    with Journal(path) as journal:
        journal.correct_many(
            Correction(f"c{n}", "spam", "anna", f"{SECRET} {n}" + "y" * 3000) for n in range(60)
        )
    whole = path.read_bytes()
    told = []
    for place in range(0, len(whole), 4096):
        damaged = tmp_path / f"damaged{place}.db"
        damaged.write_bytes(whole[:place] + b"\x5a" * 4096 + whole[place + 4096 :])
        try:
            with Journal(damaged) as journal:
                list(journal.entries())
                list(journal.labels())
        except SpamguardError as error:
            told.append(str(error))
        damaged.unlink()
    assert len(told) > 10
    assert all("estore a backup" in words and SECRET not in words for words in told)


def test_a_newer_layout_is_refused(where):
    with Journal(where) as journal, journal._database.writing() as connection:
        newer = sqlalchemy.update(tables.meta).where(tables.meta.c.key == "schema")
        connection.execute(newer.values(value=str(tables.SCHEMA + 1)))
    with pytest.raises(FeedbackError, match=r"layout 3.*Install a newer spamguard"):
        Journal(where)


def test_a_file_that_cannot_be_written_to_is_told(path):
    """Neither its owner's rights nor root's: as a user who may only read."""
    with Journal(path) as journal:
        journal.correct("c1", "spam", by="anna", comment="text")
    program = (
        "import os, sys\nfrom spamguard.feedback import Journal\n"
        "os.chdir(sys.argv[1])\n"
        "if os.getuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n"
        "try:\n    Journal('feedback.db').correct('c2', 'spam', by='anna', comment='text')\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    path.chmod(0o444)
    # A user without rights must get here at all: the directories above may be closed to others.
    with tempfile.TemporaryDirectory(dir="/tmp" if os.getuid() == 0 else None) as folder:
        place = Path(shutil.copy(path, folder)).parent
        place.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", program, folder], capture_output=True, text=True, check=False
        )
        place.chmod(0o755)
    assert done.stdout.startswith("FeedbackError"), done.stderr
    assert "Let this user write to the file and to its directory" in done.stdout


def test_a_lock_that_is_never_released_is_told(path):
    with Journal(path, wait=0.2) as journal:
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(FeedbackError, match="locked it for too long"):
            journal.correct("c1", "spam", by="anna", comment="text")
        raw.execute("ROLLBACK")
        raw.close()
        journal.correct("c1", "spam", by="anna", comment="text")


def test_an_entry_is_whole_or_not_there(journal, monkeypatch):
    """An error in the middle of a transaction leaves nothing of it."""
    import spamguard.feedback.journal_rows as module

    def broken(*_args, **_values):
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patched:
        patched.setattr(module, "append_entry", broken)
        with pytest.raises(RuntimeError, match="in the middle"):
            journal.correct("c1", "spam", by="anna", comment=COMMENT)
    with journal._database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spamguard_comments").scalar() == 0


def test_a_journal_of_the_former_layout_is_upgraded(where):
    with Journal(where) as journal:
        journal.correct("c1", "spam", by="anna", comment=COMMENT)
        journal.record("c2", COMMENT, VERDICT)
        with journal.database.writing() as connection:
            tables.steps.drop(connection)
            former = sqlalchemy.update(tables.meta).where(tables.meta.c.key == "schema")
            connection.execute(former.values(value="1"))
    for _ in range(2):
        with Journal(where, create=False) as journal:
            with journal.database.reading() as connection:
                rows = connection.execute(sqlalchemy.select(tables.steps)).all()
            assert [(row.comment_id, row.data, row.due) for row in rows] == [("c1", None, True)]
            assert labels(journal) == [("c1", "spam")]


# --- many at once -------------------------------------------------------------------


@pytest.mark.process
def test_processes_write_at_once_also_into_a_new_journal(where):
    program = (
        "import sys; from spamguard import Comment, Post; from spamguard.feedback import Journal\n"
        "where, name = sys.argv[1:]\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "with Journal(where) as journal:\n"
        "    for number in range(40):\n"
        "        comment = Comment(f'text of {name}', post=Post(title='one post'))\n"
        "        journal.correct(f'{name}-{number}', 'spam', by=name, comment=comment)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(where), f"w{n}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for n in range(4)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:  # all at once
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=120)
    assert [worker.returncode for worker in workers] == [0] * 4
    with Journal(where) as journal:
        found = [entry.comment_id for entry in journal.entries()]
    assert len(found) == 160
    for n in range(4):
        assert [c for c in found if c.startswith(f"w{n}-")] == [f"w{n}-{k}" for k in range(40)]


def test_threads_share_a_journal(journal):
    errors = []

    def write(name):
        try:
            for number in range(30):
                journal.correct(f"{name}-{number}", "ham", by=name, comment="text", post=POST)
                list(journal.entries(last=2))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors
    assert journal.summary() == Summary(ham=180)


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_journal_opened_before_a_fork_works_on_both_sides(where):
    """As with servers that load the application first and fork their workers then."""
    program = (
        "import os, sys; from spamguard.feedback import Journal\n"
        "journal = Journal(sys.argv[1]); journal.correct('c', 'ham', by='a', comment='t')\n"
        "children = []\n"
        "for n in range(3):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        for k in range(10): journal.correct(f'{n}-{k}', 'ham', by='a', comment='t')\n"
        "        journal.close(); os._exit(0)\n"
        "    children.append(child)\n"
        "for k in range(10): journal.correct(f'p-{k}', 'ham', by='a', comment='t')\n"
        "assert all(os.waitpid(child, 0)[1] == 0 for child in children)\n"
        "print(len(list(journal.labels()))); journal.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(where)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "41\n", done.stderr


# --- forgetting ---------------------------------------------------------------------


def spilled(path, what=SECRET):
    """Name the files of a journal that hold `what` anywhere in their bytes."""
    return [
        file.name
        for file in path.parent.glob(f"{path.name}*")
        if what.encode() in file.read_bytes()
    ]


def filled(journal, count=120):
    for number in range(count):
        text = f"{SECRET}{number:04}" + f" word{number}" * (number * 7 % 900)
        comment = Comment(text, f"{SECRET}author", f"http://{SECRET}.example", post=POST)
        journal.record(f"c{number}", comment, VERDICT)
        journal.correct(f"c{number}", "spam" if number % 2 else "ham", by="anna")


def test_a_forgotten_text_is_in_no_byte_of_the_files(path):
    with Journal(path) as journal:
        filled(journal)
        assert spilled(path)
        other = Journal(path)  # a second process, with the log open
        list(other.entries())
        for number in range(120):
            if number % 10:
                continue
            assert spilled(path, f"{SECRET}{number:04}")
            found = journal.forget(f"c{number}", by="anna")
            assert found == Erasure(2)
            assert not spilled(path, f"{SECRET}{number:04}")
        other.close()
        assert spilled(path, f"{SECRET}0001")
        for number in range(120):
            if number % 10:
                journal.correct(f"c{number}", "ham", by="anna")
        journal.forget_before(datetime.now(UTC) + timedelta(days=1), by="anna")
        assert not spilled(path)
    assert not spilled(path)


@pytest.mark.slow
def test_what_the_database_moved_about_is_gone_too(path):
    """Deleting makes SQLite move other rows from page to page, and copies of them stay behind."""
    draw = random.Random(1)
    with Journal(path) as journal:
        names = [f"{SECRET}{number:04}" for number in range(300)]
        journal.correct_many(
            Correction(f"c{number}", "spam", "anna", name + "x" * draw.randrange(1000))
            for number, name in enumerate(names)
        )
        order = list(range(300))
        draw.shuffle(order)
        for count, number in enumerate(order):
            journal.forget(f"c{number}", by="anna")
            if count % 10 == 0:
                data = path.read_bytes()
                assert not [n for n in order[: count + 1] if names[n].encode() in data]


def test_what_is_forgotten_has_no_influence_on_the_next_model(tmp_path, sample):
    def model_of(journal):
        frame = journal.corpus()
        return SpamClassifier(bits=10).fit(frame, frame["label"]).model_, frame

    rows = sample[sample["label"].notna()].head(80)
    post = Post(title="A post", text="About ovens and flour.")
    with Journal(tmp_path / "with.db") as one, Journal(tmp_path / "without.db") as other:
        for number, (text, label) in enumerate(zip(rows["text"], rows["label"], strict=True)):
            if number == 40:
                for comment_id in ("gone", "gone too"):
                    one.record(comment_id, Comment(f"{SECRET} ovens", post=post), VERDICT)
                    one.correct(comment_id, "spam", by="anna")
                    one.undo(one.correct(comment_id, "ham", by="anna"), by="anna")
            for journal in (one, other):
                comment = Comment(text, post=post)
                journal.correct(f"c{number}", label, by="anna", comment=comment, at=OLD)
        before, _ = model_of(one)
        one.forget("gone", by="anna")
        one.forget("gone too", by="anna")
        (after, frame), (never, wanted) = model_of(one), model_of(other)
    pd.testing.assert_frame_equal(frame, wanted)
    assert after.intercept == never.intercept
    assert (after.dense_weights == never.dense_weights).all()
    assert (after.ngram_weights == never.ngram_weights).all()
    assert not (before.ngram_weights == never.ngram_weights).all()


def test_a_forgotten_comment_stays_forgotten(journal):
    journal.record("c1", COMMENT, VERDICT)
    journal.forget("c1", by="anna")
    with pytest.raises(ForgottenError, match="forgotten"):
        journal.correct("c1", "spam", by="bob", comment=COMMENT)
    with pytest.raises(ForgottenError):
        journal.record("c1", COMMENT, VERDICT)
    rows = [Correction(name, "spam", "import", "text", at=OLD) for name in ("c1", "c2")]
    assert journal.correct_many(rows) == ImportCount(1, 0, 1)
    assert journal.forget("c1", by="anna") == Erasure(0)  # again: no harm
    assert [(e.kind, e.comment_id) for e in journal.entries()] == [
        ("forget", "c1"), ("correction", "c2"),
    ]  # fmt: skip
    with pytest.raises(FeedbackError, match="knows no such comment"):
        journal.forget("typo", by="anna")


def test_the_post_goes_with_its_last_comment(in_file, path):
    post = Post(title="t", text=f"{SECRET} post")
    in_file.correct("c1", "ham", by="anna", comment="one", post=post)
    in_file.correct("c2", "ham", by="anna", comment="two", post=post)
    in_file.forget("c1", by="anna")
    assert spilled(path)
    in_file.forget("c2", by="anna")
    assert not spilled(path)


def test_copies_under_other_names_are_told(journal):
    for name in ("c1", "c2"):
        journal.correct(name, "spam", by="anna", comment="the very same words", site="a")
    journal.correct("c3", "spam", by="anna", comment="other words")
    assert journal.forget("c1", by="anna", site="a").copies == (("a", "c2"),)


def test_numbers_are_never_given_twice(journal):
    journal.correct("c1", "spam", by="anna", comment=COMMENT)
    last = journal.correct("c2", "spam", by="anna", comment=COMMENT)
    journal.forget("c2", by="anna")
    assert journal.correct("c3", "spam", by="anna", comment=COMMENT) == last + 2


def test_forgetting_waits_for_readers_or_says_what_is_left(path):
    with Journal(path, wait=0.3) as journal:
        journal.correct("c1", "spam", by="anna", comment=f"{SECRET} text")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("BEGIN")
        raw.execute("SELECT * FROM spamguard_entries").fetchall()
        with pytest.raises(FeedbackError, match=r"bytes.*reading for too long.*forget it again"):
            journal.forget("c1", by="anna")
        assert labels(journal) == []
        raw.execute("COMMIT")
        raw.close()
        assert spilled(path)
        assert journal.forget("c1", by="anna") == Erasure(0)
        assert not spilled(path)


def test_forgetting_that_was_killed_is_finished_by_whoever_opens_next(path, monkeypatch):
    from spamguard.feedback.database import Database

    with Journal(path) as journal:
        journal.correct("c1", "spam", by="anna", comment=f"{SECRET} text")
        journal.correct("c2", "spam", by="anna", comment="other")

        def killed(*_args):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Database, "scrub", killed)
            with pytest.raises(KeyboardInterrupt):
                journal.forget("c1", by="anna")
        assert spilled(path)
        Journal(path).close()
        assert not spilled(path)
        assert labels(journal) == [("c2", "spam")]
        with journal._database.reading() as connection:
            query = "SELECT count(*) FROM spamguard_meta WHERE key = 'scrub'"
            assert connection.exec_driver_sql(query).scalar() == 0


def test_retention(in_file, path):
    old = {"by": "import", "at": OLD}
    in_file.correct("old", "spam", comment=f"{SECRET} old", site="a", **old)
    in_file.correct("old elsewhere", "spam", comment="old too", site="b", **old)
    in_file.correct("kept up", "spam", comment="once old", site="a", **old)
    in_file.correct("kept up", "ham", by="anna", site="a")
    in_file.correct("new", "spam", by="anna", comment="new", site="a")
    found = in_file.forget_before("2021-01-01", by="anna", site="a")
    assert found == Erasure(1)
    assert not spilled(path)
    assert labels(in_file) == [("old elsewhere", "spam"), ("kept up", "ham"), ("new", "spam")]
    assert len(list(in_file.entries(comment_id="kept up"))) == 2
    assert in_file.forget_before(date(2021, 1, 1), by="anna") == Erasure(1)
    last = list(in_file.entries())[-1]
    assert (last.kind, last.by) == ("retention", "anna")
    assert last.note == "1 entries before 2021-01-01 00:00"
    assert in_file.forget_before(datetime(2021, 1, 1), by="anna") == Erasure(0)
    in_file.correct("old", "spam", by="anna", comment="again", site="a")  # kept again
    with pytest.raises(InputError, match="no date"):
        in_file.forget_before("yesterday", by="anna")


# --- digests instead of texts -------------------------------------------------------


def test_a_journal_without_texts(path):
    secret = Comment(
        f"{SECRET} text", f"{SECRET} author", f"http://{SECRET}", post=f"{SECRET} post"
    )
    with Journal(path, texts="none") as journal:
        journal.record("c1", secret, VERDICT)
        journal.correct("c1", "spam", by="anna", comment=secret)
        journal.record("c2", secret, VERDICT)
        journal.record("c3", "other", VERDICT)
        assert not spilled(path)
        digests = [entry.digest for entry in journal.entries()]
        assert digests[0] == digests[1] == digests[2] != digests[3]
        assert journal.summary() == Summary(without_text=1)
    with Journal(path) as journal:
        assert journal.texts == "none"
    with pytest.raises(FeedbackError, match="was made to keep the texts of: none"):
        Journal(path, texts="all")
    with Journal(path.with_name("second.db"), texts="none") as journal:
        journal.record("c1", secret, VERDICT)
        assert next(journal.entries()).digest != digests[0]  # another key


def test_a_journal_with_the_texts_of_corrected_comments_only(path):
    with Journal(path, texts="corrected") as journal:
        journal.record("c1", f"{SECRET} text", VERDICT)
        assert not spilled(path)
        journal.correct("c2", "spam", by="anna", comment="corrected")
        assert labels(journal) == [("c2", "spam")]


# --- wrong arguments ----------------------------------------------------------------


def test_wrong_arguments_are_told(in_file, tmp_path):
    for wrong in ("", 7, None, "x" * 256, "a\0b", "line\nline", "\ud800", "space ", "\xa0"):
        with pytest.raises(InputError, match="comment_id"):
            in_file.correct(wrong, "spam", by="anna")
        with pytest.raises(InputError, match="by"):
            in_file.correct("c1", "spam", by=wrong)
        with pytest.raises(InputError, match="comment_id"):
            in_file.record(wrong, COMMENT, VERDICT)
    for wrong in ("Spam", "", None, 1, []):
        with pytest.raises(InputError, match="decision"):
            in_file.correct("c1", wrong, by="anna")
    with pytest.raises(InputError, match="Verdict"):
        in_file.record("c1", COMMENT, "ham")
    with pytest.raises(InputError, match="post goes with comment"):
        in_file.correct("c1", "spam", by="anna", post=POST)
    with pytest.raises(InputError, match="Correction"):
        in_file.correct_many([("c1", "spam")])
    with pytest.raises(InputError, match="texts"):
        Journal(tmp_path / "f.db", texts="some")
    with pytest.raises(InputError, match="path or a URL"):
        Journal(7)
    for wrong in ("sqlite://", ":memory:", "sqlite:///f.db?mode=ro"):
        with pytest.raises(FeedbackError, match="file"):
            Journal(wrong)
    with pytest.raises(FeedbackError, match="variable NOWHERE"):
        Journal("env:NOWHERE")
    with pytest.raises(FeedbackError, match="driver"):
        Journal("nosuch://host/base")
    assert list(in_file.entries()) == []


def test_a_journal_named_by_a_variable_or_an_odd_name(tmp_path, monkeypatch):
    odd = tmp_path / "fee?d#b%20ack.db"
    monkeypatch.setenv("SITE_JOURNAL", str(odd))
    with Journal("env:SITE_JOURNAL") as journal:
        journal.correct("c1", "ham", by="anna", comment="text")
    assert odd.stat().st_size > 0
    assert odd.stat().st_mode & 0o077 == 0  # it names people
    with Journal(f"sqlite:///{tmp_path / 'plain.db'}") as journal:
        assert journal.name == str(tmp_path / "plain.db")


def test_without_sqlalchemy_it_says_what_to_install():
    program = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import spamguard; spamguard.score('Which version was that?')\n"
        "from spamguard.cli import main; sys.exit(main(['feedback', 'f.db', 'list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'spamguard[feedback]'" in done.stderr


def test_the_score_path_does_not_load_the_database():
    program = (
        "import sys, spamguard; spamguard.score('Which version was that?')\n"
        "sys.exit(str({'sqlalchemy', 'sqlite3'} & set(sys.modules)) if {'sqlalchemy', 'sqlite3'} & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- a shared journal on PostgreSQL -------------------------------------------------


def test_a_server_that_is_killed_has_what_it_acknowledged(server):
    """The whole server, in the middle of several writers, again and again."""
    acknowledged, stop = [], threading.Event()

    def write(name):
        number = 0
        while not stop.is_set():
            try:
                with Journal(server.url, wait=5) as journal:
                    while not stop.is_set():
                        number += 1
                        entry = journal.correct(f"{name}-{number}", "spam", by=name, comment="t")
                        acknowledged.append((entry, f"{name}-{number}"))
            except FeedbackError:
                stop.wait(0.02)  # the server is down

    Journal(server.url).close()
    threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for kill in range(5):
            before = len(acknowledged)
            while len(acknowledged) < before + 10 + 7 * kill:
                time.sleep(0.005)
            server.stop("immediate")
            server.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    with Journal(server.url) as journal:
        kept = {entry.id: entry.comment_id for entry in journal.entries()}
    assert len(acknowledged) > 100
    assert [entry for entry in acknowledged if kept.get(entry[0]) != entry[1]] == []


def test_a_forgotten_text_is_in_no_byte_of_the_servers_tables(server):
    def spilled_there(what):
        return any(
            what.encode() in file.read_bytes()
            for file in (server.data / "base").rglob("*")
            if file.is_file()
        )

    with Journal(server.url) as journal:
        filled(journal, 30)
        server.stop()  # which writes all to the tables' files
        server.start()
        assert spilled_there(f"{SECRET}0003")
        journal.forget("c3", by="anna")
        server.stop()
        server.start()
        assert not spilled_there(f"{SECRET}0003")
        assert spilled_there(f"{SECRET}0004")


def test_a_server_that_cannot_be_used_is_told(server):
    for url in (
        "postgresql+psycopg://anna:hush@/nosuch?host=/nowhere",
        server.url.replace("/postgres?", "/nosuch?").replace("postgres@", "postgres:hush@"),
    ):
        with pytest.raises(FeedbackError, match="server cannot be reached") as told:
            Journal(url)
        assert "hush" not in str(told.value)
    with Journal(server.url, wait=0.2) as journal:
        number = journal.correct("c1", "spam", by="anna", comment=f"{SECRET} text")
        engine = sqlalchemy.create_engine(server.url)
        with engine.connect() as other:
            other.execute(sqlalchemy.text("SELECT * FROM spamguard_meta FOR UPDATE"))
            with pytest.raises(FeedbackError, match="locked it for too long"):
                journal.undo(number, by="anna")
        with engine.begin() as other:
            other.execute(sqlalchemy.text("ALTER TABLE spamguard_entries DROP COLUMN decision"))
        engine.dispose()
        with pytest.raises(FeedbackError, match="database refuses") as told:
            journal.correct("c2", "spam", by="anna", comment=f"{SECRET} text")
        assert SECRET not in str(told.value)


def test_a_shared_database_may_hold_other_tables(server):
    engine = sqlalchemy.create_engine(server.url)
    with engine.begin() as other:
        other.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS posts_of_the_blog (id int)"))
    with Journal(server.url) as journal:
        journal.correct("c1", "spam", by="anna", comment="text")
    server.clear()
    with pytest.raises(FeedbackError, match="holds no journal"):
        Journal(server.url, create=False)
    engine.dispose()


def test_an_acknowledgement_means_the_servers_disk(server):
    url = f"{server.url}&options=-csynchronous_commit%3Doff"
    with Journal(url) as journal, journal._database.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
