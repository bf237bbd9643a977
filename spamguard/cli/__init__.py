"""The command line: ``spamguard``, or ``python -m spamguard``.

Exit codes: 0 success (spam is not an error), 1 something failed or some of the
input could not be used, 2 wrong usage, 130 interrupted, 143 terminated.

Each command has a module with its options, its help and its work. Only the module of
the chosen command is imported.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Final

from spamguard import __version__
from spamguard.cli.options import count
from spamguard.errors import SpamguardError
from spamguard.forms import form
from spamguard.loading import optional

__all__ = ["count", "main", "parser_for"]

_TOP: Final = """\
Decide whether a blog comment is spam, with reasons and a probability.
Everything runs on this machine; nothing is sent anywhere.
"""
_EXAMPLES: Final = """\
examples:
  spamguard demo                                  see it at work on a sample post
  spamguard score "Great post! Visit http://pills.example"
                                                  judge one comment
  spamguard score --input comments.csv            judge a file of comments
  spamguard score --help                          what a command can do
"""

_COMMANDS: Final = {
    "score": ("cli.score_command:add", "judge one comment or a stream of them"),
    "demo": ("cli.demo_command:add", "see the model at work on a sample post"),
    "import": ("cli.moderation.import_command:add", "turn a blog's history into labelled comments"),
    "models": ("cli.models_command:add", "list the installed models"),
    "train": ("cli.data.train_command:add", "train a model"),
    "evaluate": ("cli.data.evaluate_command:add", "measure a model on your own labels"),
    "thresholds": (
        "cli.moderation.thresholds_command:add",
        "find the threshold that keeps a promise",
    ),
    "feedback": ("cli.moderation.feedback_command:add", "keep what moderators decide"),
    "retrain": (
        "cli.moderation.retrain_command:add",
        "learn from your own comments, if that helps",
    ),
    "audit": ("cli.moderation.audit_command:add", "list labels that look wrong"),
    "queue": ("cli.moderation.queue_command:add", "choose which comments to decide first"),
    "replay": ("cli.moderation.replay_command:add", "score a site's past beside what was decided"),
    "serve": ("server.cli:add_serve", "answer blogs that speak Akismet's protocol"),
    "sites": ("server.cli:add_sites", "manage a server's sites, keys and posts"),
    "moderators": ("server.cli:add_moderators", "manage accounts for the moderation pages"),
    "check-pr": ("integrations.pullrequest:add", "judge the comment that a pull request brings"),
    "drift": ("cli.data.drift_command:add", "show what changed between two sets of comments"),
    "campaigns": ("cli.data.campaigns_command:add", "find comments that say nearly the same"),
}
"""Every command: the function that adds its options to a parser, and what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is by default that of the process."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with _sigterm_raises():
            code = _run(words)
            sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except KeyboardInterrupt:
        print("spamguard: interrupted", file=sys.stderr)
        return 130
    except _Termination:
        print("spamguard: terminated", file=sys.stderr)
        return 143
    except SpamguardError as error:
        print(f"spamguard: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"spamguard: {where}{error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    return code


def _run(words: list[str]) -> int:
    with optional():
        asked = _command_in(words)
        if asked == "score":
            from spamguard.cli.score_command import with_explain_default

            words = with_explain_default(words)
        parser = parser_for([asked] if asked else [])
        args, left = parser.parse_known_args(words)
        if left:
            hint = "; put the comment in quotes" if asked == "score" else ""
            usage_error = getattr(args, "usage_error", parser.error)
            usage_error(f"unrecognized arguments: {' '.join(left)}{hint}")
        if args.command is None:
            parser.print_help(sys.stderr)
            return 2
        return int(args.run(args))


def _command_in(words: Sequence[str]) -> str | None:
    return next((word for word in words if word in _COMMANDS), None)


def parser_for(commands: Sequence[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the options of `commands`.

    The other commands are listed in the help, and their modules are not imported.
    """
    parser = argparse.ArgumentParser(
        prog="spamguard",
        description=_TOP,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"spamguard {__version__} ({form()})"
    )
    found = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (place, short) in _COMMANDS.items():
        command = found.add_parser(
            name,
            help=short,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name in commands:
            module, _, function = place.partition(":")
            getattr(import_module(f"spamguard.{module}"), function)(command)
            # For wrong usage that argparse cannot detect.
            command.set_defaults(usage_error=command.error)
    return parser


class _Termination(BaseException):
    """The process received SIGTERM."""


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that workers end and files are closed."""

    def stop(*_: object) -> None:
        raise _Termination

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield  # the caller has its own handler
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _forget_stdout() -> None:
    """Point stdout at nothing, so that Python's flush at exit cannot fail too."""
    with suppress(OSError, ValueError):
        stdout = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
