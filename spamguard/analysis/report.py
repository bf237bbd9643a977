"""Measure a model on labelled comments of your own, with intervals.

Everything is split by blog or by post, never by row, and nothing is tuned on test rows.
A result is plain data for a JSON file, and `render` turns it into Markdown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spamguard.analysis.notebook import markdown_tables, report_html
from spamguard.comment import Comment
from spamguard.corpus import check_corpus, comments_of_frame
from spamguard.errors import CorpusError, InputError, SpamguardError
from spamguard.evaluation import (  # fmt: skip
    Figure,
    blog_metrics,
    clopper_pearson,
    cluster_bootstrap,
    recall_at_fpr,
    reliability,
    roc_auc,
)
from spamguard.features import Rows
from spamguard.model import SpamModel, probability
from spamguard.progress import Progress, Watch, ignore_progress
from spamguard.scoring import model_of
from spamguard.training import ATTACKS, SpamClassifier

__all__ = ["Report", "evaluate_attacks", "evaluate_corpus", "evaluate_first_labels"]

_SHOWN: Final = (
    "auc", "average_precision", "recall_at_1pct", "recall_at_2pct", "mcc", "spam_caught",
    "ham_blocked", "unsure", "brier", "ece",
)  # fmt: skip

Result = dict[str, Any]
F64 = NDArray[np.float64]

LABELS: Final = (0, 10, 30, 100, 300)
_PER_BLOG: Final = 200


class Report(dict[str, Any]):
    """A result that prints as Markdown and shows tables and pictures in a notebook.

    It can be read back from a file: ``Report(json.loads(path.read_text()))``.

    Examples
    --------
    >>> rows = [{"attack": "none", "recall_at_1pct": 0.9}]
    >>> print(Report({"protocol": "robustness", "macro": {}, "rows": rows}))
    | attack | recall at 1pct |
    |---|---|
    | none | 0.900 |
    """

    def __str__(self) -> str:
        return render(self).rstrip("\n")

    def _repr_html_(self) -> str:
        """Return its tables and, where matplotlib is installed, pictures."""
        return report_html(self["protocol"], markdown_tables(render(self)), self._pictures())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Report(...)" if cycle else str(self))

    def _pictures(self) -> list[bytes]:
        try:
            from spamguard.analysis import plots
        except SpamguardError:  # without matplotlib: tables only
            return []
        drawn: list[Callable[..., Any]] = []
        if any(isinstance(row.get("auc"), dict) for row in self["rows"]):
            drawn.append(partial(plots.figures_by_blog, self))
        if self["protocol"] == "labels":
            drawn.append(partial(plots.learning_curve, self))
        if self["protocol"] == "robustness":
            drawn.append(partial(plots.attacks, self))
        if self.get("reliability"):
            bins = [(b["said"], b["was"], b["comments"]) for b in self["reliability"]]
            drawn.append(partial(plots.reliability_of, bins))
        return [plots.png_of(draw) for draw in drawn]


def reliability_rows(
    judged: Sequence[tuple[NDArray[np.bool_], NDArray[np.float64]]],
) -> list[dict[str, float]]:
    """Return the mean probability and the share of spam in ten bins over all blogs."""
    spam = np.concatenate([y for y, _ in judged]).astype(int)
    said = [probability(z) for _, log_odds in judged for z in log_odds.tolist()]
    return [
        {"said": round(mean, 4), "was": round(share, 4), "comments": n}
        for mean, share, n in reliability(spam, said, bins=10)
    ]


# --- your own comments ------------------------------------------------------------


_Model = SpamModel | str | os.PathLike[str] | None


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the labelled comments of a frame as a corpus."""
    corpus = check_corpus(frame)
    labelled = corpus[corpus["label"].notna()]
    if not len(labelled):
        raise CorpusError("no labelled comments: a column 'label' with ham or spam is needed.")
    return labelled


