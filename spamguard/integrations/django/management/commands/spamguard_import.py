"""``manage.py spamguard_import``: decisions from before spamguard was installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from spamguard.errors import SpamguardError
from spamguard.feedback import Correction
from spamguard.integrations.django.conf import setting, site


class Command(BaseCommand):
    """Import the database's comments into the journal."""

    help = (
        "Import the comments of the database into spamguard's journal, published ones as ham. "
        "Comments that wait for a decision are skipped. It is safe to repeat: nothing is "
        "imported twice, and later decisions of moderators are kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--removed", choices=("spam", "remove"), default="remove",
            help="import removed comments as spam, or without a label (default)",
        )  # fmt: skip
        parser.add_argument(
            "--approved-only", action="store_true",
            help="import only published comments that a moderator approved",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            added = site().journal.correct_many(_history(options))
        except SpamguardError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{added.taken} decisions entered, {added.repeated} were there, "
            f"{added.forgotten} of forgotten comments passed over"
        )


def _history(options: dict[str, Any]) -> Iterator[Correction]:
    from django.contrib.contenttypes.models import ContentType
    from django_comments import get_model
    from django_comments.models import CommentFlag

    from spamguard.integrations.django.moderation import Moderation

    if not Moderation.registered:
        raise CommandError("No model has a spamguard moderator: register one first.")
    for model, moderation in Moderation.registered.items():
        kind = ContentType.objects.get_for_model(model)
        found = get_model()._default_manager.filter(content_type=kind).order_by("pk")
        approved = CommentFlag.objects.filter(
            flag=CommentFlag.MODERATOR_APPROVAL, comment__content_type=kind
        ).values_list("comment_id", flat=True)
        approvals = set(approved) if options["approved_only"] else None
        for comment in found.iterator(chunk_size=500):
            if comment.is_removed:
                decision = options["removed"]
            elif comment.is_public and (approvals is None or comment.pk in approvals):
                decision = "ham"
            else:
                continue
            yield Correction(
                str(comment.pk),
                decision,
                by="spamguard_import",
                comment=moderation.comment_of(comment, comment.content_object),
                site=setting("SITE"),
                post_id=f"{kind.app_label}.{kind.model}:{comment.object_pk}"[:255],
                at=comment.submit_date,
            )
