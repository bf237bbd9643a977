"""What moderators and models share: a label for an object, and a lesson from one."""

from __future__ import annotations

import logging
from typing import Any, Final

from spamguard.comment import Comment
from spamguard.integrations.django.conf import site
from spamguard.integrations.django.signals import check, learn
from spamguard.integrations.site import Decision
from spamguard.verdict import Verdict

_log: Final = logging.getLogger("spamguard")


def judge(subject: Any, comment: Comment, request: Any = None) -> tuple[Verdict, str]:
    """Return the verdict, and the label after the receivers of `check` have been asked."""
    verdict = site().check(comment)
    answers = check.send_robust(
        sender=type(subject), comment=subject, verdict=verdict, request=request
    )
    label: str = verdict.label
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            _log.error("A receiver of check failed: %r", receiver, exc_info=answer)
        elif answer in ("ham", "unsure", "spam"):
            label = answer
    return verdict, label


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
