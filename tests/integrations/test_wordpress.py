"""A real WordPress with the real Akismet plugin, pointed at a host of the owner's.

The host here is a recorder that judges with spamguard: what the plugin sends is
what is looked at. It needs PHP, a database server and WordPress itself, as
Debian packages them; without one of them the test says so and skips.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from spamguard.integrations import Site, comment_of

PLUGIN = Path(__file__).parents[2] / "examples" / "wordpress" / "spamguard-host.php"
SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
KEY = "0123456789ab"
THANKS = "Thanks for making the web a better place."

CONFIG = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'WP_HOME', 'http://127.0.0.1:{port}' );
define( 'WP_SITEURL', 'http://127.0.0.1:{port}' );
define( 'WP_CONTENT_DIR', __DIR__ . '/wp-content' );
define( 'DISABLE_WP_CRON', true );
define( 'WPCOM_API_KEY', '{key}' );
{host}
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {{ define( 'ABSPATH', __DIR__ . '/' ); }}
require_once ABSPATH . 'wp-settings.php';
"""
INSTALL = """<?php
define( 'WP_INSTALLING', true );
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
add_filter( 'pre_wp_mail', '__return_true' );
wp_install( 'Slow pages', 'anna', 'anna@blog.example', true, '', 'a-password' );
require_once 'wp-admin/includes/plugin.php';
echo is_wp_error( activate_plugin( 'akismet/akismet.php' ) ) ? 'no' : 'installed';
// Written in the same second, it would stand where a visitor's comment is looked for.
wp_delete_comment( 1, true );
update_option( 'comment_previously_approved', 0 );
update_option( 'comments_notify', 0 );
update_option( 'moderation_notify', 0 );
"""
NO_WAIT = "<?php add_filter( 'comment_flood_filter', '__return_false', 99 );"


def wordpress_tree() -> Path:
    """Return an unpacked WordPress with the Akismet plugin, or skip the test."""
    if shutil.which("php") is None:
        pytest.skip("PHP is not installed (Debian: php-cli php-mysql)")
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout
    if "mysqli" not in modules.split():
        pytest.skip("PHP cannot reach MySQL (Debian: php-mysql)")
    tree = Path(os.environ.get("SPAMGUARD_WORDPRESS", "/usr/share/wordpress"))
    if not (tree / "wp-content" / "plugins" / "akismet" / "akismet.php").is_file():
        pytest.skip("no WordPress with Akismet at SPAMGUARD_WORDPRESS (Debian: wordpress)")
    return tree


