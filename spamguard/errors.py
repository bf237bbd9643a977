"""The errors that spamguard raises.

A message says what was wrong and what to do next. It never repeats a commenter's
text, an e-mail address or a key.
"""

from __future__ import annotations


class SpamguardError(Exception):
    """Base class of all errors of spamguard."""


class InputError(SpamguardError, TypeError):
    """An argument has the wrong type or value."""


class MissingPackageError(SpamguardError, ImportError):
    """A library of one of spamguard's extras is not installed."""


class ModelNotFoundError(SpamguardError, LookupError):
    """There is no model with this name or at this path."""


class ModelFormatError(SpamguardError, ValueError):
    """The files of a model are damaged, do not match, or are too new."""


class CorpusError(SpamguardError, ValueError):
    """Labelled comments are not usable as they are."""


class FeedbackError(SpamguardError, RuntimeError):
    """A journal cannot be opened, read or written, or rejects an entry."""


class ForgottenError(FeedbackError):
    """The comment was forgotten, so the journal keeps nothing of it."""


class ServerError(SpamguardError, RuntimeError):
    """The server cannot start with these settings, or a site or post is not usable."""
