"""CSV and JSON from any program, with a map from its columns to ours."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from spamguard.corpus import MAX_LINE, CsvRows
from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.exports import open_export, read_text
from spamguard.importers.jsonstream import read_values
from spamguard.importers.record import Decision, ImportedComment, Label
from spamguard.progress import Watch, ignore_progress

MAX_DEPTH: Final = 100
"""Levels of nested answers."""

# The names to try if the map has none, ours first.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "comment", "message", "content", "body"),
    "label": ("label",),
    "author": ("author", "name"),
    "author_url": ("author_url", "website", "url"),
    "date": ("date", "created", "created_at", "createdAt", "time", "timestamp"),
    "comment_id": ("comment_id", "id"),
    "parent_id": ("parent_id", "parent"),
    "post_id": ("post_id", "post", "slug"),
    "post_title": ("post_title",),
    "post_text": ("post_text",),
    "post_url": ("post_url",),
    "blog": ("blog",),
    "email": ("email",),
    "ip": ("ip", "remote_addr"),
}
"""Our fields, and their names in other programs."""

_NESTED: Final = ("children", "replies", "comments")
_TRUE: Final[dict[str, Label]] = {
    "spam": "spam", "1": "spam", "true": "spam", "ham": "ham", "0": "ham", "false": "ham",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of a file's columns.

    `names` maps our fields to columns; in JSON a dotted path such as ``user.name`` leads
    into objects. `spam` and `ham` are the values of the label column (by default: spam,
    1 and true; ham, 0 and false); `label` labels every comment instead.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    spam: Collection[str] = ()
    ham: Collection[str] = ()
    label: Label | None = None

    def __post_init__(self) -> None:
        unknown = self.names.keys() - NAMES.keys()
        if unknown:
            raise CorpusError(
                f"{', '.join(sorted(unknown))}: no such field. The fields are: {', '.join(NAMES)}."
            )

    def of(self, field: str) -> tuple[str, ...]:
        """Return the columns that may hold `field`."""
        return (self.names[field],) if field in self.names else NAMES[field]

    def decision(self, value: object) -> Decision:
        """Return the decision for a value of the label column."""
        if self.label is not None:
            return Decision(self.label, "owner", "you said so")
        if value is None or value == "":
            return Decision(None, "none", "no label")
        text = str(value).strip().lower().removesuffix(".0")
        if self.spam or self.ham:
            given = {v.strip().lower(): "spam" for v in self.spam}
            given |= {v.strip().lower(): "ham" for v in self.ham}
            found = given.get(text)
        else:
            found = _TRUE.get(text)
        if found is None:
            return Decision(None, "none", "a label that means neither")
        return Decision("spam" if found == "spam" else "ham", "owner", "label")


_DEFAULT: Final = Columns()


def read_csv(
    path: Path,
    report: Report,
    watch: Watch = ignore_progress,
    blog: str | None = None,
    columns: Columns = _DEFAULT,
) -> Iterator[ImportedComment]:
    """Yield the comments of a CSV file, whose first line names the columns."""
    with open_export(path, watch) as file:
        try:
            rows = CsvRows(_lines(read_text(file, report), path), columns.of("text"))
        except csv.Error as error:
            raise CorpusError(f"{path}, line 1: not CSV ({error}).") from None
        _check_header(rows.header, columns, path)
        for number, cells in rows:
            if isinstance(cells, csv.Error):
                if "unexpected end" in str(cells):
                    # All rows from here on would be one cell.
                    raise CorpusError(
                        f"{path}, line {number}: a quote is opened here and never closed; close it."
                    )
                report.lose("not CSV")
            elif any(cells):
                if len(cells) != len(rows.header):
                    report.lose(f"other than {len(rows.header)} cells in its row")
                    continue
                row = {name: cell or None for name, cell in zip(rows.header, cells, strict=True)}
                yield from _comment(row, _Place(blog=blog), report, columns)


def _lines(chunks: Iterator[str], path: Path) -> Iterator[str]:
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from (line + "\n" for line in whole)
        if len(rest) > MAX_LINE:
            raise CorpusError(f"{path} holds a line of more than {MAX_LINE:,} characters.")
    if rest:
        yield rest


def _check_header(header: list[str], columns: Columns, path: Path) -> None:
    texts = columns.of("text")
    if not any(name in header for name in texts):
        raise CorpusError(
            f"{path}, line 1: no column is named {' or '.join(texts)}. The first line must name "
            "the columns; say which holds the comments: --column text=NAME."
        )
    if len(set(header)) < len(header):
        raise CorpusError(f"{path}, line 1: two columns have the same name.")
    if lacking := [name for name in columns.names.values() if name not in header]:
        raise CorpusError(
            f"{path}, line 1: no column is named {', '.join(lacking)}. There are: "
            f"{', '.join(header[:50])}."
        )


def read_jsonl(
    path: Path,
    report: Report,
    watch: Watch = ignore_progress,
    blog: str | None = None,
    columns: Columns = _DEFAULT,
) -> Iterator[ImportedComment]:
    """Yield the comments of JSON lines, of an array, or of an object with one list per post.

    Answers under ``children``, ``replies`` or ``comments`` are included.
    """
    for value in read_values(path, report, watch):
        if isinstance(value, dict):
            yield from _object(value, _Place(blog=blog), report, columns)
        else:
            report.lose("no comment, but another JSON value")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a comment's position in the file says about it."""

    blog: str | None = None
    post_id: object = None
    post_title: object = None
    post_url: object = None
    parent_id: object = None
    depth: int = 0


