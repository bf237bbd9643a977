"""A git repository's history, read with git; nothing in it is run or changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spamguard.errors import CorpusError

MAX_BLOB: Final = 500_000
"""Bytes of a file; a larger one is not a comment."""

_RAW: Final = re.compile(r":\d+ \d+ ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([A-Z])\d*")
_REQUEST: Final = re.compile(r"(?:^|/)(?:pull|pr|merge-requests)/(\d{1,9})(?:/head)?$")
_OPEN: Final = re.compile(r"(?:^|/)(?:pull|merge-requests)/(\d{1,9})/merge$")
# The repository's own settings must not start programs, ask for passwords or fetch.
_SAFE: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager")
_QUIET: Final = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A file that a commit added, changed or deleted."""

    commit: str
    subject: str
    merge: bool
    status: str
    before: str
    after: str
    path: str
    plain: bool = True  # neither a link nor a submodule


class Repository:
    """A git repository, opened for reading; CorpusError if git cannot read it."""

    def __init__(self, path: Path) -> None:
        if shutil.which("git") is None:
            raise CorpusError("Reading a blog's history needs git; install it.")
        if not path.is_dir():
            raise CorpusError(f"{path} is no directory; name the clone of the blog's repository.")
        self.path = path
        self.head = self._run("rev-parse", "--verify", "HEAD").strip()

    def _command(self, *arguments: str) -> list[str]:
        return ["git", *_SAFE, "-C", str(self.path), *arguments]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603  # the arguments are ours or names of commits
            self._command(*arguments), capture_output=True, env=os.environ | _QUIET, check=False
        )
        if done.returncode:
            raise CorpusError(f"git cannot read {self.path}: {_reason(done.stderr)}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def files(self) -> dict[str, str]:
        """Return the path and hash of every file of the current commit."""
        found = {}
        for entry in self._run("ls-tree", "-r", "-z", "--full-tree", self.head).split("\0"):
            about, _, path = entry.partition("\t")
            parts = about.split()
            if len(parts) == 3 and parts[1] == "blob":
                found[path] = parts[2]
        return found

    def difference(self, since: str) -> Iterator[Change]:
        """Yield the differences between the current commit and its merge base with `since`."""
        base = self._run("rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}").strip()
        said = self._run(
            "diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff",
            "--no-textconv", f"{base}...{self.head}", "--",
        )  # fmt: skip
        parts = iter(said.split("\0"))
        for about in parts:
            match, path = _RAW.fullmatch(about), next(parts, None)
            if match is not None and path is not None:
                before, after, status = match.groups()
                plain = about.split()[1] in ("100644", "100755", "000000")
                yield Change(self.head, "", False, status, before, after, path, plain)

    def requests(self) -> tuple[dict[int, str], set[int]]:
        """Return the heads of the fetched pull requests, and the numbers of the open ones."""
        heads: dict[int, str] = {}
        opened: set[int] = set()
        for line in self._run("for-each-ref", "--format=%(objectname) %(refname)").splitlines():
            commit, _, name = line.partition(" ")
            if match := _REQUEST.search(name):
                heads[int(match.group(1))] = commit
            elif match := _OPEN.search(name):
                opened.add(int(match.group(1)))
        return heads, opened

    def changes(self, *revisions: str, main_line: bool = False) -> Iterator[Change]:
        """Yield the changes of commits, the latest first; a merge has all its changes."""
        how = ("--first-parent", "--diff-merges=first-parent") if main_line else ("--no-merges",)
        command = self._command(
            "log", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--format=%x01%H%x02%P%x02%s%x03", *how, *revisions, "--",
        )  # fmt: skip
        for record in self._records(command):
            head, _, rest = record.partition("\x03")
            commit, parents, subject = head.split("\x02", 2)
            parts = iter(rest.strip("\0\n").split("\0"))
            for about in parts:
                match = _RAW.fullmatch(about.strip())
                path = next(parts, None)
                if match is None or path is None:
                    continue
                before, after, status = match.groups()
                yield Change(commit, subject, " " in parents, status, before, after, path)

    def _records(self, command: list[str]) -> Iterator[str]:
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | _QUIET
        ) as process:
            assert process.stdout is not None
            rest = b""
            while piece := process.stdout.read(1 << 18):
                *whole, rest = (rest + piece).split(b"\x01")
                yield from (one.decode("utf-8", "surrogateescape") for one in whole if one)
            if rest:
                yield rest.decode("utf-8", "surrogateescape")
        if process.returncode:
            raise CorpusError(
                f"git cannot read the history of {self.path}: is the clone complete? "
                "git fetch --unshallow completes it."
            )

    def texts(self, hashes: Iterable[str]) -> Iterator[bytes | None]:
        """Yield the content of files by hash; None for one that is missing or too large."""
        with subprocess.Popen(  # noqa: S603
            self._command("cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=os.environ | _QUIET,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            for one in hashes:
                process.stdin.write(one.encode("ascii") + b"\n")
                process.stdin.flush()
                about = process.stdout.readline().split()
                if len(about) != 3:
                    yield None
                    continue
                size = int(about[2])
                content = process.stdout.read(min(size, MAX_BLOB))
                left = size + 1 - len(content)
                while left > 0 and (passed := process.stdout.read(min(left, 1 << 20))):
                    left -= len(passed)
                yield content if size <= MAX_BLOB else None
            process.stdin.close()


def _reason(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return (lines[0] if lines else "it is no repository")[:300]
