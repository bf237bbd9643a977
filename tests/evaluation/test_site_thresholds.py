"""A cut from labelled comments of one's own, and the model that acts on it."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spamguard import load_model, save_model, score, score_frame
from spamguard.corpus import check_corpus, read_corpus, texts_sha256, write_corpus
from spamguard.errors import CorpusError, InputError
from spamguard.evaluation import site_thresholds as sitecuts
from spamguard.evaluation.site_thresholds import gatherings, threshold_on, with_threshold
from spamguard.evaluation.thresholds import Promise, ham_needed
from spamguard.model import Cuts, log_odds_at_prior, probability


def corpus(ham, spam, posts=None):
    """Return a corpus whose texts are nothing but the log-odds they are to have."""
    rows = {
        "text": [repr(float(z)) for z in [*ham, *spam]],
        "label": ["ham"] * len(ham) + ["spam"] * len(spam),
    }
    if posts is not None:
        rows["post_id"] = posts
    return check_corpus(pd.DataFrame(rows))


@pytest.fixture
def told(monkeypatch):
    """Let the model give each comment the log-odds that its text says."""

    def log_odds(model, frame, watch):
        return frame["text"].astype(float).to_numpy() + model.intercept, np.ones(len(frame), bool)

    monkeypatch.setattr(sitecuts, "_log_odds", log_odds)


@pytest.fixture
def plain(model):
    return replace(model, intercept=0.0, cuts=Cuts(-1.0, 1.0, 4.0), about={}, prior=0.5)


@pytest.fixture
def simulated():
    random = np.random.default_rng(1)
    return corpus(random.normal(-2, 1, 4_000), random.normal(4, 1, 1_000))


# --- the threshold ------------------------------------------------------------------


def test_a_promise_about_ham(told, plain, simulated):
    found = threshold_on(plain, simulated, "ham_lost<=0.01")
    threshold = found.threshold
    assert threshold.supported
    assert threshold.ham == 4_000
    assert threshold.ham_lost / 4_000 < 0.01
    assert threshold.ham_lost_upper <= 0.01
    assert threshold.spam_caught > 900
    assert (found.gathered, found.broken_blogs, found.learned_from) == ((), (), False)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_promise_about_precision(told, plain, simulated):
    found = threshold_on(plain, simulated, Promise("min_precision", 0.98, 0.9), spam_share=0.3)
    assert found.threshold.supported
    assert found.threshold.precision >= 0.98
    assert found.threshold.spam_share == 0.3
    assert found.threshold.promise.confidence == 0.9


def test_too_few_comments_are_counted(told, plain):
    found = threshold_on(plain, corpus([-1.0] * 100, [3.0]), "ham_lost<=0.01")
    assert (found.threshold.supported, found.threshold.missing_ham) == (False, 199)
    with pytest.raises(InputError, match="199 more ham comments"):
        with_threshold(plain, found)


def test_the_log_odds_are_those_that_score_gives(model, sample):
    found = threshold_on(model, sample, "ham_lost<=0.05")
    copy = with_threshold(replace(model, cuts=Cuts(-99.0, 99.0)), found)
    called = score_frame(sample, model=copy)["label"] == "spam"
    assert called[sample["label"] == "ham"].sum() == found.threshold.ham_lost
    assert called[sample["label"] == "spam"].sum() == found.threshold.spam_caught


def test_progress_is_told(model, sample):
    seen = []
    threshold_on(model, sample[:20], "ham_lost<=0.05", watch=lambda *told: seen.append(told))
    assert seen == [("comments", 20, 20)]


def test_rows_without_a_label_are_passed_over(told, plain, simulated):
    more = corpus([9.0] * 50, [])
    more["label"] = None
    both = pd.concat([simulated, more], ignore_index=True)
    assert (
        threshold_on(plain, both, "ham_lost<=0.01").threshold
        == threshold_on(plain, simulated, "ham_lost<=0.01").threshold
    )
    with pytest.raises(CorpusError, match="label"):
        threshold_on(plain, more, "ham_lost<=0.01")


def test_a_promise_must_be_readable(plain, simulated):
    with pytest.raises(InputError, match="reads like"):
        threshold_on(plain, simulated, "lose little")


# --- what the model has seen -----------------------------------------------------------


def test_a_corpus_that_was_learned_from_is_recognised(told, plain, simulated, tmp_path):
    trained = replace(plain, about={"corpus_sha256": texts_sha256(simulated)})
    found = threshold_on(trained, simulated, "ham_lost<=0.01")
    assert found.learned_from
    assert not threshold_on(trained, simulated[1:], "ham_lost<=0.01").learned_from
    write_corpus(simulated, tmp_path / "again.csv")
    again = read_corpus(tmp_path / "again.csv")
    assert threshold_on(trained, again, "ham_lost<=0.01").learned_from
    with pytest.raises(InputError, match="has learned from"):
        with_threshold(trained, found, "discard")
    assert with_threshold(trained, found).about["promises"]["spam"]["learned_from"] is True


def test_a_set_of_the_recipe_is_recognised(told, plain, simulated):
    shipped = replace(plain, about={"sets": {"a-set": "abc"}})
    named = simulated.assign(dataset="a-set")
    assert threshold_on(shipped, named, "ham_lost<=0.01").learned_from
    assert not threshold_on(shipped, named.assign(dataset="b"), "ham_lost<=0.01").learned_from


# --- where the losses lie ----------------------------------------------------------------


def test_losses_under_one_post_are_named(told, plain):
    ham = [-3.0] * 2_000
    ham[:12] = [5.0 + i / 100 for i in range(12)]
    posts = ["hot" if i < 20 else f"p{i % 50}" for i in range(2_000)] + ["p1"] * 50
    found = threshold_on(plain, corpus(ham, [6.0] * 50, posts), "ham_lost<=0.01")
    (gathered,) = found.gathered
    assert (gathered.by, gathered.ham) == ("post", 20)
    assert gathered.name.endswith("hot")
    assert gathered.ham_lost == found.threshold.ham_lost > 5


def test_losses_on_one_blog_are_named_and_keep_discard_locked(told, plain):
    ham = [-3.0] * 4_000
    ham[:3] = [9.0, 9.1, 9.2]
    frame = corpus(ham, [10.0] * 50)
    frame["blog"] = ["odd"] * 60 + ["rest"] * 3_990
    found = threshold_on(plain, frame, "ham_lost<=0.002")
    assert found.threshold.ham_lost == 3
    assert [(g.by, g.name, g.ham_lost) for g in found.gathered if g.by == "blog"] == [
        ("blog", "odd", 3)
    ]
    assert found.broken_blogs == ("odd",)
    with pytest.raises(InputError, match="stricter promise"):
        with_threshold(plain, found, "discard")


def test_chance_is_seldom_called_a_gathering():
    random = np.random.default_rng(2)
    named = 0
    for _ in range(400):
        groups = random.choice(["a", "b", "c", "d", "e"], 1_000, p=[0.5, 0.3, 0.1, 0.07, 0.03])
        log_odds = random.normal(0, 1, 1_000)
        named += bool(gatherings(log_odds, np.zeros(1_000, bool), groups.tolist(), 2.0, "post"))
    assert named / 400 <= 0.06


def test_a_real_gathering_is_seldom_missed():
    random = np.random.default_rng(3)
    named = 0
    for _ in range(100):
        log_odds = np.r_[random.normal(0, 1, 1_000), random.normal(2, 1, 40)]
        groups = ["rest"] * 1_000 + ["post"] * 40
        found = gatherings(log_odds, np.zeros(1_040, bool), groups, 2.0, "post")
        named += [g.name for g in found] == ["post"]
    assert named > 95


def test_a_single_loss_gathers_nowhere():
    log_odds, groups = np.r_[3.0, np.full(500, -1.0)], ["tiny"] + ["rest"] * 500
    assert gatherings(log_odds, np.zeros(501, bool), groups, 2.0, "blog") == []
    assert gatherings(log_odds, np.zeros(501, bool), groups, math.inf, "blog") == []


# --- the model that acts on it --------------------------------------------------------------


@pytest.mark.parametrize(("action", "rate"), [("unsure", 0.5), ("spam", 0.01), ("discard", 0.0009)])
def test_one_cut_is_set_and_the_promise_recorded(told, plain, simulated, action, rate, tmp_path):
    cuts = replace(plain.cuts, **({"spam": -3.0, "unsure": -4.0} if action == "discard" else {}))
    base = replace(plain, cuts=cuts, about={"trained_on": "x", "figures": {"a": 1}, "held_out": 2})
    found = threshold_on(base, simulated, f"ham_lost<={rate}")
    copy = with_threshold(base, found, action)
    assert getattr(copy.cuts, action) == found.threshold.log_odds
    others = {"unsure", "spam", "discard"} - {action}
    assert all(getattr(copy.cuts, name) == getattr(cuts, name) for name in others)
    # What was measured at the former cuts is no longer true of this model.
    assert set(copy.about) == {"trained_on", "copy_of", "promises"}
    assert copy.about["copy_of"] == base.title
    record = copy.about["promises"][action]
    assert (record["promise"], record["ham"]) == (f"ham_lost<={rate}", 4_000)
    assert load_model(save_model(copy, tmp_path / "copy")).about == copy.about
    again = with_threshold(replace(copy, name="other"), found, action)
    assert again.about["copy_of"] == base.title


def test_a_second_promise_joins_the_first(told, plain, simulated):
    first = with_threshold(plain, threshold_on(plain, simulated, "ham_lost<=0.5"), "unsure")
    both = with_threshold(first, threshold_on(first, simulated, "ham_lost<=0.01"), "spam")
    assert set(both.about["promises"]) == {"unsure", "spam"}
    assert both.cuts.unsure < both.cuts.spam


def test_cuts_that_would_fall_are_refused_with_a_way_out(told, plain, simulated):
    cut = threshold_on(plain, simulated, "ham_lost<=0.01")  # somewhere above zero
    for cuts, action, advice in (
        (Cuts(3.0, 4.0, 9.0), "spam", "Set unsure first"),
        (Cuts(-9.0, -5.0, 9.0), "unsure", "set spam first"),
        (Cuts(3.0, 4.0, 9.0), "discard", "allow less ham lost"),
    ):
        with pytest.raises(InputError, match=advice) as refused:
            with_threshold(replace(plain, cuts=cuts), cut, action)
        assert "must rise from unsure over spam to discard" in str(refused.value)


def test_a_higher_threshold_for_spam_takes_discard_along(told, plain, simulated):
    base = replace(plain, cuts=Cuts(-9.0, -5.0, -4.0))
    found = threshold_on(base, simulated, "ham_lost<=0.01")
    copy = with_threshold(base, found)
    assert copy.cuts.discard == copy.cuts.spam == found.threshold.log_odds > -4.0


def test_discard_may_be_locked(told, plain, simulated):
    base = replace(plain, cuts=Cuts(-9.0, -5.0, -4.0), about={"promises": {"discard": {}}})
    copy = with_threshold(base, threshold_on(base, simulated, "ham_lost<=0.01"), lock_discard=True)
    assert copy.cuts.discard is None
    assert set(copy.about["promises"]) == {"spam"}
    with pytest.raises(InputError, match="both"):
        with_threshold(
            base, threshold_on(base, simulated, "ham_lost<=0.01"), "discard", lock_discard=True
        )


def test_a_discard_that_catches_nothing_is_refused(told, plain):
    found = threshold_on(plain, corpus([5.0] * 4_000, [4.5] * 50), "ham_lost<=0.001")
    assert found.threshold.supported
    with pytest.raises(InputError, match="only lose comments"):
        with_threshold(plain, found, "discard")


def test_only_known_actions(told, plain, simulated):
    with pytest.raises(InputError, match="action"):
        with_threshold(plain, threshold_on(plain, simulated, "ham_lost<=0.01"), "delete")


def test_a_threshold_holds_at_any_prior(told, plain, simulated):
    rare = plain.at_prior(0.02)
    here, there = (threshold_on(m, simulated, "ham_lost<=0.01") for m in (plain, rare))
    assert there.threshold.ham_lost == here.threshold.ham_lost
    assert there.threshold.log_odds - here.threshold.log_odds == pytest.approx(rare.intercept)
    one, other = with_threshold(plain, there), with_threshold(rare, here)
    assert (one.prior, other.prior) == (0.5, 0.02)
    assert one.cuts.spam == pytest.approx(here.threshold.log_odds)
    assert other.cuts.spam == pytest.approx(there.threshold.log_odds)


# --- the guide ------------------------------------------------------------------------------


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "thresholds.md"


def test_the_guides_examples_run(sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_corpus(sample[sample["label"].notna()], "moderated.csv")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL):
        exec(block, names)
    assert names["rare"].prior == 0.02
    assert names["found"].threshold.supported
    assert load_model("mysite-1").name == "mysite"


def test_the_guides_tables_are_right():
    text = GUIDE.read_text("utf-8")
    for rate in (0.05, 0.01, 0.005, 0.001):
        assert f"| {ham_needed(rate):,} |" in text
    for share in (0.02, 0.2, 0.5, 0.95):
        shift, high = log_odds_at_prior([0.0, math.log(99)], 0.5, share).tolist()
        row = next(line for line in text.splitlines() if line.startswith(f"| {share} |"))
        cells = [cell.strip().replace("−", "-") for cell in row.strip("|").split("|")]
        assert float(cells[1]) == pytest.approx(shift, abs=0.006)
        assert float(cells[2]) == pytest.approx(probability(shift), abs=0.0006)
        assert float(cells[3]) == pytest.approx(probability(high), abs=0.0006)


# --- languages the model does not know ----------------------------------------------

GERMAN = "Das ist aber ein sehr schöner Beitrag und ich habe ihn auch mit der Familie gelesen"
ENGLISH = "This is what I have been looking for and it is not what they said about the price"


def test_comments_in_an_unknown_language_are_only_ever_unsure(model):
    knows = replace(model, languages=frozenset({"en"}), cuts=Cuts(-99.0, 99.0))
    rows = {"text": [ENGLISH] * 300 + [GERMAN] * 20, "label": ["ham"] * 320}
    frame = check_corpus(pd.DataFrame(rows))
    spam = threshold_on(knows, frame, "ham_lost<=0.01")
    unsure = threshold_on(knows, frame, "ham_lost<=0.01", "unsure")
    english, german = (score(text, model=knows).log_odds for text in (ENGLISH, GERMAN))
    assert spam.language_unknown == unsure.language_unknown == 20
    assert (spam.threshold.ham, unsure.threshold.ham) == (300, 320)
    assert spam.threshold.log_odds == math.nextafter(english, math.inf)
    assert unsure.threshold.log_odds == math.nextafter(max(english, german), math.inf)
    with pytest.raises(InputError, match="measure it for unsure"):
        with_threshold(knows, spam, "unsure")
    assert with_threshold(knows, unsure).cuts.unsure == unsure.threshold.log_odds
