"""``spamguard score``: one comment, or a stream of them in constant memory."""

from __future__ import annotations

import argparse
import gc
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TextIO

from spamguard.cli.options import add_jobs, count, share
from spamguard.cli.score_stream import BadLines, ScoredOutput, Stream
from spamguard.comment import Post
from spamguard.corpus import (
    Source,
    comment_of,
    csv_row,
    format_of,
    json_row,
    lines_of,
    load_pyarrow,
    open_output,
    open_scored,
    open_scored_parquet,
    open_source,
    output_format,
    scored_row,
    target_of,
)
from spamguard.errors import InputError
from spamguard.model import SpamModel
from spamguard.scoring import default_model
from spamguard.storage import load_model

if TYPE_CHECKING:
    from spamguard.verdict import Verdict


DEFAULT_REASONS: Final = 5

_DESCRIPTION: Final = """\
Judge one comment, or a stream of them.

Without TEXT, comments are read from --input or standard input, as JSON lines or
CSV, or as Parquet from --input (which needs pyarrow: spamguard[analysis]), and
answered in the same order. These fields are read: text (required), author,
author_url, date, post_title, post_text, post_url, post_author; in JSON lines
also post_thread, a list of the earlier comments' texts, and an object "post"
with title, text, url, author, date and thread. CSV may use commas, semicolons
or tabs. Every field of the input is kept, and spam_probability, label (ham,
unsure or spam) and discard are added; a field that already has one of these
names is kept as given_label and so on. A line that cannot be used is reported
by its number and left out; the exit code is then 1.

On a terminal the answers are a table, in a pipe JSON lines; --format overrides.

An output file appears only when it is complete. Until then the work is in
FILE.part; after an interruption the same command with --resume continues there.
Parquet cannot be continued and starts again.
"""
_EXAMPLES: Final = """\
examples:
  spamguard score "Great post! Visit http://pills.example" --explain
  spamguard score "It was the index." --post @post.md --author Mira
  spamguard score --input comments.csv --output scored.csv --resume --jobs 4
  cat comments.jsonl | spamguard score --explain 3 > scored.jsonl
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="the comment; without it, many are read"
    )
    parser.add_argument(
        "--input", metavar="FILE", help="comments to read (default: standard input, -)"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write (default: standard output, -)"
    )
    parser.add_argument(
        "--format", choices=("table", "jsonl", "csv", "parquet"),
        help="how to write (default: by the name of --output, else see above)",
    )  # fmt: skip
    parser.add_argument(
        "--in-format", choices=("jsonl", "csv", "parquet"),
        help="how to read (default: by the name of --input, else by the first character)",
    )  # fmt: skip
    parser.add_argument(
        "--post", metavar="TEXT|@FILE", help="text of the post, for comments without one"
    )
    parser.add_argument("--post-title", metavar="TITLE", help="title of that post")
    parser.add_argument("--post-url", metavar="URL", help="address of that post")
    parser.add_argument("--author", metavar="NAME", help="name the visitor gave (with TEXT)")
    parser.add_argument("--author-url", metavar="URL", help="address the visitor gave (with TEXT)")
    parser.add_argument(
        "--explain", nargs="?", type=count, const=DEFAULT_REASONS, metavar="N",
        help=f"add the N strongest reasons ({DEFAULT_REASONS} if N is left out); a table groups "
        "those that belong together, JSON lines and CSV give each one",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|DIR", help="another model than the shipped one")
    parser.add_argument(
        "--prior", type=share, metavar="SHARE",
        help="share of spam among all comments of your site, such as 0.02, for spam_probability "
        "(default: the model's, 0.5 for the shipped one); label and discard do not change",
    )  # fmt: skip
    add_jobs(parser)
    parser.add_argument(
        "--resume", action="store_true",
        help="continue where the same command with the same --output was interrupted",
    )  # fmt: skip


def with_explain_default(argv: Sequence[str]) -> list[str]:
    """Return `argv` with a value for a bare ``--explain``, which would swallow the TEXT after it."""
    spelt: list[str] = []
    for here, following in zip(argv, [*argv[1:], ""], strict=False):
        if here == "--":
            return [*spelt, *argv[len(spelt) :]]
        bare = here == "--explain" and not re.fullmatch(r"-?\d+", following)
        spelt.append(f"--explain={DEFAULT_REASONS}" if bare else here)
    return spelt


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.text == "-":
        args.text = None
    form = args.format or output_format(args.output)
    _check_usage(args, form)
    post = _post(args)
    if form == "parquet":
        load_pyarrow()  # fail before anything is read
    model = load_model(args.model) if args.model else default_model()
    if args.prior is not None:
        model = model.at_prior(args.prior)
    if args.text is not None:
        return _score_text(args, form, model, post)
    with open_source(args.input) as source:
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
    if args.resume and (form in ("table", "parquet") or target_of(args.output) is None):
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
    verdict = model.verdict(comment_of(fields, post))
    if form == "table":
        with _open_table(args.output, args.explain, single=True) as table:
            table.write(fields, verdict)
        return 0
    row = scored_row(fields, verdict, args.explain)
    with open_output(args.output) as file:
        if form == "csv":
            file.write(csv_row(list(row)) + csv_row(list(row.values())))
        else:
            file.write(json_row(row))
    return 0


def _score_stream(
    args: argparse.Namespace, form: str, model: SpamModel, post: Post | None, source: Source
) -> int:
    from spamguard.progress import Progress

    lines = lines_of(source, args.in_format or format_of(source))
    bad_lines = BadLines(source.name)
    # Verdicts on the same screen show the progress.
    watched = args.output in (None, "-") and sys.stdout.isatty()
    with (
        _rare_collection(),
        _open_scored(args, form, source) as output,
        Progress(shown=not watched) as progress,
    ):
        stream = Stream(source, model, output, bad_lines, progress, args.jobs)
        stream.score(lines, post)
    return bad_lines.close()


_ALLOCATIONS: Final = 50_000


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Collect garbage rarely: a stream makes no cycles, and collection takes 5 % of the time."""
    former = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *former[1:])
    try:
        yield
    finally:
        gc.set_threshold(*former)


