"""From a source to a corpus: which module reads what, and whose word counts as a label."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from spamguard.errors import CorpusError
from spamguard.importers.files import Watch, nobody
from spamguard.importers.record import PRIVATE, Decision, ImportedComment
from spamguard.importers.report import Report

__all__ = ["SOURCES", "Imported", "import_comments", "read_comments"]

Trust = Literal["owner", "filter", "published"]

SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "wordpress": ("wordpress", "read"),
    "wordpress-db": ("wordpress_db", "read"),
    "wordpress-json": ("wordpress_json", "read"),
    "disqus": ("disqus", "read"),
    "isso": ("isso_db", "read"),
    "remark42": ("remark42", "read"),
    "blogger": ("blogger", "read"),
    "movabletype": ("movabletype", "read"),
    "staticman": ("staticman", "read"),
    "csv": ("columns", "read_csv"),
    "jsonl": ("columns", "read_jsonl"),
}
"""Where each source is read: module and function."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "wordpress-db": ("prefix",),
    "wordpress-json": ("posts",),
    "staticman": ("folder", "pulls"),
    "csv": ("columns", "spam", "ham", "label"),
    "jsonl": ("columns", "spam", "ham", "label"),
}
"""What single sources can be told besides."""

_TRUSTED: Final[Mapping[str, tuple[str, ...]]] = {
    "owner": ("owner",),
    "filter": ("owner", "filter"),
    "published": ("owner", "filter", "none"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the counts, and the files that it wrote.

    Parameters
    ----------
    report : Report
        What became of every comment.
    files : tuple of Path
        Those written: the corpus, and what is kept beside it.
    """

    report: Report
    files: tuple[Path, ...]


def read_comments(
    source: str,
    path: str | os.PathLike[str],
    report: Report | None = None,
    *,
    blog: str | None = None,
    trust: Trust = "published",
    watch: Watch = nobody,
    **options: Any,
) -> Iterator[ImportedComment]:
    """Yield the comments of a blog's history, one after another.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    path : path-like
        The export; for ``wordpress-db`` a database's URL.
    report : Report or None
        Where to count what is dropped and repaired.
    blog : str or None
        Name of the blog, for sources that do not tell; give each blog its own.
    trust : str
        Whose word makes a label: the ``owner``'s alone, also the ``filter``'s,
        or also that a comment stands ``published`` though nobody is known to
        have decided.
    watch : callable
        Told a stage, how much of it is done and the whole (0 if unknown).
    **options
        ``prefix`` for wordpress-db; ``posts`` for wordpress-json; ``folder`` and
        ``pulls`` for staticman; ``columns`` (our field to the file's), ``spam``,
        ``ham`` and ``label`` for csv and jsonl.

    Yields
    ------
    ImportedComment
        Also those without a label, and pingbacks.

    Raises
    ------
    CorpusError
        If there is no such source or it cannot be read.
    """
    if source not in SOURCES:
        raise CorpusError(f"There is no source named {source!r}; there are {', '.join(SOURCES)}.")
    if trust not in _TRUSTED:
        raise CorpusError("trust must be owner, filter or published.")
    unknown = sorted(options.keys() - set(OPTIONS.get(source, ())))
    if unknown:
        raise CorpusError(f"{source} knows nothing of {', '.join(unknown)}.")
    report = Report() if report is None else report
    module, name = SOURCES[source]
    read = getattr(import_module(f"spamguard.importers.{module}"), name)
    given = os.fspath(path) if source == "wordpress-db" else Path(path)
    for comment in read(given, report, watch, blog, **_understood(source, options)):
        yield _trusted(comment, _TRUSTED[trust])


def _understood(source: str, options: dict[str, Any]) -> dict[str, Any]:
    if source in ("csv", "jsonl"):
        from spamguard.importers.columns import Columns

        names = options.get("columns") or {}
        label = options.get("label")
        spam, ham = options.get("spam") or (), options.get("ham") or ()
        return {"columns": Columns(names, spam, ham, label)}
    paths = ("posts", "pulls")
    given = {name: value for name, value in options.items() if value is not None}
    return {name: Path(value) if name in paths else value for name, value in given.items()}


def _trusted(comment: ImportedComment, believed: Collection[str]) -> ImportedComment:
    decision = comment.decision
    if decision.label is None or decision.by in believed:
        return comment
    # What the filter said stays in filter_label.
    return replace(comment, decision=Decision(None, decision.by, decision.source))


def import_comments(
    source: str,
    path: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    blog: str | None = None,
    trust: Trust = "published",
    keep: Collection[str] = (),
    replace: bool = False,
    watch: Watch = nobody,
    **options: Any,
) -> Imported:
    """Write a blog's history as a corpus that `read_corpus` and ``spamguard train`` take.

    Labelled comments go to `output`. Beside it, named after it, go the
    unlabelled ones (``corpus.unlabelled.jsonl``), and pingbacks and trackbacks
    (``corpus.pingbacks.jsonl``). The files appear whole or not at all.

    Parameters
    ----------
    source, path, blog, trust, watch, **options
        As for `read_comments`.
    output : path-like
        The corpus, named ``.jsonl`` or ``.jsonl.gz``.
    keep : collection of str
        ``email`` and ``ip`` are left out unless named here.
    replace : bool
        Files that are there already may be replaced.

    Returns
    -------
    Imported
        The counts and the files.

    Raises
    ------
    CorpusError
        If the source cannot be read, holds no comments, or the output cannot
        be written; what was there before is there still.
    """
    from spamguard.importers.writing import CorpusWriter

    wrong = sorted(set(keep) - set(PRIVATE))
    if wrong:
        raise CorpusError(f"keep knows {' and '.join(PRIVATE)}, not {', '.join(wrong)}.")
    report = Report()
    read = None if source == "wordpress-db" else Path(path)
    with CorpusWriter(Path(output), report, keep, replace, read) as writer:
        comments = read_comments(
            source, path, report, blog=blog, trust=trust, watch=watch, **options
        )
        for comment in comments:
            writer.write(comment)
        if not report.found:
            raise CorpusError("There are no comments in it; is it the whole export?")
    _advise(source, report)
    return Imported(report, tuple(writer.written))


def _advise(source: str, report: Report) -> None:
    if report.ham and not report.spam:
        words = "There is no spam in it, and one class alone teaches nothing."
        if source == "wordpress":
            words += (
                " WordPress leaves its spam out of this export: take it from the database "
                "(wordpress-db) or from wp comment list (wordpress-json)."
            )
        report.note(words)
    elif report.spam and not report.ham:
        report.note("There is nothing but spam in it, and one class alone teaches nothing.")
