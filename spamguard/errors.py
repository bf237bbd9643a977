"""Every error spamguard raises on purpose.

A message says what was wrong and what to do next. It never repeats a
commenter's text, an e-mail address or a key.
"""

from __future__ import annotations


class SpamguardError(Exception):
    """Root of all errors raised by spamguard."""


class InputError(SpamguardError, TypeError):
    """Something other than a comment, a post or text was passed in."""


class MissingPackageError(SpamguardError, ImportError):
    """A library that comes with one of spamguard's extras is not installed."""


class ModelNotFoundError(SpamguardError, LookupError):
    """No model of that name or at that path."""


class ModelFormatError(SpamguardError, ValueError):
    """A model's files are damaged, swapped, too new or not a model at all."""


class CorpusError(SpamguardError, ValueError):
    """Labelled comments that cannot be used as they are."""


class FeedbackError(SpamguardError, RuntimeError):
    """A journal of feedback that cannot be opened, read or written, or an entry it cannot take."""


class ForgottenError(FeedbackError):
    """The comment was forgotten, so nothing more is kept of it."""


class ServerError(SpamguardError, RuntimeError):
    """The server cannot start as it was told to, or one of its sites or posts cannot be used."""
