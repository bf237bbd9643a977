"""The command line: ``spamguard``, or ``python -m spamguard``.

Exit codes: 0 all went well (a comment that is spam is no error), 1 something
failed or some of the input could not be used, 2 wrong usage, 130 interrupted,
143 terminated.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from spamguard.cli.arguments import parser_for, with_explain_default
from spamguard.errors import SpamguardError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words behind ``spamguard``; by default those of the process.

    Returns
    -------
    int
        0 if all went well.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    parser = parser_for()
    args, left = parser.parse_known_args(with_explain_default(given))
    if left:
        hint = "; put the comment in quotes" if args.command == "score" else ""
        getattr(args, "usage_error", parser.error)(
            f"unrecognized arguments: {' '.join(left)}{hint}"
        )
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        with _termination_told():
            # Only the command that is called is imported: scoring must not wait for pandas.
            code = int(import_module(args.module).run(args))
            sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except KeyboardInterrupt:
        print("spamguard: interrupted", file=sys.stderr)
        return 130
    except _Terminated:
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


class _Terminated(BaseException):
    """Somebody has asked this process to end."""


@contextmanager
def _termination_told() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: workers are sent home, files are closed."""

    def stop(*_: object) -> None:
        raise _Terminated

    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield  # whoever runs this has made other arrangements
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _forget_stdout() -> None:
    """Point stdout at nothing, so that Python's own flush on leaving cannot fail as well."""
    with suppress(OSError, ValueError):
        stdout = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
