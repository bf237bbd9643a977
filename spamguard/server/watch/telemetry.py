"""Metrics for Prometheus, added up over all workers.

With several workers each keeps its counts in a shared directory. `supervisor` names it
in ``PROMETHEUS_MULTIPROC_DIR`` before this module is imported.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from spamguard.errors import FeedbackError
from spamguard.feedback import Database, stamp
from spamguard.server.store import tables

_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_SHARES: Final = tuple(i / 10 for i in range(1, 10))
_RECENT: Final = timedelta(days=7)
_BEFORE: Final = timedelta(days=35)
_CHANCE: Final = 0.1  # of the index: not reported where chance alone would reach it
_FRESH: Final = 60.0  # seconds that figures from the database stay valid


class Metrics:
    """The counts of one worker, and the page with the sums of all."""

    def __init__(self, database: Database) -> None:
        own = CollectorRegistry()
        self._requests = Counter(
            "spamguard_requests", "Requests answered", ("endpoint", "status"), registry=own
        )
        self._seconds = Histogram(
            "spamguard_request_seconds", "Time to the answer", ("endpoint",),
            buckets=_SECONDS, registry=own,
        )  # fmt: skip
        self._verdicts = Counter(
            "spamguard_verdicts", "Comments scored", ("label", "cause"), registry=own
        )
        self._probabilities = Histogram(
            "spamguard_spam_probability", "Spam probability of comments scored",
            buckets=_SHARES, registry=own,
        )  # fmt: skip
        self._feedback = Counter(
            "spamguard_feedback", "Decisions of moderators, and whether the verdict agreed",
            ("decision", "agreed"), registry=own,
        )  # fmt: skip
        self._models = Counter(
            "spamguard_model_changes", "Models reloaded or refused", ("what",), registry=own
        )
        self._records = Counter(
            "spamguard_records_late", "Comments that could not be written at once", ("what",),
            registry=own,
        )  # fmt: skip
        self._page = own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            self._page = CollectorRegistry()
            MultiProcessCollector(self._page)  # type: ignore[no-untyped-call]
        self.drift = Drift(database)
        self._page.register(self.drift)

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def verdict(self, label: str, cause: str, probability: float | None) -> None:
        """Count an answer; `probability` is None where a rule decided."""
        self._verdicts.labels(label, cause).inc()
        if probability is not None:
            self._probabilities.observe(probability)

    def feedback(self, decision: str, agreed: bool | None) -> None:
        """Count a decision."""
        word = {True: "yes", False: "no", None: "unknown"}[agreed]
        self._feedback.labels(decision, word).inc()

    def model(self, what: str) -> None:
        """Count that a model was reloaded, refused or dropped."""
        self._models.labels(what).inc()

    def records(self, what: str, number: int) -> None:
        """Count comments that wait for the database, or were dropped."""
        self._records.labels(what).inc(number)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._page)


class Drift:
    """How far the last week's comments differ from those of the four weeks before.

    It reads the database, so every worker reports the same. The population
    stability index compares the distributions of the spam probability: below 0.1
    nothing changed, above 0.25 something did. See `drift_of` for when it is reported.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._figures: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges for which there are enough comments."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH:
                try:
                    self._figures = self._query_gauges()
                except FeedbackError:
                    self._figures = {}
                self._read_at = time.monotonic()
            figures = dict(self._figures)
        for name, words in (
            ("spam_share_recent", "Share called spam, last seven days"),
            ("spam_share_before", "Share called spam, the four weeks before"),
            (
                "drift",
                "Population stability index of the probabilities, last seven days against four weeks before",
            ),
        ):
            if name in figures:
                yield GaugeMetricFamily(f"spamguard_{name}", words, figures[name])

    def describe(self) -> list[Metric]:
        """Return nothing, because the gauges depend on the database."""
        return []

    def _query_gauges(self) -> dict[str, float]:
        now = datetime.now(UTC)
        recent = self._spread(now - _RECENT, now)
        before = self._spread(now - _BEFORE, now - _RECENT)
        found = {}
        for name, (spam, counts) in (("recent", recent), ("before", before)):
            if sum(counts):
                found[f"spam_share_{name}"] = spam / sum(counts)
        if (drift := drift_of(recent[1], before[1])) is not None:
            found["drift"] = drift
        return found

    def _spread(self, since: datetime, until: datetime) -> tuple[int, list[int]]:
        """Return how many comments were called spam, and how many have a probability in each tenth."""
        comments = tables.comments
        edges = (0.0, *_SHARES, 1.1)
        value = comments.c.spam_probability
        tenths = [
            sa.func.coalesce(sa.func.sum(sa.case(((value >= low) & (value < high), 1), else_=0)), 0)
            for low, high in pairwise(edges)
        ]
        spam = sa.func.coalesce(sa.func.sum(sa.case((comments.c.label == "spam", 1), else_=0)), 0)
        query = sa.select(spam, *tenths).where(
            comments.c.at >= stamp(since), comments.c.at < stamp(until), value.is_not(None)
        )
        with self._database.reading() as connection:
            first, *rest = connection.execute(query).one()
        return int(first), [int(n) for n in rest]


def drift_of(now: list[int], before: list[int]) -> float | None:
    """Return the population stability index; None for too few comments.

    Without any change, chance brings the index to about ``(bins - 1) * (1 / n +
    1 / m)`` for n and m comments. Where that is above 0.1 it would mislead.

    Examples
    --------
    >>> drift_of([0, 10], [10, 0]) is None
    True
    >>> drift_of([50, 50], [500, 500])
    0.0
    """
    n, m = sum(now), sum(before)
    if not n or not m or (len(now) - 1) * (1 / n + 1 / m) > _CHANCE:
        return None
    return stability_index(now, before)


def stability_index(now: list[int], before: list[int]) -> float:
    """Return the population stability index of two histograms with the same bins.

    Half a comment is added to each bin, so that an empty bin does not make it infinite.

    Examples
    --------
    >>> stability_index([50, 50], [500, 500])
    0.0
    >>> stability_index([90, 10], [50, 50]) > 0.25
    True
    """
    shares = []
    for counts in (now, before):
        total = sum(counts) + 0.5 * len(counts)
        shares.append([(n + 0.5) / total for n in counts])
    return float(sum((a - b) * log(a / b) for a, b in zip(*shares, strict=True)))
