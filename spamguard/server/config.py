"""What a server is told when it starts; its workers get the same."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from spamguard.errors import ServerError

VARIABLE: Final = "SPAMGUARD_SERVER"
"""Environment variable in which `spamguard serve` hands the configuration to its workers."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How one server works.

    Parameters
    ----------
    database : str
        A file, a URL of SQLAlchemy, or ``env:NAME`` for either in a variable.
    model : str
        Name or directory of the model that all sites share.
    models : str or None
        Directory for the sites' own models; None is a directory beside the
        database file, or ``spamguard-models`` here.
    workers : int
        Processes that share the work, and so the rate limit.
    privacy : bool
        Keep keyed digests of comments and nothing that they said.
    retention_days : int or None
        Days after which a comment that nobody decided on is deleted; None
        keeps it.
    feedback_days : int or None
        The same for comments with a decision, and for what was learned of them.
    rate : float
        Requests a second that a key may send for long; ten times as many at
        once. 0 is no limit.
    body_bytes : int
        Largest body that is read.
    client_seconds : float
        Seconds that a client may take to send a request's head, and again for
        its body.

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
        """Where the sites' own models are."""
        if self.models is not None:
            return Path(self.models)
        named = self.database
        if named.startswith("env:") or "://" in named:
            return Path("spamguard-models")
        return Path(named).absolute().parent / "spamguard-models"

    def to_environment(self) -> None:
        """Put it where the workers find it."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> ServerConfig:
        """Return what `to_environment` left; the defaults where it left nothing.

        Returns
        -------
        ServerConfig

        Raises
        ------
        ServerError
            If what stands there cannot be read.
        """
        try:
            told = json.loads(os.environ.get(VARIABLE, "{}"))
            if not isinstance(told, dict):
                raise TypeError
            return cls(
                **{field.name: told[field.name] for field in fields(cls) if field.name in told}
            )
        except (ValueError, TypeError, AttributeError):
            raise ServerError(
                f"the variable {VARIABLE} is not what `spamguard serve` writes."
            ) from None
