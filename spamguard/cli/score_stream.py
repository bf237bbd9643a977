"""A stream of comments, scored in batches in constant memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from spamguard.comment import Comment, Post
from spamguard.corpus import Line, Problem, Source, comment_of
from spamguard.display import counted
from spamguard.errors import InputError
from spamguard.scoring import jobs_for, score_in_parallel, score_many

if TYPE_CHECKING:
    from typing import Any

    from spamguard.model import SpamModel
    from spamguard.verdict import Verdict

MOST_REPORTS: Final = 20
"""Bad lines to report one by one; the rest are counted."""

BATCH: Final = 2_000
"""Comments in a batch, for each process."""

MOST_BYTES: Final = 8_000_000
"""Bytes of input in a batch, for each process: comments may be long."""


class ScoredOutput(Protocol):
    """Where verdicts go: a file or a table on the screen."""

    def has(self, fields: dict[str, Any], judge: Callable[[], Verdict]) -> bool:
        """Return whether an interrupted run has written the next row already."""

    def write(self, fields: dict[str, Any], verdict: Verdict) -> None:
        """Write a row."""

    def flush(self) -> None:
        """Pass on what was written."""


class BadLines:
    """Reports bad lines on stderr: the first `MOST_REPORTS` one by one, then their number."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def add(self, number: int, what: str) -> None:
        """Report a line, or only count it."""
        self._count += 1
        if self._count <= MOST_REPORTS:
            what = what.rstrip(".")
            print(f"spamguard: {self._name}, line {number}: {what}", file=sys.stderr)

    def close(self) -> int:
        """Report how many more there were; return the exit code."""
        if self._count > MOST_REPORTS:
            more = self._count - MOST_REPORTS
            print(f"spamguard: {self._name}: {counted(more, 'more such line')}", file=sys.stderr)
        return 1 if self._count else 0


class Stream:
    """Scores the comments of `source` in order and writes their verdicts to `output`."""

    def __init__(
        self,
        source: Source,
        model: SpamModel,
        output: ScoredOutput,
        bad_lines: BadLines,
        progress: Callable[[str, int, int], None],
        jobs: int | None = None,
    ) -> None:
        self._source = source
        self._model = model
        self._output = output
        self._bad_lines = bad_lines
        self._progress = progress
        self._jobs = jobs
        self._workers = jobs_for(jobs)
        self._lines: list[Line] = []
        self._comments: list[Comment] = []
        self._bytes = 0
        self._count = 0
        # A sender may wait for a verdict before it sends more.
        source.before_wait = self._score_batch

    def score(self, lines: Iterable[Line | Problem], post: Post | None) -> None:
        """Score all `lines`; `post` is for comments that bring none of their own."""
        for line in lines:
            if isinstance(line, Problem):
                self._bad_lines.add(line.number, line.what)
                continue
            try:
                comment = comment_of(line.fields, post)
                known = self._output.has(line.fields, partial(self._model.verdict, comment))
            except InputError as error:
                self._bad_lines.add(line.number, str(error))
                continue
            if not known:
                self._collect(line, comment)
        self._score_batch()

    def _collect(self, line: Line, comment: Comment) -> None:
        self._lines.append(line)
        self._comments.append(comment)
        self._bytes += line.size
        full = len(self._lines) >= BATCH * self._workers
        if full or self._bytes >= MOST_BYTES * self._workers:
            self._score_batch()

    def _score_batch(self) -> None:
        if not self._lines:
            return
        lines, comments = self._lines, self._comments
        self._lines, self._comments, self._bytes = [], [], 0
        for line, verdict in zip(lines, self._verdicts(comments), strict=True):
            try:
                self._output.write(line.fields, verdict)
            except InputError as error:
                self._bad_lines.add(line.number, str(error))
        self._output.flush()
        self._count += len(lines)
        stage = "comments" if self._source.size else f"{self._count:,} comments"
        self._progress(stage, self._source.done(), self._source.size)

    def _verdicts(self, comments: list[Comment]) -> list[Verdict]:
        if self._workers == 1:
            return score_many(comments, model=self._model)
        return score_in_parallel(comments, self._model, self._jobs)
