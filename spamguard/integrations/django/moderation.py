"""Moderators for django-contrib-comments, which score comments before they are saved."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, ClassVar, Final

from django.contrib.sites.models import Site as DjangoSite
from django.core.exceptions import ImproperlyConfigured
from django_comments import get_model
from django_comments.moderation import CommentModerator

from spamguard.comment import Comment, Post
from spamguard.errors import FeedbackError, ForgottenError
from spamguard.feedback import Decision
from spamguard.integrations.django.conf import setting
from spamguard.integrations.django.judging import correct, judge, keep

_log: Final = logging.getLogger("spamguard")

_THREAD: Final = 20
"""Number of earlier comments that a new one is compared with."""


class Moderation:
    """Mixin of a moderator that uses spamguard.

    `title_field` and `text_field` are fields of the commented model, or None.
    """

    title_field: ClassVar[str | None] = "title"
    text_field: ClassVar[str | None] = "body"
    registered: ClassVar[dict[type, Moderation]] = {}

    def __init__(self, model: type) -> None:
        for name in ("title_field", "text_field"):
            field = getattr(self, name)
            if field is not None and not hasattr(model, field):
                raise ImproperlyConfigured(
                    f"{model.__name__} has no field {field!r}: set {name} in "
                    f"{type(self).__name__}, or to None if there is none."
                )
        super().__init__(model)  # type: ignore[call-arg]
        self.registered[model] = self

    def allow(self, comment: Any, content_object: Any, request: Any) -> bool:
        """Reject certain spam, if DISCARD is set."""
        if not super().allow(comment, content_object, request):  # type: ignore[misc]
            return False
        if not setting("DISCARD") or self.trusts(comment):
            return True
        verdict, waits = judge(comment, self.comment_of(comment, content_object), request)
        return not (waits and verdict is not None and verdict.discard)

    def moderate(self, comment: Any, content_object: Any, request: Any) -> bool:
        """Return whether the comment waits for a moderator."""
        if super().moderate(comment, content_object, request):  # type: ignore[misc]
            return True
        if self.trusts(comment):
            return False
        return judge(comment, self.comment_of(comment, content_object), request)[1]

    def trusts(self, comment: Any) -> bool:
        """Return whether a comment needs no score; by default, those of moderators."""
        user = comment.user
        return user is not None and user.has_perm("django_comments.can_moderate")

    def comment_of(self, comment: Any, content_object: Any) -> Comment:
        """Return a Django comment as a `Comment`."""
        user = comment.user
        author = comment.user_name or (user and (user.get_full_name() or user.get_username()))
        return Comment(
            comment.comment or "",
            author=author or None,
            author_url=comment.user_url or None,
            date=comment.submit_date,
            post=self.post_of(comment, content_object),
        )

    def post_of(self, comment: Any, content_object: Any) -> Post | None:
        """Return the commented object as a `Post`, with its latest comments."""
        if content_object is None:
            return None
        return Post(
            title=_text(content_object, self.title_field),
            text=_text(content_object, self.text_field),
            url=_address(comment, content_object),
            thread=tuple(_thread(comment)),
        )


class SpamguardModerator(Moderation, CommentModerator):
    """A moderator for django-contrib-comments.

    >>> from django_comments.moderation import moderator  # doctest: +SKIP
    >>> moderator.register(Entry, SpamguardModerator)     # doctest: +SKIP
    """


def _text(content_object: Any, field: str | None) -> str | None:
    value = None if field is None else getattr(content_object, field)
    return None if value is None else str(value)


def _address(comment: Any, content_object: Any) -> str | None:
    if not hasattr(content_object, "get_absolute_url"):
        return None
    url = str(content_object.get_absolute_url())
    if not url.startswith("/"):
        return url
    domain = DjangoSite.objects.filter(pk=comment.site_id).values_list("domain", flat=True).first()
    return f"https://{domain}{url}" if domain else url


def _thread(comment: Any) -> list[str]:
    standing = get_model()._default_manager.filter(
        content_type_id=comment.content_type.pk, object_pk=str(comment.object_pk),
        is_public=True, is_removed=False,
    ).exclude(pk=getattr(comment, "pk", None))  # fmt: skip
    latest = standing.order_by("-submit_date").values_list("comment", flat=True)[:_THREAD]
    return list(latest)[::-1]


# --- saved comments and decisions ----------------------------------------------------


def moderation_of(comment: Any) -> Moderation | None:
    """Return the moderator of a comment's model; None if it is not spamguard's."""
    return Moderation.registered.get(comment.content_type.model_class())


def keep_verdict(sender: Any, instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """Keep the verdict on a comment, which has a key once it is saved."""
    found = moderation_of(instance)
    if created and not raw and found is not None and not found.trusts(instance):
        keep(str(instance.pk), found.comment_of(instance, instance.content_object))


def learn_from_flag(sender: Any, comment: Any, flag: Any, request: Any, **_: Any) -> None:
    """Learn from Django's own moderation: an approved comment is ham.

    A removed comment has no label, as it may be an insult; the action "spam" is for spam.
    """
    decision: Decision | None = {
        flag.MODERATOR_APPROVAL: "ham", flag.MODERATOR_DELETION: "remove",
    }.get(flag.flag)  # type: ignore[assignment]  # fmt: skip
    if decision is None or getattr(comment, "spamguard_decided", False):
        return
    try:
        learn_comment(comment, decision, request.user.get_username())
    except (FeedbackError, ImproperlyConfigured) as error:
        _log.error("A moderator's decision was not kept: %s", error)


def learn_comment(comment: Any, decision: Decision, by: str) -> None:
    """Learn a moderator's decision about a comment; raise FeedbackError if it could not be kept."""
    found = moderation_of(comment)
    if found is not None:
        given = found.comment_of(comment, comment.content_object)
        with suppress(ForgottenError):  # a forgotten comment must leave no trace
            correct(comment, str(comment.pk), given, decision, by)
