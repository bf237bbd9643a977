"""The admin's actions "spam" and "not spam"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from spamguard.errors import FeedbackError
from spamguard.feedback import Decision
from spamguard.integrations.django.checked import Checked


class SpamActions:
    """Mixin of a ModelAdmin for comments, and for models with `checked.Checked`.

    The app adds it for comments. Elsewhere put it before ``admin.ModelAdmin``.
    """

    def has_moderate_permission(self, request: Any) -> bool:
        """Return whether the user may moderate comments, or change the object."""
        if issubclass(self.model, Checked):  # type: ignore[attr-defined]
            return bool(self.has_change_permission(request))  # type: ignore[attr-defined]
        return bool(request.user.has_perm("django_comments.can_moderate"))

    def get_actions(self, request: Any) -> dict[str, Any]:
        """Add the two actions."""
        found: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        if self.has_moderate_permission(request):
            for name in ("mark_spam", "mark_not_spam"):
                found[name] = self.get_action(name)  # type: ignore[attr-defined]
        return found

    @admin.action(description=_("Spam: hide, and learn from it"))
    def mark_spam(self, request: Any, queryset: Any) -> None:
        """Hide the comments, and learn that they are spam."""
        self._decide(request, queryset, "spam")

    @admin.action(description=_("Not spam: publish, and learn from it"))
    def mark_not_spam(self, request: Any, queryset: Any) -> None:
        """Publish the comments, and learn that they are ham."""
        self._decide(request, queryset, "ham")

    def _decide(self, request: Any, queryset: Any, decision: Decision) -> None:
        done = 0
        for subject in queryset:
            try:
                _decide_one(request, subject, decision)
            except (FeedbackError, ImproperlyConfigured) as error:
                self.message_user(request, str(error), messages.ERROR)  # type: ignore[attr-defined]
                break
            done += 1
        words = ngettext("%d comment was learned from.", "%d comments were learned from.", done)
        self.message_user(request, words % done)  # type: ignore[attr-defined]


def _decide_one(request: Any, subject: Any, decision: Decision) -> None:
    by = request.user.get_username()
    if isinstance(subject, Checked):
        subject.spamguard_decide(decision, by)
        return
    from django_comments.views.moderation import perform_approve, perform_delete

    from spamguard.integrations.django.moderation import learn_comment

    learn_comment(subject, decision, by)
    subject.spamguard_decided = True  # so that the flags below do not repeat it
    if decision == "ham":
        perform_approve(request, subject)
    else:
        subject.is_public = False
        perform_delete(request, subject)
