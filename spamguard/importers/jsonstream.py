"""The values of a JSON file one by one.

Programs export an array of objects, an object on each line, or the arrays of several
pages in a row. Only one object is held in memory at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import Report
from spamguard.importers.exports import open_export, read_text
from spamguard.progress import Watch, ignore_progress

MAX_VALUE: Final = 50_000_000
"""Characters of one value; a longer one is refused to bound the memory."""

_TRIM: Final = 1 << 15
_PAUSE: Final = re.compile(r"[\s,]*")
_NEXT_OBJECT: Final = re.compile(r"\n[ \t]{0,99}\{")


def read_values(path: Path, report: Report, watch: Watch = ignore_progress) -> Iterator[Any]:
    """Yield the values of a JSON file, and the items of top-level arrays one by one.

    Invalid JSON counts as a lost comment; reading continues at the next line, or in an
    array at the next line that begins an object.
    """
    with open_export(path, watch) as file:
        reader = _ValueReader(read_text(file, report), path)
        while (found := reader.next(report)) is not _END:
            if isinstance(found, list):
                yield from found
            else:
                yield found
        if reader.inside:
            report.lose("the file breaks off: what follows is missing")


_END: Final = object()


class _ValueReader:
    def __init__(self, chunks: Iterator[str], path: Path) -> None:
        self.inside = False  # a top-level array
        self._chunks = chunks
        self._path = path
        self._decoder = json.JSONDecoder(parse_constant=lambda _: None)
        self._text = ""
        self._at = 0
        self._ended = False
        self._any = False

    def next(self, report: Report) -> Any:
        while self._skip():
            mark = self._text[self._at]
            if mark == "[" and not self.inside:
                self.inside = True
                self._at += 1
            elif mark == "]" and self.inside:
                self.inside = False
                self._at += 1
            else:
                found = self._value(report)
                if found is not _END:
                    self._any = True
                    return found
        return _END

    def _skip(self) -> bool:
        """Skip the space between values; False at the end of the file."""
        while True:
            pause = _PAUSE.match(self._text, self._at)
            self._at = pause.end() if pause else self._at
            if self._at > _TRIM:
                # For an error message the decoder counts all lines before it, so keep the text short.
                self._text, self._at = self._text[self._at :], 0
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _more(self) -> bool:
        """Double the text in memory; False at the end of the file."""
        held = [self._text[self._at :]]
        # Doubling keeps the number of restarts on a long value small.
        needed = len(held[0]) + 1
        while needed > 0 and (piece := next(self._chunks, "")):
            held.append(piece)
            needed -= len(piece)
        self._ended = needed > 0
        self._text, self._at = "".join(held), 0
        return len(held) > 1

    def _value(self, report: Report) -> Any:
        while True:
            try:
                value, after = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise CorpusError(
                    f"{self._path} is nested too deeply to be a list of comments."
                ) from None
            except ValueError as error:
                if self._ended or not _is_cut(error, len(self._text)):
                    return self._pass_over(report)
                if len(self._text) - self._at > MAX_VALUE:
                    raise CorpusError(
                        f"{self._path} holds one value of more than {MAX_VALUE:,} characters; "
                        "write one comment on each line."
                    ) from None
                self._more()
                continue
            if after == len(self._text) and not self._ended and not isinstance(value, dict | list):
                self._more()  # a number may continue
                continue
            self._at = after
            return value

    def _pass_over(self, report: Report) -> Any:
        if not self._any and not self.inside:
            raise CorpusError(f"{self._path} is not JSON; export it as JSON, in UTF-8.")
        report.lose("not JSON")
        while True:
            if self.inside:
                found = _NEXT_OBJECT.search(self._text, self._at)
                stop = found.end() - 1 if found else -1
            else:
                stop = self._text.find("\n", self._at)
            if stop >= 0:
                self._at = stop
                return _END
            self._at = max(self._at, len(self._text) - 100)  # drop a line of blanks
            if not self._more():
                self._at = len(self._text)
                return _END


def _is_cut(error: ValueError, length: int) -> bool:
    """Return whether a value is merely incomplete, not invalid."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= length - 16 or error.msg.startswith("Unterminated")
