"""A site's query about a comment, and the answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from spamguard.comment import Comment
from spamguard.feedback import stamp
from spamguard.server.store import RegisteredPost, Site, key_of
from spamguard.verdict import Reason, Verdict

Cause = Literal["model", "administrator", "honeypot", "test"]


@dataclass(frozen=True, slots=True)
class Query:
    """A comment and the facts sent with it, in any protocol.

    Parameters
    ----------
    comment : Comment
        Without its post.
    permalink, blog : str or None
        Address of the post and of the site.
    kind : str or None
        ``comment``, ``contact-form`` and so on.
    post : RegisteredPost or None
        The post, if the site sent it.
    ruling : bool or None
        The answer, if the protocol and not the model decides.
    cause : str
        What decides.
    is_test : bool
        Nothing is kept and nothing is learned.
    again : bool
        The answer replaces an earlier one about the same comment.
    story : str or None
        Hash of the key that the site gave the post.
    """

    comment: Comment
    permalink: str | None = None
    blog: str | None = None
    kind: str | None = None
    post: RegisteredPost | None = None
    ruling: bool | None = None
    cause: Cause = "model"
    is_test: bool = False
    again: bool = False
    story: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query; without a verdict, the protocol decided."""

    site: Site
    query: Query
    guid: str
    digest: str
    is_spam: bool
    discard: bool
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    at: str = field(default_factory=lambda: stamp(datetime.now(UTC)))


def digest_of(key: bytes, query: Query) -> str:
    """Return a key for a comment without one: a keyed hash of all its fields."""
    comment = query.comment
    post = key_of(query.permalink) if query.permalink else None
    sent = json.dumps([post, comment.author, comment.author_url, comment.text])
    return hmac.new(key, sent.encode(), hashlib.sha256).hexdigest()
