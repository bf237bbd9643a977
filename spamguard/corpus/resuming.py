"""A long output: written beside its target, kept when interrupted, gone on with later.

What is done stands in ``NAME.part``, in whole lines, and takes the place of
NAME when all is done. Whoever is killed leaves at most one torn line, which is
cut off before the rest is written.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from spamguard.errors import InputError, SpamguardError

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl


class AnotherRunError(SpamguardError):
    """What is there was not begun by the run that is to go on with it."""


@dataclass(slots=True)
class Done:
    """What an interrupted run has written.

    Parameters
    ----------
    rows : int
        Answers, all of them whole.
    size : int
        Bytes that they take.
    first, last : bytes
        The first answer, in CSV behind the names of the columns, and the last.
    """

    rows: int = 0
    size: int = 0
    first: bytes = b""
    last: bytes = b""


def part_of(target: Path) -> Path:
    """Return where the answers stand until they are all there."""
    return target.with_name(f"{target.name}.part")


@contextmanager
def resumable(target: Path, csv: bool, resume: bool) -> Iterator[tuple[IO[bytes], Done]]:
    """Open the unfinished output of `target`; it becomes `target` when the block is left in peace.

    Parameters
    ----------
    target : Path
        The file to be written.
    csv : bool
        Whether it is CSV, where a line may be part of a row.
    resume : bool
        Whether to go on behind what is there; otherwise it is begun again.

    Yields
    ------
    tuple
        The open file and what it holds.
    """
    part = part_of(target)
    with _locked(part) as file:
        done = _done_in(file, csv) if resume else Done()
        file.truncate(done.size)
        file.seek(done.size)
        try:
            yield file, done
            file.flush()
            os.fsync(file.fileno())
        except AnotherRunError:
            raise
        except BaseException:
            with suppress(OSError):
                file.flush()
            _keep_or_remove(part)
            raise
        if fcntl is None:  # Windows renames no file that is open
            file.close()
        keep_mode(target, part)
        part.replace(target)


def keep_mode(target: Path, part: Path) -> None:
    """Let those read what takes the place of `target` who could read that."""
    with suppress(OSError):  # there is none yet, or it is somebody else's
        shutil.copymode(target, part)


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """Open `part`, for this process alone; it is made if it is not there."""
    with os.fdopen(
        os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b"
    ) as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever held it a moment ago may have finished: then this is the target by now.
                mine = part.stat().st_ino == os.fstat(file.fileno()).st_ino
            except (BlockingIOError, FileNotFoundError):
                mine = False
            if not mine:
                raise InputError(f"another process is writing {part.name}; wait until it is done.")
        yield file


def _done_in(file: BinaryIO, csv: bool) -> Done:
    """Count the whole rows in `file`."""
    heads = 1 if csv else 0  # rows before the first answer
    count, size, inside = 0, 0, False
    row, done = b"", Done()
    file.seek(0)
    for line in file:
        row += line
        # Text is always quoted, and a quote in it is doubled: an odd number opens or closes.
        inside ^= csv and bool(line.count(b'"') & 1)
        if inside or not line.endswith(b"\n"):
            continue
        size += len(row)
        count += 1
        if count > heads:
            done.rows, done.size, done.last = count - heads, size, row
        if count <= heads + 1:
            done.first += row
        row = b""
    return done if done.rows else Done()


def _keep_or_remove(part: Path) -> None:
    with suppress(OSError):
        if part.stat().st_size:
            print(
                f"spamguard: what is done is kept in {part}; the same command with --resume goes on "
                "from there",
                file=sys.stderr,
            )
        else:
            part.unlink()
