"""Blogger: the backup file of its settings, or ``feed.atom`` of Google Takeout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.exports import open_export, read_text
from spamguard.importers.poststore import PostStore, post_store
from spamguard.importers.record import Decision, ImportedComment, ImportedPost, blog_of
from spamguard.importers.scanner import End, Field, Shape, Start, scan
from spamguard.progress import Watch, ignore_progress

_SHAPE: Final = Shape(
    containers={"feed": ("",), "entry": ("feed", ""), "author": ("entry", "feed")},
    fields=frozenset(
        (
            *("id", "title", "content", "published", "category", "link", "name", "uri", "email"),
            *("in-reply-to", "type", "status", "parent", "inReplyTo", "filename", "trashed"),
        )
    ),
    bare=True,
)
_ALL_LINKS: Final = 20  # per entry, which usually has a handful

_Entry = dict[str, Any]


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments of a Blogger export. A first pass collects the posts."""
    with post_store() as posts:
        blog = _collect(path, posts, watch, blog)
        for entry in _entries(path, report, watch, "comments"):
            if _kind(entry) == "comment":
                found = _comment(entry, posts, report, blog)
                if found is not None:
                    yield found


def _collect(path: Path, posts: PostStore, watch: Watch, blog: str | None) -> str | None:
    """Store the posts; return the blog's host."""
    found = False
    silent = Report()  # the second pass reports
    host: str | None = None
    for entry in _entries(path, silent, watch, "posts"):
        found = found or bool(_kind(entry))
        if _kind(entry) == "post":
            url = _link(entry, "alternate")
            host = host or blog_of(url)
            posts.put(
                entry.get("id", ""),
                silent.post(
                    entry.get("id"), entry.get("title"), entry.get("content"),
                    url or entry.get("filename"), entry.get("published"),
                ),
            )  # fmt: skip
    if not found:
        raise CorpusError(
            f"{path} is no Blogger export. In Blogger, choose Settings, Manage blog, Back up content."
        )
    return blog or host


def _entries(path: Path, report: Report, watch: Watch, stage: str) -> Iterator[_Entry]:
    with open_export(path, watch, stage) as file:
        entry: _Entry | None = None
        inner = ""
        for event in scan(read_text(file, report), _SHAPE, report):
            if isinstance(event, Start):
                if event.name == "entry":
                    entry, inner = {"links": []}, ""
                else:
                    inner = event.name
            elif isinstance(event, End):
                inner = ""
                if event.name == "entry" and entry is not None:
                    yield entry
                    entry = None
            elif entry is not None:
                _add(entry, event, inner)


def _add(entry: _Entry, field: Field, inner: str) -> None:
    attributes = field.attributes
    if inner:
        entry.setdefault(f"{inner}.{field.name}", field.text.strip())
    elif field.name == "link":
        if len(entry["links"]) < _ALL_LINKS:
            entry["links"].append((attributes.get("rel", ""), attributes.get("href", "")))
    elif field.name == "category":
        if attributes.get("scheme", "").endswith("#kind"):
            entry["kind"] = attributes.get("term", "").rpartition("#")[2]
    elif field.name == "in-reply-to":
        entry[field.name] = attributes.get("ref", "")
    else:
        entry.setdefault(field.name, field.text if field.name == "content" else field.text.strip())


def _kind(entry: _Entry) -> str:
    return str(entry.get("kind") or entry.get("type", "")).lower()


def _link(entry: _Entry, relation: str) -> str | None:
    return next((href for rel, href in entry["links"] if rel == relation), None)


def _comment(
    entry: _Entry, posts: PostStore, report: Report, blog: str | None
) -> ImportedComment | None:
    key = entry.get("parent") or entry.get("in-reply-to")
    post = posts.get(key) or ImportedPost(report.short(key))
    # Older backups name the answered comment at the end of an address.
    answered = entry.get("inReplyTo") or (_link(entry, "related") or "").rpartition("/")[2]
    return report.comment(
        entry.get("content"),
        _decision(entry),
        post=post,
        date=entry.get("published"),
        blog=blog,
        comment_id=_short_id(entry.get("id")),
        parent_id=_short_id(answered),
        author=entry.get("author.name"),
        author_url=entry.get("author.uri"),
        email=entry.get("author.email"),
    )


def _short_id(key: str | None) -> str | None:
    return (key or "").rpartition(".post-")[2] or None


def _decision(entry: _Entry) -> Decision:
    status = entry.get("status", "").upper()
    if entry.get("trashed"):
        return Decision(None, "none", "trash")
    if status == "SPAM":
        return Decision("spam", "filter", "spam")
    if status in ("", "LIVE"):
        return Decision("ham", "none", "published")
    return Decision(None, "none", "pending" if "PENDING" in status else "not published")
