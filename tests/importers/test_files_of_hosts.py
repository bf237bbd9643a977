"""Each host's file: what becomes of every comment in a small case of ours."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing

import pytest

from spamguard.errors import CorpusError
from spamguard.importers.record import post_key


def decided(comments):
    return [(c.comment_id, c.decision.label, c.decision.by, c.decision.source) for c in comments]


# --- WordPress ----------------------------------------------------------------------


def test_wordpress_labels_threads_posts_and_kinds(taken, cases):
    comments, report = taken("wordpress", cases / "wordpress-1.2.xml")
    assert decided(comments) == [
        ("101", "ham", "owner", "approved"),
        ("102", "ham", "owner", "akismet_user_result"),
        ("103", None, "none", "pending"),
        ("104", "ham", "owner", "approved"),
        ("107", None, "none", "trash"),
    ]
    assert [c.kind for c in comments] == ["comment"] * 3 + ["pingback", "comment"]
    assert report.apart == {"pingback": 1}
    assert report.dropped == {"no text": 1, "no comment, but a note of another plugin": 1}
    assert not +report.damage
    first, second = comments[:2]
    assert (first.author, first.author_url, first.date) == (
        "Jo", "https://jo.example/", "2023-03-02T10:00:00Z",
    )  # fmt: skip
    assert first.parent_id is None
    assert second.parent_id == "101"
    assert second.text == "It does, Jo <3"
    assert second.date == "2023-03-02T12:00:00"  # local: the file has no time in UTC
    assert second.filter_label == "spam"
    assert first.post == second.post
    assert first.post.title == "Bread in a cold oven & why"
    assert first.post.text == "<p>Put it in cold. The crust ends with ]]> and a crackle.</p>"
    assert first.post.url == "https://www.crumbs.example/cold-oven/"
    assert first.post.date == "2023-03-01T08:00:00Z"
    assert {c.blog for c in comments} == {"crumbs.example"}
    assert report.posts == 2


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_older_wordpress_versions(taken, cases, version):
    (comment,), report = taken("wordpress", cases / f"wordpress-{version}.xml")
    assert (comment.author, comment.text) == ("René", "Très bien")
    assert comment.date == "2007-01-02T03:04:05Z"
    assert comment.post.text == "Hello"
    assert not +report.damage


def test_a_broken_wordpress_file_loses_nothing(taken, cases):
    comments, report = taken("wordpress", cases / "wordpress-broken.xml")
    assert [(c.comment_id, c.text) for c in comments] == [
        ("1", "AT&T is 2 < 3, &nbsp;yes <b>bold</b>"),
        ("2", "never closed"),
        ("3", "third"),
        ("4", "the one before has no end"),
        ("5", "its own tag is broken"),
        ("6", "control character and a byte \ufffd of another encoding"),
        ("7", "the file ends he"),
    ]
    assert {c.post.title for c in comments} == {"Salt & pepper"}
    assert comments[0].post.url == "http://broken.example/?p=1&x=2"
    assert +report.damage == {
        "sections that are never closed": 2,
        "records that are never closed": 1,
        "comments whose first tag is missing": 1,
        "bytes of another encoding, replaced": 1,
        "control characters, left out": 1,
        "the file ends in the middle of a record": 1,
    }


# --- the other hosts ----------------------------------------------------------------


def test_disqus(taken, cases):
    comments, report = taken("disqus", cases / "disqus.xml")
    assert decided(comments) == [
        ("11", "ham", "filter", "not isSpam"),
        ("12", "ham", "filter", "not isSpam"),
        ("13", "spam", "filter", "isSpam"),
        ("14", None, "none", "deleted"),
        ("15", None, "none", "isSpam cannot be read"),
    ]
    assert report.dropped == {"deleted, and its text is gone": 1}
    assert comments[1].parent_id == "11"
    # The same post under its old address and its new one is one post.
    assert {c.post.post_id for c in comments} == {"crumbs.example/oven"}
    assert comments[0].post.title == "Cold oven"
    assert comments[0].blog == "crumbs.example"
    assert comments[4].date is None
    assert report.damage["dates that are none, left out"] == 1


def test_a_forum_that_nobody_sorted_has_no_labels(taken, cases, tmp_path):
    path = tmp_path / "unsorted.xml"
    text = (cases / "disqus.xml").read_text()
    path.write_text(text.replace("<isSpam>true<", "<isSpam>false<"))
    comments, report = taken("disqus", path)
    assert {c.decision.label for c in comments} == {None}
    assert report.unlabelled["isSpam is never true here"] == 2
    assert "probably not moderated" in report.notes[0]


def test_blogger_backup_with_comments_before_their_post(taken, cases):
    comments, report = taken("blogger", cases / "blogger-backup.xml")
    assert decided(comments) == [
        ("20", "ham", "none", "published"),
        ("21", "ham", "none", "published"),
    ]
    assert comments[0].text == "Which flour &amp; oven?"
    assert comments[1].parent_id == "20"
    assert comments[0].author == "Jo"
    assert comments[0].author_url == "http://www.blogger.example/profile/1"
    assert comments[0].date == "2010-01-02T08:00:00Z"
    assert comments[0].post == comments[1].post
    assert comments[0].post.title == "Cold oven"
    assert comments[0].post.text == "<p>Put it in cold.</p>"
    assert comments[0].post.url == "http://crumbs.example/2010/oven.html"
    assert report.posts == 1


def test_blogger_takeout(taken, cases):
    comments, _ = taken("blogger", cases / "blogger-takeout.atom", blog="crumbs.example")
    assert decided(comments) == [
        ("2", "ham", "none", "published"),
        ("3", "spam", "filter", "spam"),
        ("4", None, "none", "pending"),
    ]
    assert comments[1].parent_id == "2"
    assert {c.post.title for c in comments} == {"Soup"}


def test_movable_type(taken, cases):
    comments, report = taken("movabletype", cases / "movabletype.txt")
    assert [c.text for c in comments] == [
        "Which flour?\n\nAlso, DATE: is a word.",
        "Above the dashes\n-----\n\nbelow the dashes",
        "a cold oven, says Mira",
        "The last one, without an end",
    ]
    assert [c.kind for c in comments] == ["comment", "comment", "trackback", "comment"]
    assert comments[0].date == "2008-11-13T15:04:07"
    assert comments[1].date == "2008-11-14T15:04:07"
    assert comments[0].post.text == "Put it in cold.\nAnd wait."
    assert comments[2].author == "Another blog"
    assert [c.post.post_id for c in comments] == ["cold_oven"] * 3 + ["#2"]
    assert report.damage["the file ends in the middle of a record"] == 1


@pytest.mark.parametrize("packed", [False, True])
def test_remark42(taken, cases, tmp_path, packed):
    path = cases / "remark42.json"
    if packed:
        data = path.read_bytes()
        path = tmp_path / "backup.gz"
        path.write_bytes(gzip.compress(data))
    comments, report = taken("remark42", path)
    assert decided(comments) == [
        ("a1", "ham", "none", "published"),
        ("a2", "ham", "owner", "written by the owner"),
        ("a5", "ham", "none", "published"),
    ]
    assert comments[0].text == "Which *flour*?"
    assert comments[0].date == "2021-03-01T09:00:00Z"
    assert comments[1].parent_id == "a1"
    assert comments[0].post.post_id == "crumbs.example/oven"
    assert report.dropped == {"deleted, and its text is gone": 1, "not JSON": 1}
    assert report.lost.total() == 1


def isso_database(path):
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR(256) UNIQUE, title VARCHAR(256));
            CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY,
                parent INTEGER, created FLOAT NOT NULL, modified FLOAT, mode INTEGER,
                remote_addr VARCHAR, text VARCHAR, author VARCHAR, email VARCHAR, website VARCHAR);
            INSERT INTO threads VALUES (1, '/oven/', 'Cold oven');
            INSERT INTO comments VALUES
                (1, 1, NULL, 1600000000.5, NULL, 1, '192.0.2.0', 'Which flour?', NULL, 'j@x.example', NULL),
                (1, 2, 1, 1600000100, NULL, 2, '192.0.2.0', 'Ovens!', 'Ovens', NULL, 'http://ovens.example'),
                (1, 3, NULL, 1600000200, NULL, 4, '192.0.2.0', '', NULL, NULL, NULL),
                (9, 4, NULL, 1600000300, NULL, 1, '192.0.2.0', 'An orphan', 'Al', NULL, NULL);
        """)
    return path


