"""Isso's database, a SQLite file, opened read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import MAX_TEXT, Report
from spamguard.importers.record import Decision, ImportedComment, blog_of, post_key
from spamguard.progress import Watch, ignore_progress

_COLUMNS: Final = (
    *("id", "parent", "created", "mode", "remote_addr", "text", "author", "email", "website"),
)
_MODES: Final = {
    1: Decision("ham", "none", "published"),
    2: Decision(None, "none", "pending"),
    4: Decision(None, "none", "deleted"),
}
_STEP: Final = 1000


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments of an Isso database: ham and pending ones, since Isso deletes spam."""
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; name Isso's database, often comments.db.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = lambda data: data.decode("utf-8", "replace")
            for number, row in enumerate(_rows(database)):
                if number % _STEP == 0:
                    watch("comments", number, 0)
                found = _comment(row, report, blog)
                if found is not None:
                    yield found
    except sqlite3.Error as error:
        raise CorpusError(
            f"{path} cannot be read as an Isso database ({error}). Stop Isso, copy its database, "
            "often comments.db, and name the copy."
        ) from None


def _rows(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    present = {row[1] for row in database.execute("PRAGMA table_info(comments)")}
    # Older databases lack some columns; names come from the list here, never from the file.
    names = [f"c.{name}" if name in present else f"NULL AS {name}" for name in _COLUMNS]
    if "text" in present:
        names[_COLUMNS.index("text")] = f"substr(c.text, 1, {MAX_TEXT + 1})"
    query = f"SELECT {', '.join(names)}, t.uri, t.title FROM comments c LEFT JOIN threads t ON t.id = c.tid ORDER BY c.id"  # noqa: S608
    keys = (*_COLUMNS, "uri", "title")
    for row in database.execute(query):
        yield dict(zip(keys, row, strict=True))


def _comment(row: dict[str, Any], report: Report, blog: str | None) -> ImportedComment | None:
    uri = row["uri"] if isinstance(row["uri"], str) else None
    url = uri if blog_of(uri) else f"https://{blog}{uri}" if _completes(blog, uri) else None
    return report.comment(
        row["text"],
        _MODES.get(row["mode"], Decision(None, "none", "status unknown")),
        post=report.post(post_key(uri), row["title"], None, url),
        date=row["created"],
        blog=blog or blog_of(uri),
        comment_id=row["id"],
        parent_id=row["parent"],
        author=row["author"],
        author_url=row["website"],
        email=row["email"],
        ip=row["remote_addr"],
    )


def _completes(blog: str | None, uri: str | None) -> bool:
    return bool(blog and "." in blog and uri and uri.startswith("/"))
