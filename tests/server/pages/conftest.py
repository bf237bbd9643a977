"""The pages with a sample blog's comments, by a client inside the test or in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="no server here (pip install 'spamguard[server]')")

import sqlalchemy as sa
import uvicorn
from argon2 import PasswordHasher

from spamguard import Comment
from spamguard.feedback.entries import stamp
from spamguard.server import ServerConfig, create_app
from spamguard.server.pages.accounts import Accounts
from spamguard.server.queries import Query
from spamguard.server.store.posts import RegisteredPost
from spamguard.server.store.server_tables import comments

SAMPLE = Path(__file__).parents[3] / "datasets" / "sample"
PASSWORD = "correct horse battery"
CAMPAIGN = (
    "Dear readers, our garden furniture sale ends on Friday, order at http://sofas{0}.example now"
)


class Seeder:
    """Puts comments where comment-check puts them."""

    def __init__(self, services):
        self.services = services

    def site(self, name="first"):
        found = self.services.sites.named(name)
        if found is None:
            self.services.sites.add(name)
            found = self.services.sites.named(name)
        return found

    def comment(self, text, site="first", days=0.0, author=None, author_url=None, permalink=None):
        """Judge a comment as if it had come `days` ago."""
        asked = Query(
            Comment(text, author, author_url), permalink, "https://blog.example/", "comment"
        )
        judged = self.services.filters.answer(self.site(site), asked)
        at = stamp(datetime.now(UTC) - timedelta(days=days))
        self.services.recorder.put(replace(judged, at=at))
        return judged

    def campaign(self, number=4, site="first"):
        for i in range(number):
            self.comment(CAMPAIGN.format(i), site, author=f"Seller {i}")
        self.services.recorder.flush()

    def sample(self, most=1_000, site="first", days=60.0):
        """Take the sample blog's comments, spread over so many days; return text -> label."""
        lines = [json.loads(s) for s in (SAMPLE / "comments.jsonl").read_text("utf-8").splitlines()]
        posts = {}
        for line in (SAMPLE / "posts.jsonl").read_text("utf-8").splitlines():
            post = json.loads(line)
            posts[post["post_id"]] = f"https://blog.example/{post['post_id']}"
            given = RegisteredPost(posts[post["post_id"]], post["title"], post["text"])
            self.services.posts.put(self.site(site).id, [given])
        chosen = lines[:most]
        for i, line in enumerate(chosen):
            self.comment(
                line["text"], site, days * (1 - (i + 1) / len(chosen)), line["author"],
                line["author_url"], posts.get(line["post_id"]),
            )  # fmt: skip
        self.services.recorder.flush()
        return {line["text"]: line["label"] for line in chosen}

    def decide(self, labels, most=None, by="anna", site="first"):
        """Decide about comments as `labels` (by text) say; return how many."""
        where = self.site(site)
        with self.services.journal.database.reading() as connection:
            query = sa.select(comments.c.id, comments.c.text).where(comments.c.site == where.id)
            rows = connection.execute(query.order_by(comments.c.id)).all()
        chosen = [row for row in rows[:most] if labels.get(row.text) in ("spam", "ham")]
        for row in chosen:
            self.services.feedback.decide(where, row.id, labels[row.text], by)
        return len(chosen)

    def moderator(self, name="anna", sites=None):
        Accounts(self.services.journal.database).add(name, PASSWORD, sites)


class Page(HTMLParser):
    """What a page holds, read as a browser reads it."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag, **wanted):
        return [
            given
            for name, given in self.elements
            if name == tag and all(given.get(k.rstrip("_")) == v for k, v in wanted.items())
        ]


class Browser:
    """A client that keeps cookies and sends forms as a page has them."""

    def __init__(self, http, base="/moderate"):
        self.http, self.base = http, base

    def get(self, path="", **options):
        return self.http.get(self.base + path, follow_redirects=False, **options)

    def page(self, path=""):
        reply = self.get(path)
        assert reply.status_code == 200, (reply.status_code, reply.text[:500])
        return Page(reply.text)

    def csrf(self, path=""):
        return self.page(path).all("input", name="csrf")[0]["value"]

    def post(self, path, data=None, csrf=None, headers=None):
        data = dict(data or {})
        data.setdefault("csrf", self.csrf() if csrf is None else csrf)
        return self.http.post(self.base + path, data=data, headers=headers, follow_redirects=False)

    def log_in(self, name="anna", password=PASSWORD, **more):
        csrf = self.csrf("/login")
        return self.post("/login", {"name": name, "password": password, **more}, csrf)


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch, request):
    """Hash quickly, but where a test is about it."""
    if "slow_hashing" not in request.fixturenames:
        quick = partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1)
        monkeypatch.setattr("spamguard.server.pages.accounts.PasswordHasher", quick)


@pytest.fixture
def slow_hashing():
    """Hash as the server does."""


@pytest.fixture
def seed(services):
    return Seeder(services)


@pytest.fixture
def visitor(http):
    """A browser in which nobody is logged in."""
    return Browser(http)


@pytest.fixture
def anna(http, seed):
    seed.site()
    seed.moderator()
    browser = Browser(http)
    assert browser.log_in().status_code == 303
    return browser


# --- a real browser ------------------------------------------------------------------


def _chromium():
    named = os.environ.get("SPAMGUARD_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")  # until it stops, no test may start an event loop
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here")
    program = _chromium()
    if program is None:
        pytest.skip("no chromium here; name one in SPAMGUARD_CHROMIUM")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=program,
            headless=True,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


class Live:
    """A server on a port of this machine."""

    def __init__(self, server, app, port):
        self.server, self.app, self.port = server, app, port
        self.base = f"http://127.0.0.1:{port}"
        self.services = app.state.worker
        self.seed = Seeder(self.services)


@pytest.fixture
def live(tmp_path):
    app = create_app(ServerConfig(database=str(tmp_path / "live.db")))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        found = Live(server, app, port)
        found.seed.site()
        found.seed.moderator()
        yield found
    finally:
        server.should_exit = True
        thread.join(30)


class Watched:
    """A browser window that notes what must not happen: dialogs, errors, foreign requests."""

    def __init__(self, context, base):
        self.context, self.base = context, base
        self.dialogs, self.errors, self.requests = [], [], []
        self.page = context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        context.on("request", lambda request: self.requests.append(request.url))

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _console(self, message):
        # A refused form is told on the console too; that is no fault of the page.
        if message.type == "error" and "status of 4" not in message.text:
            self.errors.append(message.text)

    def foreign(self):
        return [url for url in self.requests if not url.startswith(self.base + "/")]

    def clean(self):
        assert self.dialogs == []
        assert self.errors == []
        assert self.foreign() == []

    def log_in(self, name="anna"):
        self.page.goto(f"{self.base}/moderate")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_selector("h1:has-text('Queue')")
        return self.page


@pytest.fixture
def window(chromium, live):
    """Open windows on the live server."""
    with contextlib.ExitStack() as stack:

        def opened(**options):
            options = {"viewport": {"width": 1200, "height": 900}} | options
            context = chromium.new_context(**options)
            stack.callback(context.close)
            context.set_default_timeout(120_000)  # a busy machine is no failure
            return Watched(context, live.base)

        yield opened


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    named = os.environ.get("SPAMGUARD_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def shot(page, name):
        assert re.fullmatch(r"[a-z-]+", name)
        page.screenshot(path=str(folder / f"{name}.png"), full_page=True)

    return shot
