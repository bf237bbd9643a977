"""Pull requests with a comment, as Staticman and similar tools open them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from spamguard.comment import Comment, Post
from spamguard.errors import InputError
from spamguard.importers import (
    MAX_BLOB,
    Report,
    Repository,
    RepositoryPosts,
    comment_fields,
    field_of,
    is_comment_file,
)
from spamguard.model import SpamModel
from spamguard.storage import load_model
from spamguard.verdict import Verdict

__all__ = ["PullRequest", "check_files", "check_object", "check_request"]

_THREAD: Final = 20
_EVIDENCE: Final = 5

Label = Literal["none", "ham", "unsure", "spam"]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The comments of a pull request with their verdicts.

    `verdicts` maps files to verdicts. `others` are further changed files, and files that
    cannot be read.
    """

    verdicts: Mapping[str, Verdict]
    others: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """The worst label; ``none`` without comments.

        A request with other files needs a person, so it is at best ``unsure``.
        """
        labels = {verdict.label for verdict in self.verdicts.values()}
        if "spam" in labels:
            return "spam"
        if "unsure" in labels or self.others:
            return "unsure"
        return "ham" if labels else "none"

    def facts(self) -> dict[str, Any]:
        """Return labels, verdicts and files for JSON."""
        return {
            "label": self.label,
            "comments": [
                {
                    "file": file,
                    "label": verdict.label,
                    "spam_probability": round(verdict.spam_probability, 6),
                    "reasons": [r.evidence for r in verdict.reasons[:_EVIDENCE]],
                }
                for file, verdict in self.verdicts.items()
            ],
            "others": list(self.others),
        }


def check_request(
    path: Path, since: str, model: SpamModel, folder: str | None = None
) -> PullRequest:
    """Score the comments that commits after `since` add.

    Files are read from git, without running anything or following links.

    Parameters
    ----------
    path : Path
        The clone, at the request's commit.
    since : str
        The branch that the request targets, such as ``origin/main``.
    model : SpamModel
    folder : str or None
        The folder of the comments; by default any folder named comments.

    Raises
    ------
    CorpusError
        If there is no such repository or commit.
    """
    repository = Repository(path)
    here = repository.files()
    blobs: dict[str, str] = {}
    others: list[str] = []
    for change in repository.difference(since):
        # A link contains a path, not a comment.
        if change.status == "A" and is_comment_file(change.path, folder) and change.plain:
            blobs[change.path] = change.after
        else:
            others.append(change.path)
    contents = dict(zip(blobs, repository.texts(blobs.values()), strict=True))
    return _Reader(repository, here, set(blobs), folder).read(contents, model, others)


def check_files(
    path: Path, files: Iterable[str], model: SpamModel, folder: str | None = None
) -> PullRequest:
    """Score the comments in `files` of the directory `path`, committed or not.

    `folder` is as in `check_request`. Raises CorpusError if there is no repository, and
    InputError if a file does not exist, is a link, is too large or is elsewhere.
    """
    repository = Repository(path)
    top = path.resolve()
    contents: dict[str, bytes | None] = {}
    for file in files:
        place = top / file
        if place.is_symlink() or not place.is_file() or not place.resolve().is_relative_to(top):
            raise InputError(f"{file} is no file of {path}.")
        if place.stat().st_size > MAX_BLOB:
            raise InputError(f"{file} is too large for a comment.")
        contents[place.resolve().relative_to(top).as_posix()] = place.read_bytes()
    reader = _Reader(repository, repository.files(), set(contents), folder)
    return reader.read(contents, model, [])


