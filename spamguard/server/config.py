"""The server's configuration and its way to the worker processes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from spamguard.errors import ServerError

VARIABLE: Final = "SPAMGUARD_SERVER"
"""Environment variable that passes the configuration to the workers."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The configuration of one server.

    Parameters
    ----------
    database : str
        A file, an SQLAlchemy URL, or ``env:NAME`` for either in a variable.
    model : str
        Name or directory of the model that all sites share.
    models : str or None
        Directory of the sites' own models; None is ``spamguard-models`` beside the
        database file, or in the current directory for a URL.
    workers : int
        Number of processes. They share the work and the rate limit.
    privacy : bool
        Keep only keyed digests of comments, and none of their text.
    retention_days : int or None
        Days after which undecided comments are deleted; None keeps them.
    feedback_days : int or None
        The same for decided comments and what was learned from them.
    rate : float
        Requests a second that a key may send, with bursts of ten times as many.
        0 is no limit.
    body_bytes : int
        Largest request body.
    client_seconds : float
        Seconds that a client may take to send a body.

    Raises
    ------
    ServerError
        If a value is impossible.
    """

    database: str = "spamguard-server.db"
    model: str = "default"
    models: str | None = None
    workers: int = 1
    privacy: bool = False
    retention_days: int | None = 90
    feedback_days: int | None = None
    rate: float = 50.0
    body_bytes: int = 1_000_000
    client_seconds: float = 20.0

    def __post_init__(self) -> None:
        for name in ("retention_days", "feedback_days"):
            days = getattr(self, name)
            if days is not None and days < 1:
                raise ServerError(f"{name} must be at least one day; leave it out to keep all.")
        if self.workers < 1 or self.rate < 0 or self.body_bytes < 1 or self.client_seconds <= 0:
            raise ServerError("workers, rate and limits of the body must be above zero.")

    @property
    def models_directory(self) -> Path:
        """Directory of the sites' own models."""
        if self.models is not None:
            return Path(self.models)
        if self.database.startswith("env:") or "://" in self.database:
            return Path("spamguard-models")
        return Path(self.database).absolute().parent / "spamguard-models"

    def to_environment(self) -> None:
        """Put the configuration into the environment, which the workers inherit."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> ServerConfig:
        """Return the configuration in the environment, or the defaults if there is none.

        Raises
        ------
        ServerError
            If the variable does not hold a configuration.
        """
        try:
            values = json.loads(os.environ.get(VARIABLE, "{}"))
            if not isinstance(values, dict):
                raise TypeError
            known = {field.name for field in fields(cls)}
            return cls(**{name: value for name, value in values.items() if name in known})
        except (ValueError, TypeError, AttributeError):
            raise ServerError(
                f"The variable {VARIABLE} does not hold what `spamguard serve` writes; unset it."
            ) from None
