"""The catalogue of data sets: a card for each set, and verified loading.

The larger sets do not ship, because their comments belong to their authors. Name the
directory that holds them with an argument or with ``SPAMGUARD_DATASETS``.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from spamguard.corpus.readers import fields_of_file
from spamguard.corpus.validation import STORED, Columns, checked_columns, columns_of
from spamguard.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

DATASETS_VARIABLE = "SPAMGUARD_DATASETS"
"""Environment variable that names the directory of the larger sets."""


# --- the catalogue --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """A description of a set of labelled comments.

    Parameters
    ----------
    name, kind : str
        The set, and its kind (``moderated-blog``, ``published-comments`` ...).
    source, commit : str
        Where it came from; the commit is empty if unknown.
    sha256_comments, sha256_posts : str
        Hashes of its two files.
    licence : str
        As the source states it; it seldom covers visitors' comments.
    languages : tuple of str
        ISO 639-1 codes, the most common first.
    years : str
        First and last year of the comments; empty if they have no dates.
    spam, ham, posts : int
        Rows by label, and posts.
    author_share, author_url_share : float
        Share of comments that have the field, 0 to 1.
    labelled, faults : str
        How the comments were labelled, and known faults.
    group : str
        Sets of one blog have the same group: hold them out together.
    use : str
        ``train``, or ``panel`` for test sets.
    """

    name: str
    kind: str
    source: str
    commit: str
    sha256_comments: str
    sha256_posts: str
    licence: str
    languages: tuple[str, ...]
    years: str
    spam: int
    ham: int
    posts: int
    author_share: float
    author_url_share: float
    labelled: str
    faults: str
    group: str
    use: str


def _bundled(name: str) -> Path:
    # A wheel carries datasets/ inside the package, a source tree beside it.
    package = Path(__file__).resolve().parents[1]
    places = [package / "datasets" / name, package.parent / "datasets" / name]
    for place in places:
        if place.exists():
            return place
    raise CorpusError(f"datasets/{name} is missing from this installation; reinstall spamguard.")


def _read_card(path: Path) -> Card:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table["languages"] = tuple(table["languages"])
        card = Card(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        needed = ", ".join(f.name for f in fields(Card))
        raise CorpusError(
            f"{path} is not a card ({type(error).__name__}). It needs exactly: {needed}."
        ) from error
    if card.name != path.stem:
        raise CorpusError(f"{path} is the card of another set; the name in it must be the file's.")
    return card


def dataset_cards() -> dict[str, Card]:
    """Return the cards of all known sets by name, in alphabetical order.

    The sets themselves may be absent.

    Raises
    ------
    CorpusError
        If a card cannot be read.

    Examples
    --------
    >>> from spamguard.corpus import catalogue
    >>> dataset_cards()["youtube-tubespam"].spam
    1005
    """
    return {path.stem: _read_card(path) for path in sorted(_bundled("cards").glob("*.toml"))}


def datasets_dir(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory of the larger sets: `path`, else ``SPAMGUARD_DATASETS``.

    Raises
    ------
    CorpusError
        If neither is given, or it is not a directory.
    """
    named = path if path is not None else os.environ.get(DATASETS_VARIABLE)
    if not named:
        raise CorpusError(
            "The labelled sets do not ship with spamguard. Name the directory that holds them: "
            f"pass directory= (--datasets on the command line) or set {DATASETS_VARIABLE}. "
            "Without them, load_sample() has a few hundred comments to try things on."
        )
    if not Path(named).is_dir():
        source = "the path given" if path is not None else DATASETS_VARIABLE
        raise CorpusError(f"{named} (from {source}) is not a directory; name one that exists.")
    return Path(named)


# --- the sets -------------------------------------------------------------------


