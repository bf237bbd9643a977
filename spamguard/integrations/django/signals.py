"""Signals of the app.

`check` is sent when a comment was judged and nothing is decided yet: ``sender``
is its class, ``comment`` the object, ``verdict`` what spamguard says, ``request``
the request or None. A receiver that returns ``"ham"``, ``"unsure"`` or ``"spam"``
has the last word. `learn` is sent when a moderator's decision is in the
journal: ``sender``, ``comment``, ``decision``, ``by`` and ``entry``, its number.
"""

from django.dispatch import Signal

check = Signal()
learn = Signal()
