"""The commands of the server: ``spamguard serve``, ``sites`` and ``moderators``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spamguard.cli import count
from spamguard.display import counted
from spamguard.errors import ServerError

if TYPE_CHECKING:
    from spamguard.feedback import Database, Journal
    from spamguard.server.config import ServerConfig
    from spamguard.server.pages.accounts import Accounts
    from spamguard.server.store import Site, Sites

DEFAULT_PORT: Final = 8137
DEFAULT_DATABASE: Final = "spamguard-server.db"

# --- serve ------------------------------------------------------------------------

_SERVE: Final = """\
Start a server that speaks Akismet's protocol, so that any blog with an Akismet
client can use it. It listens on this machine alone unless --host says
otherwise, creates its database and a first key, and prints what to enter in the
blog. It fetches nothing and sends nothing.

Several workers share one database, a SQLite file or PostgreSQL by its URL
(env:NAME reads it from a variable). If a model's files are replaced, the server
loads it while it runs; a damaged one changes nothing. SIGTERM stops the server
after the requests that have begun.
"""
_SERVE_EXAMPLES: Final = """\
examples:
  spamguard serve
  spamguard serve --database blog.db --workers 2 --retention 30
  spamguard serve --database env:SPAMGUARD_URL --privacy
"""


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``spamguard serve``."""
    parser.description, parser.epilog = _SERVE, _SERVE_EXAMPLES
    parser.set_defaults(run=_run_serve)
    _database_option(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help=f"port to listen on ({DEFAULT_PORT})"
    )
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="processes that share the work (1)"
    )
    parser.add_argument(
        "--model", default="default", metavar="NAME|DIR", help="the model that all sites share"
    )
    parser.add_argument(
        "--models", metavar="DIR", help="directory of the sites' own models (beside the database)"
    )
    parser.add_argument(
        "--privacy", action="store_true", help="keep digests of comments, and no texts"
    )
    parser.add_argument(
        "--retention", type=_days, default=90, metavar="DAYS",
        help="delete comments without a decision after this many days (90; 0 keeps them)",
    )  # fmt: skip
    parser.add_argument(
        "--feedback-retention", type=count, metavar="DAYS",
        help="delete decisions, and their effect, after this many days (default: keep them)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_rate, default=50.0, metavar="N",
        help="requests a second that one key may send (50; 0 is no limit)",
    )  # fmt: skip
    parser.add_argument(
        "--max-body", type=count, default=1_000_000, metavar="BYTES",
        help="largest request that is read (1000000)",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=count, default=20, metavar="SECONDS",
        help="time a client has to send the head of a request, and again its body (20)",
    )  # fmt: skip


def _run_serve(args: argparse.Namespace) -> int:
    from spamguard.server.config import ServerConfig
    from spamguard.server.supervisor import FIRST, prepare, serve, try_address

    config = ServerConfig(
        database=args.database,
        model=args.model,
        models=args.models,
        workers=args.workers,
        privacy=args.privacy,
        retention_days=args.retention or None,
        feedback_days=args.feedback_retention,
        rate=args.rate,
        body_bytes=args.max_body,
        client_seconds=float(args.patience),
    )
    try_address(args.host, args.port)  # or a key would be made and never shown
    found = prepare(config)
    address = reached_at(args.host)
    lines = [
        f"spamguard serves http://{address}:{args.port} with {found.model}",
        f"database: {found.database}, {found.sites:,} " + ("site" if found.sites == 1 else "sites"),
    ]
    lines.append(
        f"moderation pages: http://{address}:{args.port}/moderate "
        "(accounts: spamguard moderators add NAME)"
    )
    if found.first_key is not None:
        lines += [
            "",
            f'The first site is called "{FIRST}". Its key, which is shown only now:',
            "",
            f"    {found.first_key}",
            "",
            "In your blog, or its Akismet plugin, put",
            f"    host (instead of rest.akismet.com):  {address}:{args.port}",
            f"    API key:                             {found.first_key}",
            "More sites, a lost key, posts: spamguard sites --help",
        ]
    print("\n".join(lines), flush=True)
    serve(config, args.host, args.port)
    return 0


