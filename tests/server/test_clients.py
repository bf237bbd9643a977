"""Real clients, unchanged, pointed at a running server."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"
SPAM = "cheap viagra at http://pills.example order now"
HAM = "Thanks, the second query was missing an index here too."
BLOG = "https://blog.example/"
IP = "192.0.2.7"


# --- PyPI akismet -------------------------------------------------------------------


@pytest.fixture
def akismet():
    return pytest.importorskip("akismet", reason="no client here (pip install akismet)")


@pytest.fixture
def client_for(akismet):
    """Return clients whose requests for rest.akismet.com go to the server under test."""
    httpx = pytest.importorskip("httpx")
    opened = []

    class Here(httpx.HTTPTransport):
        def __init__(self, port):
            super().__init__()
            self.port = port

        def handle_request(self, request):
            here = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
            request = httpx.Request(
                request.method, here, headers=request.headers, stream=request.stream,
                extensions=request.extensions,
            )  # fmt: skip
            return super().handle_request(request)

    def client(server, key):
        http = httpx.Client(transport=Here(server.port), timeout=10)
        opened.append(http)
        config = akismet.Config(key=key, url=BLOG)
        return akismet.SyncClient.validated_client(config=config, http_client=http)

    yield client
    for http in opened:
        http.close()


def test_pypi_akismet(start, akismet, client_for):
    server = start()
    client = client_for(server, server.key[0])
    answer = akismet.CheckResponse
    about = {"comment_author": "Größe", "comment_author_url": "http://x.example"}
    assert client.comment_check(user_ip=IP, comment_content=SPAM, **about) == answer.DISCARD
    mild = "Nice post! Cheap handbags at http://bags.example"
    assert client.comment_check(user_ip=IP, comment_content=mild) == answer.SPAM
    assert client.comment_check(user_ip=IP, comment_content=HAM) == answer.HAM
    role = {"user_role": "administrator"}
    assert client.comment_check(user_ip=IP, comment_content=SPAM, **role) == answer.HAM
    assert client.submit_ham(user_ip=IP, comment_content=SPAM, **about) is True
    assert client.comment_check(user_ip=IP, comment_content=SPAM, **about) == answer.HAM
    assert client.submit_spam(user_ip=IP, comment_content=SPAM, **about) is True
    assert client.comment_check(user_ip=IP, comment_content=SPAM, **about) == answer.SPAM
    assert client.submit_ham(user_ip=IP, comment_content=SPAM, is_test=1, **about) is True
    assert client.comment_check(user_ip=IP, comment_content=SPAM, **about) == answer.SPAM
    usage = client.usage_limit()
    assert isinstance(usage["limit"], int)
    # This client sends no key with key_sites, so no server of many sites can answer it.
    with pytest.raises(akismet.AkismetError):
        client.key_sites()


@pytest.mark.process
def test_pypi_akismet_with_a_wrong_key(start, akismet, client_for):
    server = start()
    with pytest.raises(akismet.APIKeyError):
        client_for(server, "000000000000")


# --- npm akismet-api and @cedx/akismet ------------------------------------------------


@pytest.fixture(scope="module")
def npm_clients(tmp_path_factory):
    """Return a directory in which both clients are installed."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("no npm here, so its clients cannot be tried")
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "clients.mjs"):
        shutil.copy(CLIENTS / name, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(f"npm cannot install the clients here ({done.stderr.strip()[:200]})")
    return folder


@pytest.fixture(scope="module")
def said(npm_clients, tmp_path_factory, module_process):
    server = module_process(tmp_path_factory.mktemp("server"))
    command = ["node", "clients.mjs", str(server.port), server.key[0]]
    done = subprocess.run(
        command, cwd=npm_clients, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_npm_akismet_api(said):
    assert said["api"] == {
        "verify": True, "verifyWrong": False, "spam": True, "ham": False, "administrator": False,
        "honeypot": True, "guaranteed": True, "wrongKey": "error: Invalid API key",
        "noAddress": "error: Invalid API key",
        "submitHam": "Thanks for making the web a better place.", "afterHam": False,
        "submitSpam": "Thanks for making the web a better place.", "afterSpam": True,
    }  # fmt: skip


def test_npm_cedx_akismet(said):
    assert said["cedx"] == {
        "verify": True, "verifyWrong": False, "spam": "spam", "ham": "ham",
        "administrator": "ham",
        "wrongKey": "error: the API key is missing or unknown",
        "testTeachesNothing": "spam", "afterHam": "ham", "afterSpam": "spam",
    }  # fmt: skip


# --- requests as others send them -------------------------------------------------------


def recorded(blog, path, fields, headers):
    body = urllib.parse.urlencode(fields).encode()
    return blog.http.post(path, content=body, headers=headers)


WORDPRESS = {
    "User-Agent": "WordPress/6.8 | Akismet/5.4",
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
}
"""What the WordPress plugin sends with each request."""


def wordpress(blog, **more):
    """Return the fields of the plugin's comment-check, which are nested in none of its forks."""
    return {
        "comment_post_ID": "17", "comment_author": "Bob Miller", "comment_author_email": "b@x.example",
        "comment_author_url": "http://pills.example", "comment_content": SPAM, "comment_type": "comment",
        "comment_parent": "0", "user_ID": "0", "user_ip": IP, "user_agent": "Mozilla/5.0",
        "referrer": "https://blog.example/slow-pages/", "blog": "https://blog.example",
        "blog_lang": "en_US", "blog_charset": "UTF-8", "permalink": "https://blog.example/slow-pages/",
        "comment_post_modified_gmt": "2024-05-30T09:12:44+00:00",
        "comment_date_gmt": "2024-05-31T12:00:00+00:00", "is_test": "false",
        "akismet_comment_nonce": "inactive", "api_key": blog.key,
        "POST_comment": SPAM, "POST_author": "Bob Miller", "POST_submit": "Post Comment",
        "SERVER_SOFTWARE": "nginx", "REQUEST_URI": "/wp-comments-post.php", "HTTP_ACCEPT": "text/html",
        "REMOTE_ADDR": IP, **more,
    }  # fmt: skip


def test_the_wordpress_plugin(blog, rows):
    verify = {"key": blog.key, "api_key": blog.key, "blog": "https://blog.example"}
    assert recorded(blog, "/1.1/verify-key", verify, WORDPRESS).text == "valid"
    reply = recorded(blog, "/1.1/comment-check", wordpress(blog), WORDPRESS)
    assert reply.text == "true"
    assert len(reply.headers["x-akismet-guid"]) == 32
    # "Not spam": the request as it was submitted, and who says so.
    back = wordpress(blog, reporter="anna", user_role="", comment_check_response="true")
    assert recorded(blog, "/1.1/submit-ham", back, WORDPRESS).text.startswith("Thanks")
    again = wordpress(blog, recheck_reason="recheck_queue")
    assert recorded(blog, "/1.1/comment-check", again, WORDPRESS).text == "false"
    (row,) = rows()
    assert (row.decision, row.decided_by, row.kind) == ("ham", "anna", "comment")
    role = wordpress(blog, user_role="administrator", user_ID="1")
    assert recorded(blog, "/1.1/comment-check", role, WORDPRESS).text == "false"
    gone = {"key": blog.key, "blog": "https://blog.example"}
    assert recorded(blog, "/1.1/deactivate", gone, WORDPRESS).text == "deactivated"


def test_the_settings_page_of_the_wordpress_plugin(blog):
    """It takes a key only where a subscription is active, and shows no frame of akismet.com."""
    asked = {"key": blog.key, "blog": "https://blog.example"}
    reply = recorded(blog, "/1.1/get-subscription", asked, WORDPRESS)
    account = reply.json()
    assert (account["status"], account["account_name"]) == ("active", "first")
    assert not account["next_billing_date"]
    for months in ("6-months", "all"):
        reply = recorded(blog, "/1.1/get-stats", asked | {"from": months}, WORDPRESS)
        assert (reply.status_code, reply.json()) == (200, None)
    assert blog.http.get("/1.1/test").text == "connected"
    for call in ("get-subscription", "get-stats"):
        reply = recorded(blog, f"/1.1/{call}", asked | {"key": "no"}, WORDPRESS)
        assert reply.text == "invalid"


def test_an_old_wordpress_plugin(blog):
    """The key in the host's first label, and nowhere else."""
    fields = wordpress(blog)
    del fields["api_key"]
    headers = WORDPRESS | {"Host": f"{blog.key}.rest.akismet.example"}
    assert recorded(blog, "/1.1/comment-check", fields, headers).text == "true"


def test_discourse(blog, rows):
    headers = {
        "User-Agent": "Discourse/3.5.0 | Akismet/3.0.0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    fields = {
        "api_key": blog.key, "blog": "https://forum.example", "content_type": "forum-post",
        "permalink": "https://forum.example/t/slow-pages/17/2", "comment_author": "bob",
        "comment_content": f"{SPAM} " * 600, "comment_author_email": "bob@x.example",
        "comment_author_url": "", "user_ip": IP, "referrer": "https://forum.example/",
        "user_agent": "Mozilla/5.0",
    }  # fmt: skip
    fields["comment_content"] = fields["comment_content"][:32_000]
    assert recorded(blog, "/1.1/comment-check", fields, headers).text == "true"
    assert recorded(blog, "/1.1/submit-ham", fields, headers).text == (
        "Thanks for making the web a better place."
    )
    (row,) = rows()
    assert (row.kind, row.blog, row.decision) == ("forum-post", "forum.example", "ham")
