"""Starts the server's processes, and stops them without losing a response."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import uvicorn
from uvicorn.supervisors import multiprocess

from spamguard.errors import ServerError
from spamguard.server.config import ServerConfig
from spamguard.server.store import Sites
from spamguard.server.watch import log_configuration
from spamguard.server.worker import open_journal
from spamguard.storage import load_model

FIRST: Final = "first"
"""Name of a new server's first site."""

_KEEP_ALIVE: Final = 15  # seconds that an idle connection stays open after a response
_MOST_HEADERS: Final = 64_000  # bytes of a request's head
_HUNG: Final = 60  # seconds without a ping before a worker is replaced; a start takes many
_PING_POLL: Final = 0.2  # seconds between checks that a pinged worker is alive
_MOST_FILES: Final = 65_536
_GRACE: Final = 20  # seconds that open requests have to finish when the server stops


@dataclass(frozen=True, slots=True)
class Preparation:
    """What `prepare` found or made.

    Parameters
    ----------
    database : str
        Its file, or its URL without the password.
    first_key : str or None
        Key of the first site, if it was made just now.
    """

    database: str
    model: str
    sites: int
    first_key: str | None


def prepare(config: ServerConfig) -> Preparation:
    """Make the database and the first site if missing, and try to load the model.

    Raises SpamguardError if the server could not work with this configuration.
    """
    model = load_model(config.model)
    with open_journal(config) as journal:
        sites = Sites(journal.database)
        known = sites.all()
        key = None if known else sites.add(FIRST)
        return Preparation(journal.name, model.title, max(1, len(known)), key)


def serve(config: ServerConfig, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; open requests are answered first."""
    config.to_environment()
    with ExitStack() as stack:
        if config.workers > 1:
            # prometheus_client reads this when a worker imports it.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spamguard-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            multiprocess.Process = WorkerProcess  # type: ignore[misc]
        _raise_file_limit()
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn has its own handlers while it runs, and re-raises the signal at the end.
            signal.signal(number, lambda *_: sys.exit(0))
        uvicorn.run(
            "spamguard.server.app:create_app",
            factory=True,
            host=host,
            port=port,
            workers=config.workers,
            log_config=log_configuration(),
            access_log=False,
            http="h11",  # httptools has no limit to the size of a head
            h11_max_incomplete_event_size=_MOST_HEADERS,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            timeout_worker_healthcheck=_HUNG,
        )


class WorkerProcess(multiprocess.Process):
    """A worker process whose death is noticed at once.

    uvicorn's class waits for the answer of a worker killed during a ping, and meanwhile
    neither replaces it nor stops.
    """

    def ping(self, timeout: float = 5) -> bool:
        """Return whether the worker answers within `timeout` seconds."""
        until = time.monotonic() + timeout
        try:
            self.parent_conn.send(b"ping")
            while self.process.is_alive() and time.monotonic() < until:
                if self.parent_conn.poll(_PING_POLL):
                    self.parent_conn.recv()
                    return True
        except (OSError, EOFError):
            pass
        return False


def _raise_file_limit() -> None:
    """Let each worker open as many files as the system allows: each connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def try_address(host: str, port: int) -> None:
    """Raise ServerError if the server cannot listen there."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise ServerError(
            f"Cannot listen on {host}, port {port} ({error.strerror}); give another --port or "
            "another --host."
        ) from None
