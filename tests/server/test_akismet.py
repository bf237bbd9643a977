"""Akismet's protocol: what a client sends and, to the letter, what it gets."""

from __future__ import annotations

import json
import re
from urllib.parse import quote_plus, urlencode

import pytest

SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."
BLOG = "https://blog.example/"

THANKS = "Thanks for making the web a better place."


def is_plain(reply, body):
    assert (reply.status_code, reply.text) == (200, body)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert int(reply.headers["content-length"]) == len(body)


# --- keys ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["key", "api_key"])
def test_a_key_is_valid_under_either_name(blog, field):
    reply = blog.http.post("/1.1/verify-key", data={field: blog.key, "blog": BLOG})
    is_plain(reply, "valid")
    assert "x-akismet-debug-help" not in reply.headers


def test_api_key_comes_before_key_and_host(blog):
    host = {"Host": f"{blog.key}.rest.example"}
    fields = {"api_key": "000000000000", "key": blog.key, "blog": BLOG}
    assert blog.http.post("/1.1/verify-key", data=fields, headers=host).text == "invalid"
    fields = {"api_key": blog.key, "key": "000000000000", "blog": BLOG}
    assert blog.http.post("/1.1/verify-key", data=fields).text == "valid"


def test_the_key_may_be_the_first_label_of_the_host(blog):
    fields = {"blog": BLOG, "user_ip": "192.0.2.1", "comment_content": SPAM}
    host = {"Host": f"{blog.key}.rest.example:8137"}
    assert blog.http.post("/1.1/comment-check", data=fields, headers=host).text == "true"