def reached_at(host: str) -> str:
    """Return the host part of an address under which a blog can reach the server."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "THIS-MACHINE"  # it listens on every address
    return f"[{host}]" if ":" in host else host


# --- sites ------------------------------------------------------------------------

_SITES: Final = """\
Manage the sites of a server. Each key is a site of its own. Sites share what they
learn only if one gives (set --gives) and the other takes (set --takes). A running
server sees changes at once.
"""
_SITES_EXAMPLES: Final = """\
examples:
  spamguard sites add blog.example
  spamguard sites posts blog.example feed.xml
  spamguard sites set blog.example --unsure spam
"""


def add_sites(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``spamguard sites``."""
    parser.description, parser.epilog = _SITES, _SITES_EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, short: str, named: bool = True) -> argparse.ArgumentParser:
        return _action(actions, name, short, _run_sites, "SITE" if named else None)

    action("list", "show the sites", named=False)
    action("add", "add a site and show its key")
    action("renew", "give a site a new key; the former one stops working")
    action("revoke", "revoke a site's key; its corrections stay")
    found = action("posts", "register the posts of an RSS or Atom feed or a WordPress export")
    found.add_argument("file", metavar="FILE", help="the feed or export, on this machine")
    found = action("forget", "forget a comment, its verdicts, decisions and their effect")
    found.add_argument("guid", metavar="GUID", help="the comment's X-akismet-guid")
    found.add_argument("--by", metavar="NAME", default="owner", help="your account (owner)")
    found = action("set", "change a site's settings")
    found.add_argument(
        "--gives", action=argparse.BooleanOptionalAction,
        help="share its feedback with the sites that take",
    )  # fmt: skip
    found.add_argument(
        "--takes", action=argparse.BooleanOptionalAction, help="also use what other sites share"
    )
    found.add_argument(
        "--unsure", choices=("ham", "spam"),
        help="the answer to clients that know only ham and spam (ham)",
    )  # fmt: skip
    found.add_argument(
        "--coral-secret", metavar="FILE", help="file with Coral's signing secrets, one a line"
    )


def _run_sites(args: argparse.Namespace) -> int:
    from spamguard.server.store import Sites

    if args.action == "forget":
        return _forget_comment(args, _config_of(args.database, create=False))
    with _journal_of(args.database, create=False) as journal:
        sites = Sites(journal.database)
        return int(_SITE_ACTIONS[args.action](args, sites, journal.database))


