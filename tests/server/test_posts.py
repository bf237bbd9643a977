"""Posts: pushed, imported or sent along, and found by the comment's permalink."""

from __future__ import annotations

import json

import pytest

from spamguard.errors import SpamguardError
from spamguard.server.store.feeds import read_posts
from spamguard.server.store.posts import RegisteredPost, key_of

URL = "https://blog.example/2024/slow-pages"
POST = {
    "url": URL,
    "title": "Slow pages, found",
    "text": "The second query had no index, and nobody had looked at the plan for months.",
    "author": "Mira",
}
COMMENT = "Did the query plan show the missing index before, or only the second time?"


def bearer(blog):
    return {"Authorization": f"Bearer {blog.key}"}


def probability(blog, **fields):
    return float(blog.check(COMMENT, **fields).headers["x-spamguard-probability"])


def put(blog, told):
    return blog.http.put("/v1/posts", json=told, headers=bearer(blog))


def test_a_post_that_is_pushed_counts(blog):
    without = probability(blog, permalink=URL)
    assert put(blog, POST).json() == {"registered": 1}
    withal = probability(blog, permalink=URL)
    assert withal < without  # it answers the post, and the post is known now
    assert probability(blog, permalink=f"{URL}/?utm_source=feed#comment-3") == withal
    assert probability(blog, permalink="https://blog.example/other") != withal


def test_fields_of_the_request_are_a_post_too(blog):
    put(blog, POST)
    registered = probability(blog, permalink=URL)
    sent = {"permalink": URL, "post_title": POST["title"], "post_content": POST["text"]}
    assert probability(blog, **sent) == pytest.approx(registered, abs=0.01)
    # What is sent comes before what is registered.
    assert probability(blog, permalink=URL, post_title="Baking", post_content="Flour.") > registered


def test_fields_of_the_request_register_the_post(blog):
    sent = {"permalink": URL, "post_title": POST["title"], "post_content": POST["text"]}
    withal = probability(blog, **sent)
    blog.http.app.state.worker.recorder.flush()
    assert probability(blog, permalink=URL) == withal


def test_posts_are_the_site_s_own(blog, other):
    before = probability(other, permalink=URL)
    put(blog, POST)
    assert probability(other, permalink=URL) == before
    assert (
        other.http.get("/v1/posts", params={"url": URL}, headers=bearer(other)).status_code == 404
    )


def test_get_and_delete(blog):
    put(blog, POST)
    got = blog.http.get("/v1/posts", params={"url": f"{URL}#top"}, headers=bearer(blog))
    assert got.json() == POST
    gone = blog.http.delete("/v1/posts", params={"url": URL}, headers=bearer(blog))
    assert (gone.status_code, gone.text) == (204, "")
    assert (
        blog.http.delete("/v1/posts", params={"url": URL}, headers=bearer(blog)).status_code == 404
    )


def test_a_later_post_takes_the_place_of_the_former(blog, services):
    put(blog, {"posts": [POST, POST | {"title": "Again"}]})
    put(blog, POST | {"title": "Once more"})
    assert services.posts.count(services.sites.named("first").id) == 1
    got = blog.http.get("/v1/posts", params={"url": URL}, headers=bearer(blog))
    assert got.json()["title"] == "Once more"


@pytest.mark.parametrize(
    "told",
    [[], "x", 3, None, {}, {"url": 3}, {"url": " "}, {"url": "\x1e"}, {"url": "\u00a0"}, {"url": URL, "title": 3}, {"posts": []},
     {"posts": [3]}, {"posts": [POST] * 101}, {"url": "x" * 2001}],
    ids=str,
)  # fmt: skip
def test_what_is_no_post(blog, told):
    reply = put(blog, told)
    assert reply.status_code == 400
    assert reply.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"url": NaN}'])
def test_what_is_no_json(blog, body):
    assert blog.http.put("/v1/posts", content=body, headers=bearer(blog)).status_code == 400


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer 000000000000", "Basic eDp5", "Bearer \x7f"]
)
def test_without_a_key_nothing(blog, header):
    reply = blog.http.put("/v1/posts", json=POST, headers={"Authorization": header})
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "Authorization" in reply.json()["error"]


def test_half_a_character_is_taken(blog):
    body = json.dumps(POST | {"text": "\ud800 half"}).encode()
    assert blog.http.put("/v1/posts", content=body, headers=bearer(blog)).status_code == 200
    assert blog.check(COMMENT, permalink=URL).status_code == 200


