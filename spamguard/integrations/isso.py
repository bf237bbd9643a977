"""Isso with a spam filter: run it as ``python -m spamguard.integrations.isso -c isso.cfg run``.

Isso's guard has a hook for spam, which scores comments here. A held comment goes into
Isso's moderation queue, even if moderation is off. The moderator's actions are learned:
"activate" means ham, "delete" of a waiting comment means spam. A comment is scored
again when its author edits it.

The settings are a section of ``isso.cfg``::

    [spamguard]
    journal = /var/lib/isso/feedback.db

WSGI servers call ``make_app("isso.cfg")``. It needs ``pip install 'spamguard[isso]'``.
"""

from __future__ import annotations

import html
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import isso
import isso.config
import isso.db
from isso.db.comments import Comments as IssoComments
from isso.db.spam import Guard as IssoGuard

from spamguard.comment import Comment, Post
from spamguard.errors import InputError, SpamguardError
from spamguard.feedback import Decision, Site
from spamguard.verdict import Verdict

__all__ = ["main", "make_app"]

_log: Final = logging.getLogger("spamguard")

_SETTINGS: Final = """
[spamguard]
journal =
site =
model = default
own-model =
# the mildest label that waits for the moderator: unsure, spam
hold = unsure
# refuse certain spam outright, so that no moderator sees it
discard = false
# which deleted comments count as spam: waiting, all
deleted-is-spam = waiting
"""
_PUBLISHED: Final = 1
_WAITING: Final = 2
_THREAD: Final = 20
_KEPT: Final = "spamguard_verdict"

_installing = threading.Lock()


def make_app(settings: str | os.PathLike[str], **how: Any) -> Any:
    """Return Isso's WSGI application, with spamguard as its spam guard.

    `settings` is the file ``isso.cfg``, `how` the options of ``isso.make_app``. Raises
    InputError for wrong settings, FeedbackError if the journal cannot be opened.
    """
    with _installed():
        conf = isso.config.load(isso.config.default_file(), os.fspath(settings))
        return isso.make_app(conf, **how)


def main() -> None:
    """Run Isso's own command line, with spamguard as its spam guard."""
    try:
        with _installed():
            isso.main()
    except SpamguardError as error:
        sys.exit(f"spamguard: {error}")


@contextmanager
def _installed() -> Iterator[None]:
    """Replace Isso's classes and default settings while it builds its database."""
    with _installing, tempfile.TemporaryDirectory() as folder:
        former = (isso.db.Guard, isso.db.Comments, isso.config.default_file)
        defaults = Path(folder, "isso.cfg")
        defaults.write_text(Path(former[2]()).read_text("utf-8") + _SETTINGS, "utf-8")
        isso.db.Guard, isso.db.Comments = Guard, Comments
        isso.config.default_file = lambda: str(defaults)
        try:
            yield
        finally:
            isso.db.Guard, isso.db.Comments, isso.config.default_file = former


# --- the site of an Isso -------------------------------------------------------------


def _site_of(db: Any) -> Site:
    """Return the site of an Isso database."""
    found: Site = db.spamguard_site
    return found


def _new_site(conf: Any) -> Site:
    if not conf.get("journal"):
        raise InputError("isso.cfg names no journal; write: [spamguard] journal = FILE")
    if conf.get("deleted-is-spam") not in ("waiting", "all"):
        raise InputError("[spamguard] deleted-is-spam must be waiting or all.")
    return Site(
        conf.get("journal"),
        name=conf.get("site"),
        model=conf.get("model"),
        own_model=conf.get("own-model") or None,
        hold=conf.get("hold"),
    )


def _comment_of(db: Any, uri: str, fields: Mapping[str, Any]) -> Comment:
    """Return an Isso comment as a `Comment`; Isso escapes names."""
    known = {name: html.unescape(fields.get(name) or "") or None for name in ("author", "website")}
    title = db.threads[uri]["title"] if uri in db.threads else None
    host = next(iter(db.conf.getiter("general", "host")), "").rstrip("/")
    standing = db.comments.fetch(uri, mode=_PUBLISHED, order_by="created", asc=0, limit=_THREAD)
    texts = [row["text"] for row in standing if row["id"] != fields.get("id")]
    post = Post(title=title, url=host + uri, thread=tuple(texts[::-1]))
    return Comment(fields["text"], known["author"], known["website"], post=post)


