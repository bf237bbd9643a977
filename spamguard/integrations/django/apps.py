"""The app's configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import models


class SpamguardConfig(AppConfig):
    """Connects checks, signals and the admin's actions."""

    name = "spamguard.integrations.django"
    label = "spamguard"
    verbose_name = "spamguard"

    def ready(self) -> None:
        """Connect to the installed apps."""
        from django.core.signals import setting_changed

        from spamguard.integrations.django.checks import check_order, check_settings
        from spamguard.integrations.django.conf import forget_site

        checks.register(check_settings)
        checks.register(check_order)
        setting_changed.connect(forget_site)
        if apps.is_installed("django_comments"):
            self._connect_comments()

    def _connect_comments(self) -> None:
        import django_comments
        from django_comments.signals import comment_was_flagged

        from spamguard.integrations.django import moderation

        model: type[models.Model] = django_comments.get_model()
        models.signals.post_save.connect(moderation.keep_verdict, sender=model)
        comment_was_flagged.connect(moderation.learn_from_flag, sender=model)
        if apps.is_installed("django.contrib.admin"):
            self._add_actions(model)

    def _add_actions(self, model: type[Any]) -> None:
        from django.contrib import admin

        from spamguard.integrations.django.admin import SpamActions

        # The admin must be complete by now: see checks.check_order.
        if admin.site.is_registered(model):
            former = type(admin.site.get_model_admin(model))
            if not issubclass(former, SpamActions):
                admin.site.unregister(model)
                admin.site.register(model, type(former.__name__, (SpamActions, former), {}))
