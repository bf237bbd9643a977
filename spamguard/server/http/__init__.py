"""Reading and limiting requests: bodies, form fields, rate limits."""

from spamguard.server.http.access import Threads, address_of, enforce_wait
from spamguard.server.http.forms import body_of, fields_of, text_of
from spamguard.server.http.limits import Limits

__all__ = [
    "Limits", "Threads", "address_of", "body_of", "enforce_wait", "fields_of", "text_of",
]  # fmt: skip
