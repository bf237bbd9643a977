"""Atomic replacement of files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` when the block ends without an error.

    An existing file keeps its mode. A new one is readable by its owner alone if `private`.
    """
    target = path.resolve()  # a symbolic link keeps pointing where it did
    part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(part, flags, 0o600 if private else mode_of(target))
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        move_into_place(part, target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def mode_of(target: Path) -> int:
    """Return the mode to create a replacement with: never wider than the replaced file's."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:  # it does not exist
        return 0o666


def move_into_place(part: Path, target: Path) -> None:
    """Rename `part` to `target`, keeping the mode of the replaced file."""
    with suppress(OSError):  # it does not exist, or belongs to another user
        shutil.copymode(target, part)
    part.replace(target)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` with `data` in one step."""
    with replacing(path) as file:
        file.write(data)
