"""What the server keeps: its tables, sites, posts and feeds."""

from spamguard.server.store import server_tables as tables
from spamguard.server.store.feeds import read_posts
from spamguard.server.store.posts import MOST_URL, VISIBLE, Posts, RegisteredPost, key_of, register
from spamguard.server.store.sites import Site, Sites, move_lessons

__all__ = [
    "MOST_URL",
    "VISIBLE",
    "Posts",
    "RegisteredPost",
    "Site",
    "Sites",
    "key_of",
    "move_lessons",
    "read_posts",
    "register",
    "tables",
]
