"""Training: the recipe, what rows count, held-out scores, calibration, cuts and files."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, fields, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from spamguard.corpus import check_corpus, comments_of, dataset_cards
from spamguard.errors import CorpusError
from spamguard.features import Vectorizer, learn_background
from spamguard.model import Cuts
from spamguard.storage import find_model, load_model, save_model
from spamguard.training import recipe as training
from spamguard.training.recipe import (
    Material,
    Recipe,
    Settings,
    TrainingRun,
    background_of,
    blog_folds,
    calibration,
    capped,
    cuts_for,
    doubtful,
    gather,
    golden,
    learn,
    out_of_fold,
    row_weights,
    save_run,
    train_corpus,
    train_recipe,
)

SMALL = Settings(bits=12, folds=3)
SHIPPED = find_model("default") / "recipe.toml"


def facts(spam, source="s", blog="b", post="p"):
    """Return material without texts, for what only looks at labels and groups."""
    spam = np.asarray(spam, bool)
    n = len(spam)
    names = [np.broadcast_to(np.asarray(x, str), n) for x in (source, blog, post)]
    return Material(None, spam, *names, np.arange(n), np.zeros(n, bool))


@pytest.fixture(scope="module")
def material(sample, sample_comments):
    return gather(sample, learn_background(sample_comments), SMALL, [])


@pytest.fixture(scope="module")
def learned(material):
    """What `learn` makes of the sample, and every model that was fitted for it."""
    fits = []
    real = training.fit_rows

    def spy(part, settings, *families):
        model = real(part, settings, *families)
        fits.append((part, model))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fit_rows", spy)
        trained = learn(material, SMALL)
    return trained, fits


@pytest.fixture(scope="module")
def own(sample):
    """A model of the sample as a corpus of one's own."""
    return train_corpus(sample, settings=SMALL)


class SampleRecipe(Recipe):
    """A recipe whose sets are parts of the sample."""

    def load(self, directory):
        from spamguard.corpus import load_sample

        frame = load_sample()
        frame["dataset"] = [f"set-{blog[0]}" for blog in frame["blog"]]
        return frame


# --- the recipe -----------------------------------------------------------------


def test_shipped_recipe_names_known_sets_by_their_hash():
    recipe, cards = Recipe.read(SHIPPED), dataset_cards()
    assert set(recipe.sets) <= set(cards)
    for name, sha256 in recipe.sets.items():
        assert len(sha256) >= 12, name
        assert cards[name].sha256_comments.startswith(sha256), name
    assert len(recipe.sets) > 40


def test_shipped_recipe_has_a_background_of_its_own_sets():
    recipe = Recipe.read(SHIPPED)
    assert recipe.background
    assert set(recipe.background) <= set(recipe.sets)
    assert len(set(recipe.background)) == len(recipe.background)


def test_shipped_recipe_spells_out_every_setting_and_they_are_the_defaults():
    table = tomllib.loads(SHIPPED.read_text("utf-8"))
    assert list(table["settings"]) == [f.name for f in fields(Settings)]
    assert table["settings"] == asdict(Settings())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "is not a recipe"),
        ('version = "1"\n[sets]\n', "'name'"),
        ('name = "x"\nversion = "1"\n', "'sets'"),
        ('name = "x"\nversion = "1"\nsets = "all"\n', "is not a recipe"),
        ('name = "x"\nversion = "1"\n[sets]\n[settings]\ncolour = 3\n', "colour"),
        ('name = "x"\nversion = "1"\nsettings = 3\n[sets]\n', "is not a recipe"),
    ],
)
def test_a_broken_recipe_is_named(tmp_path, text, says):
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(CorpusError, match=says) as caught:
        Recipe.read(path)
    assert "mine.toml" in str(caught.value)


def test_a_recipe_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match="there is no recipe"):
        Recipe.read(tmp_path / "none.toml")
    with pytest.raises(CorpusError, match="is not a recipe"):
        Recipe.read(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="is not a recipe"):
        Recipe.read(tmp_path / "bytes.toml")


def test_a_recipe_is_read_as_written(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nversion = "3"\nbackground = ["a"]\n[settings]\nC = 7.0\n[sets]\na = "00"\n',
        "utf-8",
    )
    assert Recipe.read(path) == Recipe("mine", "3", {"a": "00"}, ("a",), Settings(C=7.0))


