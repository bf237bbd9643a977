"""The counts of an import, and the making of its records.

Every comment found is counted once: as labelled, unlabelled, kept apart or dropped.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, cast

from spamguard.importers.dates import iso_date
from spamguard.importers.record import Decision, ImportedComment, ImportedPost, Kind, Label

__all__ = ["Report"]

MAX_TEXT: Final = 1_000_000
"""Characters of a comment; a longer one is cut and counted."""

MAX_POST: Final = 100_000
"""Characters of a post: each of its comments repeats it, and no feature reads more."""

MAX_SHORT: Final = 2_000
"""Characters of a name, a title or an address."""

APART: Final = ("pingback", "trackback", "webmention")
"""Kinds written by programs; they are kept apart from the comments."""


class Report:
    """The counts of an import.

    Attributes
    ----------
    found : int
        Comments in the source.
    labels : Counter
        Labelled comments by (label, by, source).
    unlabelled, apart, dropped : Counter
        The others: by the mark in the source, by kind, and by fault.
    damage : Counter
        Repaired faults of the source, by kind.
    notes : list of str
        Sentences for the user.
    """

    def __init__(self) -> None:
        self.found = 0
        self.labels: Counter[tuple[Label, str, str]] = Counter()
        self.unlabelled: Counter[str] = Counter()
        self.apart: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.damage: Counter[str] = Counter()
        self.notes: list[str] = []
        self._posts: set[int] = set()

    @property
    def posts(self) -> int:
        """Number of posts that have comments."""
        return len(self._posts)

    @property
    def ham(self) -> int:
        """Number of comments labelled ham."""
        return sum(count for (label, _, _), count in self.labels.items() if label == "ham")

    @property
    def spam(self) -> int:
        """Number of comments labelled spam."""
        return sum(count for (label, _, _), count in self.labels.items() if label == "spam")

    def drop(self, why: str) -> None:
        """Count a comment without content, by reason."""
        self.found += 1
        self.dropped[why] += 1

    def lose(self, why: str) -> None:
        """Count a comment that could not be read."""
        self.found += 1
        self.dropped[why] += 1
        self.lost[why] += 1

    def note(self, words: str) -> None:
        """Add a sentence for the user, once."""
        if words not in self.notes:
            self.notes.append(words)

    def keep(self, comment: ImportedComment) -> None:
        """Count a comment that is written."""
        self.found += 1
        if comment.post.post_id is not None:
            self._posts.add(hash((comment.blog, comment.post.post_id)))
        decision = comment.decision
        if comment.kind in APART:
            self.apart[comment.kind] += 1
        elif decision.label is None:
            self.unlabelled[decision.source] += 1
        else:
            self.labels[decision.label, decision.by, decision.source] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return all counts, for JSON.

        Returns
        -------
        dict
            Plain values, by what is counted.
        """
        return {
            "comments": self.found,
            "posts": self.posts,
            "spam": self.spam,
            "ham": self.ham,
            "unlabelled": self.unlabelled.total(),
            "apart": self.apart.total(),
            "dropped": self.dropped.total(),
            "lost": self.lost.total(),
            "labels": [
                {"label": label, "by": by, "source": source, "comments": count}
                for (label, by, source), count in sorted(self.labels.items())
            ],
            "unlabelled_because": dict(sorted(self.unlabelled.items())),
            "apart_kinds": dict(sorted(self.apart.items())),
            "dropped_because": dict(sorted(self.dropped.items())),
            "repaired": dict(sorted(self.damage.items())),
            "notes": list(self.notes),
        }

    # --- records ------------------------------------------------------------------

    def comment(
        self,
        text: object,
        decision: Decision,
        *,
        post: ImportedPost,
        kind: str = "comment",
        date: object = None,
        utc: bool = False,
        blog: str | None = None,
        filter_label: Label | None = None,
        **fields: object,
    ) -> ImportedComment | None:
        """Return a record, checked and cut to size; count one without text as dropped."""
        body = self._text(text, MAX_TEXT)
        if body is None or not body.strip():
            self.drop("deleted, and its text is gone" if "delete" in decision.source else "no text")
            return None
        when = iso_date(date, utc)
        if when is None and date not in (None, "") and not str(date).startswith("0000-"):
            self.damage["dates that are none, left out"] += 1
        short = {name: self.short(value) for name, value in fields.items()}
        return ImportedComment(
            body, decision, cast(Kind, kind), date=when, post=post, blog=blog,
            filter_label=filter_label, **short,
        )  # fmt: skip

    def post(
        self, post_id: object, title: object = None, text: object = None,
        url: object = None, date: object = None, utc: bool = False,
    ) -> ImportedPost:  # fmt: skip
        """Return a post with every field checked and cut to size."""
        body = self._text(text, MAX_POST, "posts cut to their first characters") or None
        return ImportedPost(
            self.short(post_id), self.short(title), body, self.short(url), iso_date(date, utc)
        )

    def short(self, value: object) -> str | None:
        """Return a name, a key or an address, stripped; None if empty."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return str(value).strip()[:MAX_SHORT] or None

    def _text(self, value: object, most: int, what: str = "comments cut") -> str | None:
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            return None
        if len(value) > most:
            self.damage[f"{what} at {most:,}"] += 1
        # Line endings must not reveal which program a comment comes from.
        return value[:most].replace("\r\n", "\n").replace("\r", "\n")
