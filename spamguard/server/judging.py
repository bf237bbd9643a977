"""A comment that a site asks about becomes an answer: by the rules of the protocol, or by the model."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from spamguard.comment import Comment
from spamguard.errors import FeedbackError
from spamguard.feedback import stamp
from spamguard.server.store import Posts, Registered, Site, key_of
from spamguard.server.weights import Weights
from spamguard.verdict import Reason, Verdict

Cause = Literal["model", "administrator", "honeypot", "test"]

REASONS: Final = 8
"""Of a verdict, so many reasons are kept and told."""
_EVIDENCE: Final = 160
_ROUND: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What a site sent, whatever the protocol.

    Parameters
    ----------
    comment : Comment
        Without its post.
    permalink, blog : str or None
        Address of the post and of the site.
    kind : str or None
        ``comment``, ``contact-form`` and so on.
    post : Registered or None
        The post, where the site sent it along.
    ruling : bool or None
        The answer, where the protocol and not the model decides.
    cause : str
        Why.
    is_test : bool
        Nothing is kept and nothing learned.
    again : bool
        Asked about before; it takes the place of the former answer.
    story : str or None
        Hash of a backend's name for the post.
    """

    comment: Comment
    permalink: str | None = None
    blog: str | None = None
    kind: str | None = None
    post: Registered | None = None
    ruling: bool | None = None
    cause: Cause = "model"
    is_test: bool = False
    again: bool = False
    story: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to what was asked, and why."""

    site: Site
    asked: Asked
    guid: str
    digest: str
    is_spam: bool
    discard: bool
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    at: str = field(default_factory=lambda: stamp(datetime.now(UTC)))


def digest_of(key: bytes, asked: Asked) -> str:
    """Return the name of a comment that has no id: a keyed hash of all that the site said of it."""
    comment = asked.comment
    post = key_of(asked.permalink) if asked.permalink else None
    said = json.dumps([post, comment.author, comment.author_url, comment.text])
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


class Judge:
    """Answers for all sites.

    Parameters
    ----------
    key : bytes
        Of the digests.
    posts : Posts
    weights : Weights
    """

    def __init__(self, key: bytes, posts: Posts, weights: Weights) -> None:
        self._key = key
        self._posts = posts
        self._weights = weights

    def with_post(self, site: Site, asked: Asked) -> Comment:
        """Return the comment under its post, as far as that is known.

        Where the database cannot be read, that of the post is not.
        """
        post = asked.post
        if post is None:
            with suppress(FeedbackError):
                post = self._posts.get(site.id, asked.permalink)
        if post is None and asked.permalink:
            # Its own address is known still: links to it are no promotion.
            post = Registered(asked.permalink)
        return asked.comment if post is None else _under(asked.comment, post)

    def judge(self, site: Site, asked: Asked) -> Judged:
        """Judge a comment."""
        guid, digest = secrets.token_hex(16), digest_of(self._key, asked)
        if asked.ruling is not None:
            return Judged(site, asked, guid, digest, asked.ruling, False)
        verdict = self._weights.model_for(site).verdict(self.with_post(site, asked))
        is_spam = verdict.is_spam or (verdict.label == "unsure" and site.unsure_is_spam)
        reasons = tuple(
            Reason(r.feature, round(r.contribution, _ROUND), r.evidence[:_EVIDENCE])
            for r in verdict.strongest(REASONS)
        )
        return Judged(site, asked, guid, digest, is_spam, verdict.discard, verdict, reasons)


def _under(comment: Comment, post: Registered) -> Comment:
    return Comment(comment.text, comment.author, comment.author_url, comment.date, post.as_post())
