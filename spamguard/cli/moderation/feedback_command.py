"""``spamguard feedback``: enter decisions, list, undo and forget them, export the labels."""

from __future__ import annotations

import argparse
import getpass
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from spamguard.cli.options import count
from spamguard.comment import Post
from spamguard.corpus import (
    Problem,
    comment_of,
    csv_row,
    format_of,
    json_row,
    lines_of,
    open_output,
    open_source,
    output_format,
    target_of,
)
from spamguard.display import counted
from spamguard.errors import InputError

if TYPE_CHECKING:
    from spamguard.feedback import Correction, Entry, Journal

_TABLE: Final = 50  # default number of entries in a table
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CORPUS: Final = (
    *("blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
    *("post_title", "post_text", "post_url", "post_author"),
)
_ENTRY: Final = (
    *("id", "at", "kind", "site", "comment_id", "by", "decision", "undoes", "undone_by"),
    *("label", "spam_probability", "log_odds", "discard", "model", "language", "note"),
)


_DESCRIPTION: Final = """\
Keep what moderators decide, in a file that loses nothing, and export it as
labelled comments to learn from. FILE is the journal, such as feedback.db; or
the URL of a database that several machines share, or env:NAME to read the URL
from a variable. The first "add" creates it.

  add      a decision: spam, ham, or remove (take it away, but do not learn it)
  list     the entries, the latest last; without the comments' texts
  undo     take an entry back; an undo can be undone as well
  forget   a comment: its text leaves the file, its label the next model
  export   the labels in force, as a corpus for "spamguard train"

"spamguard feedback FILE add --help" and so on show the options of each.
"""
_EXAMPLES: Final = """\
examples:
  spamguard feedback feedback.db add --by anna 1207 spam --text "Cheap pills"
  spamguard feedback feedback.db list
  spamguard feedback feedback.db undo 3 --by anna
  spamguard feedback feedback.db export --output corpus.jsonl
"""
_ADD: Final = """\
Enter a decision about the comment ID, or many from --input: JSON lines or CSV
with the fields comment_id, label (spam, ham or remove), text, and as many as
you have of author, author_url, date, post_id, post_title, post_text, post_url,
post_author, site, by and at (when it was decided). Without a text, the journal
must have the comment already. A line that cannot be used is reported by its
number and left out; the exit code is then 1.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.add_argument("journal", metavar="FILE", help="the journal")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, short: str, description: str | None = None) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = actions.add_parser(
            name,
            help=short,
            description=description or f"{short[0].upper()}{short[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        found.set_defaults(run=run, usage_error=found.error)
        return found

    _add_options(action("add", "enter decisions", _ADD))
    found = action("list", "show the entries, without the comments' texts")
    _site_option(found, "only this site's entries (default: all)")
    found.add_argument("--comment", metavar="ID", help="only entries about this comment")
    found.add_argument("--last", type=count, metavar="N", help="only the latest N (a table: 50)")
    _output_options(found, ("table", "jsonl", "csv"))
    found = action("undo", "take an entry back")
    found.add_argument("entry", type=count, metavar="ENTRY", help="its number")
    _by_option(found)
    found = action("forget", "forget a comment, or all old ones")
    found.add_argument("comment_id", nargs="?", metavar="ID", help="the comment")
    found.add_argument(
        "--before", metavar="DATE",
        help="instead: every comment without an entry since that day, such as 2024-01-31",
    )  # fmt: skip
    _site_option(found, "the comment's site; with --before only this one (default: all)")
    _by_option(found)
    found = action("export", "write the labels in force as a corpus")
    _site_option(found, "only this site's labels (default: all)")
    _output_options(found, ("jsonl", "csv"))
    found.add_argument("--replace", action="store_true", help="replace a file that exists")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("comment_id", nargs="?", metavar="ID", help="the comment's key on its site")
    parser.add_argument(
        "decision", nargs="?", choices=("spam", "ham", "remove"), help="what was decided"
    )
    _by_option(parser)
    _site_option(parser, "key of the site, where one journal serves several")
    for name, metavar, words in (
        ("--text", "TEXT", "the comment"),
        ("--author", "NAME", "name the visitor gave"),
        ("--author-url", "URL", "address the visitor gave"),
        ("--date", "DATE", "when the comment was sent"),
        ("--post", "TEXT|@FILE", "text of the post"),
        ("--post-title", "TITLE", "title of the post"),
        ("--post-url", "URL", "address of the post"),
    ):
        parser.add_argument(name, metavar=metavar, help=f"{words} (with ID)")
    parser.add_argument("--input", metavar="FILE", help="decisions to read (- is standard input)")
    parser.add_argument(
        "--in-format", choices=("jsonl", "csv"),
        help="how to read (default: by the name of --input, else by the first character)",
    )  # fmt: skip
    parser.add_argument(
        "--history", action="store_true",
        help="the decisions are older than what the journal already has",
    )  # fmt: skip
    parser.add_argument(
        "--texts", choices=("all", "corrected", "none"),
        help="the comments whose texts a new journal keeps: all, those decided on, or none",
    )  # fmt: skip


def _by_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="NAME", help="your account (default: the login name)")


def _site_option(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--site", metavar="KEY", help=words)


def _output_options(parser: argparse.ArgumentParser, forms: tuple[str, ...]) -> None:
    parser.add_argument(
        "--output", metavar="FILE", help="where to write (default: standard output, -)"
    )
    parser.add_argument(
        "--format", choices=forms,
        help="how to write (default: by the name of --output; on a terminal a table where there "
        "is one, in a pipe JSON lines)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    _check_usage(args)
    from spamguard.feedback import Journal

    adds = args.action == "add"
    texts = args.texts if adds else None
    with Journal(args.journal, create=adds, texts=texts) as journal:
        return int(_ACTIONS[args.action](args, journal))


def _check_usage(args: argparse.Namespace) -> None:
    if args.action == "add":
        _check_add(args)
    if args.action == "forget" and (args.comment_id is None) == (args.before is None):
        args.usage_error("name the comment to forget, or a date with --before")
    if hasattr(args, "by") and args.by is None:
        try:
            args.by = getpass.getuser()
        except (OSError, KeyError, ImportError):
            args.usage_error("name the moderator with --by NAME")


def _check_add(args: argparse.Namespace) -> None:
    if args.comment_id is None and args.input is None:
        args.usage_error("give a comment's ID and spam, ham or remove; or name a file with --input")
    if args.comment_id is not None and args.input is not None:
        args.usage_error("give either ID or --input, not both")
    if args.comment_id is not None and args.decision is None:
        args.usage_error("say what was decided: spam, ham or remove")
    beside = {
        "--text": args.text, "--author": args.author, "--author-url": args.author_url,
        "--date": args.date, "--post": args.post, "--post-title": args.post_title,
        "--post-url": args.post_url,
    }  # fmt: skip
    given = [name for name, value in beside.items() if value is not None]
    if args.input is not None and given:
        args.usage_error(f"{given[0]} goes with ID; in a file it is a field")
    if args.input is None and args.text is None and given:
        args.usage_error(f"{given[0]} goes with --text")
    if args.input is None and (args.in_format or args.history):
        args.usage_error("--in-format and --history go with --input")


# --- add --------------------------------------------------------------------------


def _add(args: argparse.Namespace, journal: Journal) -> int:
    return _add_one(args, journal) if args.input is None else _add_many(args, journal)


def _add_one(args: argparse.Namespace, journal: Journal) -> int:
    comment = None
    if args.text is not None:
        text = args.post
        if text is not None and text.startswith("@"):
            try:
                text = Path(text[1:]).read_text("utf-8-sig")
            except UnicodeDecodeError:
                raise InputError(f"{args.post[1:]} is not UTF-8; save it as UTF-8.") from None
        post = Post(title=args.post_title, text=text, url=args.post_url)
        fields = {
            "text": args.text,
            "author": args.author,
            "author_url": args.author_url,
            "date": args.date,
        }
        comment = comment_of(fields, post if post != Post() else None)
    number = journal.correct(
        args.comment_id, args.decision, by=args.by, comment=comment, site=args.site or ""
    )
    print(f"entry {number}: {args.decision} by {args.by}")
    return 0


def _add_many(args: argparse.Namespace, journal: Journal) -> int:
    from spamguard.cli.score_stream import BadLines
    from spamguard.progress import Progress

    with open_source(args.input) as source, Progress() as progress:
        form = args.in_format or format_of(source)
        bad_lines = BadLines(source.name)

        def corrections() -> Iterator[Correction]:
            for line in lines_of(source, form):
                progress("decisions", source.done(), source.size)
                try:
                    if isinstance(line, Problem):
                        raise InputError(line.what)
                    yield _correction(args, line.fields)
                except InputError as error:
                    bad_lines.add(line.number, str(error))

        added = journal.correct_many(corrections())
    code = bad_lines.close()
    parts = [f"{counted(added.taken, 'decision')} entered"]
    if added.repeated:
        parts.append(f"{added.repeated:,} already present")
    if added.forgotten:
        parts.append(f"{added.forgotten:,} left out: their comments were forgotten")
    print("; ".join(parts))
    return code


def _correction(args: argparse.Namespace, fields: dict[str, Any]) -> Correction:
    from spamguard.feedback import Correction

    comment_id = _word(fields, "comment_id") or _word(fields, "id")
    if comment_id is None:
        raise InputError("there is no comment_id")
    decision: Any = (_word(fields, "label") or _word(fields, "decision") or "").strip().lower()
    if decision not in ("spam", "ham", "remove"):
        raise InputError("label must be spam, ham or remove")
    comment = comment_of(fields, None) if fields.get("text") is not None else None
    at: Any = _word(fields, "at")
    if at is None and args.history:
        at = _history(_word(fields, "date"))
    return Correction(
        comment_id,
        decision,
        _word(fields, "by") or _word(fields, "account") or args.by,
        comment,
        _word(fields, "site") or args.site or "",
        _word(fields, "post_id"),
        at,
    )


def _word(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":  # in CSV an empty cell is a missing value
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a bare number is a valid name
    if not isinstance(value, str):
        raise InputError(f"{name} must be text, not {type(value).__name__}")
    return value


def _history(date: str | None) -> datetime:
    """Return a time no later than the decision: the comment's date, if known."""
    from spamguard.feedback import as_time

    try:
        return min(as_time("date", date), datetime.now(UTC))
    except InputError:
        return _LONG_AGO


# --- list -------------------------------------------------------------------------


def _list(args: argparse.Namespace, journal: Journal) -> int:
    form = args.format or output_format(args.output)
    last = args.last or (_TABLE if form == "table" else None)
    found = journal.entries(site=args.site, comment_id=args.comment, last=last)
    with open_output(args.output) as file:
        if form == "table":
            _table(file, found)
        else:
            _write(file, form, _ENTRY, (_facts(entry) for entry in found))
    return 0


def _table(file: IO[bytes], found: Iterable[Entry]) -> None:
    from spamguard.cli.terminal import Screen

    if file is getattr(sys.stdout, "buffer", None):
        screen, stream = Screen(), None
    else:
        stream = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
        screen = Screen(stream)
    for entry in found:
        screen.line(_line(entry))
    if stream is not None:
        stream.detach()  # the caller closes the file


def _facts(entry: Entry) -> dict[str, Any]:
    facts = {name: getattr(entry, name) for name in _ENTRY}
    return facts | {"at": entry.at.isoformat()}


def _line(entry: Entry) -> str:
    """Return an entry as a line: number, time, comment, event and account."""
    from spamguard.display import one_line, percent

    if entry.kind == "verdict":
        what = f"verdict {entry.label} ({percent(entry.spam_probability or 0.0)})"
    elif entry.kind == "correction":
        what = str(entry.decision)
    elif entry.kind == "undo":
        what = f"undo of {entry.undoes}"
    else:
        what = "forgotten" if entry.kind == "forget" else f"forgot {entry.note}"
    by = f"  by {one_line(entry.by)}" if entry.by else ""
    back = f"  [undone by {entry.undone_by}]" if entry.undone_by else ""
    about = f"{entry.site}/{entry.comment_id}" if entry.site else entry.comment_id
    when = entry.at.strftime("%Y-%m-%d %H:%M")
    return f"{entry.id:>6}  {when}  {one_line(about):<16}  {what}{by}{back}"


# --- undo, forget, export ---------------------------------------------------------


def _undo(args: argparse.Namespace, journal: Journal) -> int:
    number = journal.undo(args.entry, by=args.by)
    print(f"entry {number}: undo of {args.entry} by {args.by}")
    return 0


def _forget(args: argparse.Namespace, journal: Journal) -> int:
    if args.before is not None:
        found = journal.forget_before(args.before, by=args.by, site=args.site)
    else:
        found = journal.forget(args.comment_id, by=args.by, site=args.site or "")
    print(f"{found.entries:,} entries forgotten")
    if found.copies:
        named = ", ".join(f"{site}/{name}" if site else name for site, name in found.copies)
        print(f"The same text is still stored under: {named}", file=sys.stderr)
    return 0


def _export(args: argparse.Namespace, journal: Journal) -> int:
    target = target_of(args.output)
    if target is not None and target.exists() and not args.replace:
        # The file may be an imported history, which the journal cannot replace.
        raise InputError(f"{target.name} exists; name another file or pass --replace.")
    form = args.format or output_format(args.output)
    if form == "table":
        form = "jsonl"
    with open_output(args.output) as file:
        _write(file, form, _CORPUS, journal.labels(args.site))
    found = journal.summary(args.site)
    parts = [f"{found.spam:,} spam, {found.ham:,} ham"]
    if found.remove:
        parts.append(f"{found.remove:,} removed, which is no label")
    if found.without_text:
        parts.append(f"{found.without_text:,} left out: no text in the journal")
    print("; ".join(parts), file=sys.stderr)
    return 0


def _write(
    file: IO[bytes], form: str, names: tuple[str, ...], rows: Iterable[dict[str, Any]]
) -> None:
    if form == "parquet":
        raise InputError("a journal is written as JSON lines or CSV; name a .jsonl or .csv file.")
    if form == "csv":
        file.write(csv_row(names))
    for row in rows:
        if form == "csv":
            file.write(csv_row([row[name] for name in names]))
        else:
            kept = {n: row[n] for n in names if row[n] is not None}
            file.write(json_row(kept))
    file.flush()


_ACTIONS: Final = {
    "add": _add,
    "list": _list,
    "undo": _undo,
    "forget": _forget,
    "export": _export,
}