def _object(
    value: dict[str, Any], place: _Place, report: Report, columns: Columns
) -> Iterator[ImportedComment]:
    if place.depth > MAX_DEPTH:
        report.lose(f"an answer more than {MAX_DEPTH} levels deep")
        return
    nested = [value[name] for name in _NESTED if isinstance(value.get(name), list)]
    if isinstance(_found(value, columns.of("text")), str):
        yield from _comment(value, place, report, columns)
        answered = _found(value, columns.of("comment_id"))
        below = _Place(
            place.blog, _post_id(value, place, columns), place.post_title, place.post_url,
            answered, place.depth + 1,
        )  # fmt: skip
    elif nested:  # a post with its comments
        below = _Place(
            place.blog, _found(value, ("post_id", "id", "slug", "url")) or place.post_id,
            value.get("title"), value.get("url"), None, place.depth + 1,
        )  # fmt: skip
    else:
        lists = {key: items for key, items in value.items() if isinstance(items, list)}
        if place.depth or not lists:
            report.lose("no text under a known name")
        for key, items in lists.items() if not place.depth else ():
            yield from _objects(items, _Place(place.blog, key, depth=1), report, columns)
        return
    yield from _objects(itertools.chain.from_iterable(nested), below, report, columns)


def _objects(
    items: Any, place: _Place, report: Report, columns: Columns
) -> Iterator[ImportedComment]:
    for item in items:
        if isinstance(item, dict):
            yield from _object(item, place, report, columns)
        else:
            report.lose("no comment, but another JSON value")


def _found(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if value.get(name) is not None:
            return value[name]
        if "." in name:
            inner: Any = value
            for part in name.split("."):
                inner = inner.get(part) if isinstance(inner, dict) else None
            if inner is not None:
                return inner
    return None


def _post_id(value: Mapping[str, Any], place: _Place, columns: Columns) -> Any:
    given = _found(value, columns.of("post_id"))
    return place.post_id if given is None or isinstance(given, dict | list) else given


def _comment(
    value: Mapping[str, Any], place: _Place, report: Report, columns: Columns
) -> Iterator[ImportedComment]:
    given = {name: _found(value, columns.of(name)) for name in NAMES}
    post = report.post(
        _post_id(value, place, columns),
        given["post_title"] or place.post_title,
        given["post_text"],
        given["post_url"] or place.post_url,
    )
    found = report.comment(
        given["text"],
        columns.decision(given["label"]),
        post=post,
        date=given["date"],
        blog=place.blog or report.short(given["blog"]),
        parent_id=given["parent_id"] if given["parent_id"] is not None else place.parent_id,
        **{n: given[n] for n in ("comment_id", "author", "author_url", "email", "ip")},
    )
    if found is not None:
        yield found


_ASSIGNMENT: Final = re.compile(r"([a-z_]{1,40})=(.{1,200})", re.DOTALL)


def columns_from(assignments: Collection[str]) -> dict[str, str]:
    """Return a map from our fields to columns, from assignments such as ``text=message``.

    Raises CorpusError for anything else.
    """
    names = {}
    for assignment in assignments:
        match = _ASSIGNMENT.fullmatch(assignment)
        if match is None:
            raise CorpusError("map a column as FIELD=NAME, such as text=message.")
        names[match.group(1)] = match.group(2)
    return names
