"""Plots for analysts. Needs matplotlib: ``pip install 'spamguard[analysis]'``.

Each function draws one plot into ``ax``, or into new Axes, and returns the Axes. The
colours suit colour-blind readers (Okabe and Ito 2008), and shapes, hatches or words
repeat them. Shares are drawn as percent. Bands and bars are 95 % intervals.

scikit-learn computes the curves. Its displays are not used because they lack intervals,
percent axes and the number of comments.

Examples
--------
>>> import matplotlib
>>> matplotlib.use("agg")
>>> from spamguard.analysis import plots
>>> ax = plots.roc([0, 0, 1, 1], [-1.0, 0.5, 0.2, 2.0])
>>> ax.get_xlabel()
'ham lost (%)'
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spamguard.corpus import missing
from spamguard.display import share
from spamguard.errors import InputError
from spamguard.evaluation import Figure as Measure
from spamguard.evaluation import (
    average_precision,
    checked_pair,
    clopper_pearson,
    cluster_bootstrap,
    curve_bootstrap,
    macro_mean,
    roc_auc,
)
from spamguard.evaluation import reliability as reliability_table
from spamguard.files import replacing
from spamguard.loading import optional
from spamguard.model import Cuts, SpamModel

with optional():
    from matplotlib import font_manager
    from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from spamguard.analysis.drift import DriftReport
    from spamguard.verdict import Verdict

__all__ = [
    "attacks", "campaigns", "confusion_by_blog", "contributions", "drift", "figures_by_blog",
    "learning_curve", "over_time", "png_of", "precision_recall", "reliability", "reliability_of", "roc", "save", "thresholds",
    "weights",
]  # fmt: skip

SPAM: Final = "#D55E00"
HAM: Final = "#0072B2"
UNSURE: Final = "#E3B505"
GREY: Final = "#666666"
_COLOURS: Final = {"ham": HAM, "unsure": UNSURE, "spam": SPAM}
_MANY: Final = (HAM, SPAM, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")
_MOST_LETTERS: Final = 60
_GRID: Final = np.linspace(0.0, 1.0, 201)
_FEW: Final = 20
"""Plots show the number of comments where it is smaller."""

F64 = NDArray[np.float64]


# --- axes and files ---------------------------------------------------------------


def _axes(ax: Axes | None, width: float = 6.4, height: float = 4.2) -> Axes:
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def _percent(axis: Any, low: float = 0.0, high: float = 1.0) -> None:
    """Show shares along `axis` as percent, with a margin."""
    room = 0.02 * (high - low)
    _percent_ticks(axis)
    (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(low - room, high + room)


def _percent_ticks(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))


def _shortened(text: str, most: int = _MOST_LETTERS) -> str:
    """Return `text` in one line, with "?" for characters missing from the font."""
    kept = text if len(text) <= most else f"{text[: most - 1]}…"
    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    drawn = (c if c.isprintable() and font.get_char_index(ord(c)) else "?" for c in kept)
    return "".join(drawn).replace("$", r"\$")  # no formulas


def save(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the plot of `ax` to a .png, .svg or .pdf file, whole or not at all."""
    target, form = checked_target(path)
    figure: Any = ax.figure
    with replacing(target) as file:
        figure.savefig(file, format=form, dpi=150)


def checked_target(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the file that `save` would write and its format; for checks before long work."""
    target = Path(path)
    form = target.suffix.lower().removeprefix(".")
    if form not in ("png", "svg", "pdf"):
        raise InputError(f"{target.name}: the name must end in .png, .svg or .pdf.")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is not a directory; create it first.")
    return target, form


def png_of(draw: Callable[..., Any]) -> bytes:
    """Return the PNG of a plot that `draw` makes with ``ax=``, with no figure left open."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    draw(ax=figure.add_subplot())
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=80)
    return data.getvalue()


# --- how well it ranks ------------------------------------------------------------


