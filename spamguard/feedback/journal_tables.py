"""The tables of a journal."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

SCHEMA: Final = 2
"""Number of this layout; 2 added the steps. Higher numbers are rejected."""

PREFIX: Final = "spamguard_"
"""Prefix of every table, as a shared database may have other tables."""


class AnyText(sa.types.TypeDecorator[str]):
    """Text as visitors send it, with the null bytes and surrogates that databases reject."""

    impl = sa.LargeBinary().with_variant(mysql.LONGBLOB, "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        """Return what the database stores."""
        return None if value is None else value.encode("utf-8", "surrogatepass")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Return what was sent."""
        return None if value is None else bytes(value).decode("utf-8", "surrogatepass")


_BYTES: Final = sa.LargeBinary().with_variant(mysql.LONGBLOB, "mysql", "mariadb")
# A number is never reused, even after its entry is forgotten.
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# By default MySQL treats "a" and "A" as one name.
_NAME: Final = sa.String(255).with_variant(
    mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)

METADATA: Final = sa.MetaData()

meta: Final = sa.Table(
    f"{PREFIX}meta",
    METADATA,
    sa.Column("key", _NAME, primary_key=True),
    sa.Column("value", _NAME, nullable=False),
)

posts: Final = sa.Table(
    f"{PREFIX}posts",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", _NAME, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("title", AnyText),
    sa.Column("text", AnyText),
    sa.Column("url", AnyText),
    sa.Column("author", AnyText),
    sa.Column("date", AnyText),
    sa.UniqueConstraint("site", "digest"),
    sqlite_autoincrement=True,
)

# An edited comment has several rows, as a decision is about the text at that time.
comments: Final = sa.Table(
    f"{PREFIX}comments",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", _NAME, nullable=False),
    sa.Column("comment_id", _NAME, nullable=False),
    sa.Column("text", AnyText, nullable=False),
    sa.Column("author", AnyText),
    sa.Column("author_url", AnyText),
    sa.Column("date", AnyText),
    sa.Column("post", sa.ForeignKey(posts.c.id), index=True),
    sa.Column("post_id", _NAME),
    sa.Index(f"{PREFIX}comments_by_comment", "site", "comment_id"),
    sqlite_autoincrement=True,
)

entries: Final = sa.Table(
    f"{PREFIX}entries",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("site", _NAME, nullable=False),
    sa.Column("comment_id", _NAME, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("moderator", _NAME, nullable=False),
    sa.Column("decision", sa.String(16)),
    sa.Column("undoes", _NUMBER),
    sa.Column("content", sa.ForeignKey(comments.c.id), index=True),
    sa.Column("digest", sa.String(64)),
    sa.Column("label", sa.String(16)),
    sa.Column("spam_probability", sa.Double),
    sa.Column("log_odds", sa.Double),
    sa.Column("discard", sa.Boolean),
    sa.Column("model", AnyText),
    sa.Column("language", sa.String(16)),
    sa.Column("note", _NAME),
    sa.Index(f"{PREFIX}entries_by_comment", "site", "comment_id", "id"),
    sa.Index(f"{PREFIX}entries_by_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

# The step of the site's weights for each comment's decision. Row numbers rise with the writes, so
# a process reads new rows after the last number that it knows. A row without data cancels a step,
# or is due: the comment must be learned first. An empty comment_id marks deleted rows, after which
# all rows must be read again.
steps: Final = sa.Table(
    f"{PREFIX}steps",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", _NAME, nullable=False),
    sa.Column("comment_id", _NAME, nullable=False),
    sa.Column("data", _BYTES),
    sa.Column("due", sa.Boolean, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),  # with sites that use shared steps
    sa.UniqueConstraint("site", "comment_id"),
    sa.Index(f"{PREFIX}steps_by_site", "site", "id"),
    # Few sites share, so most writes skip this index.
    sa.Index(
        f"{PREFIX}steps_shared",
        "shared",
        "id",
        sqlite_where=sa.text("shared = 1"),
        postgresql_where=sa.text("shared"),
    ),
    sqlite_autoincrement=True,
)
