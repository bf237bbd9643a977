"""What the server keeps: its tables, sites, posts and feeds."""

from spamguard.server.store.posts import MOST_URL, VISIBLE, Posts, Registered, key_of, register
from spamguard.server.store.server_tables import (
    METADATA,
    SCHEMA,
    actions,
    comments,
    lessons,
    moderators,
    posts,
    retrainings,
    sessions,
    settings,
    sites,
    usage,
)
from spamguard.server.store.sites import POOL, Site, Sites, put_lesson

__all__ = [
    "METADATA",
    "MOST_URL",
    "POOL",
    "Posts",
    "Registered",
    "SCHEMA",
    "Site",
    "Sites",
    "VISIBLE",
    "actions",
    "comments",
    "key_of",
    "lessons",
    "moderators",
    "posts",
    "put_lesson",
    "register",
    "retrainings",
    "sessions",
    "settings",
    "sites",
    "usage",
]
