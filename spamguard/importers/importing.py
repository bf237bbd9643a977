"""Import from any source: which module reads it, which decisions are labels, and the files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Literal

from spamguard.corpus import json_row, open_corpus
from spamguard.errors import CorpusError
from spamguard.importers.accounting import APART, Report
from spamguard.importers.record import PRIVATE, Decision, ImportedComment
from spamguard.progress import Watch, ignore_progress

__all__ = ["SOURCES", "ImportSummary", "import_comments", "read_comments"]

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
"""The module and function that read each source."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "wordpress-db": ("prefix",),
    "wordpress-json": ("posts",),
    "staticman": ("folder", "pulls"),
    "csv": ("columns", "spam", "ham", "label"),
    "jsonl": ("columns", "spam", "ham", "label"),
}
"""Options of single sources."""

_TRUSTED: Final[Mapping[str, tuple[str, ...]]] = {
    "owner": ("owner",),
    "filter": ("owner", "filter"),
    "published": ("owner", "filter", "none"),
}


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The counts of an import, and its files: the corpus first, then those beside it."""

    report: Report
    files: tuple[Path, ...]


def read_comments(
    source: str,
    path: str | os.PathLike[str],
    report: Report | None = None,
    *,
    blog: str | None = None,
    trust: Trust = "published",
    watch: Watch = ignore_progress,
    **options: Any,
) -> Iterator[ImportedComment]:
    """Yield the comments of a blog's history.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    path : path-like
        The export; for ``wordpress-db`` a database's URL.
    report : Report or None
        Counts what is dropped and repaired.
    blog : str or None
        Name of the blog, for sources without one; names must be unique.
    trust : str
        Which decisions are labels: only the ``owner``'s, also the ``filter``'s, or also
        that a comment is ``published`` without a known decision.
    watch : callable
        Called with a stage, the work done and the total (0 if unknown).
    **options
        ``prefix`` for wordpress-db; ``posts`` for wordpress-json; ``folder`` and
        ``pulls`` for staticman; ``columns`` (our field to the file's), ``spam``,
        ``ham`` and ``label`` for csv and jsonl.

    Yields
    ------
    ImportedComment
        Unlabelled comments and pingbacks too.

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
        raise CorpusError(f"{source} has no option {', '.join(unknown)}.")
    report = Report() if report is None else report
    module, name = SOURCES[source]
    read = getattr(import_module(f"spamguard.importers.{module}"), name)
    given = os.fspath(path) if source == "wordpress-db" else Path(path)
    for comment in read(given, report, watch, blog, **_reader_options(source, options)):
        yield _with_trust(comment, _TRUSTED[trust])


def _reader_options(source: str, options: dict[str, Any]) -> dict[str, Any]:
    if source in ("csv", "jsonl"):
        from spamguard.importers.columns import Columns

        names = options.get("columns") or {}
        label = options.get("label")
        spam, ham = options.get("spam") or (), options.get("ham") or ()
        return {"columns": Columns(names, spam, ham, label)}
    paths = ("posts", "pulls")
    given = {name: value for name, value in options.items() if value is not None}
    return {name: Path(value) if name in paths else value for name, value in given.items()}


def _with_trust(comment: ImportedComment, believed: Collection[str]) -> ImportedComment:
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
    watch: Watch = ignore_progress,
    **options: Any,
) -> ImportSummary:
    """Write a blog's history as a corpus for `read_corpus` and ``spamguard train``.

    Labelled comments go to `output`, unlabelled ones to ``corpus.unlabelled.jsonl``
    beside it, pingbacks and trackbacks to ``corpus.pingbacks.jsonl``. The files appear
    whole or not at all.

    Parameters
    ----------
    source, path, blog, trust, watch, **options
        As for `read_comments`.
    output : path-like
        The corpus, named ``.jsonl`` or ``.jsonl.gz``.
    keep : collection of str
        ``email`` and ``ip`` are written only if named here.
    replace : bool
        Replace existing files.

    Raises
    ------
    CorpusError
        If the source cannot be read, holds no comments, or the output cannot be
        written; existing files are then unchanged.
    """
    wrong = sorted(set(keep) - set(PRIVATE))
    if wrong:
        raise CorpusError(f"keep may name {' and '.join(PRIVATE)}, not {', '.join(wrong)}.")
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
    return ImportSummary(report, tuple(writer.written))