def _add_site(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    _show_key(args.name, sites.add(args.name))
    return 0


def _renew_key(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    _show_key(args.name, sites.renew_key(args.name))
    return 0


def _show_key(name: str, key: str) -> None:
    print(f"{name}: the key, which is shown only now, is {key}")


def _revoke_key(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    sites.revoke(args.name)
    print(f"{args.name}: its key no longer works")
    return 0


def _list_sites(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    from spamguard.server.store import Posts

    posts = Posts(database)
    for site in sites.all():
        words = [counted(posts.count(site.id), "post"), counted(site.sequence, "correction")]
        words += [word for word, on in (("gives", site.gives), ("takes", site.takes)) if on]
        print(f"{site.name}: {', '.join(words)}")
    return 0


def _set_site(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    given: dict[str, Any] = {
        "gives": args.gives,
        "takes": args.takes,
        "unsure_is_spam": None if args.unsure is None else args.unsure == "spam",
        "coral_secret": None if args.coral_secret is None else _secret(args.coral_secret),
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        args.usage_error("name a setting, such as --unsure spam")
    sites.set(args.name, **chosen)
    print(f"{args.name}: set")
    return 0


def _secret(path: str) -> str:
    lines = Path(path).read_bytes()[:2_000].decode("utf-8", "replace").split()
    text = "\n".join(lines)
    if not 0 < len(text) <= 1_000:
        raise ServerError(f"{path} must hold Coral's signing secrets, one per line.")
    return text


def _register_posts(args: argparse.Namespace, sites: Sites, database: Database) -> int:
    from spamguard.server.store import Posts
    from spamguard.server.store.feeds import read_posts

    count = Posts(database).put(_site(args, sites).id, read_posts(args.file))
    print(f"{args.name}: {counted(count, 'post')} registered")
    return 0


def _forget_comment(args: argparse.Namespace, config: ServerConfig) -> int:
    from spamguard.server.worker import Worker

    worker = Worker.open(config)
    try:
        gone = worker.feedback.forget(_site(args, worker.sites), args.guid, args.by)
    finally:
        worker.close()
    print(
        f"{args.name}: forgotten, also {counted(gone - 1, 'copy', 'copies')}"
        if gone > 1
        else f"{args.name}: forgotten"
    )
    return 0


def _site(args: argparse.Namespace, sites: Sites) -> Site:
    site = sites.named(args.name)
    if site is None:
        raise ServerError(f"there is no site {args.name!r}; list them first.")
    return site


_SITE_ACTIONS: Final = {
    "add": _add_site,
    "list": _list_sites,
    "renew": _renew_key,
    "revoke": _revoke_key,
    "set": _set_site,
    "posts": _register_posts,
}


# --- moderators -------------------------------------------------------------------

_MODERATORS: Final = """\
Manage accounts for the moderation pages of a server. The command prompts for the
password, and only a slow hash of it is stored.
"""
_MODERATORS_EXAMPLES: Final = """\
examples:
  spamguard moderators add anna
  spamguard moderators add ben --site blog.example
  spamguard moderators password anna
"""


def add_moderators(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``spamguard moderators``."""
    parser.description, parser.epilog = _MODERATORS, _MODERATORS_EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, short in (
        ("list", "show the moderators"),
        ("add", "add a moderator; prompts for the password"),
        ("password", "set a new password, and log the account out everywhere"),
        ("remove", "remove an account; its decisions stay"),
    ):
        found = _action(actions, name, short, _run_moderators, None if name == "list" else "NAME")
        if name == "add":
            found.add_argument(
                "--site", action="append", metavar="SITE", dest="sites",
                help="the only site it may see; repeat for several (default: all)",
            )  # fmt: skip


def _run_moderators(args: argparse.Namespace) -> int:
    from spamguard.server.pages.accounts import Accounts

    with _journal_of(args.database, create=True) as journal:
        _MODERATOR_ACTIONS[args.action](args, Accounts(journal.database))
    return 0


def _add_moderator(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.add(args.name, _password(), args.sites)
    print(f"{args.name}: added; log in at /moderate on your server")


def _change_password(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.set_password(args.name, _password())
    print(f"{args.name}: the password is changed; logged out everywhere")


def _remove_moderator(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.remove(args.name)
    print(f"{args.name}: removed; the decisions stay")


def _list_moderators(args: argparse.Namespace, accounts: Accounts) -> None:
    for moderator in accounts.all():
        sites = "all sites" if moderator.sites is None else f"{len(moderator.sites):,} sites"
        print(f"{moderator.name}: {sites}")


def _password() -> str:
    """Ask twice on a terminal; otherwise read one line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(2_000).rstrip("\r\n")
    password = getpass("Password: ")
    if password != getpass("Once more: "):
        raise ServerError("the two passwords differ; nothing was changed.")
    return password


_MODERATOR_ACTIONS: Final = {
    "add": _add_moderator,
    "list": _list_moderators,
    "password": _change_password,
    "remove": _remove_moderator,
}


# --- the database -----------------------------------------------------------------


def _config_of(database: str, create: bool) -> ServerConfig:
    """Return the settings to open a database; the database knows whether it keeps texts."""
    from spamguard.feedback import Journal
    from spamguard.server.config import ServerConfig

    with Journal(database, create=create) as journal:
        return ServerConfig(database=database, privacy=journal.texts == "none")


@contextmanager
def _journal_of(database: str, create: bool) -> Iterator[Journal]:
    from spamguard.server.worker import open_journal

    with open_journal(_config_of(database, create)) as journal:
        yield journal


# --- options ----------------------------------------------------------------------


def _action(
    actions: Any, name: str, short: str, run: Any, metavar: str | None
) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = actions.add_parser(
        name, help=short, description=f"{short[0].upper()}{short[1:]}.", allow_abbrev=False
    )
    found.set_defaults(run=run, usage_error=found.error)
    if metavar is not None:
        what = "its name, such as blog.example" if metavar == "SITE" else "name of the account"
        found.add_argument("name", metavar=metavar, help=what)
    _database_option(found)
    return found


def _database_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database", default=DEFAULT_DATABASE, metavar="FILE|URL",
        help=f"the server's database ({DEFAULT_DATABASE})",
    )  # fmt: skip


def _port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, such as 30")
    return int(text)


def _rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests, such as 50")
    return float(text)
