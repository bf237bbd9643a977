"""A site's filter, which scores comments and learns from corrections at once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from spamguard.comment import Comment, Post, as_comment
from spamguard.errors import FeedbackError, ForgottenError, InputError, ModelFormatError
from spamguard.feedback.entries import Correction, Decision, ImportCount, check_name
from spamguard.feedback.steps import last_step, learn_due, read_steps, relearn
from spamguard.model import Cuts, SpamModel
from spamguard.scoring import model_of
from spamguard.training import SiteWeights, pack_step
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    import sqlalchemy as sa

    from spamguard.feedback.database import Database
    from spamguard.feedback.journal import Companion, Journal
    from spamguard.feedback.labels import LabelInForce

_log: Final = logging.getLogger("spamguard")

_RETRY_AFTER: Final = 5.0
"""Seconds until corrections that could not be learned are tried again."""


class Site:
    """A site's filter: a model, a journal, and the corrections of its moderators.

    Threads and forked processes may share it. A correction counts in every process from
    the next comment on. The journal is opened at the first call.

    Parameters
    ----------
    journal : str, path or Journal
        A file, an SQLAlchemy URL or ``env:NAME``; created if it does not exist.
    name : str
        Key of the site, if several share the journal.
    model : SpamModel, str, path or callable
        The model to start from; a callable returns the current one.
    own_model : str, path or None
        Directory that ``spamguard retrain -o`` writes. Once it exists, its model replaces
        `model`; it is read again whenever it changes.
    hold : {"unsure", "spam"}
        Comments with this label or a worse one wait for a moderator.

    Raises
    ------
    InputError
        If an argument is wrong.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | Journal,
        *,
        name: str = "",
        model: SpamModel | str | os.PathLike[str] | Callable[[], SpamModel] = "default",
        own_model: str | os.PathLike[str] | None = None,
        hold: Literal["unsure", "spam"] = "unsure",
    ) -> None:
        if hold not in ("unsure", "spam"):
            raise InputError('hold must be "unsure" or "spam".')
        self.name = check_name("name", name, empty=True)
        self.hold = hold
        self._journal = journal
        self._opening = threading.Lock()
        self._model = model
        self._own_model = None if own_model is None else Path(own_model)
        self._damaged: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._base: SpamModel | None = None
        self._own = _Memory(name)
        self._pool = _Memory(name, shared=True)
        self._made_for: tuple[object, ...] = ()
        self._made: SpamModel | None = None

    @property
    def journal(self) -> Journal:
        """The journal, opened on first use; FeedbackError if that fails."""
        from spamguard.feedback.journal import Journal

        if not isinstance(self._journal, Journal):
            with self._opening:
                if not isinstance(self._journal, Journal):
                    self._journal = Journal(self._journal)
        return self._journal

    def close(self) -> None:
        """Close the journal's connections; the next call opens it again."""
        from spamguard.feedback.journal import Journal

        if isinstance(self._journal, Journal):
            self._journal.close()

    # --- scoring ------------------------------------------------------------------

    def check(
        self, comment: Comment | str, comment_id: str | int | None = None, post: Post | None = None
    ) -> Verdict:
        """Return the verdict, with all corrections so far, and keep it if there is a `comment_id`.

        Parameters
        ----------
        comment : Comment or str
        comment_id : str, int or None
            The site's key of the comment; None if it has none yet.
        post : Post or None
            The post, if the comment does not have it.

        Raises
        ------
        FeedbackError
            If the journal cannot be opened. A failure to write is only logged.
        """
        comment = as_comment(comment, post)
        verdict = self.model().verdict(comment)
        if comment_id is not None:
            self.record(comment_id, comment, verdict)
        return verdict

    def record(self, comment_id: str | int, comment: Comment, verdict: Verdict) -> None:
        """Keep a verdict; an error is logged."""
        try:
            self.journal.record(str(comment_id), comment, verdict, site=self.name)
        except ForgottenError:
            pass  # a forgotten comment must leave no trace
        except FeedbackError as error:
            _log.error("A verdict was returned but not kept: %s", error)

    def holds(self, verdict: Verdict | str) -> bool:
        """Return whether a comment with this verdict or label waits for a moderator."""
        return (verdict if isinstance(verdict, str) else verdict.label) in ("spam", self.hold)

    # --- learning -----------------------------------------------------------------

    def correct(
        self,
        comment_id: str | int,
        decision: Decision,
        *,
        by: str,
        comment: Comment | str | None = None,
        also: Companion | None = None,
    ) -> int:
        """Keep a moderator's decision and learn it in one transaction; return the entry's number.

        Parameters
        ----------
        comment_id : str or int
            The site's key of the comment.
        decision : {"spam", "ham", "remove"}
            ``"remove"`` takes a comment away without a label.
        by : str
            The moderator's account.
        comment : Comment, str or None
            The comment; None if it was checked with its key.
        also : callable or None
            As in `Journal.correct`.

        Raises
        ------
        FeedbackError
            If it could not be kept; then nothing is learned.
        """
        key = str(comment_id)
        label: LabelInForce | None = None

        def note(connection: sa.Connection, in_force: LabelInForce | None) -> None:
            nonlocal label
            label = in_force
            if also is not None:
                also(connection, in_force)

        entry = self.journal.correct(
            key, decision, by=by, comment=comment, site=self.name, learn=self._learn, also=note
        )
        if decision != "remove" and label is not None and label.correction.comment is None:
            _log.warning("A decision was kept but not learned: its comment is unknown.")
        return entry

    def undo(self, entry: int, *, by: str, also: Companion | None = None) -> int:
        """Undo this site's decision with this entry number, and unlearn it; return the undo's number."""
        return self.journal.undo(entry, by=by, site=self.name, learn=self._learn, also=also)

    def forget(self, comment_id: str | int, *, by: str, also: Companion | None = None) -> None:
        """Forget a comment, as `Journal.forget` does."""
        self.journal.forget(str(comment_id), by=by, site=self.name, also=also)

    def import_history(self, corrections: Iterable[Correction]) -> ImportCount:
        """Keep many earlier decisions; the next verdict includes the latest few thousand.

        Corrections of other sites are entered under this site's name.
        """
        return self.journal.correct_many(replace(each, site=self.name) for each in corrections)

    def _learn(self, comment: Comment, label: Literal["spam", "ham"]) -> bytes:
        return pack_step(self._find_base(), comment, label)

    # --- the model ------------------------------------------------------------------

    def model(
        self,
        *,
        last: int | None = None,
        last_shared: int = 0,
        unsure_cut: float | None = None,
        spam_cut: float | None = None,
    ) -> SpamModel:
        """Return the model with all corrections so far; it does not change later.

        Parameters
        ----------
        last : int or None
            Number of the site's last step, if the caller has just read it.
        last_shared : int
            Number of the last step that sites share; 0 uses no shared steps.
        unsure_cut, spam_cut : float or None
            The site's own decision thresholds in log-odds.
        """
        database = self.journal.database
        with self._lock:
            base = self._find_base()
            again = base is not self._base
            self._base = base
            try:
                if last is None:
                    last = last_step(database, self.name)
                facts = (last, last_shared, unsure_cut, spam_cut)
                if (
                    self._made is None
                    or again
                    or facts != self._made_for
                    or self._own.waiting is not None
                ):
                    self._made = self._make(base, *facts)
                    self._made_for = facts
            except FeedbackError as error:
                _log.error("The latest corrections could not be read: %s", error)
                self._made_for = ()
                if again or self._made is None:  # the previous one has another base
                    return base
            return self._made

    def _make(
        self, base: SpamModel, last: int, last_shared: int, unsure: float | None, spam: float | None
    ) -> SpamModel:
        model, database = base, self.journal.database
        if last_shared:
            model = self._pool.follow(database, base, last_shared).applied_to(model)
        own = self._own.follow(database, base, last, self._learn)
        model = own.applied_to(model)
        return replace(model, cuts=_cuts(model.cuts, unsure, spam))

    def _find_base(self) -> SpamModel:
        """Return the site's own model unless it is missing or damaged, else the one to start from."""
        try:
            found = (self._own_model / "model.json").stat() if self._own_model else None
        except OSError:
            found = None
        if self._own_model is None or found is None:
            return self._first_model()
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._damaged:
            try:
                return model_of(self._own_model)
            except (ModelFormatError, LookupError, OSError) as error:
                self._damaged = stamp  # logged once, and ignored until it is replaced
                _log.error("The previous model stays in use: %s", error)
        return self._first_model() if self._base is None else self._base

    def _first_model(self) -> SpamModel:
        if callable(self._model) and not isinstance(self._model, SpamModel):
            return self._model()
        return model_of(self._model)