def _joined(comments: Path, posts: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """Read comments, each with its post beside it, and their line numbers."""
    by_id = {post.get("post_id"): post for _, post in fields_of_file(posts)}
    rows, numbers = [], []
    for number, row in fields_of_file(comments):
        post = by_id.get(row.get("post_id"), {})
        joined = {name: row.get(name) for name in STORED}
        joined |= {f"post_{name}": post.get(name) for name in ("title", "text", "url", "author")}
        rows.append(joined)
        numbers.append(number)
    return rows, numbers


def _verify(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise CorpusError(f"{path} is missing; fetch the set again or leave it out.") from None
    if found != expected:
        raise CorpusError(
            f"{path} is not the file its card describes (sha256 {found[:12]}..., card "
            f"{expected[:12]}...). Fetch it again, or pass verify=False to use it as it is."
        )


def _read_set(card: Card, directory: Path, verify: bool) -> Columns:
    folder = directory / card.name
    if not folder.is_dir():
        raise CorpusError(f"{card.name} is not in {directory}; name the directory that holds it.")
    comments, posts = folder / "comments.jsonl.gz", folder / "posts.jsonl.gz"
    if verify:
        _verify(comments, card.sha256_comments)
        _verify(posts, card.sha256_posts)
    rows, numbers = _joined(comments, posts)
    for row in rows:
        row |= {"dataset": card.name, "blog": card.group}
    return checked_columns(
        columns_of(rows), lambda i: f"{comments}, line {numbers[i]}", labelled=True
    )


def _cards(names: Iterable[str]) -> list[Card]:
    if isinstance(names, str):
        raise CorpusError("names must be a list of names; for a single set call load_dataset.")
    known = dataset_cards()
    cards = []
    for name in dict.fromkeys(names):
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "dataset_cards() lists all."
            raise CorpusError(f"There is no set named {name!r}; {hint}")
        cards.append(known[name])
    if not cards:
        raise CorpusError("No set was named; dataset_cards() lists all.")
    return cards


def load_datasets(
    names: Iterable[str],
    directory: str | os.PathLike[str] | None = None,
    verify: bool = True,
) -> pd.DataFrame:
    """Load sets of the catalogue as one corpus.

    Near-copies are found across all sets, so ``duplicate_group`` is valid for any
    split of the result.

    Parameters
    ----------
    names : iterable of str
        Names of cards; duplicates are loaded once.
    directory : path-like or None
        The directory that holds the sets; see `datasets_dir`.
    verify : bool
        Refuse files whose sha256 differs from the card's.

    Returns
    -------
    DataFrame
        A corpus. ``blog`` is the card's `group`; rows keep their files' order.

    Raises
    ------
    CorpusError
        If a set is unknown, absent, altered or damaged.
    """
    from spamguard.corpus.table import corpus_frame

    cards = _cards(names)
    place = datasets_dir(directory)
    sets = [_read_set(card, place, verify) for card in cards]
    return corpus_frame({n: list(itertools.chain(*(part[n] for part in sets))) for n in STORED})


def load_dataset(
    name: str, directory: str | os.PathLike[str] | None = None, verify: bool = True
) -> pd.DataFrame:
    """Load one set of the catalogue; parameters and errors as for `load_datasets`."""
    return load_datasets([name], directory, verify)


READINGS: Final = "readings.jsonl"
_CLASS_OF: Final = {"spam": "spam", "promotion": "spam", "scraper": "spam", "reader": "ham"}


def read_again(
    frame: pd.DataFrame, directory: str | os.PathLike[str] | None, sha256: str
) -> pd.DataFrame:
    """Return a corpus with the labels of the second reading, where there is one.

    Comments that the second reader could not decide, or that are none, are left out.
    ``readings.jsonl`` lies beside the sets; its hash must begin with `sha256`. Raises
    CorpusError if it is absent, altered or damaged.
    """
    path = datasets_dir(directory) / READINGS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"there is no {READINGS} beside the data sets.") from error
    if not hashlib.sha256(data).hexdigest().startswith(sha256):
        raise CorpusError(f"{READINGS} is not the version that is wanted.")
    try:
        entries = [json.loads(line) for line in data.decode("utf-8").splitlines()]
        found = {(e["set"], e["comment_id"]): _CLASS_OF.get(e["reading"], "") for e in entries}
    except (ValueError, KeyError, TypeError, UnicodeError) as error:
        raise CorpusError(f"{READINGS} is damaged.") from error
    keys = zip(frame["dataset"], frame["comment_id"], strict=True)
    labels = [found.get(key, label) for key, label in zip(keys, frame["label"], strict=True)]
    again = frame.assign(label=labels)
    return again[again["label"] != ""]


def load_sample() -> pd.DataFrame:
    """Return the sample corpus of 360 comments, written for spamguard and shipped with it.

    ``kind`` says what each comment is an example of, and ``blog`` is the host of its
    post. It is for trials: figures measured on it mean nothing.
    """
    from spamguard.corpus.table import corpus_frame

    folder = _bundled("sample")
    comments = folder / "comments.jsonl"
    rows, numbers = _joined(comments, folder / "posts.jsonl")
    for row in rows:
        row["dataset"] = "sample"
        row["blog"] = row["blog"] or urlsplit(row["post_url"] or "").hostname
    return corpus_frame(
        checked_columns(columns_of(rows), lambda i: f"{comments}, line {numbers[i]}", True)
    )
