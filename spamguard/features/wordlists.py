"""The lists of words, phrases and hosts in ``lexicon/``, text files that people mend by hand.

A file has sections, ``[tr]``, with an entry a line or several words a line. A line that
begins with ``#`` is a comment.
"""

from __future__ import annotations

from functools import lru_cache
from io import FileIO
from pathlib import Path

from spamguard.errors import SpamguardError

_FOLDER = str(Path(__file__).with_name("lexicon"))
_STRAY = ("  ", " \n", "\n ", "\t", "\r", "\u00a0", "\ufeff")


# Modules read these files once, as they are imported, but may read several sections of one.
@lru_cache(maxsize=4)
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """Return the entries of each section of ``lexicon/<name>.txt``, where a line is an entry."""
    return _parse(name, "\n")


@lru_cache(maxsize=4)
def word_sections(name: str) -> dict[str, tuple[str, ...]]:
    """Return the words of each section of ``lexicon/<name>.txt``, where a line has several."""
    return _parse(name, None)


def all_words(name: str) -> frozenset[str]:
    """Return the words of all sections of ``lexicon/<name>.txt``."""
    return frozenset().union(*word_sections(name).values())


def check(name: str, separator: str | None = None) -> None:
    """Raise a SpamguardError that names the first line of a file that breaks a rule.

    The separator of entries is a line end, or None for any space. The tests check every
    file in full. Loading, for which the first comment waits, tests only what is cheap.
    """
    problem = _fault(_read(name), separator)
    if problem:
        raise SpamguardError(f"lexicon/{name}.txt, {problem}")


def _parse(name: str, separator: str | None) -> dict[str, tuple[str, ...]]:
    head, *parts = f"\n{_read(name)}".split("\n[")
    found: dict[str, tuple[str, ...]] = {}
    sound = not _without_comments(head)
    for part in parts:
        title, _, body = part.partition("]\n")
        body = body.strip("\n")
        if "#" in body:
            body = _without_comments(body)
        entries = found[title] = tuple(body.split(separator))
        distinct = set(entries)
        if "" in distinct:  # a blank line, which the files rarely have inside a section
            entries = found[title] = tuple(filter(None, entries))
            distinct.remove("")
        sound &= bool(title and distinct) and len(distinct) == len(entries)
    if not sound or not len(parts) == len(found) > 0:
        check(name, separator)
    return found


def _read(name: str) -> str:
    with FileIO(f"{_FOLDER}/{name}.txt") as file:
        content = file.readall()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"lexicon/{name}.txt, line {line}: not UTF-8; save the file as UTF-8."
        raise SpamguardError(problem) from None
    return text.replace("\r\n", "\n") if "\r" in text else text


def _without_comments(text: str) -> str:
    return "\n".join([line for line in text.split("\n") if line and line[0] != "#"])


def _fault(text: str, separator: str | None) -> str:
    """Return the first line that breaks a rule and what to do about it; empty if none does."""
    titles: dict[str, int] = {}
    seen: dict[str, int] = {}
    opened = 0  # line of a heading without an entry yet
    for number, line in enumerate(text.split("\n"), 1):
        if any(map(f"\n{line}\n".__contains__, _STRAY)):
            return f"line {number}: a stray space, tab or invisible character; remove it."
        if line.startswith("["):
            if len(line) < 3 or line[-1] != "]":
                return f"line {number}: not a heading; write it as [en]."
            if line in titles:
                return f"line {number}: {line} is on line {titles[line]} too; join the sections."
            if opened:
                break
            opened = titles[line] = number
            seen = {}
        elif line and line[0] != "#":
            if not titles:
                return f"line {number}: no heading above it; write one, such as [en]."
            opened = 0
            for entry in line.split(separator):
                if entry in seen:
                    return f"line {number}: {entry!r} is on line {seen[entry]} too; remove one."
                seen[entry] = number
    if opened or not titles:
        return f"line {opened or 1}: a section without entries; add one, or remove the heading."
    return ""
