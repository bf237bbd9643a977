"""Campaigns: comments that say nearly the same under many posts, on one blog or on several.

Copies are found by MinHash (datasketch, ``pip install 'spamguard[campaigns]'``)
over runs of three words, and what it proposes is checked exactly. Each comment
is held against the first of a campaign, the text that stands most often, and
not against its latest, so a campaign does not wander off, and the order of the
rows changes nothing. Digits are read as one, so texts that differ in numbers
alone are equal. Short texts ("why", "yes", "thanks") are nobody's
copies, as people write them too.

`spamguard.training.queue.campaigns_of` and the corpus's ``duplicate_group`` ask less
(is there a copy on the other side of a split?) and need no further package.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spamguard.comment import Comment
from spamguard.corpus import (
    LEAST_WORDS,
    comments_of_frame,
    keys_of_frame,
    plain_words,
    posts_of_frame,
    readable,
)
from spamguard.errors import SpamguardError
from spamguard.evaluation import checked_share, checked_whole
from spamguard.features import linked_domains

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Campaign", "campaigns_frame", "find_campaigns", "sizes_over_time"]

_RUN: Final = 3
_HASHES: Final = 128
_MOST_MONTHS: Final = 1_200
_SEED: Final = 1
_PROPOSED: Final = 0.6  # of the likeness asked for: from there on the index proposes
_EAST: Final = ("\u3040", "\ud7af")  # one sign of these is a word to `plain_words`, but says less


@dataclass(frozen=True, slots=True)
class Campaign:
    """Comments that say nearly the same.

    Parameters
    ----------
    rows : tuple of int
        Their places in the frame, from 0, in its order.
    posts, blogs : int
        How many different ones they stand under; 0 where nobody knows.
    first, last : str
        Days of the earliest and the latest, as ``2024-05-01``; empty where no
        comment has a date.
    months : mapping of str to int
        Comments by month, as ``2024-05``, in time order; those without a date
        are left out.
    links : mapping of str to int
        Registered domains, in the text or given as the author's address, and
        the number of comments that lead there; only what two or more share.
    names : mapping of str to int
        The same of the authors' names.
    labels : mapping of str to int
        Comments by the frame's own labels, where it has any.
    """

    rows: tuple[int, ...]
    posts: int
    blogs: int
    first: str
    last: str
    months: dict[str, int]
    links: dict[str, int]
    names: dict[str, int]
    labels: dict[str, int]

    def __len__(self) -> int:
        return len(self.rows)


def find_campaigns(
    frame: pd.DataFrame,
    *,
    least: int = 3,
    likeness: float = 0.5,
    least_words: int = LEAST_WORDS,
    watch: Callable[[str, int, int], None] | None = None,
) -> list[Campaign]:
    """Find the campaigns among comments, the largest first.

    Parameters
    ----------
    frame : DataFrame
        As for `score_frame`; the columns blog, post_id and label are used
        where they are.
    least : int, default 3
        Comments that make a campaign; two or more.
    likeness : float, default 0.5
        Share of the three-word runs of two comments together that both must
        have (Jaccard), above 0 and below 1.
    least_words : int, default 5
        Shorter texts belong to no campaign; in Chinese, Japanese and Korean
        two signs count as a word.
    watch : callable, optional
        Called with a stage, what is done and the total.

    Returns
    -------
    list of Campaign

    Raises
    ------
    InputError
        If there is no text, or a number is out of range.
    SpamguardError
        If datasketch is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> texts = ["Visit my shop for cheap watches today"] * 3 + ["yes"] * 5
    >>> [campaign.rows for campaign in find_campaigns(pd.DataFrame({"text": texts}))]
    [(0, 1, 2)]
    """
    checked_whole("least", least, 2)
    checked_whole("least_words", least_words, _RUN)
    checked_share("likeness", likeness)
    frame = readable(frame)
    comments = comments_of_frame(frame)
    groups = _grouped([c.text for c in comments], likeness, least_words, watch)
    large = [rows for rows in groups if len(rows) >= least]
    large.sort(key=lambda rows: (-len(rows), rows[0]))
    columns = _Columns.of(frame, comments)
    return [_campaign(rows, comments, columns) for rows in large]


def _index(likeness: float) -> tuple[Any, Any]:
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise SpamguardError(
            "campaigns are found with datasketch: pip install 'spamguard[campaigns]'."
        ) from None
    # What it proposes is checked, what it does not propose is lost: so it is asked for more.
    return MinHash, MinHashLSH(threshold=min(_PROPOSED * likeness, 0.9), num_perm=_HASHES)


def _grouped(
    texts: Sequence[str],
    likeness: float,
    least_words: int,
    watch: Callable[[str, int, int], None] | None,
) -> list[list[int]]:
    """Return the places of texts that are alike; what is alone is left out."""
    kind, index = _index(likeness)
    rows: defaultdict[str, list[int]] = defaultdict(list)  # by text, for equal ones
    for row, text in enumerate(texts):
        if watch is not None and row % 500 == 0:
            watch("comments", row, len(texts))
        words = plain_words(text)
        if _size(words) >= least_words and len(words) >= _RUN:
            rows[" ".join(words)].append(row)
    runs: dict[str, frozenset[bytes]] = {}  # of the first text of each group
    members: defaultdict[str, list[int]] = defaultdict(list)
    # What stands most often is first in its group, whatever the order of the rows.
    ordered = sorted(rows, key=lambda text: (-len(rows[text]), -len(text), text))
    for done, text in enumerate(ordered):
        if watch is not None and done % 500 == 0:
            watch("texts", done, len(ordered))
        members[_first_of(text, kind, index, runs, likeness)] += rows[text]
    return [sorted(found) for found in members.values() if len(found) > 1]


def _size(words: list[str]) -> float:
    return sum(0.5 if len(w) == 1 and _EAST[0] <= w <= _EAST[1] else 1 for w in words)


def _first_of(
    text: str, kind: Any, index: Any, runs: dict[str, frozenset[bytes]], likeness: float
) -> str:
    """Return the first text of the group that `text` is most like; itself if there is none."""
    own = frozenset(_runs(text.split(" ")))
    signature = kind(num_perm=_HASHES, seed=_SEED)
    signature.update_batch(own)
    near = [
        (len(own & runs[first]) / len(own | runs[first]), first) for first in index.query(signature)
    ]
    alike = [(share, first) for share, first in near if share >= likeness]
    if alike:
        found: str = max(alike)[1]
        return found
    runs[text] = own
    index.insert(text, signature)
    return text


def _runs(words: list[str]) -> Iterator[bytes]:
    for i in range(len(words) - _RUN + 1):
        yield zlib.crc32(" ".join(words[i : i + _RUN]).encode("utf-8", "replace")).to_bytes(4)


# --- what a campaign is like ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is known of each row besides the comment; None where nothing is."""

    days: list[str]
    posts: list[Any]
    blogs: list[Any]
    labels: list[Any]

    @classmethod
    def of(cls, frame: pd.DataFrame, comments: list[Comment]) -> _Columns:
        import pandas as pd

        blogs = keys_of_frame(frame, "blog")
        moments = pd.to_datetime(
            pd.Series([c.date for c in comments], dtype=object),
            errors="coerce", utc=True, format="mixed",
        )  # fmt: skip
        days = moments.dt.strftime("%Y-%m-%d").fillna("").tolist()

        return cls(days, posts_of_frame(frame, comments), blogs, keys_of_frame(frame, "label"))


