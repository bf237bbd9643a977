"""Disqus exports: Admin, Setup, Export; an XML file that arrives by mail.

Disqus's filter or a moderator sets ``isSpam``; the file does not say which. If it is
never true, the forum was not moderated: "not spam" is then no decision, and nothing is
labelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.exports import open_export, read_text
from spamguard.importers.poststore import PostStore, post_store
from spamguard.importers.record import Decision, ImportedComment, ImportedPost, blog_of, post_key
from spamguard.importers.scanner import End, Shape, Start, scan
from spamguard.progress import Watch, ignore_progress

_SHAPE: Final = Shape(
    containers={
        "thread": ("", "post"), "post": ("",), "parent": ("post",), "author": ("post", "thread"),
        "category": ("", "thread"),
    },
    fields=frozenset(
        (
            *("id", "forum", "link", "title", "message", "createdAt", "isDeleted", "isSpam"),
            *("isApproved", "email", "name", "url", "ipAddress"),
        )
    ),
)  # fmt: skip
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_UNSORTED: Final = "isSpam is never true here"

_Record = dict[str, Any]


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments of a Disqus export. A first pass collects the threads."""
    with post_store() as threads:
        sorted_out = _collect(path, threads, watch)
        for record in _records(path, report, watch, "comments"):
            if record["is"] == "post":
                found = _comment(record, threads, sorted_out, report, blog)
                if found is not None:
                    yield found
    if not sorted_out:
        report.note(
            "No comment in this export is marked as spam, so the forum was probably not moderated, "
            "and its published comments are not labelled ham. If you know that they are ham, "
            "import the unlabelled file again: spamguard import jsonl FILE --label ham"
        )


def _collect(path: Path, threads: PostStore, watch: Watch) -> bool:
    """Store the threads; return whether any comment is marked as spam."""
    sorted_out = found = False
    silent = Report()  # the second pass reports
    for record in _records(path, silent, watch, "posts"):
        found = True
        if record["is"] == "post":
            sorted_out = sorted_out or _TRUTH.get(record.get("isSpam", "")) is True
        elif record.get("link") or record.get("title"):
            post = silent.post(
                post_key(record.get("link")) or record["key"], record.get("title"),
                record.get("message"), record.get("link"), record.get("createdAt"), True,
            )  # fmt: skip
            threads.put(record["key"], post)
    if not found:
        raise CorpusError(
            f"{path} is no Disqus export. In Disqus, choose Admin, Setup, Export, and unpack the file."
        )
    return sorted_out


def _records(path: Path, report: Report, watch: Watch, stage: str) -> Iterator[_Record]:
    """Yield threads and posts at the top level as dictionaries."""
    with open_export(path, watch, stage) as file:
        record: _Record | None = None
        inner = ""
        for event in scan(read_text(file, report), _SHAPE, report):
            if isinstance(event, Start):
                key = event.attributes.get("dsq:id", "")
                if event.name in ("post", "thread") and (event.name == "post" or record is None):
                    record, inner = {"is": event.name, "key": key}, ""
                elif record is not None:
                    inner = event.name
                    record[inner] = key
            elif isinstance(event, End):
                if event.name == inner:
                    inner = ""
                elif record is not None and event.name == record["is"]:
                    yield record
                    record = None
            elif record is not None:
                name = f"{inner}.{event.name}" if inner else event.name
                record.setdefault(name, event.text if name == "message" else event.text.strip())


def _comment(
    record: _Record, threads: PostStore, sorted_out: bool, report: Report, blog: str | None
) -> ImportedComment | None:
    key = record.get("thread")
    post = threads.get(key) or ImportedPost(report.short(key))
    spam = _TRUTH.get(record.get("isSpam", ""))
    return report.comment(
        record.get("message"),
        _decision(record, spam, sorted_out),
        post=post,
        date=record.get("createdAt"),
        utc=True,
        blog=blog or blog_of(post.url),
        filter_label="spam" if spam else "ham" if spam is False and sorted_out else None,
        comment_id=record["key"],
        parent_id=record.get("parent"),
        author=record.get("author.name"),
        author_url=record.get("author.url"),
        email=record.get("author.email"),
        ip=record.get("ipAddress"),
    )


def _decision(record: _Record, spam: bool | None, sorted_out: bool) -> Decision:
    if spam:
        return Decision("spam", "filter", "isSpam")
    if spam is None:
        return Decision(None, "none", "isSpam cannot be read")
    if _TRUTH.get(record.get("isDeleted", "")) is not False and "isDeleted" in record:
        return Decision(None, "none", "deleted")
    if _TRUTH.get(record.get("isApproved", "")) is False:
        return Decision(None, "none", "pending")
    if not sorted_out:
        return Decision(None, "none", _UNSORTED)
    return Decision("ham", "filter", "not isSpam")
