"""A progress bar on stderr, for work that takes long while a person watches."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE: Final = 1.0
"""Seconds before anything appears."""


class Progress:
    """Call it with a stage, what is done and the total; a total of 0 is unknown.

    The bar is tqdm's, in a terminal or a notebook. Without tqdm nothing is shown.

    Parameters
    ----------
    shown : bool
        False where the output itself shows how far the work is.
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
        """Show how far the work is."""
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