def precision_recall(
    y: ArrayLike,
    scores: ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    label: str = "",
    samples: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw precision against the share of spam caught.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
        1 is spam.
    scores : array_like, shape (n,)
        Any numbers that grow with spamminess.
    groups : iterable of hashable, optional
        The post of each comment; the band comes from resampling whole posts. By
        default each comment is its own post.
    label : str
        Name of the curve, for several in one plot.
    samples : int, default 200
        Resamples; 0 draws no band.
    """
    spam, ranked = _both(y, scores)
    posts = list(range(len(spam)) if groups is None else groups)
    ax = _axes(ax)
    colour = _next_colour(ax)
    _band(ax, _precision_at, posts, spam, ranked, samples, colour)
    value = _summary("average precision", average_precision, posts, spam, ranked, samples, label)
    ax.plot(_GRID[1:], _precision_at(spam, ranked)[1:], color=colour, label=value)
    ax.axhline(float(spam.mean()), color=GREY, linestyle=":", linewidth=1)
    ax.set(xlabel="spam caught (%)", ylabel="precision (%)", title="Precision and recall")
    _percent(ax.xaxis)
    _percent(ax.yaxis)
    ax.legend(loc="lower left", frameon=False)
    return ax


def roc(
    y: ArrayLike,
    scores: ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    most_ham_lost: float = 1.0,
    label: str = "",
    samples: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of spam caught against the share of ham lost.

    Comments with the same score form a straight line, which counts ties half, as the
    area in the legend does.

    Parameters
    ----------
    y, scores, groups, label, samples
        As for `precision_recall`, of shape (n,).
    most_ham_lost : float, default 1.0
        Right end of the plot, above 0 and at most 1; a blog needs the first few percent.

    Raises
    ------
    InputError
        If `most_ham_lost` is out of range, or a class is missing.
    """
    from sklearn.metrics import roc_curve

    if not 0 < most_ham_lost <= 1:
        raise InputError("most_ham_lost must be above 0 and at most 1.")
    spam, ranked = _both(y, scores)
    posts = list(range(len(spam)) if groups is None else groups)
    ax = _axes(ax)
    colour = _next_colour(ax)
    grid = most_ham_lost * _GRID

    def caught(truth: ArrayLike, ranks: ArrayLike) -> F64:
        return _caught_at(truth, ranks, grid)

    _band(ax, caught, posts, spam, ranked, samples, colour, grid)
    value = _summary("area", roc_auc, posts, spam, ranked, samples, label)
    lost, share, _ = roc_curve(spam, ranked)
    kept = lost <= most_ham_lost
    end = np.interp(most_ham_lost + 1e-12, lost, share)
    ax.plot(
        np.append(lost[kept], most_ham_lost), np.append(share[kept], end),
        color=colour, label=value,
    )  # fmt: skip
    ax.plot([0, most_ham_lost], [0, most_ham_lost], color=GREY, linestyle=":", linewidth=1)
    ax.set(xlabel="ham lost (%)", ylabel="spam caught (%)", title="ROC curve")
    _percent(ax.xaxis, 0.0, most_ham_lost)
    _percent(ax.yaxis)
    ax.legend(loc="lower right", frameon=False)
    return ax


def _both(y: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], F64]:
    spam, ranked = checked_pair(y, scores, "scores")
    if spam.all() or not spam.any():
        raise InputError("both spam and ham are needed to draw this.")
    return spam, ranked


def _next_colour(ax: Axes) -> str:
    # Curves have a label, auxiliary lines have none.
    drawn = sum(not str(line.get_label()).startswith("_") for line in ax.lines)
    return _MANY[drawn % len(_MANY)]


def _band(
    ax: Axes,
    curve: Callable[..., F64],
    posts: list[Any],
    spam: NDArray[np.bool_],
    ranked: F64,
    samples: int,
    colour: str,
    grid: F64 = _GRID,
) -> None:
    if samples:
        _, low, high = curve_bootstrap(curve, posts, spam, ranked, samples=samples)
        ax.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0)


def _summary(
    name: str,
    function: Callable[..., float],
    posts: list[Any],
    spam: NDArray[np.bool_],
    ranked: F64,
    samples: int,
    label: str,
) -> str:
    found = cluster_bootstrap(function, posts, spam, ranked, samples=max(1, samples))
    text = f"{name} {found.value:.3f}"
    # All resamples of a few perfectly ranked comments agree, which proves nothing.
    if samples and found.low < found.high:
        text += f" ({found.low:.3f}–{found.high:.3f})"
    n_spam, n_ham = int(spam.sum()), int((~spam).sum())
    if min(n_spam, n_ham) < _FEW or found.low == found.high:
        text += f", of {n_spam:,} spam, {n_ham:,} ham"
    return f"{_shortened(label)}: {text}" if label else text


def _precision_at(y: ArrayLike, scores: ArrayLike) -> F64:
    from sklearn.metrics import precision_recall_curve

    if not np.any(y):
        return np.full(_GRID.shape, math.nan)
    precision, recall, _ = precision_recall_curve(y, scores)
    at = np.searchsorted(recall[::-1], _GRID - 1e-12)
    at = np.maximum(at, 1)  # precision is undefined where nothing is caught
    found: F64 = precision[::-1][at]
    return found


