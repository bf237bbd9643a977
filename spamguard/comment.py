"""The input: a comment and its post."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from spamguard.errors import InputError

__all__ = ["Comment", "Post"]


def _check_text(given: object, name: str, required: bool = False) -> None:
    """Check a field that must be text; one of a subclass of `str`, such as numpy's, becomes plain."""
    value = getattr(given, name)
    if type(value) is str or (value is None and not required):
        return
    if isinstance(value, str):
        object.__setattr__(given, name, str.__str__(value))
        return
    owner = type(given).__name__
    wanted = "a string" if required else "a string or None"
    raise InputError(f"{owner}.{name} must be {wanted}, not {type(value).__name__}.")


def _check_date(owner: str, value: object) -> None:
    if value is not None and not isinstance(value, str | datetime):
        raise InputError(
            f"{owner}.date must be a datetime, an ISO 8601 string or None, not {type(value).__name__}."
        )


@dataclass(frozen=True, slots=True)
class Post:
    """A blog post (or page, video, question) with comments.

    Every field is optional. A field that is None counts neither for nor against a comment.

    Parameters
    ----------
    title, text : str or None
        Headline and body; plain text, HTML, Markdown or BBCode.
    url : str or None
        Address of the post. Links to its host are not promotion.
    author : str or None
        The post's author, whose own comments are not promotion.
    date : datetime, str or None
        When the post appeared; strings are ISO 8601.
    thread : iterable of str or Comment, or None
        Earlier comments under the post, oldest first.

    Raises
    ------
    InputError
        If a field has the wrong type (also a ``TypeError``).
    """

    title: str | None = None
    text: str | None = None
    url: str | None = None
    author: str | None = None
    date: datetime | str | None = None
    thread: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("title", "text", "url", "author"):
            _check_text(self, name)
        _check_date("Post", self.date)
        given = () if self.thread is None else self.thread
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise InputError(
                "Post.thread must be a list of the earlier comments' texts or None, "
                f"not {type(given).__name__}."
            )
        texts = [t.text if isinstance(t, Comment) else t for t in given]
        wrong = [t for t in texts if not isinstance(t, str)]
        if wrong:
            raise InputError(f"Post.thread[...] must be a string, not {type(wrong[0]).__name__}.")
        object.__setattr__(self, "thread", tuple(map(str.__str__, texts)))


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the visitor sent it.

    Parameters
    ----------
    text : str
        The body: plain text, HTML, Markdown or BBCode; any length, also empty.
    author, author_url : str or None
        The visitor's name and web address.
    date : datetime, str or None
        When it was sent; strings are ISO 8601.
    post : Post, str or None
        The post, or its text.

    Raises
    ------
    InputError
        If a field has the wrong type (also a ``TypeError``).
    """

    text: str
    author: str | None = None
    author_url: str | None = None
    date: datetime | str | None = None
    post: Post | None = None

    def __post_init__(self) -> None:
        _check_text(self, "text", required=True)
        for name in ("author", "author_url"):
            _check_text(self, name)
        _check_date("Comment", self.date)
        object.__setattr__(self, "post", as_post(self.post))


def as_post(post: Post | str | None) -> Post | None:
    """Return `post` as a `Post`; a string is the post's text."""
    if post is None or isinstance(post, Post):
        return post
    if isinstance(post, str):
        return Post(text=post)
    raise InputError(f"post must be a Post, a string or None, not {type(post).__name__}.")


def as_comment(comment: Comment | str, post: Post | str | None = None) -> Comment:
    """Return `comment` as a `Comment` under `post`, by default its own."""
    if isinstance(comment, str):
        return Comment(comment, post=as_post(post))
    if not isinstance(comment, Comment):
        raise InputError(
            f"a comment must be a string or a spamguard.Comment, not {type(comment).__name__}."
        )
    if post is None:
        return comment
    return Comment(comment.text, comment.author, comment.author_url, comment.date, as_post(post))