def check_object(text: str, model: SpamModel) -> PullRequest:
    """Score one comment given as JSON, with the fields of a comment's file.

    ``post_title``, ``post_text`` and ``post_url`` describe the post. Raises InputError if
    `text` is no JSON object, or has no text.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("standard input is not JSON.") from None
    if not isinstance(record, dict):
        raise InputError("standard input must be one comment, as a JSON object.")
    title, body, url = (
        value if isinstance(value := record.get(f"post_{name}"), str) else None
        for name in ("title", "text", "url")
    )
    post = Post(title, body, url)
    comment = _comment(record, post)
    if comment is None:
        raise InputError("the comment has no text: name it message, comment, body or text.")
    return PullRequest({"-": model.verdict(comment)})


class _Reader:
    """Reads comments from a repository, with their posts and earlier comments."""

    def __init__(
        self, repository: Repository, here: dict[str, str], new: set[str], folder: str | None
    ) -> None:
        self.repository = repository
        self.posts = RepositoryPosts(repository, here)
        self.standing: dict[PurePosixPath, list[str]] = {}
        for path in sorted(here):
            if path not in new and is_comment_file(path, folder):
                self.standing.setdefault(PurePosixPath(path).parent, []).append(path)
        self.here = here
        self.report = Report()

    def read(
        self, contents: Mapping[str, bytes | None], model: SpamModel, others: list[str]
    ) -> PullRequest:
        """Score the files with these contents."""
        verdicts: dict[str, Verdict] = {}
        for file, content in contents.items():
            record = None if content is None else comment_fields(content, file)
            comment = None if record is None else _comment(record, self._post(file, record))
            if comment is None:
                others.append(file)
            else:
                verdicts[file] = model.verdict(comment)
        return PullRequest(verdicts, tuple(others))

    def _post(self, file: str, record: Mapping[str, Any]) -> Post:
        found = self.posts.of(file, record, self.report)
        standing = self.standing.get(PurePosixPath(file).parent, [])[-_THREAD:]
        contents = self.repository.texts(self.here[path] for path in standing)
        earlier = [
            field_of(comment_fields(content or b"", path) or {}, "text")
            for path, content in zip(standing, contents, strict=True)
        ]
        return Post(
            found.title, found.text, found.url, date=found.date,
            thread=tuple(text for text in earlier if isinstance(text, str)),
        )  # fmt: skip


def _comment(record: Mapping[str, Any], post: Post) -> Comment | None:
    text, author, url = (field_of(record, name) for name in ("text", "author", "author_url"))
    if text is None:
        return None
    return Comment(str(text), str(author) if author else None, str(url) if url else None, post=post)


# --- spamguard check-pr -----------------------------------------------------------

EXIT_CODES: Final = {"none": 0, "ham": 0, "unsure": 3, "spam": 4}
"""1 is an error, 2 wrong usage."""

_DESCRIPTION: Final = """\
Score the comments in a pull request, as Staticman and similar tools open them.
The post comes from the repository, if it is there. The output is a JSON object:
"label" is the worst label, "comments" the verdict on each file, and "others" the
other changed files. A request with others is never "ham".

Name the comments' files, or pass the target branch with --since; "-" reads one
comment from standard input, as a JSON object.

The exit code is the label: 0 ham (or no comment), 3 unsure, 4 spam.
"""
_EXAMPLES: Final = """\
examples:
  spamguard check-pr --since origin/main
  spamguard check-pr _data/comments/slow-pages/entry1700000000.yml
  echo '{"message": "Which oven?", "name": "Mira"}' | spamguard check-pr -
"""
_MOST_INPUT: Final = 1_000_000  # bytes


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``spamguard check-pr``."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("files", nargs="*", metavar="FILE", help="files of comments, or -")
    parser.add_argument(
        "--since", metavar="COMMIT", help="target branch of the request: origin/main"
    )
    parser.add_argument(
        "--repository",
        default=".",
        metavar="DIR",
        help="the clone (default: the current directory)",
    )
    parser.add_argument(
        "--comments-dir", metavar="DIR",
        help="folder of the comments (default: any folder named comments)",
    )  # fmt: skip
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model")


def run(args: argparse.Namespace) -> int:
    """Run ``spamguard check-pr``."""
    if bool(args.files) == (args.since is not None):
        args.usage_error("name the comments' files, or the target branch with --since")
    model = load_model(args.model)
    repository = Path(args.repository)
    if args.since is not None:
        found = check_request(repository, args.since, model, args.comments_dir)
    elif args.files == ["-"]:
        data = sys.stdin.buffer.read(_MOST_INPUT + 1)
        if len(data) > _MOST_INPUT:
            raise InputError("standard input is too large for a comment.")
        found = check_object(data.decode("utf-8-sig", "replace"), model)
    else:
        found = check_files(repository, args.files, model, args.comments_dir)
    print(json.dumps(found.facts(), indent=1))
    return EXIT_CODES[found.label]
