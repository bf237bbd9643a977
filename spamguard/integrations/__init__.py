"""Adapters for Django, Flask, Starlette, FastAPI, Isso and pull requests.

Each adapter connects its host to a `spamguard.feedback.Site`, which scores comments,
keeps verdicts and learns from each correction at once.

>>> import tempfile
>>> from spamguard import Comment
>>> from spamguard.integrations import Site
>>> folder = tempfile.TemporaryDirectory()
>>> site = Site(f"{folder.name}/feedback.db")
>>> comment = Comment("Our chess club meets on Friday, all welcome: http://chess.example")
>>> before = site.check(comment, "c1")
>>> _ = site.correct("c1", "ham", by="anna")
>>> site.check(comment).spam_probability < before.spam_probability
True
>>> site.close()
>>> folder.cleanup()
"""

from spamguard.feedback import Site
from spamguard.integrations.fields import comment_of

__all__ = ["Site", "comment_of"]
