"""The app, which registers the moderator for comments on entries."""

from django.apps import AppConfig
from django.conf import settings


class BlogConfig(AppConfig):
    """The blog."""

    name = "blog"

    def ready(self):
        """Check comments on entries with spamguard."""
        from blog.models import Entry

        if settings.COMMENTS_APP == "django_comments_xtd":
            from django_comments_xtd.moderation import moderator

            from spamguard.integrations.django.xtd import SpamguardXtdModerator as Moderator
        else:
            from django_comments.moderation import moderator

            from spamguard.integrations.django.moderation import SpamguardModerator as Moderator
        moderator.register(Entry, Moderator)
