"""``spamguard score``: one comment, or a stream of them in constant memory."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spamguard.cli.streaming import Reports, Stream
from spamguard.comment import Post
from spamguard.corpus import Source, pyarrow
from spamguard.corpus import readers as reading
from spamguard.corpus import writers as writing
from spamguard.errors import InputError
from spamguard.model import SpamModel
from spamguard.scoring import default_model
from spamguard.storage import load_model

if TYPE_CHECKING:
    from spamguard.corpus import Output, ParquetOutput, Table


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.text == "-":
        args.text = None
    form = args.format or writing.format_for(args.output)
    _check_usage(args, form)
    post = _post(args)
    if form == "parquet":
        pyarrow()  # before anything is read, let alone judged
    model = load_model(args.model) if args.model else default_model()
    if args.prior is not None:
        model = model.at_prior(args.prior)
    if args.text is not None:
        return _score_text(args, form, model, post)
    with reading.opened(args.input) as source:
        return _score_stream(args, form, model, post, source)


def _check_usage(args: argparse.Namespace, form: str) -> None:
    if form == "parquet" and (args.text is not None or args.output in (None, "-")):
        args.usage_error("Parquet goes with --input and --output FILE.parquet")
    if args.text is not None:
        if args.input is not None or args.in_format is not None:
            args.usage_error("give either TEXT or --input, not both")
        if args.jobs is not None or args.resume:
            args.usage_error("--jobs and --resume go with --input; TEXT is a single comment")
        return
    if args.author is not None or args.author_url is not None:
        args.usage_error("--author and --author-url go with TEXT; in a file they are fields")
    if args.resume and (form in ("table", "parquet") or writing.target_of(args.output) is None):
        args.usage_error("--resume goes with --output FILE, as JSON lines or CSV")
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


def _score_text(args: argparse.Namespace, form: str, model: SpamModel, post: Post | None) -> int:
    given = {"text": args.text, "author": args.author, "author_url": args.author_url}
    fields = {name: value for name, value in given.items() if value is not None}
    verdict = model.verdict(reading.comment_of(fields, post))
    with writing.answers(args.output, form, args.explain, single=True) as output:
        output.write(fields, verdict)
    return 0


def _score_stream(
    args: argparse.Namespace, form: str, model: SpamModel, post: Post | None, source: Source
) -> int:
    from spamguard.progress import Progress

    lines = reading.lines_of(source, args.in_format or reading.format_of(source))
    reports = Reports(source.name)
    # Lines of verdicts on the same screen are progress enough.
    watched = args.output in (None, "-") and sys.stdout.isatty()
    with (
        _seldom_collected(),
        _answers(args, form, source) as output,
        Progress(shown=not watched) as progress,
    ):
        stream = Stream(source, model, output, reports, progress, args.jobs)
        stream.answer(lines, post)
    return reports.close()


_MADE: Final = 50_000  # objects between two searches for garbage


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for garbage in rings seldom: a stream makes none, and looking takes a twentieth of it."""
    former = gc.get_threshold()
    gc.set_threshold(_MADE, *former[1:])
    try:
        yield
    finally:
        gc.set_threshold(*former)


def _answers(
    args: argparse.Namespace, form: str, source: Source
) -> AbstractContextManager[Output | Table | ParquetOutput]:
    if form == "parquet":
        from spamguard.corpus import parquet_answers

        return parquet_answers(args.output, args.explain, source)
    return writing.answers(args.output, form, args.explain, resume=args.resume)
