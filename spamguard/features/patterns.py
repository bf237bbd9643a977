"""Patterns that compile on first use.

Compiling all of them takes longer than scoring a comment, and most comments need few.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    """A pattern that compiles on first use, with the methods of `re.Pattern`."""

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
        if name.startswith("_"):  # looked up by `copy` and similar
            raise AttributeError(name)
        return getattr(self.compile(), name)


_all: list[_Late] = []


def late(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return ``re.compile(source, flags)``, compiled on first use.

    It has the methods of `re.Pattern` but is not an instance of it.
    """
    made = _Late(source, flags)
    _all.append(made)
    return cast(re.Pattern[str], made)


def compile_all() -> None:
    """Compile every pattern that `late` returned, so that no comment has to wait."""
    for pattern in _all:
        pattern.compile()
