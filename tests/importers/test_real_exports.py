"""Real exports, with their faults: every comment is accounted for by an independent count.

Nothing of them is in the repository; the tests skip where they are not beside it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from xml.parsers import expat

import pytest

WXR = {
    "64-block-test-data.xml": 2, "amysgurumis.wordpress.xml": 11,
    "bitcoinfrance.wordpress.xml": 235, "cc_labs.wordpress.xml": 181,
    "cedricporter.wordpress.xml": 166, "charleso.wordpress.xml": 33,
    "chrisjrob.wordpress.xml": 136, "converters-wordpress-sample.wxr": 2,
    "converters-wordpress-sample2.wxr": 3, "kuesters.wordpress.xml": 0,
    "paralisiafacial.wordpress.xml": 628, "spotthevuln.wordpress.xml": 172,
    "themeunittestdata.wordpress.xml": 33, "timothyfitz.wordpress.xml": 381,
}  # fmt: skip
DISQUS = {
    "disqus/benbalter.disqus.xml": 1145, "disqus/tanglei.disqus.xml": 2693,
    "disqus/yesilmavihayat.disqus.xml": 51, "fixtures/isso-disqus.xml": 6,
    "fixtures/remark42-disqus.xml": 6, "fixtures/remark42-disqus-deleted-post.xml": 6,
    "fixtures/remark42-disqus-deleted-thread.xml": 6,
}  # fmt: skip


def count(path, pattern):
    return len(re.findall(pattern, path.read_bytes()))


def by_a_parser(path, comment, content):
    """Return the texts of all comments as a real parser reads them; prefixes need not be bound."""
    texts, where = [], []

    def start(name, _):
        where.append(name)
        if name == comment:
            texts.append("")

    def data(words):
        if where[-1] == content and comment in where:
            texts[-1] += words

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: where.pop()
    parser.CharacterDataHandler = data
    with path.open("rb") as file:
        parser.ParseFile(file)
    return [text for text in texts if text.strip()]


@pytest.mark.parametrize("name", sorted(WXR))
def test_wordpress(exports, taken, name):
    path = exports / "wxr" / name
    comments, report = taken("wordpress", path)
    assert report.found == count(path, rb"<wp:comment>") == WXR[name]
    kinds = count(path, rb"<wp:comment_type>(?:<!\[CDATA\[)?(?:ping|track)back")
    assert report.apart.total() == kinds
    assert not report.lost
    if report.found:
        texts = by_a_parser(path, "wp:comment", "wp:comment_content")
        assert [c.text for c in comments] == texts
        assert all(c.post.post_id and c.blog and c.date for c in comments)


def test_what_moderators_said_to_akismet(exports, taken):
    path = exports / "wxr" / "cedricporter.wordpress.xml"
    _, report = taken("wordpress", path)
    assert report.labels["ham", "owner", "akismet_user_result"] == count(
        path, rb"<wp:meta_key>akismet_user_result<"
    )
    assert report.unlabelled == {"trash": 1}


def test_pending_is_no_label(exports, taken):
    _, report = taken("wordpress", exports / "wxr" / "amysgurumis.wordpress.xml")
    # One of the nine that wait is a pingback.
    assert (report.unlabelled["pending"], report.apart["pingback"]) == (8, 1)


@pytest.mark.parametrize("name", sorted(DISQUS))
def test_disqus(exports, taken, name):
    path = exports / name
    comments, report = taken("disqus", path)
    assert report.found == count(path, rb"<post[ >]") == DISQUS[name]
    assert report.spam == count(path, rb"<isSpam>true<")
    assert not report.lost
    if name.startswith("disqus/"):
        assert [c.text for c in comments] == by_a_parser(path, "post", "message")
        assert all(c.post.url and c.date for c in comments)


@pytest.mark.parametrize("name", ["tanglei", "yesilmavihayat"])
def test_a_forum_where_nothing_is_spam_gives_no_label(exports, taken, name):
    _, report = taken("disqus", exports / "disqus" / f"{name}.disqus.xml")
    assert report.spam == report.ham == 0


def test_isso(exports, taken):
    path = exports / "isso" / "incolumitas.comments.db"
    _, report = taken("isso", path)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        (rows,) = database.execute("SELECT count(*) FROM comments").fetchone()
        (posts,) = database.execute(
            "SELECT count(DISTINCT tid) FROM comments WHERE tid IN (SELECT id FROM threads)"
        ).fetchone()
    assert report.found == report.ham == rows == 434
    assert report.posts == posts


@pytest.mark.parametrize(
    "name", ["charleso.blogger", "converters-blogger-sample", "converters-blogger-sample2"]
)
def test_blogger(exports, taken, name):
    path = exports / "blogger" / f"{name}.xml"
    comments, report = taken("blogger", path)
    assert report.found == report.ham == count(path, rb"kind#comment")
    assert all(c.post.title and c.post.text and c.date for c in comments)


def test_movable_type(exports, taken):
    path = exports / "movabletype" / "converters-movabletype-sample2.txt"
    _, report = taken("movabletype", path)
    assert report.found == count(path, rb"(?m)^COMMENT:") == 3


@pytest.mark.parametrize(("name", "found"), [("evertpot", 1822), ("freddysblog", 852)])
def test_json_of_jekyll_blogs(exports, taken, name, found):
    path = exports / "jekyll" / f"{name}.comments.json"
    key = "message" if name == "evertpot" else "content"
    comments, report = taken("jsonl", path, columns={"text": key})
    assert report.found == count(path, f'"{key}": '.encode()) == found
    by_post = Counter()

    def walk(post, items):
        for item in items:
            by_post[post or None] += 1
            walk(post, item.get("children", []))

    for post, items in json.loads(path.read_text("utf-8")).items():
        walk(post, items)
    assert Counter(c.post.post_id for c in comments) == by_post


def test_isso_fixture_of_wordpress(exports, taken):
    path = exports / "fixtures" / "isso-wordpress.xml"
    _, report = taken("wordpress", path)
    assert report.found == count(path, rb"<wp:comment>")


def test_isso_generic(exports, taken):
    comments, report = taken("jsonl", exports / "fixtures" / "isso-generic.json")
    assert report.found == 2
    assert [c.post.post_id for c in comments] == ["/posts/0001/", "/posts/0007/"]