@pytest.mark.parametrize(
    "path",
    ["/1.1/verify-key", "/1.1/comment-check", "/1.1/submit-spam", "/1.1/submit-ham",
     "/1.1/deactivate", "/1.2/key-sites", "/1.2/usage-limit"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["", "000000000000", "no key at all", "' or 1=1 --", "\u00e9\x00"])
def test_a_bad_key_is_invalid_everywhere(http, path, key):
    reply = http.post(path, data={"api_key": key, "blog": BLOG, "user_ip": "192.0.2.1"})
    is_plain(reply, "invalid")
    assert reply.headers["x-akismet-error"] == "invalid-key"


def test_a_revoked_and_a_renewed_key(blog, services):
    new = services.sites.renew_key("first")
    assert blog.check().text == "invalid"
    blog.key = new
    assert blog.check().text == "true"
    services.sites.revoke("first")
    assert blog.check().text == "invalid"


def test_keys_are_nowhere_in_the_database(blog, services, config):
    blog.check()
    services.recorder.flush()
    data = b"".join(p.read_bytes() for p in config.models_directory.parent.glob("server.db*"))
    assert b"pills.example" in data
    assert blog.key.encode() not in data


# --- verdicts -----------------------------------------------------------------------


def test_spam_and_ham(blog):
    reply = blog.check(SPAM)
    is_plain(reply, "true")
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-akismet-guid"])
    assert reply.headers["x-akismet-pro-tip"] == "discard"
    mild = blog.check("Nice post! Cheap handbags at http://bags.example")
    is_plain(mild, "true")
    assert "x-akismet-pro-tip" not in mild.headers
    is_plain(blog.check(HAM), "false")


def test_no_header_of_an_error_comes_with_a_verdict(blog):
    for reply in (blog.check(SPAM), blog.check(HAM), blog.spam(SPAM)):
        for name in ("debug-help", "alert-code", "alert-msg", "error", "recheck-after"):
            assert f"x-akismet-{name}" not in reply.headers


def test_reasons_travel_in_a_header_of_our_own(blog):
    headers = blog.check("cheap viagra “ünïcode” \U0001f48a at http://pills.example").headers
    reasons = json.loads(headers["x-spamguard-reasons"])
    assert headers["x-spamguard-reasons"].isascii()
    assert len(headers["x-spamguard-reasons"]) <= 2000
    assert all(isinstance(c, float) and f and e for f, c, e in reasons)
    assert headers["x-spamguard-label"] == "spam"
    assert 0.5 < float(headers["x-spamguard-probability"]) <= 1


@pytest.mark.parametrize("missing", ["blog", "user_ip"])
@pytest.mark.parametrize("path", ["comment-check", "submit-spam", "submit-ham"])
def test_a_required_field_is_missing(blog, path, missing):
    reply = blog.post(f"/1.1/{path}", comment_content=SPAM, **{missing: ""})
    is_plain(reply, "invalid")
    assert reply.headers["x-akismet-error"] == "missing-required-field"
    assert missing in reply.headers["x-akismet-debug-help"]


def test_discard_only_where_the_model_promises_it(blog, services, monkeypatch):
    from dataclasses import replace

    shared = services.models.shared
    promising = replace(shared, cuts=replace(shared.cuts, discard=shared.cuts.spam))
    services.models._models = {0: promising}
    reply = blog.check(SPAM)
    assert (reply.text, reply.headers["x-akismet-pro-tip"]) == ("true", "discard")
    assert "x-akismet-pro-tip" not in blog.check(HAM).headers
    # What the site has taught was not measured, so the promise does not hold any more.
    blog.spam("Something else to buy")
    reply = blog.check(SPAM)
    assert reply.text == "true"
    assert "x-akismet-pro-tip" not in reply.headers


def test_unsure_is_what_the_site_wants_it_to_be(blog, services):
    base = services.models.shared
    log_odds = base.log_odds(services.filters.under_post(services.sites.named("first"), asked(HAM)))
    services.sites.set("first", unsure_cut=log_odds - 1, spam_cut=log_odds + 1)
    reply = blog.check(HAM)
    assert (reply.text, reply.headers["x-spamguard-label"]) == ("false", "unsure")
    services.sites.set("first", unsure_is_spam=True)
    reply = blog.check(HAM)
    assert (reply.text, reply.headers["x-spamguard-label"]) == ("true", "unsure")
    assert "x-akismet-pro-tip" not in reply.headers


def asked(content):
    from spamguard.server.protocols.akismet import query_of

    return query_of({"comment_content": content})


# --- conventions --------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"comment_author": "akismet-guaranteed-spam"},
        {"comment_author": "viagra-test-123"},
        {"comment_author_email": "akismet-guaranteed-spam@example.com"},
    ],
)
def test_the_guaranteed_spammer_is_spam_and_not_discarded(blog, fields):
    reply = blog.check(HAM, **fields)
    assert (reply.text, reply.headers["x-spamguard-cause"]) == ("true", "test")
    assert "x-akismet-pro-tip" not in reply.headers


@pytest.mark.parametrize("role", ["administrator", "editor, Administrator"])
def test_an_administrator_is_never_spam(blog, role):
    assert blog.check(SPAM, user_role=role).text == "false"
    assert blog.check(SPAM, user_role=role, comment_author="viagra-test-123").text == "false"


def test_other_roles_are_judged(blog):
    assert blog.check(SPAM, user_role="subscriber,not-administrator").text == "true"


def test_a_honeypot_that_is_filled_in(blog):
    assert blog.check(HAM, honeypot_field_name="hp", hp="").text == "false"
    assert blog.check(HAM, honeypot_field_name="hp").text == "false"
    assert blog.check(HAM, hp="x").text == "false"
    reply = blog.check(HAM, honeypot_field_name="hp", hp="x")
    assert (reply.text, reply.headers["x-spamguard-cause"]) == ("true", "honeypot")


@pytest.mark.parametrize("yes", ["1", "true", "True"])
def test_a_test_is_answered_and_forgotten(blog, services, yes, rows):
    assert blog.check(SPAM, is_test=yes).text == "true"
    assert blog.ham(SPAM, is_test=yes).text == THANKS
    assert blog.check(SPAM).text == "true"
    assert len(rows()) == 1
    assert list(services.journal.entries()) == []
    assert services.sites.named("first").sequence == 0