def evaluate_corpus(frame: pd.DataFrame, model: _Model = None) -> Report:
    """Measure a model on labelled comments of your own.

    Parameters
    ----------
    frame : DataFrame
        Comments as for `spamguard.corpus.check_corpus`; unlabelled ones are left out.
        Intervals come from resampling whole posts, so give ``post_id``.
    model : SpamModel, str or path, optional
        By default the shipped one. It must not have learned from the frame.

    Raises
    ------
    CorpusError
        If there are no labelled comments, or the frame is no corpus.
    """
    chosen, labelled = model_of(model), _labelled(frame)
    rows = chosen.vectorizer.rows(comments_of_frame(labelled), n_jobs=None, dtype=np.float32)
    spam = (labelled["label"] == "spam").to_numpy(bool)
    post = labelled["post_group"].to_numpy(str)
    result = {
        "protocol": "corpus",
        "model": chosen.title,
        "comments": len(labelled),
        "spam": int(spam.sum()),
        "macro": plain_figures(model_metrics(chosen, rows, spam, post)),
        "reliability": reliability_rows([(spam, chosen.decision_function(rows))]),
        "rows": [],
    }
    return Report(result)


def evaluate_first_labels(
    frame: pd.DataFrame,
    model: _Model = None,
    *,
    sizes: Iterable[int] = LABELS,
    progress: bool = True,
) -> Report:
    """Measure the gain from the first labels of your own site, in time order.

    A model learns the oldest comments of a blog on top of `model` and is tested on later
    ones. All models of a blog share the test comments: those after the largest of
    `sizes` that leaves at least half of them.

    Parameters
    ----------
    frame : DataFrame
        Comments as for `spamguard.corpus.check_corpus`, with ``label`` and ``date``;
        those without are left out. Each ``blog`` gets a curve; without that column all
        comments belong to one site.
    model : SpamModel, str or path, optional
        The model to start from, by default the shipped one.
    sizes : iterable of int, default (0, 10, 30, 100, 300)
        How many labels to learn from; 0 is always included.
    progress : bool
        As for `score_frame`.

    Returns
    -------
    Report
        Drawn by `spamguard.analysis.plots.learning_curve`. Intervals come from
        resampling whole posts. A blog is left out if it is too small for a size above
        0, or if its test comments have one class only.

    Raises
    ------
    CorpusError
        If no blog is left, or the frame is no corpus.
    InputError
        If the sizes are not whole numbers with one above zero.
    """
    steps = sorted({0, *sizes})
    if len(steps) < 2 or steps[0] < 0 or not all(isinstance(n, int | np.integer) for n in steps):
        raise InputError("sizes must be whole numbers, at least one of them above 0.")
    chosen, labelled = model_of(model), _labelled(frame)
    moments = pd.to_datetime(labelled["date"], errors="coerce", utc=True, format="mixed")
    dated = labelled[moments.notna().to_numpy()]
    dated = dated.iloc[moments.dropna().argsort(kind="stable")]
    rows: list[dict[str, Any]] = []
    blogs = dated.groupby("blog")
    with Progress(progress) as watch:
        for done, (blog, own) in enumerate(blogs, 1):
            row = _first_labels(own, chosen, steps)
            rows += [{"blog": str(blog), **row}] if row is not None else []
            watch("blogs", done, len(blogs))
    if not rows:
        raise CorpusError(
            f"no blog has {2 * steps[1]} comments with a label and a date, the later half of them "
            "with both ham and spam; give more comments or a smaller size."
        )
    return Report(protocol="labels", model=chosen.title, macro=_mean_after(rows, steps), rows=rows)


def _first_labels(
    own: pd.DataFrame, base: SpamModel, sizes: Sequence[int]
) -> dict[str, Any] | None:
    """Return the figures of one blog, its comments sorted by date; None if it has too few."""
    spam = (own["label"] == "spam").to_numpy(bool)
    if len(own) < 2 * sizes[1]:
        return None
    rows = base.vectorizer.rows(comments_of_frame(own), n_jobs=None, dtype=np.float32)
    steps, test, judged = curve(base, rows, spam, sizes)
    y, posts = spam[test:].astype(int), own["post_group"].tolist()[test:]
    if y.all() or not y.any():
        return None
    found = {
        str(n): plain_figures(
            {
                "auc": cluster_bootstrap(roc_auc, posts, y, log_odds),
                "recall_at_1pct": cluster_bootstrap(
                    partial(recall_at_fpr, fpr=0.01), posts, y, log_odds
                ),
            }
        )
        for n, log_odds in zip(steps, judged, strict=True)
    }
    return {"tested": len(y), "spam": int(y.sum()), "labels": found}


