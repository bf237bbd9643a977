"""How much one key, or one address without a key, may ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final

from spamguard.server.config import ServerConfig

_MOST: Final = 20_000  # whose buckets are remembered
_BURST: Final = 10  # seconds' worth at once
_GUESSES: Final = 1.0  # wrong keys a second from one address
_MOST_GUESSES: Final = 20
_TRIES: Final = 1 / 30  # wrong passwords a second, from one address or for one account
_MOST_TRIES: Final = 5


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Limits:
    """Token buckets in this worker's memory; each worker has its share of the rate."""

    def __init__(self, config: ServerConfig) -> None:
        self._rate = config.rate / config.workers
        self._workers = config.workers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def wait_of_key(self, site: int) -> int:
        """Count a request; return the seconds after which it may come again, 0 if it may now."""
        if not self._rate:
            return 0
        return self._wait(f"site {site}", self._rate, max(1.0, _BURST * self._rate), 1.0)

    def wait_of_guesser(self, address: str) -> int:
        """Return the seconds that an address must wait that has sent too many wrong keys."""
        return self._wait(f"address {address}", *self._guessing(), 0.0)

    def guessed(self, address: str) -> None:
        """Count a wrong key."""
        self._wait(f"address {address}", *self._guessing(), 1.0)

    def wait_of_log_in(self, address: str, account: str) -> int:
        """Return the seconds until another password may be tried from an address, for an account."""
        return max(
            self._wait(name, rate, most, 0.0) for name, rate, most in self._trying(address, account)
        )

    def failed_log_in(self, address: str, account: str) -> None:
        """Count a wrong password."""
        for name, rate, most in self._trying(address, account):
            self._wait(name, rate, most, 1.0)

    def _trying(self, address: str, account: str) -> Iterator[tuple[str, float, float]]:
        for name, most in (
            (f"log-in {address}", _MOST_TRIES),
            (f"account {account}", 4 * _MOST_TRIES),
        ):
            yield name, _TRIES / self._workers, max(1.0, most / self._workers)

    def _guessing(self) -> tuple[float, float]:
        return _GUESSES / self._workers, _MOST_GUESSES / self._workers

    def _wait(self, name: str, rate: float, most: float, taken: float) -> int:
        now = monotonic()
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(most, now))
            self._buckets.move_to_end(name)
            while len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            bucket.level = min(most, bucket.level + rate * (now - bucket.at))
            bucket.at = now
            if bucket.level < 1.0:
                return max(1, ceil((1.0 - bucket.level) / rate))
            bucket.level -= taken
            return 0
