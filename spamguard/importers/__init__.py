"""A blog's own history as labelled comments.

Each module reads one source as a stream of `ImportedComment` records and counts every
comment in a `Report`. Scoring loads none of this, and SQLAlchemy and PyYAML load only
for the sources that need them.

Examples
--------
>>> import json, tempfile
>>> from pathlib import Path
>>> from spamguard.importers import import_comments
>>> with tempfile.TemporaryDirectory() as folder:
...     file = Path(folder, "mine.jsonl")
...     _ = file.write_text(json.dumps({"message": "Which oven?", "verdict": "ok"}))
...     columns = {"text": "message", "label": "verdict"}
...     done = import_comments(
...         "jsonl", file, Path(folder, "corpus.jsonl"), columns=columns, ham=["ok"]
...     )
>>> done.report.found, done.report.ham, [path.name for path in done.files]
(1, 1, ['corpus.jsonl'])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.importers.accounting import Report as Report
    from spamguard.importers.columns import columns_from as columns_from
    from spamguard.importers.exports import open_export as open_export
    from spamguard.importers.exports import read_text as read_text
    from spamguard.importers.git import MAX_BLOB as MAX_BLOB
    from spamguard.importers.git import Repository as Repository
    from spamguard.importers.importing import SOURCES as SOURCES
    from spamguard.importers.importing import ImportSummary as ImportSummary
    from spamguard.importers.importing import import_comments as import_comments
    from spamguard.importers.importing import read_comments as read_comments
    from spamguard.importers.record import Decision as Decision
    from spamguard.importers.record import ImportedComment as ImportedComment
    from spamguard.importers.record import ImportedPost as ImportedPost
    from spamguard.importers.scanner import End as End
    from spamguard.importers.scanner import Field as Field
    from spamguard.importers.scanner import Shape as Shape
    from spamguard.importers.scanner import Start as Start
    from spamguard.importers.scanner import scan as scan
    from spamguard.importers.staticman import RepositoryPosts as RepositoryPosts
    from spamguard.importers.staticman import comment_fields as comment_fields
    from spamguard.importers.staticman import field_of as field_of
    from spamguard.importers.staticman import is_comment_file as is_comment_file

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "columns": ["columns_from"],
        "exports": ["open_export", "read_text"],
        "git": ["MAX_BLOB", "Repository"],
        "importing": ["SOURCES", "ImportSummary", "import_comments", "read_comments"],
        "record": ["Decision", "ImportedComment", "ImportedPost"],
        "accounting": ["Report"],
        "scanner": ["End", "Field", "Shape", "Start", "scan"],
        "staticman": ["RepositoryPosts", "comment_fields", "field_of", "is_comment_file"],
    },
)