class Host:
    """What the owner runs: it answers as Akismet does, by a `Site`, and keeps what was asked."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fields = {k: v[0] for k, v in parse_qs(body, keep_blank_values=True).items()}
                host.asked.append((self.path, fields, dict(self.headers)))
                answer = host.answer(self.path.rpartition("/")[2], fields).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, call: str, fields: dict[str, str]) -> str:
        names = {
            "comment": "comment_content",
            "name": "comment_author",
            "url": "comment_author_url",
        }
        if call == "verify-key":
            return "valid"
        comment = comment_of({ours: fields.get(theirs, "") for ours, theirs in names.items()})
        if call == "comment-check":
            return "true" if self.site.check(comment).label == "spam" else "false"
        self.site.correct("1", "spam" if call == "submit-spam" else "ham", by="wp", comment=comment)
        return THANKS

    def of(self, call: str) -> list[dict[str, str]]:
        return [fields for path, fields, _ in self.asked if path == f"/1.1/{call}"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    running = Host(Site(tmp_path / "feedback.db"))
    yield running
    running.server.shutdown()
    running.server.server_close()
    running.site.close()


class Blog:
    """A WordPress that serves."""

    def __init__(self, tree: Path, address: str, database: Path) -> None:
        pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed")
        httpx = pytest.importorskip("httpx", reason="httpx is not installed")
        self.database = pymysql.connect(
            unix_socket=str(database), user="root", database="wordpress", autocommit=True
        )
        self.client = httpx.Client(base_url=address, timeout=120, follow_redirects=True)

    def comment(self, text: str, author: str, url: str = "") -> str:
        """Send the form under the first post as a visitor; return what became of the comment."""
        form = {"comment": text, "author": author, "email": "m@reader.example", "url": url}
        self.client.post("/wp-comments-post.php", data={**form, "comment_post_ID": "1"})
        with self.database.cursor() as cursor:
            cursor.execute(
                "SELECT comment_approved FROM wp_comments WHERE comment_content LIKE %s",
                (text[:30] + "%",),
            )
            ((approved,),) = cursor.fetchall()
        return approved

    def click(self, action: str, view: str) -> None:
        """Follow the link `action` below the first comment of a view, as a moderator."""
        form = {"log": "anna", "pwd": "a-password", "testcookie": "1"}
        self.client.get("/wp-login.php")
        self.client.post("/wp-login.php", data=form)
        page = self.client.get(f"/wp-admin/edit-comments.php?comment_status={view}").text
        link = re.search(rf"comment\.php\?[^'\"]*action={action}[^'\"]*", page)
        assert link, page[:2000]
        self.client.get("/wp-admin/" + link.group().replace("&#038;", "&").replace("&amp;", "&"))


def serve(tree: Path, database: Path, host: str) -> tuple[str, subprocess.Popen[bytes]]:
    """Install WordPress in `tree` and start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = CONFIG.format(socket=database, port=port, key=KEY, host=host)
    (tree / "wp-config.php").write_text(config)
    (tree / "install.php").write_text(INSTALL)
    plugins = tree / "wp-content" / "mu-plugins"
    plugins.mkdir(exist_ok=True)
    shutil.copy(PLUGIN, plugins)
    (plugins / "no-wait.php").write_text(NO_WAIT)
    done = subprocess.run(["php", "install.php"], cwd=tree, capture_output=True, text=True)
    assert done.stdout.endswith("installed"), done.stdout[-2000:] + done.stderr[-2000:]
    process = subprocess.Popen(
        ["php", "-S", f"127.0.0.1:{port}", "-t", str(tree)],
        cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(1200):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    return f"http://127.0.0.1:{port}", process


@pytest.fixture
def blog(request, tmp_path, mariadb, host) -> Iterator[Blog]:
    tree = tmp_path / "wordpress"
    source = wordpress_tree()
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    shutil.copytree(source, tree, symlinks=True)
    root = pymysql.connect(unix_socket=str(mariadb), user="root", autocommit=True)
    with root, root.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS wordpress")
        cursor.execute("CREATE DATABASE wordpress CHARACTER SET utf8mb4")
    where = f"define( 'SPAMGUARD_HOST', 'http://127.0.0.1:{host.server.server_port}/' );"
    address, process = serve(tree, mariadb, getattr(request, "param", where))
    try:
        made = Blog(tree, address, mariadb)
        yield made
        made.client.close()
        made.database.close()
    finally:
        process.terminate()
        process.wait(30)


def test_wordpress_asks_the_owners_host_and_no_other(blog, host):
    assert blog.comment(SPAM, "cheap pills", "http://pills.example") == "spam"
    assert blog.comment(HAM, "Mira") == "1"
    first, second = host.of("comment-check")
    assert (first["comment_content"], first["comment_author"]) == (SPAM, "cheap pills")
    assert first["comment_author_url"] == "http://pills.example"
    assert second["comment_content"] == HAM
    for fields in (first, second):
        assert fields["api_key"] == KEY
        assert fields["blog"].startswith("http://127.0.0.1:")
        assert fields["user_ip"] == "127.0.0.1"
        assert fields["comment_type"] == "comment"
        assert fields["permalink"].startswith("http://127.0.0.1:")
    headers = host.asked[0][2]
    assert headers["Content-Type"].lower() == "application/x-www-form-urlencoded; charset=utf-8"
    assert headers["User-Agent"].startswith("WordPress/")
    assert headers["Host"].startswith("127.0.0.1:")

    blog.click("spamcomment", "all")  # below Mira's comment, the latest that is published
    (sent,) = host.of("submit-spam")
    assert sent["comment_content"] == HAM
    assert host.site.journal.summary().spam == 1
    blog.click("unspamcomment", "spam")
    assert len(host.of("submit-ham")) == 1


@pytest.mark.parametrize("blog", [""], indirect=True)
def test_without_a_host_nothing_is_sent_and_comments_wait(blog, host):
    assert blog.comment(HAM, "Mira") == "0"
    assert host.asked == []