def _mean_after(rows: Sequence[dict[str, Any]], steps: Sequence[int]) -> dict[str, float]:
    """Return the means over the blogs with enough labels."""
    return {
        f"{key} after {n}": round(float(np.mean(values)), 5)
        for n in steps
        for key in ("auc", "recall_at_1pct")
        if (values := [r["labels"][str(n)][key]["value"] for r in rows if str(n) in r["labels"]])
    }


def evaluate_attacks(
    frame: pd.DataFrame,
    model: _Model = None,
    *,
    most: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> Report:
    """Apply spammers' tricks to your own comments and measure the cost of each.

    Every trick of `spamguard.training.tricks.ATTACKS` is applied to spam and to ham.
    Recall is taken at the threshold that loses 1 % of the untouched ham (none, below a
    hundred comments), all else at the model's thresholds.

    Parameters
    ----------
    frame : DataFrame
        Comments as for `spamguard.corpus.check_corpus`; unlabelled ones are left out.
    model : SpamModel, str or path, optional
        By default the shipped one.
    most : int, default 200
        Comments of each class to apply tricks to, drawn at random. The threshold comes
        from all of the ham.
    seed : int, default 0
        For the random choice of comments and of places in them.
    progress : bool
        As for `score_frame`.

    Returns
    -------
    Report
        Drawn by `spamguard.analysis.plots.attacks`. ``played_on`` holds the number of
        spam and ham, ``intervals`` the 95 % interval of each trick and figure, from
        resampling whole posts; where no comment differs, an exact interval over posts.

    Raises
    ------
    CorpusError
        If ham or spam is missing, or the frame is no corpus.
    InputError
        If `most` is below one.
    """
    if most < 1:
        raise InputError("most must be at least 1.")
    chosen, labelled = model_of(model), _labelled(frame)
    spam = (labelled["label"] == "spam").to_numpy(bool)
    if spam.all() or not spam.any():
        raise CorpusError("both ham and spam are needed to measure what a trick costs.")
    rng = np.random.default_rng(seed)
    both = some_of_each(spam, rng, most)
    ham = chosen.vectorizer.rows(comments_of_frame(labelled[~spam]), n_jobs=None, dtype=np.float32)
    comments = comments_of_frame(labelled.iloc[both])
    with Progress(progress) as watch:
        untouched = chosen.decision_function(ham)
        kept: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] = {}
        found = attacked(chosen, comments, spam[both], untouched, rng, watch, kept)
    posts = labelled["post_group"].to_numpy(str)
    intervals = {
        name: _attack_intervals(
            found_odds, called, spam[both], posts[both], untouched, posts[~spam]
        )
        for name, (found_odds, called) in kept.items()
    }
    played = {"spam": int(spam[both].sum()), "ham": int((~spam[both]).sum())}
    head = {"protocol": "robustness", "model": chosen.title, "played_on": played}
    return Report(head | beside_untouched(found) | {"intervals": intervals})


