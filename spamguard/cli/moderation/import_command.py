"""``spamguard import``: a blog's own history as labelled comments."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from spamguard.display import counted

if TYPE_CHECKING:
    from collections import Counter

    from spamguard.importers import ImportSummary, Report

# Options of single sources: the importer's name for each, and its sources.
_OWN: Final = {
    "prefix": ("prefix", ("wordpress-db",)),
    "posts": ("posts", ("wordpress-json",)),
    "comments_dir": ("folder", ("staticman",)),
    "pulls": ("pulls", ("staticman",)),
    "column": ("columns", ("csv", "jsonl")),
    "spam": ("spam", ("csv", "jsonl")),
    "ham": ("ham", ("csv", "jsonl")),
    "label": ("label", ("csv", "jsonl")),
}
_BY: Final = {"owner": "the owner", "filter": "a filter", "none": "an unknown source"}


# Repeated here because the help must not import the importers; a test compares them.
SOURCES: Final = (
    *("wordpress", "wordpress-db", "wordpress-json", "disqus", "isso", "remark42"),
    *("blogger", "movabletype", "staticman", "csv", "jsonl"),
)

_DESCRIPTION: Final = """\
Turn a blog's own history into labelled comments.

SOURCE is what PATH was exported from:
  wordpress       Tools, Export (WXR). WordPress leaves its spam out of it
  wordpress-db    the database, as mysql://user:password@host/name; env:NAME
                  reads that from a variable. It includes spam and its source
  wordpress-json  the REST API's comments, or wp comment list --format=json
  disqus          the XML export
  isso            its database, comments.db
  remark42        its backup
  blogger         the backup, or feed.atom of Google Takeout
  movabletype     Export Entries; TypePad writes the same
  staticman       a clone of the blog's repository: requests, deleted files
  csv, jsonl      any other; --column says which column is which

Labelled comments go to --output, unlabelled ones and pingbacks to files beside
it. label_by holds the source of each label: owner, filter or none. E-mail and IP
addresses are left out by default. The files appear only when they are complete.
"""
_EXAMPLES: Final = """\
examples:
  spamguard import wordpress blog.xml -o corpus.jsonl
  spamguard import wordpress-db env:BLOG_DB -o corpus.jsonl --trust owner
  spamguard import staticman ./blog -o corpus.jsonl --pulls pulls.json
  spamguard import csv old.csv -o corpus.jsonl --column text=message
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("source", metavar="SOURCE", choices=SOURCES, help="see above")
    parser.add_argument("path", metavar="PATH", help="what was exported")
    parser.add_argument(
        "-o", "--output", metavar="FILE.jsonl", required=True, help="where to write the corpus"
    )
    parser.add_argument(
        "--blog", metavar="NAME",
        help="name of the blog, if the export has none; name each blog differently",
    )  # fmt: skip
    parser.add_argument(
        "--trust", choices=("owner", "filter", "published"), default="published",
        help="what counts as a label: decisions of the owner alone, also those of a filter, or "
        "(default) also that a comment is published",
    )  # fmt: skip
    parser.add_argument("--with-email", action="store_true", help="keep e-mail addresses")
    parser.add_argument("--with-ip", action="store_true", help="keep IP addresses")
    parser.add_argument("--replace", action="store_true", help="replace files that exist")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    _add_source_options(parser)


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prefix", metavar="PREFIX", help="wordpress-db: of the tables, such as wp_"
    )
    parser.add_argument(
        "--posts", metavar="FILE.json", help="wordpress-json: the posts, for their titles and texts"
    )
    parser.add_argument(
        "--comments-dir", metavar="DIR", help="staticman: folder of the comments in the repository"
    )
    parser.add_argument(
        "--pulls", metavar="FILE.json",
        help="staticman: states of the pull requests, from gh pr list --state all "
        "--json number,state",
    )  # fmt: skip
    parser.add_argument(
        "--column", action="append", metavar="FIELD=NAME",
        help="csv, jsonl: our field and the file's column, such as text=message; a dotted path "
        "leads into JSON objects",
    )  # fmt: skip
    parser.add_argument(
        "--spam", action="append", metavar="VALUE", help="csv, jsonl: the label's value for spam"
    )
    parser.add_argument(
        "--ham", action="append", metavar="VALUE", help="csv, jsonl: the label's value for ham"
    )
    parser.add_argument(
        "--label", choices=("ham", "spam"), help="csv, jsonl: the label of every comment"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    options = _options(args)
    from spamguard.importers import columns_from, import_comments
    from spamguard.progress import Progress

    if "columns" in options:
        options["columns"] = columns_from(options["columns"])
    keep = [name for name in ("email", "ip") if getattr(args, f"with_{name}")]
    with Progress() as watch:
        done = import_comments(
            args.source, args.path, args.output, blog=args.blog, trust=args.trust, keep=keep,
            replace=args.replace, watch=watch, **options,
        )  # fmt: skip
    if args.json:
        files = [str(path) for path in done.files]
        print(json.dumps(done.report.to_dict() | {"files": files}, indent=1))
    else:
        _print(done)
    if done.report.lost:
        print(
            f"spamguard: {counted(done.report.lost.total(), 'comment')} could not be read; see above",
            file=sys.stderr,
        )
    return 1 if done.report.lost else 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options = {}
    for option, (name, sources) in _OWN.items():
        value = getattr(args, option)
        if value is None:
            continue
        if args.source not in sources:
            args.usage_error(f"--{option.replace('_', '-')} goes with {' and '.join(sources)}")
        options[name] = value
    if args.label is not None and (args.spam or args.ham):
        args.usage_error("--label goes without --spam and --ham")
    return options


def _print(done: ImportSummary) -> None:
    from spamguard.cli.terminal import Screen

    screen, report = Screen(), done.report
    screen.field("comments", f"{report.found:,} under {report.posts:,} posts")
    for label, count in (("spam", report.spam), ("ham", report.ham)):
        screen.field(label, f"{count:,}" + _deciders(report, label))
    for name, counter in (
        ("unlabelled", report.unlabelled), ("kept apart", report.apart),
        ("dropped", report.dropped), ("repaired", report.damage),
    ):  # fmt: skip
        if counter.total():
            screen.field(name, f"{counter.total():,}: {_listed(counter)}")
    for number, path in enumerate(done.files):
        screen.field("written" if number == 0 else "", str(path))
    for number, words in enumerate(report.notes):
        screen.field("note" if number == 0 else "", words)
    if report.spam and report.ham:
        screen.line()
        screen.line(f"Train: spamguard train --corpus {done.files[0]} --output mysite-1")


def _deciders(report: Report, label: str) -> str:
    parts = [
        f"{count:,} by {_BY[by]} ({source})"
        for (which, by, source), count in report.labels.most_common()
        if which == label
    ]
    return f": {', '.join(parts)}" if parts else ""


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counter.most_common() if count)