def test_another_version_of_a_set_is_refused_before_anything_is_read(tmp_path):
    card = dataset_cards()["youtube-tubespam"]
    right = Recipe("x", "1", {card.name: card.sha256_comments[:16]}, ())
    wrong = Recipe("x", "1", {card.name: "0" * 16}, ())
    with pytest.raises(CorpusError, match="hash 0000"):
        wrong.load(tmp_path)
    with pytest.raises(CorpusError, match=f"{card.name} is not in"):
        right.load(tmp_path)  # the hash is right; only the files are absent


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no set named"):
        Recipe("x", "1", {"nobodys-blog": "00"}, ()).load(tmp_path)


# --- material -------------------------------------------------------------------


def test_capped_bounds_each_class_of_each_set(sample):
    frame = sample.assign(dataset=["big"] * 200 + ["mid"] * 150 + ["few"] * 10)
    before = frame.groupby(["dataset", "label"]).size()
    after = capped(frame, Settings(set_cap=20))
    found = after.groupby(["dataset", "label"]).size()
    pd.testing.assert_series_equal(found, before.clip(upper=20))
    assert after.index.is_monotonic_increasing
    assert before.max() > 20 > before.min()


def test_capped_draws_and_draws_the_same_again(sample):
    once = capped(sample, Settings(set_cap=30))
    pd.testing.assert_frame_equal(once, capped(sample, Settings(set_cap=30)))
    other = capped(sample, Settings(set_cap=30, seed=2))
    assert len(other) == len(once) == 60
    assert set(once.index) != set(other.index)
    assert once["blog"].nunique() > 10  # not the first that came
    assert capped(sample, Settings()).equals(sample)


@pytest.fixture
def read(monkeypatch):
    """Keep what is vectorized instead of vectorizing it."""
    kept = []
    monkeypatch.setattr(Vectorizer, "rows", lambda _, comments, **options: kept.extend(comments))
    return kept


def test_gather_adds_bare_copies(sample, sample_comments, read):
    n = len(sample)
    made = gather(sample, np.zeros(1), Settings(bare_share=1.0, tricked_share=0.0), [])
    assert read[:n] == sample_comments
    assert made.origin.tolist() == [*range(n), *range(n)]
    assert made.bare.tolist() == [False] * n + [True] * n
    seen = set()
    for copy, whole in zip(read[n:], sample_comments, strict=True):
        assert copy.text == whole.text
        assert copy.date == whole.date
        bare = {
            "post": replace(whole, post=None),
            "address": replace(whole, author_url=None),
            "author": replace(whole, author=None, author_url=None),
            "title alone": replace(whole, post=type(whole.post)(title=whole.post.title)),
            "thread": replace(whole, post=replace(whole.post, thread=copy.post.thread))
            if copy.post is not None and copy.post.thread
            else None,
        }
        kinds = {kind for kind, other in bare.items() if copy == other}
        assert kinds or copy == whole  # the first comment of a post has no thread
        if len(kinds) == 1:
            seen |= kinds
    assert seen == {"post", "address", "author", "title alone", "thread"}


def test_gather_maps_each_row_to_its_origin(sample, read):
    made = gather(sample, np.zeros(1), Settings(tricked_share=0.0), [])
    copies = int(made.bare.sum())
    assert len(made) == len(read) == len(sample) + copies
    assert 0.15 < copies / len(sample) < 0.35
    facts = sample.iloc[made.origin]
    assert made.spam.tolist() == (facts["label"] == "spam").tolist()
    assert made.blog.tolist() == facts["blog"].tolist()
    assert made.source.tolist() == facts["dataset"].tolist()
    assert made.post.tolist() == facts["post_group"].tolist()
    assert [c.text for c in read] == facts["text"].tolist()


def test_gather_adds_tricked_copies(sample, sample_comments, read):
    n = len(sample)
    padding = ["some honest words about a garden and a river near the old mill"]
    made = gather(sample, np.zeros(1), Settings(bare_share=0.0, tricked_share=1.0), padding)
    assert made.origin.tolist() == [*range(n), *range(n)]
    assert made.bare.tolist() == [False] * n + [True] * n
    tricked = sum(copy != whole for copy, whole in zip(read[n:], sample_comments, strict=True))
    assert tricked > n / 2  # some tricks find nothing to work on
    assert any("near the old mill" in copy.text for copy in read[n:])
    assert made.spam[n:].tolist() == made.spam[:n].tolist()


