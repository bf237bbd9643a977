"""Who gets in, and who does not: passwords, sessions, forged forms, guessing, headers."""

from __future__ import annotations

import io
import re
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spamguard.cli import main
from spamguard.errors import ServerError
from spamguard.feedback.entries import stamp
from spamguard.server.pages.accounts import Accounts
from spamguard.server.pages.sessions import Sessions
from spamguard.server.store.server_tables import moderators, sessions

from .conftest import PASSWORD, Browser

PATHS = ("", "/thresholds", "/retrain", "/figures", "/log")
POSTS = (
    "/decide",
    "/undo",
    "/thresholds",
    "/retrain",
    "/retrain/use",
    "/retrain/back",
    "/log",
    "/logout",
)


def cookie_of(reply, name="spamguard-session"):
    return next(h for h in reply.headers.get_list("set-cookie") if h.startswith(f"{name}="))


def test_nobody_sees_a_page_without_logging_in(visitor, seed):
    seed.comment("a secret comment of the blog")
    for path in PATHS:
        reply = visitor.get(path)
        assert reply.status_code == 303, path
        assert reply.headers["location"].startswith("/moderate/login")
        assert "secret" not in reply.text
    for path in POSTS:
        assert visitor.post(path, csrf="x").status_code in (303, 403), path


def test_the_way_back_after_the_log_in_leads_to_our_pages_only(visitor, seed):
    seed.moderator()
    reply = visitor.get("?label=spam&q=a+b")
    assert reply.headers["location"] == "/moderate/login?next=/moderate%3Flabel%3Dspam%26q%3Da%2Bb"
    assert (
        visitor.log_in(next="/moderate?label=spam&q=a+b").headers["location"]
        == "/moderate?label=spam&q=a+b"
    )


@pytest.mark.parametrize(
    "way",
    [
        "https://evil.example/", "//evil.example", "/moderate/../x", "/moderate//evil.example",
        "/moderate\\evil", "javascript:alert(1)", "/moderate?x=\r\nSet-Cookie:a=b", "/moderatex", "",
    ],
)  # fmt: skip
def test_no_way_back_leads_elsewhere(visitor, seed, way):
    seed.moderator()
    reply = visitor.log_in(next=way)
    assert reply.headers["location"] == "/moderate"


def test_wrong_passwords_and_unknown_names_read_alike(visitor, seed):
    seed.moderator()
    wrong, unknown = visitor.log_in(password="wrong password"), visitor.log_in("nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert "Name or password is wrong." in wrong.text
    assert "Name or password is wrong." in unknown.text
    assert visitor.get().status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(visitor, seed):
    seed.moderator()
    cookie = cookie_of(visitor.log_in())
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # by plain HTTP the browser would not take it


def test_by_https_the_cookie_is_for_https_and_this_host_alone(http, seed):
    seed.moderator()
    browser = Browser(TestClient(http.app, base_url="https://testserver"))
    cookie = cookie_of(browser.log_in(), "__Host-spamguard-session")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert browser.get().headers["strict-transport-security"]


def test_a_planted_session_is_not_taken_over(http, seed):
    """Session fixation: the token after the log-in is never one that was there before."""
    seed.moderator()
    seed.moderator("mallory")
    mallory = Browser(TestClient(http.app))
    mallory.log_in("mallory")
    planted = mallory.http.cookies["spamguard-session"]
    victim = Browser(http)
    victim.http.cookies.set("spamguard-session", planted)
    victim.post("/logout")
    planted = "A" * 43
    victim.http.cookies.set("spamguard-session", planted)
    assert victim.get().status_code == 303
    reply = victim.log_in()
    token = cookie_of(reply).split("=", 1)[1].split(";")[0]
    assert token != planted
    stranger = Browser(TestClient(http.app))
    stranger.http.cookies.set("spamguard-session", planted)
    assert stranger.get().status_code == 303


def test_logging_in_again_ends_the_former_session(http, anna, seed):
    former = anna.http.cookies["spamguard-session"]
    # A new log-in in the same browser: the page itself sends those who are in to the queue.
    csrf = Browser(TestClient(http.app))
    form = csrf.csrf("/login")
    csrf.http.cookies.set("spamguard-session", former)
    reply = csrf.http.post(
        "/moderate/login", data={"csrf": form, "name": "anna", "password": PASSWORD},
        follow_redirects=False,
    )  # fmt: skip
    assert reply.status_code == 303
    assert anna.get().status_code == 303


def test_logging_out_ends_it_on_the_server(http, anna):
    token = anna.http.cookies["spamguard-session"]
    assert anna.post("/logout").status_code == 303
    thief = Browser(TestClient(http.app))
    thief.http.cookies.set("spamguard-session", token)
    assert thief.get().status_code == 303


def test_the_token_is_not_in_the_database(anna, config, services):
    token = anna.http.cookies["spamguard-session"]
    services.recorder.flush()
    with sqlite3.connect(config.database) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert token not in dump
    assert PASSWORD not in dump
    assert "$argon2id$" in dump


@pytest.mark.parametrize(("column", "hours"), [("seen_at", 13), ("created_at", 8 * 24)])
def test_a_session_ends_by_itself(anna, services, column, hours):
    assert anna.get().status_code == 200
    with services.journal.database.writing() as connection:
        old = stamp(datetime.now(UTC) - timedelta(hours=hours))
        connection.execute(sa.update(sessions).values({column: old}))
    assert anna.get().status_code == 303


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("csrf", ["", "0" * 64])
def test_a_form_without_the_token_is_refused(anna, services, path, csrf):
    before = list(services.journal.entries())
    reply = anna.post(path, {"decision": "spam", "id": "1", "site": "first"}, csrf)
    assert reply.status_code == 403
    assert list(services.journal.entries()) == before
    assert anna.get().status_code == 200  # still logged in


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}],
)  # fmt: skip
def test_a_form_of_another_site_is_refused_even_with_the_token(anna, seed, rows, headers):
    seed.comment("one two three four five six")
    number = rows()[0].id
    reply = anna.post("/decide", {"decision": "spam", "id": number}, headers=headers)
    assert reply.status_code == 403
    assert rows()[0].decision is None
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert anna.post("/decide", {"decision": "spam", "id": number}, headers=own).status_code == 303
    assert rows()[0].decision == "spam"


