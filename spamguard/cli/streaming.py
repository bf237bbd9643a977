"""A stream of comments, judged some thousands at a time in constant memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from spamguard.comment import Comment, Post
from spamguard.corpus import Line, Problem, Source
from spamguard.corpus import readers as reading
from spamguard.errors import InputError
from spamguard.scoring import jobs_for, score_in_parallel, score_many

if TYPE_CHECKING:
    from spamguard.corpus import Output, ParquetOutput, Table
    from spamguard.model import SpamModel
    from spamguard.verdict import Verdict

MOST_REPORTS: Final = 20
"""Bad lines that are reported one by one; the rest is counted."""

BATCH: Final = 2_000
"""Comments that are judged together, for each process."""

MOST_BYTES: Final = 8_000_000
"""Bytes of input in a batch, for each process: comments may be long."""


class Stream:
    """Answers comments in the order they come.

    Parameters
    ----------
    source : Source
        Where they come from.
    model : SpamModel
        What judges.
    output : Output, Table or ParquetOutput
        Where the answers go.
    reports : Reports
        Where bad lines are told of.
    progress : callable
        Told how far the work has come.
    jobs : int, optional
        Processes that share the work.
    """

    def __init__(
        self,
        source: Source,
        model: SpamModel,
        output: Output | Table | ParquetOutput,
        reports: Reports,
        progress: Callable[[str, int, int], None],
        jobs: int | None = None,
    ) -> None:
        self._source = source
        self._model = model
        self._output = output
        self._reports = reports
        self._progress = progress
        self._jobs = jobs
        self._workers = jobs_for(jobs)
        self._lines: list[Line] = []
        self._comments: list[Comment] = []
        self._bytes = 0
        self._count = 0
        # Who waits for an answer before sending more must get it.
        source.before_wait = self._judge_waiting

    def answer(self, lines: Iterable[Line | Problem], post: Post | None) -> None:
        """Answer all of `lines`; `post` is for comments that bring none of their own."""
        for line in lines:
            if isinstance(line, Problem):
                self._reports.add(line)
                continue
            try:
                comment = reading.comment_of(line.fields, post)
                known = self._output.has(line.fields, partial(self._model.verdict, comment))
            except InputError as error:
                self._report(line, error)
                continue
            if not known:
                self._take(line, comment)
        self._judge_waiting()

    def _take(self, line: Line, comment: Comment) -> None:
        self._lines.append(line)
        self._comments.append(comment)
        self._bytes += line.size
        full = len(self._lines) >= BATCH * self._workers
        if full or self._bytes >= MOST_BYTES * self._workers:
            self._judge_waiting()

    def _judge_waiting(self) -> None:
        if not self._lines:
            return
        lines, comments = self._lines, self._comments
        self._lines, self._comments, self._bytes = [], [], 0
        for line, verdict in zip(lines, self._verdicts(comments), strict=True):
            try:
                self._output.write(line.fields, verdict)
            except InputError as error:
                self._report(line, error)
        self._output.flush()
        self._count += len(lines)
        stage = "comments" if self._source.size else f"{self._count:,} comments"
        self._progress(stage, self._source.done(), self._source.size)

    def _verdicts(self, comments: list[Comment]) -> list[Verdict]:
        if self._workers == 1:
            return score_many(comments, model=self._model)
        return score_in_parallel(comments, self._model, self._jobs)

    def _report(self, line: Line, error: InputError) -> None:
        self._reports.add(Problem(line.number, str(error).rstrip(".")))


class Reports:
    """Tells of bad lines on stderr, at most `MOST_REPORTS` times."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def add(self, problem: Problem) -> None:
        """Tell of a line, or count it."""
        self._count += 1
        if self._count <= MOST_REPORTS:
            print(
                f"spamguard: {self._name}, line {problem.number}: {problem.what}", file=sys.stderr
            )

    def close(self) -> int:
        """Tell of those that were only counted; return the exit code."""
        if self._count > MOST_REPORTS:
            more = self._count - MOST_REPORTS
            print(f"spamguard: {self._name}: {more:,} more such lines", file=sys.stderr)
        return 1 if self._count else 0
