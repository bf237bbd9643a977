"""Remark42's backup, compressed or not: one JSON object on each line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.jsonstream import read_values
from spamguard.importers.record import Decision, ImportedComment, blog_of, post_key
from spamguard.progress import Watch, ignore_progress


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments of a Remark42 backup: all ham, since deleted ones are empty."""
    seen = False
    for value in read_values(path, report, watch):
        if not isinstance(value, dict):
            report.lose("no comment, but another JSON value")
        elif isinstance(value.get("locator"), dict):
            seen = True
            found = _comment(value, report, blog)
            if found is not None:
                yield found
        elif "version" in value and ("users" in value or "posts" in value):
            seen = True  # the head of the file
        else:
            report.lose("no comment of Remark42")
    if not seen:
        raise CorpusError(
            f"{path} is no Remark42 backup. Make one with: remark42 backup --site=YOUR_SITE"
        )


def _comment(value: dict[str, Any], report: Report, blog: str | None) -> ImportedComment | None:
    user = value.get("user")
    user = user if isinstance(user, dict) else {}
    url = report.short(value["locator"].get("url"))
    return report.comment(
        # The author's own text has no markup.
        value.get("orig") or value.get("text"),
        _decision(value, user),
        post=report.post(post_key(url), value.get("title"), None, url),
        date=value.get("time"),
        blog=blog or blog_of(url),
        comment_id=value.get("id"),
        parent_id=value.get("pid"),
        author=user.get("name"),
        ip=user.get("ip"),
    )


def _decision(value: dict[str, Any], user: dict[str, Any]) -> Decision:
    if value.get("delete"):
        return Decision(None, "none", "deleted")
    if user.get("admin"):
        return Decision("ham", "owner", "written by the owner")
    return Decision("ham", "none", "published")
