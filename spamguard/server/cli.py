"""``spamguard serve``: the Akismet-compatible server."""

from __future__ import annotations

import argparse


def run(args: argparse.Namespace) -> int:
    """Run the command."""
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
    try_address(args.host, args.port)  # before a key is made that nobody would see again
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
    """Return what stands before the port in an address under which the blog can reach `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - told, not bound
        return "THIS-MACHINE"  # it listens on each of its addresses; which one a blog sees is not known
    return f"[{host}]" if ":" in host else host
