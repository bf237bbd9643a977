"""Commands of a moderator: a site's history, its decisions and its own model."""