def test_isso(taken, tmp_path):
    comments, report = taken("isso", isso_database(tmp_path / "a b.db"), blog="crumbs.example")
    assert decided(comments) == [
        ("1", "ham", "none", "published"),
        ("2", None, "none", "pending"),
        ("4", "ham", "none", "published"),
    ]
    assert report.dropped == {"deleted, and its text is gone": 1}
    assert comments[1].parent_id == "1"
    assert comments[1].author_url == "http://ovens.example"
    assert comments[0].date == "2020-09-13T12:26:40Z"
    assert comments[0].post.title == "Cold oven"
    assert comments[0].post.url == "https://crumbs.example/oven/"
    assert comments[2].post.post_id is None


def test_wp_cli(taken, cases):
    comments, report = taken("wordpress-json", cases / "wp-cli.json", posts=cases / "wp-posts.json")
    assert decided(comments) == [
        ("1", "ham", "owner", "approved"),
        ("2", "spam", "owner", "akismet_user_result"),
        ("3", "ham", "owner", "approved"),
    ]
    assert report.apart == {"pingback": 1}
    assert comments[0].post.title == "Cold oven"
    assert comments[0].post.text == "<p>Put it in cold.</p>"
    assert comments[0].blog == "crumbs.example"


def test_the_pages_of_the_rest_api_one_behind_the_other(taken, cases):
    comments, _ = taken("wordpress-json", cases / "wp-rest.json")
    assert decided(comments) == [
        ("5", "ham", "owner", "approved"),
        # In a spam folder without a trace of a person: a filter put it there.
        ("6", "spam", "filter", "spam"),
        ("7", None, "none", "pending"),
    ]
    assert comments[1].text == "Pans"
    assert comments[1].parent_id == "5"
    assert comments[0].date == "2023-03-02T10:00:00Z"


