"""A blog's own history as labelled comments.

One module reads one source; all of them yield `ImportedComment` records as a
stream and count in a `Report` what became of every comment they met. Nothing
here is loaded by scoring, and a source's own needs (SQLAlchemy, PyYAML) only
when it is read.

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

from spamguard.importers.importing import SOURCES, Imported, import_comments, read_comments
from spamguard.importers.record import Decision, ImportedComment, ImportedPost
from spamguard.importers.report import Report

__all__ = [
    "SOURCES",
    "Decision",
    "Imported",
    "ImportedComment",
    "ImportedPost",
    "Report",
    "import_comments",
    "read_comments",
]
