"""An Akismet-compatible server on the owner's own machine: ``spamguard serve``.

How the parts fit together:

- `config` holds the settings. `worker.Worker` holds the parts of one worker process;
  a request finds it as ``request.app.state.worker``.
- One database (SQLite in a file, or PostgreSQL by URL) holds the journal of
  `spamguard.feedback` and the tables of `store`: sites, posts, comments with their
  verdicts, usage. One writer at a time.
- `filters` holds a `spamguard.feedback.Site` for each key; `models` loads and reloads
  the shared model and the sites' own. `recorder` writes verdicts a moment later, in a
  thread. `feedback` takes decisions: when it returns, a decision is on the disk and
  counts in all workers.
- `protocols` are the endpoints for blogs, `pages` the ones for moderators, `health`
  and `watch` the ones for operators. `http` reads and limits their requests.
- `app.create_app` puts the routes together; `supervisor` starts the workers.

It needs further packages: ``pip install 'spamguard[server]'``.
"""

from __future__ import annotations

from spamguard.errors import ServerError
from spamguard.loading import optional as _optional

with _optional("server"):
    import argon2 as _argon2  # noqa: F401
    import jinja2 as _jinja2  # noqa: F401
    import prometheus_client as _prometheus_client  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401
    import starlette as _starlette  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401

from spamguard.server.app import create_app
from spamguard.server.config import ServerConfig

__all__ = ["ServerConfig", "ServerError", "create_app"]