def test_wp_cli_without_texts_says_what_to_ask_for(taken, tmp_path):
    path = tmp_path / "c.json"
    path.write_text('[{"comment_ID":"1","comment_author":"Jo"}]')
    with pytest.raises(CorpusError, match="--fields=comment_ID"):
        taken("wordpress-json", path)


def test_csv_with_columns_of_its_own(taken, cases):
    comments, report = taken(
        "csv", cases / "other.csv",
        columns={"text": "message", "author": "who", "label": "verdict"}, spam=["bad"], ham=["OK"],
    )  # fmt: skip
    assert decided(comments) == [
        ("1", "ham", "owner", "label"),
        ("2", "spam", "owner", "label"),
        ("3", None, "none", "no label"),
        ("4", None, "none", "a label that means neither"),
    ]
    assert comments[0].text == "Which oven; and which flour?"
    assert comments[1].text == "Two\nlines, http://ovens.example"
    assert comments[0].author == "Jo"
    assert report.lost == {"other than 4 cells in its row": 1}


def test_csv_rows_that_are_none(taken, tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('text,label\n"a"b,ham\nHello,ham\n')
    comments, report = taken("csv", path)
    assert [c.text for c in comments] == ["Hello"]
    assert report.lost == {"not CSV": 1}
    path.write_text('text,label\nHello,ham\n"open,ham\n' + "more,ham\n" * 9)
    with pytest.raises(CorpusError, match="line 3: a quote is opened here"):
        taken("csv", path)


def test_nested_json_by_post(taken, cases):
    comments, report = taken("jsonl", cases / "nested.json", label="ham")
    assert [(c.text, c.parent_id, c.post.post_id) for c in comments] == [
        ("Which flour?", None, "/oven"),
        ("Rye.", "1", "/oven"),
        ("Leek?", None, "/soup"),
    ]
    assert comments[1].date == "2013-04-30T11:40:00Z"
    assert comments[0].author_url == "http://jo.example"
    assert {c.decision.by for c in comments} == {"owner"}
    assert report.lost == {"no text under a known name": 1}


def test_json_lines_with_dotted_columns(taken, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"user":{"name":"Jo"},"text":"Hello there","label":0}\n'
        "not json\n"
        '{"user":{"name":"Al"},"text":"Buy","label":true}\n'
        '{"text":5}\n[1]\n'
    )
    comments, report = taken("jsonl", path, columns={"author": "user.name"})
    assert [(c.author, c.decision.label) for c in comments] == [("Jo", "ham"), ("Al", "spam")]
    assert report.lost.total() == 3


