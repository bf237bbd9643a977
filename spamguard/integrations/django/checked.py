"""Any model with a text field: judged when it is saved for the first time."""

from __future__ import annotations

from typing import Any, ClassVar

from spamguard.comment import Comment, Post
from spamguard.feedback import Decision
from spamguard.integrations.django.judging import judge, keep, teach
from spamguard.verdict import Verdict


class Checked:
    """Mixin of a model whose text comes from visitors; name it before ``models.Model``.

    What is held back is saved with its public field switched off. It adds no
    field, so there is nothing to migrate. ``bulk_create`` does not call
    ``save``, in Django as here.

    Attributes
    ----------
    spamguard_text : str
        The field with the text.
    spamguard_author, spamguard_author_url : str or None
        Fields with the name and the address that the visitor gave.
    spamguard_public : str or None
        The field that says whether it can be seen, such as ``live`` in Wagtail;
        None leaves that to a receiver of `signals.check`.
    """

    spamguard_text: ClassVar[str] = "text"
    spamguard_author: ClassVar[str | None] = None
    spamguard_author_url: ClassVar[str | None] = None
    spamguard_public: ClassVar[str | None] = "is_public"

    def spamguard_post(self) -> Post | None:
        """Return what the text answers; override it where there is something."""
        return None

    def spamguard_comment(self) -> Comment:
        """Return the object as spamguard takes it."""
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
        """Judge what is new, and save it."""
        new = self._state.adding  # type: ignore[attr-defined]
        if new:
            self.spamguard_check()
        super().save(*args, **kwargs)  # type: ignore[misc]
        if new:
            keep(self.spamguard_key(), self.spamguard_comment())

    def spamguard_check(self, request: Any = None) -> Verdict | None:
        """Judge the object as it is, and hide it if it is held back; nothing is saved.

        Call it where visitors may change what they wrote. There is no verdict
        where the journal cannot be opened; then it is hidden.
        """
        verdict, waits = judge(self, self.spamguard_comment(), request)
        if self.spamguard_public is not None and waits:
            setattr(self, self.spamguard_public, False)
        return verdict

    def spamguard_decide(self, decision: Decision, by: str) -> None:
        """Take in what a moderator decided; show or hide the object accordingly, and save it.

        Raises
        ------
        FeedbackError
            If the decision could not be kept; nothing is changed then.
        """
        teach(self, self.spamguard_key(), self.spamguard_comment(), decision, by)
        if self.spamguard_public is not None:
            setattr(self, self.spamguard_public, decision == "ham")
            self.save(update_fields=[self.spamguard_public])
