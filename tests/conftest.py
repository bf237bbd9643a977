"""What several test files share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pandas as pd

    from spamguard import Comment, SpamClassifier, SpamModel

# Threads for matrices as small as these only get in each other's way; set before numpy is imported.
for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

settings.register_profile(
    "repeatable",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")


class HangError(AssertionError):
    """A call that should take a moment took many seconds."""


@pytest.fixture
def no_hang() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context manager that ends a call which hangs.

    It guards against quadratic time, where a megabyte takes hours; it is no
    measure of speed.
    """

    @contextmanager
    def guard(seconds: int = 10) -> Iterator[None]:
        if not hasattr(signal, "SIGALRM"):
            yield
            return

        def stop(*_: object) -> None:
            raise HangError(f"not done in {seconds} seconds")

        before = signal.signal(signal.SIGALRM, stop)
        signal.alarm(seconds)
        try:
            yield
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    return guard


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """The sample corpus."""
    from spamguard.corpus import load_sample

    return load_sample()


@pytest.fixture(scope="session")
def sample_comments(sample: pd.DataFrame) -> list[Comment]:
    """Its comments, each with its post."""
    from spamguard.corpus import comments_of

    return comments_of(sample)


@pytest.fixture(scope="session")
def fitted(sample: pd.DataFrame, sample_comments: list[Comment]) -> SpamClassifier:
    """An estimator that learned the sample; not to be fitted again."""
    from spamguard import SpamClassifier

    return SpamClassifier(bits=12).fit(sample_comments, sample["label"])


@pytest.fixture(scope="session")
def model(fitted: SpamClassifier) -> SpamModel:
    """What it learned, small and independent of the shipped model."""
    from spamguard.model import Cuts

    cuts = Cuts(-1.0, 1.0, 4.0)
    return replace(fitted.model_, name="tests", version="1", cuts=cuts, about={"rows": 360})
