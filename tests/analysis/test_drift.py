"""Drift: quiet where nothing moved, loud where something did, posts kept together."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spamguard import Comment, InputError, Post
from spamguard.analysis import drift_report
from spamguard.analysis.drift import COLUMNS, SCORES, Measurement, compare, measure
from spamguard.cli import main
from spamguard.features import FEATURES

N_COLUMNS = len(COLUMNS)


def lot(rng, posts=60, each=5, shift=0.0, spread=0.0):
    """Made up: every column normal, with a part that the comments of a post share."""
    number = np.repeat(np.arange(posts), each)
    cells = rng.normal(size=(posts * each, N_COLUMNS))
    cells += spread * rng.normal(size=(posts, N_COLUMNS))[number]
    cells[:, 5] += shift
    return Measurement(cells.astype(np.float32), np.zeros(N_COLUMNS), number, 0.5)


def alarms(rng, runs, alone=False, **settings):
    hits = 0
    for run in range(runs):
        a, b = lot(rng, **settings), lot(rng, **settings)
        if alone:
            a, b = (replace(x, posts=np.arange(len(x.posts))) for x in (a, b))
        hits += bool(len(compare(a, b, alpha=0.05, deals=99, seed=run).moved))
    return hits


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised():
    """At 5 % and 60 reports: more than 8 would come about once in two hundred times."""
    assert alarms(np.random.default_rng(0), 60, posts=25, each=4, spread=1.0) <= 8


def test_comments_of_a_post_are_kept_together():
    """The same comments dealt out one by one cry wolf: the posts are what keeps it quiet."""
    assert alarms(np.random.default_rng(1), 12, alone=True, posts=25, each=8, spread=1.0) >= 9


def test_what_moved_is_named_and_nothing_else():
    rng = np.random.default_rng(2)
    report = compare(lot(rng), lot(rng, shift=1.0), alpha=0.01)
    assert report.moved.index.tolist() == [COLUMNS[5]]
    row = report.table.iloc[0]
    assert row.name == COLUMNS[5]
    assert row["current"] - row["reference"] == pytest.approx(1.0, abs=0.2)
    assert 0.25 < row["distance"] < 0.55  # two normals a deviation apart: 0.38
    assert row["p_value"] == pytest.approx(0.002)


def test_what_begins_to_apply_has_moved():
    rng = np.random.default_rng(3)
    a, b = lot(rng), lot(rng)
    a.cells[:, 7] = np.nan
    report = compare(a, b)
    assert report.moved.index.tolist() == [COLUMNS[7]]
    row = report.table.loc[COLUMNS[7]]
    assert (row["applies_reference"], row["applies_current"]) == (0.0, 1.0)
    assert np.isnan(row["reference"])
    assert row["distance"] == pytest.approx(1.0)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["moved"] == [COLUMNS[7]]


def test_the_same_seed_gives_the_same_report():
    rng = np.random.default_rng(4)
    a, b = lot(rng), lot(rng, shift=0.4)
    first, again = (compare(a, b, seed=1).table for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_the_order_of_the_comments_does_not_matter():
    rng = np.random.default_rng(5)
    a, b = lot(rng), lot(rng, shift=0.4)
    order = rng.permutation(len(a.posts))
    turned = replace(a, cells=a.cells[order], posts=a.posts[order])
    one, other = compare(a, b).table, compare(turned, b).table
    pd.testing.assert_series_equal(one["p_value"].sort_index(), other["p_value"].sort_index())


def test_many_posts_are_drawn_from(monkeypatch):
    monkeypatch.setattr("spamguard.analysis.drift.MOST_POSTS", 40)
    rng = np.random.default_rng(6)
    report = compare(lot(rng), lot(rng, shift=2.0))
    assert report.posts == (60, 60)
    assert report.moved.index.tolist() == [COLUMNS[5]]


def test_what_cannot_be_compared_is_told():
    rng = np.random.default_rng(7)
    with pytest.raises(InputError, match="the current comments are under 3 posts"):
        compare(lot(rng), lot(rng, posts=3))
    with pytest.raises(InputError, match="deals"):
        compare(lot(rng), lot(rng), alpha=0.01, deals=50)
    for few in (99, 198):  # no p-value would be so small
        with pytest.raises(InputError, match="199 to"):
            compare(lot(rng), lot(rng), alpha=0.01, deals=few)
    with pytest.raises(InputError, match="alpha"):
        compare(lot(rng), lot(rng), alpha=0)
    with pytest.raises(InputError, match="whole number"):
        compare(lot(rng), lot(rng), deals=999.5)


@pytest.mark.parametrize(
    ("alpha", "deals"), [(0.05, 39), (0.01, 199), (0.001, None), (0.002, None)]
)
def test_what_is_plain_can_be_told_at_every_alpha(alpha, deals):
    rng = np.random.default_rng(5)
    assert len(compare(lot(rng), lot(rng, shift=9.0), alpha=alpha, deals=deals).moved)


@pytest.mark.parametrize(
    ("columns", "posts"),
    [
        ({"post_group": [None] * 40, "post_id": [i // 4 for i in range(40)]}, 10),
        (
            {"post_id": [None] * 40, "post_url": [f"http://b.example/{i // 4}" for i in range(40)]},
            10,
        ),
        ({"post_id": [i // 4 for i in range(40)], "blog": ["a", "b"] * 20}, 20),
    ],
)
def test_posts_are_told_apart_row_by_row(model, columns, posts):
    frame = pd.DataFrame({"text": [f"comment {i}" for i in range(40)], **columns})
    assert drift_report(frame, frame, model=model, deals=99, alpha=0.05).posts == (posts, posts)


def test_lists_are_no_posts(model):
    frame = pd.DataFrame({"text": ["a"] * 20, "post_id": [["x"]] * 20})
    with pytest.raises(InputError, match="post_id"):
        drift_report(frame, frame, model=model)


# --- on comments ------------------------------------------------------------------


def test_measuring_gives_the_columns_of_the_model(model, sample_comments):
    few = sample_comments[:7]
    found = measure(few, np.arange(7), model)
    log_odds = [model.log_odds(c) for c in few]
    np.testing.assert_allclose(found.cells[:, 0], log_odds, rtol=1e-5)
    assert found.cells[:, 1].tolist() == [float(model.verdict(c).label == "spam") for c in few]
    np.testing.assert_allclose(found.parts[0], np.mean(log_odds))
    # What the columns add, and the intercept, is the mean log-odds.
    np.testing.assert_allclose(
        found.parts[len(SCORES) :].sum() + model.intercept, found.parts[0], atol=1e-6
    )


def test_spam_that_comes_in_is_noticed(sample, model):
    ham = sample[sample["label"] == "ham"].reset_index(drop=True)
    spam = sample[sample["label"] == "spam"].reset_index(drop=True)
    first, second = ham.iloc[::2], ham.iloc[1::2]
    # Each on its own: the sample has only few posts, one a blog.
    first, second, spam = (frame.assign(post_group=None) for frame in (first, second, spam))
    quiet = drift_report(first, second, model=model)
    assert quiet.moved.empty
    loud = drift_report(first, pd.concat([second, spam.head(80)]), model=model)
    assert {"log_odds", "called spam"} <= set(loud.moved.index)
    assert loud.spam_share[1] > loud.spam_share[0]
    assert loud.table.loc["log_odds", "push"] > 1
    assert "log_odds" in str(loud)
    assert "log_odds" in loud._repr_html_()
    assert repr(loud) == str(loud)
    assert str(quiet).count("\n") == 0


def test_posts_are_known_by_what_there_is(model):
    comments = [Comment(f"word{i} and more", post=Post(title=f"t{i % 9}")) for i in range(40)]
    alone = [Comment(f"word{i} and more") for i in range(40)]
    report = drift_report(comments, alone, model=model, deals=99, alpha=0.05)
    assert report.posts == (9, 40)
    frame = pd.DataFrame(
        {"text": ["a b c"] * 20, "post_id": [*range(9), *range(9), None, float("nan")]}
    )
    assert drift_report(frame, frame, model=model, deals=99, alpha=0.05).posts == (11, 11)
    nullable = frame.convert_dtypes()  # what is missing is pandas.NA
    assert drift_report(nullable, nullable, model=model, deals=99, alpha=0.05).posts == (11, 11)


@pytest.mark.parametrize("wrong", ["text", 5, Comment("x")])
def test_lists_or_frames_are_needed(model, wrong):
    with pytest.raises(InputError, match="DataFrame or a list"):
        drift_report(wrong, wrong, model=model)


def test_units_are_given_for_every_column(sample, model):
    report = drift_report(sample, sample, model=model, deals=99, alpha=0.05)
    assert set(report.table.index) == {*SCORES, *(f.name for f in FEATURES)} | {
        name for name in COLUMNS if name.startswith("ngrams_")
    }
    assert report.table["unit"].notna().all()
    assert (report.table["p_value"] == 1).all()  # a thing has not moved from itself


# --- the command ------------------------------------------------------------------


@pytest.fixture
def history(tmp_path):
    def line(i, spam):
        text = (
            f"cheap viagra order now at http://pills{i}.example"
            if spam
            else f"I tried it {i} times, thanks"
        )
        return json.dumps(
            {"text": text, "date": f"2024-{1 + i // 28:02}-{1 + i % 28:02}", "post_id": f"p{i}"}
        )

    path = tmp_path / "history.jsonl"
    path.write_text("\n".join(line(i, i >= 70) for i in range(140)), "utf-8")
    return path


def test_the_command_tells_what_moved(history, capsys):
    assert main(["drift", str(history), "--since", "2024-03-15"]) == 0
    told = capsys.readouterr().out
    assert "log_odds" in told
    assert "columns moved between 70 comments" in " ".join(told.split())
    assert main(["drift", str(history), "--since", "2024-03-15", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "log_odds" in found["moved"]
    assert len(found["columns"]) == N_COLUMNS


def test_the_command_says_so_where_nothing_moved(history, capsys):
    assert main(["drift", str(history), str(history)]) == 0
    assert "Nothing moved" in capsys.readouterr().out


def test_the_command_draws(history, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "drift.png"
    assert main(["drift", str(history), str(history), "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["drift", str(history), str(history), "--plot", str(tmp_path / "x.gif")]) == 1
    assert ".png, .svg or .pdf" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [[], ["other.jsonl", "--since", "2024-01-01"], ["--since", "soon"]]
)
def test_wrong_usage(history, options, capsys):
    with pytest.raises(SystemExit) as left:
        main(["drift", str(history), *options])
    assert left.value.code == 2


def test_no_dates(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n', "utf-8")
    assert main(["drift", str(path), "--since", "2024-01-01"]) == 1
    assert "no dates" in capsys.readouterr().err