def test_what_is_drawn_for_a_comment_depends_on_no_other(sample, read):
    settings = Settings(bare_share=0.0, tricked_share=1.0)
    gather(sample, np.zeros(1), settings, ["padding"])
    former = read[len(sample) :]
    read.clear()
    other = sample.copy()
    other.loc[other.index[:20], "text"] = "x"
    gather(other, np.zeros(1), settings, ["padding"])
    assert read[len(sample) + 20 :] == former[20:]


def test_gather_is_repeatable_and_can_do_without_copies(sample, read):
    first = gather(sample, np.zeros(1), Settings(), [])
    former = list(read)
    read.clear()
    again = gather(sample, np.zeros(1), Settings(), [])
    assert again.origin.tolist() == first.origin.tolist()
    assert read == former
    assert not gather(
        sample, np.zeros(1), Settings(bare_share=0.0, tricked_share=0.0), []
    ).bare.any()


def test_take_takes_every_field(material):
    part = material.take(np.array([400, 3]))
    assert len(part) == len(part.rows) == 2
    assert part.origin.tolist() == material.origin[[400, 3]].tolist()
    assert part.bare.tolist() == [True, False]
    assert part.blog[1] == material.blog[3]
    assert part.post[1] == material.post[3]
    np.testing.assert_array_equal(part.rows.dense[0], material.rows.dense[400])


def test_ham_and_spam_weigh_the_same_in_sum():
    weight = row_weights(facts([True] * 30 + [False] * 270), Settings())
    assert weight[:30].sum() == pytest.approx(150)
    assert weight[30:].sum() == pytest.approx(150)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_a_row_of_a_large_set_weighs_less(power):
    source = np.array(["large"] * 64 + ["little"] * 4 + ["spam"] * 10)
    post = np.arange(78).astype(str)
    made = facts([False] * 68 + [True] * 10, source, source, post)
    weight = row_weights(made, Settings(class_power=power))
    assert weight[0] / weight[64] == pytest.approx(16**-power)
    assert np.ptp(weight[:64]) == pytest.approx(0)


def test_the_classes_of_one_set_are_weighed_apart():
    source = np.array(["a"] * 110 + ["b"] * 10)
    spam = [False] * 100 + [True] * 10 + [True] * 10
    weight = row_weights(facts(spam, source, source, np.arange(120).astype(str)), Settings())
    assert weight[100] == pytest.approx(weight[110])  # ten spam each; a's ham counts elsewhere


def test_a_crowded_post_is_held_down():
    post = np.array(["crowd"] * 400 + ["calm"] * 100 + ["spam"] * 50)
    weight = row_weights(facts([False] * 500 + [True] * 50, post=post), Settings(post_cap=100))
    assert weight[0] / weight[400] == pytest.approx(0.5)
    weight = row_weights(facts([False] * 500 + [True] * 50, post=post), Settings(post_cap=400))
    assert weight[0] / weight[400] == pytest.approx(1.0)


def test_background_comes_from_the_named_sets(sample, sample_comments):
    frame = sample.assign(dataset=["a"] * 100 + ["b"] * 260)
    recipe = Recipe("x", "1", {"a": "", "b": ""}, ("a",))
    expected = learn_background(sample_comments[:100])
    found, padding = background_of(recipe, frame)
    np.testing.assert_array_equal(found, expected)
    ham = frame["text"][:100][frame["label"] == "ham"]
    assert set(padding) <= set(ham)
    found, padding = background_of(replace(recipe, background=()), frame)
    np.testing.assert_array_equal(found, learn_background(sample_comments))
    assert set(padding) <= set(frame.loc[frame["label"] == "ham", "text"])
    assert not np.array_equal(expected, learn_background(sample_comments))


# --- held out -------------------------------------------------------------------


