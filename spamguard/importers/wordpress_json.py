"""WordPress comments as JSON: from its REST API, or from ``wp comment list``.

Unlike the blog's own export, both include spam: ask for every status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.jsonstream import read_values
from spamguard.importers.poststore import PostStore, post_store
from spamguard.importers.record import ImportedComment, ImportedPost, blog_of
from spamguard.importers.wordpress_status import (
    AKISMET_KEYS,
    akismet_label,
    decision_of,
    is_set,
    kind_of,
)
from spamguard.progress import Watch, ignore_progress

# The names in WP-CLI and in the REST API.
_FIELDS: Final = {
    "comment_id": ("comment_ID", "id"),
    "parent_id": ("comment_parent", "parent"),
    "author": ("comment_author", "author_name"),
    "author_url": ("comment_author_url", "author_url"),
    "email": ("comment_author_email", "author_email"),
    "ip": ("comment_author_IP", "author_ip"),
}
_HOW: Final = (
    "Ask for every field: wp comment list --format=json --status=all "
    "--fields=comment_ID,comment_post_ID,comment_author,comment_author_url,comment_date_gmt,"
    "comment_content,comment_approved,comment_type,comment_parent"
)


def read(
    path: Path,
    report: Report,
    watch: Watch = ignore_progress,
    blog: str | None = None,
    posts: Path | None = None,
) -> Iterator[ImportedComment]:
    """Yield the comments of a JSON file, one array or several.

    `posts` is a file of posts, from the REST API's ``/posts`` or ``wp post list``.
    """
    seen = False
    with post_store() as store:
        if posts is not None:
            _collect(posts, store, watch)
        for value in read_values(path, report, watch):
            if not isinstance(value, dict):
                report.lose("no comment, but another JSON value")
            elif _content(value) is None:
                report.lose("without its text")
            else:
                seen = True
                found = _comment(value, store, report, blog)
                if found is not None:
                    yield found
    if not seen:
        raise CorpusError(f"{path} holds no comments of WordPress with their text. {_HOW}")


def _collect(path: Path, store: PostStore, watch: Watch) -> None:
    silent = Report()
    for value in read_values(path, silent, watch):
        if isinstance(value, dict):
            key = silent.short(_first(value, ("ID", "id")))
            gmt = _first(value, ("post_date_gmt", "date_gmt"))
            post = silent.post(
                key, _rendered(_first(value, ("post_title", "title"))),
                _rendered(_first(value, ("post_content", "content"))),
                _first(value, ("url", "link", "guid")), gmt, True,
            )  # fmt: skip
            if key:
                store.put(key, post)


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _rendered(value: Any) -> Any:
    """Return the raw text of a field if it has one, else the rendered text."""
    return (value.get("raw") or value.get("rendered")) if isinstance(value, dict) else value


def _content(value: Mapping[str, Any]) -> Any:
    return _rendered(_first(value, ("comment_content", "content")))


def _comment(
    value: dict[str, Any], store: PostStore, report: Report, blog: str | None
) -> ImportedComment | None:
    kind = kind_of(_first(value, ("comment_type", "type")))
    if kind is None:
        report.drop("no comment, but a note of another plugin")
        return None
    meta = _meta(value)
    key = report.short(_first(value, ("comment_post_ID", "post")))
    post = store.get(key) or ImportedPost(key)
    gmt = _first(value, ("comment_date_gmt", "date_gmt"))
    utc = is_set(gmt)
    fields = {name: _first(value, names) for name, names in _FIELDS.items()}
    if str(fields["parent_id"]) == "0":
        fields["parent_id"] = None
    return report.comment(
        _content(value),
        decision_of(_first(value, ("comment_approved", "status")), meta),
        post=post,
        kind=kind,
        date=gmt if utc else _first(value, ("comment_date", "date")),
        utc=utc,
        blog=blog or blog_of(value.get("link") if isinstance(value.get("link"), str) else post.url),
        filter_label=akismet_label(meta),
        **fields,
    )


def _meta(value: Mapping[str, Any]) -> dict[str, str]:
    """Return what Akismet recorded, beside the comment or under ``meta``."""
    below = value.get("meta")
    places = (value, below if isinstance(below, dict) else {})
    found: dict[str, str] = {}
    for key in AKISMET_KEYS:
        for place in places:
            given = place.get(key)
            given = given[-1] if isinstance(given, list) and given else given
            if isinstance(given, str | bool):
                found[key] = str(given).lower()
    return found
