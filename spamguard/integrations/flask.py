"""spamguard in a Flask application.

>>> from flask import Flask
>>> from spamguard.integrations.flask import Spamguard
>>> app = Flask("blog")
>>> guard = Spamguard(app, "/var/lib/blog/feedback.db")  # opened at the first comment

In a view, one call scores the visitor's comment::

    verdict = guard.check_request("c17", post=Post(title=..., text=...))
    published = not guard.holds(verdict)

Another keeps a moderator's decision: ``guard.correct("c17", "spam", by="anna")``.
It needs ``pip install 'spamguard[flask]'``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask, request

from spamguard.comment import Comment, Post
from spamguard.errors import InputError
from spamguard.feedback import Journal, Site
from spamguard.integrations.fields import comment_of
from spamguard.verdict import Verdict

__all__ = ["Spamguard"]


class Spamguard(Site):
    """A `Site` as a Flask extension.

    Missing arguments come from the configuration: ``SPAMGUARD_JOURNAL``,
    ``SPAMGUARD_SITE``, ``SPAMGUARD_MODEL``, ``SPAMGUARD_OWN_MODEL``, ``SPAMGUARD_HOLD``.

    Parameters
    ----------
    app : Flask or None
        The application; None if `init_app` is called later.
    journal : str, path or None
        As for `Site`.
    **options
        As for `Site`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        journal: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        self._given = {"journal": journal, **options}
        self._is_ready = False
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the configuration of `app`, and become ``app.extensions["spamguard"]``.

        Raises InputError if no journal is named.
        """
        options = {name: value for name, value in self._given.items() if value is not None}
        for name, key in (
            ("journal", "JOURNAL"), ("name", "SITE"), ("model", "MODEL"),
            ("own_model", "OWN_MODEL"), ("hold", "HOLD"),
        ):  # fmt: skip
            value = app.config.get(f"SPAMGUARD_{key}")
            if value is not None:
                options.setdefault(name, value)
        if "journal" not in options:
            raise InputError('name the journal\'s file: app.config["SPAMGUARD_JOURNAL"] = FILE.')
        super().__init__(**options)
        self._is_ready = True
        app.extensions["spamguard"] = self

    @property
    def journal(self) -> Journal:
        """The journal, opened on first use."""
        if not self._is_ready:
            raise InputError("call init_app(app) first, or Spamguard(app).")
        return super().journal

    def request_comment(
        self, post: Post | None = None, fields: Mapping[str, str] | None = None
    ) -> Comment:
        """Return the comment in the current request, a form or a JSON object.

        `fields` renames fields: ``{"text": "my_field"}``. Raises InputError if the request has
        no field with a text; see `comment_of`.
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
        """Return the verdict on the comment in the current request.

        `comment_id` is as in `Site.check`, `post` and `fields` as in `request_comment`.
        """
        return self.check(self.request_comment(post, fields), comment_id)
