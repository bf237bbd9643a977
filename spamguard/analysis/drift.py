"""What has changed between two samples of comments, without any labels.

Features and scores of a reference, such as last year, are compared with those of the
present. Comments under one post resemble each other, and some hundred columns are
tested together; both would raise false alarms. So whole posts are dealt out at random
between the two samples, some hundred times. A column has moved if its change is larger
than the largest change of any column in nearly all of those deals (Westfall and Young
1993, single-step maxT). That limits the chance of any false alarm in a report to
`alpha`, however the columns depend on each other.
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

__all__ = ["DriftReport", "Measurement", "compare", "drift_report", "measure"]

LEAST_POSTS: Final = 8
"""Needed in each sample: with fewer, chance cannot be told from change."""

MOST_POSTS: Final = 20_000
"""Most posts of each sample that are dealt out; of more, so many are drawn at random."""

MOST_DEALS: Final = 20_000
"""More would take gigabytes of memory."""

_DEALS: Final = 999
_HALVES: Final = 2  # scores and features are tested apart, see `_p_values`
_EDGES: Final = np.linspace(0.1, 0.9, 9)
_LEAST_WITH: Final = 8  # posts with such a comment: rarer kinds prove nothing yet

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

SCORES: Final = ("log_odds", "called spam", "called unsure")
COLUMNS: Final = (*SCORES, *(f.name for f in FEATURES), *(f"ngrams_{b}" for b in BLOCKS))
"""What is compared: the scores, the named features, and what each block of n-grams adds."""

_FAMILY: Final = {f.name: family for family, features in FAMILIES.items() for f in features}


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """The features and scores of a sample of comments.

    Parameters
    ----------
    cells : ndarray of float32, shape (n, n_columns)
        By `COLUMNS`; NaN where a feature does not apply.
    parts : ndarray of float64, shape (n_columns,)
        Mean contribution of each to the log-odds, over all comments.
    posts : ndarray of int, shape (n,)
        Number of the post of each comment; a comment without one has a number of its
        own.
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
        A row for each column compared, the strongest change first: index ``name``;
        family; unit; reference and current, the means over comments to which it
        applies; applies_reference and applies_current, the shares of such comments, 0
        to 1; distance, as below; push, the change of its mean contribution to the
        log-odds; p_value, corrected for all columns; moved.

        The distance, 0 to 1, is the largest difference between the two samples in the
        share of comments with a value of at most an edge (nine edges, at the tenths of
        both samples together), or to which the column does not apply. A post counts by
        the square root of its comments, and kinds of comment under fewer than 8 posts
        are left out.
    alpha : float
        The chance that anything is reported as moved where nothing has.
    comments, posts : tuple of int
        Of the reference and of the present.
    spam_share : tuple of float
        Mean probability of spam in each, 0 to 1.
    deals : int
        How often the posts were dealt out.
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
        """Return plain values for JSON, with None for NaN.

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
        """Return one line of plain text for each column that moved."""
        head, rows = self._summary()
        widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
        lines = [head]
        for row in (_HEAD, *rows) if rows else ():
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            lines.append(f"  {'  '.join(cells).rstrip()}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head, rows = self._summary()
        return report_html(head, [table(_HEAD, rows)], [])

    def _summary(self) -> tuple[str, list[tuple[str, ...]]]:
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
    """Return which features and scores differ between two samples of comments.

    Parameters
    ----------
    reference, current : DataFrame or iterable of Comment or str
        Frames as for `score_frame`; labels are ignored. Comments under one post are
        kept together. The post of a row is its ``post_group``, else ``blog`` and
        ``post_id``, else ``blog`` and the post's address, title or text. A comment
        without any counts as a post, so floods of them raise more false alarms than
        `alpha` says.
    model : SpamModel, str or path, optional
        The shipped one by default.
    alpha : float, default 0.01
        Largest chance that anything is reported as moved where nothing has; 0.0001 or
        more.
    deals : int, optional
        How often the posts are dealt out, up to 20,000; by default 999, or as often as
        `alpha` needs. No p-value is below ``2 / (deals + 1)``, so that must not be
        above `alpha`.
    seed : int, default 0
        The same comments and seed give the same report.
    watch : callable, optional
        Called with a stage, the comments done and their number.

    Returns
    -------
    DriftReport

    Raises
    ------
    InputError
        If a sample has comments of fewer than 8 posts, `alpha` is not a share, `deals`
        or the posts are too few for it, or a post's key is a list.

    Notes
    -----
    The report shows that the comments differ, not that the model errs: a new topic
    moves features too. To exclude the seasons, compare with the same months of another
    year.
    """
    chosen = model_of(model)
    samples = []
    for name, given in (("reference", reference), ("current", current)):
        comments, posts = _comments_and_posts(given)
        samples.append(measure(comments, posts, chosen, stage=name, watch=watch))
    return compare(samples[0], samples[1], alpha=alpha, deals=deals, seed=seed, model=chosen.title)


def measure(
    comments: list[Comment],
    posts: NDArray[np.intp],
    model: SpamModel,
    *,
    stage: str = "comments",
    watch: Callable[[str, int, int], None] | None = None,
) -> Measurement:
    """Return the features and scores of `comments`.

    Parameters
    ----------
    comments : list of Comment, length n
        Not empty.
    posts : ndarray of int, shape (n,)
        Number of each comment's post.
    model : SpamModel
        The one whose features are compared.
    stage : str
        Passed to `watch`.
    watch : callable, optional
        Called with the stage, the comments done and their number.

    Returns
    -------
    Measurement
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
    return Measurement(values, parts / count, posts, chance / count)