def test_folds_keep_blogs_whole_and_are_of_like_size():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 200, 40)
    blog = rng.permutation(np.repeat([f"blog{i}" for i in range(40)], sizes))
    fold = blog_folds(blog, 5, seed=1)
    assert set(fold.tolist()) == set(range(5))
    for name in np.unique(blog):
        assert len(np.unique(fold[blog == name])) == 1
    filled = np.bincount(fold)
    assert np.ptp(filled) <= sizes.max() / 4
    np.testing.assert_array_equal(fold, blog_folds(blog, 5, seed=1))


def test_folds_of_equal_blogs_are_drawn():
    blog = np.repeat([f"blog{i}" for i in range(12)], 5)
    assert blog_folds(blog, 3, 1).tolist() != blog_folds(blog, 3, 2).tolist()
    assert np.bincount(blog_folds(blog, 3, 1)).tolist() == [20, 20, 20]


def test_no_more_folds_than_blogs():
    assert sorted(blog_folds(np.array(["a", "b", "a"]), 6, 1).tolist()) == [0, 0, 1]
    assert blog_folds(np.array(["a", "a"]), 6, 1).tolist() == [0, 0]


@pytest.fixture
def fits(monkeypatch):
    """Stand in for fitting: scores tell which fit gave them."""
    done = []

    def fit(part, settings, *_):
        done.append(part)
        number = float(len(done) - 1)
        return SimpleNamespace(decision_function=lambda rows: np.full(len(rows), number))

    monkeypatch.setattr(training, "fit_rows", fit)
    return done


def test_no_row_is_scored_by_a_model_that_saw_its_blog(material, fits):
    trusted = np.random.default_rng(3).random(len(material)) < 0.8
    scored = out_of_fold(material, trusted, SMALL)
    assert len(fits) == 3
    assert set(scored.tolist()) == {0.0, 1.0, 2.0}
    for number, part in enumerate(fits):
        tested = scored == number
        assert not set(part.blog) & set(material.blog[tested])
        assert not set(part.origin) & set(material.origin[tested])
        chosen = trusted & ~tested
        assert part.origin.tolist() == material.origin[chosen].tolist()
        assert part.bare.tolist() == material.bare[chosen].tolist()


@pytest.mark.parametrize("blogs", [1, 2])
def test_a_blog_or_two_are_held_out_by_post(material, fits, blogs):
    few = replace(material, blog=np.where(material.spam, "x", "y" if blogs == 2 else "x"))
    scored = out_of_fold(few, np.ones(len(few), bool), SMALL)
    for number, part in enumerate(fits):
        assert not set(part.post) & set(few.post[scored == number])


def test_nothing_to_hold_back(material):
    everything = np.ones(len(material), bool)
    alone = replace(
        material,
        blog=np.full(len(material), "x"),
        post=np.full(len(material), "p"),
    )
    with pytest.raises(CorpusError, match="too few blogs or posts"):
        out_of_fold(alone, everything, SMALL)
    # Each class in one blog: whichever is held back takes its class away.
    apart = replace(material, blog=np.where(material.spam, "x", material.blog))
    with pytest.raises(CorpusError, match="too few blogs or posts"):
        out_of_fold(apart, everything, SMALL)
    with pytest.raises(CorpusError, match="too few blogs or posts"):
        out_of_fold(material, ~material.spam, SMALL)


def test_held_out_scores_tell_spam_from_ham_and_progress_is_told(material):
    told = []
    scored = out_of_fold(
        material, np.ones(len(material), bool), SMALL, lambda *step: told.append(step)
    )
    assert told == [("folds", 1, 3), ("folds", 2, 3), ("folds", 3, 3)]
    assert scored[material.spam].mean() > 1 > -1 > scored[~material.spam].mean()


def test_doubtful_are_the_labels_strongly_contradicted():
    made = facts([True, True, True, False, False, False])
    log_odds = np.array([3.0, -2.4, -2.6, -3.0, 2.4, 2.6])
    assert doubtful(log_odds, made, Settings(doubt=2.5)).tolist() == [
        *(False, False, True),
        *(False, False, True),
    ]
    assert not doubtful(log_odds, made, Settings(doubt=9.0)).any()


