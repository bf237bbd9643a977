"""Signals of the app.

`check` is sent after a comment was scored: ``sender`` is its class, ``comment`` the
object, ``verdict`` the verdict, ``request`` the request or None. A receiver may return
``"ham"``, ``"unsure"`` or ``"spam"`` to change the label. `learn` is sent after a
moderator's decision was kept: ``sender``, ``comment``, ``decision``, ``by`` and
``entry``, the number of its entry.
"""

from django.dispatch import Signal

check = Signal()
learn = Signal()
