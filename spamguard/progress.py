"""A progress bar on stderr for long work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tqdm import tqdm

Watch = Callable[[str, int, int], None]
"""Called with a stage, the work done and the total, 0 if unknown."""

PATIENCE: Final = 1.0
"""Seconds before anything appears."""


def ignore_progress(stage: str, done: int, total: int) -> None:
    """Do nothing; where nobody watches."""


class Progress:
    """tqdm's bar in a terminal or a notebook; without tqdm nothing is shown.

    Call it with a stage, the work done and the total, 0 if unknown. `shown` is False where
    the output itself shows the progress.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown and (sys.stderr.isatty() or _is_notebook())
        self._begin = monotonic()
        self._stage = ""
        self._bar: tqdm[object] | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Update the bar."""
        if not self._shown or monotonic() - self._begin < PATIENCE:
            return
        if self._bar is None or stage != self._stage:
            self._start(stage)
        if self._bar is not None:
            self._bar.total = total or None
            self._bar.update(done - self._bar.n)

    def _start(self, stage: str) -> None:
        if self._bar is not None:
            self._bar.close()
        try:
            from tqdm import tqdm
        except ImportError:  # an install that only scores
            self._shown = False
            return
        self._stage = stage
        self._bar = tqdm(desc=stage, file=sys.stderr, leave=False)


def _is_notebook() -> bool:
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"