def _caught_at(y: ArrayLike, scores: ArrayLike, grid: F64) -> F64:
    from sklearn.metrics import roc_curve

    if np.all(y) or not np.any(y):
        return np.full(grid.shape, math.nan)
    lost, caught, _ = roc_curve(y, scores)
    share: F64 = np.interp(grid + 1e-12, lost, caught)
    return share


# --- how well it is calibrated, and where to cut ----------------------------------


def _posts(groups: Iterable[Hashable], rows: int) -> list[Hashable]:
    posts = list(groups)
    if len(posts) != rows:
        raise InputError(f"groups must name the post of each of the {rows} comments.")
    return posts


def _between_posts(
    shares: Callable[[ArrayLike], F64], posts: list[Hashable], values: ArrayLike, samples: int
) -> F64:
    """Return the interval of each share, shape (n_points, 2), from resampling whole posts."""
    found, low, high = curve_bootstrap(shares, posts, values, samples=samples)
    many = len(set(posts))
    for at in np.flatnonzero((found == 0) | (found == 1)):
        # Resamples that all agree give no interval: count each post as one comment.
        low[at], high[at] = clopper_pearson(many * int(found[at]), many)
    return np.column_stack([low, high])


def reliability(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bins: int = 10,
    groups: Iterable[Hashable] | None = None,
    label: str = "",
    samples: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of spam among comments against their predicted probability.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    p : array_like, shape (n,), 0 to 1
    bins : int, default 10
        Of equal width, labelled with their number of comments.
    groups : iterable of hashable, optional
        The post of each comment; the bars come from resampling whole posts, or from an
        exact interval over posts where all comments agree. By default they are exact
        binomial intervals, too narrow where comments under one post are alike.
    label : str
        Name of the curve.
    samples : int, default 200
        Resamples, with `groups`.
    """
    table = reliability_table(y, p, bins)
    if groups is None:
        return reliability_of(table, label=label, ax=ax)
    spam, said = checked_pair(y, p, "p")
    posts = _posts(groups, len(spam))
    bin_of = np.minimum((said * bins).astype(int), bins - 1)
    ends = [
        _between_posts(_mean, list(compress(posts, bin_of == i)), spam[bin_of == i], samples)[0]
        for i in np.unique(bin_of)
    ]
    return _reliability_drawn(table, np.array(ends), label, ax)


def _mean(hits: ArrayLike) -> F64:
    return np.array([np.asarray(hits, float).mean()])


def reliability_of(
    table: Sequence[tuple[float, float, int]], *, label: str = "", ax: Axes | None = None
) -> Axes:
    """Draw `reliability` from the table of a result or of `spamguard.evaluation.reliability`.

    Parameters
    ----------
    table : sequence of (float, float, int)
        Predicted probability, share of spam and number of comments of each bin.
    label : str
        Name of the curve.
    """
    ends = [clopper_pearson(round(share * n), n) for _, share, n in table]
    return _reliability_drawn(table, np.reshape(ends, (-1, 2)), label, ax)


def _reliability_drawn(
    table: Sequence[tuple[float, float, int]], ends: F64, label: str, ax: Axes | None
) -> Axes:
    ax = _axes(ax, 5.2, 4.8)
    before = len(ax.containers)  # curves drawn before
    colour = _MANY[before % len(_MANY)]
    said, was = [row[0] for row in table], [row[1] for row in table]
    errors = np.maximum(0.0, [was - ends[:, 0], ends[:, 1] - was])
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    ax.errorbar(
        said, was, yerr=errors, color=colour, marker="o", markersize=5, capsize=3, linewidth=1.2,
        label=_shortened(label) or "measured",
    )  # fmt: skip
    # In a strip below the points, so that nothing overlaps.
    at = -1.0
    for x, _, n in table:
        at = max(x, at + 0.033)
        ax.text(at, -0.03 - 0.2 * before, f"{n:,}", rotation=90, ha="center", va="top",
                fontsize=7, color=colour)  # fmt: skip
    ax.set(
        xlabel="predicted probability of spam (%)",
        ylabel="share that was spam (%)",
        title="Reliability (number of comments below each point)",
    )
    _percent(ax.xaxis)
    _percent(ax.yaxis)
    ax.set_ylim(-0.23 - 0.2 * before)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.legend(loc="upper left", frameon=False)
    return ax


def thresholds(
    y: ArrayLike,
    log_odds: ArrayLike,
    *,
    cuts: Cuts | SpamModel | None = None,
    language_known: ArrayLike | None = None,
    groups: Iterable[Hashable] | None = None,
    samples: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spam caught and the ham lost at every decision threshold.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    log_odds : array_like, shape (n,)
    cuts : Cuts or SpamModel, optional
        Decision thresholds to mark.
    language_known : array_like of bool, shape (n,), optional
        `Verdict.language_known` of each comment. Where it is false, the comment is never
        called spam. Without this, the model catches and loses fewer than drawn; the
        axis says which it is.
    groups : iterable of hashable, optional
        As for `reliability`.
    samples : int, default 200
        Resamples, with `groups`.

    Returns
    -------
    Axes
        The left one, of spam caught; ham lost has its own scale on the right, ten times
        finer.
    """
    spam, ranked = _both(y, log_odds)
    marks = _cuts_of(cuts)
    posts = None if groups is None else _posts(groups, len(spam))
    low, high = np.quantile(ranked, [0.005, 0.995])
    if low == high:  # all scores are equal
        low, high = low - 1, high + 1
    grid = np.linspace(low, high, 121)
    if language_known is not None:
        known, _ = checked_pair(language_known, ranked, "log_odds")
        ranked = np.where(known, ranked, -np.inf)
    ax = _axes(ax)
    right = ax.twinx()
    right.spines["top"].set_visible(False)

    def reached(scores: ArrayLike) -> F64:
        ordered = np.sort(scores)
        shares: F64 = 1 - np.searchsorted(ordered, grid) / len(ordered)
        return shares

    for axes, chosen, colour, line, name in (
        (ax, spam, SPAM, "-", "spam caught"),
        (right, ~spam, HAM, "--", "ham lost"),
    ):
        side = ranked[chosen]
        shares = reached(side)
        if posts is None:
            counts = np.rint(shares * len(side)).astype(int).tolist()
            ends = np.array([clopper_pearson(k, len(side)) for k in counts])
        else:
            ends = _between_posts(reached, list(compress(posts, chosen)), side, samples)
        axes.fill_between(grid, ends[:, 0], ends[:, 1], color=colour, alpha=0.2, linewidth=0)
        axes.plot(grid, shares, color=colour, linestyle=line, label=name)
        axes.set_ylabel(f"{name} (%)", color=colour)
    _percent(ax.yaxis)
    _percent(right.yaxis, 0.0, 0.1)
    for name in ("unsure", "spam", "discard") if marks is not None else ():
        at = getattr(marks, name)
        if at is not None:
            ax.axvline(at, color=GREY, linewidth=1, linestyle=":")
            ax.annotate(f" {name}", (at, 1.0), xycoords=("data", "axes fraction"), rotation=90,
                        va="top", ha="right", fontsize=8, color=GREY,
                        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5})  # fmt: skip
    lines = [*ax.lines[:1], *right.lines[:1]]
    ax.legend(lines, ["spam caught (left)", "ham lost (right)"], loc="upper right", frameon=False)
    text = "whatever the language" if language_known is None else "none in unknown languages"
    ax.set(xlabel=f"cut (log-odds; {text})", title="What a threshold catches and costs")
    return ax