def _advise(source: str, report: Report) -> None:
    if report.ham and not report.spam:
        words = "There is no spam in it, and a model needs both classes."
        if source == "wordpress":
            words += (
                " WordPress leaves its spam out of this export: take it from the database "
                "(wordpress-db) or from wp comment list (wordpress-json)."
            )
        report.note(words)
    elif report.spam and not report.ham:
        report.note("There is only spam in it, and a model needs both classes.")


# --- the files --------------------------------------------------------------------


def _beside(path: Path, what: str) -> Path:
    """Return the file for other comments: ``corpus.pingbacks.jsonl`` for ``corpus.jsonl``."""
    ending = ".jsonl.gz" if path.name.endswith(".gz") else ".jsonl"
    return path.with_name(f"{path.name.removesuffix(ending)}.{what}{ending}")


class CorpusWriter:
    """Writes labelled comments to one file, unlabelled ones and pingbacks to others.

    All files are replaced at the end, the corpus last. After an error nothing has changed.
    """

    def __init__(
        self,
        path: Path,
        report: Report,
        keep: Collection[str],
        replace: bool,
        source: Path | None,
    ) -> None:
        if not path.name.endswith((".jsonl", ".jsonl.gz")):
            raise CorpusError(f"{path}: the corpus must be named .jsonl or .jsonl.gz.")
        if not path.parent.is_dir():
            raise CorpusError(f"{path.parent} is no directory; make it first.")
        self.path = path
        self.report = report
        self.keep = keep
        self.written: list[Path] = []
        self._all = [path, *(_beside(path, what) for what in ("unlabelled", "pingbacks"))]
        for each in self._all:
            if source is not None and each.resolve() == source.resolve():
                raise CorpusError(
                    f"{each} is the input, so it cannot be written; name another file with -o."
                )
            if each.exists() and not replace:
                raise CorpusError(
                    f"{each} exists; name another file with -o, or replace it with --replace."
                )
            if each.exists() and not each.is_file():
                raise CorpusError(f"{each} is no regular file; name another with -o.")
        self._files: dict[Path, tuple[ExitStack, IO[bytes]]] = {}

    def __enter__(self) -> CorpusWriter:
        return self

    def write(self, comment: ImportedComment) -> None:
        """Write a comment to its file, and count it."""
        path = self.path
        if comment.kind in APART:
            path = self._all[2]
        elif comment.decision.label is None:
            path = self._all[1]
        try:
            if path not in self._files:
                stack = ExitStack()
                self._files[path] = stack, stack.enter_context(open_corpus(path))
            self._files[path][1].write(json_row(comment.row(self.keep)))
        except OSError as error:
            raise self._refused(error) from None
        self.report.keep(comment)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed: BaseException | None = error
        for path in reversed(self._all):
            if path not in self._files:
                continue
            try:
                self._files[path][0].__exit__(type(failed) if failed else None, failed, None)
            except OSError as refused:
                failed = failed or self._refused(refused)
        if failed is not None and failed is not error:
            raise failed
        if failed is None:
            self.written = [path for path in self._all if path in self._files]
            for path in self._all:
                if path not in self._files:
                    path.unlink(missing_ok=True)  # left by an earlier import

    def _refused(self, error: OSError) -> CorpusError:
        why = error.strerror or type(error).__name__
        return CorpusError(
            f"{self.path} cannot be written ({why}). It is unchanged; make room, or name a "
            "file on another disk with -o, and import again."
        )
