"""What moderators decide: into the journal, into the site's weights, and beside the comment.

When a method returns, all of it is on the disk, and the next request to any worker
is judged by it. The order is that of the promise: the journal first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from spamguard.comment import Comment, Post
from spamguard.errors import ServerError
from spamguard.feedback import Decision, Journal, stamp
from spamguard.model import SpamModel
from spamguard.server.judging import Asked, Judge, digest_of
from spamguard.server.models import Models
from spamguard.server.recorder import DECIDED, Recorder, count, row_of
from spamguard.server.store import POOL, Site, put_lesson
from spamguard.server.store.server_tables import comments, lessons, posts, sites
from spamguard.training import SiteWeights


@dataclass(frozen=True, slots=True)
class Taught:
    """What became of a decision.

    Parameters
    ----------
    entry : int
        Its number in the journal, by which it can be undone.
    digest : str
        The comment's name, in the journal too.
    agreed : bool or None
        Whether the blog had been told the same; None where it was not asked
        about, or nothing was taught.
    """

    entry: int
    digest: str
    agreed: bool | None


class Teacher:
    """Takes decisions from the protocols and from the pages alike."""

    def __init__(
        self, journal: Journal, models: Models, judge: Judge, recorder: Recorder, privacy: bool
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._models = models
        self._judge = judge
        self._recorder = recorder
        self._privacy = privacy

    def correct(
        self, site: Site, asked: Asked, decision: Literal["spam", "ham"], by: str
    ) -> Taught:
        """Take what was decided about a comment that is sent along.

        Raises
        ------
        ForgottenError
            If the comment was forgotten.
        FeedbackError
            If it cannot be kept; then nothing was acknowledged.
        """
        digest = digest_of(self._database.key, asked)
        self._recorder.flush_if_waiting(digest)
        return self._take(site, digest, decision, by, self._judge.with_post(site, asked), asked)

    def decide(self, site: Site, comment: int, decision: Decision, by: str) -> Taught:
        """Take what was decided about a comment of the queue, by the number of its row.

        Raises
        ------
        ServerError
            If there is no such comment of this site, or in privacy mode: there
            is nothing left of it to learn from.
        FeedbackError
            If it cannot be kept; then nothing was acknowledged.
        """
        query = sa.select(comments).where(comments.c.id == comment, comments.c.site == site.id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            post = None
            if row is not None and row.post_key is not None:
                mine = (posts.c.site == site.id) & (posts.c.key == row.post_key)
                post = connection.execute(sa.select(posts).where(mine)).first()
        if row is None:
            raise ServerError("this comment is not there any more; it may have been deleted.")
        if row.text is None:
            raise ServerError(
                "only a digest of this comment was kept; send it with the decision instead."
            )
        return self._take(site, row.digest, decision, by, _comment_of(row, post), None)

    def undo(self, site: Site, entry: int, by: str) -> int:
        """Take a decision back and return the number of the undo; what counts then is told by the journal.

        Raises
        ------
        FeedbackError
            If there is no such entry, or it is undone already.
        """
        found = next(self._journal.entries(site=site.name, after=entry - 1), None)
        if found is None or found.id != entry:
            raise ServerError(f"there is no entry {entry} of this site.")
        number = self._journal.undo(entry, by=by)
        self._restore(site, found.comment_id)
        return number

    def forget(self, site: Site, guid: str, by: str) -> int:
        """Forget a comment and its copies: text, verdicts, decisions, and what they taught.

        What stays is that something under its digest was forgotten, so that it
        is not learned again. The file is rewritten.

        Parameters
        ----------
        site : Site
        guid : str
            What ``X-akismet-guid`` said of it.
        by : str
            The account of who forgets it.

        Returns
        -------
        int
            Rows that are gone.

        Raises
        ------
        ServerError
            If no comment of this site has that guid.
        FeedbackError
            If it cannot be written, or the file not be rewritten now.
        """
        self._recorder.flush()
        this = (comments.c.site == site.id) & (comments.c.guid == guid)
        with self._database.reading() as connection:
            digest = connection.execute(sa.select(comments.c.digest).where(this)).scalar()
        if digest is None:
            raise ServerError("no comment of this site has this guid.")
        # The row that leads from the guid to the rest goes last: what is interrupted can be repeated.
        if next(self._journal.entries(site=site.name, comment_id=digest), None) is not None:
            self._journal.forget(digest, by=by, site=site.name)
        mine = (comments.c.site == site.id) & (comments.c.digest == digest)
        known = sa.select(lessons.c.key).where(lessons.c.site == site.id, lessons.c.key == digest)
        with self._database.writing() as connection:
            if connection.execute(known).first() is not None:
                self._learn(connection, site, digest, None)
            gone = connection.execute(sa.delete(comments).where(mine)).rowcount
            note = self._database.must_scrub(connection)
        self._database.scrub(note)
        return int(gone)

    # --- steps --------------------------------------------------------------------

    def _take(
        self,
        site: Site,
        digest: str,
        decision: Decision,
        by: str,
        comment: Comment,
        asked: Asked | None,
    ) -> Taught:
        entry = self._journal.correct(digest, decision, by=by, comment=comment, site=site.name)
        lesson = self._lesson(site, comment, decision, digest)
        decided = {
            "decision": decision, "decided_by": by, "decided_at": stamp(datetime.now(UTC)),
            "entry": entry,
        }  # fmt: skip
        # What was never asked about is judged now, so that it stands in the queue's history.
        judged = None if asked is None else self._judge.judge(site, asked)
        mine = (comments.c.site == site.id) & (comments.c.digest == digest)
        with self._database.writing() as connection:
            self._learn(connection, site, digest, lesson)
            latest = sa.select(
                comments.c.answer, comments.c.decision, comments.c.at, comments.c.blog
            )
            row = connection.execute(
                latest.where(mine).order_by(comments.c.id.desc()).limit(1)
            ).first()
            connection.execute(sa.update(comments).where(mine).values(decided))
            if row is None and judged is not None:
                values = row_of(judged, self._privacy) | decided
                connection.execute(sa.insert(comments).values(values))
            agreed = None
            if row is not None and decision != "remove":
                agreed = row.answer == (decision == "spam")
                if not agreed and row.decision != decision:
                    wrong = "missed_spam" if decision == "spam" else "false_positives"
                    key = (site.id, row.at[:7], str(row.blog or ""))
                    count(connection, {key: Counter([wrong])})
        in_force = self._journal.decision(digest, site=site.name)
        if in_force is None or in_force[0] != entry:
            self._restore(site, digest, comment)  # another was decided meanwhile
        return Taught(entry, digest, agreed)

    def _lesson(self, site: Site, comment: Comment, decision: str, digest: str) -> bytes | None:
        return (
            None if decision == "remove" else lesson_of(self._models.of(site.id), comment, decision)
        )

    def _learn(
        self, connection: sa.Connection, site: Site, digest: str, lesson: bytes | None
    ) -> None:
        put_lesson(connection, site.id, digest, lesson)
        gives = connection.execute(sa.select(sites.c.gives).where(sites.c.id == site.id)).scalar()
        if gives:
            pool = connection.execute(
                sa.select(sites.c.id).where(sites.c.name == POOL)
            ).scalar_one()
            put_lesson(connection, pool, f"{site.id}:{digest[:48]}", lesson)

    def _restore(self, site: Site, digest: str, comment: Comment | None = None) -> None:
        """Make the site's weights and the comment's row say what the journal says now.

        Who writes them last has looked into the journal afterwards, so that of
        two who decide at once none is undone by the other.
        """
        mine = (comments.c.site == site.id) & (comments.c.digest == digest)
        found = self._journal.decision(digest, site=site.name)
        while True:
            lesson = None
            decided: dict[str, Any] = dict.fromkeys(DECIDED)
            if found is not None:
                entry, correction = found
                decided = {
                    "decision": correction.decision, "decided_by": correction.by,
                    "decided_at": stamp(correction.at or datetime.now(UTC)), "entry": entry,
                }  # fmt: skip
                said = correction.comment or comment
                if said is not None:
                    lesson = self._lesson(site, said, correction.decision, digest)
            with self._database.writing() as connection:
                self._learn(connection, site, digest, lesson)
                connection.execute(sa.update(comments).where(mine).values(decided))
            before, found = found, self._journal.decision(digest, site=site.name)
            if (found and found[0]) == (before and before[0]):
                return


def lesson_of(base: SpamModel, comment: Comment, label: Any) -> bytes:
    """Return what one comment teaches, as `SiteWeights.take` reads it."""
    weights = SiteWeights()
    return weights.packed(weights.learn(base, comment, label))


def _comment_of(row: sa.Row[Any], post: sa.Row[Any] | None) -> Comment:
    found = None
    if post is not None:
        found = Post(post.title, post.text, post.url, post.author, post.date)
    elif row.permalink:
        found = Post(url=row.permalink)
    return Comment(row.text, row.author, row.author_url, row.date, found)