@pytest.mark.parametrize("spam_rows", [10_000, 2_000])
def test_calibration_recovers_what_two_normal_classes_imply(spam_rows):
    rng = np.random.default_rng(5)
    low, high, spread = -1.0, 2.0, 1.5
    z = np.concatenate((rng.normal(low, spread, 10_000), rng.normal(high, spread, spam_rows)))
    made = facts(np.arange(len(z)) >= 10_000, post=np.arange(len(z)).astype(str))
    slope, shift = calibration(z, made, Settings())
    # The log-odds at even odds, whatever the share of spam among the rows.
    assert slope == pytest.approx((high - low) / spread**2, abs=0.08)
    assert shift == pytest.approx((low**2 - high**2) / (2 * spread**2), abs=0.08)


def test_calibration_never_turns_scores_round():
    rng = np.random.default_rng(5)
    spam = rng.random(400) < 0.5
    slope, _ = calibration(np.where(spam, -1.0, 1.0) + rng.normal(0, 1, 400), facts(spam), SMALL)
    assert 0 < slope <= 1e-3


# --- cuts -----------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.2])
def test_a_cut_loses_about_the_given_share(rate):
    rng = np.random.default_rng(7)
    ham, spam = rng.normal(-2, 1, 5_000), rng.normal(9, 1, 100)
    cut = training.blog_cut(
        np.concatenate((spam, ham)), facts([True] * 100 + [False] * 5_000), rate
    )
    assert rate - 1 / 5_000 - 1e-9 <= (ham >= cut).mean() <= rate


def test_a_cut_weighs_blogs_by_the_root_of_their_size():
    # A blog of 900 has the weight of 30, one of 9 the weight of 3.
    blog = np.array(["large"] * 900 + ["small"] * 9)
    log_odds = np.concatenate((np.linspace(-9, -8, 900), np.linspace(1, 2, 9)))
    made = facts([False] * 909, blog=blog)
    assert training.blog_cut(log_odds, made, 2.9 / 33) > 1  # not all of the small one is lost
    assert training.blog_cut(log_odds, made, 3.1 / 33) < 0


def test_a_cut_is_above_equal_scores():
    log_odds = np.array([0.0] * 50 + [1.0] * 50)
    cut = training.blog_cut(log_odds, facts([False] * 100), 0.1)
    assert not (log_odds >= cut).any()  # a part of the fifty cannot be lost
    assert training.blog_cut(log_odds, facts([False] * 100), 1.0) > 0.0
    four = np.array([3.0, 2.0, 1.0, 0.0])
    cut = training.blog_cut(four, facts([False] * 4), 0.5)
    assert (four >= cut).tolist() == [True, True, False, False]  # the whole share may be lost


def simulated(ham, spam, seed, apart=3.0):
    rng = np.random.default_rng(seed)
    log_odds = np.concatenate((rng.normal(-apart, 2, ham), rng.normal(apart, 2, spam)))
    blog = np.array([f"blog{i}" for i in rng.integers(0, 12, ham + spam)])
    return log_odds, facts(np.arange(ham + spam) >= ham, blog=blog)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ham", [60, 4_000])
@pytest.mark.parametrize("apart", [0.0, 3.0, 30.0])
def test_cuts_never_fall(seed, ham, apart):
    log_odds, made = simulated(ham, 500, seed, apart)
    cuts, report = cuts_for(log_odds, made, Settings())
    assert cuts.unsure <= cuts.spam
    assert (cuts.discard is None) == (ham == 60)
    if cuts.discard is not None:
        assert cuts.discard >= cuts.spam
        assert (log_odds[~made.spam] >= cuts.discard).mean() <= 0.001
    assert report["ham"] == ham
    assert report["spam"] == 500


def test_even_odds_are_never_called_spam_by_default():
    # Where ham lies far down, the cut that loses 1 % of it would lie there too.
    log_odds, made = simulated(400, 400, 1, apart=30.0)
    cuts, _ = cuts_for(log_odds, made, Settings())
    assert cuts.spam == 0.0
    assert cuts.label(-5.0) != "spam"


def test_unsure_ends_where_spam_begins():
    log_odds, made = simulated(400, 400, 1, apart=1.0)
    cuts, _ = cuts_for(log_odds, made, Settings(spam_ham_lost=0.1, unsure_ham_lost=0.01))
    assert cuts.unsure == cuts.spam > 0