def test_is_test_0_is_no_test(blog, rows):
    blog.check(SPAM, is_test="0")
    assert len(rows()) == 1


def test_a_recheck_takes_the_place_of_the_first_check(blog, services, rows):
    first = blog.check(SPAM).headers["x-akismet-guid"]
    services.recorder.flush()
    blog.check(SPAM)
    assert len(rows()) == 2
    last = blog.check(SPAM, recheck_reason="edit").headers["x-akismet-guid"]
    found = rows()
    assert [row.guid for row in found] == [first, last]


def test_a_recheck_takes_the_place_of_a_check_that_still_waits(blog, services, rows):
    with services.recorder._flushing:  # all are written together
        first = blog.check(SPAM).headers["x-akismet-guid"]
        other = blog.check(HAM).headers["x-akismet-guid"]
        blog.check(SPAM)
        last = blog.check(SPAM, recheck_reason="edit").headers["x-akismet-guid"]
        ruled = blog.check(HAM, user_role="administrator").headers["x-akismet-guid"]
    found = rows()
    assert [row.guid for row in found] == [first, other, last, ruled]
    assert [row.label for row in found] == ["spam", "ham", "spam", None]


def test_the_same_comment_again_brings_its_decision_along(blog, services, rows):
    blog.check(SPAM)
    blog.ham(SPAM)
    with services.recorder._flushing:
        for reason in ({}, {}, {"recheck_reason": "edit"}):
            blog.check(SPAM, **reason)
    assert [row.decision for row in rows()] == ["ham"] * 3


def test_classify_is_answered_with_a_word(blog):
    assert blog.check(SPAM, classify="1").headers["x-akismet-classification"] == "spam"
    assert "x-akismet-classification" not in blog.check(SPAM).headers


def test_everything_a_client_may_send_is_taken(blog, rows):
    fields = {
        "user_agent": "Mozilla/5.0", "referrer": "https://r.example/", "comment_type": "reply",
        "comment_author": "Mira", "comment_author_email": "mira@example.com",
        "comment_author_url": "https://mira.example", "comment_date_gmt": "2024-05-31T12:00:00.000Z",
        "comment_post_modified_gmt": "2024-05-30T12:00:00+00:00", "blog_lang": "en, fr_ca",
        "blog_charset": "UTF-8", "comment_parent": "3", "comment_post_ID": "9",
        "callback": "http://127.0.0.1:1/never", "reporter": "anna", "site_domain": "blog.example",
        "comment_check_response": "true", "akismet_comment_nonce": "passed",
        "POST_submit": "Post", "HTTP_ACCEPT": "*/*", "REMOTE_ADDR": "192.0.2.7",
        "akismet_pre_check": "1", "comment_pingback_target": "x", "permalink": f"{BLOG}a",
        "comment_context[]": "cooking", "comment_context[0]": "baking", "comment_context": "x",
        "no_such_field": "x" * 1000, "recheck_reason": "",
    }  # fmt: skip
    assert blog.check(HAM, **fields).text == "false"
    (row,) = rows()
    assert (row.author, row.author_url, row.kind) == ("Mira", "https://mira.example", "reply")
    assert (row.permalink, row.blog, row.text) == (f"{BLOG}a", "blog.example", HAM)


def test_no_address_of_the_commenter_is_kept(blog, services, config):
    blog.spam(SPAM, comment_author_email="who@mail.example", user_ip="203.0.113.99")
    services.recorder.flush()
    for path in config.models_directory.parent.glob("server.db*"):
        assert b"mail.example" not in path.read_bytes()
        assert b"203.0.113.99" not in path.read_bytes()


@pytest.mark.parametrize("content", ["", None])
def test_a_comment_without_content(blog, content):
    fields = {} if content is None else {"comment_content": content}
    reply = blog.post("/1.1/comment-check", comment_author="Bob", **fields)
    assert reply.text in ("true", "false")


