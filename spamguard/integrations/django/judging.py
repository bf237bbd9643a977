"""What moderators and models share: a verdict on an object, its record, and a lesson from it."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from spamguard.comment import Comment
from spamguard.errors import SpamguardError
from spamguard.feedback import Decision
from spamguard.integrations.django.conf import site
from spamguard.integrations.django.signals import check, learn
from spamguard.verdict import Verdict

_log: Final = logging.getLogger("spamguard")


def judge(subject: Any, comment: Comment, request: Any = None) -> tuple[Verdict | None, bool]:
    """Return the verdict, and whether the object waits for a moderator.

    The receivers of `check` are asked first. What cannot be judged, because the
    journal cannot be opened, has no verdict and waits.
    """
    try:
        verdict = site().check(comment)
    except (SpamguardError, ImproperlyConfigured) as error:
        _log.error("A comment could not be judged and waits: %s", error)
        return None, True
    answers = check.send_robust(
        sender=type(subject), comment=subject, verdict=verdict, request=request
    )
    label: str = verdict.label
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("A receiver of check failed: %r", receiver, exc_info=answer)
        elif answer in ("ham", "unsure", "spam"):
            label = answer
    return verdict, site().holds(label)


def keep(key: str, comment: Comment) -> None:
    """Keep the verdict on an object that was saved, once that is certain."""
    transaction.on_commit(lambda: _keep(key, comment), robust=True)


def _keep(key: str, comment: Comment) -> None:
    try:
        site().check(comment, key)
    except (SpamguardError, ImproperlyConfigured) as error:
        _log.error("A verdict was not kept: %s", error)


def teach(subject: Any, key: str, comment: Comment, decision: Decision, by: str) -> int:
    """Take in what a moderator decided, and tell the receivers of `learn`.

    Raises
    ------
    FeedbackError
        If it could not be kept.
    """
    entry = site().learn(key, decision, by=by, comment=comment)
    answers = learn.send_robust(
        sender=type(subject), comment=subject, decision=decision, by=by, entry=entry
    )
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("A receiver of learn failed: %r", receiver, exc_info=answer)
    return entry
