"""Imported comments as a corpus on disk, line by line; the files appear whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from spamguard.corpus import json_line, replacing
from spamguard.errors import CorpusError
from spamguard.importers.record import ImportedComment
from spamguard.importers.report import APART, Report

__all__ = ["CorpusWriter", "beside"]

_BESIDE = ("unlabelled", "pingbacks")


def beside(path: Path, what: str) -> Path:
    """Return where comments of another sort go: ``corpus.jsonl``, ``corpus.pingbacks.jsonl``.

    Parameters
    ----------
    path : Path
        The corpus.
    what : str
        Such as ``pingbacks``.

    Returns
    -------
    Path
        In the same directory.
    """
    ending = ".jsonl.gz" if path.name.endswith(".gz") else ".jsonl"
    return path.with_name(f"{path.name.removesuffix(ending)}.{what}{ending}")


class CorpusWriter:
    """Writes labelled comments to one file, and beside it those unlabelled, and pingbacks.

    A file is made when it has its first line. They take their places at the
    end, the corpus last; after an error or an interruption, what was there
    before is there still.

    Parameters
    ----------
    path : Path
        The corpus, named ``.jsonl`` or ``.jsonl.gz``.
    report : Report
        Counts what is written.
    keep : collection of str
        Private fields to write: ``email``, ``ip``.
    replace : bool
        Files that are there already may be replaced.
    source : Path or None
        What is read, and so must not be written.

    Raises
    ------
    CorpusError
        If the name ends otherwise, a file is there, or the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        report: Report,
        keep: Collection[str] = (),
        replace: bool = False,
        source: Path | None = None,
    ) -> None:
        if not path.name.endswith((".jsonl", ".jsonl.gz")):
            raise CorpusError(f"{path}: the corpus must be named .jsonl or .jsonl.gz.")
        if not path.parent.is_dir():
            raise CorpusError(f"{path.parent} is no directory; make it first.")
        self.path = path
        self.report = report
        self.keep = keep
        self.written: list[Path] = []
        self._all = [path, *(beside(path, what) for what in _BESIDE)]
        for each in self._all:
            if source is not None and each.resolve() == source.resolve():
                raise CorpusError(
                    f"{each} is what is read, so it cannot be written; name another -o."
                )
            if each.exists() and not replace:
                raise CorpusError(f"{each} is there already; name another -o or say --replace.")
            if each.exists() and not each.is_file():
                raise CorpusError(f"{each} is no plain file; name another -o.")
        self._files: dict[Path, tuple[ExitStack, IO[bytes]]] = {}

    def __enter__(self) -> CorpusWriter:
        return self

    def write(self, comment: ImportedComment) -> None:
        """Write a comment where it belongs, and count it.

        Parameters
        ----------
        comment : ImportedComment
            As an importer yields it.
        """
        path = self.path
        if comment.kind in APART:
            path = self._all[2]
        elif comment.decision.label is None:
            path = self._all[1]
        try:
            if path not in self._files:
                self._files[path] = _opened(path)
            self._files[path][1].write(json_line(comment.row(self.keep)).encode())
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
                    path.unlink(missing_ok=True)  # of an earlier import, and replaced by nothing

    def _refused(self, error: OSError) -> CorpusError:
        why = error.strerror or type(error).__name__
        return CorpusError(
            f"{self.path} cannot be written ({why}). It is as it was before; make room, or name "
            "a place on another disk with -o, and import again."
        )


def _opened(path: Path) -> tuple[ExitStack, IO[bytes]]:
    with ExitStack() as stack:
        file = stack.enter_context(replacing(path))
        if path.name.endswith(".gz"):
            # Neither the name nor the time goes into the header: equal rows, equal bytes.
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
            file = stack.enter_context(cast("IO[bytes]", packed))
        return stack.pop_all(), file