def test_another_site_cannot_log_somebody_in(visitor, seed):
    seed.moderator()
    reply = visitor.post("/login", {"name": "anna", "password": PASSWORD}, csrf="0" * 64)
    assert reply.status_code == 403
    assert visitor.get().status_code == 303


def test_guessing_is_slowed_down(visitor, seed):
    seed.moderator()
    statuses = [visitor.log_in(password=f"guess number {i}").status_code for i in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    reply = visitor.log_in()  # not even with the right one
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) >= 1


def test_guessing_from_many_addresses_is_slowed_down_too(services):
    waits = [services.limits.wait_of_log_in(f"192.0.2.{i}", "anna") for i in range(21)]
    assert waits[:20] == [0] * 20
    assert waits[20] > 0
    assert services.limits.wait_of_log_in("192.0.2.99", "ben") == 0


@pytest.mark.parametrize("path", ["/login", *PATHS, "/nothing-here?site=x", "?site=nobody"])
def test_each_page_tells_the_browser_to_run_nothing_else(anna, path):
    reply = anna.get(path) if path != "/nothing-here?site=x" else anna.get("/log?site=x")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert " style=" not in reply.text
    assert "<script>" not in reply.text
    assert " onclick" not in reply.text


def test_names_are_escaped_in_the_form_and_a_huge_form_is_refused(visitor, seed):
    seed.moderator()
    reply = visitor.log_in('"><script>x</script>')
    assert reply.status_code == 401
    assert "<script>x" not in reply.text
    assert visitor.post("/login", {"name": "a" * 1_100_000}, csrf="x").status_code == 413
    assert visitor.post("/login", {f"f{i}": "" for i in range(2_100)}, csrf="x").status_code == 400
    reply = visitor.http.post(
        "/moderate/login", content=b"{}", headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 415


def test_accounts(slow_hashing, services, seed):
    accounts = Accounts(services.journal.database)
    seed.site("first")
    accounts.add("anna", PASSWORD)
    accounts.add("ben", PASSWORD, ["first"])
    assert [(m.name, m.sites) for m in accounts.all()] == [
        ("anna", None), ("ben", frozenset({seed.site().id})),
    ]  # fmt: skip
    for name, password, sites in (
        ("Anna", PASSWORD, None), ("a b", PASSWORD, None), ("", PASSWORD, None),
        ("cora", "short", None), ("cora", PASSWORD, ["nowhere"]), ("cora", PASSWORD, [""]),
    ):  # fmt: skip
        with pytest.raises(ServerError):
            accounts.add(name, password, sites)
    with services.journal.database.reading() as connection:
        kept = connection.execute(sa.select(moderators.c.password)).scalars().first()
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$", kept)  # RFC 9106, second choice
    assert accounts.verify("anna", PASSWORD).name == "anna"
    assert accounts.verify("anna", PASSWORD + "x") is None
    assert accounts.verify("anna", "x" * 100_000) is None
    session = Sessions(services.journal.database).begin(accounts.all()[0])
    accounts.set_password("anna", "another long password")
    assert Sessions(services.journal.database).of(session.token) is None
    assert accounts.verify("anna", PASSWORD) is None
    accounts.remove("anna")
    with pytest.raises(ServerError, match="no moderator"):
        accounts.remove("anna")


def test_the_command(tmp_path, monkeypatch, capsys):
    database = str(tmp_path / "server.db")

    def run(*args, said=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        return main(["moderators", *args, "--database", database])

    assert run("add", "anna", said=f"{PASSWORD}\n") == 0
    assert run("add", "ben", said="short\n") == 1
    assert "10 to 1,000" in capsys.readouterr().err
    assert run("list") == 0
    assert "anna: all sites" in capsys.readouterr().out
    assert run("password", "anna", said="quite another one\n") == 0
    assert run("remove", "anna") == 0
    assert run("remove", "anna") == 1


def test_the_command_asks_twice_on_a_terminal(tmp_path, monkeypatch, capsys):
    answers = iter([PASSWORD, "something else"])
    monkeypatch.setattr("spamguard.server.cli.getpass", lambda _: next(answers))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    database = str(tmp_path / "server.db")
    assert main(["moderators", "add", "anna", "--database", database]) == 1
    assert "differ" in capsys.readouterr().err
