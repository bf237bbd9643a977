"""A fault-tolerant stream of the elements of an exported XML file.

Real exports are often invalid XML: prefixes are undeclared, texts hold control
characters and bare ``&``, the end is missing. A parser stops there or drops text. This
scanner knows the elements of an export, treats everything else inside a field as text,
and continues at the next known element.

For safety it ignores document types, resolves only the five entities of XML and numeric
ones, and opens no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from spamguard.importers.accounting import Report

MAX_FIELD: Final = 2_000_000
"""Characters of one field; the rest of a longer one is skipped and counted."""

MAX_TAG: Final = 1 << 16
MAX_SECTION: Final = 1 << 23

_TAG: Final = re.compile(r"<(/?)([A-Za-z_][\w:.\-]{0,100})((?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_ATTRIBUTE: Final = re.compile(
    r"([A-Za-z_][\w:.\-]{0,100})\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]{1,200}))"
)
_ENTITY: Final = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Start(NamedTuple):
    """A container begins."""

    name: str
    attributes: dict[str, str]


class End(NamedTuple):
    """A container ends."""

    name: str


class Field(NamedTuple):
    """An element with text, or with attributes alone."""

    name: str
    attributes: dict[str, str]
    text: str


class Shape(NamedTuple):
    """The elements of a kind of export.

    `containers` maps each container to its possible parents ("" for none); `fields` are
    the elements to read. With `bare`, names are compared without their prefix.
    """

    containers: Mapping[str, tuple[str, ...]]
    fields: frozenset[str]
    bare: bool = False


def unescape(text: str) -> str:
    """Resolve the entities of XML in `text`; others stay.

    Examples
    --------
    >>> unescape("a &lt; b &amp;amp; c &#233; &nbsp; AT&T")
    'a < b &amp; c é &nbsp; AT&T'
    """
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    valid = code in (9, 10, 13) or (32 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF)
    return chr(code) if valid else "\ufffd"


class _Buffer:
    """Text that arrives in pieces; only the unread part is held."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self.text = ""
        self.at = 0
        self._given_up = 0  # characters discarded before `text`
        # Earlier searches: start, end and result. Without them, a file full of unclosed elements
        # would be searched to its end for each of them.
        self._known: dict[str, tuple[int, int, int]] = {}

    def more(self) -> bool:
        """Read another piece; False at the end. Text before `at` is discarded."""
        piece = next(self._chunks, None)
        if piece is None:
            return False
        self._given_up += self.at
        self.text = self.text[self.at :] + piece
        self.at = 0
        return True

    def reach(self, length: int) -> None:
        """Read until at least `length` characters follow, if there are that many."""
        while len(self.text) - self.at < length and self.more():
            pass

    def find(self, what: str, skip: int = 0, most: int = MAX_SECTION) -> int:
        """Return the distance to the next `what` from `skip` on; -1 if it is beyond `most`."""
        here = self._given_up + self.at
        begin, stop = here + skip, here + most
        since, until, found = self._known.get(what, (0, -1, -1))
        if not since <= begin <= until:
            since, until, found = begin, begin, -1
        while found < 0 and until < stop:
            end = min(self._given_up + len(self.text), stop + len(what))
            place = self.text.find(what, until - self._given_up, end - self._given_up)
            if place >= 0:
                found = until = self._given_up + place
                break
            # The last characters may be the beginning of `what`.
            until = max(until, end - len(what) + 1)
            if until < stop and not self.more():
                break
        self._known[what] = (since, until, found)
        return found - here if begin <= found <= stop else -1

    def take(self, length: int) -> str:
        """Return and consume the next `length` characters."""
        taken = self.text[self.at : self.at + length]
        self.at += length
        return taken


def scan(chunks: Iterable[str], shape: Shape, report: Report) -> Iterator[Start | End | Field]:
    """Yield the containers and fields of an export in order.

    Every `Start` has an `End`; `report` counts those that had to be inferred.
    """
    return _Scanner(chunks, shape, report).events()


