"""Moderators' decisions, from the protocols and from the pages.

One transaction writes the decision and its correction to the journal and updates the
comment's row in the queue. When a method returns, every worker uses the correction.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa

from spamguard.comment import Comment, Post
from spamguard.errors import FeedbackError, ServerError
from spamguard.feedback import Decision, Journal, LabelInForce, share_step, stamp
from spamguard.server.filters import Filters
from spamguard.server.queries import Answer, Query, digest_of
from spamguard.server.recorder import DECIDED, Recorder, count, row_of
from spamguard.server.store import Site, tables


@dataclass(slots=True)
class Receipt:
    """A decision's entry, and whether the earlier answer agreed; None without answer or label."""

    entry: int = 0
    agreed: bool | None = None


class Feedback:
    """Takes decisions, undoes them, and forgets comments."""

    def __init__(
        self, journal: Journal, filters: Filters, recorder: Recorder, privacy: bool
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._filters = filters
        self._recorder = recorder
        self._privacy = privacy

    def correct(
        self, site: Site, query: Query, decision: Literal["spam", "ham"], by: str
    ) -> Receipt:
        """Record a decision about a comment that is sent with it.

        Raises ForgottenError for a forgotten comment, FeedbackError if nothing was stored.
        """
        digest = digest_of(self._database.key, query)
        self._recorder.flush_if_waiting(digest)
        # A comment without a verdict gets one, and a row in the queue's history.
        answer = self._filters.answer(site, query)
        return self._take(site, digest, decision, by, self._filters.under_post(site, query), answer)

    def decide(self, site: Site, comment: int, decision: Decision, by: str) -> Receipt:
        """Record a decision about a comment of the queue, by the number of its row.

        Raises ServerError if the site has no such comment or its text was not kept,
        FeedbackError if nothing was stored.
        """
        query = sa.select(tables.comments).where(
            tables.comments.c.id == comment, tables.comments.c.site == site.id
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            post = None
            if row is not None and row.post_key is not None:
                mine = (tables.posts.c.site == site.id) & (tables.posts.c.key == row.post_key)
                post = connection.execute(sa.select(tables.posts).where(mine)).first()
        if row is None:
            raise ServerError("this comment is not there any more; it may have been deleted.")
        if row.text is None:
            raise ServerError(
                "only a digest of this comment was kept; send it with the decision instead."
            )
        return self._take(site, row.digest, decision, by, _comment_of(row, post), None)

    def undo(self, site: Site, entry: int, by: str) -> int:
        """Undo a decision and return the number of the undo.

        Raises ServerError if the site has no such entry, FeedbackError if it is undone already.
        """
        found = next(self._journal.entries(site=site.name, after=entry - 1), None)
        if found is None or found.id != entry:
            raise ServerError(f"there is no entry {entry} of this site.")
        also = partial(_write_decision, site, found.comment_id)
        return self._filters.of(site).undo(entry, by=by, also=also)

    def forget(self, site: Site, guid: str, by: str) -> int:
        """Forget a comment and its copies: text, verdicts, decisions and corrections.

        Only the digest stays, so that the comment is not learned again. The file is
        rewritten. Returns the number of deleted rows; `guid` is the ``X-akismet-guid``.
        Raises ServerError if the site has no such comment, FeedbackError if the file
        cannot be rewritten now.
        """
        if not self._recorder.flush():
            raise FeedbackError("the database is not available; nothing was forgotten, try again.")
        this = (tables.comments.c.site == site.id) & (tables.comments.c.guid == guid)
        with self._database.reading() as connection:
            digest = connection.execute(sa.select(tables.comments.c.digest).where(this)).scalar()
        if digest is None:
            raise ServerError("no comment of this site has this guid.")
        gone = 0

        def delete(connection: sa.Connection, _: object = None) -> None:
            nonlocal gone
            mine = (tables.comments.c.site == site.id) & (tables.comments.c.digest == digest)
            gone = connection.execute(sa.delete(tables.comments).where(mine)).rowcount

        if next(self._journal.entries(site=site.name, comment_id=digest), None) is not None:
            self._filters.of(site).forget(digest, by=by, also=delete)
        else:
            with self._database.writing() as connection:
                delete(connection)
                note = self._database.must_scrub(connection)
            self._database.scrub(note)
        return gone

    def _take(
        self,
        site: Site,
        digest: str,
        decision: Decision,
        by: str,
        comment: Comment,
        answer: Answer | None,
    ) -> Receipt:
        receipt = Receipt()

        def write(connection: sa.Connection, standing: LabelInForce | None) -> None:
            row = _latest(connection, site, digest)
            if row is None and answer is not None:
                connection.execute(sa.insert(tables.comments).values(row_of(answer, self._privacy)))
            if row is not None and decision != "remove":
                receipt.agreed = row.answer == (decision == "spam")
                if not receipt.agreed and row.decision != decision:
                    wrong = "missed_spam" if decision == "spam" else "false_positives"
                    key = (site.id, row.at[:7], str(row.blog or ""))
                    count(connection, {key: Counter([wrong])})
            _write_decision(site, digest, connection, standing)

        receipt.entry = self._filters.of(site).correct(
            digest, decision, by=by, comment=comment, also=write
        )
        return receipt


def _latest(connection: sa.Connection, site: Site, digest: str) -> Any:
    """Return the latest answer about a comment."""
    query = sa.select(
        tables.comments.c.answer,
        tables.comments.c.decision,
        tables.comments.c.at,
        tables.comments.c.blog,
    )
    mine = (tables.comments.c.site == site.id) & (tables.comments.c.digest == digest)
    return connection.execute(
        query.where(mine).order_by(tables.comments.c.id.desc()).limit(1)
    ).first()


def _write_decision(
    site: Site, digest: str, connection: sa.Connection, standing: LabelInForce | None
) -> None:
    """Copy the current decision to the comment's row, and share its correction."""
    decided: dict[str, Any] = dict.fromkeys(DECIDED)
    if standing is not None:
        found = standing.correction
        decided = {
            "decision": found.decision, "decided_by": found.by,
            "decided_at": stamp(found.at or datetime.now(UTC)), "entry": standing.entry,
        }  # fmt: skip
    mine = (tables.comments.c.site == site.id) & (tables.comments.c.digest == digest)
    connection.execute(sa.update(tables.comments).where(mine).values(decided))
    # Read within the transaction: the site may have stopped sharing since the request came.
    if connection.execute(
        sa.select(tables.sites.c.gives).where(tables.sites.c.id == site.id)
    ).scalar():
        share_step(connection, site.name, digest)


def _comment_of(row: sa.Row[Any], post: sa.Row[Any] | None) -> Comment:
    found = None
    if post is not None:
        found = Post(post.title, post.text, post.url, post.author, post.date)
    elif row.permalink:
        found = Post(url=row.permalink)
    return Comment(row.text, row.author, row.author_url, row.date, found)
