"""An importer's records: a comment, its post, and the decision on it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

__all__ = ["Decision", "ImportedComment", "ImportedPost"]

Label = Literal["ham", "spam"]
DecidedBy = Literal["owner", "filter", "none"]
Kind = Literal["comment", "pingback", "trackback", "webmention"]

PRIVATE: Final = ("email", "ip")
"""Fields that are left out by default."""

_CAMPAIGN: Final = re.compile(r"(?:^|&)(?:utm_[a-z]{1,20}|fbclid|gclid)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a comment is spam, and the source of that decision.

    Parameters
    ----------
    label : str or None
        ``ham``, ``spam``, or None if the source does not say.
    by : str
        ``owner``, ``filter``, or ``none`` if unknown.
    source : str
        The mark in the source, such as ``akismet_user_result`` or ``pending``.
    """

    label: Label | None
    by: DecidedBy
    source: str


@dataclass(frozen=True, slots=True)
class ImportedPost:
    """The post of a comment; a field missing in the source is None.

    `post_id` is unique within the blog; `date` is ISO 8601.
    """

    post_id: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedComment:
    """A comment of a blog's history, with all its source says about it.

    Parameters
    ----------
    text : str
        The body as the source keeps it, never empty.
    kind : str
        ``comment``, or ``pingback``, ``trackback``, ``webmention``.
    comment_id, parent_id : str or None
        Its id in the source, and that of the comment it answers.
    date : str or None
        ISO 8601.
    email, ip : str or None
        Written to a file only on request.
    blog : str or None
        The blog's host name, if the source has it.
    filter_label : str or None
        The verdict of a spam filter, even if the owner decided otherwise.
    """

    text: str
    decision: Decision
    kind: Kind = "comment"
    comment_id: str | None = None
    parent_id: str | None = None
    author: str | None = None
    author_url: str | None = None
    date: str | None = None
    email: str | None = field(default=None, repr=False)
    ip: str | None = field(default=None, repr=False)
    post: ImportedPost = ImportedPost()
    blog: str | None = None
    filter_label: Label | None = None

    def row(self, keep: Collection[str] = ()) -> dict[str, str | None]:
        """Return a row of a corpus; `keep` names private fields to include (``email``, ``ip``)."""
        every = {
            "blog": self.blog,
            "comment_id": self.comment_id,
            "parent_id": self.parent_id,
            "post_id": self.post.post_id,
            "text": self.text,
            "author": self.author,
            "author_url": self.author_url,
            "date": self.date,
            "post_title": self.post.title,
            "post_text": self.post.text,
            "post_url": self.post.url,
            "post_date": self.post.date,
            "kind": self.kind,
            "filter_label": self.filter_label,
            **{name: getattr(self, name) for name in PRIVATE if name in keep},
        }
        known = {name: value for name, value in every.items() if value is not None}
        decided = {"label": self.decision.label, "label_by": self.decision.by}
        return known | decided | {"label_source": self.decision.source}


def blog_of(url: str | None) -> str | None:
    """Return the host of an address without ``www.``, or None.

    Examples
    --------
    >>> blog_of("https://www.blog.example/2024/"), blog_of("/2024/")
    ('blog.example', None)
    """
    try:
        host = urlsplit((url or "").strip()).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def post_key(url: str | None) -> str | None:
    """Return a key that all addresses of one post share, or None for no address.

    A move to https or a newsletter's tracking link must not split a post.

    Examples
    --------
    >>> post_key("http://www.Blog.example/oven/#more"), post_key("https://blog.example/oven?utm_source=x")
    ('blog.example/oven', 'blog.example/oven')
    """
    url = (url or "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url[:2_000])
    except ValueError:
        return url[:2_000]
    query = _CAMPAIGN.sub("", parts.query).strip("&")
    path = parts.path.rstrip("/") or "/"
    host = parts.netloc.rpartition("@")[2].lower().removeprefix("www.")
    return f"{host}{path}" + (f"?{query}" if query else "")
