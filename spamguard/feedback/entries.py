"""The entries of a journal and their limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, get_args

from spamguard.comment import Comment, as_comment
from spamguard.errors import InputError

Decision = Literal["spam", "ham", "remove"]
Kind = Literal["verdict", "correction", "undo", "forget", "retention"]

MOST_CHARACTERS: Final = 255
"""Maximum length of the name of a site, comment, post or account."""

_DECISIONS: Final = get_args(Decision)
_TOMORROW: Final = timedelta(days=1)  # tolerance for clocks that differ


@dataclass(frozen=True, slots=True)
class Correction:
    """A moderator's decision about a comment.

    Parameters
    ----------
    comment_id : str
        The site's key of the comment.
    decision : {"spam", "ham", "remove"}
        ``"remove"`` takes the comment away without a label: an insult, a duplicate, a
        test.
    by : str
        The moderator's account.
    comment : Comment, str or None
        The comment with its post; None if the journal has it already.
    site : str
        Key of the site, if several share the journal.
    post_id : str or None
        The site's key of the post; by default the post's address or its content.
    at : datetime or None
        Time of the decision; None is now. The latest decision counts.

    Raises
    ------
    InputError
        If a field has the wrong type, or a name is empty or too long.
    """

    comment_id: str
    decision: Decision
    by: str
    comment: Comment | None = None
    site: str = ""
    post_id: str | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        check_name("comment_id", self.comment_id)
        check_name("by", self.by)
        check_name("site", self.site, empty=True)
        if self.post_id is not None:
            check_name("post_id", self.post_id)
        if self.decision not in _DECISIONS:
            raise InputError("decision must be 'spam', 'ham' or 'remove'.")
        if self.comment is not None:
            object.__setattr__(self, "comment", as_comment(self.comment))
        if self.at is not None:
            at = as_time("at", self.at)
            if at > datetime.now(UTC) + _TOMORROW:
                raise InputError("at is in the future; omit it to decide now.")
            object.__setattr__(self, "at", at)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal, without the comment's text.

    Parameters
    ----------
    id : int
        Its number; numbers rise.
    kind : {"verdict", "correction", "undo", "forget", "retention"}
        The kind of entry.
    site, comment_id : str
        The comment; ``comment_id`` is empty for ``"retention"``.
    at : datetime
        Time in UTC.
    by : str
        The account; empty for a verdict.
    decision : str or None
        For a correction: ``"spam"``, ``"ham"`` or ``"remove"``.
    undoes : int or None
        For an undo: the entry that no longer counts.
    undone_by : int or None
        The undo that cancels this entry.
    digest : str or None
        Keyed hash of the comment's text, the same for equal texts.
    label, model, language : str or None
        For a verdict.
    spam_probability, log_odds : float or None
        For a verdict.
    discard : bool or None
        For a verdict.
    note : str or None
        A remark.
    """

    id: int
    kind: Kind
    site: str
    comment_id: str
    at: datetime
    by: str
    decision: Decision | None = None
    undoes: int | None = None
    undone_by: int | None = None
    digest: str | None = None
    label: str | None = None
    spam_probability: float | None = None
    log_odds: float | None = None
    discard: bool | None = None
    model: str | None = None
    language: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ImportCount:
    """Numbers of imported corrections.

    Parameters
    ----------
    taken : int
        New corrections.
    repeated : int
        Corrections that the journal had already.
    forgotten : int
        Corrections of forgotten comments, which are skipped.
    """

    taken: int
    repeated: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was forgotten.

    Parameters
    ----------
    entries : int
        Number of deleted entries.
    copies : tuple of (str, str)
        Site and ``comment_id`` of remaining comments with the same text; at most 100.
    """

    entries: int
    copies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of comments with a decision in force.

    Parameters
    ----------
    spam, ham : int
        Labels in `Journal.corpus`.
    remove : int
        Decisions without a label.
    without_text : int
        Spam or ham whose text is not in the journal, so without a label too.
    """

    spam: int = 0
    ham: int = 0
    remove: int = 0
    without_text: int = 0


def undone(pairs: Iterable[tuple[int, int | None]]) -> dict[int, int]:
    """Return the entries that do not count, each with its undo.

    `pairs` are the numbers of a comment's entries, each with the entry that it undoes.
    An undo that is undone has no effect.
    """
    found: dict[int, int] = {}
    # An undo comes after its target, so going backwards decides each entry at once.
    for number, target in sorted(pairs, reverse=True):
        if target is not None and number not in found:
            found[target] = number
    return found


def check_name(what: str, value: object, empty: bool = False) -> str:
    """Return `value` if every database accepts it as a name; raise InputError otherwise."""
    if not isinstance(value, str):
        raise InputError(f"{what} must be a string, not {type(value).__name__}.")
    if not (value or empty):
        raise InputError(f"{what} must not be empty.")
    if len(value) > MOST_CHARACTERS:
        raise InputError(f"{what} is longer than {MOST_CHARACTERS} characters.")
    if any(letter < " " or "\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError(f"{what} contains control characters or surrogates.")
    if value != value.strip():
        # Some databases treat "a" and "a " as the same name.
        raise InputError(f"{what} begins or ends with a space.")
    return value


def as_time(what: str, value: Any) -> datetime:
    """Return a date, a datetime or an ISO 8601 string as a datetime in UTC.

    A time without a zone is UTC. Raises InputError for anything else.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise InputError(f"{what} is no date such as 2024-05-31.") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise InputError(f"{what} must be a date, not {type(value).__name__}.")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise InputError(f"{what} is outside the calendar.") from None


def stamp(at: datetime) -> str:
    """Return a time in UTC as text that sorts by time."""
    return at.isoformat(timespec="microseconds")
