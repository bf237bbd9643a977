"""How far the work has come, on stderr: only if it takes long and a person watches."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE: Final = 1.0
"""Seconds before anything appears."""

_PAUSE: Final = 0.3
"""Seconds between two lines in a notebook, which sends each to a browser."""


class Progress:
    """Called with a stage, what is done and the total; a total of 0 is unknown.

    On a terminal it is a bar, in a notebook a line that is written over.

    Parameters
    ----------
    shown : bool
        False where something else tells already.
    """

    def __init__(self, shown: bool = True) -> None:
        self._in_notebook = shown and _is_notebook()
        self._shown = self._in_notebook or (shown and sys.stderr.isatty())
        self._begun = monotonic()
        self._told = 0.0
        self._width = 0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._width:
            self._line("")

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far the work has come."""
        now = monotonic()
        if not self._shown or now - self._begun < PATIENCE:
            return
        if self._in_notebook:
            if now - self._told >= _PAUSE:
                self._told = now
                self._line(f"{stage}: {done:,} of {total:,}" if total else stage)
            return
        if self._bar is None:
            self._start()
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(self._task, description=stage, completed=done, total=total or None)

    def _line(self, words: str) -> None:
        sys.stderr.write(f"\r{words:<{self._width}}" if words else f"\r{'':<{self._width}}\r")
        sys.stderr.flush()
        self._width = len(words)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("")


def _is_notebook() -> bool:
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"
