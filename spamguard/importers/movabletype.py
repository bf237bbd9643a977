"""Movable Type's export, a text file that TypePad and others write too.

Each post precedes its comments, so only one of each is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from spamguard.errors import CorpusError
from spamguard.importers.accounting import MAX_POST, MAX_TEXT, Report
from spamguard.importers.exports import open_export, read_text
from spamguard.importers.record import Decision, ImportedComment, ImportedPost
from spamguard.progress import Watch, ignore_progress

_SECTIONS: Final = ("BODY", "EXTENDED BODY", "EXCERPT", "KEYWORDS", "COMMENT", "PING")
_END_SECTION: Final = "-----"
_END_POST: Final = "--------"
_MOST: Final = max(MAX_TEXT, MAX_POST) + 1
_PUBLISHED: Final = Decision("ham", "none", "published")
_HEAD: Final = {
    "COMMENT": ("AUTHOR", "EMAIL", "IP", "URL", "DATE"),
    "PING": ("TITLE", "URL", "IP", "BLOG NAME", "DATE"),
}


def read(
    path: Path, report: Report, watch: Watch = ignore_progress, blog: str | None = None
) -> Iterator[ImportedComment]:
    """Yield the comments and pings of a Movable Type export."""
    with open_export(path, watch) as file:
        reader = _EntryReader(report, blog)
        for line in _lines(read_text(file, report)):
            yield from reader.line(line)
        yield from reader.end()
    if not reader.posts:
        raise CorpusError(
            f"{path} is no Movable Type export. In Movable Type, choose Tools, Export Entries."
        )


def _lines(chunks: Iterator[str]) -> Iterator[str]:
    """Yield lines; an overlong one is split."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from (line.rstrip("\r") for line in whole)
        if len(rest) > _MOST:
            yield rest
            rest = ""
    yield rest


class _Section:
    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, str] = {}
        self.lines: list[str] = []
        self.size = 0

    def add(self, line: str) -> None:
        if not self.lines and self.name in _HEAD:
            key, colon, value = line.partition(":")
            if colon and key in _HEAD[self.name] and key not in self.fields:
                self.fields[key] = value.strip()
                return
        if self.size <= _MOST:
            self.lines.append(line)
            self.size += len(line) + 1

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


class _EntryReader:
    def __init__(self, report: Report, blog: str | None) -> None:
        self.report = report
        self.blog = blog
        self.posts = 0
        self._begin()

    def _begin(self) -> None:
        self.head: dict[str, str] = {}
        self.body: dict[str, str] = {}
        self.post: ImportedPost | None = None
        self.section: _Section | None = None
        self.ended: _Section | None = None  # ended, unless the next lines show that it was not
        self.blank = 0

    def line(self, line: str) -> Iterator[ImportedComment]:
        if self.section is not None:
            if line in (_END_SECTION, _END_POST):
                self.ended, self.section, self.blank = self.section, None, 0
            else:
                self.section.add(line)
                return
        name = line.rstrip().removesuffix(":")
        if line == _END_POST:
            yield from self._end_post()
        elif line.rstrip().endswith(":") and name in _SECTIONS:
            yield from self._finish()
            self.section = _Section(name)
        elif line == _END_SECTION:
            return
        elif self.ended is not None:
            if not line.strip():
                self.blank += 1
            else:
                # The dashes were part of the text.
                self.section, self.ended = self.ended, None
                for kept in (_END_SECTION, *[""] * self.blank, line):
                    self.section.add(kept)
        else:
            key, colon, value = line.partition(":")
            if colon and key.isupper() and len(key) < 40 and len(self.head) < 100:
                self.head.setdefault(key, value.strip())

    def end(self) -> Iterator[ImportedComment]:
        if self.section is not None:
            self.report.damage["the file ends in the middle of a record"] += 1
            self.ended, self.section = self.section, None
        yield from self._end_post()

    def _end_post(self) -> Iterator[ImportedComment]:
        yield from self._finish()
        if self.body or "TITLE" in self.head:
            self.posts += 1
        self._begin()

    def _finish(self) -> Iterator[ImportedComment]:
        section, self.ended = self.ended, None
        if section is None:
            return
        if section.name not in _HEAD:
            self.body[section.name] = section.text
            return
        fields = section.fields
        ping = section.name == "PING"
        found = self.report.comment(
            section.text or (fields.get("TITLE") if ping else None),
            _PUBLISHED,
            post=self._post(),
            kind="trackback" if ping else "comment",
            date=fields.get("DATE"),
            blog=self.blog,
            author=fields.get("BLOG NAME" if ping else "AUTHOR"),
            author_url=fields.get("URL"),
            email=fields.get("EMAIL"),
            ip=fields.get("IP"),
        )
        if found is not None:
            yield found

    def _post(self) -> ImportedPost:
        if self.post is None:
            text = "\n".join(filter(None, map(self.body.get, ("BODY", "EXTENDED BODY"))))
            # A post without a name is identified by its position in the file.
            key = self.head.get("UNIQUE URL") or self.head.get("BASENAME") or f"#{self.posts + 1}"
            self.post = self.report.post(
                key, self.head.get("TITLE"), text, self.head.get("UNIQUE URL"),
                self.head.get("DATE"),
            )  # fmt: skip
        return self.post
