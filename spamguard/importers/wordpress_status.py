"""The decision behind the status that WordPress and Akismet record for a comment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spamguard.importers.record import DecidedBy, Decision, Kind, Label

AKISMET_KEYS: Final = ("akismet_user_result", "akismet_result", "_wp_trash_meta_status")
"""Metadata of a comment that reveals the decision."""

_STATUS: Final = {
    "1": "approved", "approve": "approved", "approved": "approved",
    "0": "pending", "hold": "pending", "unapproved": "pending",
    "spam": "spam", "trash": "trash", "post-trashed": "trash",
}  # fmt: skip
_LABELS: Final[dict[str, Label]] = {"approved": "ham", "spam": "spam"}
_AKISMET: Final[dict[str, Label]] = {"true": "spam", "1": "spam", "false": "ham"}
_KINDS: Final[dict[str, Kind]] = {
    "": "comment", "comment": "comment", "review": "comment",
    "pingback": "pingback", "trackback": "trackback", "webmention": "webmention",
}  # fmt: skip


def is_set(date: object) -> bool:
    """Return whether a date is set; WordPress writes an unknown one as zeros."""
    text = str(date or "").strip()
    return bool(text) and not text.startswith("0000-")


def kind_of(comment_type: object) -> Kind | None:
    """Return the kind of a comment; None for other things, such as a note on an order."""
    return _KINDS.get(str(comment_type or "").strip().lower())


def akismet_label(meta: Mapping[str, str]) -> Label | None:
    """Return Akismet's verdict, or None."""
    return _AKISMET.get(meta.get("akismet_result", "").strip().lower())


def decision_of(status: object, meta: Mapping[str, str]) -> Decision:
    """Return the decision on a comment from its status and its metadata.

    A moderator's report to Akismet comes first. Otherwise a status that agrees with
    Akismet's verdict is Akismet's decision, and any other status is the owner's:
    WordPress publishes what a moderator or the owner's rules approved.

    Examples
    --------
    >>> decision_of("1", {"akismet_result": "true", "akismet_user_result": "false"})
    Decision(label='ham', by='owner', source='akismet_user_result')
    >>> decision_of("spam", {"akismet_result": "true"})
    Decision(label='spam', by='filter', source='akismet_result')
    >>> decision_of("1", {}), decision_of("0", {"akismet_result": "false"})
    (Decision(label='ham', by='owner', source='approved'), Decision(label=None, by='none', source='pending'))
    """
    reported = _AKISMET.get(meta.get("akismet_user_result", "").strip().lower())
    if reported is not None:
        return Decision(reported, "owner", "akismet_user_result")
    known = _STATUS.get(str(status if status is not None else "").strip().lower())
    if known is None:
        return Decision(None, "none", "status unknown")
    label = _LABELS.get(known)
    if label is None:
        return Decision(None, "none", known)
    said = akismet_label(meta)
    if said is None:
        return Decision(label, _by_hand(known, meta), known)
    if said == label:
        return Decision(label, "filter", "akismet_result")
    return Decision(label, "owner", f"{known} against akismet_result")


def _by_hand(status: str, meta: Mapping[str, str]) -> DecidedBy:
    # A comment that a person moves to the spam folder keeps its former status; one that a filter
    # puts there on arrival has none.
    if status == "spam" and "_wp_trash_meta_status" not in meta:
        return "filter"
    return "owner"
