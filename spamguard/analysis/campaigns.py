"""Campaigns: nearly equal comments under many posts, on one blog or several.

Each comment is compared with a campaign's most frequent text, so a campaign does not
drift, and the order of the rows does not matter. Texts that differ only in digits are
equal. Short texts ("why", "yes", "thanks") are no copies, because people write them too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spamguard.comment import Comment
from spamguard.corpus import (
    LEAST_WORDS,
    comments_of_frame,
    keys_of_frame,
    leader_groups,
    posts_of_frame,
    readable,
)
from spamguard.evaluation import checked_share, checked_whole
from spamguard.features import linked_domains

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Campaign", "campaigns_frame", "find_campaigns", "sizes_over_time"]

_FEWEST_WORDS: Final = 3
_MOST_MONTHS: Final = 1_200
_EAST: Final = ("\u3040", "\ud7af")  # scripts in which a character counts as half a word


@dataclass(frozen=True, slots=True)
class Campaign:
    """Nearly equal comments.

    Parameters
    ----------
    rows : tuple of int
        Their positions in the frame, from 0, in order.
    posts, blogs : int
        How many different ones they were on; 0 if unknown.
    first, last : str
        Days of the earliest and the latest, as ``2024-05-01``; empty without dates.
    months : mapping of str to int
        Dated comments by month, as ``2024-05``, in time order.
    links : mapping of str to int
        Registered domains linked by two or more comments, in the text or as the
        author's address, and the number of comments.
    names : mapping of str to int
        The same for authors' names.
    labels : mapping of str to int
        Comments by the frame's own labels, if any.
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
        As for `score_frame`; blog, post_id and label are used if present.
    least : int, default 3
        Smallest number of comments in a campaign, from 2.
    likeness : float, default 0.5
        Jaccard similarity of the three-word runs of two comments, above 0 and below 1.
    least_words : int, default 5
        Shorter texts are in no campaign. In Chinese, Japanese and Korean two
        characters count as a word.
    watch : callable, optional
        Called with a stage, the work done and the total.

    Raises
    ------
    InputError
        If there is no text, or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> texts = ["Visit my shop for cheap watches today"] * 3 + ["yes"] * 5
    >>> [campaign.rows for campaign in find_campaigns(pd.DataFrame({"text": texts}))]
    [(0, 1, 2)]
    """
    checked_whole("least", least, 2)
    checked_whole("least_words", least_words, _FEWEST_WORDS)
    checked_share("likeness", likeness)
    frame = readable(frame)
    comments = comments_of_frame(frame)
    groups = leader_groups([c.text for c in comments], likeness, _size, least_words, watch)
    large = [rows for rows in groups if len(rows) >= least]
    large.sort(key=lambda rows: (-len(rows), rows[0]))
    columns = _Columns.of(frame, comments)
    return [_campaign(rows, comments, columns) for rows in large]


def _size(words: list[str]) -> float:
    """Return the number of words; in Chinese, Japanese and Korean two characters count as one."""
    return sum(0.5 if len(w) == 1 and _EAST[0] <= w <= _EAST[1] else 1 for w in words)


# --- describing a campaign --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    """The frame's other columns by row; None if missing."""

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

    Returns
    -------
    DataFrame
        Index ``campaign``, from 1; columns comments, posts, blogs, first, last, links
        and names (most shared first, separated by commas) and row, the position of
        the first comment in the frame.
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
    """Return the number of dated comments of each campaign by month.

    Returns
    -------
    DataFrame of int
        Index ``month``, without gaps unless the span is over a hundred years; a column
        for each campaign, numbered from 1.
    """
    import pandas as pd

    found = {number: campaign.months for number, campaign in enumerate(campaigns, 1)}
    seen = sorted({month for months in found.values() for month in months})
    every = pd.period_range(seen[0], seen[-1], freq="M").astype(str) if seen else pd.Index([])
    if len(every) > _MOST_MONTHS:  # a year is mistyped
        every = pd.Index(seen)
    columns = {n: [months.get(str(m), 0) for m in every] for n, months in found.items()}
    table = pd.DataFrame(columns, index=pd.Index(every, name="month"))
    return table.astype("int64")
