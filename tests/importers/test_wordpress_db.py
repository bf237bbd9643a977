"""A WordPress database: SQLite always, and a real MariaDB or MySQL server that the test starts."""

from __future__ import annotations

import pytest

from spamguard.cli import main
from spamguard.errors import CorpusError
from spamguard.importers import wordpress_db

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

TABLES = """
CREATE TABLE {p}options (option_id {key}, option_name VARCHAR(191), option_value {text});
CREATE TABLE {p}posts (ID {key}, post_date {date}, post_date_gmt {date}, post_content {text},
    post_title {text}, guid VARCHAR(255), post_type VARCHAR(20));
CREATE TABLE {p}comments (comment_ID {key}, comment_post_ID BIGINT NOT NULL,
    comment_author {text}, comment_author_email VARCHAR(100), comment_author_url VARCHAR(200),
    comment_author_IP VARCHAR(100), comment_date {date}, comment_date_gmt {date},
    comment_content {text}, comment_karma INT, comment_approved VARCHAR(20),
    comment_agent VARCHAR(255), comment_type VARCHAR(20), comment_parent BIGINT, user_id BIGINT);
CREATE TABLE {p}commentmeta (meta_id {key}, comment_id BIGINT, meta_key VARCHAR(255), meta_value {text})
"""

# status, type, parent, text, meta; what is to come of it: kind, label, by, source
ROWS = [
    ("1", "comment", 0, "Which flour?", {}, ("comment", "ham", "owner", "approved")),
    ("1", "", 1, "Rye 🍞 für", {"akismet_result": "false"}, ("comment", "ham", "filter", "akismet_result")),
    ("spam", "comment", 0, "Ovens", {"akismet_result": "true"}, ("comment", "spam", "filter", "akismet_result")),
    (
        "spam", "comment", 0, "Missed ovens",
        {"akismet_result": "false", "akismet_user_result": "true", "akismet_user": "mira"},
        ("comment", "spam", "owner", "akismet_user_result"),
    ),
    (
        "1", "comment", 0, "Wrongly caught", {"akismet_result": "true", "akismet_user_result": "false"},
        ("comment", "ham", "owner", "akismet_user_result"),
    ),
    (
        "1", "comment", 0, "Let through", {"akismet_result": "true"},
        ("comment", "ham", "owner", "approved against akismet_result"),
    ),
    ("spam", "comment", 0, "By hand", {"_wp_trash_meta_status": "1"}, ("comment", "spam", "owner", "spam")),
    ("spam", "comment", 0, "By another filter", {}, ("comment", "spam", "filter", "spam")),
    ("0", "comment", 0, "Waiting", {"akismet_result": "false"}, ("comment", None, "none", "pending")),
    ("trash", "comment", 0, "Thrown away", {"_wp_trash_meta_status": "1"}, ("comment", None, "none", "trash")),
    ("post-trashed", "comment", 0, "Its post went", {}, ("comment", None, "none", "trash")),
    ("spam", "trackback", 0, "Trackback", {"akismet_result": "true"}, ("trackback", "spam", "filter", "akismet_result")),
    ("1", "pingback", 0, "Pingback", {}, ("pingback", "ham", "owner", "approved")),
]  # fmt: skip


def fill(url, prefix="wp_", rows=ROWS, copies=1):
    engine = sa.create_engine(url)
    sqlite = engine.dialect.name == "sqlite"
    types = {
        "key": "INTEGER PRIMARY KEY" if sqlite else "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY",
        "text": "TEXT" if sqlite else "LONGTEXT",
        "date": "TEXT" if sqlite else "DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00'",
    }
    with engine.begin() as connection:
        run = connection.exec_driver_sql
        if not sqlite:
            run("SET SESSION sql_mode = ''")  # WordPress itself allows dates of zeros
        for statement in TABLES.format(p=prefix, **types).split(";"):
            run(statement)
        run(f"INSERT INTO {prefix}options VALUES (1, 'home', 'https://www.crumbs.example')")
        run(
            f"INSERT INTO {prefix}posts VALUES (12, '2023-03-01 09:00:00', '2023-03-01 08:00:00', "
            "'<p>Put it in cold.</p>', 'Cold oven', 'https://crumbs.example/?p=12', 'post')"
        )
        comment = sa.text(
            f"INSERT INTO {prefix}comments (comment_ID, comment_post_ID, comment_author, "
            "comment_author_email, comment_author_url, comment_author_IP, comment_date, "
            "comment_date_gmt, comment_content, comment_approved, comment_type, comment_parent) "
            "VALUES (:id, 12, 'Jo', 'jo@reader.example', 'https://jo.example', '192.0.2.1', "
            "'2023-03-02 11:00:00', :gmt, :text, :status, :type, :parent)"
        )
        meta = sa.text(
            f"INSERT INTO {prefix}commentmeta (comment_id, meta_key, meta_value) VALUES (:id, :key, :value)"
        )
        number = 0
        for _ in range(copies):
            for status, kind, parent, text, notes, _ in rows:
                number += 1
                gmt = "0000-00-00 00:00:00" if number == 1 else "2023-03-02 10:00:00"
                given = {"status": status, "type": kind, "parent": parent, "text": text, "gmt": gmt}
                connection.execute(comment, {"id": number, **given})
                for key, value in notes.items():
                    connection.execute(meta, {"id": number, "key": key, "value": value})
    engine.dispose()
    return url