def compare(
    reference: Measurement,
    current: Measurement,
    *,
    alpha: float = 0.01,
    deals: int | None = None,
    seed: int = 0,
    model: str = "",
) -> DriftReport:
    """Compare two measurements by the same model; see `drift_report`.

    Parameters
    ----------
    reference, current : Measurement
        From `measure`.
    alpha, deals, seed
        As for `drift_report`.
    model : str
        The model's name, for the report.

    Returns
    -------
    DriftReport

    Raises
    ------
    InputError
        If a number is out of its range, or there are too few posts.
    """
    deals = _checked_deals(checked_share("alpha", alpha), deals)
    posts = tuple(len(np.unique(sample.posts)) for sample in (reference, current))
    for name, count in zip(("reference", "current"), posts, strict=True):
        if count < LEAST_POSTS:
            raise InputError(
                f"the {name} comments are under {count} posts; at least {LEAST_POSTS} are needed."
            )
    # With equal numbers of posts, a deal and its mirror image differ by the same.
    if _HALVES * (1 + (posts[0] == posts[1])) / math.comb(sum(posts), posts[0]) > alpha:
        raise InputError(
            f"{posts[0]} and {posts[1]} posts can be dealt out in too few ways for an alpha of "
            f"{alpha:g}; give more posts, or a larger alpha."
        )
    rng = np.random.default_rng(seed)
    sums, owner = _sums_of(_drawn_posts(reference, rng), _drawn_posts(current, rng))
    distance, p_values = _p_values(sums, owner, min(posts[0], MOST_POSTS), deals, rng)
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
    """Return how often to deal, so that the smallest possible p-value is at most `alpha`."""
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


def _drawn_posts(sample: Measurement, rng: np.random.Generator) -> Measurement:
    """Return `sample`, or the comments of some of its posts if there are too many."""
    posts = np.unique(sample.posts)
    if len(posts) <= MOST_POSTS:
        return sample
    kept = np.isin(sample.posts, rng.choice(posts, MOST_POSTS, replace=False))
    return Measurement(sample.cells[kept], sample.parts, sample.posts[kept], sample.probability)


def _sums_of(reference: Measurement, current: Measurement) -> tuple[F32, NDArray[np.intp]]:
    """Count the comments of each kind, post by post.

    A kind is "the value is at most this edge", for the edges between the tenths of both
    samples together, or "does not apply".

    Returns
    -------
    ndarray of shape (n_posts, 1 + n_kinds)
        Comments, then those of each kind; the reference's posts first.
    ndarray of int, shape (n_kinds,)
        The column that each kind belongs to.
    """
    number, starts = 0, []
    for sample in (reference, current):
        _, inverse = np.unique(sample.posts, return_inverse=True)
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


def _p_values(
    sums: F32, owner: NDArray[np.intp], first: int, deals: int, rng: np.random.Generator
) -> tuple[F64, F64]:
    """Return the distance of each column, and its p-value corrected for all columns."""
    size = len(sums)
    total = sums.sum(axis=0)

    def differences(chosen: F32) -> F32:
        part = chosen @ sums
        rest = total - part
        found: F32 = rest[:, 1:] / rest[:, :1] - part[:, 1:] / part[:, :1]
        return found

    observed = differences((np.arange(size) < first).astype(np.float32)[None, :])[0]
    # The observed split is the first deal, so no p-value is zero.
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
    # Scores and features get half of the false alarms each; otherwise the many features
    # would drown the three scores.
    return distance, np.minimum(1.0, _HALVES * p_values)


def _table(
    reference: Measurement, current: Measurement, distance: F64, p_values: F64, alpha: float
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


def _comments_and_posts(given: Any) -> tuple[list[Comment], NDArray[np.intp]]:
    if is_frame(given) or is_foreign_frame(given):
        given = readable(given)
        comments = comments_of_frame(given)
        groups, posts = keys_of_frame(given, "post_group"), posts_of_frame(given, comments)
        pairs = zip(groups, posts, strict=True)
        return comments, _numbered([p if g is None else ("post_group", g) for g, p in pairs])
    if isinstance(given, str | bytes | Comment) or not isinstance(given, Iterable):
        raise InputError("both sides must be a DataFrame or a list of comments.")
    comments = list(map(as_comment, given))
    return comments, _numbered([named_post(comment) for comment in comments])


def _numbered(keys: list[Hashable | None]) -> NDArray[np.intp]:
    """Number the keys; a missing key gets a number of its own."""
    known: dict[Hashable, int] = {}
    numbers = [
        known.setdefault((row,) if key is None else key, len(known)) for row, key in enumerate(keys)
    ]
    return np.array(numbers, np.intp)