def _attack_intervals(
    log_odds: NDArray[np.float64],
    called: NDArray[np.bool_],
    spam: NDArray[np.bool_],
    posts: NDArray[np.str_],
    untouched: NDArray[np.float64],
    their_posts: NDArray[np.str_],
) -> dict[str, list[float]]:
    """Return the interval of each figure of an attack, with a new threshold per resample."""

    def recall(tricked: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
        if tricked.all() or not tricked.any():
            return float("nan")
        return float((scores[tricked] > cut_at_1pct(scores[~tricked])).mean())

    tricked = np.repeat([False, True], [len(untouched), spam.sum()])
    scores = np.concatenate([untouched, log_odds[spam]])
    everywhere = np.concatenate([their_posts, posts[spam]]).tolist()
    of_spam, of_ham = posts[spam].tolist(), posts[~spam].tolist()
    found = {
        "recall_at_1pct": (
            cluster_bootstrap(recall, everywhere, tricked, scores, samples=200),
            of_spam,
        ),
        "spam_caught": (cluster_bootstrap(_share_of, of_spam, called[spam], samples=200), of_spam),
        "ham_blocked": (cluster_bootstrap(_share_of, of_ham, called[~spam], samples=200), of_ham),
    }
    return {name: _ends(figure, len(set(of))) for name, (figure, of) in found.items()}


def _share_of(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean())


def _ends(figure: Figure, posts: int) -> list[float]:
    """Return the ends of an interval; an exact one over posts where all resamples agree."""
    low, high = figure.low, figure.high
    if not low < high:
        low, high = clopper_pearson(round(figure.value * posts), posts)
    return [round(low, 5), round(high, 5)]


# --- results ----------------------------------------------------------------------------


def plain_figures(figures: Mapping[str, Figure | int]) -> dict[str, Any]:
    plain = {
        name: figure.to_dict() if isinstance(figure, Figure) else figure
        for name, figure in figures.items()
    }
    return dict(rounded(plain))


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def figure_cell(figure: Any) -> str:
    if isinstance(figure, dict):
        value, low, high = figure["value"], figure["low"], figure["high"]
        if value is None:
            return "–"
        return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f}–{high:.3f})"
    return f"{figure:.3f}" if isinstance(figure, float) else str(figure)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
    ]


def render(result: Result) -> str:
    """Return a result as Markdown: a table of its figures, by blog if any, or of its rows."""
    if result.get("intervals"):
        return _attacks_table(result)
    macro = result["macro"]
    shown = [name for name in _SHOWN if isinstance(macro.get(name), dict)]
    if shown:
        return _figures_table(result, shown)
    if result["rows"]:
        return rows_table(result["rows"])
    cells = [[name.replace("_", " "), str(value)] for name, value in macro.items()]
    return "\n".join(markdown_table(["what", "measured"], cells)) + "\n"


def _attacks_table(result: Result) -> str:
    played, rows = result["played_on"], []
    for row in result["rows"]:
        figures = {
            name: {"value": row[name], "low": low, "high": high}
            for name, (low, high) in result["intervals"][row["attack"]].items()
        }
        rows.append(row | figures)
    head = f"Played on {played['spam']:,} spam and {played['ham']:,} ham comments.\n\n"
    return head + rows_table(rows)


