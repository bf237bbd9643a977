"""WordPress's own database: only here are its spam and the source of each decision.

It is read through SQLAlchemy, from MySQL, MariaDB or SQLite. Nothing is written.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import MAX_POST, MAX_TEXT, Report
from spamguard.importers.record import ImportedComment, ImportedPost, blog_of
from spamguard.importers.wordpress_status import (
    AKISMET_KEYS,
    akismet_label,
    decision_of,
    is_set,
    kind_of,
)
from spamguard.loading import optional
from spamguard.progress import Watch, ignore_progress

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

BATCH: Final = 500
"""Comments in memory at a time."""

_POSTS_HELD: Final = 200
_PREFIX: Final = re.compile(r"[A-Za-z0-9_$]{0,60}")
_COMMENT: Final = (
    *("comment_ID", "comment_post_ID", "comment_author", "comment_author_email"),
    *("comment_author_url", "comment_author_IP", "comment_date", "comment_date_gmt"),
    *("comment_content", "comment_approved", "comment_type", "comment_parent"),
)
_POST: Final = ("ID", "post_title", "post_content", "guid", "post_date", "post_date_gmt")


def read(
    database: str,
    report: Report,
    watch: Watch = ignore_progress,
    blog: str | None = None,
    prefix: str | None = None,
) -> Iterator[ImportedComment]:
    """Yield the comments of a WordPress database."""
    with optional("import"):
        import sqlalchemy as sa
    url = _url(database)
    shown = _shown(url, database)
    try:
        engine = sa.create_engine(url, hide_parameters=True)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise CorpusError(
            f"{shown} cannot be opened: its driver is missing ({type(error).__name__}). "
            "Install it; for MySQL and MariaDB: pip install 'spamguard[import]'."
        ) from None
    try:
        with engine.connect() as connection:
            tables = _Tables(connection, shown, prefix)
            yield from tables.comments(report, watch, blog)
    except sa.exc.SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())[:300]
        raise CorpusError(
            f"{shown} cannot be read ({reason}). Check host, name, user and password "
            "in wp-config.php, and that this machine may connect."
        ) from None
    finally:
        engine.dispose()


def _url(database: str) -> URL:
    import sqlalchemy as sa

    if database.startswith("env:"):
        name = database[4:]
        database = os.environ.get(name, "")
        if not database:
            raise CorpusError(f"The variable {name} is not set; put the database's URL into it.")
    if "://" not in database:
        database = f"sqlite:///{database}"
    try:
        url = sa.make_url(database)
    except (sa.exc.ArgumentError, ValueError):
        raise CorpusError(
            "The database must be a URL such as mysql://user:password@localhost/wordpress, "
            "with special characters in the password percent-encoded, such as %40 for @."
        ) from None
    if url.drivername in ("mysql", "mariadb"):
        url = url.set(drivername=f"{url.drivername}+pymysql")
    if url.get_backend_name() == "sqlite":
        # SQLite would create an empty database for a mistyped name.
        if not url.database or not Path(url.database).is_file():
            raise CorpusError(f"{url.database or database} does not exist; check the path.")
        return sa.make_url(f"sqlite:///file:{_quoted(url.database)}?mode=ro&uri=true")
    return url


def _shown(url: URL, database: str) -> str:
    """Return the name of the database for messages, without its password."""
    if url.get_backend_name() == "sqlite":
        return "the SQLite file" if database.startswith("env:") else database
    return url.render_as_string(hide_password=True)


def _quoted(path: str) -> str:
    return Path(path).resolve().as_uri().removeprefix("file://")


class _Tables:
    def __init__(self, connection: Connection, shown: str, prefix: str | None) -> None:
        import sqlalchemy as sa

        self.connection = connection
        self.prefix = _prefix(sa.inspect(connection).get_table_names(), shown, prefix)
        self.comment = self._table("comments", _COMMENT)
        self.meta = self._table("commentmeta", ("comment_id", "meta_id", "meta_key", "meta_value"))
        self.post = self._table("posts", _POST)
        self.option = self._table("options", ("option_name", "option_value"))
        self.posts: OrderedDict[Any, ImportedPost] = OrderedDict()

    def _table(self, name: str, columns: Sequence[str]) -> Any:
        import sqlalchemy as sa

        return sa.table(self.prefix + name, *(sa.column(column) for column in columns))

    def comments(self, report: Report, watch: Watch, blog: str | None) -> Iterator[ImportedComment]:
        import sqlalchemy as sa

        total = self.connection.execute(sa.select(sa.func.count()).select_from(self.comment))
        whole, done, last = int(total.scalar() or 0), 0, -1
        blog = blog or self._home()
        key = self.comment.c.comment_ID
        columns = _cut(self.comment, "comment_content", MAX_TEXT)
        while True:
            query = sa.select(*columns).where(key > last).order_by(key).limit(BATCH)
            rows = [dict(row) for row in self.connection.execute(query).mappings()]
            if not rows:
                return
            last = rows[-1]["comment_ID"]
            metas = self._metas([row["comment_ID"] for row in rows])
            self._fetch_posts({row["comment_post_ID"] for row in rows}, report)
            for row in rows:
                found = self._comment(row, metas.get(row["comment_ID"], {}), report, blog)
                if found is not None:
                    yield found
            done += len(rows)
            watch("comments", done, whole)

    def _home(self) -> str | None:
        import sqlalchemy as sa

        name, value = self.option.c.option_name, self.option.c.option_value
        try:
            # A failed query must not end the transaction of the other queries.
            with self.connection.begin_nested():
                home = self.connection.execute(sa.select(value).where(name == "home")).scalar()
        except sa.exc.SQLAlchemyError:
            return None  # for example, only comments and posts were copied
        return blog_of(home) if isinstance(home, str) else None

    def _metas(self, ids: list[Any]) -> dict[Any, dict[str, str]]:
        import sqlalchemy as sa

        meta = self.meta.c
        query = (
            sa.select(meta.comment_id, meta.meta_key, meta.meta_value)
            .where(meta.comment_id.in_(ids), meta.meta_key.in_(AKISMET_KEYS))
            .order_by(meta.meta_id)
        )
        found: dict[Any, dict[str, str]] = {}
        for owner, key, value in self.connection.execute(query):
            found.setdefault(owner, {})[key] = str(value)[:100]
        return found

    def _fetch_posts(self, ids: set[Any], report: Report) -> None:
        import sqlalchemy as sa

        missing = sorted(ids - self.posts.keys())
        columns = _cut(self.post, "post_content", MAX_POST)
        query = sa.select(*columns).where(self.post.c.ID.in_(missing))
        for row in self.connection.execute(query).mappings() if missing else ():
            gmt, local = row["post_date_gmt"], row["post_date"]
            utc = is_set(gmt)
            self.posts[row["ID"]] = report.post(
                row["ID"], row["post_title"], row["post_content"], row["guid"],
                gmt if utc else local, utc,
            )  # fmt: skip
        for key in ids & self.posts.keys():
            self.posts.move_to_end(key)
        while len(self.posts) > max(_POSTS_HELD, len(ids)):
            self.posts.popitem(last=False)

    def _comment(
        self, row: dict[str, Any], meta: dict[str, str], report: Report, blog: str | None
    ) -> ImportedComment | None:
        kind = kind_of(_string(row["comment_type"]))
        if kind is None:
            report.drop("no comment, but a note of another plugin")
            return None
        utc = is_set(row["comment_date_gmt"])
        key = row["comment_post_ID"]
        return report.comment(
            row["comment_content"],
            decision_of(_string(row["comment_approved"]), meta),
            post=self.posts.get(key) or ImportedPost(report.short(key) if key else None),
            kind=kind,
            date=row["comment_date_gmt"] if utc else row["comment_date"],
            utc=utc,
            blog=blog,
            filter_label=akismet_label(meta),
            comment_id=row["comment_ID"],
            parent_id=row["comment_parent"] or None,
            author=row["comment_author"],
            author_url=row["comment_author_url"],
            email=row["comment_author_email"],
            ip=row["comment_author_IP"],
        )


def _cut(table: Any, name: str, most: int) -> list[Any]:
    """Return a table's columns, one of them cut by the server: a field may hold gigabytes."""
    import sqlalchemy as sa

    one_more = sa.func.substr(table.c[name], 1, most + 1).label(name)  # so that cuts are counted
    return [one_more if column.name == name else column for column in table.c]


def _string(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _prefix(names: list[str], shown: str, given: str | None) -> str:
    """Return the prefix of the tables."""
    if given is not None and not _PREFIX.fullmatch(given):
        raise CorpusError("A prefix holds letters, digits and underscores only, such as wp_.")
    there = set(names)
    found = sorted(
        name.removesuffix("comments")
        for name in there
        if name.endswith("comments") and {name[:-1] + "meta", f"{name[:-8]}posts"} <= there
    )
    if given is not None and given in found:
        return given
    if given is None and len(found) == 1:
        return found[0]
    if not found:
        raise CorpusError(
            f"{shown} holds no tables of WordPress (such as wp_comments, wp_commentmeta and "
            "wp_posts); is it the database that wp-config.php names?"
        )
    listed = ", ".join(found[:20])
    raise CorpusError(
        f"{shown} holds the blogs with the prefixes {listed}; name one with --prefix."
    )