def test_the_report_backs_the_cuts():
    log_odds, made = simulated(4_000, 500, 2)
    cuts, report = cuts_for(log_odds, made, Settings())
    caught = report["spam_caught"]
    for name in ("unsure", "spam", "discard"):
        expected = (log_odds[made.spam] >= getattr(cuts, name)).mean()
        assert caught[name] == pytest.approx(expected)
    assert caught["unsure"] >= caught["spam"] >= caught["discard"] > 0
    assert report["discard_promise"]["supported"] is True
    assert report["discard_promise"]["ham"] == 4_000
    few, report = cuts_for(*simulated(100, 100, 2), Settings())
    assert few.discard is None
    assert report["spam_caught"]["discard"] is None
    assert report["discard_promise"]["supported"] is False
    assert report["ham_needed_for_discard"] == 2_995
    json.dumps(report, allow_nan=False)


def test_discard_is_locked_where_one_blog_refutes_its_promise():
    log_odds, made = simulated(20_000, 2_000, 3, apart=6.0)
    before, report = cuts_for(log_odds, made, Settings())
    assert before.discard == report["discard_promise"]["log_odds"]  # nothing gathers anywhere
    # One blog of 300 loses six comments there, a share that all of them together may lose.
    odd = np.flatnonzero(~made.spam & (made.blog == "blog3"))[:300]
    blog = made.blog.copy()
    blog[odd] = "small"
    log_odds[odd[:6]] = before.discard + np.arange(1, 7) / 10
    cuts, report = cuts_for(log_odds, facts(made.spam, blog=blog), Settings())
    assert report["discard_promise"]["supported"]
    assert cuts.discard is None
    assert report["spam_caught"]["discard"] is None
    assert report["ham_lost_at_discard"] == {}
    # The same where the six are spread over blogs, but of one set.
    source = np.where(blog == "small", "archive", "rest")
    again, _ = cuts_for(log_odds, facts(made.spam, blog=made.blog, source=source), Settings())
    assert again.discard is None


def test_one_comment_lost_by_a_small_blog_is_chance():
    log_odds, made = simulated(20_000, 2_000, 3, apart=6.0)
    before, _ = cuts_for(log_odds, made, Settings())
    blog = made.blog.astype("<U9")
    lost = np.flatnonzero(~made.spam & (log_odds >= before.discard))[:1]
    blog[np.concatenate((lost, np.flatnonzero(~made.spam)[:99]))] = "small"
    after, _ = cuts_for(log_odds, facts(made.spam, blog=blog), Settings())
    assert after.discard == before.discard


def test_every_blog_with_ham_is_in_the_report():
    log_odds, made = simulated(4_000, 500, 2)
    cuts, report = cuts_for(log_odds, made, Settings())
    counts = report["ham_lost_at_discard"]
    assert set(counts) == set(made.blog[~made.spam].tolist())
    assert sum(n for _, n, _ in counts.values()) == 4_000
    lost = (log_odds[~made.spam] >= cuts.discard).sum()
    assert sum(k for k, _, _ in counts.values()) == lost
    json.dumps(report, allow_nan=False)


# --- learn ----------------------------------------------------------------------


def test_learn_folds_calibration_into_the_weights(learned, material):
    trained, fits = learned
    (_, raw), model = fits[-1], trained.model
    slope, shift = (trained.report["calibration"][k] for k in ("slope", "shift"))
    assert slope > 0
    assert slope != pytest.approx(1, abs=0.01)
    assert model.intercept == pytest.approx(slope * raw.intercept + shift)
    np.testing.assert_allclose(model.dense_weights, slope * raw.dense_weights)
    np.testing.assert_array_equal(model.dense_reference, raw.dense_reference)
    expected = slope * raw.decision_function(material.rows) + shift
    np.testing.assert_allclose(model.decision_function(material.rows), expected, atol=0.01)
    # What a file keeps is what is scored with.
    kept = model.ngram_weights.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(model.ngram_weights, kept)


def test_learn_fits_each_fold_twice_and_everything_once(learned, material):
    trained, fits = learned
    assert len(fits) == 2 * SMALL.folds + 1
    doubted = trained.report["held_out"]["labels_doubted"]
    whole = ~fits[-1][0].bare
    assert whole.sum() == (~material.bare).sum() - doubted["ham"] - doubted["spam"]


