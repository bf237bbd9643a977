"""What the server keeps: its tables, sites, posts and feeds."""

from spamguard.server.store import server_tables as tables
from spamguard.server.store.feeds import read_posts
from spamguard.server.store.posts import MOST_URL, VISIBLE, Posts, Registered, key_of, register
from spamguard.server.store.sites import POOL, Site, Sites, put_lesson

__all__ = [
    "MOST_URL",
    "POOL",
    "VISIBLE",
    "Posts",
    "Registered",
    "Site",
    "Sites",
    "key_of",
    "put_lesson",
    "read_posts",
    "register",
    "tables",
]
