"""The posts that sites have registered, found by their address."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from spamguard.comment import Post
from spamguard.errors import ServerError
from spamguard.feedback import Database, stamp
from spamguard.server.store.server_tables import posts

MOST_TEXT: Final = 500_000
"""Characters of a post's text that are kept; scoring reads fewer."""

MOST_URL: Final = 2_000
"""Characters of an address."""

VISIBLE: Final = "[!-~]"
"""Regular expression for what an address must contain: a visible ASCII character."""

_BATCH: Final = 200  # posts in one transaction
_TRACKING: Final = re.compile(r"(?:utm_[a-z]+|fbclid|gclid|replytocom)=[^&]*(?:&|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RegisteredPost:
    """A post that a site has registered."""

    url: str
    title: str | None = None
    text: str | None = None
    author: str | None = None
    date: str | None = None

    def as_post(self) -> Post:
        """Return the post for the vectorizer."""
        return Post(self.title, self.text, self.url, self.author, self.date)


def key_of(url: str) -> str:
    """Return a digest of a post's address that is the same for all its spellings.

    Scheme, ``www.``, port, fragment, a final slash and tracking parameters are
    left out.

    Examples
    --------
    >>> key_of("https://www.Blog.example/a/?utm_source=x#comments") == key_of("http://blog.example/a")
    True
    >>> key_of("http://blog.example/?p=1") == key_of("http://blog.example/?p=2")
    False
    """
    url = url.strip()[:MOST_URL]
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = (parts.hostname or "").removeprefix("www.")
        path, query = parts.path.rstrip("/"), _TRACKING.sub("", parts.query).rstrip("&")
    except ValueError:  # brackets that are not an IPv6 address
        host, path, query = "", url, ""
    return hashlib.sha256(f"{host}{path}?{query}".encode("utf-8", "replace")).hexdigest()


class Posts:
    """The registered posts in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, site: int, url: str | None) -> RegisteredPost | None:
        """Return the post of a site at this address; None if it is not registered."""
        if not url:
            return None
        with self._database.reading() as connection:
            row = connection.execute(_AT, {"of_site": site, "digest": key_of(url)}).first()
        if row is None:
            return None
        return RegisteredPost(row.url, row.title, row.text, row.author, row.date)

    def put(self, site: int, found: Iterable[RegisteredPost]) -> int:
        """Register posts, replacing those at the same addresses; return how many.

        Raises
        ------
        ServerError
            If one has no address.
        """
        count = 0
        batch: list[RegisteredPost] = []
        for post in found:
            if not re.search(VISIBLE, post.url) or len(post.url) > MOST_URL:
                raise ServerError(f"A post needs an address of at most {MOST_URL:,} characters.")
            batch.append(post)
            if len(batch) == _BATCH:
                count += self._put(site, batch)
                batch = []
        return count + self._put(site, batch)

    def _put(self, site: int, batch: list[RegisteredPost]) -> int:
        if not batch:
            return 0
        with self._database.writing() as connection:
            return register(connection, site, batch)

    def delete(self, site: int, url: str) -> bool:
        """Delete a post; False if it was not registered."""
        mine = (posts.c.site == site) & (posts.c.key == key_of(url))
        with self._database.writing() as connection:
            return bool(connection.execute(sa.delete(posts).where(mine)).rowcount)

    def count(self, site: int) -> int:
        """Return how many posts a site has registered."""
        query = sa.select(sa.func.count()).select_from(posts).where(posts.c.site == site)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())


_AT: Final = sa.select(posts).where(
    posts.c.site == sa.bindparam("of_site"), posts.c.key == sa.bindparam("digest")
)


def register(connection: sa.Connection, site: int, batch: Iterable[RegisteredPost]) -> int:
    """Insert posts or replace those at the same addresses; return the number of addresses."""
    rows = {key_of(post.url): _values(post) for post in batch}
    for key, values in rows.items():
        mine = (posts.c.site == site) & (posts.c.key == key)
        if not connection.execute(sa.update(posts).where(mine).values(values)).rowcount:
            connection.execute(sa.insert(posts).values(site=site, key=key, **values))
    return len(rows)


def _values(post: RegisteredPost) -> dict[str, Any]:
    return {
        "url": post.url.strip(),
        "title": None if post.title is None else post.title[:1_000],
        "text": None if post.text is None else post.text[:MOST_TEXT],
        "author": None if post.author is None else post.author[:255],
        "date": None if post.date is None else post.date[:64],
        "updated_at": stamp(datetime.now(UTC)),
    }
