"""What moderators said, kept so that none of it is lost.

A `Journal` is one SQLite file (or a database that several machines share). It
takes every verdict that was asked for, every correction by a moderator and
every undo, and only ever adds: to undo is one more entry. Once a method has
returned, its entry is on the disk. The labels in force are a corpus to learn
from; a comment that must go can be forgotten, and then neither the file nor
the next model knows of it.

It needs SQLAlchemy: ``pip install 'spamguard[feedback]'``.

Examples
--------
>>> import tempfile
>>> from spamguard import Comment, score
>>> from spamguard.feedback import Journal
>>> folder = tempfile.TemporaryDirectory()
>>> journal = Journal(f"{folder.name}/feedback.db")
>>> comment = Comment("Thanks, the second query had no index here either.", author="Mira")
>>> _ = journal.record("c1", comment, score(comment))
>>> mistake = journal.correct("c1", "spam", by="anna")
>>> _ = journal.undo(mistake, by="anna")
>>> _ = journal.correct("c1", "ham", by="anna")
>>> journal.corpus()[["comment_id", "label"]].values.tolist()
[['c1', 'ham']]
>>> journal.forget("c1", by="anna").entries
4
>>> len(journal.corpus())
0
>>> journal.close()
>>> folder.cleanup()
"""

from __future__ import annotations

from spamguard.errors import FeedbackError, ForgottenError
from spamguard.loading import optional as _optional

with _optional():
    import sqlalchemy as _sqlalchemy  # noqa: F401

from spamguard.feedback.database import Database
from spamguard.feedback.entries import Correction, Decision, Entry, as_time, stamp
from spamguard.feedback.journal import Added, Forgotten, Journal, Summary
from spamguard.feedback.journal_tables import PREFIX, AnyText
from spamguard.feedback.site import Site

__all__ = [
    "PREFIX", "Added", "AnyText", "Correction", "Database", "Decision", "Entry", "FeedbackError",
    "Forgotten", "ForgottenError", "Journal", "Site", "Summary", "as_time", "stamp",
]  # fmt: skip
