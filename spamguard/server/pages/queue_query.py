"""Which comments the queue shows: filters, search, and near-copies together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode

import sqlalchemy as sa

from spamguard.corpus import campaigns_of
from spamguard.feedback import Database, stamp
from spamguard.server.pages.reasons import FAMILIES, read_reasons, speaks
from spamguard.server.pages.rendering import now
from spamguard.server.store.server_tables import comments, posts, sites

WINDOW: Final = 500
"""Comments among which near-copies are looked for: the first that the filters let through."""

A_PAGE: Final = 20
_LOOKED_AT: Final = 20_000  # comments that a search reads
_BATCH: Final = 100  # a text may be a megabyte long
_COMPARED: Final = 2_000  # characters of a text, for near-copies
_LONGEST: Final = 200

STATES: Final = {"waiting": "Waiting", "decided": "Decided", "all": "All"}
LABELS: Final = {"": "All", "unsure": "Unsure", "spam": "Spam", "ham": "Not spam"}
AGES: Final = {
    "": "any age", "1": "last 24 hours", "7": "last 7 days", "30": "last 30 days",
    "old": "older than 7 days",
}  # fmt: skip
ORDERS: Final = {"new": "newest first", "old": "oldest first", "sure": "surest spam first",
                 "unsure": "most doubtful first"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see; each field is a parameter of the address.

    Parameters
    ----------
    site, label, reason, age, state, q, order : str
        Empty is all; `reason` is a feature or a family of them, and `q` the
        words searched for.
    page : int
        From 1.
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
    def of(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """Read parameters; a value that can be none counts as left out."""
        given = {name: values[0][:_LONGEST] for name, values in query.items() if values}
        allowed = {"label": LABELS, "age": AGES, "state": STATES, "order": ORDERS}
        found: dict[str, Any] = {
            field.name: given[field.name]
            for field in fields(cls)
            if field.name in given
            and (field.name not in allowed or given[field.name] in allowed[field.name])
        }
        number = str(found.pop("page", "1"))
        found["page"] = int(number) if number.isascii() and number.isdecimal() else 1
        found["page"] = min(max(found["page"], 1), WINDOW)
        found["q"] = " ".join(str(found.get("q", "")).split())
        return cls(**found)

    def query(self, **changes: Any) -> str:
        """Return the parameters that ask for this, with changes."""
        plain = type(self)()
        given = {f.name: changes.get(f.name, getattr(self, f.name)) for f in fields(self)}
        return urlencode({k: v for k, v in given.items() if v != getattr(plain, k)})

    @property
    def is_searched(self) -> bool:
        """Whether comments must be read to tell whether they are wanted."""
        return bool(self.q or self.reason)


@dataclass(frozen=True, slots=True)
class Found:
    """Comments that are wanted.

    Parameters
    ----------
    groups : list of list of Row
        Near-copies together, in the order wanted; those of the page.
    pages : int
    total : int
        Comments in all groups of all pages.
    counts : dict of str to int
        Comments for each label, whatever is searched for.
    more : bool
        There are further ones beyond `WINDOW`, or beyond what a search reads.
    """

    groups: list[list[sa.Row[Any]]]
    pages: int
    total: int
    counts: dict[str, int]
    more: bool


# A honeypot's answer is no model's, but somebody may want to see it. Written out, because
# PostgreSQL does not take an expression with parameters for the same one in GROUP BY.
_LABEL: Final = sa.func.coalesce(
    comments.c.label,
    sa.case((comments.c.answer, sa.literal_column("'spam'")), else_=sa.literal_column("'ham'")),
)


def find(database: Database, wanted: Wanted, allowed: Mapping[int, str]) -> Found:
    """Return the comments that `wanted` asks for.

    Parameters
    ----------
    database : Database
    wanted : Wanted
    allowed : mapping of int to str
        Numbers and names of the sites that may be seen.
    """
    conditions = _conditions(wanted, allowed)
    counts = _counts(database, conditions)
    if wanted.label:
        conditions.append(_LABEL.in_([wanted.label]))
    window: list[sa.Row[Any]] = []
    more = False
    for number, row in enumerate(_rows(database, conditions, wanted), 1):
        if _is_wanted(row, wanted):
            window.append(row)
        if len(window) > WINDOW or number >= _LOOKED_AT:
            more = True
            break
    window = window[:WINDOW]
    groups = _grouped(window) if wanted.state == "waiting" else [[row] for row in window]
    pages = max(1, -(-len(groups) // A_PAGE))
    first = (min(wanted.page, pages) - 1) * A_PAGE
    return Found(groups[first : first + A_PAGE], pages, len(window), counts, more)


def _conditions(wanted: Wanted, allowed: Mapping[int, str]) -> list[sa.ColumnElement[bool]]:
    chosen = [n for n, name in allowed.items() if wanted.site in ("", name)]
    later = comments.alias("later")
    found = [
        comments.c.site.in_(chosen),
        comments.c.cause != "administrator",  # nobody moderates them
        # Of a comment that was asked about again, the latest answer.
        ~sa.exists().where(
            later.c.site == comments.c.site,
            later.c.digest == comments.c.digest,
            later.c.id > comments.c.id,
        ),
    ]
    if wanted.state != "all":
        decision = comments.c.decision
        found.append(decision.is_not(None) if wanted.state == "decided" else decision.is_(None))
    if wanted.age:
        days = 7 if wanted.age == "old" else int(wanted.age)
        limit = stamp(now() - timedelta(days=days))
        found.append(comments.c.at < limit if wanted.age == "old" else comments.c.at >= limit)
    return found


def _counts(database: Database, conditions: list[sa.ColumnElement[bool]]) -> dict[str, int]:
    label = _LABEL.label("label")
    query = sa.select(label, sa.func.count()).where(*conditions).group_by(label)
    with database.reading() as connection:
        found = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    return {"": sum(found.values()), **{name: found.get(name, 0) for name in LABELS if name}}


def _rows(
    database: Database, conditions: list[sa.ColumnElement[bool]], wanted: Wanted
) -> Iterator[sa.Row[Any]]:
    p = sa.func.coalesce(comments.c.spam_probability, sa.case((comments.c.answer, 1.0), else_=0.0))
    orders: dict[str, list[sa.ColumnElement[Any]]] = {
        "new": [comments.c.id.desc()],
        "old": [comments.c.id.asc()],
        "sure": [p.desc(), comments.c.id.desc()],
        "unsure": [sa.func.abs(p - 0.5).asc(), comments.c.id.desc()],
    }
    numbers = sa.select(comments.c.id).where(*conditions).order_by(*orders[wanted.order])
    with database.reading() as connection:
        chosen = list(connection.execute(numbers.limit(_LOOKED_AT)).scalars())
    for start in range(0, len(chosen), _BATCH):
        batch = chosen[start : start + _BATCH]
        query = (
            sa.select(
                comments, _LABEL.label("shown_label"), sites.c.name.label("site_name"),
                posts.c.title.label("post_title"),
            )
            .join_from(comments, sites, comments.c.site == sites.c.id)
            .outerjoin(
                posts, (posts.c.site == comments.c.site) & (posts.c.key == comments.c.post_key)
            )
            .where(comments.c.id.in_(batch))
        )  # fmt: skip
        with database.reading() as connection:
            rows = {row.id: row for row in connection.execute(query)}
        yield from (rows[number] for number in batch if number in rows)


def _is_wanted(row: sa.Row[Any], wanted: Wanted) -> bool:
    if wanted.reason and not speaks(read_reasons(row.reasons), wanted.reason):
        return False
    if not wanted.q:
        return True
    said = (row.text, row.author, row.author_url, row.permalink, row.post_title)
    together = "\n".join(part for part in said if part).casefold()
    return all(word in together for word in wanted.q.casefold().split())


def _grouped(rows: list[sa.Row[Any]]) -> list[list[sa.Row[Any]]]:
    """Put near-copies of one site together, where the first of them stands."""
    texts = [(row.text or "")[:_COMPARED] for row in rows]
    found: dict[tuple[int, int], list[sa.Row[Any]]] = {}
    for row, campaign in zip(rows, campaigns_of(texts).tolist(), strict=True):
        found.setdefault((row.site, campaign), []).append(row)
    return list(found.values())


def posts_of(database: Database, rows: Sequence[sa.Row[Any]]) -> dict[tuple[int, str], sa.Row[Any]]:
    """Return the posts of comments, by site and key."""
    keys = {row.post_key for row in rows if row.post_key is not None}
    if not keys:
        return {}
    query = sa.select(posts).where(
        posts.c.key.in_(keys), posts.c.site.in_({row.site for row in rows})
    )
    with database.reading() as connection:
        return {(row.site, row.key): row for row in connection.execute(query)}


REASONS: Final = {"": "any reason", **FAMILIES}
