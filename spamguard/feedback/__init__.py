"""A journal of verdicts and corrections, and the `Site` that scores and learns with it.

A `Journal` is an SQLite file, or a database that several machines share. It keeps every
verdict, correction and undo, and never changes an entry. When a method returns, its
entry is on disk. The labels in force are a training corpus. A comment can be forgotten;
then neither the file nor the next model contains anything of it.

A `Site` is a blog's filter: a model, a journal and the site's own weights. It needs
SQLAlchemy: ``pip install 'spamguard[feedback]'``.

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
from spamguard.feedback.entries import (
    Correction,
    Decision,
    Entry,
    Erasure,
    ImportCount,
    Summary,
    as_time,
    stamp,
)
from spamguard.feedback.journal import Journal
from spamguard.feedback.journal_tables import PREFIX, AnyText
from spamguard.feedback.journal_tables import entries as journal_entries
from spamguard.feedback.labels import LabelInForce
from spamguard.feedback.site import Site
from spamguard.feedback.steps import (
    count_steps,
    last_shared_step,
    last_step_of,
    put_step,
    share_step,
    unshare_steps,
)

__all__ = [
    "PREFIX",
    "AnyText",
    "Correction",
    "Database",
    "Decision",
    "Entry",
    "Erasure",
    "FeedbackError",
    "ForgottenError",
    "ImportCount",
    "Journal",
    "LabelInForce",
    "Site",
    "Summary",
    "as_time",
    "count_steps",
    "journal_entries",
    "last_shared_step",
    "last_step_of",
    "put_step",
    "share_step",
    "stamp",
    "unshare_steps",
]  # fmt: skip
