"""Each site's filter, a `spamguard.feedback.Site`, and its answers."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import Final

from spamguard import feedback
from spamguard.comment import Comment
from spamguard.errors import FeedbackError
from spamguard.model import SpamModel
from spamguard.server.models import Models
from spamguard.server.queries import Answer, Query, digest_of
from spamguard.server.store import Posts, RegisteredPost, Site
from spamguard.verdict import Reason

REASONS: Final = 8
"""Reasons to keep and show per verdict."""

_SITES: Final = 64  # in memory; each takes as much as a model's n-grams, a megabyte
_EVIDENCE: Final = 160
_ROUND: Final = 4


class Filters:
    """The filters of all sites; the most recently used stay in memory."""

    def __init__(self, journal: feedback.Journal, models: Models, posts: Posts) -> None:
        self._journal = journal
        self._models = models
        self._posts = posts
        self._lock = threading.Lock()
        self._sites: OrderedDict[int, feedback.Site] = OrderedDict()

    def of(self, site: Site) -> feedback.Site:
        """Return the filter of a site."""
        with self._lock:
            if site.id not in self._sites:
                model = partial(self._models.of, site.id)
                self._sites[site.id] = feedback.Site(self._journal, name=site.name, model=model)
            self._sites.move_to_end(site.id)
            while len(self._sites) > _SITES:
                self._sites.popitem(last=False)
            return self._sites[site.id]

    def model_of(self, site: Site) -> SpamModel:
        """Return the current model of a site.

        The site's row has the number of its last step, so the database is read only after
        another process has learned something.
        """
        return self.of(site).model(
            last=site.sequence,
            last_shared=site.pool_sequence if site.takes else 0,
            unsure_cut=site.unsure_cut,
            spam_cut=site.spam_cut,
        )

    def under_post(self, site: Site, query: Query) -> Comment:
        """Return the comment with its post, if the post is known and can be read."""
        post = query.post
        if post is None:
            with suppress(FeedbackError):
                post = self._posts.get(site.id, query.permalink)
        if post is None and query.permalink:
            # At least its address is known: links to it are no promotion.
            post = RegisteredPost(query.permalink)
        comment = query.comment
        if post is None:
            return comment
        return Comment(
            comment.text, comment.author, comment.author_url, comment.date, post.as_post()
        )

    def answer(self, site: Site, query: Query) -> Answer:
        """Answer a query: by the rules of its protocol, or by the model."""
        guid, digest = secrets.token_hex(16), digest_of(self._journal.database.key, query)
        if query.ruling is not None:
            return Answer(site, query, guid, digest, query.ruling, False)
        verdict = self.model_of(site).verdict(self.under_post(site, query))
        is_spam = verdict.is_spam or (verdict.label == "unsure" and site.unsure_is_spam)
        reasons = tuple(
            Reason(r.feature, round(r.contribution, _ROUND), r.evidence[:_EVIDENCE])
            for r in verdict.strongest(REASONS)
        )
        return Answer(site, query, guid, digest, is_spam, verdict.discard, verdict, reasons)