def _campaign(rows: list[int], comments: list[Comment], columns: _Columns) -> Campaign:
    days = sorted(day for row in rows if (day := columns.days[row]))
    return Campaign(
        rows=tuple(rows),
        posts=len({columns.posts[row] for row in rows} - {None}),
        blogs=len({columns.blogs[row] for row in rows} - {None}),
        first=days[0] if days else "",
        last=days[-1] if days else "",
        months=dict(sorted(Counter(day[:7] for day in days).items())),
        links=_shared(linked_domains(comments[row]) for row in rows),
        names=_shared(
            {name} if (name := " ".join((comments[row].author or "").split())) else set()
            for row in rows
        ),
        labels=dict(
            Counter(str(columns.labels[row]) for row in rows if columns.labels[row] is not None)
        ),
    )


def _shared(each: Iterable[set[str]]) -> dict[str, int]:
    counts = Counter(thing for things in each for thing in things)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {thing: count for thing, count in ordered if count > 1}


# --- tables -----------------------------------------------------------------------


def campaigns_frame(campaigns: Sequence[Campaign]) -> pd.DataFrame:
    """Return campaigns as a table, one row each.

    Parameters
    ----------
    campaigns : sequence of Campaign
        As `find_campaigns` gives them.

    Returns
    -------
    DataFrame
        Index ``campaign``, from 1; columns comments, posts, blogs, first, last,
        links and names (what is shared most first, parted by commas) and
        row, the place of its first comment in the frame.
    """
    import pandas as pd

    rows = [
        (
            len(c),
            c.posts,
            c.blogs,
            c.first,
            c.last,
            ", ".join(c.links),
            ", ".join(c.names),
            c.rows[0],
        )
        for c in campaigns
    ]
    names = ["comments", "posts", "blogs", "first", "last", "links", "names", "row"]
    index = pd.RangeIndex(1, len(rows) + 1, name="campaign")
    return pd.DataFrame(rows, columns=names, index=index)


def sizes_over_time(campaigns: Sequence[Campaign]) -> pd.DataFrame:
    """Return how many comments of each campaign came in each month.

    Parameters
    ----------
    campaigns : sequence of Campaign
        As `find_campaigns` gives them.

    Returns
    -------
    DataFrame of int
        Index ``month``, without gaps from the first to the last (but where
        they lie a hundred years apart); a column for each campaign, numbered
        from 1. Comments without a date are not in it.
    """
    import pandas as pd

    found = {number: campaign.months for number, campaign in enumerate(campaigns, 1)}
    seen = sorted({month for months in found.values() for month in months})
    every = pd.period_range(seen[0], seen[-1], freq="M").astype(str) if seen else pd.Index([])
    if len(every) > _MOST_MONTHS:  # somebody's year is mistyped
        every = pd.Index(seen)
    columns = {n: [months.get(str(m), 0) for m in every] for n, months in found.items()}
    table = pd.DataFrame(columns, index=pd.Index(every, name="month"))
    return table.astype("int64")
