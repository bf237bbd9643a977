"""An Akismet-compatible server on the owner's own machine: ``spamguard serve``.

How the parts fit, from the inside out:

- `config` says how it works; `services.Services` holds all parts of one worker
  process, and a request finds it as ``request.app.state.services``.
- One database (SQLite in a file, or PostgreSQL by URL) holds the journal of
  `spamguard.feedback` and, beside its tables, those of `tables`: sites, posts,
  comments with their verdicts, lessons, usage. All go through
  ``journal.database.reading()`` and ``.writing()``, one writer at a time.
- `sites`: each key is its own site. A site's row is read with every request,
  and ``sequence`` in it tells whether the weights in memory are old.
- `models` loads and reloads the shared model and the sites' own, which
  `retraining.replace_model` puts at ``models.directory_of(site.id)``; `weights`
  adds what moderators taught: ``weights.model_for(site)`` is what judges now.
- `judging` makes an answer of what is `Asked`; `records` writes answers to the
  database a moment later, in a thread; ``recorder.flush()`` waits for it.
- `teaching` takes decisions. ``teacher.decide(site, row_id, "spam", by)`` is for
  the pages, ``teacher.correct`` for the protocols, ``teacher.undo`` for both;
  each is durable, and counts in all workers, when it returns.
- `akismet`, `coral`, `posts_api`, `operations` and `pages` are routes on top;
  `app.create_app` puts them together, `running` starts the workers.

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
