"""Thin adapters that put spamguard in front of a blog: Django, Flask, Starlette, Isso, git.

What they share is `Site`: it judges a comment with what this site's moderators
have taught, keeps the verdict in the journal, and learns from each decision at
once. Each adapter only translates between `Site` and its host.

>>> import tempfile
>>> from spamguard import Comment
>>> from spamguard.integrations import Site
>>> folder = tempfile.TemporaryDirectory()
>>> site = Site(f"{folder.name}/feedback.db")
>>> comment = Comment("Our chess club meets on Friday, all welcome: http://chess.example")
>>> before = site.check(comment, "c1")
>>> _ = site.learn("c1", "spam", by="anna")
>>> site.check(comment).spam_probability > before.spam_probability
True
>>> site.close()
>>> folder.cleanup()
"""

from spamguard.feedback import Site
from spamguard.integrations.fields import comment_of

__all__ = ["Site", "comment_of"]
