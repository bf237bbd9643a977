"""``spamguard sites``: the sites of a server, their keys, settings and posts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spamguard.errors import ServerError

if TYPE_CHECKING:
    from spamguard.feedback import Database
    from spamguard.server.config import ServerConfig
    from spamguard.server.store import Site, Sites


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.feedback import Journal
    from spamguard.server.config import ServerConfig
    from spamguard.server.store import Sites
    from spamguard.server.worker import open_journal

    # A database that is there says itself whether it keeps texts.
    with Journal(args.database, create=False) as journal:
        private = journal.texts == "none"
    config = ServerConfig(database=args.database, privacy=private)
    if args.action == "forget":
        return _forget(args, config)
    with open_journal(config) as journal:
        database = journal.database
        return int(_ACTIONS[args.action](args, Sites(database), database))


def _add(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    _show_key(args.name, sites.add(args.name))
    return 0


def _renew(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    _show_key(args.name, sites.renew_key(args.name))
    return 0


def _show_key(name: str, key: str) -> None:
    print(f"{name}: the key, which is shown only now, is {key}")


def _revoke(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    sites.revoke(args.name)
    print(f"{args.name}: its key is worth nothing any more")
    return 0


def _list(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    from spamguard.server.store import Posts

    posts = Posts(database)
    for site in sites.all():
        said = [f"{posts.count(site.id):,} posts", f"{sites.corrections(site):,} corrections"]
        said += [word for word, is_so in (("gives", site.gives), ("takes", site.takes)) if is_so]
        print(f"{site.name}: {', '.join(said)}")
    return 0


def _set(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    given: dict[str, Any] = {
        "gives": args.gives,
        "takes": args.takes,
        "unsure_is_spam": None if args.unsure is None else args.unsure == "spam",
        "coral_secret": None if args.coral_secret is None else _secret(args.coral_secret),
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        args.usage_error("say what to set")
    sites.set(args.name, **chosen)
    print(f"{args.name}: set")
    return 0


def _secret(path: str) -> str:
    lines = Path(path).read_bytes()[:2_000].decode("utf-8", "replace").split()
    text = "\n".join(lines)
    if not 0 < len(text) <= 1_000:
        raise ServerError(f"{path} must hold Coral's signing secret; several, one a line.")
    return text


def _posts(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    from spamguard.server.store import Posts, read_posts

    count = Posts(database).put(_site(args, sites).id, read_posts(args.file))
    print(f"{args.name}: {count:,} posts registered")
    return 0


def _forget(args: argparse.Namespace, config: ServerConfig) -> int:
    from spamguard.server.worker import Worker

    services = Worker.open(config)
    try:
        gone = services.feedback.forget(_site(args, services.sites), args.guid, args.by)
    finally:
        services.close()
    print(
        f"{args.name}: forgotten, also {gone - 1:,} copies"
        if gone > 1
        else f"{args.name}: forgotten"
    )
    return 0


def _site(args: argparse.Namespace, sites: Sites) -> Site:
    site = sites.named(args.name)
    if site is None:
        raise ServerError(f"there is no site {args.name!r}; list them first.")
    return site


_ACTIONS: Final = {
    "add": _add,
    "list": _list,
    "renew": _renew,
    "revoke": _revoke,
    "set": _set,
    "posts": _posts,
}