def test_doubted_labels_are_not_learned_from_but_counted(material):
    wrong = np.flatnonzero(~material.bare)[5]
    spam = material.spam.copy()
    spam[material.origin == material.origin[wrong]] ^= True
    parts = []
    real = training.fit_rows

    def spy(part, settings, *families):
        parts.append(part)
        return real(part, settings, *families)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fit_rows", spy)
        trained = learn(replace(material, spam=spam), replace(SMALL, doubt=0.7))
    held_out = trained.report["held_out"]
    doubted = held_out["labels_doubted"]
    assert sum(doubted.values()) > 0
    assert material.origin[wrong] not in parts[-1].origin[~parts[-1].bare]
    # Measured are all, doubted or not, and each once.
    assert held_out["ham"] + held_out["spam"] == int((~material.bare).sum())
    # The first round trusts every label, the second does not.
    assert sum(map(len, parts[:3])) == 2 * len(material)
    assert sum(map(len, parts[3:6])) < 2 * len(material)


def test_learn_makes_the_same_bytes_again(learned, material, tmp_path):
    trained, _ = learned
    again = learn(material, SMALL)
    for name, each in (("first", trained), ("second", again)):
        save_model(replace(each.model, about=each.report), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "second").iterdir())
    assert len(files) == 2
    for name in files:
        first, second = ((tmp_path / d / name).read_bytes() for d in ("first", "second"))
        assert first == second, name


def test_learn_reports_plain_json(learned):
    trained, _ = learned
    text = json.dumps(trained.report, allow_nan=False)
    report = json.loads(text)
    assert set(report) == {"calibration", "held_out", "languages"}
    assert set(report["held_out"]["spam_caught"]) == {"unsure", "spam", "discard"}
    assert report["held_out"]["spam_caught"]["spam"] > 0.5
    assert trained.model.cuts != Cuts()


def test_learn_tells_how_far_it_is(material, fits, monkeypatch, model):
    told = []
    spied = training.fit_rows
    monkeypatch.setattr(training, "fit_rows", lambda *given: (spied(*given), model)[1])
    learn(material, SMALL, watch=lambda *step: told.append(step))
    folds = [("folds", k, 3) for k in (1, 2, 3)]
    assert told == [*folds, *folds, ("fit", 0, 1), ("fit", 1, 1)]


def test_learn_needs_both_classes(material):
    with pytest.raises(CorpusError):
        learn(material.take(np.flatnonzero(material.spam)), SMALL)


# --- the two ways in ------------------------------------------------------------


def test_train_corpus(own, sample, sample_comments):
    model = own.model
    assert model.title == "mysite-1"
    assert model.vectorizer.bits == 12
    assert model.about == own.report
    assert own.report["ham"] + own.report["spam"] == len(sample)
    assert own.report["settings"] == asdict(SMALL)
    assert len(own.report["corpus_sha256"]) == 64
    assert own.report["held_out"]["labels_doubted"].keys() == {"ham", "spam"}
    json.dumps(own.report, allow_nan=False)
    spam = (sample["label"] == "spam").to_numpy()
    found = np.array([model.log_odds(c) for c in sample_comments]) >= 0
    assert (found == spam).mean() > 0.95
    np.testing.assert_array_equal(model.background, learn_background(sample_comments))


def test_train_corpus_needs_no_names_of_blogs_or_posts(sample):
    plain = check_corpus(pd.DataFrame({"text": sample["text"], "label": sample["label"]}))
    assert plain["blog"].nunique() == 1
    told = []
    trained = train_corpus(
        plain, name="plain", version="2", settings=SMALL, watch=lambda *step: told.append(step)
    )
    assert trained.model.title == "plain-2"
    assert ("fit", 1, 1) in told
    assert trained.report["corpus_sha256"]


def test_another_corpus_has_another_hash(own, sample, monkeypatch):
    measured = {name: own.report[name] for name in ("calibration", "held_out", "languages")}
    monkeypatch.setattr(training, "learn", lambda *_, **__: TrainingRun(own.model, measured))
    reports = [train_corpus(f, settings=SMALL).report for f in (sample, sample[:-1])]
    assert reports[0]["corpus_sha256"] != reports[1]["corpus_sha256"]