def _key_of(item: Mapping[str, Any]) -> str:
    # Isso reuses the number of a deleted comment.
    return f"{item['id']}@{item['created']}"


class Guard(IssoGuard):  # type: ignore[misc]
    """Isso's guard, followed by the filter."""

    def __init__(self, db: Any) -> None:
        super().__init__(db)
        # Report a wrong setting or journal now; later each process has its own connections.
        db.spamguard_site = _new_site(db.conf.section("spamguard"))
        db.spamguard_site.journal.close()

    def _spam(self, uri: str, comment: dict[str, Any]) -> tuple[bool, str]:
        verdict = _judge(self.db, uri, comment)
        if verdict is None:
            return True, ""
        if verdict.discard and self.db.conf.getboolean("spamguard", "discard"):
            return False, "this comment looks like spam"
        comment[_KEPT] = verdict
        return True, ""


def _judge(db: Any, uri: str, fields: dict[str, Any]) -> Verdict | None:
    """Score a comment and set its mode; on failure it waits for the moderator."""
    try:
        site = _site_of(db)
        verdict = site.check(_comment_of(db, uri, fields))
    except SpamguardError as error:
        _log.error("A comment could not be scored and waits: %s", error)
        fields["mode"] = _WAITING
        return None
    if site.holds(verdict):
        fields["mode"] = _WAITING
    return verdict


class Comments(IssoComments):  # type: ignore[misc]
    """Isso's table of comments, which learns from moderators' actions."""

    def add(self, uri: str, c: dict[str, Any]) -> dict[str, Any]:
        """Add a comment, and keep its verdict with its number."""
        verdict = c.pop(_KEPT, None)
        item: dict[str, Any] = super().add(uri, c)
        if verdict is not None:
            self._record(uri, item, verdict)
        return item

    def _record(self, uri: str, item: dict[str, Any], verdict: Verdict) -> None:
        _site_of(self.db).record(_key_of(item), _comment_of(self.db, uri, item), verdict)

    def update(self, id: int, data: dict[str, Any]) -> Any:
        """Change a comment; an author's edit is scored again."""
        item = self.get(id)
        if item is None or "text" not in data or not self._guards() or _by_moderator("edit"):
            return super().update(id, data)
        changed = {**item, **data}
        uri = self.db.threads.get(item["tid"])["uri"]
        verdict = _judge(self.db, uri, changed)
        if changed["mode"] != item["mode"]:
            data = {**data, "mode": changed["mode"]}
        done = super().update(id, data)
        if verdict is not None:
            self._record(uri, changed, verdict)
        return done

    def _guards(self) -> bool:
        return bool(self.db.conf.getboolean("guard", "enabled"))

    def activate(self, id: int) -> None:
        """Publish a waiting comment, and learn that it is ham."""
        item = self.get(id)
        super().activate(id)
        if item is not None and item["mode"] == _WAITING:
            self._learn(item, "ham")

    def delete(self, id: int) -> Any:
        """Delete a comment; a moderator's deletion is learned."""
        item = self.get(id)
        uri = self.db.threads.get(item["tid"])["uri"] if item else None
        done = super().delete(id)
        if item is not None and _by_moderator("delete"):
            everything = self.db.conf.get("spamguard", "deleted-is-spam") == "all"
            spam = everything or item["mode"] == _WAITING
            self._learn(item, "spam" if spam else "remove", uri)
        return done

    def _learn(self, item: dict[str, Any], decision: Decision, uri: str | None = None) -> None:
        try:
            if uri is None:
                uri = self.db.threads.get(item["tid"])["uri"]
            comment = _comment_of(self.db, uri, item)
            _site_of(self.db).correct(_key_of(item), decision, by="moderator", comment=comment)
        except SpamguardError as error:
            _log.error("A moderator's decision was not kept: %s", error)


def _by_moderator(action: str) -> bool:
    """Return whether the moderator, not the author, sent the current request."""
    request = getattr(isso.local, "request", None)
    return request is not None and request.method == "POST" and f"/{action}/" in request.path


if __name__ == "__main__":
    main()
