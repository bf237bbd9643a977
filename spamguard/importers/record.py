"""What an importer yields: a comment, its post, and who decided that it is spam or not."""

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
"""Fields that are left out unless somebody asks for them."""

_CAMPAIGN: Final = re.compile(r"(?:^|&)(?:utm_[a-z]{1,20}|fbclid|gclid)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a comment is spam, who says so, and where that was read.

    Parameters
    ----------
    label : str or None
        ``ham``, ``spam``, or None where the source does not tell.
    by : str
        ``owner``, ``filter``, or ``none`` where nobody is known to have decided.
    source : str
        The mark that was read, such as ``akismet_user_result`` or ``pending``.
    """

    label: Label | None
    by: DecidedBy
    source: str


@dataclass(frozen=True, slots=True)
class ImportedPost:
    """The post under which a comment stands; what the source does not know is None.

    Parameters
    ----------
    post_id : str, optional
        The same for all comments under it, and for no other post of the blog.
    title, text : str, optional
        As they were published.
    url : str, optional
        Its address.
    date : str, optional
        ISO 8601.
    """

    post_id: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedComment:
    """A comment of a blog's history, with all that its source knows about it.

    Parameters
    ----------
    text : str
        The body as the source keeps it, never empty.
    decision : Decision
        Its label and whose word that is.
    kind : str
        ``comment``, or ``pingback``, ``trackback``, ``webmention``.
    comment_id, parent_id : str or None
        Its key in the source, and that of the comment it answers.
    author, author_url, date : str or None
        What the visitor gave; the date is ISO 8601.
    email, ip : str or None
        Written to a file only where asked for.
    post : ImportedPost
        What it stands under.
    blog : str or None
        The blog, as its host name where the source tells.
    filter_label : str or None
        What a spam filter said, whoever decided in the end.
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
        """Return it as a row of a corpus, without what is private unless named in `keep`."""
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


def host_of(url: str | None) -> str | None:
    """Return the host of an address without ``www.``, or None.

    Examples
    --------
    >>> host_of("https://www.blog.example/2024/"), host_of("/2024/")
    ('blog.example', None)
    """
    try:
        host = urlsplit((url or "").strip()).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def post_key(url: str | None) -> str | None:
    """Return what the addresses of one post have in common, or None for no address.

    A blog that moved to https, or a reader who came from a newsletter, gives a
    post a second address; its comments still belong together.

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
