"""The moderation pages.

`routes` lists the pages; each has a module, and a template that the module fills.
`requests` authenticates and parses what they get, `queue_query` and the pages read the
database, `decisions` and `retrain_jobs` change it, and `escaping` and `reasons` turn
what strangers wrote into plain text. The pages work without a script;
``static/pages.js`` makes them faster.
"""

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.server.pages.accounts import Accounts
    from spamguard.server.pages.routing import routes

    __all__ = ["Accounts", "routes"]
else:
    # Late: a retraining starts in a process of its own with `retrain_jobs` alone.
    __all__, __getattr__, __dir__ = attach(
        __name__, {"accounts": ["Accounts"], "routing": ["routes"]}
    )
