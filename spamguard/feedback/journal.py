"""The journal: verdicts, corrections and undo go in; a corpus comes out."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa

from spamguard.comment import Comment, Post, as_comment
from spamguard.errors import FeedbackError, ForgottenError, InputError
from spamguard.feedback.database import Database, Texts
from spamguard.feedback.entries import (
    Correction,
    Decision,
    Entry,
    as_time,
    check_name,
    stamp,
    undone,
)
from spamguard.feedback.journal_tables import comments, entries, posts
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

_PAGE: Final = 100  # comments may be megabytes long: so many are in memory at a time
_TOGETHER: Final = 200  # corrections that share a transaction, and so a wait for the disk
_POSTS: Final = 100  # posts that are remembered from one row to the next
_MOST: Final = 2**63 - 1

_FACTS: Final = (
    *("decision", "undoes", "digest", "label", "spam_probability"),
    *("log_odds", "discard", "model", "language", "note"),
)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of many corrections: taken, there already, of forgotten comments.

    Parameters
    ----------
    taken : int
        Corrections that were entered.
    repeated : int
        Those that the journal had already.
    forgotten : int
        Those of forgotten comments, which are not kept.
    """

    taken: int
    repeated: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Parameters
    ----------
    entries : int
        Entries that are gone.
    copies : tuple of (str, str)
        Site and ``comment_id`` of other comments with the very same text, which
        are still there; at most 100.
    """

    entries: int
    copies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """How many comments have a decision in force, by what it is.

    Parameters
    ----------
    spam, ham : int
        Labels that `Journal.corpus` gives.
    remove : int
        Decisions that are no label.
    without_text : int
        Decided spam or ham, but the text is not in the journal: no label either.
    """

    spam: int = 0
    ham: int = 0
    remove: int = 0
    without_text: int = 0


class Journal:
    """An append-only journal of verdicts and of moderators' corrections.

    When a method returns, its entry is on the disk. Any number of threads and
    processes may write at the same time, each through a journal of its own or,
    within a process, through one that they share.

    Parameters
    ----------
    where : str or path
        A file such as ``feedback.db``; or, to share it among machines, a URL of
        SQLAlchemy such as ``postgresql+psycopg://user@host/database``; or
        ``env:NAME``, which reads either from a variable.
    create : bool
        Make the journal if it is not there.
    texts : {"all", "corrected", "none"} or None
        Whose texts a new journal keeps: of every comment, only of those that a
        moderator decided on, or of none at all. What is not kept is a keyed
        hash of the text, which tells copies and nothing else, and without a
        text there is no label to learn from. The journal remembers the choice;
        None takes it as it is, for a new one ``"all"``.
    wait : float
        Seconds to wait while another program has the journal locked.

    Raises
    ------
    FeedbackError
        If it cannot be opened, is damaged, or was written by a newer spamguard.
    InputError
        If an argument is none of these.
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
        """Where it is kept; `spamguard.server` has its tables there too."""
        return self._database

    @property
    def texts(self) -> str:
        """Whose texts this journal keeps."""
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
        """Keep a verdict that was asked for, and the comment that it is about.

        Earlier comments under the post (`Post.thread`) are not kept: they are
        entries of their own, and one that is forgotten must not live on there.

        Parameters
        ----------
        comment_id : str
            The site's own key of the comment.
        comment : Comment or str
            What was judged.
        verdict : Verdict
            What `score` said.
        post : Post, str or None
            What the comment answers, where the comment does not say.
        site, post_id : str
            As for `Correction`.

        Returns
        -------
        int
            Number of the entry.

        Raises
        ------
        InputError
            If a key is no text or empty, or `verdict` is no `Verdict`.
        ForgottenError
            If the comment was forgotten.
        FeedbackError
            If the entry cannot be written; nothing is kept of it then.
        """
        check_name("comment_id", comment_id)
        check_name("site", site, empty=True)
        if post_id is not None:
            check_name("post_id", post_id)
        if not isinstance(verdict, Verdict):
            raise InputError(f"a Verdict is needed, not {type(verdict).__name__}.")
        comment = as_comment(comment, post)
        with self._database.writing() as connection:
            self._refuse_forgotten(connection, site, comment_id)
            content = None
            if self._database.texts == "all":
                content = _content(connection, site, comment_id, comment, post_id)
            return _append(
                connection,
                kind="verdict",
                site=site,
                comment_id=comment_id,
                at=_now_after(connection, site, comment_id),
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
    ) -> int:
        """Keep what a moderator decided about a comment.

        A decision counts until a later one, or until it is undone. Given `at`,
        the same decision twice is one entry, so history may be read in again.

        Parameters
        ----------
        comment_id, decision, by, site, post_id, at
            As for `Correction`.
        comment : Comment, str or None
            The comment; None where the journal has it already.
        post : Post, str or None
            What the comment answers, where the comment does not say.

        Returns
        -------
        int
            Number of the entry.

        Raises
        ------
        InputError
            If a field is not as `Correction` wants it, or `post` comes without `comment`.
        ForgottenError
            If the comment was forgotten.
        FeedbackError
            If the entry cannot be written; nothing is kept of it then.
        """
        given = None if comment is None else as_comment(comment, post)
        if given is None and post is not None:
            raise InputError("post goes with comment; give both, or neither.")
        correction = Correction(comment_id, decision, by, given, site, post_id, at)
        with self._database.writing() as connection:
            self._refuse_forgotten(connection, site, comment_id)
            return self._correct(connection, correction)[0]

    def correct_many(self, corrections: Iterable[Correction]) -> Added:
        """Keep many corrections, faster than one by one.

        They are taken a few hundred at a time, each lot wholly or not at all.
        Those of forgotten comments are passed over and counted.

        Parameters
        ----------
        corrections : iterable of Correction
            Read as it goes; it need not fit into memory.

        Returns
        -------
        Added
            How many were taken.

        Raises
        ------
        InputError
            If one of them is no `Correction`; the lots before are kept.
        FeedbackError
            If they cannot be written; the lots before are kept.
        """
        taken = repeated = forgotten = 0
        rest = iter(corrections)
        while lot := list(itertools.islice(rest, _TOGETHER)):
            if wrong := next((c for c in lot if not isinstance(c, Correction)), None):
                raise InputError(f"a Correction is needed, not {type(wrong).__name__}.")
            new = old = gone = 0
            with self._database.writing() as connection:
                for correction in lot:
                    if _is_forgotten(connection, correction.site, correction.comment_id):
                        gone += 1
                    elif self._correct(connection, correction)[1]:
                        new += 1
                    else:
                        old += 1
            taken, repeated, forgotten = taken + new, repeated + old, forgotten + gone
        return Added(taken, repeated, forgotten)

    def _correct(self, connection: sa.Connection, correction: Correction) -> tuple[int, bool]:
        """Return the number of the correction's entry, and whether it is new."""
        site, comment_id = correction.site, correction.comment_id
        if correction.at is None:
            at = _now_after(connection, site, comment_id)
        else:
            at = stamp(correction.at)
            same = sa.select(entries.c.id).where(
                *_of(site, comment_id),
                entries.c.kind == "correction",
                entries.c.decision == correction.decision,
                entries.c.moderator == correction.by,
                entries.c.at == at,
            )
            if (number := connection.execute(same.limit(1)).scalar()) is not None:
                return number, False
        given, content, digest = correction.comment, None, None
        if given is not None:
            digest = self._digest(given.text)
        if given is not None and self._database.texts != "none":
            content = _content(connection, site, comment_id, given, correction.post_id)
        elif given is None:
            # The moderator saw what was known last.
            content = connection.execute(
                sa.select(sa.func.max(comments.c.id)).where(
                    comments.c.site == site, comments.c.comment_id == comment_id
                )
            ).scalar()
        number = _append(
            connection,
            kind="correction",
            site=site,
            comment_id=comment_id,
            at=at,
            moderator=correction.by,
            decision=correction.decision,
            content=content,
            digest=digest,
        )
        return number, True

    def undo(self, entry: int, *, by: str) -> int:
        """Take back an entry; it stays in the journal and no longer counts.

        An undo can be undone as well. What was forgotten cannot come back.

        Parameters
        ----------
        entry : int
            Number of the entry.
        by : str
            The moderator's account.

        Returns
        -------
        int
            Number of the undo.

        Raises
        ------
        InputError
            If `entry` is no number, or `by` no name.
        FeedbackError
            If there is no such entry, or it is undone already.
        """
        if not isinstance(entry, int) or isinstance(entry, bool):
            raise InputError(f"entry must be a number, not {type(entry).__name__}.")
        check_name("by", by)
        with self._database.writing() as connection:
            row = None
            if 0 < entry <= _MOST:
                row = connection.execute(sa.select(entries).where(entries.c.id == entry)).first()
            if row is None:
                raise FeedbackError(f"There is no entry {entry} in {self.name}; list them first.")
            if row.kind in ("forget", "retention"):
                raise FeedbackError(f"Entry {entry} forgot something, which cannot be undone.")
            pairs = sa.select(entries.c.id, entries.c.undoes).where(*_of(row.site, row.comment_id))
            former = undone((r.id, r.undoes) for r in connection.execute(pairs)).get(entry)
            if former is not None:
                raise FeedbackError(
                    f"Entry {entry} is undone already, by entry {former}; undo that to restore it."
                )
            return _append(
                connection,
                kind="undo",
                site=row.site,
                comment_id=row.comment_id,
                at=_now_after(connection, row.site, row.comment_id),
                moderator=by,
                undoes=entry,
            )

    def _digest(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return hmac.new(self._database.key, data, hashlib.sha256).hexdigest()

    def _refuse_forgotten(self, connection: sa.Connection, site: str, comment_id: str) -> None:
        if _is_forgotten(connection, site, comment_id):
            raise ForgottenError(
                "This comment was forgotten, so the journal keeps nothing more of it."
            )

    # --- forgetting ---------------------------------------------------------------

    def forget(self, comment_id: str, *, by: str, site: str = "") -> Forgotten:
        """Forget a comment: its text, its author, its verdicts and all decisions on it.

        What stays is that something of this `comment_id` was forgotten, when
        and by whom, so that no later import brings it back. The file is
        rewritten, so that the text is not in its bytes either. To repeat it
        does no harm, and finishes what was interrupted.

        Parameters
        ----------
        comment_id : str
            The site's own key of the comment.
        by : str
            The account of who forgets it.
        site : str
            Key of the site.

        Returns
        -------
        Forgotten
            What is gone, and which other comments have the same text.

        Raises
        ------
        FeedbackError
            If the journal knows no such comment, or it cannot be rewritten now.
        """
        check_name("comment_id", comment_id)
        check_name("by", by)
        check_name("site", site, empty=True)
        with self._database.writing() as connection:
            known = _is_forgotten(connection, site, comment_id)
            of_it = (*_of(site, comment_id), entries.c.kind != "forget")
            texts = sa.select(entries.c.digest).where(*of_it, entries.c.digest.is_not(None))
            digests = list(connection.execute(texts.distinct()).scalars())
            gone = connection.execute(sa.delete(entries).where(*of_it)).rowcount
            if not (gone or known):
                raise FeedbackError(
                    f"{self.name} knows no such comment; check its id, and the site's key."
                )
            contents = (comments.c.site == site, comments.c.comment_id == comment_id)
            connection.execute(sa.delete(comments).where(*contents))
            _delete_posts_of_nobody(connection)
            if not known:
                _append(
                    connection,
                    kind="forget",
                    site=site,
                    comment_id=comment_id,
                    at=stamp(datetime.now(UTC)),
                    moderator=by,
                )
            copies = _with_digest(connection, digests)
            note = self._database.must_scrub(connection)
        self._database.scrub(note)
        return Forgotten(gone, copies)

    def forget_before(
        self, before: date | datetime | str, *, by: str, site: str | None = None
    ) -> Forgotten:
        """Forget every comment of which nothing was heard since a date.

        A comment stays, whole, as long as one of its entries is younger.
        Unlike after `forget`, a comment that comes again is kept again.

        Parameters
        ----------
        before : date, datetime or str
            Entries from then on keep their comment; a string is ISO 8601.
        by : str
            The account of who forgets them.
        site : str or None
            Only those of this site.

        Returns
        -------
        Forgotten
            What is gone.

        Raises
        ------
        FeedbackError
            If it cannot be written, or the file not be rewritten now.
        """
        limit = as_time("before", before)
        check_name("by", by)
        if site is not None:
            check_name("site", site, empty=True)
        wanted = [] if site is None else [entries.c.site == site]
        lively = entries.alias()
        younger = sa.exists().where(
            lively.c.site == entries.c.site,
            lively.c.comment_id == entries.c.comment_id,
            lively.c.kind.not_in(("forget", "retention")),
            lively.c.at >= stamp(limit),
        )
        with self._database.writing() as connection:
            old = sa.delete(entries).where(
                *wanted, entries.c.kind.not_in(("forget", "retention")), ~younger
            )
            gone = connection.execute(old).rowcount
            mentioned = sa.exists().where(
                entries.c.site == comments.c.site, entries.c.comment_id == comments.c.comment_id
            )
            connection.execute(sa.delete(comments).where(~mentioned))
            _delete_posts_of_nobody(connection)
            if gone:
                _append(
                    connection,
                    kind="retention",
                    site=site or "",
                    comment_id="",
                    at=stamp(datetime.now(UTC)),
                    moderator=by,
                    note=f"{gone} entries before {limit:%Y-%m-%d %H:%M}",
                )
            note = self._database.must_scrub(connection)
        self._database.scrub(note)
        return Forgotten(gone)

    # --- reading ------------------------------------------------------------------

    def entries(
        self,
        *,
        site: str | None = None,
        comment_id: str | None = None,
        after: int = 0,
        last: int | None = None,
    ) -> Iterator[Entry]:
        """Yield the entries in their order.

        Parameters
        ----------
        site, comment_id : str or None
            Only those of this site, of this comment.
        after : int
            Only those with a higher number.
        last : int or None
            Only so many, the latest.

        Yields
        ------
        Entry
            Those undone, too; `Entry.undone_by` tells.
        """
        wanted = []
        if site is not None:
            wanted.append(entries.c.site == check_name("site", site, empty=True))
        if comment_id is not None:
            wanted.append(entries.c.comment_id == check_name("comment_id", comment_id))
        if last is not None:
            query = sa.select(entries.c.id).where(*wanted).order_by(entries.c.id.desc())
            with self._database.reading() as connection:
                bound = connection.execute(query.offset(max(0, last)).limit(1)).scalar()
            after = max(after, bound or 0)
        while True:
            with self._database.reading() as connection:
                query = sa.select(entries).where(*wanted, entries.c.id > after)
                page = connection.execute(query.order_by(entries.c.id).limit(_PAGE)).all()
                taken_back = _taken_back(connection, page)
            if not page:
                return
            yield from (_entry(row, taken_back.get(row.id)) for row in page)
            after = page[-1].id

    def decision(self, comment_id: str, *, site: str = "") -> tuple[int, Correction] | None:
        """Return the decision in force about a comment, and the number of its entry.

        Parameters
        ----------
        comment_id, site : str
            As for `Correction`.

        Returns
        -------
        tuple of int and Correction, or None
            None where nothing was decided, or all of it taken back. Its comment
            is None where the journal has not got the text.
        """
        check_name("comment_id", comment_id)
        check_name("site", site, empty=True)
        with self._database.reading() as connection:
            query = sa.select(entries.c.id, entries.c.kind).where(*_of(site, comment_id))
            found = connection.execute(query).all()
            corrections = [row.id for row in found if row.kind == "correction"]
            lot = _in_force(connection, corrections, max((row.id for row in found), default=0))
            if not lot:
                return None
            (row,) = lot
            content: Any = None
            post: Any = None
            if row.content is not None:
                query = sa.select(comments).where(comments.c.id == row.content)
                content = connection.execute(query).first()
            if content is not None and content.post is not None:
                post = connection.execute(
                    sa.select(posts).where(posts.c.id == content.post)
                ).first()
        return row.id, _correction(row, content, post)

    def summary(self, site: str | None = None) -> Summary:
        """Count the decisions in force, of all sites or of one.

        Parameters
        ----------
        site : str, optional
            Only of this site.

        Returns
        -------
        Summary
            Counts of comments and of entries.
        """
        found = {"spam": 0, "ham": 0, "remove": 0, "without_text": 0}
        for lot in self._decisions(site):
            for row in lot:
                label = row.decision != "remove"
                found["without_text" if label and row.content is None else row.decision] += 1
        return Summary(**found)

    def labels(self, site: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the labels in force, one row a comment, in the order of their entries.

        Rows are read as they are asked for, a hundred comments at a time. All
        are of the moment when the first is asked for, but for what is
        forgotten meanwhile.

        Parameters
        ----------
        site : str or None
            Only those of this site.

        Yields
        ------
        dict
            A row of a corpus, with ``decided_at`` and ``account``.
        """
        known: dict[int, sa.Row[Any]] = {}
        for lot in self._decisions(site):
            labelled = [row for row in lot if row.decision != "remove" and row.content is not None]
            with self._database.reading() as connection:
                query = sa.select(comments).where(
                    comments.c.id.in_([row.content for row in labelled])
                )
                contents = {row.id: row for row in connection.execute(query)}
                missing = {row.post for row in contents.values()} - known.keys() - {None}
                if len(known) + len(missing) > _POSTS:
                    known = {}
                    missing = {row.post for row in contents.values()} - {None}
                found = connection.execute(sa.select(posts).where(posts.c.id.in_(missing)))
                known |= {row.id: row for row in found}
            for row in labelled:
                # Between the two queries somebody may have forgotten it.
                if (content := contents.get(row.content)) is not None:
                    yield _label_row(row, content, known.get(content.post))

    def label(self, comment_id: str, *, site: str = "") -> dict[str, Any] | None:
        """Return the label in force of one comment, as a row of `labels`; None if it has none.

        Parameters
        ----------
        comment_id : str
            The site's own key of the comment.
        site : str
            Key of the site.

        Returns
        -------
        dict or None
            By the names of a corpus's columns.
        """
        check_name("comment_id", comment_id)
        check_name("site", site, empty=True)
        of_it = (*_of(site, comment_id), entries.c.kind == "correction")
        with self._database.reading() as connection:
            numbers = list(connection.execute(sa.select(entries.c.id).where(*of_it)).scalars())
            found = next(iter(_in_force(connection, numbers, _MOST)), None)
            if found is None or found.decision == "remove" or found.content is None:
                return None
            query = sa.select(comments).where(comments.c.id == found.content)
            content = connection.execute(query).one()
            post = connection.execute(sa.select(posts).where(posts.c.id == content.post)).first()
        return _label_row(found, content, post)

    def changed(self, after: int, *, site: str = "") -> tuple[int, list[str] | None]:
        """Return what may have another label since the entry `after`, to follow it cheaply.

        Parameters
        ----------
        after : int
            Number of the last entry that is known; 0 for none.
        site : str
            Key of the site.

        Returns
        -------
        (int, list of str or None)
            Number of the last entry there is, and the comments that were decided
            on since, in the order of the decisions; None where so many were
            forgotten at once that all labels have to be read again.
        """
        check_name("site", site, empty=True)
        with self._database.reading() as connection:
            top = connection.execute(sa.select(sa.func.max(entries.c.id))).scalar() or 0
            if top <= after:
                return max(top, after), []
            query = sa.select(entries.c.kind, entries.c.site, entries.c.comment_id).where(
                entries.c.kind.in_(("correction", "undo", "forget", "retention")),
                entries.c.id > after,
                entries.c.id <= top,
            )
            rows = connection.execute(query.order_by(entries.c.id)).all()
        if any(row.kind == "retention" and row.site in ("", site) for row in rows):
            return top, None
        # Of two decisions on one comment the later place counts.
        latest = dict.fromkeys(reversed([row.comment_id for row in rows if row.site == site]))
        return top, list(reversed(latest))

    def corpus(self, site: str | None = None, latest: int | None = None) -> pd.DataFrame:
        """Return the labels in force as a corpus to learn from.

        Parameters
        ----------
        site : str or None
            Only those of this site.
        latest : int or None
            Only so many, those decided last: the memory that it takes is then
            bounded, however long the journal is.

        Returns
        -------
        DataFrame
            A corpus, as from `spamguard.corpus.check_corpus`, with the further
            columns ``decided_at`` and ``account``. The column ``blog`` holds
            the site.
        """
        import pandas as pd

        from spamguard.corpus import check_corpus

        # Rows under one post share one string: a long post is kept in memory once.
        pool: dict[str, str] = {}
        rows: deque[dict[str, Any]] = deque(maxlen=latest)
        for row in self.labels(site):
            if latest is None:
                for name in ("post_title", "post_text"):
                    if row[name] is not None:
                        row[name] = pool.setdefault(row[name], row[name])
            rows.append(row)
        names = list(_label_names())
        frame = pd.DataFrame({n: [row[n] for row in rows] for n in names}, dtype=object)
        return check_corpus(frame, labelled=True)

    def _decisions(self, site: str | None) -> Iterator[list[sa.Row[Any]]]:
        """Yield the corrections in force, some at a time, in the order of their entries.

        Entries are only ever added, so those up to the last one of now are a
        picture of now, and no long transaction is needed to hold it still.
        """
        wanted = []
        if site is not None:
            wanted.append(entries.c.site == check_name("site", site, empty=True))
        wanted.append(entries.c.kind == "correction")
        with self._database.reading() as connection:
            top = connection.execute(sa.select(sa.func.max(entries.c.id))).scalar() or 0
        after = 0
        while after < top:
            with self._database.reading() as connection:
                query = sa.select(entries.c.id).where(
                    *wanted, entries.c.id > after, entries.c.id <= top
                )
                numbers = connection.execute(query.order_by(entries.c.id).limit(_PAGE)).scalars()
                page = list(numbers)
                if not page:
                    return
                lot = _in_force(connection, page, top)
            yield lot
            after = page[-1]


# --- one transaction's steps --------------------------------------------------------


def _of(site: str, comment_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return entries.c.site == site, entries.c.comment_id == comment_id


def _is_forgotten(connection: sa.Connection, site: str, comment_id: str) -> bool:
    query = sa.select(entries.c.id).where(*_of(site, comment_id), entries.c.kind == "forget")
    return connection.execute(query.limit(1)).first() is not None


def _now_after(connection: sa.Connection, site: str, comment_id: str) -> str:
    """Return the time: what is decided now is the latest, also where a clock was set back."""
    query = sa.select(sa.func.max(entries.c.at)).where(*_of(site, comment_id))
    return max(stamp(datetime.now(UTC)), connection.execute(query).scalar() or "")


def _append(connection: sa.Connection, **values: Any) -> int:
    return _insert(connection, entries, values)


def _insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> int:
    """Add a row and return its number."""
    key = connection.execute(sa.insert(table).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _content(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    comment: Comment,
    post_id: str | None,
) -> int:
    """Return the number of the row with this content; a new one only where it is new."""
    post, address = _post(connection, site, comment.post)
    values = {
        "text": comment.text,
        "author": comment.author,
        "author_url": comment.author_url,
        "date": _date(comment.date),
        "post": post,
        "post_id": post_id if post_id is not None else address,
    }
    query = sa.select(comments).where(comments.c.site == site, comments.c.comment_id == comment_id)
    for row in connection.execute(query.order_by(comments.c.id.desc())):
        if all(getattr(row, name) == value for name, value in values.items()):
            return int(row.id)
    return _insert(connection, comments, {"site": site, "comment_id": comment_id, **values})


def _post(connection: sa.Connection, site: str, post: Post | None) -> tuple[int | None, str | None]:
    """Return the number of the post's row, and a key of the post for want of the site's own."""
    if post is None:
        return None, None
    values = {
        "title": post.title,
        "text": post.text,
        "url": post.url,
        "author": post.author,
        "date": _date(post.date),
    }
    if not any(values.values()):
        return None, None
    digest = _sha256([site, *values.values()])
    query = sa.select(posts.c.id).where(posts.c.site == site, posts.c.digest == digest)
    number = connection.execute(query).scalar()
    if number is None:
        number = _insert(connection, posts, {"site": site, "digest": digest, **values})
    # An address may be longer than a name can be, and hold what a name cannot.
    key = f"url:{_sha256([post.url])[:24]}" if post.url else f"post:{digest[:24]}"
    return int(number), key


def _sha256(values: Sequence[str | None]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _date(value: datetime | str | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


def _delete_posts_of_nobody(connection: sa.Connection) -> None:
    answered = sa.exists().where(comments.c.post == posts.c.id)
    connection.execute(sa.delete(posts).where(~answered))


def _with_digest(connection: sa.Connection, digests: Sequence[str]) -> tuple[tuple[str, str], ...]:
    query = (
        sa.select(entries.c.site, entries.c.comment_id)
        .where(entries.c.digest.in_(digests))
        .distinct()
        .order_by(entries.c.site, entries.c.comment_id)
        .limit(100)
    )
    return tuple((row.site, row.comment_id) for row in connection.execute(query))


def _taken_back(connection: sa.Connection, page: Sequence[sa.Row[Any]]) -> dict[int, int]:
    """Return which entries of the page's comments are undone, each with its undo."""
    found: dict[int, int] = {}
    for site in {row.site for row in page}:
        names = {row.comment_id for row in page if row.site == site}
        query = sa.select(entries.c.id, entries.c.undoes).where(
            entries.c.kind == "undo", entries.c.site == site, entries.c.comment_id.in_(names)
        )
        found |= undone((row.id, row.undoes) for row in connection.execute(query))
    return found


def _in_force(connection: sa.Connection, page: Sequence[int], top: int) -> list[sa.Row[Any]]:
    """Return those corrections of the page that are their comment's decision."""
    named = (
        sa.select(entries.c.site, entries.c.comment_id)
        .where(entries.c.id.in_(page))
        .distinct()
        .subquery()
    )
    # A decision without its text may stand before the verdict that brings the text.
    first = (
        sa.select(sa.func.min(comments.c.id))
        .where(comments.c.site == entries.c.site, comments.c.comment_id == entries.c.comment_id)
        .scalar_subquery()
    )
    same = (entries.c.site == named.c.site) & (entries.c.comment_id == named.c.comment_id)
    query = (
        sa.select(
            *(entries.c[name] for name in ("id", "site", "comment_id", "at", "moderator")),
            entries.c.decision,
            entries.c.undoes,
            sa.func.coalesce(entries.c.content, first).label("content"),
        )
        .join(named, same)
        .where(entries.c.kind.in_(("correction", "undo")), entries.c.id <= top)
    )
    histories: dict[tuple[str, str], list[Any]] = {}
    for row in connection.execute(query):
        histories.setdefault((row.site, row.comment_id), []).append(row)
    chosen = (_decision(history) for history in histories.values())
    here = set(page)
    return sorted(
        (row for row in chosen if row is not None and row.id in here), key=lambda row: row.id
    )


def _decision(history: Sequence[sa.Row[Any]]) -> sa.Row[Any] | None:
    """Return the correction that counts: the latest one that is not undone."""
    back = undone((row.id, row.undoes) for row in history)
    standing = [row for row in history if row.decision is not None and row.id not in back]
    return max(standing, key=lambda row: (row.at, row.id), default=None)


# --- rows -> what is handed out ------------------------------------------------------


def _entry(row: sa.Row[Any], undone_by: int | None) -> Entry:
    return Entry(
        id=row.id,
        kind=row.kind,
        site=row.site,
        comment_id=row.comment_id,
        at=datetime.fromisoformat(row.at),
        by=row.moderator,
        undone_by=undone_by,
        **{name: getattr(row, name) for name in _FACTS},
    )


def _correction(
    decision: sa.Row[Any], content: sa.Row[Any] | None, post: sa.Row[Any] | None
) -> Correction:
    comment = None
    if content is not None:
        under = None
        if post is not None:
            under = Post(post.title, post.text, post.url, post.author, post.date)
        comment = Comment(content.text, content.author, content.author_url, content.date, under)
    return Correction(
        decision.comment_id,
        decision.decision,
        decision.moderator,
        comment,
        decision.site,
        None if content is None else content.post_id,
        datetime.fromisoformat(decision.at),
    )


def _label_names() -> tuple[str, ...]:
    return (
        *("blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
        *("post_title", "post_text", "post_url", "post_author", "decided_at", "account"),
    )


def _label_row(
    decision: sa.Row[Any], content: sa.Row[Any], post: sa.Row[Any] | None
) -> dict[str, Any]:
    return {
        "blog": decision.site or None,
        "comment_id": decision.comment_id,
        "post_id": content.post_id,
        "text": content.text,
        "author": content.author,
        "author_url": content.author_url,
        "date": content.date,
        "label": decision.decision,
        "post_title": None if post is None else post.title,
        "post_text": None if post is None else post.text,
        "post_url": None if post is None else post.url,
        "post_author": None if post is None else post.author,
        "decided_at": decision.at,
        "account": decision.moderator,
    }
