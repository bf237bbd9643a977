"""A report measures what it says, and renders what was measured."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from spamguard import score_many
from spamguard.analysis import report as reports
from spamguard.analysis.report import (
    evaluate_attacks,
    evaluate_corpus,
    evaluate_first_labels,
    render,
)
from spamguard.corpus import check_corpus, comments_of
from spamguard.errors import CorpusError, InputError
from spamguard.evaluation.metrics import roc_auc
from spamguard.training.tricks import ATTACKS

# --- your own comments --------------------------------------------------------


def test_evaluate_corpus(model, sample):
    frame = sample.copy()
    frame.loc[frame.index[::9], "label"] = None
    result = evaluate_corpus(frame, model)
    kept = frame[frame["label"].notna()]
    spam = (kept["label"] == "spam").to_numpy()
    verdicts = [model.verdict(c) for c in comments_of(kept)]
    macro = result["macro"]
    assert result["protocol"] == "corpus"
    assert result["model"] == "tests-1"
    assert (result["comments"], result["spam"]) == (len(kept), spam.sum())
    assert (macro["n_spam"], macro["n_ham"]) == (spam.sum(), (~spam).sum())
    assert macro["auc"]["value"] == pytest.approx(
        roc_auc(spam, [v.log_odds for v in verdicts]), abs=1e-5
    )
    labels = np.array([v.label for v in verdicts])
    assert macro["spam_caught"]["value"] == pytest.approx((labels[spam] == "spam").mean(), abs=1e-5)
    assert macro["unsure"]["value"] == pytest.approx((labels == "unsure").mean(), abs=1e-5)
    brier = np.mean([(v.spam_probability - y) ** 2 for v, y in zip(verdicts, spam, strict=True)])
    assert macro["brier"]["value"] == pytest.approx(brier, abs=1e-5)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_evaluate_corpus_of_one_class(model, sample):
    macro = evaluate_corpus(sample[sample["label"] == "ham"], model)["macro"]
    assert macro["auc"]["value"] is None
    assert macro["ham_blocked"]["value"] is not None
    assert macro["n_spam"] == 0


def test_evaluate_corpus_needs_labels(model, sample):
    with pytest.raises(CorpusError, match="no labelled comments"):
        evaluate_corpus(sample.assign(label=None), model)


def test_a_plain_frame_will_do(model, sample):
    """Text and labels as 0 and 1, another index: no corpus by itself."""
    plain = pd.DataFrame(
        {"text": sample["text"].tolist(), "label": (sample["label"] == "spam").astype(int)}
    ).set_axis(["x"] * len(sample))
    result = evaluate_corpus(plain, model)
    assert result["spam"] == (sample["label"] == "spam").sum()
    assert evaluate_attacks(plain, model, most=3, progress=False)["rows"]


@pytest.fixture(scope="module")
def one_site(sample):
    return sample.drop(columns=["blog", "dataset", "post_group", "duplicate_group"])


def test_first_labels_of_a_frame_in_time_order(one_site, monkeypatch):
    learned = []
    real = reports.site_model
    monkeypatch.setattr(
        reports, "site_model", lambda b, rows, y: (learned.append(len(rows)), real(b, rows, y))[1]
    )
    shuffled = one_site.sample(frac=1, random_state=3)
    report = evaluate_first_labels(shuffled, sizes=[100, 30], progress=False)
    (row,) = report["rows"]
    assert (report["protocol"], row["blog"]) == ("labels", "own")
    assert learned == [0, 30, 100]
    later = one_site.iloc[one_site["date"].argsort(kind="stable")].iloc[100:]
    spam = later["label"] == "spam"
    assert (row["tested"], row["spam"]) == (len(later), spam.sum())
    untaught = [v.log_odds for v in score_many(comments_of(check_corpus(later)))]
    first = row["labels"]["0"]["auc"]
    assert first["value"] == pytest.approx(roc_auc(spam, untaught), abs=1e-5)
    assert first["low"] <= first["value"] <= first["high"]
    assert row["labels"]["100"] != row["labels"]["0"]
    assert report["macro"]["auc after 0"] == first["value"]
    assert "auc after 100" in str(report)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_each_blog_has_a_curve_and_one_without_dates_none(model, one_site):
    frame = one_site.assign(blog=np.repeat(["a", "b", "c"], 120))
    frame.loc[frame["blog"] == "b", "date"] = None
    report = evaluate_first_labels(frame, model, sizes=[20], progress=False)
    assert [row["blog"] for row in report["rows"]] == ["a", "c"]
    with pytest.raises(CorpusError, match="400 comments with a label and a date"):
        evaluate_first_labels(frame, model, sizes=[200], progress=False)
    with pytest.raises(CorpusError, match="both ham and spam"):
        evaluate_first_labels(frame.assign(label="ham"), model, sizes=[20], progress=False)


@pytest.mark.parametrize("sizes", [[], [0], [-5, 10], [2.5]])
def test_sizes_that_are_none(sizes, model, one_site):
    with pytest.raises(InputError, match="sizes"):
        evaluate_first_labels(one_site, model, sizes=sizes)


def test_attacks_on_a_frame(model, one_site):
    report = evaluate_attacks(one_site, model, most=15, progress=False)
    assert report["played_on"] == {"spam": 15, "ham": 15}
    assert [row["attack"] for row in report["rows"]] == ["none", *ATTACKS]
    assert report == evaluate_attacks(one_site, model, most=15, progress=False)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_attacks_tell_how_sure_they_are(model, one_site):
    report = evaluate_attacks(one_site, model, most=15, progress=False)
    for row in report["rows"]:
        for name, (low, high) in report["intervals"][row["attack"]].items():
            assert 0 <= low <= row[name] <= high <= 1
            assert low < high  # fifteen comments are never certain
    shown = str(report)
    assert shown.startswith("Played on 15 spam and 15 ham comments.")
    assert "(1.000–1.000)" not in shown
    low, high = report["intervals"]["leet"]["spam_caught"]
    assert f"({low:.3f}–{high:.3f})" in shown


def test_attacks_begin_with_what_is_untouched(one_site):
    """By the shipped model, which has not learned from these comments."""
    everything = evaluate_attacks(one_site, most=1000, progress=False)
    assert everything["played_on"] == {"spam": 161, "ham": 199}
    assert len({row["spam_caught"] for row in everything["rows"]}) > 5
    untouched = evaluate_corpus(one_site)["macro"]
    first = everything["rows"][0]
    assert first["spam_caught"] == untouched["spam_caught"]["value"]
    assert first["ham_blocked"] == untouched["ham_blocked"]["value"]
    assert first["recall_at_1pct"] == untouched["recall_at_1pct"]["value"]


def test_attacks_need_both_classes(model, one_site):
    with pytest.raises(CorpusError, match="both ham and spam"):
        evaluate_attacks(one_site[one_site["label"] == "ham"], model)
    with pytest.raises(InputError, match="most"):
        evaluate_attacks(one_site, model, most=0)


# --- what is rendered -------------------------------------------------------------


def table(text):
    """Return the Markdown tables of `text`, each as its head and its rows of cells."""
    tables = []
    for block in text.split("\n\n"):
        lines = [line for line in block.strip().splitlines() if line.startswith("|")]
        if not lines:
            continue
        cells = [
            [cell.strip() for cell in line.strip("|").replace("\\|", "\0").split("|")]
            for line in lines
        ]
        assert set("".join(cells[1])) == {"-"}
        assert len({len(row) for row in cells}) == 1, text
        tables.append((cells[0], cells[2:]))
    return tables


def shown(figure):
    if figure["value"] is None:
        return "–"
    value = f"{figure['value']:.3f}"
    if figure["low"] is None:
        return value
    return f"{value} ({figure['low']:.3f}–{figure['high']:.3f})"


def test_render_a_corpus(model, sample):
    result = evaluate_corpus(sample[sample["label"] == "ham"], model)
    ham = result["comments"]
    assert render(result).startswith(f"{ham:,} comments, 0 of them spam.\n\n|")
    ((head, rows),) = table(render(result))
    (cells,) = [dict(zip(head, row, strict=True)) for row in rows]
    assert cells["model"] == "tests-1"
    assert cells["auc"] == "–"
    assert cells["ham blocked"] == shown(result["macro"]["ham_blocked"])