def test_train_corpus_refuses_too_little(sample):
    ham, spam = sample[sample["label"] == "ham"], sample[sample["label"] == "spam"]
    for few in (ham, spam, pd.concat([ham, spam[:9]]), pd.concat([ham[:9], spam]), sample[:0]):
        with pytest.raises(CorpusError, match="at least ten of each"):
            train_corpus(few, settings=SMALL)


def test_train_corpus_takes_no_comment_without_a_label_for_ham(sample):
    frame = sample.copy()
    frame.loc[frame.index[3], "label"] = None
    with pytest.raises(CorpusError, match="have no label"):
        train_corpus(frame, settings=SMALL)


def test_train_corpus_of_one_post_has_nothing_to_hold_back(sample):
    with pytest.raises(CorpusError, match="too few blogs or posts"):
        train_corpus(sample.assign(blog="b", post_group="b/p"), settings=SMALL)


def test_train_recipe(sample, own, monkeypatch):
    seen = []

    def fake(material, settings, *, watch, n_jobs):
        seen.append(material)
        watch("fit", 1, 1)
        return TrainingRun(
            own.model, {name: own.report[name] for name in ("calibration", "held_out", "languages")}
        )

    monkeypatch.setattr(training, "learn", fake)
    settings = replace(SMALL, set_cap=10)
    recipe = SampleRecipe("tiny", "4", {"set-t": "00"}, ("set-t",), settings)
    told = []
    trained = train_recipe(recipe, watch=lambda *step: told.append(step))
    assert told == [("read", 0, 1), ("read", 1, 1), ("fit", 1, 1)]
    assert trained.model.title == "tiny-4"
    about = trained.model.about
    assert about == trained.report
    assert about["sets"] == {"set-t": "00"}
    assert about["background"] == ["set-t"]
    assert about["settings"] == asdict(settings)
    json.dumps(about, allow_nan=False)
    (made,) = seen
    whole = ~made.bare
    assert about["ham"] == int((whole & ~made.spam).sum())
    assert about["spam"] == int((whole & made.spam).sum())
    sides = [made.source[whole] + np.where(made.spam[whole], "+", "-")]
    assert max(np.unique(sides, return_counts=True)[1]) == 10
    frame = capped(recipe.load(None), settings)
    expected = learn_background(comments_of(frame[frame["dataset"] == "set-t"]))
    np.testing.assert_array_equal(made.rows.background, expected)


# --- what is written ------------------------------------------------------------


def test_golden_entries(own, sample, sample_comments):
    entries = golden(own.model)
    assert len(entries) == len(range(0, len(sample), 7))
    ids = [entry["comment_id"] for entry in entries]
    assert len(set(ids)) == len(ids)
    row = dict(zip(sample["comment_id"], sample_comments, strict=True))
    labels = dict(zip(sample["comment_id"], sample["label"], strict=True))
    assert {labels[i] for i in ids} == {"ham", "spam"}
    for entry in entries:
        expected = own.model.verdict(row[entry["comment_id"]]).spam_probability
        assert entry["spam_probability"] == pytest.approx(expected, abs=1e-7)


def test_write(own, sample_comments, tmp_path):
    home = tmp_path / "mine"
    home.mkdir()
    (home / "recipe.toml").write_text("# mine\n", "utf-8")
    assert save_run(own, home) == home
    assert sorted(p.name.partition("-")[0] for p in home.iterdir()) == [
        *("golden.jsonl", "model.json", "recipe.toml", "weights"),
    ]
    assert (home / "recipe.toml").read_text("utf-8") == "# mine\n"
    text = (home / "golden.jsonl").read_text("utf-8")
    assert text.endswith("}\n")
    assert [json.loads(line) for line in text.splitlines()] == golden(own.model)

    again = load_model(home)
    assert again.title == own.model.title
    assert again.cuts == own.model.cuts
    assert json.loads(json.dumps(own.report)) == again.about
    for comment in sample_comments[::40]:
        assert again.log_odds(comment) == pytest.approx(own.model.log_odds(comment), abs=1e-9)
    assert golden(again) == golden(own.model)


def test_write_again_leaves_one_model(own, tmp_path):
    save_run(own, tmp_path)
    former = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    save_run(own, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == former
    save_run(replace(own, model=replace(own.model, intercept=9.0)), tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == former.keys()
    assert (tmp_path / "golden.jsonl").read_bytes() != former["golden.jsonl"]
