"""The journal: verdicts, corrections and undos in, labels out."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa

from spamguard.comment import Comment, Post, as_comment
from spamguard.errors import ForgottenError, InputError
from spamguard.feedback.database import Database, Texts
from spamguard.feedback.entries import (
    Correction,
    Decision,
    Entry,
    Erasure,
    ImportCount,
    Summary,
    as_time,
    check_name,
)
from spamguard.feedback.erasure import erase_before, erase_comment
from spamguard.feedback.journal_rows import (
    append_correction,
    append_entry,
    append_undo,
    is_forgotten,
    now_after,
    put_comment,
    read_entries,
)
from spamguard.feedback.journal_tables import entries
from spamguard.feedback.labels import (
    LabelInForce,
    corpus_of,
    read_decisions,
    read_labels,
    standing_of,
)
from spamguard.feedback.steps import Learner, mark_due, put_step, settle_step
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

_TOGETHER: Final = 200  # corrections per transaction, so per wait for the disk

Companion = Callable[[sa.Connection, LabelInForce | None], None]
"""Called in the transaction of an entry, with the decision then in force."""


class Journal:
    """An append-only journal of verdicts and moderators' corrections.

    When a method returns, its entry is on disk. Any number of threads and processes may
    write at the same time.

    Parameters
    ----------
    where : str or path
        A file such as ``feedback.db``; an SQLAlchemy URL, to share the journal among
        machines, such as ``postgresql+psycopg://user@host/database``; or ``env:NAME``,
        for an environment variable with either.
    create : bool
        Create the journal if it does not exist.
    texts : {"all", "corrected", "none"} or None
        Which texts a new journal keeps: those of all comments, of corrected comments, or
        none. It keeps a keyed hash of the others, which finds copies but is no label for
        `corpus`. None is the choice of the existing journal, or ``"all"``.
    wait : float
        Seconds to wait while another program locks the journal.

    Raises
    ------
    FeedbackError
        If it cannot be opened, is damaged, or comes from a newer spamguard.
    InputError
        If an argument is wrong.
    """

    def __init__(
        self,
        where: str | os.PathLike[str],
        *,
        create: bool = True,
        texts: Texts | None = None,
        wait: float = 30.0,
    ) -> None:
        self._database = Database(where, create, texts, wait)
        self._database.finish_scrub()

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        return self._database.name

    @property
    def database(self) -> Database:
        """The journal's database, which `spamguard.server` shares."""
        return self._database

    @property
    def texts(self) -> str:
        """Which texts this journal keeps."""
        return self._database.texts

    def close(self) -> None:
        """Close the journal's connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- writing ------------------------------------------------------------------

    def record(
        self,
        comment_id: str,
        comment: Comment | str,
        verdict: Verdict,
        post: Post | str | None = None,
        *,
        site: str = "",
        post_id: str | None = None,
    ) -> int:
        """Keep a verdict and its comment; return the number of the entry.

        `post` is needed if the comment does not have it; the keys are as in `Correction`.
        `Post.thread` is not kept: a comment must be forgotten everywhere.

        Raises
        ------
        InputError
            If a key is not text or empty, or `verdict` is no `Verdict`.
        ForgottenError
            If the comment was forgotten.
        FeedbackError
            If the entry cannot be written; then nothing is kept.
        """
        check_name("comment_id", comment_id)
        check_name("site", site, empty=True)
        if post_id is not None:
            check_name("post_id", post_id)
        if not isinstance(verdict, Verdict):
            raise InputError(f"a Verdict is needed, not {type(verdict).__name__}.")
        comment = as_comment(comment, post)
        with self._database.writing() as connection:
            _refuse_forgotten(connection, site, comment_id)
            content = None
            if self._database.texts == "all":
                content, new = put_comment(connection, site, comment_id, comment, post_id)
                if new:
                    mark_due(connection, site, comment_id)
            return append_entry(
                connection,
                kind="verdict",
                site=site,
                comment_id=comment_id,
                at=now_after(connection, site, comment_id),
                moderator="",
                content=content,
                digest=self._digest(comment.text),
                label=verdict.label,
                spam_probability=float(verdict.spam_probability),
                log_odds=float(verdict.log_odds),
                discard=bool(verdict.discard),
                model=verdict.model,
                language=verdict.language,
            )

    def correct(
        self,
        comment_id: str,
        decision: Decision,
        *,
        by: str,
        comment: Comment | str | None = None,
        post: Post | str | None = None,
        site: str = "",
        post_id: str | None = None,
        at: datetime | None = None,
        learn: Learner | None = None,
        also: Companion | None = None,
    ) -> int:
        """Keep a moderator's decision about a comment; return the number of the entry.

        It counts until a later decision or an undo. With `at`, the same decision is kept
        only once, so that history can be imported repeatedly.

        Parameters
        ----------
        comment_id, decision, by, comment, site, post_id, at
            As in `Correction`.
        post : Post, str or None
            The post, if the comment does not have it.
        learn : callable or None
            Turns the comment and its label into a step of the site's weights, written with
            the entry. By default the next `Site` that scores comments learns it.
        also : callable or None
            Called within the transaction.

        Raises
        ------
        InputError
            If a field is wrong, or `post` comes without `comment`.
        ForgottenError
            If the comment was forgotten.
        FeedbackError
            If the entry cannot be written; then nothing is kept.
        """
        given = None if comment is None else as_comment(comment, post)
        if given is None and post is not None:
            raise InputError("post goes with comment; pass both or neither.")
        correction = Correction(comment_id, decision, by, given, site, post_id, at)
        with self._database.writing() as connection:
            _refuse_forgotten(connection, site, comment_id)
            number, new = self._append(connection, correction)
            if new:
                _settle(connection, site, comment_id, correction, learn, also)
            return number

    def correct_many(self, corrections: Iterable[Correction]) -> ImportCount:
        """Keep many corrections, a few hundred per transaction; return how many are new.

        They are read one by one, so they need not fit into memory. Erasure comments are
        skipped and counted. The next `Site` that scores comments learns the corrections.

        Raises InputError if one is no `Correction`, and FeedbackError if they cannot be written;
        earlier transactions are kept.
        """
        taken = repeated = forgotten = 0
        rest = iter(corrections)
        while batch := list(itertools.islice(rest, _TOGETHER)):
            if wrong := next((c for c in batch if not isinstance(c, Correction)), None):
                raise InputError(f"a Correction is needed, not {type(wrong).__name__}.")
            new = old = gone = 0
            with self._database.writing() as connection:
                for correction in batch:
                    if is_forgotten(connection, correction.site, correction.comment_id):
                        gone += 1
                    elif self._append(connection, correction)[1]:
                        put_step(connection, correction.site, correction.comment_id, due=True)
                        new += 1
                    else:
                        old += 1
            taken, repeated, forgotten = taken + new, repeated + old, forgotten + gone
        return ImportCount(taken, repeated, forgotten)

    def undo(
        self,
        entry: int,
        *,
        by: str,
        site: str | None = None,
        learn: Learner | None = None,
        also: Companion | None = None,
    ) -> int:
        """Undo an entry, which stays in the journal but no longer counts; return the undo's number.

        An undo can be undone too. A forgotten comment cannot come back. `learn` and `also`
        are as in `correct`, for the decision that counts afterwards.

        Raises InputError if `entry` is no number or `by` no name, and FeedbackError if there is
        no such entry, or of `site` if that is given, or it is undone already.
        """
        if not isinstance(entry, int) or isinstance(entry, bool):
            raise InputError(f"entry must be a number, not {type(entry).__name__}.")
        check_name("by", by)
        with self._database.writing() as connection:
            number, row = append_undo(connection, entry, by, self.name, site)
            _settle(connection, row.site, row.comment_id, None, learn, also)
            return number

    def _append(self, connection: sa.Connection, correction: Correction) -> tuple[int, bool]:
        """Return the number of the correction's entry, and whether it is new."""
        given = correction.comment
        digest = None if given is None else self._digest(given.text)
        return append_correction(connection, correction, digest, self._database.texts != "none")

    def _digest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return hmac.new(self._database.key, data, hashlib.sha256).hexdigest()

    # --- forgetting ---------------------------------------------------------------

    def forget(
        self, comment_id: str, *, by: str, site: str = "", also: Companion | None = None
    ) -> Erasure:
        """Forget a comment: its text, author, verdicts, decisions and their effect on the weights.

        The journal keeps only that this `comment_id` was forgotten, when and by whom, so that
        no import brings it back. The file is rewritten, so its bytes are gone too. A second
        call is harmless, and finishes an interrupted one. `also` is called within the
        transaction.

        Raises FeedbackError if the journal has no such comment, or cannot be rewritten now.
        """
        check_name("comment_id", comment_id)
        check_name("by", by)
        check_name("site", site, empty=True)
        with self._database.writing() as connection:
            found = erase_comment(connection, site, comment_id, by, self.name)
            if also is not None:
                also(connection, None)
            note = self._database.must_scrub(connection)
        self._database.scrub(note)
        return found

    def forget_before(
        self, before: date | datetime | str, *, by: str, site: str | None = None
    ) -> Erasure:
        """Forget every comment without an entry since a date (strings are ISO 8601).

        Unlike after `forget`, a comment that comes again is kept again. `by` is the account of
        the person who forgets them. Raises FeedbackError if the journal cannot be written now.
        """
        limit = as_time("before", before)
        check_name("by", by)
        if site is not None:
            check_name("site", site, empty=True)
        return erase_before(self._database, limit, by, site)

    # --- reading ------------------------------------------------------------------

    def entries(
        self,
        *,
        site: str | None = None,
        comment_id: str | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> Iterator[Entry]:
        """Yield the entries in order, undone ones too.

        `after` is the number of the last entry to skip; with `last`, only that many of the
        latest are read.
        """
        wanted = []
        if site is not None:
            wanted.append(entries.c.site == check_name("site", site, empty=True))
        if comment_id is not None:
            wanted.append(entries.c.comment_id == check_name("comment_id", comment_id))
        yield from read_entries(self._database, wanted, after, last)

    def decision(self, comment_id: str, *, site: str = "") -> tuple[int, Correction] | None:
        """Return the entry number and the decision in force about a comment; None without one.

        The comment is None if the journal does not have its text.
        """
        check_name("comment_id", comment_id)
        check_name("site", site, empty=True)
        with self._database.reading() as connection:
            found = standing_of(connection, site, comment_id)
        return None if found is None else (found.entry, found.correction)

    def summary(self, site: str | None = None) -> Summary:
        """Count the decisions in force, of all sites or of one."""
        if site is not None:
            check_name("site", site, empty=True)
        found = {"spam": 0, "ham": 0, "remove": 0, "without_text": 0}
        for page in read_decisions(self._database, site):
            for row in page:
                is_label = row.decision != "remove"
                found["without_text" if is_label and row.content is None else row.decision] += 1
        return Summary(**found)

    def labels(self, site: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the labels in force as rows of a corpus, with ``decided_at`` and ``account``.

        A hundred comments are in memory at a time. The labels are those at the first row,
        without comments forgotten since.
        """
        if site is not None:
            check_name("site", site, empty=True)
        yield from read_labels(self._database, site)

    def corpus(self, site: str | None = None, latest: int | None = None) -> pd.DataFrame:
        """Return the labels in force, or the `latest` of them, as a training corpus.

        It is like that of `spamguard.corpus.check_corpus`, with the columns ``decided_at`` and
        ``account``; ``blog`` is the site. `latest` bounds the memory.
        """
        return corpus_of(self.labels(site), latest)


def _refuse_forgotten(connection: sa.Connection, site: str, comment_id: str) -> None:
    if is_forgotten(connection, site, comment_id):
        raise ForgottenError("This comment was forgotten, so the journal keeps nothing of it.")


def _settle(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    given: Correction | None,
    learn: Learner | None,
    also: Companion | None,
) -> None:
    """Write the consequences of a new entry: the step, and the caller's own data."""
    standing = None
    if learn is not None or also is not None:
        standing = standing_of(connection, site, comment_id, given)
    if learn is None:
        put_step(connection, site, comment_id, due=True)
    else:
        settle_step(connection, site, comment_id, standing, learn)
    if also is not None:
        also(connection, standing)
