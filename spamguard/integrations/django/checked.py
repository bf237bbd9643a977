"""A mixin for models with a text field, which scores new objects."""

from __future__ import annotations

from typing import Any, ClassVar

from spamguard.comment import Comment, Post
from spamguard.feedback import Decision
from spamguard.integrations.django.judging import correct, judge, keep
from spamguard.verdict import Verdict


class Checked:
    """Mixin of a model with visitors' texts; put it before ``models.Model``.

    A held object is saved with its public field switched off. There are no fields to
    migrate. ``bulk_create`` does not call ``save``, so it scores nothing.

    Attributes
    ----------
    spamguard_text : str
        The field with the text.
    spamguard_author, spamguard_author_url : str or None
        Fields with the visitor's name and address.
    spamguard_public : str or None
        The field that makes it visible, such as ``live`` in Wagtail; None leaves that to a
        receiver of `signals.check`.
    """

    spamguard_text: ClassVar[str] = "text"
    spamguard_author: ClassVar[str | None] = None
    spamguard_author_url: ClassVar[str | None] = None
    spamguard_public: ClassVar[str | None] = "is_public"

    def spamguard_post(self) -> Post | None:
        """Return the post that the text answers; override it if there is one."""
        return None

    def spamguard_comment(self) -> Comment:
        """Return the object as a `Comment`."""
        return Comment(
            self._spamguard_field(self.spamguard_text) or "",
            author=self._spamguard_field(self.spamguard_author),
            author_url=self._spamguard_field(self.spamguard_author_url),
            post=self.spamguard_post(),
        )

    def _spamguard_field(self, name: str | None) -> str | None:
        value = None if name is None else getattr(self, name)
        return str(value) if value not in (None, "") else None

    def spamguard_key(self) -> str:
        """Return the object's key in the journal."""
        return f"{self._meta.label_lower}:{self.pk}"  # type: ignore[attr-defined]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Score a new object, and save it."""
        new = self._state.adding  # type: ignore[attr-defined]
        if new:
            self.spamguard_check()
        super().save(*args, **kwargs)  # type: ignore[misc]
        if new:
            keep(self.spamguard_key(), self.spamguard_comment())

    def spamguard_check(self, request: Any = None) -> Verdict | None:
        """Score the object, and hide it if it is held; nothing is saved.

        Call it after a visitor's edit. If the journal cannot be opened, there is no verdict
        and the object is hidden.
        """
        verdict, waits = judge(self, self.spamguard_comment(), request)
        if self.spamguard_public is not None and waits:
            setattr(self, self.spamguard_public, False)
        return verdict

    def spamguard_decide(self, decision: Decision, by: str) -> None:
        """Keep a moderator's decision, show or hide the object, and save it.

        Raises FeedbackError if the decision could not be kept; then nothing changes.
        """
        correct(self, self.spamguard_key(), self.spamguard_comment(), decision, by)
        if self.spamguard_public is not None:
            setattr(self, self.spamguard_public, decision == "ham")
            self.save(update_fields=[self.spamguard_public])
