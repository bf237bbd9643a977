"""Thresholds, retraining, figures and the log."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from spamguard.errors import ServerError
from spamguard.evaluation.metrics import clopper_pearson
from spamguard.feedback.entries import stamp
from spamguard.server.pages import charts_page, retrain_jobs, svg, thresholds_page
from spamguard.server.pages.svg import Line, bars_of, plot_of
from spamguard.server.store.server_tables import actions, comments, retrainings

from .conftest import Page

SPAM = "cheap viagra at http://pills.example order now and save a lot of money"
HAM = "Thanks, the second query was missing an index here too."


# --- thresholds ----------------------------------------------------------------------


def past(ham, spam):
    return thresholds_page.History(
        np.array([*ham, *spam], float), np.array([False] * len(ham) + [True] * len(spam)),
        [""] * (len(ham) + len(spam)), 0, 0,
    )  # fmt: skip


def test_steps_count_what_lies_at_or_above_them():
    steps = {s.cut: s for s in thresholds_page.steps_of(past([-3, 0, 1.5], [1.5, 4]), (1.5, 1.6))}
    assert (steps[1.5].lost, steps[1.5].caught) == (1, 2)
    assert (steps[1.6].lost, steps[1.6].caught) == (0, 1)
    assert steps[0.0].lost == 2
    assert steps[1.5].lost_range == clopper_pearson(1, 3)


def test_a_site_without_decisions_promises_nothing(anna):
    page = anna.page("/thresholds?promise=0.01")
    assert "none decided yet" in page.text
    assert "nothing can be promised" in page.text
    assert page.all("svg") == []


@pytest.fixture
def decided(seed):
    labels = seed.sample(90)
    assert seed.decide(labels) > 60
    return labels


def test_the_page_tells_what_a_cut_would_have_lost(anna, decided, rows):
    page = anna.page("/thresholds")
    spam = [row.log_odds for row in rows() if row.decision == "spam"]
    slider = page.all("input", type="range")[0]
    table = re.findall(r'<tr data-cut="([^"]+)"', anna.get("/thresholds").text)
    assert len(table) == int(slider["max"]) + 1
    cut = float(table[int(slider["value"])])
    assert cut == pytest.approx(anna_model(anna).cuts.spam)
    caught = sum(value >= cut for value in spam)
    low, _ = clopper_pearson(caught, len(spam))
    assert (
        f"{caught} of {len(spam)} ({100 * caught / len(spam):.1f} %; 95 % interval {100 * low:.1f} %"
        in page.text
    )
    everything = anna.page(f"/thresholds?step={0}")
    assert f"{len(spam)} of {len(spam)} (100.0 %" in everything.text


def anna_model(anna):
    return anna.http.app.state.worker.models.shared


def test_only_answers_from_before_the_decision_count(anna, decided, services, seed):
    site = seed.site()
    model = services.filters.model_of(site)
    before = thresholds_page.history_of(services.journal.database, site, model, "unsure")
    for text in list(decided)[:20]:
        seed.comment(text)  # judged by what was learned of it
    services.recorder.flush()
    after = thresholds_page.history_of(services.journal.database, site, model, "unsure")
    assert sorted(after.log_odds) == sorted(before.log_odds)


def test_a_cut_is_saved_used_and_taken_back(anna, seed, services):
    seed.comment(HAM)
    cut = services.filters.answer(seed.site(), _asked(HAM)).verdict.log_odds - 0.5
    services.sites.set("first", unsure_cut=cut)
    reply = anna.post("/thresholds", {"site": "first", "action": "spam", "cut": repr(cut)})
    assert reply.status_code == 303
    assert services.filters.answer(seed.site(), _asked(HAM)).verdict.label == "spam"
    page = anna.page("/thresholds")
    assert "set here" in page.text
    assert "threshold for spam from the model’s own to" in anna.page("/log").text
    anna.post("/thresholds", {"site": "first", "action": "spam", "own": "yes"})
    assert seed.site().spam_cut is None
    assert "the model’s own" in anna.page("/thresholds").text


def _asked(text):
    from spamguard import Comment
    from spamguard.server.queries import Query

    return Query(Comment(text))


@pytest.mark.parametrize("cut", ["", "x", "nan", "inf", "-inf", "1e9"])
def test_a_cut_that_is_none_is_refused(anna, seed, cut):
    assert anna.post("/thresholds", {"site": "first", "cut": cut}).status_code == 400
    assert seed.site().spam_cut is None


def test_the_cuts_must_not_cross(anna, seed):
    reply = anna.post("/thresholds", {"site": "first", "action": "unsure", "cut": "8"})
    assert reply.status_code == 409
    assert "cannot be above the one for spam" in Page(reply.text).text
    assert seed.site().unsure_cut is None


def test_a_promise_is_kept_or_the_missing_comments_are_told(anna, seed, services):
    site = seed.site()
    at = datetime.now(UTC)
    with services.journal.database.writing() as connection:
        for i in range(160):
            values = {
                "site": site.id, "guid": f"{i:032x}", "digest": f"{i:064x}", "at": stamp(at),
                "cause": "model", "answer": False, "label": "ham", "language": "en",
                "log_odds": i / 40 - (4 if i % 2 else 0), "decision": "ham" if i % 2 else "spam",
                "decided_at": stamp(at + timedelta(seconds=1)), "spam_probability": 0.5,
                "model": services.models.shared.title,
            }  # fmt: skip
            connection.execute(sa.insert(comments).values(values))
    kept = anna.page("/thresholds?promise=0.05").text
    assert "With 95 % confidence" in kept
    assert "it loses 0 of 80 real comments" in kept
    assert re.search(
        r"Too few real comments .* 219 more are needed", anna.page("/thresholds?promise=0.01").text
    )


# --- retraining ----------------------------------------------------------------------


def wait_for(services, site, seconds=240):
    until = time.monotonic() + seconds
    while (row := retrain_jobs.latest(services.journal.database, site)[0]).state == "running":
        assert time.monotonic() < until
        time.sleep(0.2)
    return row


THINGS = (
    "query", "index", "compiler", "recipe", "garden", "bicycle", "keyboard", "novel", "museum",
    "railway", "concert", "telescope",
)  # fmt: skip


def teach(seed, services, flipped):
    """Decide about 24 comments; of the older ones the wrong way round if `flipped`."""
    texts = [
        (label, text.format(thing))
        for thing in THINGS
        for label, text in (
            ("spam", "cheap viagra for your {0} at http://pills.example order now, save money"),
            ("ham", "Thanks, I had missed that about the {0}; which version did you try first?"),
        )
    ]
    for i, (label, text) in enumerate(texts):
        wrong = flipped and i < 18
        said = {"spam": "ham", "ham": "spam"}[label] if wrong else label
        services.journal.correct(f"c{i}", said, by="anna", comment=text, site="first")


def test_retrain_compare_use_and_roll_back(anna, services, seed):
    site = seed.site()
    teach(seed, services, flipped=False)
    assert anna.post("/retrain", {"site": "first"}).status_code == 303
    assert anna.page("/retrain").all("progress")
    assert anna.post("/retrain", {"site": "first"}).status_code == 409  # one at a time
    told = anna.get("/retrain?site=first", headers={"Accept": "application/json"}).json()
    assert told.keys() == {"state", "stage", "done", "total"}
    row = wait_for(services, site.id)
    report = json.loads(row.report)
    assert row.state == "passed", report
    text, gate = anna.page("/retrain").text, report["gate"]
    for name in ("spam_caught_before", "spam_caught"):
        assert f"{gate[name]} of {gate['spam']}" in text
    for name in ("ham_lost_before", "ham_lost"):
        assert f"{gate[name]} of {gate['ham']}" in text
    assert services.models.of(site.id) is services.models.shared  # until somebody says so
    assert anna.post("/retrain/use", {"site": "first", "number": row.id + 1}).status_code == 409
    assert anna.post("/retrain/use", {"site": "first", "number": row.id}).status_code == 303
    assert services.models.of(site.id).about["retrained"] == report["retrained"]
    assert anna.post("/retrain/use", {"site": "first", "number": row.id}).status_code == 409
    assert not retrain_jobs.candidate_of(services.config, site.id).exists()
    assert anna.post("/retrain/back", {"site": "first"}).status_code == 303
    assert "retrained" not in services.models.of(site.id).about
    log = anna.page("/log").text
    for words in ("started a retraining", "put a new model to use", "rolled back"):
        assert words in log


@pytest.mark.slow
def test_a_worse_model_cannot_be_used(anna, services, seed):
    teach(seed, services, flipped=True)
    anna.post("/retrain", {"site": "first"})
    row = wait_for(services, seed.site().id)
    assert row.state == "refused", row.report
    page = anna.page("/retrain")
    assert "so it cannot be used" in page.text
    assert "Use the new model" not in page.text
    assert anna.post("/retrain/use", {"site": "first", "number": row.id}).status_code == 409
    assert services.models.of(seed.site().id) is services.models.shared


@pytest.mark.slow
def test_too_few_labels_end_in_words(anna, services, seed):
    anna.post("/retrain", {"site": "first"})
    row = wait_for(services, seed.site().id)
    assert row.state == "failed"
    text = anna.page("/retrain").text
    assert "too few labels to learn from" in text or "no labelled comments" in text
    assert "Use the new model" not in text


@pytest.mark.process
def test_a_process_that_was_killed_is_given_up(anna, services, seed, monkeypatch):
    monkeypatch.setattr(retrain_jobs, "_start_process", lambda config, number: None)
    anna.post("/retrain", {"site": "first"})
    with services.journal.database.writing() as connection:
        old = stamp(datetime.now(UTC) - timedelta(minutes=5))
        connection.execute(sa.update(retrainings).values(seen_at=old))
    assert "The process ended before it was done" in anna.page("/retrain").text
    assert anna.post("/retrain", {"site": "first"}).status_code == 303


def test_a_process_that_cannot_be_started_is_told(anna, services, seed, monkeypatch):
    def refused(config, number):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(retrain_jobs, "_start_process", refused)
    reply = anna.post("/retrain", {"site": "first"})
    assert reply.status_code == 409
    assert "Cannot allocate memory" in reply.text
    with pytest.raises(ServerError):
        retrain_jobs.start(services.journal.database, services.config, seed.site().id, "anna")


def test_nothing_to_go_back_to_is_told(anna):
    reply = anna.post("/retrain/back", {"site": "first"})
    assert reply.status_code == 409
    assert "no previous model" in reply.text


# --- figures -------------------------------------------------------------------------


def test_days_are_counted(anna, seed, services, rows):
    seed.comment(SPAM, days=2)
    seed.comment(HAM, days=2)
    seed.comment("Which version of the compiler was that?", days=0)
    one, two, _ = rows()
    services.feedback.decide(seed.site(), one.id, "spam", "anna")
    services.feedback.decide(seed.site(), two.id, "spam", "anna")
    today = datetime.now(UTC).date()
    days = charts_page.read_days(
        services.journal.database, [seed.site().id], today - timedelta(days=5), today
    )
    then = days[today - timedelta(days=2)]
    assert then.labels["spam"] == 1
    assert sum(then.labels.values()) == sum(then.tenths) == 2
    assert sum(days[today].labels.values()) == 1
    sure = [row for row in (one, two) if row.label != "unsure"]
    assert days[today].decided == len(sure)
    assert days[today].agreed == sum(row.label == "spam" for row in sure)
    page = anna.page("/figures")
    assert "3 comments judged" in page.text
    pictures = page.all("svg")
    assert len(pictures) == 4
    ids = {given["id"] for tag, given in page.elements if "id" in given}
    for picture in pictures:
        assert picture["role"] == "img"
        assert {picture["aria-labelledby"], picture["aria-describedby"]} <= ids
    assert page.text.count("As a table") == 4
    for query in ("?span=90", "?span=365&site=first", "?span=nonsense"):
        assert len(anna.page(f"/figures{query}").all("svg")) == 4


def test_drift_needs_comments_on_both_sides():
    today = date(2026, 3, 31)
    days = {today - timedelta(days=i): charts_page.Day() for i in range(60)}
    for i, found in enumerate(days.values()):
        found.tenths[9 if i < 7 else 0] = 20
    assert charts_page._drift(days, today) > 0.25
    assert charts_page._drift(days, today - timedelta(days=20)) == pytest.approx(0.0, abs=0.05)
    assert charts_page._drift(days, today - timedelta(days=58)) is None
    for found in days.values():
        found.tenths = [n // 4 for n in found.tenths]  # 35 a week: chance alone would show 0.3
    assert charts_page._drift(days, today) is None


def test_bars_stand_on_each_other_and_lines_stop_at_gaps():
    plot = bars_of([Line("a", "x", [1, 3]), Line("b", "y", [2, 0])], ["m", "n"], "t")
    assert [bar.style for bar in plot.bars] == ["x", "y", "x"]
    first, second, _ = plot.bars
    assert first.y == pytest.approx(second.y + second.height)
    assert second.height == pytest.approx(2 * first.height, abs=0.05)
    lines = plot_of([Line("a", "x", [0.0, None, 1.0, 0.5])], list("mnop"), "t")
    assert [len(part) for part in lines.lines[0][1]] == [1, 2]
    assert lines.rows() == [("m", ["0.0 %"]), ("n", ["–"]), ("o", ["100.0 %"]), ("p", ["50.0 %"])]
    assert lines.lines[0][1][1][0][1] == svg._TOP
    assert not plot.is_empty
    assert not lines.is_empty
    assert plot_of([Line("a", "x", [None])], ["m"], "t").is_empty


@pytest.mark.parametrize(
    ("most", "top"), [(1, 1), (3, 4), (9, 10), (10, 10), (11, 20), (399, 400), (0.3, 0.4)]
)
def test_axes_end_at_round_numbers(most, top):
    assert svg._round_up(most) == pytest.approx(top)


# --- the log -------------------------------------------------------------------------


def test_the_log_has_every_decision_and_takes_one_back(anna, seed, services, rows):
    seed.comment(SPAM)
    seed.comment(HAM)
    one, two = rows()
    taught = services.feedback.decide(seed.site(), one.id, "ham", "ben")
    anna.post("/decide", {"decision": "ham", "id": two.id})
    page = anna.page("/log")
    assert "ben" in page.text
    assert "viagra" not in page.text  # the journal's names of comments, not their texts
    reply = anna.post("/log", {"entry": taught.entry, "site": "first"})
    assert reply.headers["location"] == "/moderate/log?message=undone"
    assert [row.decision for row in rows()] == [None, "ham"]
    text = anna.page("/log").text
    assert f"undid entry {taught.entry}" in text
    assert "(undone by 3)" in text
    assert anna.post("/log", {"entry": taught.entry, "site": "first"}).status_code == 409
    assert anna.post("/log", {"entry": "x", "site": "first"}).status_code == 400
    only = anna.page("/log?by=ben").text
    assert "undid" not in only
    # The step on the queue is still the last one; what was taken back here is passed over there.
    anna.post("/log", {"entry": 2, "site": "first"})
    anna.post("/undo")
    assert [entry.kind for entry in services.journal.entries()].count("undo") == 2


def test_the_log_has_pages(anna, seed, services, rows):
    for i in range(55):
        services.journal.correct(f"c{i}", "spam", by="x", comment="words", site="first")
    text = anna.get("/log").text
    (older,) = re.findall(r"/moderate/log\?before=(\d+)", text)
    rest = anna.get(f"/log?before={older}").text
    assert text.count('<td><code title="c') == 50
    assert rest.count('<td><code title="c') == 5


def test_what_is_done_is_kept_with_its_entries(anna, seed, services, rows):
    seed.comment(HAM)
    anna.post("/decide", {"decision": "ham", "id": rows()[0].id})
    with services.journal.database.reading() as connection:
        (row,) = connection.execute(sa.select(actions)).all()
    assert (row.moderator, row.kind, row.site) == ("anna", "decide", seed.site().id)
    assert json.loads(row.detail)["entries"] == [[seed.site().id, 1]]
