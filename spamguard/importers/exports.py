"""Opening exported files: plain or compressed, in the usual encodings."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.progress import Watch, ignore_progress

CHUNK: Final = 1 << 18

_DECLARED: Final = re.compile(rb"encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})[\"']")
_HALF: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Encodings that blogs use. Python has others, some of which are not for text.
_ENCODINGS: Final = re.compile(
    r"utf-?8|utf-?16(?:-?[lb]e)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp125\d"
    r"|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@contextmanager
def open_export(
    path: Path, watch: Watch = ignore_progress, stage: str = "reading"
) -> Iterator[IO[bytes]]:
    """Open a file, unpacking gzip; errors become a CorpusError that names the file."""
    try:
        if path.is_dir():
            raise CorpusError(f"{path} is a directory; name the exported file inside it.")
        size = path.stat().st_size
        with path.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start.startswith(b"PK\x03\x04"):
                raise CorpusError(f"{path} is a zip archive; unpack it and name the file inside.")
            watched = cast("IO[bytes]", _MeteredFile(raw, size, watch, stage))
            if not start.startswith(b"\x1f\x8b"):
                yield watched
                return
            with gzip.GzipFile(fileobj=watched) as unpacked:
                yield cast("IO[bytes]", unpacked)
    except FileNotFoundError as error:
        if error.filename != str(path):
            raise
        raise CorpusError(f"{path} does not exist; check the path.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise CorpusError(
            f"{path} is a damaged gzip file; copy it again, or unpack it yourself."
        ) from None
    except PermissionError as error:
        if error.filename != str(path):
            raise
        raise CorpusError(f"{path} may not be read; change its permissions.") from None


class _MeteredFile:
    """A file that reports how far it has been read."""

    def __init__(self, raw: IO[bytes], size: int, watch: Watch, stage: str) -> None:
        self._raw, self._size, self._watch, self._stage = raw, size, watch, stage
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._raw.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._raw.readline(size))

    def _counted(self, data: bytes) -> bytes:
        before, self._done = self._done, self._done + len(data)
        if before // CHUNK != self._done // CHUNK or not data:
            self._watch(self._stage, self._done, self._size)
        return data


def read_text(file: IO[bytes], report: Report) -> Iterator[str]:
    """Yield the text of a file in pieces; undecodable bytes are replaced and counted."""
    data = file.read(CHUNK)
    encoding = _encoding(data)
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    while True:
        text = decoder.decode(data, final=not data)
        if not text.isascii():
            text, wrong = _HALF.subn("\ufffd", text)
            report.damage["bytes of another encoding, replaced"] += wrong
        text, wrong = _CONTROL.subn("", text)
        report.damage["control characters, left out"] += wrong
        if text:
            yield text
        if not data:
            return
        data = file.read(CHUNK)


def _encoding(start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    declared = _DECLARED.search(start[:300])
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if not _ENCODINGS.fullmatch(name) or name.lower().replace("-", "").startswith("utf16"):
        return "utf-8"  # a declaration in single bytes cannot be UTF-16 without a mark
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"