class _Scanner:
    def __init__(self, chunks: Iterable[str], shape: Shape, report: Report) -> None:
        self.buffer = _Buffer(chunks)
        self.shape = shape
        self.damage = report.damage
        self.open: list[str] = []
        self.field: str | None = None
        self.attributes: dict[str, str] = {}
        self.parts: list[str] = []
        self.size = 0
        self.cut = False
        # These reveal a missing end of a field; short names may be markup in a text.
        self.markers = {*shape.containers, *(name for name in shape.fields if ":" in name)}

    def events(self) -> Iterator[Start | End | Field]:
        buffer = self.buffer
        while True:
            # Search the held text first: the next tag is usually near, and this runs for every tag.
            place = buffer.text.find("<", buffer.at)
            distance = place - buffer.at if place >= 0 else buffer.find("<", most=MAX_FIELD)
            if distance < 0:
                buffer.reach(1)
                held = len(buffer.text) - buffer.at
                if not held:
                    break
                self._add(unescape(buffer.take(held)))
                continue
            if distance and self.field is not None:
                self._add(unescape(buffer.take(distance)))
            else:
                buffer.at += distance
            start = buffer.text[buffer.at : buffer.at + 9]
            if len(start) < 9:
                buffer.reach(9)
                start = buffer.text[buffer.at : buffer.at + 9]
            if start[1:2] not in "!?":
                yield from self._tag()
                continue
            if start == "<![CDATA[":
                self._section()
            elif start.startswith("<!--"):
                self._pass_over("-->", 4)
            elif start.startswith("<?"):
                self._pass_over("?>", 2)
            elif start.upper() == "<!DOCTYPE":
                self._document_type()
            else:
                yield from self._tag()
        if self.field is not None or self.open:
            self.damage["the file ends in the middle of a record"] += 1
        yield from self._end_field()
        yield from (End(name) for name in reversed(self.open))

    def _add(self, text: str) -> None:
        if self.field is None:
            return
        room = MAX_FIELD - self.size
        if len(text) > room:
            if not self.cut:
                self.damage[f"fields cut at {MAX_FIELD:,} characters"] += 1
            self.cut, text = True, text[:room]
        self.parts.append(text)
        self.size += len(text)

    def _pass_over(self, end: str, skip: int) -> None:
        length = self.buffer.find(end, skip)
        if length < 0:
            self._add(self.buffer.take(1))  # without an end it is text
        else:
            self.buffer.take(length + len(end))

    def _document_type(self) -> None:
        """Skip a document type, which is neither needed nor trusted."""
        self.damage["a document type, passed over"] += 1
        end, inner = self.buffer.find(">"), self.buffer.find("[")
        if 0 <= inner < end:
            end = self.buffer.find("]>", inner)
        self.buffer.take(end + 1 if end >= 0 else 9)

    def _section(self) -> None:
        buffer = self.buffer
        end = buffer.find("]]>", 9)
        if self.field is not None:
            # A section that spans the end of its field and the start of another was never closed.
            stop = buffer.find(f"</{self.field}>", 9, MAX_SECTION if end < 0 else end)
            if stop >= 0 and (end < 0 or buffer.find("<![CDATA[", stop, end) >= 0):
                self.damage["sections that are never closed"] += 1
                self._add(buffer.take(stop)[9:])
                return
        if end < 0:
            self.damage["sections that are never closed"] += 1
            buffer.take(9)
            return
        self._add(buffer.take(end + 3)[9:-3])

    def _tag(self) -> Iterator[Start | End | Field]:
        buffer = self.buffer
        if len(buffer.text) - buffer.at < MAX_TAG:
            buffer.reach(MAX_TAG)
        match = _TAG.match(buffer.text, buffer.at, buffer.at + MAX_TAG)
        if match is None:
            self._add(buffer.take(1))
            return
        closing, full, rest = match.groups()
        name = full.rpartition(":")[2] if self.shape.bare else full
        raw = buffer.take(match.end() - match.start())
        if self.field is not None:
            if closing and name == self.field:
                yield from self._end_field()
                return
            if name not in self.markers:
                self._add(raw)
                return
            self.damage["fields that are never closed"] += 1
            yield from self._end_field()
        if name in self.shape.containers:
            yield from self._container(name, bool(closing), rest)
        elif name in self.shape.fields and not closing:
            self.field, self.attributes = name, _attributes(rest)
            if rest.endswith("/"):
                yield from self._end_field()

    def _container(self, name: str, closing: bool, rest: str) -> Iterator[Start | End]:
        if closing:
            if name in self.open:
                yield from self._close_to(len(self.open) - 1 - self.open[::-1].index(name) + 1)
                self.open.pop()
                yield End(name)
            return
        allowed = self.shape.containers[name]
        inside = [i for i, other in enumerate(self.open) if other in allowed]
        yield from self._close_to(inside[-1] + 1 if inside else 0)
        self.open.append(name)
        yield Start(name, _attributes(rest))
        if rest.endswith("/"):
            self.open.pop()
            yield End(name)

    def _close_to(self, depth: int) -> Iterator[End]:
        while len(self.open) > depth:
            self.damage["records that are never closed"] += 1
            yield End(self.open.pop())

    def _end_field(self) -> Iterator[Field]:
        if self.field is not None:
            yield Field(self.field, self.attributes, "".join(self.parts))
        self.field, self.parts, self.size, self.cut = None, [], 0, False


def _attributes(rest: str) -> dict[str, str]:
    if "=" not in rest:
        return {}
    found = (match.groups() for match in _ATTRIBUTE.finditer(rest))
    return {name: unescape(a or b or c or "") for name, a, b, c in found}
