"""Pictures: what is drawn is what was measured, all of it can be read, colours are no matter."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spamguard import InputError, Reason, Verdict
from spamguard.analysis.campaigns import Campaign, sizes_over_time
from spamguard.analysis.drift import DriftReport
from spamguard.analysis.report import Report
from spamguard.evaluation.metrics import (
    average_precision,
    clopper_pearson,
    curve_bootstrap,
    recall_at_fpr,
    reliability,
    roc_auc,
)
from spamguard.model import Cuts

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from spamguard.analysis import plots  # noqa: E402

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 400)
SCORES = Y * 2.0 + RNG.normal(size=400)
P = 1 / (1 + np.exp(-(2 * SCORES - 2)))
LABELS = np.where(SCORES > 1.8, "spam", np.where(SCORES > 0.6, "unsure", "ham"))
BLOGS = np.array(["first blog", "second blog"])[RNG.integers(0, 2, 400)]
POSTS = RNG.integers(0, 40, 400)
DATES = pd.date_range("2023-01-01", periods=400, freq="D")
CUTS = Cuts(0.6, 1.8, 3.0)
NASTY = "$\\frac{x}{$ 😀 你好 <b>\n\x1b " + "very " * 40 + "long"


def verdict():
    reasons = [Reason("links_count", 2.0, "links in the comment"), Reason("x", -1.0, NASTY)]
    reasons += [Reason("ngrams_text", 0.1 * i, f"“word{i}”") for i in range(1, 15)]
    total = -3.0 + sum(r.contribution for r in reasons)
    return Verdict(1 / (1 + math.exp(-total)), "spam", False, total, -3.0, "m-1", tuple(reasons))


def result(name):
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def drift_of(moved=3, rows=20):
    table = pd.DataFrame(
        {
            "family": "links", "unit": "share", "reference": 0.25, "current": [0.75, 0.1] * (rows // 2),
            "applies_reference": 1.0, "applies_current": 1.0, "distance": np.linspace(0.5, 0.01, rows),
            "push": 0.1, "p_value": [0.001] * moved + [1.0] * (rows - moved),
            "moved": [True] * moved + [False] * (rows - moved),
        },
        index=pd.Index([f"column_{i}" for i in range(rows)], name="name"),
    )  # fmt: skip
    return DriftReport(table, 0.01, (100, 100), (10, 10), (0.1, 0.2), 999)


def campaign_sizes(count=9):
    months = [{"2024-01": 3 + i, "2024-03": 1} for i in range(count)]
    made = [Campaign((0, 1), 1, 1, "", "", each, {}, {}, {}) for each in months]
    return sizes_over_time(made)


DRAWN = {
    "precision_recall": lambda ax, model: plots.precision_recall(
        Y, SCORES, groups=POSTS, samples=40, ax=ax
    ),
    "roc": lambda ax, model: plots.roc(Y, SCORES, groups=POSTS, samples=40, ax=ax),
    "reliability": lambda ax, model: plots.reliability(Y, P, ax=ax),
    "reliability_of": lambda ax, model: plots.reliability_of([(0.1, 0.2, 30)], ax=ax),
    "thresholds": lambda ax, model: plots.thresholds(Y, SCORES, cuts=CUTS, ax=ax),
    "contributions": lambda ax, model: plots.contributions(verdict(), ax=ax),
    "weights": lambda ax, model: plots.weights(model, ax=ax),
    "figures_by_blog": lambda ax, model: plots.figures_by_blog(result("unseen-blog"), ax=ax),
    "learning_curve": lambda ax, model: plots.learning_curve(result("labels"), ax=ax),
    "attacks": lambda ax, model: plots.attacks(result("robustness"), ax=ax),
    "confusion_by_blog": lambda ax, model: plots.confusion_by_blog(Y, LABELS, BLOGS, ax=ax),
    "over_time": lambda ax, model: plots.over_time(DATES, SCORES, cuts=CUTS, ax=ax),
    "drift": lambda ax, model: plots.drift(drift_of(), ax=ax),
    "campaigns": lambda ax, model: plots.campaigns(campaign_sizes(), ax=ax),
}
every = pytest.mark.parametrize("name", DRAWN)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_picture_is_tried():
    assert set(DRAWN) == set(plots.__all__) - {"save", "png_of"}


# --- what holds for all -----------------------------------------------------------


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(float)


def texts_of(ax):
    shown = [
        ax.title,
        ax.xaxis.label,
        ax.yaxis.label,
        *ax.texts,
        *ax.get_xticklabels(),
        *ax.get_yticklabels(),
    ]
    if ax.get_legend() is not None:
        shown += ax.get_legend().get_texts()
    return [text for text in shown if text.get_text().strip() and text.get_visible()]


def boxes_of(labels):
    return [label.get_window_extent() for label in labels if label.get_text().strip()]


@every
def test_all_of_it_is_on_the_picture_and_can_be_read(name, model):
    ax = DRAWN[name](None, model)
    figure = ax.figure
    picture = pixels(figure)
    assert picture.std() > 5  # something is drawn
    assert ax.get_title() or ax.get_xlabel()
    width, height = figure.canvas.get_width_height()
    for text in texts_of(ax):
        box = text.get_window_extent()
        inside = box.x0 >= -2 and box.y0 >= -2 and box.x1 <= width + 2 and box.y1 <= height + 2
        within_axes = text in (
            *ax.get_xticklabels(),
            *ax.get_yticklabels(),
        )  # beyond the range: not drawn
        assert inside or within_axes, text.get_text()
        assert text.get_fontsize() >= 7
    rows = boxes_of(ax.get_yticklabels())
    for a, b in pairwise(rows):
        assert not a.overlaps(b), name


@every
def test_it_draws_into_the_axes_that_are_given(name, model):
    figure = Figure(figsize=(6, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    before = len(plt.get_fignums())
    assert DRAWN[name](left, model) is left
    assert len(plt.get_fignums()) == before
    assert left.has_data()
    assert not right.has_data()


@every
def test_nothing_global_is_changed(name, model):
    before = dict(matplotlib.rcParams)
    DRAWN[name](None, model)
    assert dict(matplotlib.rcParams) == before


# What people without one of the three kinds of cones see (Viénot, Brettel and Mollon 1999; for the
# third kind red and green are kept and blue follows green).
_SEEN = {
    "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "tritanopia": [[1, 0, 0], [0, 1, 0], [0, 1, 0]],
}


@pytest.mark.parametrize("kind", _SEEN)
def test_colours_are_told_apart_by_everybody(kind):
    seen = [
        np.array(_SEEN[kind]) @ np.array(to_rgb(c)) ** 2.2
        for c in (plots.SPAM, plots.HAM, plots.UNSURE)
    ]
    for i, one in enumerate(seen):
        for other in seen[i + 1 :]:
            assert np.linalg.norm(one - other) > 0.15, kind


# --- what each of them says -------------------------------------------------------


def curve(ax, number=0):
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    return lines[number].get_xdata(), lines[number].get_ydata()


def band(ax):
    return ax.collections[0].get_paths()[0].get_extents()


def test_precision_recall_is_the_measured_one():
    ax = plots.precision_recall(Y, SCORES, samples=30)
    x, y = curve(ax)
    for share in (0.25, 0.5, 0.9):
        cut = np.sort(SCORES[Y == 1])[::-1][math.ceil(share * (Y == 1).sum()) - 1]
        expected = Y[cut <= SCORES].mean()
        assert y[np.argmin(abs(x - share))] == pytest.approx(expected)
    assert f"{average_precision(Y, SCORES):.3f}" in ax.get_legend().get_texts()[0].get_text()
    base = [line for line in ax.lines if line.get_label().startswith("_")]
    assert base[0].get_ydata()[0] == pytest.approx(Y.mean())


def test_roc_is_the_measured_one():
    ax = plots.roc(Y, SCORES, most_ham_lost=0.2, samples=30)
    x, y = curve(ax)
    for share in (0.01, 0.05, 0.2):
        assert np.interp(share, x, y) == pytest.approx(recall_at_fpr(Y, SCORES, share))
    assert x.max() == pytest.approx(0.2)
    assert f"{roc_auc(Y, SCORES):.3f}" in ax.get_legend().get_texts()[0].get_text()
    assert ax.get_xlim()[1] < 0.25


@pytest.mark.parametrize("truth", [[0, 1, 0, 1], [1, 0, 1, 0]])
def test_ties_are_not_split(truth):
    x, y = curve(plots.roc(truth, [1.0, 1.0, 0.0, 0.0], samples=0))
    # Half of the ham lost, half of the spam caught; a straight line to there, as chance is.
    np.testing.assert_allclose(np.interp([0.25, 0.5, 1.0], x, y), [0.25, 0.5, 1.0])


@pytest.mark.parametrize("scores", [SCORES, SCORES.round(), SCORES.round() > 1, SCORES * 0])
def test_the_area_drawn_is_the_area_told(scores):
    ax = plots.roc(Y, scores, samples=0)
    x, y = curve(ax)
    area = np.trapezoid(y, x)
    assert area == pytest.approx(roc_auc(Y, scores))
    assert f"area {area:.3f}" in ax.get_legend().get_texts()[0].get_text()
    part_x, part_y = curve(plots.roc(Y, scores, samples=0, most_ham_lost=0.3))
    assert part_x[-1] == 0.3
    expected = np.interp(part_x[-1], x, y)
    assert part_y[-1] == pytest.approx(expected)


def test_a_band_holds_the_curve_where_scores_tie():
    ax = plots.roc(Y, SCORES.round(), samples=100)
    low, high = curve_bootstrap(
        lambda y, s: plots._caught_at(y, s, plots._GRID), range(400), Y, SCORES.round(), samples=100
    )[1:]
    middle = np.interp(plots._GRID, *curve(ax))
    assert ((low <= middle + 1e-9) & (middle <= high + 1e-9)).all()


def test_a_few_comments_without_a_fault_are_no_certainty():
    for draw in (plots.roc, plots.precision_recall):
        told = (
            draw([0, 0, 0, 1, 1], [0.0, 0.1, 0.2, 1.0, 2.0]).get_legend().get_texts()[0].get_text()
        )
        assert told.endswith("1.000, of 2 spam, 3 ham")
        few = draw([0] * 50 + [1] * 5, SCORES[:55]).get_legend().get_texts()[0].get_text()
        assert "–" in few
        assert few.endswith("of 5 spam, 50 ham")
        assert "spam," not in draw(Y, SCORES).get_legend().get_texts()[0].get_text()


def test_bands_come_from_whole_posts():
    alone = plots.roc(Y, SCORES, samples=60)
    together = plots.roc(Y, SCORES, samples=60, groups=(SCORES > 1).astype(int))
    _, low, high = curve_bootstrap(lambda y, s: np.array([roc_auc(y, s)]), range(400), Y, SCORES)
    assert low[0] < roc_auc(Y, SCORES) < high[0]
    assert not np.allclose(
        alone.collections[0].get_paths()[0].vertices[:50],
        together.collections[0].get_paths()[0].vertices[:50],
    )
    assert not plots.roc(Y, SCORES, samples=0).collections


def test_several_curves_have_colours_of_their_own():
    ax = plots.roc(Y, SCORES, label="one", samples=0)
    plots.roc(Y, -SCORES, label="two", samples=0, ax=ax)
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert len({line.get_color() for line in lines}) == 2
    assert [line.get_label()[:3] for line in lines] == ["one", "two"]


def test_reliability_has_exact_intervals():
    ax = plots.reliability(Y, P, bins=5)
    table = reliability(Y, P, 5)
    points = ax.containers[0].lines[0].get_xydata()
    np.testing.assert_allclose(points.astype(float), [row[:2] for row in table])
    segments = ax.containers[0].lines[2][0].get_segments()
    for (_, share, n), segment in zip(table, segments, strict=True):
        np.testing.assert_allclose(segment[:, 1], clopper_pearson(round(share * n), n), atol=1e-9)
    assert [t.get_text() for t in ax.texts] == [f"{n:,}" for _, _, n in table]


def test_reliability_by_posts():
    """Bins of whole posts that agree are known as well as there are posts, not comments."""
    alone, together = (
        plots.reliability(Y, P, bins=4, groups=groups, samples=100)
        for groups in (None, np.array([P > 0.5, Y]).T @ [1, 2])
    )
    lengths = [
        np.diff([s[:, 1] for s in ax.containers[0].lines[2][0].get_segments()]).ravel()
        for ax in (alone, together)
    ]
    assert (lengths[1] > lengths[0]).all()
    sure = plots.reliability([0] * 100, [0.05] * 100, groups=[1] * 50 + [2] * 50)
    (segment,) = sure.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segment[:, 1], clopper_pearson(0, 2), atol=1e-9)


def test_the_counts_of_a_reliability_stand_clear_of_points_and_each_other():
    ax = plots.reliability_of([(0.01 + 0.07 * i, 0.05 * i, 4_886 * i + 1) for i in range(15)])
    plots.reliability_of([(0.5, 0.5, 30), (0.505, 0.6, 1_000_000)], label="other", ax=ax)
    ax.figure.canvas.draw()
    boxes = boxes_of(ax.texts)
    assert all(not a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    foot = ax.transData.transform((0, 0))[1]
    assert all(ax.bbox.y0 <= box.y0 and box.y1 < foot for box in boxes)
    assert len({bars.lines[0].get_color() for bars in ax.containers}) == 2


def test_thresholds_leave_out_languages_that_are_not_known():
    known = RNG.random(400) < 0.7
    ax = plots.thresholds(Y, SCORES, language_known=known)
    (right,) = (other for other in ax.figure.axes if other is not ax)
    for axes, of in ((ax, Y == 1), (right, Y == 0)):
        x, y = axes.lines[0].get_data()
        expected = [((cut <= SCORES) & known)[of].mean() for cut in x]
        np.testing.assert_allclose(y, expected, atol=1e-12)
    assert "none in unknown languages" in ax.get_xlabel()
    assert "whatever the language" in plots.thresholds(Y, SCORES).get_xlabel()


def test_bands_of_thresholds_come_from_whole_posts():
    alone = plots.thresholds(Y, SCORES)
    together = plots.thresholds(Y, SCORES, groups=(SCORES > 1).astype(int), samples=100)
    one, other = (ax.collections[0].get_paths()[0].vertices for ax in (alone, together))
    assert one.shape == other.shape
    assert abs(one - other).max() > 0.02


def test_thresholds_of_one_score_are_a_step():
    ax = plots.thresholds([0, 1, 1], [3.0, 3.0, 3.0])
    x, y = ax.lines[0].get_data()
    assert x[0] < 3 < x[-1]
    np.testing.assert_array_equal(y, (x <= 3).astype(float))


def test_thresholds_show_both_sides():
    ax = plots.thresholds(Y, SCORES, cuts=CUTS)
    (right,) = (other for other in ax.figure.axes if other is not ax)
    for axes, side in ((ax, SCORES[Y == 1]), (right, SCORES[Y == 0])):
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(y, [(side >= cut).mean() for cut in x])
    assert right.get_ylim()[1] < 0.2
    assert [t.get_text().strip() for t in ax.texts] == ["unsure", "spam", "discard"]
    marks = [line.get_xdata()[0] for line in ax.lines[1:]]
    assert marks == [CUTS.unsure, CUTS.spam, CUTS.discard]


def widths(ax):
    return [bar.get_width() for bar in ax.containers[0]]


def test_contributions_add_up():
    shown = verdict()
    *parts, total = widths(plots.contributions(shown, most=4))
    assert len(parts) == 6  # what is there before, four reasons, the rest
    assert sum(parts) == pytest.approx(total) == pytest.approx(shown.log_odds)


def test_signs_show_without_colour():
    ax = plots.contributions(verdict())
    for bar in ax.containers[0]:
        assert bool(bar.get_hatch()) == (bar.get_width() < 0)


def test_weights_are_those_of_the_model(model):
    ax = plots.weights(model, most=3)
    from spamguard.analysis.notebook import top_weights

    expected = [pair for pairs in top_weights(model, 3).values() for pair in pairs]
    assert [t.get_text() for t in ax.get_yticklabels()] == [name for name, _ in expected]
    assert widths(ax) == [reach for _, reach in expected]


def test_blogs_have_their_figures():
    given = result("unseen-blog")
    ax = plots.figures_by_blog(given, figure="spam_caught")
    points = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert points[:-1] == sorted(row["spam_caught"]["value"] for row in given["rows"])
    assert points[-1] == given["macro"]["spam_caught"]["value"]


def test_without_a_mean_no_blog_is_drawn_as_one():
    rows = [
        {"blog": name, "auc": {"value": value, "low": value, "high": value}}
        for name, value in (("a", 0.8), ("b", None), ("c", 0.7))
    ]
    for macro in ({}, {"auc": {"value": 0.75, "low": 0.7, "high": 0.8}}):
        ax = plots.figures_by_blog({"rows": rows, "macro": macro}, figure="auc")
        names = [t.get_text() for t in ax.get_yticklabels()]
        assert names[:3] == ["b", "c", "a"]  # from the bottom up
        diamonds = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "D"]
        assert diamonds == ([3] if macro else [])


def test_the_learning_curve_has_the_means():
    given = result("labels")
    ax = plots.learning_curve(given, figure="auc")
    (mean,) = (line for line in ax.lines if line.get_label() == "mean of the blogs")
    expected = [v for k, v in given["macro"].items() if k.startswith("auc")]
    np.testing.assert_allclose(mean.get_ydata(), expected, atol=1e-5)
    assert len(ax.lines) == len(given["rows"]) + 2


def test_the_learning_curve_of_one_site_has_its_own_intervals():
    ends = {"0": (0.5, 0.4, 0.7), "10": (0.8, 0.75, 0.9)}
    labels = {
        n: {"auc": dict(zip(("value", "low", "high"), x, strict=True))} for n, x in ends.items()
    }
    one = {"rows": [{"blog": "own", "labels": labels}]}
    ax = plots.learning_curve(one, figure="auc")
    (line,) = ax.lines
    assert line.get_label() == "this site"
    assert line.get_ydata().tolist() == [0.5, 0.8]
    assert (band(ax).y0, band(ax).y1) == (0.4, 0.9)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "10"]
    two = plots.learning_curve({"rows": one["rows"] * 2}, figure="auc")
    assert [t.get_text() for t in two.get_xticklabels()] == ["0\n(2 blogs)", "10\n(2 blogs)"]


def test_attacks_have_their_figures():
    given = result("robustness")
    ax = plots.attacks(given)
    (points,) = (line for line in ax.lines if line.get_label() == "attacked")
    figures = {row["attack"]: row["recall_at_1pct"] for row in given["rows"]}
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert [figures[name] for name in names] == points.get_xdata().tolist()
    assert set(names) == set(figures) - {"none"}


def test_attacks_have_their_intervals_and_numbers():
    rows = [{"attack": name, "auc": value} for name, value in (("none", 1.0), ("leet", 0.8))]
    given = {
        "rows": rows, "played_on": {"spam": 12, "ham": 1_300},
        "intervals": {"none": {"auc": [0.9, 1.0]}, "leet": {"auc": [0.6, 0.9]}},
    }  # fmt: skip
    ax = plots.attacks(given, figure="auc")
    (bar,) = (line for line in ax.lines if line.get_marker() == "|")
    assert list(bar.get_xdata()) == [0.6, 0.9]
    assert "12 spam, 1,300 ham" in ax.get_title()


def test_confusion_has_every_comment():
    ax = plots.confusion_by_blog(Y, LABELS, BLOGS)
    names = [t.get_text() for t in ax.get_yticklabels()]
    for row, name in enumerate(names):
        blog, _, rest = name.partition(": ")
        chosen = (blog == BLOGS) & ((rest.split()[0] == "spam") == Y)
        expected = [(LABELS[chosen] == kind).mean() for kind in ("ham", "unsure", "spam")]
        np.testing.assert_allclose([bars[row].get_width() for bars in ax.containers], expected)
        ends = np.cumsum([0.0, *expected])
        np.testing.assert_allclose(
            [bars[row].get_x() for bars in ax.containers], ends[:-1], atol=1e-9
        )
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 3


def test_scores_over_time():
    ax = plots.over_time(DATES, SCORES, every="M")
    (median,) = (line for line in ax.lines if line.get_label() == "median")
    expected = pd.Series(SCORES).groupby(DATES.to_period("M")).median()
    np.testing.assert_allclose(median.get_ydata()[:-1], expected)
    gap = plots.over_time(["2024-01-05", "2024-03-05", None, "nonsense"], [1.0, 2.0, 3.0, 4.0])
    assert np.isnan(gap.lines[0].get_ydata()[1])
    assert len(gap.lines[0].get_ydata()) == 4  # three months from edge to edge


def test_every_period_has_a_width_also_one_alone():
    for days, months in ((["2024-01-05"] * 5, 1), (["2024-01-05", *["2024-03-05"] * 4], 3)):
        ax = plots.over_time(days, [1.0, 2.0, 3.0, 4.0, 5.0])
        for patch in ax.patches:
            box = patch.get_path().get_extents()
            assert (box.x0, box.x1) == (-0.5, months - 0.5)
            assert box.height > 0
        assert ax.lines[0].get_xdata()[[0, -1]].tolist() == [-0.5, months - 0.5]


@pytest.mark.parametrize("dates", [[1_600_000_000], [1.6e9], np.array([1_600_000_000])])
def test_bare_numbers_are_no_dates(dates):
    with pytest.raises(InputError, match=r"dates, row 0: a bare number.*unit='s'"):
        plots.over_time(dates, [1.0])


def test_periods_of_few_comments_say_how_many():
    days = ["2024-01-05"] * 30 + ["2024-02-05"] * 19 + ["2024-04-05"] * 2
    ax = plots.over_time(days, np.arange(51.0))
    assert [(t.get_text(), t.xy[0]) for t in ax.texts] == [("19", 1), ("2", 3)]
    many = plots.over_time(days, np.arange(51.0), every="D")
    assert not many.texts
    told = [t.get_text() for t in many.get_legend().get_texts()]
    assert any(text.startswith("2 of 3 periods") for text in told)
    full = plots.over_time(["2024-01-05"] * 30, np.arange(30.0))
    assert len(full.get_legend().get_texts()) == 3


def test_drift_shows_what_moved_first():
    ax = plots.drift(drift_of(moved=3), most=10)
    assert widths(ax) == drift_of().table["distance"].head(10).tolist()
    filled = [to_rgb(bar.get_facecolor()[:3]) for bar in ax.containers[0]]
    white = (1.0, 1.0, 1.0)
    assert [colour == white for colour in filled] == [False] * 3 + [True] * 7
    assert filled[0] == to_rgb(plots.SPAM)  # up
    assert filled[1] == to_rgb(plots.HAM)  # down
    assert "3 of 20 columns moved" in ax.get_title()


def test_campaigns_are_stacked():
    sizes = campaign_sizes(9)
    ax = plots.campaigns(sizes, most=4)
    assert len(ax.containers) == 5
    tops = [bar.get_y() + bar.get_height() for bar in ax.containers[-1]]
    assert tops == sizes.sum(axis=1).tolist()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.roc([1, 1], [0.0, 1.0]),
        lambda: plots.roc(Y, SCORES[:-1]),
        lambda: plots.roc(Y, SCORES, most_ham_lost=0),
        lambda: plots.precision_recall([0, 0], [0.0, 1.0]),
        lambda: plots.reliability(Y, SCORES),
        lambda: plots.figures_by_blog({"rows": []}),
        lambda: plots.learning_curve({"rows": []}),
        lambda: plots.attacks({"rows": []}),
        lambda: plots.confusion_by_blog(Y, LABELS[:-1], BLOGS),
        lambda: plots.confusion_by_blog(Y, np.full(400, "bad"), BLOGS),
        lambda: plots.over_time([None], [1.0]),
        lambda: plots.over_time(DATES, SCORES[:-1]),
        lambda: plots.over_time(DATES, SCORES, every="X"),
        lambda: plots.campaigns(campaign_sizes(0)),
        lambda: plots.weights("default"),
        lambda: plots.over_time(DATES, SCORES, cuts="default"),
        lambda: plots.thresholds(Y, SCORES, cuts="default"),
        lambda: plots.thresholds(Y, SCORES, groups=POSTS[1:]),
        lambda: plots.thresholds(Y, SCORES, language_known=[True]),
        lambda: plots.reliability(Y, P, groups=POSTS[1:]),
        lambda: plots.campaigns(campaign_sizes(), most=20),
    ],
)
def test_what_cannot_be_drawn_is_told(draw):
    with pytest.raises(InputError):
        draw()


# --- files, extras, reports -------------------------------------------------------


def test_files_appear_whole_or_not_at_all(tmp_path, monkeypatch):
    ax = plots.roc(Y, SCORES, samples=0)
    plots.save(ax, tmp_path / "a.png")
    plots.save(ax, tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    with pytest.raises(InputError, match=r"\.png"):
        plots.save(ax, tmp_path / "a.exe")

    def broken(*_, **__):
        raise OSError("full")

    monkeypatch.setattr(ax.figure, "savefig", broken)
    with pytest.raises(OSError, match="full"):
        plots.save(ax, tmp_path / "a.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.svg"]


def test_a_missing_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from spamguard.errors import SpamguardError\n"
        "try:\n    import spamguard.analysis.plots\n"
        "except SpamguardError as error:\n    print(error)\n"
        "from spamguard.analysis import Report\n"
        "rows = [{'attack': 'none', 'recall_at_1pct': 0.9}]\n"
        "page = Report(protocol='robustness', macro={}, rows=rows)._repr_html_()\n"
        "print('0.900' in page, 'data:image' in page)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "This needs matplotlib: pip install 'spamguard[analysis]'",
        "True False",
    ]


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("unseen-blog", 2),
        ("labels", 1),
        ("robustness", 1),
        ("tubespam", 0),
        ("panels", 0),
        ("speed", 0),
    ],
)
def test_every_kind_of_report_shows_itself(name, pictures):
    report = Report(result(name))
    page = report._repr_html_()
    assert page.count("data:image/png;base64,") == pictures
    assert page.count("<table") >= 1
    assert "://" not in page.replace(";base64,", "")
    from spamguard.analysis.report import render

    assert f"{report}\n" == render(report) or str(report) == render(report).rstrip("\n")
    first = next(line for line in str(report).splitlines() if line.startswith("|"))
    for cell in first.strip("|").split("|"):
        assert cell.strip() in page
    assert json.loads(json.dumps(report)) == result(name)
    assert not plt.get_fignums()
