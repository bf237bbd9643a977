"""Verdicts on Django objects, and moderators' decisions."""

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

    Receivers of `check` may change the label. If the journal cannot be opened, there is no
    verdict and the object waits.
    """
    try:
        verdict = site().check(comment)
    except (SpamguardError, ImproperlyConfigured) as error:
        _log.error("A comment could not be scored and waits: %s", error)
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
    """Keep the verdict on an object once its transaction is committed."""
    transaction.on_commit(lambda: _keep(key, comment), robust=True)


def _keep(key: str, comment: Comment) -> None:
    try:
        site().check(comment, key)
    except (SpamguardError, ImproperlyConfigured) as error:
        _log.error("A verdict was not kept: %s", error)


def correct(subject: Any, key: str, comment: Comment, decision: Decision, by: str) -> int:
    """Keep a moderator's decision, and notify the receivers of `learn`.

    Raises FeedbackError if it could not be kept.
    """
    entry = site().correct(key, decision, by=by, comment=comment)
    answers = learn.send_robust(
        sender=type(subject), comment=subject, decision=decision, by=by, entry=entry
    )
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("A receiver of learn failed: %r", receiver, exc_info=answer)
    return entry
