"""The queue as its forms have it: what is shown, filters, search, decisions, the way back."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from starlette.datastructures import QueryParams

from spamguard.server.pages import decisions, queue_query
from spamguard.server.pages.accounts import Accounts
from spamguard.server.pages.queue_query import QueueFilter
from spamguard.server.store.server_tables import comments

from .conftest import CAMPAIGN, Browser, Page

SPAM = "cheap viagra at http://pills.example order now and save a lot of money"
HAM = "Thanks, the second query was missing an index here too."


def cards(page):
    return [given["id"][2:] for given in page.all("article")]


def numbers(rows):
    return {row.text: str(row.id) for row in rows()}


def json_of(browser, path, **data):
    return browser.post(path, data, headers={"Accept": "application/json"})


def test_a_comment_stands_beside_its_post_with_its_reasons(anna, seed):
    from spamguard.server.store.posts import RegisteredPost

    where = "https://blog.example/static"
    seed.services.posts.put(
        seed.site().id,
        [RegisteredPost(where, "Moving to static pages", "<p>Last <b>month</b> we moved.</p>")],
    )
    judged = seed.comment(SPAM, author="Bob", author_url="http://pills.example", permalink=where)
    page = anna.page()
    text = page.text
    assert "cheap viagra at" in text
    assert "Moving to static pages" in text
    assert "Last month we moved." in text
    assert "Why it may be spam" in text
    assert re.search(r"\d+(\.\d)? ?%", text)
    assert judged.verdict.label == "spam"
    assert page.all("mark", **{"class": "for-spam"})
    assert page.all("a", href="http://pills.example") == []
    assert where not in {given.get("href") for given in page.all("a")}


def test_a_decision_teaches_and_leaves_the_queue(anna, seed, services, rows):
    seed.comment(SPAM)
    seed.comment(HAM)
    number = numbers(rows)[HAM]
    reply = anna.post("/decide", {"decision": "spam", "id": number, "label": "ham"})
    assert reply.status_code == 303
    assert reply.headers["location"] == "/moderate?label=ham"
    (entry,) = services.journal.entries()
    assert (entry.decision, entry.by, entry.site) == ("spam", "anna", "first")
    assert number not in cards(anna.page())
    assert number in cards(anna.page("?state=decided"))
    site = seed.site()
    assert site.sequence == 1  # the site's weights have moved
    assert (
        services.filters.model_of(site)
        .verdict(seed.services.filters.under_post(site, _asked(HAM)))
        .label
        != "ham"
    )


def _asked(text):
    from spamguard import Comment
    from spamguard.server.queries import Query

    return Query(Comment(text))


def test_the_same_twice_is_one_entry_and_a_change_of_mind_is_another(anna, seed, services, rows):
    seed.comment(HAM)
    number = rows()[0].id
    for decision in ("spam", "spam", "ham"):
        anna.post("/decide", {"decision": decision, "id": number})
    assert [entry.decision for entry in services.journal.entries()] == ["spam", "ham"]
    assert rows()[0].decision == "ham"


def test_undo_takes_back_step_by_step(anna, seed, services, rows):
    seed.comment(SPAM)
    seed.comment(HAM)
    one, two = (row.id for row in rows())
    anna.post("/decide", {"decision": "spam", "id": one})
    anna.post("/decide", {"decision": "ham", "id": two})
    assert "1 comment marked as not spam." in anna.page().text
    assert anna.post("/undo", {"label": ""}).headers["location"] == "/moderate?message=undone"
    assert [row.decision for row in rows()] == ["spam", None]
    assert "1 comment marked as spam." in anna.page().text
    anna.post("/undo")
    assert [row.decision for row in rows()] == [None, None]
    assert services.journal.summary("first").spam == 0
    reply = anna.post("/undo")
    assert reply.status_code == 409
    assert "nothing to undo" in reply.text


def test_nobody_takes_back_what_another_did(anna, http, seed, rows):
    from starlette.testclient import TestClient

    seed.comment(SPAM)
    anna.post("/decide", {"decision": "spam", "id": rows()[0].id})
    seed.moderator("ben")
    ben = Browser(TestClient(http.app))
    ben.log_in("ben")
    assert ben.post("/undo").status_code == 409
    assert rows()[0].decision == "spam"


def test_near_copies_are_one_card_and_one_decision(anna, seed, services, rows):
    seed.campaign(5)
    seed.comment(HAM)
    page = anna.page()
    assert len(cards(page)) == 2
    assert "5 near-copies" in page.text
    boxes = page.all("input", type="checkbox", name="id")
    assert len(boxes) == 4
    first = cards(page)[1]
    left_out = boxes[-1]["value"]
    ids = [first, *(box["value"] for box in boxes[:-1])]
    anna.post("/decide", {"decision": "spam", "id": ids})
    decided = {str(row.id): row.decision for row in rows() if "sale" in row.text}
    assert decided.pop(left_out) is None
    assert set(decided.values()) == {"spam"}
    assert "4 comments marked as spam." in anna.page().text
    anna.post("/undo")
    assert {row.decision for row in rows()} == {None}
    assert len(list(services.journal.entries())) == 8


def test_short_texts_and_other_sites_are_no_copies(anna, seed):
    for _ in range(2):
        seed.comment("thanks")
        seed.comment("thanks", author="B")
    seed.comment(CAMPAIGN, "first")
    seed.comment(CAMPAIGN, "second")
    assert "near-copies" not in anna.page().text


def test_a_comment_asked_about_twice_stands_once(anna, seed):
    seed.comment(HAM)
    seed.comment(HAM)
    assert len(cards(anna.page())) == 1


@pytest.fixture
def three(seed):
    seed.comment(SPAM, days=0.5, author="Zoë Straße")
    seed.comment(HAM, days=3)
    seed.comment("Is this the second edition?", "second", days=20)
    seed.services.recorder.flush()


FILTERED = {
    "": "cheap Thanks Is",
    "site=second": "Is",
    "label=spam": "cheap",
    "label=ham&site=first": "Thanks",
    "age=1": "cheap",
    "age=7": "cheap Thanks",
    "age=old": "Is",
    "age=nonsense": "cheap Thanks Is",
    "reason=promo": "cheap Thanks",
    "reason=nonsense": "",
    "q=SECOND": "Thanks Is",
    "q=second+index": "Thanks",
    "q=zoë+STRASSE": "cheap",
    "state=decided": "",
    "state=all": "cheap Thanks Is",
    "page=999&label=spam": "cheap",
    "page=-1": "cheap Thanks Is",
    "page=²": "cheap Thanks Is",
}


def first_words(browser, query):
    text = re.sub(r"</?(?:mark|span)[^>]*>", "", browser.get(f"?{query}").text)
    return [
        part.split()[0].rstrip(",") for part in re.findall(r'class="quoted"[^>]*>([^<]+)', text)
    ]


def test_filters_and_search(anna, three):
    found = {query: first_words(anna, query) for query in FILTERED}
    assert {query: set(words) for query, words in found.items()} == {
        query: set(words.split()) for query, words in FILTERED.items()
    }


def test_orders(anna, three, rows):
    newest = first_words(anna, "order=new")
    assert newest == first_words(anna, "order=old")[::-1]
    assert newest == ["Is", "Thanks", "cheap"]  # as they were recorded
    assert first_words(anna, "order=sure")[0] == "cheap"
    doubtful = sorted(rows(), key=lambda row: abs(row.spam_probability - 0.5))
    assert first_words(anna, "order=unsure") == [
        row.text.split()[0].rstrip(",") for row in doubtful
    ]


def test_counts_stand_at_the_labels(anna, three):
    assert re.search(r"All 3 Unsure \d Spam 1 Not spam \d", anna.page().text)


def test_an_unknown_site_is_not_found(anna, three):
    assert anna.get("?site=third").status_code == 404


def test_long_queues_have_pages(anna, seed, monkeypatch):
    monkeypatch.setattr(queue_query, "_PAGE_SIZE", 2)
    for i in range(5):
        seed.comment(f"Question number {'abcde'[i]}: what about {'xyzuv'[i] * 9}?")
    seen = [cards(anna.page(f"?page={n}")) for n in (1, 2, 3)]
    assert [len(part) for part in seen] == [2, 2, 1]
    assert len({number for part in seen for number in part}) == 5
    assert "Page 2 of 3" in anna.page("?page=2").text


def test_the_window_is_bounded_and_says_so(anna, seed, monkeypatch):
    monkeypatch.setattr(queue_query, "WINDOW", 3)
    for i in range(5):
        seed.comment(f"Question number {'abcde'[i]}: what about {'xyzuv'[i] * 9}?")
    page = anna.page()
    assert len(cards(page)) == 3
    assert "3 comments; there are more" in page.text


def test_a_moderator_of_one_site_sees_and_decides_that_one_alone(http, seed, services, rows):
    seed.comment(HAM)
    seed.comment("Only of the second site.", "second")
    seed.moderator("ben", ["second"])
    ben = Browser(http)
    ben.log_in("ben")
    page = ben.page()
    assert "Only of the second site." in page.text
    assert "query" not in page.text
    for path in ("", "/thresholds", "/retrain", "/figures", "/log"):
        assert ben.get(f"{path}?site=first").status_code == 404, path
    other = numbers(rows)[HAM]
    ben.post("/decide", {"decision": "spam", "id": other})
    assert list(services.journal.entries()) == []
    anna = services.feedback.decide(seed.site("first"), int(other), "spam", "anna")
    assert ben.post("/log", {"entry": anna.entry, "site": "first"}).status_code == 404
    assert ben.post("/log", {"entry": anna.entry, "site": "second"}).status_code == 409
    assert ben.post("/thresholds", {"site": "first", "cut": "1.0"}).status_code == 404
    assert ben.post("/retrain", {"site": "first"}).status_code == 404
    assert ben.post("/retrain/back", {"site": "first"}).status_code == 404


def test_the_script_gets_words(anna, seed, rows):
    seed.comment(HAM)
    number = rows()[0].id
    reply = json_of(anna, "/decide", decision="ham", id=number)
    assert reply.json() == {"message": "1 comment marked as not spam.", "comments": 1}
    assert json_of(anna, "/undo").json() == {"message": "Undone: 1 comment."}
    assert json_of(anna, "/undo").status_code == 409
    assert json_of(anna, "/decide", decision="ham", id=999_999).status_code == 409
    assert json_of(anna, "/decide", decision="maybe", id=number).status_code == 400
    anna.http.cookies.delete("spamguard-session")
    reply = anna.post("/decide", csrf="x", headers={"Accept": "application/json"})
    assert reply.status_code == 401
    assert "logged out" in reply.json()["message"]


@pytest.mark.parametrize("given", ["", "x", "-1", "1e3", "9" * 30, "²", "1;drop"])
def test_numbers_that_are_none_change_nothing(anna, services, given):
    reply = anna.post("/decide", {"decision": "spam", "id": given})
    assert reply.status_code == 303
    assert "message=nothing" in reply.headers["location"]
    assert list(services.journal.entries()) == []


def test_too_many_at_once_are_refused(anna, services, monkeypatch):
    monkeypatch.setattr(decisions, "MOST", 2)
    reply = anna.post("/decide", {"decision": "spam", "id": ["1", "2", "3"]})
    assert reply.status_code == 409
    assert "at most 2" in reply.text


def test_a_comment_that_was_deleted_meanwhile_is_told(anna, seed, services, rows):
    seed.comment(SPAM)
    seed.comment(HAM)
    one, two = rows()
    services.journal.correct(one.digest, "spam", by="x", comment=SPAM, site="first")
    services.journal.forget(one.digest, by="x", site="first")
    reply = json_of(anna, "/decide", decision="ham", id=[one.id, two.id])
    assert reply.status_code == 200
    assert "1 comment marked as not spam. 1 could not be:" in reply.json()["message"]


def test_what_was_done_before_the_database_went_away_can_be_taken_back(
    anna, seed, services, rows, monkeypatch
):
    from spamguard.errors import FeedbackError

    seed.campaign(3)
    real, calls = services.feedback.decide, []

    def failing(*given):
        calls.append(given)
        if len(calls) == 2:
            raise FeedbackError("away")
        return real(*given)

    monkeypatch.setattr(type(services.feedback), "decide", lambda self, *given: failing(*given))
    reply = json_of(anna, "/decide", decision="spam", id=[row.id for row in rows()])
    assert reply.status_code == 503
    assert sum(row.decision == "spam" for row in rows()) == 1
    assert json_of(anna, "/undo").json() == {"message": "Undone: 1 comment."}
    assert {row.decision for row in rows()} == {None}


def test_privacy_mode_shows_digests_only(serve, tmp_path):
    from .conftest import Seeder

    http = serve(privacy=True, database=str(tmp_path / "private.db"))
    seed = Seeder(http.app.state.worker)
    seed.comment(SPAM, author="Bob")
    seed.services.recorder.flush()
    seed.moderator()
    browser = Browser(http)
    browser.log_in()
    page = browser.page()
    assert "Only a digest of this comment is kept." in page.text
    assert "viagra" not in page.text
    assert "Bob" not in page.text
    number = cards(page)[0]
    reply = browser.post("/decide", {"decision": "spam", "id": number})
    assert "message=missing" in reply.headers["location"]


def test_what_a_honeypot_caught_is_shown_and_administrators_are_not(anna, services, seed):
    from spamguard import Comment
    from spamguard.server.queries import Query

    for text, ruling, cause in (
        ("caught in the pot", True, "honeypot"),
        ("by the owner", False, "administrator"),
    ):
        asked = Query(Comment(text), None, None, "comment", None, ruling, cause)
        services.recorder.put(services.filters.answer(seed.site(), asked))
    text = anna.page().text
    assert "caught in the pot" in text
    assert "by the owner" not in text


def test_filters_read_what_they_write():
    full = QueueFilter("a b", "spam", "links", "7", "all", 'x & "y"', "old", 3)
    for filters in (QueueFilter(), full):
        assert QueueFilter.of(QueryParams(filters.query())) == filters


def test_an_unexpected_error_is_a_page_without_details(anna, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret words")

    monkeypatch.setattr(queue_query, "find", broken)
    reply = anna.get("")
    assert reply.status_code == 500
    assert "secret words" not in reply.text
    assert "content-security-policy" in reply.headers


def test_the_front_door(visitor):
    assert visitor.http.get("/", follow_redirects=False).headers["location"] == "/moderate"
    reply = visitor.get("/static/style.css")
    assert reply.headers["content-type"].startswith("text/css")
    assert visitor.get("/static/../queue.py").status_code in (303, 404)
    assert visitor.get("/static/%2e%2e/queue.py").status_code == 404
    assert "no moderator yet" in Page(visitor.get("/login").text).text


def test_every_element_with_an_id_is_the_only_one(anna, three):
    ids = re.findall(r'\sid="([^"]+)"', anna.get("").text)
    assert len(ids) == len(set(ids))


def test_accounts_of_no_site_see_nothing(http, seed, three):
    accounts = Accounts(seed.services.journal.database)
    accounts.add("nemo", "long enough it is", [])
    nemo = Browser(http)
    assert nemo.log_in("nemo", "long enough it is").status_code == 303
    assert cards(nemo.page()) == []
    assert nemo.get("/thresholds").status_code == 404
    with seed.services.journal.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(comments)).scalar() == 3
