"""spamguard in a Flask application.

>>> from flask import Flask
>>> from spamguard.integrations.flask import Spamguard
>>> app = Flask("blog")
>>> guard = Spamguard(app, "/var/lib/blog/feedback.db")  # doctest: +SKIP

In a view, one call judges what the visitor sent::

    verdict = guard.check_request("c17", post=Post(title=..., text=...))
    published = not guard.holds(verdict)

and one takes in what a moderator decided: ``guard.learn("c17", "spam", by="anna")``.
A `Spamguard` may be used by any number of threads. It needs
``pip install 'spamguard[flask]'``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, Literal

from flask import Flask, request

from spamguard.comment import Comment, Post
from spamguard.errors import InputError
from spamguard.feedback import Decision, Site
from spamguard.integrations.fields import comment_of
from spamguard.verdict import Verdict

__all__ = ["Spamguard"]


class Spamguard:
    """A site's filter as an extension of Flask.

    What is not given here is read from the application's configuration:
    ``SPAMGUARD_JOURNAL``, ``SPAMGUARD_SITE``, ``SPAMGUARD_MODEL``,
    ``SPAMGUARD_OWN_MODEL``, ``SPAMGUARD_HOLD``; see `Site`. The journal is opened
    at the first comment, so each worker has a connection of its own.

    Parameters
    ----------
    app : Flask or None
        The application; None where `init_app` is called later.
    journal : str, path or None
        Where verdicts and decisions are kept.
    **options
        As for `Site`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        journal: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        self._journal = journal
        self._options = options
        self._site: Site | None = None
        self._opening = threading.Lock()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the configuration of `app`, and be found as ``app.extensions["spamguard"]``.

        Parameters
        ----------
        app : Flask
            Its configuration holds ``SPAMGUARD_JOURNAL`` and its like.

        Raises
        ------
        InputError
            If nothing says where the journal is.
        """
        self._journal = self._journal or app.config.get("SPAMGUARD_JOURNAL")
        if self._journal is None:
            raise InputError('say where the journal is: app.config["SPAMGUARD_JOURNAL"] = a file.')
        for option, key in (
            ("name", "SITE"), ("model", "MODEL"), ("own_model", "OWN_MODEL"), ("hold", "HOLD"),
        ):  # fmt: skip
            value = app.config.get(f"SPAMGUARD_{key}")
            if value is not None:
                self._options.setdefault(option, value)
        app.extensions["spamguard"] = self

    @property
    def site(self) -> Site:
        """What is behind it.

        Raises
        ------
        FeedbackError
            If the journal cannot be opened.
        """
        if self._site is None:
            with self._opening:
                if self._site is None:
                    if self._journal is None:
                        raise InputError("call init_app(app) first, or Spamguard(app).")
                    self._site = Site(self._journal, **self._options)
        return self._site

    def check(
        self, comment: Comment | str, comment_id: str | int | None = None, post: Post | None = None
    ) -> Verdict:
        """Judge a comment; see `Site.check`.

        Parameters
        ----------
        comment : Comment or str
            What is judged.
        comment_id : str, int or None
            The site's own key; None where it has none yet.
        post : Post or None
            What is answered, where the comment does not say.

        Returns
        -------
        Verdict
            Of the model as taught until now.
        """
        return self.site.check(comment, comment_id, post)

    def request_comment(
        self, post: Post | None = None, fields: Mapping[str, str] | None = None
    ) -> Comment:
        """Return the comment in the current request: a form, or an object as JSON.

        Parameters
        ----------
        post : Post or None
            What is answered.
        fields : mapping or None
            Where a field has a name of its own: ``{"text": "my_field"}``.

        Returns
        -------
        Comment
            With its post, where that is given.

        Raises
        ------
        InputError
            If the request has no field with a text; see `comment_of`.
        """
        sent = request.get_json(silent=True) if request.is_json else request.form
        given = dict(sent) if isinstance(sent, Mapping) else {}
        given |= {ours: given.get(theirs) for ours, theirs in (fields or {}).items()}
        return comment_of(given, post)

    def check_request(
        self,
        comment_id: str | int | None = None,
        post: Post | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Verdict:
        """Judge the comment in the current request; see `request_comment`.

        Parameters
        ----------
        comment_id : str, int or None
            The site's own key; None where it has none yet.
        post, fields
            As for `request_comment`.

        Returns
        -------
        Verdict
            Of the model as taught until now.
        """
        return self.site.check(self.request_comment(post, fields), comment_id)

    def holds(self, verdict: Verdict | Literal["ham", "unsure", "spam"]) -> bool:
        """Tell whether a comment with this verdict waits for a moderator.

        Parameters
        ----------
        verdict : Verdict or str
            A verdict, or its label.

        Returns
        -------
        bool
        """
        return self.site.holds(verdict)

    def learn(
        self,
        comment_id: str | int,
        decision: Decision,
        *,
        by: str,
        comment: Comment | str | None = None,
    ) -> int:
        """Take in what a moderator decided; see `Site.learn`.

        Parameters
        ----------
        comment_id : str or int
            The site's own key.
        decision : {"spam", "ham", "remove"}
            As for `Correction`.
        by : str
            The moderator's account.
        comment : Comment, str or None
            The comment; None where the journal has it already.

        Returns
        -------
        int
            Number of the decision, by which it is undone.
        """
        return self.site.learn(comment_id, decision, by=by, comment=comment)
