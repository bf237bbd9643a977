"""Patterns that are compiled when they are first used.

Compiling all that a comment may need takes longer than judging it, and most
comments need few: who asks for one verdict does not wait for the rest.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    """Stands for a pattern; from its first use on it holds the methods of the compiled one."""

    def __init__(self, source: str, flags: int) -> None:
        self._given = source, flags

    def compile(self) -> re.Pattern[str]:
        compiled = re.compile(*self._given)
        public = (key for key in dir(compiled) if not key.startswith("_"))
        vars(self).update({key: getattr(compiled, key) for key in public})
        return compiled

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return late, self._given

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by copying and the like
            raise AttributeError(name)
        return getattr(self.compile(), name)


_all: list[_Late] = []


def late(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return what is used like ``re.compile(source, flags)`` and compiled by its first use.

    Parameters
    ----------
    source : str
        A regular expression; a mistake in it shows when it is first used.
    flags : int
        As for ``re.compile``.

    Returns
    -------
    re.Pattern
        To all who call its methods; it is no instance of that class.
    """
    made = _Late(source, flags)
    _all.append(made)
    return cast(re.Pattern[str], made)


def compile_all() -> None:
    """Compile every pattern that `late` gave: for who has time now and none later."""
    for pattern in _all:
        pattern.compile()
