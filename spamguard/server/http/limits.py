"""Rate limits for keys, for addresses that try wrong keys, and for log-ins."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final

from spamguard.server.config import ServerConfig

_MOST: Final = 20_000  # buckets that are remembered
_BURST: Final = 10  # a burst, in seconds of the rate
_GUESSES: Final = 1.0  # wrong keys a second from one address
_MOST_GUESSES: Final = 20
_TRIES: Final = 1 / 30  # log-ins a second, from one address or for one account
_MOST_TRIES: Final = 10


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Limits:
    """Token buckets in this worker's memory; each worker allows its share of the rate.

    The methods count one attempt and return the seconds to wait; 0 allows it now.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._rate = config.rate / config.workers
        self._workers = config.workers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def wait_of_key(self, site: int) -> int:
        """Count a request of a site."""
        if not self._rate:
            return 0
        return self._wait(f"site {site}", self._rate, max(1.0, _BURST * self._rate))

    def wait_of_guesser(self, address: str) -> int:
        """Count a wrong key from an address."""
        share = 1 / self._workers
        return self._wait(f"address {address}", share * _GUESSES, max(1.0, share * _MOST_GUESSES))

    def wait_of_log_in(self, address: str, account: str) -> int:
        """Count an attempt to log in, by its address and by its account."""
        share = 1 / self._workers
        for name, most in (
            (f"log-in {address}", _MOST_TRIES),
            (f"account {account}", 2 * _MOST_TRIES),
        ):
            wait = self._wait(name, share * _TRIES, max(1.0, share * most))
            if wait:
                return wait
        return 0

    def _wait(self, name: str, rate: float, most: float) -> int:
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
            bucket.level -= 1.0
            return 0
