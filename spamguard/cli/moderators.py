"""``spamguard moderators``: who may log in to the moderation pages."""

from __future__ import annotations

import argparse
import sys
from getpass import getpass
from typing import TYPE_CHECKING, Final

from spamguard.errors import ServerError

if TYPE_CHECKING:
    from spamguard.server.pages import Accounts


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from spamguard.feedback import Journal
    from spamguard.server.config import ServerConfig
    from spamguard.server.pages import Accounts
    from spamguard.server.worker import open_journal

    # A database that is there says itself whether it keeps texts.
    with Journal(args.database) as journal:
        private = journal.texts == "none"
    with open_journal(ServerConfig(database=args.database, privacy=private)) as journal:
        _ACTIONS[args.action](args, Accounts(journal.database))
    return 0


def _add(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.add(args.name, _password(), args.sites)
    print(f"{args.name}: added; log in at /moderate on your server")


def _change(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.set_password(args.name, _password())
    print(f"{args.name}: has another password, and is logged out everywhere")


def _remove(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.remove(args.name)
    print(f"{args.name}: removed; what was decided stays")


def _list(args: argparse.Namespace, accounts: Accounts) -> None:
    for moderator in accounts.all():
        sites = "all sites" if moderator.sites is None else f"{len(moderator.sites):,} sites"
        print(f"{moderator.name}: {sites}")


def _password() -> str:
    """Ask twice; a program may give it as one line instead."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(2_000).rstrip("\r\n")
    password = getpass("Password: ")
    if password != getpass("Once more: "):
        raise ServerError("the two passwords differ; nothing was changed.")
    return password


_ACTIONS: Final = {"add": _add, "list": _list, "password": _change, "remove": _remove}
