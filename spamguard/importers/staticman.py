"""Comments as files in a blog's git repository, as Staticman keeps them.

A comment arrives as a pull request or a commit. A merged request is ham. A request
closed unmerged is spam, and so is a file that was published and later deleted.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from spamguard.errors import CorpusError
from spamguard.importers.accounting import MAX_POST, Report
from spamguard.importers.git import Change, Repository
from spamguard.importers.jsonstream import read_values
from spamguard.importers.record import Decision, ImportedComment, ImportedPost
from spamguard.loading import optional
from spamguard.progress import Watch, ignore_progress

State = Literal["open", "closed", "merged"]

_ENDINGS: Final = (".yml", ".yaml", ".json", ".md")
_POST_ENDINGS: Final = (".md", ".markdown", ".html", ".mdx")
_DATED: Final = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}-")
_SQUASHED: Final = re.compile(r"\(#\d{1,9}\)\s*$")
_NOTHING: Final = "0" * 40
_CLEARED: Final = 20
"""A commit that deletes more files than this, and most of them, is a move, not a decision."""

_DEEPEST: Final = 20
"""Levels of a YAML file; deep files take very long to read."""

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("message", "comment", "body", "text", "content"),
    "author": ("name", "author"),
    "author_url": ("url", "website", "site", "link"),
    "date": ("date", "timestamp", "created", "time"),
    "parent_id": ("replying_to_uid", "_parent", "replyingTo", "replying_to", "parent"),
    "email": ("email",),
    "ip": ("ip",),
}

_UNKNOWN_STATE: Final = Decision(None, "none", "request not merged, open or closed")


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    blob: str
    decision: Decision


def read(
    path: Path,
    report: Report,
    watch: Watch = ignore_progress,
    blog: str | None = None,
    folder: str | None = None,
    pulls: Path | None = None,
) -> Iterator[ImportedComment]:
    """Yield the comments in a repository's files, history and pull requests.

    `folder` holds the comments (by default any folder named comments). `pulls` is a JSON
    file with the states of the pull requests, from ``gh pr list --state all --json
    number,state``; without it, closed requests are recognised only if the refs show
    which are still open.
    """
    repository = Repository(path)
    states = {} if pulls is None else _states(pulls)
    files = repository.files()
    found = list(_CommentFiles(repository, files, folder, states, report).found(watch))
    if not found:
        raise CorpusError(
            f"{path} holds no files of comments. Name their folder: --comments-dir _data/comments."
        )
    posts = RepositoryPosts(repository, files)
    for done, (file, content) in enumerate(
        zip(found, repository.texts(file.blob for file in found), strict=True)
    ):
        if done % 100 == 0:
            watch("comments", done, len(found))
        record = comment_fields(content or b"", file.path)
        if record is None:
            report.lose("a file that is no YAML, JSON or front matter, or too large")
            continue
        comment = _comment(file, record, posts, report, blog)
        if comment is not None:
            yield comment


def _states(pulls: Path) -> dict[int, State]:
    silent = Report()
    states: dict[int, State] = {}
    for value in read_values(pulls, silent):
        number = value.get("number", value.get("iid")) if isinstance(value, dict) else None
        if isinstance(number, int):
            said = str(value.get("state", "")).lower()
            merged = said == "merged" or value.get("merged_at") or value.get("mergedAt")
            states[number] = "merged" if merged else "closed" if said == "closed" else "open"
    if not states:
        raise CorpusError(
            f"{pulls} holds no pull requests. Write it with: "
            "gh pr list --state all --limit 100000 --json number,state"
        )
    return states


# --- the files and their decisions -------------------------------------------------


def is_comment_file(path: str, folder: str | None = None) -> bool:
    """Return whether a file is a comment, by its ending, in `folder` or any folder "comments"."""
    *folders, name = path.split("/")
    if not name.lower().endswith(_ENDINGS):
        return False
    if folder:
        parts = folder.strip("/").split("/")
        return folders[: len(parts)] == parts
    return "comments" in (part.lower().lstrip("_") for part in folders)


class _CommentFiles:
    def __init__(
        self, repository: Repository, files: dict[str, str], folder: str | None,
        states: dict[int, State], report: Report,
    ) -> None:  # fmt: skip
        self.repository = repository
        self.folder = folder
        self.states = states
        self.report = report
        self.here = {path: blob for path, blob in files.items() if self._is_comment(path)}

    def _is_comment(self, path: str) -> bool:
        return is_comment_file(path, self.folder)

    def found(self, watch: Watch) -> Iterator[_File]:
        """Yield published and deleted comments, and those of unmerged requests."""
        heads, opened = self.repository.requests()
        added = self._requested(heads, watch)
        asked = {change.after for changes in added.values() for change in changes}
        merged_paths, known, deleted = self._history(set(heads.values()))
        for path, blob in self.here.items():
            by_owner = path in merged_paths or blob in asked
            source = "merged request" if by_owner else "published"
            yield _File(path, blob, Decision("ham", "owner" if by_owner else "none", source))
        yield from deleted
        for number, changes in sorted(added.items()):
            for change in changes:
                # Squashing and rebasing change a request's commits, but not its files.
                if change.after in known or self._was_edited(number, change):
                    continue
                known.add(change.after)
                yield _File(change.path, change.after, self._of_request(number, opened))

    def _was_edited(self, number: int, change: Change) -> bool:
        # The owner changed the file while merging; the published version counts.
        return self.states.get(number) == "merged" and change.path in self.here

    def _requested(self, heads: dict[int, str], watch: Watch) -> dict[int, list[Change]]:
        """Return the files of comments that each request adds."""
        added = {}
        for done, (number, commit) in enumerate(heads.items()):
            watch("requests", done, len(heads))
            changes = self.repository.changes(f"{self.repository.head}..{commit}")
            added[number] = [c for c in changes if c.status == "A" and self._is_comment(c.path)]
        return added

    def _of_request(self, number: int, opened: set[int]) -> Decision:
        state = self.states.get(number)
        if state is None and opened:
            state = "open" if number in opened else "closed"
        if state == "open":
            return Decision(None, "none", "request still open")
        if state == "closed":
            return Decision("spam", "owner", "request closed unmerged")
        if state == "merged":
            return Decision("ham", "owner", "merged request")
        self.report.note(
            "Some pull requests were not merged, and git does not show whether they are open or "
            "closed. Pass --pulls FILE, written by: "
            "gh pr list --state all --limit 100000 --json number,state > FILE"
        )
        return _UNKNOWN_STATE

    def _history(self, heads: set[str]) -> tuple[set[str], set[str], list[_File]]:
        """Return the paths that requests added, all blobs ever, and the deleted files."""
        merged: set[str] = set()
        known = set(self.here.values())
        gone: dict[str, list[Change]] = {}
        back: set[str] = set(self.here)
        present = len(self.here)
        cleared: set[str] = set()
        for commit in _by_commit(self.repository.changes(self.repository.head, main_line=True)):
            ours = [change for change in commit if self._is_comment(change.path)]
            arrived = {change.after for change in ours if change.status == "A"}
            deletions = [c for c in ours if c.status == "D" and c.before not in arrived]
            additions = [change for change in ours if change.status == "A"]
            present += len(deletions) - len(additions)
            if len(deletions) > _CLEARED and 2 * len(deletions) > present:
                cleared.add(commit[0].commit)
            for change in additions:
                forwarded = change.commit in heads
                if change.merge or forwarded or _SQUASHED.search(change.subject):
                    merged.add(change.path)
            for change in deletions:
                # A blob that still exists was moved; a path that came back was restored.
                if change.path not in back and change.before not in known:
                    gone.setdefault(change.path, []).append(change)
                    back.add(change.path)
            known |= {change.after for change in ours if change.after != _NOTHING}
            known |= {change.before for change in ours if change.before != _NOTHING}
        files = [
            _File(change.path, change.before, _of_deleted(change, cleared))
            for changes in gone.values()
            for change in changes
        ]
        return merged, known, files


def _by_commit(changes: Iterator[Change]) -> Iterator[list[Change]]:
    commit: list[Change] = []
    for change in changes:
        if commit and commit[0].commit != change.commit:
            yield commit
            commit = []
        commit.append(change)
    if commit:
        yield commit


def _of_deleted(change: Change, cleared: set[str]) -> Decision:
    if change.commit in cleared:
        return Decision(None, "none", "deleted together with most others")
    return Decision("spam", "owner", "deleted file")


# --- the content of a file ---------------------------------------------------------


def comment_fields(content: bytes, path: str) -> dict[str, Any] | None:
    """Return the fields of a comment's file; None if it cannot be read."""
    text = content.decode("utf-8-sig", "replace")
    if path.lower().endswith(".json"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    if path.lower().endswith(".md"):
        head, body = _front_matter(text)
        return None if head is None else {"message": body, **head}
    return _yaml(text)


def _front_matter(text: str) -> tuple[dict[str, Any] | None, str]:
    """Split a page into its front matter, None if there is none, and its body."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return None, text
    for number, line in enumerate(lines[1:5_000], 1):
        if line.rstrip() == "---":
            return _yaml("\n".join(lines[1:number])), "\n".join(lines[number + 1 :]).strip("\n")
    return None, text


def _yaml(text: str) -> dict[str, Any] | None:
    with optional():
        import yaml
    try:
        if not all(_is_plain(depth) for depth in _depths(yaml.parse(text, yaml.SafeLoader))):
            return None
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return None
    return found if isinstance(found, dict) else None


def _is_plain(depth: float) -> bool:
    return depth <= _DEEPEST


def _depths(events: Iterator[Any]) -> Iterator[float]:
    """Yield the depth of each part of a YAML file; infinity for an alias."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        yield math.inf if name == "AliasEvent" else depth


def field_of(record: Mapping[str, Any], field: str) -> Any:
    """Return the value under any name of a field; None if there is none."""
    for name in _NAMES[field]:
        value = record.get(name)
        if value not in (None, "") and not isinstance(value, dict | list):
            return value
    return None


def _comment(
    file: _File, record: Mapping[str, Any], posts: RepositoryPosts, report: Report, blog: str | None
) -> ImportedComment | None:
    given = {field: field_of(record, field) for field in _NAMES}
    text = given.pop("text")
    date = given.pop("date")
    return report.comment(
        str(text) if isinstance(text, int | float) else text,
        file.decision,
        post=posts.of(file.path, record, report),
        date=date,
        blog=blog,
        comment_id=record.get("_id") or record.get("id") or PurePosixPath(file.path).stem,
        **given,
    )


class RepositoryPosts:
    """The posts of the current commit, by the names of the comments' folders."""

    def __init__(self, repository: Repository, files: dict[str, str]) -> None:
        self.repository = repository
        self.blobs: dict[str, str] = {}
        seen: Counter[str] = Counter()
        for path, blob in files.items():
            name = _slug(path)
            if name is not None:
                seen[name] += 1
                self.blobs[name] = blob
        # A name that two posts share identifies neither.
        self.blobs = {name: blob for name, blob in self.blobs.items() if seen[name] == 1}
        self.known: dict[str, ImportedPost] = {}

    def of(self, path: str, record: Mapping[str, Any], report: Report) -> ImportedPost:
        """Return the post of a comment's file; an empty one if it is not found."""
        folder = PurePosixPath(path).parent.name
        plain = folder.lower().lstrip("_") == "comments"
        given = record.get("slug") or record.get("postId") or record.get("post_id")
        key = str(given) if isinstance(given, str | int) else None if plain else folder
        if key is None:
            return ImportedPost()
        if key not in self.known:
            blob = self.blobs.get(_DATED.sub("", key.strip("/").rpartition("/")[2]))
            self.known[key] = self._post(key, blob, report)
        return self.known[key]

    def _post(self, key: str, blob: str | None, report: Report) -> ImportedPost:
        content = next(self.repository.texts([blob]), None) if blob else None
        head, body = _front_matter((content or b"").decode("utf-8-sig", "replace"))
        head = head or {}
        return report.post(key, head.get("title"), body[:MAX_POST], None, head.get("date"))


def _slug(path: str) -> str | None:
    """Return the name of a post's file without its date, None for other files."""
    file = PurePosixPath(path)
    if file.suffix.lower() not in _POST_ENDINGS or "comments" in path.lower():
        return None
    return _DATED.sub("", file.parent.name if file.stem == "index" else file.stem)
