"""Reading and limiting requests: bodies, form fields, rate limits."""

from spamguard.server.http.forms import body_of, fields_of, text_of
from spamguard.server.http.limits import Limits

__all__ = ["Limits", "body_of", "fields_of", "text_of"]