def _cuts_of(given: Cuts | SpamModel | None) -> Cuts | None:
    cuts = given.cuts if isinstance(given, SpamModel) else given
    if cuts is not None and not isinstance(cuts, Cuts):
        raise InputError(
            "cuts must be Cuts or a SpamModel; load_model() loads one by name or path."
        )
    return cuts


# --- why --------------------------------------------------------------------------


def contributions(verdict: Verdict, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Draw the strongest reasons of a verdict, the rest as one bar, and their sum.

    Parameters
    ----------
    most : int, default 12
        Reasons to show one by one.
    """
    shown = verdict.reasons[:most]
    bars = [("before anything is read", verdict.intercept)]
    bars += [(_reason_name(r.feature, r.evidence), r.contribution) for r in shown]
    rest = verdict.reasons[most:]
    if rest:
        bars.append((f"{len(rest)} further reasons", sum(r.contribution for r in rest)))
    bars.append(("log-odds", verdict.log_odds))
    ax = _axes(ax, 9.0, 0.9 + 0.3 * len(bars))
    _signed_bars(ax, bars)
    ax.set(
        xlabel="log-odds (left: ham, right: spam)",
        title=f"{verdict.label}, {share(verdict.spam_probability)} spam",
    )
    return ax


def _reason_name(feature: str, evidence: str) -> str:
    """Return the evidence, then its meaning, because the end of a long label is cut off."""
    meaning, _, seen = evidence.partition(": “")
    if seen:
        return f"“{seen} {meaning}"
    return f"{evidence} ({feature})" if feature.startswith("ngrams") else evidence


def weights(model: SpamModel, *, most: int = 6, ax: Axes | None = None) -> Axes:
    """Draw the features of each family that can add the most to the log-odds.

    Parameters
    ----------
    most : int, default 6
        Features of each family.

    Raises
    ------
    InputError
        If `model` is not a SpamModel.
    """
    if not isinstance(model, SpamModel):
        raise InputError("model must be a SpamModel; load_model() loads one by name or path.")
    found = model.top_weights(most)
    bars = [(name, reach) for pairs in found.values() for name, reach in pairs]
    ax = _axes(ax, 7.0, 0.9 + 0.22 * max(1, len(bars)))
    _signed_bars(ax, bars)
    edge = -0.5
    for pairs in list(found.values())[:-1]:
        edge += len(pairs)
        ax.axhline(edge, color=GREY, linewidth=0.8)
    ax.set(
        xlabel="most it adds to the log-odds (left: ham, right: spam)",
        title=_shortened(model.title),
    )
    return ax


def _signed_bars(ax: Axes, bars: Sequence[tuple[str, float]]) -> None:
    values = [value for _, value in bars]
    drawn = ax.barh(
        range(len(bars)), values, color=[SPAM if v > 0 else HAM for v in values], height=0.7
    )
    for bar, value in zip(drawn, values, strict=True):
        bar.set_hatch("" if value > 0 else "//")
        bar.set_edgecolor("white")
    ax.bar_label(drawn, [f"{value:+.2f}" for value in values], padding=3, fontsize=8)
    ax.set_yticks(range(len(bars)), [_shortened(name) for name, _ in bars], fontsize=8)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.margins(x=0.15)
    ax.grid(visible=False, axis="y")


# --- over blogs, labels, attacks --------------------------------------------------


def figures_by_blog(
    result: Mapping[str, Any], *, figure: str = "recall_at_1pct", ax: Axes | None = None
) -> Axes:
    """Draw one figure of every blog with its interval, and the mean of the blogs.

    Parameters
    ----------
    result : mapping
        Of the protocol ``unseen-blog``.
    figure : str, default "recall_at_1pct"
        A share, such as auc, spam_caught, ham_blocked or ece.

    Raises
    ------
    InputError
        If the result has no such figure.
    """
    rows = [(row["blog"], row[figure]) for row in result.get("rows", ()) if figure in row]
    # From the bottom up; blogs without a value come first.
    rows.sort(key=lambda row: np.nan_to_num(_number(row[1].get("value")), nan=-math.inf))
    blogs = len(rows)
    if figure in result.get("macro", {}):
        rows.append(("mean of the blogs", result["macro"][figure]))
    if not rows:
        raise InputError(f"this result has no figure {figure!r} of blogs.")
    ax = _axes(ax, 6.4, 0.9 + 0.28 * len(rows))
    for at, (_, found) in enumerate(rows):
        value, low, high = (_number(found.get(key)) for key in ("value", "low", "high"))
        mean = at >= blogs
        ax.plot([low, high], [at, at], color=HAM, linewidth=1.5)
        ax.plot([value], [at], marker="D" if mean else "o", color=SPAM if mean else HAM)
    ax.set_yticks(range(len(rows)), [_shortened(name) for name, _ in rows])
    ax.set(xlabel=_named(figure), title="Blogs never seen")
    _percent_ticks(ax.xaxis)
    return ax


_NAMES: Final = {
    "auc": "area under the ROC curve (%)",
    "ece": "expected calibration error (%)",
    "ham_blocked": "ham called spam (%)",
    "recall_at_1pct": "spam caught where 1 % of ham is lost (%)",
    "recall_at_2pct": "spam caught where 2 % of ham is lost (%)",
    "spam_caught": "spam called spam (%)",
}


def _named(figure: str) -> str:
    return _NAMES.get(figure, f"{figure.replace('_', ' ')} (%)")


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _measured(found: Any) -> Measure:
    """Return a figure of a result, which may lack an interval."""
    given = found if isinstance(found, Mapping) else {"value": found}
    value, low, high = (_number(given.get(key)) for key in ("value", "low", "high"))
    return Measure(value, low, high, int(given.get("n", 1)))


def learning_curve(
    result: Mapping[str, Any], *, figure: str = "recall_at_1pct", ax: Axes | None = None
) -> Axes:
    """Draw the gain from a site's first labels: each blog thin, their mean thick.

    Parameters
    ----------
    result : mapping
        From `spamguard.analysis.evaluate_first_labels`, or of the protocol ``labels``. A
        single blog is drawn thick, with its interval.
    figure : str, default "recall_at_1pct"
        Or auc.

    Raises
    ------
    InputError
        If the result has no such figure.
    """
    curves = [
        {int(n): _measured(found[figure]) for n, found in row["labels"].items() if figure in found}
        for row in result.get("rows", ())
        if "labels" in row
    ]
    steps = sorted({n for curve in curves for n in curve})
    if not steps:
        raise InputError(f"this result has no figure {figure!r} after so many labels.")
    ax = _axes(ax)
    alone = len(curves) == 1
    for curve in curves if not alone else ():
        at = [steps.index(n) for n in curve]
        ax.plot(at, [m.value for m in curve.values()], color=GREY, alpha=0.45, linewidth=0.8)
    means = []
    for n in steps:
        found = [{figure: curve[n]} for curve in curves if n in curve]
        # A single blog shows its own interval, several show that of their mean.
        means.append(found[0][figure] if alone else macro_mean(found)[figure])
    places = range(len(steps))
    ax.fill_between(places, [m.low for m in means], [m.high for m in means], color=HAM, alpha=0.2)
    text = "this site" if alone else "mean of the blogs"
    ax.plot(places, [m.value for m in means], color=HAM, marker="o", label=text)
    if not alone:
        ax.plot([], [], color=GREY, linewidth=0.8, label="one blog")
    # Small blogs end early, so each mean shows its number of blogs.
    names = [
        f"{n:,}" if alone else f"{n:,}\n({m.n} blogs)" for n, m in zip(steps, means, strict=True)
    ]
    ax.set_xticks(places, names)
    ax.set(
        xlabel="labels of the site's own",
        ylabel=_named(figure),
        title="What a site's first labels bring",
    )
    _percent_ticks(ax.yaxis)
    ax.legend(loc="lower right", frameon=False)
    return ax


def attacks(
    result: Mapping[str, Any], *, figure: str = "recall_at_1pct", ax: Axes | None = None
) -> Axes:
    """Draw the cost of each spammers' trick, a line from the untouched to the attacked figure.

    Parameters
    ----------
    result : mapping
        From `spamguard.analysis.evaluate_attacks`, or of the protocol ``robustness``,
        which has no intervals.
    figure : str, default "recall_at_1pct"
        Or spam_caught, or ham_blocked.

    Raises
    ------
    InputError
        If the result has no such figure.
    """
    rows = [
        (row["attack"], row[figure])
        for row in result.get("rows", ())
        if figure in row and "attack" in row
    ]
    clean = dict(rows).get("none")
    if clean is None:
        raise InputError(f"this result has no figure {figure!r} of attacks.")
    rows = sorted((row for row in rows if row[0] != "none"), key=lambda row: -row[1])
    ax = _axes(ax, 6.4, 0.9 + 0.28 * len(rows))
    ax.axvline(clean, color=GREY, linestyle=":", linewidth=1, label="untouched")
    for at, (_, value) in enumerate(rows):
        ax.plot([clean, value], [at, at], color=SPAM, linewidth=2)
    ends = result.get("intervals", {})
    for at, (name, _) in enumerate(rows) if ends else ():
        ax.plot(ends[name][figure], [at, at], color="black", linewidth=0.9, marker="|")
    ax.plot([value for _, value in rows], range(len(rows)), "o", color=SPAM, label="attacked")
    ax.set_yticks(range(len(rows)), [_shortened(name) for name, _ in rows])
    ax.set(xlabel=_named(figure), title="What tricks cost")
    played = result.get("played_on")
    if played:
        ax.set_title(f"What tricks cost {played['spam']:,} spam, {played['ham']:,} ham")
    _percent_ticks(ax.xaxis)
    ax.legend(loc="best", frameon=False)
    return ax


def confusion_by_blog(
    y: ArrayLike, label: ArrayLike, blogs: Iterable[Hashable], *, ax: Axes | None = None
) -> Axes:
    """Draw how the ham and the spam of each blog were labelled.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    label : array_like of {"ham", "unsure", "spam"}, shape (n,)
    blogs : iterable of hashable, length n

    Raises
    ------
    InputError
        Lengths that differ, other labels.
    """
    spam, _ = checked_pair(y, np.zeros(len(np.asarray(y))), "y")
    given, names = np.asarray(label).astype(str), [str(blog) for blog in blogs]
    if len(given) != len(spam) or len(names) != len(spam):
        raise InputError("y, label and blogs must have one entry for each comment.")
    if not np.isin(given, list(_COLOURS)).all():
        raise InputError('label must hold only "ham", "unsure" and "spam".')
    of = np.array(names, object)
    bars = [
        (f"{name}: {kind} ({int(chosen.sum()):,})", chosen)
        for name in dict.fromkeys(names)
        for kind, side in (("ham", ~spam), ("spam", spam))
        if (chosen := (of == name) & side).any()
    ]
    ax = _axes(ax, 7.0, 1.1 + 0.28 * len(bars))
    left = np.zeros(len(bars))
    for name, hatch in zip(_COLOURS, ("", "..", "//"), strict=True):
        shares = np.array([float((given[chosen] == name).mean()) for _, chosen in bars])
        ax.barh(range(len(bars)), shares, left=left, height=0.8, color=_COLOURS[name], hatch=hatch,
                edgecolor="white", linewidth=0.5, label=f"called {name}")  # fmt: skip
        left += shares
    ax.set_yticks(range(len(bars)), [_shortened(name) for name, _ in bars], fontsize=8)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    _percent(ax.xaxis)
    ax.set_xlabel("share of its comments (%)")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)
    ax.grid(visible=False, axis="y")
    return ax


# --- over time --------------------------------------------------------------------


def over_time(
    dates: Iterable[Any],
    log_odds: ArrayLike,
    *,
    cuts: Cuts | SpamModel | None = None,
    every: str = "M",
    ax: Axes | None = None,
) -> Axes:
    """Draw the distribution of log-odds, period by period.

    Parameters
    ----------
    dates : iterable
        Datetimes or ISO 8601; comments without a date are left out.
    log_odds : array_like, shape (n,)
    cuts : Cuts or SpamModel, optional
        Decision thresholds to mark.
    every : {"D", "W", "M", "Q", "Y"}, default "M"
        Length of a period.

    Returns
    -------
    Axes
        `ax`, or new ones. A period of fewer than 20 comments shows their number; with
        more than 36 periods the legend counts such periods.

    Raises
    ------
    InputError
        If no comment has a date, a date is a bare number, or lengths differ.
    """
    import pandas as pd

    _, scores = checked_pair(np.zeros(len(np.asarray(log_odds))), log_odds, "log_odds")
    given = pd.Series(list(dates), dtype=object)
    if len(given) != len(scores):
        raise InputError("dates and log_odds must have one entry for each comment.")
    if every not in ("D", "W", "M", "Q", "Y"):
        raise InputError('every must be "D", "W", "M", "Q" or "Y".')
    for row, date in enumerate(given):
        if isinstance(date, int | float | np.number) and not missing(date):
            raise InputError(
                f"dates, row {row}: a bare number, whose unit is unknown; convert the dates "
                "first, for example with pd.to_datetime(dates, unit='s')."
            )
    marks = _cuts_of(cuts)
    moments = pd.to_datetime(given, errors="coerce", utc=True, format="mixed").dt.tz_localize(None)
    if moments.isna().all():
        raise InputError("no comment has a date.")
    periods = moments[moments.notna()].dt.to_period(every)
    grouped = pd.Series(scores)[moments.notna()].groupby(periods)
    quantiles = pd.DataFrame({q: grouped.quantile(q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)})
    # A period without comments is a gap.
    first, last = quantiles.index[0], quantiles.index[-1]
    whole = pd.period_range(first, last, freq=every)
    quantiles = quantiles.reindex(whole)
    counts = grouped.size().reindex(whole, fill_value=0).tolist()
    # Periods are drawn edge to edge, so that a single one has a width.
    edges = np.arange(len(quantiles) + 1) - 0.5
    ax = _axes(ax, 7.5, 4.0)
    for low, high, alpha, name in ((0.05, 0.95, 0.15, "nine of ten"), (0.25, 0.75, 0.3, "half")):
        ax.stairs(quantiles[high], edges, baseline=quantiles[low].to_numpy(), fill=True, color=HAM,
                  alpha=alpha, linewidth=0, label=f"{name} of the comments")  # fmt: skip
    median = quantiles[0.5].to_numpy()
    ax.step(edges, np.append(median, median[-1]), where="post", color="black", linewidth=1.2,
            label="median")  # fmt: skip
    ax.use_sticky_edges = False
    _tell_few(ax, counts)
    for name, line in (("unsure", ":"), ("spam", "--")) if marks is not None else ():
        cut = getattr(marks, name)
        ax.axhline(
            cut, color=_COLOURS["spam"], linestyle=line, linewidth=1, label=f"{name} from here"
        )
    _few_ticks(ax, [str(period) for period in quantiles.index])
    ax.set(ylabel="log-odds of spam", title="Scores over time")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return ax


def _tell_few(ax: Axes, counts: Sequence[int], most: int = 36) -> None:
    """Show the number of comments of periods with few."""
    few = [at for at, n in enumerate(counts) if 0 < n < _FEW]
    if few and len(counts) > most:
        text = f"{len(few)} of {sum(map(bool, counts))} periods:\nfewer than {_FEW} comments"
        ax.plot([], [], linestyle="none", label=text)
        return
    for at in few:
        ax.annotate(f"{counts[at]}", (at, 0.01), xycoords=("data", "axes fraction"), fontsize=7,
                    ha="center", va="bottom", color="black",
                    bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5})  # fmt: skip
    if few:
        ax.plot([], [], linestyle="none", label=f"numbers: comments, if\nfewer than {_FEW}")


def _few_ticks(ax: Axes, names: Sequence[str], most: int = 12) -> None:
    step = max(1, -(-len(names) // most))
    ax.set_xticks(range(0, len(names), step), names[::step], rotation=45, ha="right", fontsize=8)


def drift(report: DriftReport, *, most: int = 15, ax: Axes | None = None) -> Axes:
    """Draw the columns that differ most between a reference and the present.

    Parameters
    ----------
    most : int, default 15
        Columns to show; those that moved are filled.
    """
    rows = report.table.head(most)
    moved = rows["moved"].to_numpy(bool)
    up = (rows["current"] > rows["reference"]).to_numpy(bool)
    ax = _axes(ax, 7.0, 1.1 + 0.28 * len(rows))
    drawn = ax.barh(range(len(rows)), rows["distance"].to_numpy(float), height=0.7)
    for bar, has_moved, rose in zip(drawn, moved.tolist(), up.tolist(), strict=True):
        bar.set(facecolor=(SPAM if rose else HAM) if has_moved else "white", edgecolor=GREY)
    text = [
        f"{row['reference']:.3g} → {row['current']:.3g}, p {row['p_value']:.3f}"
        for _, row in rows.iterrows()
    ]
    ax.bar_label(drawn, text, padding=3, fontsize=8)
    ax.set_yticks(range(len(rows)), [_shortened(str(name)) for name in rows.index], fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, max(0.05, 1.7 * float(rows["distance"].max())))
    ax.grid(visible=False, axis="y")
    ax.set(
        xlabel="distance of the distributions (0 to 1)",
        title=f"{len(report.moved)} of {len(report.table)} columns moved "
        "(orange: up, blue: down, empty: chance)",
    )
    ax.title.set_fontsize(10)
    return ax


def campaigns(sizes: pd.DataFrame, *, most: int = 7, ax: Axes | None = None) -> Axes:
    """Draw how many comments each campaign sent each month.

    Parameters
    ----------
    sizes : DataFrame
        From `spamguard.analysis.sizes_over_time`.
    most : int, default 7
        Campaigns to show one by one; the rest are added up.

    Raises
    ------
    InputError
        If no campaign has dates, or `most` is not 1 to 7.
    """
    if not len(sizes) or not sizes.shape[1]:
        raise InputError("no campaign has comments with dates.")
    if not 1 <= most < len(_MANY):
        raise InputError(f"most must be 1 to {len(_MANY) - 1}.")
    shown = {f"campaign {name}": sizes[name].to_numpy(float) for name in sizes.columns[:most]}
    if sizes.shape[1] > most:
        others = sizes[sizes.columns[most:]].sum(axis=1).to_numpy(float)
        shown[f"{sizes.shape[1] - most} others"] = others
    ax = _axes(ax, 7.5, 4.0)
    bottom = np.zeros(len(sizes))
    for (name, counts), colour, hatch in zip(shown.items(), _MANY, _HATCHES, strict=False):
        ax.bar(range(len(sizes)), counts, bottom=bottom, width=0.9, color=colour, hatch=hatch,
               edgecolor="white", linewidth=0.4, label=name)  # fmt: skip
        bottom += counts
    _few_ticks(ax, [str(month) for month in sizes.index])
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(ylabel="comments a month", title="Campaigns over time")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return ax
