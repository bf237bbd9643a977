"""The server's tables, in the journal's database beside its own.

The journal holds moderators' decisions and their corrections. These tables hold the
server's sites, their posts, and the comments with their verdicts.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from spamguard.feedback import PREFIX, AnyText

SCHEMA: Final = 2
"""Number of this layout; since 2, the journal keeps what was learned. A higher one is refused."""

METADATA: Final = sa.MetaData()
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_STAMP: Final = sa.String(32)  # ISO 8601 in UTC, as in the journal
_DIGEST: Final = sa.String(64)

settings: Final = sa.Table(
    f"{PREFIX}server_settings",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.String(255), nullable=False),
)

# One key, one site.
sites: Final = sa.Table(
    f"{PREFIX}sites",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("key_digest", _DIGEST, unique=True),  # of the key, which is not kept; NULL: revoked
    sa.Column("gives", sa.Boolean, nullable=False, default=False),  # shares its feedback
    sa.Column("takes", sa.Boolean, nullable=False, default=False),  # uses what others share
    sa.Column("unsure_is_spam", sa.Boolean, nullable=False, default=False),
    sa.Column("unsure_cut", sa.Double),  # log-odds; NULL: the model's
    sa.Column("spam_cut", sa.Double),
    sa.Column("coral_secret", sa.String(1000)),  # or several, one a line
    sa.Column("created_at", _STAMP, nullable=False),
    sqlite_autoincrement=True,
)

posts: Final = sa.Table(
    f"{PREFIX}server_posts",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", sa.ForeignKey(sites.c.id), nullable=False),
    sa.Column("key", _DIGEST, nullable=False),  # of the address, see posts.key_of
    sa.Column("url", AnyText, nullable=False),
    sa.Column("title", AnyText),
    sa.Column("text", AnyText),
    sa.Column("author", AnyText),
    sa.Column("date", AnyText),
    sa.Column("updated_at", _STAMP, nullable=False),
    sa.UniqueConstraint("site", "key"),
    sqlite_autoincrement=True,
)

# One row for each comment-check. `digest` names the comment: the journal's comment_id.
comments: Final = sa.Table(
    f"{PREFIX}server_comments",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", sa.ForeignKey(sites.c.id), nullable=False),
    sa.Column("guid", sa.String(32), nullable=False, unique=True),
    sa.Column("digest", _DIGEST, nullable=False),
    sa.Column("at", _STAMP, nullable=False),
    sa.Column("blog", AnyText),
    sa.Column("post_key", _DIGEST),
    sa.Column("permalink", AnyText),
    sa.Column("kind", AnyText),  # comment_type
    sa.Column("text", AnyText),  # NULL in privacy mode, as are the author's fields
    sa.Column("author", AnyText),
    sa.Column("author_url", AnyText),
    sa.Column("date", AnyText),
    sa.Column("cause", sa.String(16), nullable=False),  # model, administrator, honeypot, test
    sa.Column("answer", sa.Boolean, nullable=False),  # the answer to the blog: spam?
    sa.Column("label", sa.String(16)),
    sa.Column("spam_probability", sa.Double),
    sa.Column("log_odds", sa.Double),
    sa.Column("discard", sa.Boolean),
    sa.Column("language", sa.String(16)),
    sa.Column("model", AnyText),
    sa.Column("reasons", AnyText),  # JSON: [[feature, contribution, evidence], ...]
    # Digests of Coral's names for the post and the comment; see protocols/coral.py.
    sa.Column("story", _DIGEST),
    sa.Column("external_id", _DIGEST),
    sa.Column("decision", sa.String(16)),  # copied from the journal for the queue
    sa.Column("decided_by", sa.String(255)),
    sa.Column("decided_at", _STAMP),
    sa.Column("entry", _NUMBER),  # its number in the journal
    sa.Index(f"{PREFIX}server_comments_by_digest", "site", "digest"),
    sa.Index(f"{PREFIX}server_comments_by_time", "site", "at"),
    sa.Index(f"{PREFIX}server_comments_waiting", "site", "decision", "at"),
    sa.Index(f"{PREFIX}server_comments_by_story", "site", "story", "at"),
    sa.Index(f"{PREFIX}server_comments_by_external_id", "site", "external_id"),
    sqlite_autoincrement=True,
)

usage: Final = sa.Table(
    f"{PREFIX}usage",
    METADATA,
    sa.Column("site", sa.ForeignKey(sites.c.id), primary_key=True),
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("blog", sa.String(255), primary_key=True),  # its host
    *(
        sa.Column(name, _NUMBER, nullable=False, default=0)
        for name in ("api_calls", "spam", "ham", "missed_spam", "false_positives")
    ),
)

# --- for the moderation pages ----------------------------------------------------------

moderators: Final = sa.Table(
    f"{PREFIX}moderators",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),  # as in the journal
    sa.Column("password", sa.String(255), nullable=False),  # hashed; see pages.accounts
    sa.Column("sites", AnyText),  # JSON: numbers of sites; NULL: all
    sa.Column("created_at", _STAMP, nullable=False),
    sqlite_autoincrement=True,
)

sessions: Final = sa.Table(
    f"{PREFIX}sessions",
    METADATA,
    sa.Column("digest", _DIGEST, primary_key=True),  # of the token, which only the browser has
    sa.Column("moderator", sa.ForeignKey(moderators.c.id), nullable=False),
    sa.Column("created_at", _STAMP, nullable=False),
    sa.Column("seen_at", _STAMP, nullable=False),
)

# Actions on the pages, each undone in one step. The decisions themselves are in the journal;
# `detail` is JSON with the numbers of their entries.
actions: Final = sa.Table(
    f"{PREFIX}actions",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("moderator", sa.String(64), nullable=False),
    sa.Column("at", _STAMP, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # decide, thresholds, retrain, use, rollback
    sa.Column("site", sa.ForeignKey(sites.c.id)),  # NULL: of several
    sa.Column("detail", AnyText, nullable=False),
    sa.Column("undone_at", _STAMP),
    sa.Index(f"{PREFIX}actions_by_moderator", "moderator", "id"),
    sqlite_autoincrement=True,
)

retrainings: Final = sa.Table(
    f"{PREFIX}retrainings",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("site", sa.ForeignKey(sites.c.id), nullable=False),
    sa.Column("moderator", sa.String(64), nullable=False),
    sa.Column("started_at", _STAMP, nullable=False),
    sa.Column("seen_at", _STAMP, nullable=False),  # sign of life of its process
    sa.Column("state", sa.String(16), nullable=False),  # running, passed, refused, failed
    sa.Column("stage", sa.String(32), nullable=False),
    sa.Column("done", _NUMBER, nullable=False, default=0),
    sa.Column("total", _NUMBER, nullable=False, default=0),
    sa.Column("report", AnyText),  # JSON
    sa.Column("used_at", _STAMP),
    sa.Index(f"{PREFIX}retrainings_by_site", "site", "id"),
    sqlite_autoincrement=True,
)
