"""The moderator for django-comments-xtd."""

from __future__ import annotations

from django_comments_xtd.moderation import XtdCommentModerator

from spamguard.integrations.django.moderation import Moderation


class SpamguardXtdModerator(Moderation, XtdCommentModerator):
    """A moderator for django-comments-xtd.

    >>> from django_comments_xtd.moderation import moderator  # doctest: +SKIP
    >>> moderator.register(Entry, SpamguardXtdModerator)      # doctest: +SKIP
    """