# --- encodings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "in_field"),
    [("utf-8", False), ("iso-8859-1", False), ("windows-1252", True), ("koi8-r", True),
     ("shift_jis", False), ("gb2312", True)],
)  # fmt: skip
def test_charsets(blog, charset, in_field, rows):
    text = {"koi8-r": "Спасибо", "shift_jis": "ありがとう", "gb2312": "谢谢"}.get(
        charset, "Größe, déjà"
    )
    fields = {"api_key": blog.key, "blog": BLOG, "user_ip": "192.0.2.1"}
    if in_field:
        fields["blog_charset"] = charset
    body = f"{urlencode(fields)}&comment_content={quote_plus(text, encoding=charset)}"
    kind = "application/x-www-form-urlencoded"
    if not in_field:
        kind += f'; charset="{charset.upper()}"'
    blog.http.post("/1.1/comment-check", content=body, headers={"Content-Type": kind})
    assert [row.text for row in rows()] == [text]


@pytest.mark.parametrize(
    "charset", ["zlib", "rot13", "unicode_escape", "utf-7", "nonsense", "idna"]
)
def test_what_is_no_charset_of_a_text_is_not_believed(blog, charset, rows):
    blog.check("Größe", blog_charset=charset)
    assert [row.text for row in rows()] == ["Größe"]


def test_bytes_that_are_no_text(blog, rows):
    body = f"api_key={blog.key}&blog=b&user_ip=i&comment_content=%ff%fe%00abc%ed%a0%80&%ff=%ff"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = blog.http.post("/1.1/comment-check", content=body, headers=kind)
    assert reply.text in ("true", "false")
    assert "abc" in rows()[0].text


def test_http_1_0_and_no_content_type(blog):
    body = urlencode({"api_key": blog.key, "blog": BLOG, "user_ip": "i", "comment_content": SPAM})
    assert blog.http.post("/1.1/comment-check", content=body).text == "true"


def test_other_kinds_of_body_are_refused(blog):
    kind = {"Content-Type": "application/json"}
    assert blog.http.post("/1.1/comment-check", content="{}", headers=kind).status_code == 415


def test_too_many_fields(blog):
    body = "&".join(f"a{i}=1" for i in range(3000))
    assert blog.http.post("/1.1/comment-check", content=body).status_code == 400


# --- submitting ---------------------------------------------------------------------


def test_submitting_teaches_at_once(blog, services):
    assert blog.check(SPAM).text == "true"
    is_plain(blog.ham(SPAM), THANKS)
    assert blog.check(SPAM).text == "false"
    is_plain(blog.spam(SPAM), THANKS)
    assert blog.check(SPAM).text == "true"
    decisions = [(e.kind, e.decision, e.by, e.site) for e in services.journal.entries()]
    assert decisions == [
        ("correction", "ham", "akismet", "first"), ("correction", "spam", "akismet", "first"),
    ]  # fmt: skip
    assert [row["text"] for row in services.journal.labels("first")] == [SPAM]


def test_the_reporter_is_named(blog, services):
    blog.spam(SPAM, reporter="  anna\x00\n" + "x" * 500)
    (entry,) = services.journal.entries()
    assert entry.by.startswith("anna")


def test_the_decision_stands_beside_the_comment(blog, rows):
    blog.check(SPAM)
    blog.check(HAM)
    blog.ham(SPAM)
    spam, ham = rows()
    assert (spam.answer, spam.decision, spam.decided_by) == (True, "ham", "akismet")
    assert (ham.answer, ham.decision) == (False, None)


def test_what_was_never_checked_is_judged_when_submitted(blog, rows):
    blog.spam(HAM)
    (row,) = rows()
    assert (row.label, row.decision) == ("ham", "spam")