@dataclass(slots=True)
class _Memory:
    """The steps read by this process: the site's own, or those that other sites share."""

    site: str
    shared: bool = False
    base: SpamModel | None = None
    last: int = 0
    weights: SiteWeights = field(default_factory=SiteWeights)
    # Comments to learn again; [] for only those due, None for none.
    waiting: list[str] | None = None
    again_at: float = 0.0

    def follow(
        self,
        database: Database,
        base: SpamModel,
        last: int,
        learn: Callable[[Comment, Literal["spam", "ham"]], bytes] | None = None,
    ) -> SiteWeights:
        """Return the weights with all steps up to `last`, after learning due comments."""
        if self.base is not base:
            # Steps must be computed again for another model.
            self.weights, self.last = SiteWeights(), 0
        if self.last < last or self.base is not base:
            found = self._read_steps(database, base)
            self.base, self.waiting = base, self.waiting if found is None else found
        if learn is not None and self.waiting is not None and monotonic() >= self.again_at:
            try:
                relearn(database, self.site, self.waiting)
                learn_due(database, self.site, learn)
                self._read_steps(database, base)
                self.waiting = None
            except FeedbackError as error:
                # A locked journal must not make every comment wait for it.
                self.again_at = monotonic() + _RETRY_AFTER
                _log.error("Some corrections are not learned yet: %s", error)
        return self.weights

    def _read_steps(self, database: Database, base: SpamModel) -> list[str] | None:
        """Read new steps; return the comments to learn again, None if nothing is due."""
        page = read_steps(database, self.site, self.last, self.shared)
        if page.whole:
            self.weights = SiteWeights()
        stale = []
        try:
            self.weights.take(base, page.rows)
        except ModelFormatError:
            for row in page.rows:
                try:
                    self.weights.take(base, [row])
                except ModelFormatError:  # damaged, or for another kind of model
                    stale.append(row[0])
        first, self.last = self.last == 0, page.last
        return stale if page.due or (stale and first) else None


def _cuts(cuts: Cuts, unsure: float | None, spam: float | None) -> Cuts:
    """Return the thresholds with the site's own, in ascending order."""
    if unsure is None and spam is None:
        return cuts
    spam = cuts.spam if spam is None else spam
    unsure = min(cuts.unsure if unsure is None else unsure, spam)
    return Cuts(unsure, spam, None if cuts.discard is None else max(cuts.discard, spam))
