"""Temporary storage on disk for the posts of exports that list them apart from comments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict

from spamguard.importers.record import ImportedPost


class PostStore:
    """Posts by key; only one at a time is in memory."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.execute("CREATE TABLE posts (key TEXT PRIMARY KEY, post TEXT NOT NULL)")
        self._last: tuple[str, ImportedPost | None] = ("", None)

    def put(self, key: str, post: ImportedPost) -> None:
        """Store `post`, replacing one with the same key."""
        text = json.dumps(asdict(post))  # ASCII, so that half a character survives
        self._database.execute("INSERT OR REPLACE INTO posts VALUES (?, ?)", (key, text))
        self._last = ("", None)

    def get(self, key: str | None) -> ImportedPost | None:
        """Return the post with that key, or None."""
        if not key:
            return None
        if self._last[0] != key:
            row = self._database.execute("SELECT post FROM posts WHERE key = ?", (key,)).fetchone()
            self._last = (key, ImportedPost(**json.loads(row[0])) if row else None)
        return self._last[1]


@contextmanager
def post_store() -> Iterator[PostStore]:
    """Open a store that is deleted when it is closed."""
    # SQLite keeps an unnamed database in a temporary file and removes it.
    with closing(sqlite3.connect("")) as database:
        yield PostStore(database)