def test_a_forgotten_comment_stays_forgotten(blog, services):
    blog.spam(SPAM)
    (entry,) = services.journal.entries()
    services.journal.forget(entry.comment_id, by="anna", site="first")
    assert blog.spam(SPAM).text == THANKS
    assert [e.kind for e in services.journal.entries()] == ["forget"]


def test_undo_restores_what_was_before(blog, services, rows):
    site = services.sites.named("first")
    before = blog.check(SPAM).headers["x-spamguard-probability"]
    blog.spam(SPAM)
    taught = blog.check(SPAM).headers["x-spamguard-probability"]
    blog.ham(SPAM)
    first, second = (e.id for e in services.journal.entries())
    services.feedback.undo(site, second, "anna")
    assert blog.check(SPAM).headers["x-spamguard-probability"] == taught
    assert {row.decision for row in rows()} == {"spam"}
    services.feedback.undo(site, first, "anna")
    assert blog.check(SPAM).headers["x-spamguard-probability"] == before
    assert {row.decision for row in rows()} == {None}


# --- the rest -----------------------------------------------------------------------


def test_usage(blog, services):
    blog.check(SPAM)
    blog.check(HAM)
    services.recorder.flush()
    told = blog.http.get("/1.2/usage-limit", params={"api_key": blog.key}).json()
    assert told["usage"] == 2
    assert isinstance(told["limit"], int)
    assert told["percentage"] == "0.00"
    assert told["throttled"] is False


def test_key_sites(blog, other, services):
    for address in ("https://a.example/", "https://b.example", "http://b.example/blog"):
        blog.check(SPAM, blog=address)
    blog.check(HAM, blog="https://b.example")
    blog.spam(HAM, blog="https://b.example")
    other.check(SPAM, blog="https://not-mine.example")
    services.recorder.flush()
    ask = {"api_key": blog.key, "order": "ham"}
    told = blog.http.get("/1.2/key-sites", params=ask).json()
    (month,) = (name for name in told if re.fullmatch(r"\d{4}-\d\d", name))
    b, a = told[month]
    assert (told["total"], told["limit"], told["offset"]) == (2, 500, 0)
    assert b == {
        "site": "b.example", "api_calls": "3", "spam": "2", "ham": "1", "missed_spam": "1",
        "false_positives": "0", "is_revoked": False,
    }  # fmt: skip
    assert a["site"] == "a.example"
    page = blog.http.post("/1.2/key-sites", data=ask | {"limit": "1", "offset": "1"}).json()
    assert [row["site"] for row in page[month]] == ["a.example"]
    found = blog.http.get("/1.2/key-sites", params=ask | {"filter": "b.ex"}).json()
    assert [row["site"] for row in found[month]] == ["b.example"]
    none = blog.http.get("/1.2/key-sites", params=ask | {"month": "2020-01"}).json()
    assert none["2020-01"] == []
    lines = blog.http.get("/1.2/key-sites", params=ask | {"format": "csv"}).text.splitlines()
    assert lines[0] == (
        f"Active sites for {blog.key} during {month} (limit: 500, offset: 0, total: 2)."
    )
    assert lines[1] == "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked"
    assert lines[2] == "b.example,3,2,1,1,0,false"


@pytest.mark.parametrize("limit", ["-1", "x", "9" * 400, "²"])
def test_a_limit_that_is_none(blog, limit):
    assert blog.http.get("/1.2/key-sites", params={"api_key": blog.key, "limit": limit}).json()


def test_deactivate_leaves_the_key_good(blog):
    is_plain(blog.post("/1.1/deactivate"), "deactivated")
    assert blog.check(SPAM).text == "true"


@pytest.mark.parametrize("path", ["/1.1/token", "/1.1/get-key-stats", "/1.1/nothing"])
def test_what_is_not_served_is_not_found(blog, path):
    assert blog.post(path).status_code == 404


def test_comment_check_is_a_post(blog):
    assert blog.http.get("/1.1/comment-check", params={"api_key": blog.key}).status_code == 405
