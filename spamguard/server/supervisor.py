"""Starts the server's processes, and stops them so that nobody's answer is lost."""

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
from spamguard.server.http import Impatient
from spamguard.server.store import Sites
from spamguard.server.watch import logs
from spamguard.server.worker import open_journal
from spamguard.storage import load_model

FIRST: Final = "first"
"""Name of the site that a new server begins with."""

_KEEP_ALIVE: Final = 15
_HUNG: Final = 60  # seconds without a sign of life; on a busy machine a start takes many
_LOOK: Final = 0.2  # seconds between two looks whether a worker that was asked is still there
_MOST_FILES: Final = 65_536
_GRACE: Final = 20  # seconds that requests under way are given when it stops


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found or made before the first request.

    Parameters
    ----------
    database : str
        Its file, or its URL without the password.
    model : str
    sites : int
    first_key : str or None
        Key of the first site, if it was made just now.
    """

    database: str
    model: str
    sites: int
    first_key: str | None


def prepare(config: ServerConfig) -> Prepared:
    """Make the database and the first site where they are missing, and try the model.

    Raises
    ------
    SpamguardError
        If the server could not work as it is told to.
    """
    model = load_model(config.model)
    with open_journal(config) as journal:
        sites = Sites(journal.database)
        known = sites.all()
        key = None if known else sites.add(FIRST)
        return Prepared(journal.name, model.title, max(1, len(known)), key)


def serve(config: ServerConfig, host: str, port: int) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; what is under way is answered first.

    Parameters
    ----------
    config : ServerConfig
    host : str
        Address to listen on.
    port : int
        1 to 65535.
    """
    config.to_environment()
    with ExitStack() as stack:
        if config.workers > 1:
            # Read by prometheus_client when a worker imports it; of this run alone.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spamguard-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            multiprocess.Process = Worker  # type: ignore[misc]
        _allow_many_connections()
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn has its own while it works, and passes the signal on when all is done.
            signal.signal(number, lambda *_: sys.exit(0))
        uvicorn.run(
            "spamguard.server.app:create_app",
            factory=True,
            host=host,
            port=port,
            workers=config.workers,
            log_config=logs.configuration(),
            access_log=False,
            http=Impatient,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            timeout_worker_healthcheck=_HUNG,
        )


class Worker(multiprocess.Process):
    """A worker whose end is noticed at once.

    uvicorn's own goes on waiting for the answer of one that was killed while it was asked for a sign
    of life, and neither replaces it nor stops meanwhile.
    """

    def ping(self, timeout: float = 5) -> bool:
        """Return whether the worker gives a sign of life within `timeout` seconds."""
        until = time.monotonic() + timeout
        try:
            self.parent_conn.send(b"ping")
            while self.process.is_alive() and time.monotonic() < until:
                if self.parent_conn.poll(_LOOK):
                    self.parent_conn.recv()
                    return True
        except (OSError, EOFError):
            pass
        return False


def _allow_many_connections() -> None:
    """Let each worker have as many files as the system allows: a connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def try_address(host: str, port: int) -> None:
    """Say in plain words, before anything is made or started, that an address cannot be used.

    Raises
    ------
    ServerError
        If nothing can listen there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise ServerError(
            f"{host}, port {port} cannot be listened on ({error.strerror}); give another --port, "
            "or another --host."
        ) from None
