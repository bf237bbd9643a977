"""``spamguard score``: one comment, or a stream of them in constant memory."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from spamguard.cli import reading, writing
from spamguard.cli.reading import Line, Problem, Source
from spamguard.comment import Post
from spamguard.errors import InputError
from spamguard.model import SpamModel
from spamguard.scoring import default_model
from spamguard.storage import load_model

MOST_REPORTS: Final = 20
"""Bad lines that are reported one by one; the rest is counted."""


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.text == "-":
        args.text = None
    _check_usage(args)
    post = _post(args)
    model = load_model(args.model) if args.model else default_model()
    if args.prior is not None:
        model = model.at_prior(args.prior)
    if args.text is not None:
        return _score_text(args, model, post)
    with reading.opened(args.input) as source:
        return _score_stream(args, model, post, source)


def _check_usage(args: argparse.Namespace) -> None:
    if args.text is not None:
        if args.input is not None or args.in_format is not None:
            args.usage_error("give either TEXT or --input, not both")
        return
    if args.author is not None or args.author_url is not None:
        args.usage_error("--author and --author-url go with TEXT; in a file they are fields")
    if args.input is None and sys.stdin.isatty():
        args.usage_error("give a TEXT, name a file with --input, or pipe comments in")


def _post(args: argparse.Namespace) -> Post | None:
    text = args.post
    if text is not None and text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{args.post[1:]} is not UTF-8; save it as UTF-8.") from None
    post = Post(title=args.post_title, text=text, url=args.post_url)
    return post if post != Post() else None


@contextmanager
def _writer(args: argparse.Namespace, single: bool) -> Iterator[writing.Write]:
    form = args.format or writing.format_for(args.output)
    with writing.opened(args.output) as file:
        if form == "jsonl":
            yield writing.json_lines(file, args.explain)
        elif form == "csv":
            yield writing.csv_lines(file, args.explain)
        else:
            with _table(file, args.explain, single) as write:
                yield write


@contextmanager
def _table(file: IO[bytes], explain: int | None, single: bool) -> Iterator[writing.Write]:
    write, stream = writing.table_lines(file, explain, single)
    yield write
    stream.flush()
    if stream is not sys.stdout and isinstance(stream, io.TextIOWrapper):
        stream.detach()  # the file is closed by the one who opened it


def _score_text(args: argparse.Namespace, model: SpamModel, post: Post | None) -> int:
    given = {"text": args.text, "author": args.author, "author_url": args.author_url}
    fields = {name: value for name, value in given.items() if value is not None}
    verdict = model.verdict(reading.comment_of(fields, post))
    with _writer(args, single=True) as write:
        write(fields, verdict)
    return 0


def _score_stream(
    args: argparse.Namespace, model: SpamModel, post: Post | None, source: Source
) -> int:
    from spamguard.cli.progress import Progress

    form = args.in_format or reading.format_of(source)
    reports = _Reports(source.name)
    # Lines of verdicts on the same screen are progress enough.
    watched = args.output in (None, "-") and sys.stdout.isatty()
    with _writer(args, single=False) as write, Progress(shown=not watched) as progress:
        for count, line in enumerate(reading.lines_of(source, form), 1):
            if isinstance(line, Line):
                line = _answer(line, model, post, write)
            if isinstance(line, Problem):
                reports.add(line)
            progress(
                "comments" if source.size else f"{count:,} comments", source.done(), source.size
            )
    return reports.close()


def _answer(
    line: Line, model: SpamModel, post: Post | None, write: writing.Write
) -> Line | Problem:
    """Write the verdict on `line`; return the line, or what is wrong with it."""
    try:
        write(line.fields, model.verdict(reading.comment_of(line.fields, post)))
    except InputError as error:
        return Problem(line.number, str(error).rstrip("."))
    return line


class _Reports:
    """Tells of bad lines on stderr, at most `MOST_REPORTS` times."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def add(self, problem: Problem) -> None:
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