def check(comments, report):
    found = [(c.kind, c.decision.label, c.decision.by, c.decision.source) for c in comments]
    assert found == [row[5] for row in ROWS]
    assert [c.text for c in comments] == [row[3] for row in ROWS]
    assert comments[0].date == "2023-03-02T11:00:00"
    assert comments[1].date == "2023-03-02T10:00:00Z"
    assert comments[1].parent_id == "1"
    assert comments[0].parent_id is None
    assert {c.post.title for c in comments} == {"Cold oven"}
    assert comments[0].post.text == "<p>Put it in cold.</p>"
    assert {c.blog for c in comments} == {"crumbs.example"}
    assert [c.filter_label for c in comments[:5]] == [None, "ham", "spam", "ham", "spam"]
    assert (report.spam, report.ham) == (4, 4)
    assert report.apart == {"trackback": 1, "pingback": 1}
    assert report.unlabelled == {"pending": 1, "trash": 2}


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "word press.sqlite"
    fill(f"sqlite:///{path}")
    return path


def test_sqlite(taken, sqlite_file):
    check(*taken("wordpress-db", f"sqlite:///{sqlite_file}"))
    check(*taken("wordpress-db", sqlite_file))


def test_the_url_may_stand_in_a_variable(taken, sqlite_file, monkeypatch):
    monkeypatch.setenv("BLOG_DB", f"sqlite:///{sqlite_file}")
    check(*taken("wordpress-db", "env:BLOG_DB"))
    with pytest.raises(CorpusError, match="NO_SUCH_DB is not set"):
        taken("wordpress-db", "env:NO_SUCH_DB")


def test_a_database_is_only_read(taken, sqlite_file):
    before = sqlite_file.read_bytes()
    sqlite_file.chmod(0o444)
    taken("wordpress-db", sqlite_file)
    assert sqlite_file.read_bytes() == before


def test_many_comments_come_in_parts(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(wordpress_db, "BATCH", 7)
    url = fill(f"sqlite:///{tmp_path / 'wp.sqlite'}", copies=20)
    told = []
    comments, report = taken("wordpress-db", url, watch=lambda *about: told.append(about))
    assert report.found == 20 * len(ROWS)
    assert [c.comment_id for c in comments] == [str(n + 1) for n in range(report.found)]
    assert told[-1] == ("comments", 260, 260)


def test_several_blogs_in_one_database(taken, tmp_path):
    url = f"sqlite:///{tmp_path / 'wp.sqlite'}"
    fill(url, "wp_")
    fill(url, "wp_2_", ROWS[:1])
    with pytest.raises(CorpusError, match=r"wp_, wp_2_; name one with --prefix"):
        taken("wordpress-db", url)
    comments, _ = taken("wordpress-db", url, prefix="wp_2_")
    assert len(comments) == 1
    with pytest.raises(CorpusError, match="letters, digits"):
        taken("wordpress-db", url, prefix="wp_; DROP TABLE x")


def test_a_database_of_something_else(taken, tmp_path):
    path = tmp_path / "other.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE comments (id INTEGER)")
    engine.dispose()
    with pytest.raises(CorpusError, match="holds no tables of WordPress"):
        taken("wordpress-db", path)


@pytest.mark.parametrize(
    "url", ["mysql://mira:zyxwvut@127.0.0.1:1/wordpress", "oracle://mira:zyxwvut@127.0.0.1/x"]
)
def test_a_server_that_does_not_answer(tmp_path, capsys, url):
    if url.startswith("mysql"):
        pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    assert main(["import", "wordpress-db", url, "-o", str(tmp_path / "c.jsonl")]) == 1
    err = capsys.readouterr().err
    assert "zyxwvut" not in err
    assert "wp-config.php" in err or "its driver is missing" in err


def test_what_is_no_url(tmp_path, taken):
    with pytest.raises(CorpusError, match="%40 for @"):
        taken("wordpress-db", "mysql://mira:zyx wvut@:host:port/x")


# --- a real server ------------------------------------------------------------------


@pytest.fixture
def mysql(mariadb):
    """Return the URL of an empty database, reached as a user with a password."""
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed")

    root = pymysql.connect(unix_socket=str(mariadb), user="root", autocommit=True)
    with root, root.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS wordpress")
        cursor.execute("CREATE DATABASE wordpress CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER IF NOT EXISTS 'mira'@'localhost' IDENTIFIED BY 'pass@word'")
        cursor.execute("GRANT ALL ON wordpress.* TO 'mira'@'localhost'")
    return f"mysql://mira:pass%40word@localhost/wordpress?unix_socket={mariadb}"


def test_a_real_server(taken, mysql):
    fill(mysql.replace("mysql://", "mysql+pymysql://"))
    check(*taken("wordpress-db", mysql))
    check(*taken("wordpress-db", mysql.replace("mysql://", "mariadb://"), prefix="wp_"))


def test_a_real_server_in_parts(taken, mysql, monkeypatch):
    monkeypatch.setattr(wordpress_db, "BATCH", 50)
    fill(mysql.replace("mysql://", "mysql+pymysql://"), copies=20)
    _, report = taken("wordpress-db", mysql)
    assert report.found == 20 * len(ROWS)
    assert report.spam == 20 * 4


def test_a_real_server_and_the_command(tmp_path, mysql, monkeypatch, capsys):
    fill(mysql.replace("mysql://", "mysql+pymysql://"))
    monkeypatch.setenv("BLOG_DB", mysql)
    path = tmp_path / "corpus.jsonl"
    assert main(["import", "wordpress-db", "env:BLOG_DB", "-o", str(path), "--trust", "owner"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "spam 2: 1 by the owner (akismet_user_result), 1 by the owner (spam)" in out
    wrong = mysql.replace("pass%40word", "zyxwvut")
    assert main(["import", "wordpress-db", wrong, "-o", str(tmp_path / "x.jsonl")]) == 1
    err = capsys.readouterr().err
    assert "Access denied" in err
    assert "zyxwvut" not in err