@pytest.mark.parametrize(
    "url", ["", "http://[", "http://[::1", "x" * 5000, "http://a:99999/", "\x00", "//", "\ud800"]
)
def test_any_address_has_a_key(url):
    assert len(key_of(url)) == 64


def test_the_description_is_whole(http):
    told = http.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    served = {route.path: getattr(route, "methods", None) for route in http.app.routes}
    for path, operations in told["paths"].items():
        assert {name.upper() for name in operations} | {"HEAD"} == served[path]
    reply = http.request("OPTIONS", "/v1/posts")
    assert reply.status_code == 405
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD", "PUT", "DELETE"}


# --- feeds --------------------------------------------------------------------------

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="c" xmlns:dc="d"><channel>
<title>A blog</title><link>https://blog.example/</link>
<item><title>Slow pages &amp; co</title><link>https://blog.example/a</link>
<description>Short.</description><content:encoded><![CDATA[<p>The whole <b>text</b>.</p>]]></content:encoded>
<dc:creator>Mira</dc:creator><pubDate>Fri, 31 May 2024 12:00:00 GMT</pubDate></item>
<item><title>By its guid</title><guid>https://blog.example/b</guid><description>B.</description></item>
<item><title>No address</title><guid isPermaLink="false">17</guid></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A blog</title>
<link href="https://blog.example/"/>
<entry><title type="html">Slow pages</title><link rel="self" href="https://blog.example/a.atom"/>
<link href="https://blog.example/a"/><id>tag:blog.example,2024:1</id>
<author><name>Mira</name></author><published>2024-05-31T12:00:00Z</published>
<content type="html">&lt;p&gt;The whole text.&lt;/p&gt;</content></entry></feed>"""

WXR = """<rss xmlns:wp="w" xmlns:content="c"><channel><wp:wxr_version>1.2</wp:wxr_version>
<item><title>Post</title><link>https://blog.example/p</link><content:encoded>Text</content:encoded>
<wp:post_type>post</wp:post_type><wp:status>publish</wp:status>
<wp:comment><wp:comment_id>1</wp:comment_id><title>not the post's</title></wp:comment></item>
<item><title>Draft</title><link>https://blog.example/d</link><wp:post_type>post</wp:post_type>
<wp:status>draft</wp:status></item>
<item><title>Image</title><link>https://blog.example/i</link><wp:post_type>attachment</wp:post_type>
<wp:status>inherit</wp:status></item></channel></rss>"""


def read(tmp_path, text):
    file = tmp_path / "feed.xml"
    file.write_text(text, "utf-8")
    return list(read_posts(file))


def test_rss(tmp_path):
    first, second = read(tmp_path, RSS)
    assert first == RegisteredPost(
        "https://blog.example/a", "Slow pages & co", "<p>The whole <b>text</b>.</p>", "Mira",
        "Fri, 31 May 2024 12:00:00 GMT",
    )  # fmt: skip
    assert (second.url, second.text) == ("https://blog.example/b", "B.")


def test_atom(tmp_path):
    (post,) = read(tmp_path, ATOM)
    assert post == RegisteredPost(
        "https://blog.example/a", "Slow pages", "<p>The whole text.</p>", "Mira",
        "2024-05-31T12:00:00Z",
    )  # fmt: skip


def test_a_wordpress_export(tmp_path):
    (post,) = read(tmp_path, WXR)
    assert (post.url, post.title, post.text) == ("https://blog.example/p", "Post", "Text")


def test_a_file_cannot_read_another_nor_grow(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    bomb = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9))
    text = (
        f'<!DOCTYPE rss [<!ENTITY a0 "lol">{bomb}<!ENTITY x SYSTEM "file://{secret}">]>'
        "<rss><channel><item><title>&x;&a8;</title><link>https://blog.example/a</link></item></channel></rss>"
    )
    (post,) = read(tmp_path, text)
    assert post.title == "&x;&a8;"


@pytest.mark.parametrize("text", ["", "<rss/>", "no feed", "<item><title>x</title></item>"])
def test_what_is_no_feed(tmp_path, text):
    with pytest.raises(SpamguardError, match="no posts with an address"):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SpamguardError):
        list(read_posts(tmp_path / "none.xml"))
