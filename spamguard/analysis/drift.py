"""What has changed between two lots of comments, told from the comments alone.

Nobody has to have labelled them: features and scores of a reference (last
year, say) are compared with those of the present. Comments under one post
resemble each other, and some hundred columns are looked at together; both make
naive tests cry wolf. So whole posts are dealt out anew between the two lots,
some hundred times, and a column has moved if its own change is larger than the
largest of all columns was in nearly all of those deals (Westfall and Young
1993, single-step maxT). That holds the chance of any false alarm in a report,
however the columns hang together, to `alpha`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.analysis.notebook import report_html
from spamguard.analysis.tables import feature_table
from spamguard.comment import Comment, as_comment
from spamguard.corpus import (
    comments_of_frame,
    is_foreign_frame,
    is_frame,
    keys_of_frame,
    named_post,
    posts_of_frame,
    readable,
)
from spamguard.display import table
from spamguard.errors import InputError
from spamguard.evaluation import checked_share, checked_whole
from spamguard.features import BLOCKS, FAMILIES, FEATURES
from spamguard.model import HIGH, LOW, SpamModel, probability
from spamguard.scoring import model_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DriftReport", "Measured", "compare", "drift_report", "measure"]

LEAST_POSTS: Final = 8
"""In each lot; dealing out fewer cannot tell chance from change."""

MOST_POSTS: Final = 20_000
"""Of each lot that are dealt out; where there are more, so many are drawn by lot."""

MOST_DEALS: Final = 20_000
"""More would take gigabytes of memory."""

_DEALS: Final = 999
_HALVES: Final = 2  # the scores and the features: each p-value counts for both, see `_dealt`
_EDGES: Final = np.linspace(0.1, 0.9, 9)
_LEAST_WITH: Final = 8  # posts that have what a column asks for: rarer things tell nothing yet

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

SCORES: Final = ("log_odds", "called spam", "called unsure")
COLUMNS: Final = (*SCORES, *(f.name for f in FEATURES), *(f"ngrams_{b}" for b in BLOCKS))
"""What is compared: the scores, the named features, and what each block of n-grams adds."""

_FAMILY: Final = {f.name: family for family, features in FAMILIES.items() for f in features}


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Comments in numbers.

    Parameters
    ----------
    cells : ndarray of float32, shape (n, n_columns)
        By `COLUMNS`; NaN where a feature does not apply.
    parts : ndarray of float64, shape (n_columns,)
        Mean of what each adds to the log-odds, over all comments.
    posts : ndarray of int, shape (n,)
        Number of the post of each comment; a comment without one is alone.
    probability : float
        Mean probability of spam, 0 to 1.
    """

    cells: F32
    parts: F64
    posts: NDArray[np.intp]
    probability: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftReport:
    """What has moved between a reference and the present.

    Parameters
    ----------
    table : DataFrame
        A row for each column compared, what moved most first: index ``name``;
        family; unit; reference and current, the means over comments to which
        it applies; applies_reference and applies_current, the shares of
        comments to which it does, 0 to 1; distance, as below; push, the change
        of what it adds to the mean log-odds; p_value, corrected for all
        columns; moved.

        The distance, 0 to 1, is the largest difference found between the two
        lots in the share of comments whose value is at most an edge, of nine
        edges at the tenths of both lots together, or to which the column does
        not apply. Each post counts in those shares by the square root of its
        comments, and kinds of comment that fewer than 8 posts have are left
        out: it may differ from what all comments alike, and finer edges, give.
    alpha : float
        The chance that anything at all is told of as moved where nothing is.
    comments, posts : tuple of int
        Of the reference and of the present.
    spam_share : tuple of float
        Mean probability of spam in either, 0 to 1.
    deals : int
        How often the posts were dealt out anew.
    model : str
        Name of the model whose features and scores were compared.
    """

    table: pd.DataFrame
    alpha: float
    comments: tuple[int, int]
    posts: tuple[int, int]
    spam_share: tuple[float, float]
    deals: int
    model: str = field(default="")

    @property
    def moved(self) -> pd.DataFrame:
        """The rows of `table` that moved."""
        return self.table[self.table["moved"]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None stands for NaN.

        Returns
        -------
        dict
            By field.
        """
        rows = self.table.reset_index().to_dict("records")
        plain = [
            {str(k): None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
            for row in rows
        ]
        return {
            "model": self.model,
            "alpha": self.alpha,
            "deals": self.deals,
            **{
                name: {"reference": pair[0], "current": pair[1]}
                for name, pair in (
                    ("comments", self.comments),
                    ("posts", self.posts),
                    ("spam_share", self.spam_share),
                )
            },
            "moved": [row["name"] for row in plain if row["moved"]],
            "columns": plain,
        }

    def __str__(self) -> str:
        """Return what moved in plain text, a line each."""
        head, rows = self._told()
        widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
        lines = [head]
        for row in (_HEAD, *rows) if rows else ():
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            lines.append(f"  {'  '.join(cells).rstrip()}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head, rows = self._told()
        return report_html(head, [table(_HEAD, rows)], [])

    def _told(self) -> tuple[str, list[tuple[str, ...]]]:
        before, now = (100 * share for share in self.spam_share)
        head = (
            f"{len(self.moved)} of {len(self.table)} columns moved between {self.comments[0]:,} "
            f"comments under {self.posts[0]:,} posts and {self.comments[1]:,} under "
            f"{self.posts[1]:,}; mean probability of spam {before:.1f} % before, {now:.1f} % now"
        )
        rows: list[tuple[str, ...]] = [
            (
                str(name), str(row["unit"]), f"{row['reference']:.3g}", f"{row['current']:.3g}",
                f"{row['distance']:.2f}", f"{row['push']:+.2f}", f"{row['p_value']:.3f}",
            )
            for name, row in self.moved.iterrows()
        ]  # fmt: skip
        return head, rows


_HEAD: Final = ("moved", "unit", "before", "now", "distance", "push", "p")


def drift_report(
    reference: pd.DataFrame | Iterable[Comment | str],
    current: pd.DataFrame | Iterable[Comment | str],
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    alpha: float = 0.01,
    deals: int | None = None,
    seed: int = 0,
    watch: Callable[[str, int, int], None] | None = None,
) -> DriftReport:
    """Tell which features and which scores differ between two lots of comments.

    Parameters
    ----------
    reference, current : DataFrame or iterable of Comment or str
        Frames as for `score_frame`; labels are not looked at. Comments under
        one post are kept together: row by row it is known by ``post_group``,
        else by ``blog`` and ``post_id``, else by ``blog`` and the post's
        address, title or text. Without any, each comment stands alone, and if
        they come in floods there will be more false alarms than promised.
    model : SpamModel, str or path, optional
        Another model than the shipped one.
    alpha : float, default 0.01
        Largest chance that anything is told of as moved where both lots are
        alike; 0.0001 or more.
    deals : int, optional
        How often the posts are dealt out anew, up to 20,000; 999, or as often
        as `alpha` needs. No p-value is below ``2 / (deals + 1)``, as scores
        and features are tested apart, so that must be no more than `alpha`.
    seed : int, default 0
        The same comments and seed give the same report.
    watch : callable, optional
        Called with a stage, what is done and the total.

    Returns
    -------
    DriftReport

    Raises
    ------
    InputError
        If a lot has comments of fewer than 8 posts, `alpha` is no share,
        `deals` or the posts are too few for it, or a post's key is a list.

    Notes
    -----
    It tells that the comments differ, not that the model errs: a new topic moves
    features too. A change that happens to all posts at once cannot be told from
    the seasons; compare with the same months of another year.
    """
    chosen = model_of(model)
    lots = []
    for name, given in (("reference", reference), ("current", current)):
        comments, posts = _read(given)
        lots.append(measure(comments, posts, chosen, stage=name, watch=watch))
    return compare(lots[0], lots[1], alpha=alpha, deals=deals, seed=seed, model=chosen.title)


def measure(
    comments: list[Comment],
    posts: NDArray[np.intp],
    model: SpamModel,
    *,
    stage: str = "comments",
    watch: Callable[[str, int, int], None] | None = None,
) -> Measured:
    """Return `comments`, each under the post of that number, in numbers for `compare`.

    Parameters
    ----------
    comments : list of Comment, length n
        Not empty.
    posts : ndarray of int, shape (n,)
        Number of each comment's post.
    model : SpamModel
        The one whose features are compared.
    stage : str
        What `watch` is told is going on.
    watch : callable, optional
        Called with the stage, the comments done and their number.

    Returns
    -------
    Measured
        For `compare`.
    """
    values = np.empty((len(comments), len(COLUMNS)), np.float32)
    parts = np.zeros(len(COLUMNS))
    chance, end = 0.0, 0
    for batch, rows in model.vectorizer.batches(comments):
        start, end = end, end + len(batch)
        added = model.contributions(rows)
        log_odds = added.sum(axis=1) + model.intercept
        labels = model.cuts.labels(log_odds, rows.languages, model.languages)
        scores = np.column_stack([log_odds, labels == "spam", labels == "unsure"])
        blocks = added[:, len(FEATURES) :]
        values[start:end] = np.column_stack([scores, np.clip(rows.dense, LOW, HIGH), blocks])
        parts[len(SCORES) :] += added.sum(axis=0)
        parts[0] += log_odds.sum()
        chance += sum(map(probability, log_odds.tolist()))
        if watch is not None:
            watch(stage, end, len(comments))
    count = max(1, len(comments))
    return Measured(values, parts / count, posts, chance / count)


def compare(
    reference: Measured,
    current: Measured,
    *,
    alpha: float = 0.01,
    deals: int | None = None,
    seed: int = 0,
    model: str = "",
) -> DriftReport:
    """Compare what `measure` gave; see `drift_report`.

    Parameters
    ----------
    reference, current : Measured
        As `measure` gives them, of one model.
    alpha : float, default 0.01
        The chance that anything is told of as moved where nothing is.
    deals : int, optional
        How often the posts are dealt out anew.
    seed : int, default 0
        Of the dealing.
    model : str
        The model's name, for the report.

    Returns
    -------
    DriftReport
        What has moved.

    Raises
    ------
    InputError
        If a number is out of its range, or there are too few posts.
    """
    deals = _checked_deals(checked_share("alpha", alpha), deals)
    posts = tuple(len(np.unique(lot.posts)) for lot in (reference, current))
    for name, count in zip(("reference", "current"), posts, strict=True):
        if count < LEAST_POSTS:
            raise InputError(
                f"the {name} comments stand under {count} posts; {LEAST_POSTS} are the least that can "
                "be compared."
            )
    # Where both lots are as many, a deal and its mirror image differ by the same.
    if _HALVES * (1 + (posts[0] == posts[1])) / math.comb(sum(posts), posts[0]) > alpha:
        raise InputError(
            f"{posts[0]} and {posts[1]} posts can be dealt out in too few ways to tell a chance of "
            f"{alpha:g}; give more posts, or a larger alpha."
        )
    rng = np.random.default_rng(seed)
    sums, owner = _sums_of(_drawn(reference, rng), _drawn(current, rng))
    distance, p_values = _dealt(sums, owner, min(posts[0], MOST_POSTS), deals, rng)
    return DriftReport(
        table=_table(reference, current, distance, p_values, alpha),
        alpha=alpha,
        comments=(len(reference.posts), len(current.posts)),
        posts=(posts[0], posts[1]),
        spam_share=(reference.probability, current.probability),
        deals=deals,
        model=model,
    )


def _checked_deals(alpha: float, deals: int | None) -> int:
    """Return how often to deal, so that the smallest p-value there is can be told of."""
    least = math.ceil(_HALVES / alpha) - 1
    while _HALVES / (least + 1) > alpha:  # rounding
        least += 1
    if least > MOST_DEALS:
        raise InputError(f"alpha must be {_HALVES / MOST_DEALS:g} or more.")
    if deals is None:
        return max(_DEALS, least)
    if not least <= checked_whole("deals", deals, 1) <= MOST_DEALS:
        raise InputError(f"deals must be {least:,} to {MOST_DEALS:,} for an alpha of {alpha:g}.")
    return int(deals)


# --- the test ---------------------------------------------------------------------


def _drawn(lot: Measured, rng: np.random.Generator) -> Measured:
    """Return `lot`, or the comments of as many of its posts as are dealt out."""
    posts = np.unique(lot.posts)
    if len(posts) <= MOST_POSTS:
        return lot
    kept = np.isin(lot.posts, rng.choice(posts, MOST_POSTS, replace=False))
    return Measured(lot.cells[kept], lot.parts, lot.posts[kept], lot.probability)


def _sums_of(reference: Measured, current: Measured) -> tuple[F32, NDArray[np.intp]]:
    """Count, post by post, comments of each kind that a column may ask for.

    A kind is "the value is at most this edge", for edges between the tenths of
    both lots together, or "does not apply".

    Returns
    -------
    ndarray of shape (n_posts, 1 + n_kinds)
        Comments, then those of each kind; the reference's posts first.
    ndarray of int, shape (n_kinds,)
        The column that each kind belongs to.
    """
    number, starts = 0, []
    for lot in (reference, current):
        _, inverse = np.unique(lot.posts, return_inverse=True)
        starts.append(inverse + number)
        number += int(inverse.max()) + 1
    post = np.concatenate(starts)
    order = np.argsort(post, kind="stable")
    begins = np.searchsorted(post[order], np.arange(number))
    sums = [np.bincount(post, minlength=number).astype(float)]
    owner = []
    for column in range(len(COLUMNS)):
        values = np.concatenate([reference.cells[:, column], current.cells[:, column]])[order]
        for kind in _kinds(values):
            counts = np.add.reduceat(kind, begins, dtype=float)
            if min((counts > 0).sum(), (counts < sums[0]).sum()) >= _LEAST_WITH:
                sums.append(counts)
                owner.append(column)
    table = np.column_stack(sums) / np.sqrt(sums[0])[:, None]
    return table.astype(np.float32), np.array(owner, np.intp)


def _kinds(values: F32) -> Iterator[NDArray[np.bool_]]:
    absent = np.isnan(values)
    if absent.any():
        yield absent
    known = values[~absent]
    if len(known):
        for edge in np.unique(np.quantile(known, _EDGES, method="lower")):
            yield values <= edge  # never true of NaN


def _dealt(
    sums: F32, owner: NDArray[np.intp], first: int, deals: int, rng: np.random.Generator
) -> tuple[F64, F64]:
    """Return the distance of each column, and its p-value corrected for all of them."""
    size = len(sums)
    total = sums.sum(axis=0)

    def differences(chosen: F32) -> F32:
        part = chosen @ sums
        rest = total - part
        found: F32 = rest[:, 1:] / rest[:, :1] - part[:, 1:] / part[:, :1]
        return found

    observed = differences((np.arange(size) < first).astype(np.float32)[None, :])[0]
    # What was observed is one of the deals, the first: so no p-value is zero.
    dealt = np.empty((deals + 1, len(owner)), np.float32)
    dealt[0] = observed
    step = max(1, 20_000_000 // size)
    for start in range(1, deals + 1, step):
        chosen = np.zeros((min(step, deals + 1 - start), size), np.float32)
        for row in chosen:
            row[rng.permutation(size)[:first]] = 1.0
        dealt[start : start + len(chosen)] = differences(chosen)
    dealt = np.abs(dealt)
    dealt /= np.maximum(np.sqrt((dealt**2).mean(axis=0)), 1e-12)
    distance, strength = np.zeros(len(COLUMNS)), np.zeros(len(COLUMNS), np.float32)
    np.maximum.at(distance, owner, np.abs(observed))
    np.maximum.at(strength, owner, dealt[0])
    p_values = np.ones(len(COLUMNS))
    is_score = np.arange(len(COLUMNS)) < len(SCORES)
    for group in (is_score, ~is_score):
        largest = dealt[:, group[owner]].max(axis=1, initial=0.0)
        p_values[group] = (largest[None, :] >= strength[group, None]).mean(axis=1)
    # Either half of the columns has half of the false alarms to itself: the three scores
    # would else be drowned by the many features.
    return distance, np.minimum(1.0, _HALVES * p_values)


def _table(
    reference: Measured, current: Measured, distance: F64, p_values: F64, alpha: float
) -> pd.DataFrame:
    import pandas as pd

    units = feature_table()["unit"]
    rows = {}
    for k, name in enumerate(COLUMNS):
        before, now = reference.cells[:, k], current.cells[:, k]
        known = ~np.isnan(before), ~np.isnan(now)
        rows[name] = {
            "family": _FAMILY.get(name, "scores" if name in SCORES else "ngrams"),
            "unit": units.get(name, "share" if name.startswith("called") else "log-odds"),
            "reference": float(before[known[0]].mean()) if known[0].any() else math.nan,
            "current": float(now[known[1]].mean()) if known[1].any() else math.nan,
            "applies_reference": float(known[0].mean()),
            "applies_current": float(known[1].mean()),
            "distance": float(distance[k]),
            "push": float(current.parts[k] - reference.parts[k]),
            "p_value": float(p_values[k]),
            "moved": bool(p_values[k] <= alpha),
        }
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")
    return found.sort_values(["p_value", "distance"], ascending=[True, False], kind="stable")


# --- what goes in -----------------------------------------------------------------


def _read(given: Any) -> tuple[list[Comment], NDArray[np.intp]]:
    if is_frame(given) or is_foreign_frame(given):
        given = readable(given)
        comments = comments_of_frame(given)
        groups, posts = keys_of_frame(given, "post_group"), posts_of_frame(given, comments)
        pairs = zip(groups, posts, strict=True)
        return comments, _numbered([p if g is None else ("post_group", g) for g, p in pairs])
    if isinstance(given, str | bytes | Comment) or not isinstance(given, Iterable):
        raise InputError("a DataFrame or a list of comments is needed on both sides.")
    comments = list(map(as_comment, given))
    return comments, _numbered([named_post(comment) for comment in comments])


def _numbered(keys: list[Hashable | None]) -> NDArray[np.intp]:
    """Number the keys; what has none is alone."""
    known: dict[Hashable, int] = {}
    numbers = [
        known.setdefault((row,) if key is None else key, len(known)) for row, key in enumerate(keys)
    ]
    return np.array(numbers, np.intp)