def _open_scored(
    args: argparse.Namespace, form: str, source: Source
) -> AbstractContextManager[ScoredOutput]:
    if form == "parquet":
        return open_scored_parquet(args.output, args.explain, source)
    if form == "table":
        return _open_table(args.output, args.explain)
    return open_scored(args.output, form, args.explain, resume=args.resume)


# --- for a person -----------------------------------------------------------------


@contextmanager
def _open_table(path: str | None, explain: int | None, single: bool = False) -> Iterator[Table]:
    with open_output(path) as file:
        table = Table(file, explain, single)
        yield table
        table.close()


class Table:
    """Shows rows and their verdicts on a terminal; a `single` row is not repeated."""

    def __init__(self, file: IO[bytes], explain: int | None, single: bool) -> None:
        from spamguard.cli.terminal import Screen

        self._stream: TextIO = sys.stdout
        if file is not getattr(sys.stdout, "buffer", None):
            # Data is always UTF-8; a table on the screen follows the terminal's encoding.
            self._stream = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
        self._screen = Screen(self._stream)
        self._explain = explain
        self._single = single

    def has(self, fields: dict[str, Any], judge: Callable[[], Verdict]) -> bool:
        """Return False: a table cannot be resumed."""
        return False

    def write(self, fields: dict[str, Any], verdict: Verdict) -> None:
        """Show a row."""
        about = "" if self._single else _about(fields)
        self._screen.verdict_line(verdict, about)
        if self._explain:
            self._screen.language(verdict)
        self._screen.reasons(verdict, self._explain or 0, known=about)

    def flush(self) -> None:
        """Show what was written."""
        self._stream.flush()

    def close(self) -> None:
        """Flush, and leave the file open for the caller."""
        self.flush()
        if self._stream is not sys.stdout and isinstance(self._stream, io.TextIOWrapper):
            self._stream.detach()


def _about(fields: dict[str, Any]) -> str:
    known = [fields.get("comment_id", fields.get("id")), fields.get("author"), fields.get("text")]
    return " | ".join(str(value) for value in known if value)
