"""One site at work: a verdict for each comment, and each decision learned from at once."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from spamguard.comment import Comment, Post, as_comment
from spamguard.errors import FeedbackError, ForgottenError, InputError, ModelFormatError
from spamguard.feedback.entries import Decision
from spamguard.model import SpamModel
from spamguard.scoring import model_of
from spamguard.training import MOST, SiteWeights
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    from spamguard.feedback.journal import Journal

_log: Final = logging.getLogger("spamguard")

_ONE_BY_ONE: Final = 200
"""Decisions since the last look; more of them, such as an import, are read anew with all others."""


class Site:
    """A site's filter: the model, what its moderators taught, and the journal of both.

    Threads may share one; each process makes its own. What one process learns,
    the others know at their next comment, because all follow the journal.

    Parameters
    ----------
    journal : str, path or Journal
        Where verdicts and decisions are kept: a file, a URL of SQLAlchemy, or
        ``env:NAME``. Made if it is not there.
    name : str
        Key of the site, where one journal serves several.
    model : SpamModel, str or path
        The model to start from.
    own_model : str, path or None
        Directory that ``spamguard retrain -o`` writes. It is used instead of
        `model` as soon as a model is there, and again when that is replaced.
    hold : {"unsure", "spam"}
        From which label on a comment waits for a moderator.

    Raises
    ------
    FeedbackError
        If the journal cannot be opened.
    InputError
        If an argument is none of these.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | Journal,
        *,
        name: str = "",
        model: SpamModel | str | os.PathLike[str] = "default",
        own_model: str | os.PathLike[str] | None = None,
        hold: Literal["unsure", "spam"] = "unsure",
    ) -> None:
        from spamguard.feedback.journal import Journal

        if hold not in ("unsure", "spam"):
            raise InputError('hold must be "unsure" or "spam".')
        self.name = name
        self.hold = hold
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self._model = model
        self._own = None if own_model is None else Path(own_model)
        self._lock = threading.Lock()
        self._base: SpamModel | None = None
        self._damaged: tuple[int, int] | None = None
        self._weights = SiteWeights()
        self._seen = 0
        self._taught: SpamModel | None = None

    def close(self) -> None:
        """Close the journal's connections."""
        self.journal.close()

    # --- judging ------------------------------------------------------------------

    def check(
        self, comment: Comment | str, comment_id: str | int | None = None, post: Post | None = None
    ) -> Verdict:
        """Judge a comment, and keep the verdict where the comment's key is given.

        A journal that cannot be written costs the record, which is logged, and
        never the verdict.

        Parameters
        ----------
        comment : Comment or str
        comment_id : str, int or None
            The site's own key; None where it has none yet.
        post : Post or None
            What is answered, where the comment does not say.

        Returns
        -------
        Verdict
            Of the model as taught until now.
        """
        comment = as_comment(comment, post)
        verdict = self.model().verdict(comment)
        if comment_id is not None:
            self.record(comment_id, comment, verdict)
        return verdict

    def record(self, comment_id: str | int, comment: Comment, verdict: Verdict) -> None:
        """Keep a verdict; what cannot be kept is logged.

        Parameters
        ----------
        comment_id : str or int
            The site's own key.
        comment : Comment
            What was judged.
        verdict : Verdict
            What was said.
        """
        try:
            self.journal.record(str(comment_id), comment, verdict, site=self.name)
        except ForgottenError:
            pass  # it is meant to leave no trace
        except FeedbackError as error:
            _log.error("The verdict was given and not kept: %s", error)

    def holds(self, verdict: Verdict | str) -> bool:
        """Tell whether a comment with this verdict, or label, waits for a moderator.

        Parameters
        ----------
        verdict : Verdict or str
            A verdict, or its label.

        Returns
        -------
        bool
        """
        return (verdict if isinstance(verdict, str) else verdict.label) in ("spam", self.hold)

    # --- learning -----------------------------------------------------------------

    def learn(
        self,
        comment_id: str | int,
        decision: Decision,
        *,
        by: str,
        comment: Comment | str | None = None,
    ) -> int:
        """Keep what a moderator decided; the next verdict knows of it.

        Parameters
        ----------
        comment_id : str or int
            The site's own key.
        decision : {"spam", "ham", "remove"}
            ``"remove"`` takes a comment away and teaches nothing.
        by : str
            The moderator's account.
        comment : Comment, str or None
            The comment; None where it was checked under its key.

        Returns
        -------
        int
            Number of the entry, for `undo`.

        Raises
        ------
        FeedbackError
            If it could not be kept. Then nothing was learned either.
        """
        entry = self.journal.correct(
            str(comment_id), decision, by=by, comment=comment, site=self.name
        )
        if comment is None and decision != "remove":
            found = self.journal.decision(str(comment_id), site=self.name)
            if found is not None and found[1].comment is None:
                _log.warning("a decision was kept that teaches nothing: its comment is not known")
        return entry

    def undo(self, entry: int, *, by: str) -> int:
        """Take a decision back, and what it taught; return the number of the undo.

        Parameters
        ----------
        entry : int
            Number of the decision.
        by : str
            The moderator's account.

        Returns
        -------
        int
            Number of the undo.
        """
        return self.journal.undo(entry, by=by)

    def forget(self, comment_id: str | int, *, by: str) -> None:
        """Forget a comment, as somebody may ask: its text, its verdicts, what it taught.

        Parameters
        ----------
        comment_id : str or int
            The site's own key.
        by : str
            The account of who forgets it.
        """
        self.journal.forget(str(comment_id), by=by, site=self.name)

    # --- the model, and what the journal adds to it --------------------------------

    def model(self) -> SpamModel:
        """Return the model as taught until now; the first call reads all labels.

        Returns
        -------
        SpamModel
            It does not change; ask again for what is taught later.
        """
        with self._lock:
            base = self._find_base()
            again = base is not self._base
            try:
                self._follow(base, again)
            except FeedbackError as error:
                _log.error("What moderators taught since is not known: %s", error)
                if again:  # what was taught is sized for another model
                    return base
            return base if self._taught is None else self._taught

    def _find_base(self) -> SpamModel:
        """Return the site's own model, or the one to start from; never a damaged one."""
        try:
            found = (self._own / "model.json").stat() if self._own else None
        except OSError:
            found = None
        if self._own is None or found is None:
            return model_of(self._model)
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._damaged:
            try:
                return model_of(self._own)
            except (ModelFormatError, LookupError, OSError) as error:
                self._damaged = stamp  # said once, and not tried again until it is replaced
                _log.error("The former model goes on serving: %s", error)
        return model_of(self._model) if self._base is None else self._base

    def _follow(self, base: SpamModel, again: bool) -> None:
        top, changed = self.journal.changed(0 if again else self._seen, site=self.name)
        again = again or changed is None or len(changed) > _ONE_BY_ONE
        if again:
            weights = SiteWeights()
            for row in deque(self.journal.labels(self.name), maxlen=MOST):
                weights.learn(base, _comment(row), row["label"], row["comment_id"])
            self._weights = weights
        for comment_id in () if again or changed is None else changed:
            label = self.journal.label(comment_id, site=self.name)
            if label is not None:
                self._weights.learn(base, _comment(label), label["label"], comment_id)
            elif comment_id in self._weights:
                self._weights.unlearn(comment_id)
        if again or changed:
            self._taught = self._weights.applied_to(base)
        self._base, self._seen = base, top


def _comment(row: Mapping[str, Any]) -> Comment:
    post = Post(row["post_title"], row["post_text"], row["post_url"], row["post_author"])
    return Comment(row["text"], row["author"], row["author_url"], row["date"], post)