def test_our_own_corpus_can_be_imported_again(taken, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"text":"Hello","blog":"b","post_id":"p","post_title":"T","label":null}\n')
    (comment,), _ = taken("jsonl", path, label="ham")
    assert (comment.blog, comment.post.post_id, comment.post.title) == ("b", "p", "T")
    assert comment.decision.label == "ham"


# --- what is no export --------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("wordpress", "Tools, Export"),
        ("wordpress-json", "not JSON"),
        ("disqus", "Admin, Setup, Export"),
        ("isso", "comments.db"),
        ("remark42", "not JSON"),
        ("blogger", "Back up content"),
        ("movabletype", "Export Entries"),
        ("jsonl", "not JSON"),
        ("csv", "--column text=NAME"),
        ("staticman", "clone"),
        ("wordpress-db", "file is not a database"),
    ],
)
def test_a_file_of_another_kind(taken, tmp_path, source, words):
    path = tmp_path / "other"
    path.write_text("<p>zyxwvut, nothing that anyone exported</p>\n")
    with pytest.raises(CorpusError, match=words) as failed:
        taken(source, path)
    assert "zyxwvut" not in str(failed.value)


@pytest.mark.parametrize("source", ["wordpress", "disqus", "isso", "csv", "jsonl", "wordpress-db"])
def test_a_file_that_is_not_there(taken, tmp_path, source):
    with pytest.raises(CorpusError, match="does not exist"):
        taken(source, tmp_path / "missing")
    assert not list(tmp_path.iterdir())


def test_zips_directories_and_damaged_archives(taken, tmp_path):
    path = tmp_path / "export.zip"
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(CorpusError, match="unpack it"):
        taken("wordpress", path)
    with pytest.raises(CorpusError, match="is a directory"):
        taken("wordpress", tmp_path)
    path.write_bytes(gzip.compress(b"<rss>" * 9999)[:60])
    with pytest.raises(CorpusError, match="damaged gzip"):
        taken("wordpress", path)


def test_unknown_sources_and_options(taken, cases):
    with pytest.raises(CorpusError, match="there are wordpress, "):
        taken("livejournal", cases / "disqus.xml")
    with pytest.raises(CorpusError, match="disqus has no option prefix"):
        taken("disqus", cases / "disqus.xml", prefix="wp_")
    with pytest.raises(CorpusError, match="no such field"):
        taken("csv", cases / "other.csv", columns={"verdict": "x"})


def test_post_keys():
    assert post_key("https://a.example/x?p=1") != post_key("https://a.example/x?p=2")
    assert post_key("http://user:word@a.example") == "a.example/"
    assert post_key("http://[broken") == "http://[broken"
    assert post_key("  ") is None


def test_a_mapped_column_that_is_not_there(taken, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("text,verdict\nhello there,spam\n", "utf-8")
    with pytest.raises(CorpusError, match=r"no column is named nope\. There are: text, verdict"):
        taken("csv", file, columns={"label": "nope"})
