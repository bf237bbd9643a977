"""Connections that do not get to the point are closed: uvicorn itself waits for them for ever."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spamguard.server.config import ServerConfig

_MOST_HEADERS: Final = 64_000
"""Bytes of a request's head; the rest of a body that comes with it may be among them."""


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol, with a limit to the time and the size of a request's head."""

    _timer: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of its head."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Wait no longer: of the body `forms.body_of` takes care."""
        self._wait_no_longer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, if it is not too much."""
        super().data_received(data)
        if self._timer is not None:
            self._received += len(data)
            if self._received > _MOST_HEADERS:
                self.transport.close()

    def _wait(self) -> None:
        if self._timer is None:
            self._received = 0
            self._timer = self.loop.call_later(_seconds(), self._give_up)

    def _wait_no_longer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


@lru_cache(maxsize=1)
def _seconds() -> float:
    return ServerConfig.from_environment().client_seconds