def _figures_table(result: Result, shown: Sequence[str]) -> str:
    macro, lines = result["macro"], []
    first, whole = "blog", "**macro mean**"
    if not result["rows"]:
        first, whole = "model", result["model"]
        lines = [f"{result['comments']:,} comments, {result['spam']:,} of them spam.", ""]
    cells = [[whole, *(figure_cell(macro[name]) for name in shown)]]
    cells += [[row["blog"], *(figure_cell(row[name]) for name in shown)] for row in result["rows"]]
    lines += markdown_table([first, *(name.replace("_", " ") for name in shown)], cells)
    return "\n".join(lines) + "\n"


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as one table; a mapping within a row becomes columns."""
    flat = []
    for row in rows:
        cells: dict[str, str] = {}
        for key, value in row.items():
            if isinstance(value, dict) and "value" not in value:
                for inner, figures in value.items():
                    if isinstance(figures, dict):
                        when = f"after {inner}" if inner.isdigit() else inner
                        cells |= {f"{name} {when}": figure_cell(v) for name, v in figures.items()}
                    else:
                        cells[f"{key} {inner}"] = figure_cell(figures)
            else:
                cells[key] = ", ".join(value) if isinstance(value, list) else figure_cell(value)
        flat.append(cells)
    names = list(dict.fromkeys(name for cells in flat for name in cells))
    head = [name.replace("_", " ") for name in names]
    return "\n".join(markdown_table(head, [[c.get(n, "–") for n in names] for c in flat])) + "\n"


def curve(
    base: SpamModel, rows: Rows, spam: NDArray[np.bool_], sizes: Sequence[int]
) -> tuple[list[int], int, list[F64]]:
    """Score the later comments of a site with models that learned its first ones.

    `rows` are in time order; `sizes` rise from 0. Returns the sizes that leave at least
    half of the comments, the first test row, and the test rows' log-odds for each size.
    """
    steps = [n for n in sizes if n <= len(rows) // 2]
    test = steps[-1]
    tested = rows[np.arange(test, len(rows))]
    return (
        steps,
        test,
        [site_model(base, rows[:n], spam[:n]).decision_function(tested) for n in steps],
    )


def site_model(base: SpamModel, own: Rows, spam: NDArray[np.bool_]) -> SpamModel:
    """Return `base` after learning from some rows of one site."""
    if len(np.unique(spam)) < 2:
        return base
    fitted = SpamClassifier(base=base).fit(own, spam)
    return fitted.model_


def beside_untouched(found: Mapping[str, Mapping[str, float]]) -> Result:
    """Return the figures and the cost of every attack as rows, and the worst."""
    clean = found["none"]
    rows: list[dict[str, Any]] = [
        {
            "attack": name,
            **{key: round(value, 5) for key, value in figures.items()},
            "recall_lost": round(clean["recall_at_1pct"] - figures["recall_at_1pct"], 5),
            "ham_blocked_added": round(figures["ham_blocked"] - clean["ham_blocked"], 5),
        }
        for name, figures in found.items()
    ]
    macro = {
        "most_recall_lost": max(row["recall_lost"] for row in rows),
        "most_ham_blocked_added": max(row["ham_blocked_added"] for row in rows),
    }
    return {"macro": macro, "rows": rows}


def some_of_each(
    spam: NDArray[np.bool_], rng: np.random.Generator, most: int = _PER_BLOG
) -> NDArray[np.intp]:
    """Return at most `most` rows of spam, then of ham, drawn at random."""
    sides = (np.flatnonzero(spam), np.flatnonzero(~spam))
    return np.concatenate([np.sort(rng.permutation(rows)[:most]) for rows in sides])


def cut_at_1pct(ham: F64) -> float:
    """Return the lowest log-odds with at most 1 % of `ham` above."""
    ranked = np.sort(ham)[::-1]
    return float(ranked[int(0.01 * len(ranked))])


def attacked(
    model: SpamModel,
    comments: Sequence[Comment],
    spam: NDArray[np.bool_],
    ham: F64,
    rng: np.random.Generator,
    watch: Watch | None = None,
    kept: dict[str, tuple[F64, NDArray[np.bool_]]] | None = None,
) -> dict[str, dict[str, float]]:
    """Return the figures of `comments` under each attack, and untouched as "none".

    Recall is taken at the threshold that loses 1 % of `ham`, the log-odds of untouched
    comments. `kept` receives each comment's log-odds and whether it was called spam.
    """
    cut = cut_at_1pct(ham)
    found = {}
    for done, name in enumerate(("none", *ATTACKS), 1):
        changed = [ATTACKS[name](c, rng) for c in comments] if name in ATTACKS else comments
        rows = model.vectorizer.rows(changed, n_jobs=None, dtype=np.float32)
        log_odds = model.decision_function(rows)
        labels = model.cuts.labels(log_odds, rows.languages, model.languages)
        found[name] = {
            "recall_at_1pct": float((log_odds[spam] > cut).mean()),
            "spam_caught": float((labels[spam] == "spam").mean()),
            "ham_blocked": float((labels[~spam] == "spam").mean()),
        }
        if kept is not None:
            kept[name] = log_odds, labels == "spam"
        (watch or ignore_progress)("attacks", done, len(ATTACKS) + 1)
    return found


def model_metrics(
    model: SpamModel, rows: Rows, spam: NDArray[np.bool_], post: NDArray[Any]
) -> dict[str, Figure | int]:
    log_odds = model.decision_function(rows)
    return blog_metrics(
        spam.astype(int),
        log_odds,
        np.array([probability(z) for z in log_odds.tolist()]),
        model.cuts.labels(log_odds, rows.languages, model.languages),
        post,
    )
