"""What a request is before anybody reads it: forms, limits, time-outs."""

from spamguard.server.http.forms import body_of, fields_of, text_of
from spamguard.server.http.limits import Limits
from spamguard.server.http.timeouts import Impatient

__all__ = ["Impatient", "Limits", "body_of", "fields_of", "text_of"]
