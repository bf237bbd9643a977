"""WordPress exports (WXR 1.0, 1.1 and 1.2): Tools, Export, in the blog's admin pages.

WordPress leaves out its spam folder, so this file mostly holds ham. Each post
precedes its comments, so only one post is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.exports import open_export, read_text
from spamguard.importers.record import ImportedComment, ImportedPost, blog_of
from spamguard.importers.scanner import End, Shape, Start, scan
from spamguard.importers.wordpress_status import (
    AKISMET_KEYS,
    akismet_label,
    decision_of,
    is_set,
    kind_of,
)
from spamguard.progress import Watch, ignore_progress

_COMMENT: Final = frozenset(
    f"wp:comment_{name}"
    for name in (
        *("id", "author", "author_email", "author_url", "author_IP", "date", "date_gmt"),
        *("content", "approved", "type", "parent"),
    )
)
_POST: Final = frozenset(
    ("title", "link", "content:encoded", "wp:post_id", "wp:post_date", "wp:post_date_gmt")
)
_SHAPE: Final = Shape(
    containers={
        "item": ("",), "wp:author": ("",),
        "wp:comment": ("item",), "wp:commentmeta": ("wp:comment",),
        "wp:postmeta": ("item",),
    },
    fields=_COMMENT | _POST | {"wp:meta_key", "wp:meta_value", "wp:base_blog_url", "wp:wxr_version"},
)  # fmt: skip


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments of a WordPress export."""
    with open_export(path, watch) as file:
        yield from _ItemReader(path, report, blog).comments(read_text(file, report))


class _ItemReader:
    def __init__(self, path: Path, report: Report, blog: str | None) -> None:
        self.path = path
        self.report = report
        self.blog = blog
        self.item: dict[str, str] = {}
        self.post: ImportedPost | None = None
        self.comment: dict[str, str] | None = None
        self.meta: dict[str, str] = {}
        self.key = ""
        self.seen = False

    def comments(self, chunks: Iterator[str]) -> Iterator[ImportedComment]:
        item = False
        for event in scan(chunks, _SHAPE, self.report):
            if isinstance(event, Start):
                if event.name in ("item", "wp:comment"):
                    yield from self._finished()
                if event.name == "item":
                    item, self.item, self.post = True, {}, None
                elif event.name == "wp:comment":
                    self.comment, self.meta, self.key = {}, {}, ""
            elif isinstance(event, End):
                if event.name == "wp:comment":
                    yield from self._finished()
                elif event.name == "item":
                    yield from self._finished()
                    item = False
            elif event.name in _COMMENT:
                if self._begins_without_its_tag(event.name):
                    yield from self._finished()
                    self.report.damage["comments whose first tag is missing"] += 1
                    self.comment, self.meta = {}, {}
                if self.comment is not None:
                    self.comment[event.name.removeprefix("wp:comment_")] = event.text
            elif event.name == "wp:meta_key":
                self.key = event.text.strip()
            elif event.name == "wp:meta_value":
                if self.comment is not None and self.key in AKISMET_KEYS:
                    self.meta[self.key] = event.text[:100]
                self.key = ""
            elif item:
                self.item.setdefault(event.name, event.text)
            elif event.name in ("wp:base_blog_url", "link") and self.blog is None:
                self.blog = blog_of(event.text)
            self.seen = self.seen or getattr(event, "name", "")[:3] == "wp:"
        yield from self._finished()
        if not self.seen:
            raise CorpusError(
                f"{self.path} is no WordPress export. In WordPress, choose Tools, Export, All content."
            )

    def _begins_without_its_tag(self, name: str) -> bool:
        # The id is the first field of a comment, so a second one begins another comment.
        return name == "wp:comment_id" and (self.comment is None or "id" in self.comment)

    def _finished(self) -> Iterator[ImportedComment]:
        fields, self.comment = self.comment, None
        if fields is None:
            return
        kind = kind_of(fields.get("type", "").strip())
        if kind is None:
            self.report.drop("no comment, but a note of another plugin")
            return
        gmt = fields.get("date_gmt", "").strip()
        utc = is_set(gmt)
        parent = fields.get("parent", "").strip()
        found = self.report.comment(
            fields.get("content"),
            decision_of(fields.get("approved"), self.meta),
            post=self._post(),
            kind=kind,
            date=gmt if utc else fields.get("date", "").strip(),
            utc=utc,
            blog=self.blog or blog_of(self.item.get("link")),
            filter_label=akismet_label(self.meta),
            comment_id=fields.get("id"),
            parent_id=None if parent == "0" else parent,
            author=fields.get("author"),
            author_url=fields.get("author_url"),
            email=fields.get("author_email"),
            ip=fields.get("author_IP"),
        )
        if found is not None:
            yield found

    def _post(self) -> ImportedPost:
        if self.post is None:
            item = self.item
            gmt = item.get("wp:post_date_gmt", "")
            utc = is_set(gmt)
            self.post = self.report.post(
                item.get("wp:post_id") or item.get("link"),
                item.get("title"),
                item.get("content:encoded"),
                item.get("link"),
                gmt if utc else item.get("wp:post_date"),
                utc,
            )
        return self.post
