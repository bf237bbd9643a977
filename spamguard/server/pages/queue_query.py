"""The comments on the queue page: filters, search, and near-copies together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.datastructures import QueryParams

from spamguard.corpus import campaigns_of
from spamguard.feedback import Database, stamp
from spamguard.server.pages.reasons import FAMILIES, has_reason, parse_reasons
from spamguard.server.pages.rendering import now
from spamguard.server.store import tables

WINDOW: Final = 500
"""Comments among which near-copies are looked for: the first that pass the filters."""

_PAGE_SIZE: Final = 20
_MOST_READ: Final = 20_000  # comments that a search reads
_BATCH: Final = 100  # a text may be a megabyte long
_COMPARED: Final = 2_000  # characters of a text, for near-copies
_LONGEST: Final = 200  # characters of a parameter

STATES: Final = {"waiting": "Waiting", "decided": "Decided", "all": "All"}
LABELS: Final = {"": "All", "unsure": "Unsure", "spam": "Spam", "ham": "Not spam"}
AGES: Final = {
    "": "any age", "1": "last 24 hours", "7": "last 7 days", "30": "last 30 days",
    "old": "older than 7 days",
}  # fmt: skip
ORDERS: Final = {
    "new": "newest first", "old": "oldest first", "sure": "surest spam first",
    "unsure": "most doubtful first",
}  # fmt: skip
REASONS: Final = {"": "any reason", **FAMILIES}


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """The filters of the queue page; each field is a parameter of the URL.

    An empty field means all; `reason` is a feature or a family, `q` the search words.
    """

    site: str = ""
    label: str = ""
    reason: str = ""
    age: str = ""
    state: str = "waiting"
    q: str = ""
    order: str = "new"
    page: int = 1

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Read parameters; an impossible value counts as missing."""
        allowed = {"label": LABELS, "age": AGES, "state": STATES, "order": ORDERS}
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = next(iter(query.getlist(field.name)), "")[:_LONGEST]
            if value and value in allowed.get(field.name, (value,)):
                values[field.name] = value
        page = values.pop("page", "1")
        number = int(page) if page.isascii() and page.isdecimal() else 1
        values["page"] = min(max(number, 1), WINDOW)
        values["q"] = " ".join(values.get("q", "").split())
        return cls(**values)

    def query(self, **changes: Any) -> str:
        """Return the parameters of the URL for these filters, with changes."""
        default = type(self)()
        values = {f.name: changes.get(f.name, getattr(self, f.name)) for f in fields(self)}
        return urlencode({k: v for k, v in values.items() if v != getattr(default, k)})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The comments on one page of the queue.

    Parameters
    ----------
    groups : list of list of Row
        Near-copies together, in the order of the filter.
    total : int
        Comments on all pages.
    counts : dict of str to int
        Comments of each label, before the search.
    more : bool
        Whether there are more beyond `WINDOW`, or beyond what a search reads.
    """

    groups: list[list[sa.Row[Any]]]
    pages: int
    total: int
    counts: dict[str, int]
    more: bool


# A rule, such as the honeypot, gives an answer without a label. Literals, because PostgreSQL
# does not recognise an expression with parameters in GROUP BY.
_LABEL: Final = sa.func.coalesce(
    tables.comments.c.label,
    sa.case(
        (tables.comments.c.answer, sa.literal_column("'spam'")),
        else_=sa.literal_column("'ham'"),
    ),
)


def find(database: Database, filters: QueueFilter, sites: Mapping[int, str]) -> QueuePage:
    """Return a page of the queue; `sites` are the numbers and names that may be seen."""
    conditions = _conditions(filters, sites)
    counts = _counts(database, conditions)
    if filters.label:
        conditions.append(_LABEL.in_([filters.label]))
    window: list[sa.Row[Any]] = []
    more = False
    for number, row in enumerate(_rows(database, conditions, filters), 1):
        if _matches(row, filters):
            window.append(row)
        if len(window) > WINDOW or number >= _MOST_READ:
            more = True
            break
    window = window[:WINDOW]
    groups = _grouped(window) if filters.state == "waiting" else [[row] for row in window]
    pages = max(1, -(-len(groups) // _PAGE_SIZE))
    first = (min(filters.page, pages) - 1) * _PAGE_SIZE
    return QueuePage(groups[first : first + _PAGE_SIZE], pages, len(window), counts, more)


def _conditions(filters: QueueFilter, sites: Mapping[int, str]) -> list[sa.ColumnElement[bool]]:
    comments = tables.comments
    chosen = [n for n, name in sites.items() if filters.site in ("", name)]
    later = comments.alias("later")
    conditions = [
        comments.c.site.in_(chosen),
        comments.c.cause != "administrator",  # they are not moderated
        # The latest verdict of a comment that was checked again.
        ~sa.exists().where(
            later.c.site == comments.c.site,
            later.c.digest == comments.c.digest,
            later.c.id > comments.c.id,
        ),
    ]
    if filters.state != "all":
        is_waiting = comments.c.decision.is_(None)
        conditions.append(~is_waiting if filters.state == "decided" else is_waiting)
    if filters.age:
        days = 7 if filters.age == "old" else int(filters.age)
        limit = stamp(now() - timedelta(days=days))
        is_old = comments.c.at < limit
        conditions.append(is_old if filters.age == "old" else ~is_old)
    return conditions


def _counts(database: Database, conditions: list[sa.ColumnElement[bool]]) -> dict[str, int]:
    label = _LABEL.label("label")
    query = sa.select(label, sa.func.count()).where(*conditions).group_by(label)
    with database.reading() as connection:
        found = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    return {"": sum(found.values()), **{name: found.get(name, 0) for name in LABELS if name}}


def _rows(
    database: Database, conditions: list[sa.ColumnElement[bool]], filters: QueueFilter
) -> Iterator[sa.Row[Any]]:
    comments, posts, sites = tables.comments, tables.posts, tables.sites
    p = sa.func.coalesce(comments.c.spam_probability, sa.case((comments.c.answer, 1.0), else_=0.0))
    orders: dict[str, list[sa.ColumnElement[Any]]] = {
        "new": [comments.c.id.desc()],
        "old": [comments.c.id.asc()],
        "sure": [p.desc(), comments.c.id.desc()],
        "unsure": [sa.func.abs(p - 0.5).asc(), comments.c.id.desc()],
    }
    numbers = sa.select(comments.c.id).where(*conditions).order_by(*orders[filters.order])
    with database.reading() as connection:
        chosen = list(connection.execute(numbers.limit(_MOST_READ)).scalars())
    with_post = (posts.c.site == comments.c.site) & (posts.c.key == comments.c.post_key)
    select = (
        sa.select(
            comments, _LABEL.label("shown_label"), sites.c.name.label("site_name"),
            posts.c.title.label("post_title"),
        )
        .join_from(comments, sites, comments.c.site == sites.c.id)
        .outerjoin(posts, with_post)
    )  # fmt: skip
    for start in range(0, len(chosen), _BATCH):
        batch = chosen[start : start + _BATCH]
        with database.reading() as connection:
            found = connection.execute(select.where(comments.c.id.in_(batch)))
            rows = {row.id: row for row in found}
        yield from (rows[number] for number in batch if number in rows)


def _matches(row: sa.Row[Any], filters: QueueFilter) -> bool:
    """Return whether a comment has the reason and the search words."""
    if filters.reason and not has_reason(parse_reasons(row.reasons), filters.reason):
        return False
    if not filters.q:
        return True
    texts = (row.text, row.author, row.author_url, row.permalink, row.post_title)
    together = "\n".join(text for text in texts if text).casefold()
    return all(word in together for word in filters.q.casefold().split())


def _grouped(rows: list[sa.Row[Any]]) -> list[list[sa.Row[Any]]]:
    """Put near-copies of one site together, at the place of the first."""
    texts = [(row.text or "")[:_COMPARED] for row in rows]
    groups: dict[tuple[int, int], list[sa.Row[Any]]] = {}
    for row, campaign in zip(rows, campaigns_of(texts).tolist(), strict=True):
        groups.setdefault((row.site, campaign), []).append(row)
    return list(groups.values())


def posts_of(database: Database, rows: Sequence[sa.Row[Any]]) -> dict[tuple[int, str], sa.Row[Any]]:
    """Return the posts of comments, by site and key."""
    posts = tables.posts
    keys = {row.post_key for row in rows if row.post_key is not None}
    if not keys:
        return {}
    query = sa.select(posts).where(
        posts.c.key.in_(keys), posts.c.site.in_({row.site for row in rows})
    )
    with database.reading() as connection:
        return {(row.site, row.key): row for row in connection.execute(query)}
