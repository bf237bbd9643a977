"""The protocols hold back what they say, measure every row, and render what was measured."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.protocols import held_out as heldout
from benchmarks.protocols import studies, timing
from benchmarks.protocols.accuracy import PROTOCOLS, tubespam, unseen_blogs
from spamguard import SpamClassifier, score_many
from spamguard.analysis import report as evaluation
from spamguard.analysis.report import (
    UNSEEN_BLOGS,
    evaluate_attacks,
    evaluate_corpus,
    evaluate_first_labels,
    render,
)
from spamguard.comment import Comment, Post
from spamguard.corpus import check_corpus, comments_of, dataset_cards, load_sample
from spamguard.errors import CorpusError, InputError
from spamguard.evaluation.metrics import mcc, roc_auc
from spamguard.features import reading
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe, Settings
from spamguard.training.tricks import ATTACKS

SETS = (
    *("modblog-a", "hamblog-a-archive", "modblog-b", "modblog-c", "modblog-d"),
    *("modblog-e", "hamblog-f", "forum-g"),
)
BLOG = {name: name.split("-")[1] for name in SETS}
TESTED = ("a", "b", "c")
SETTINGS = Settings(bits=12, folds=3, set_cap=6)


def small_world() -> pd.DataFrame:
    """Return eight sets of twenty comments: three blogs to test, one of them with an archive."""
    frame = load_sample().iloc[: 20 * len(SETS)].reset_index(drop=True)
    frame["dataset"] = np.repeat(SETS, 20)
    frame["blog"] = frame["dataset"].map(BLOG)
    return frame


class World(Recipe):
    """A recipe that needs no files."""

    def load(self, directory):
        return small_world()


class OtherWorld(Recipe):
    """The same, but blog a says other things, under labels turned round."""

    def load(self, directory):
        frame = small_world()
        own = frame["blog"] == "a"
        frame.loc[own, "text"] = [f"quite another thing, number {i}" for i in range(own.sum())]
        frame.loc[own, "label"] = frame.loc[own, "label"].map({"ham": "spam", "spam": "ham"})
        return frame


def recipe_of(kind=World, background=("hamblog-a-archive", "hamblog-f")):
    return kind("tests", "1", dict.fromkeys(SETS, "00"), background, SETTINGS)


@pytest.fixture(scope="module")
def measured():
    """A run of the protocol, with what it learned from and what it told."""
    seen, told = [], []
    real = heldout.learn

    def spy(material, settings, **options):
        trained = real(material, settings, **options)
        seen.append((material, settings, trained.model))
        return trained

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heldout, "learn", spy)
        result = unseen_blogs(
            None, recipe_of(), lambda *step: told.append(step), None, blogs=TESTED
        )
    return result, seen, told


# --- blogs never seen -----------------------------------------------------------


def test_the_tested_blogs_are_held_out_by_their_cards():
    cards = dataset_cards()
    for blog in UNSEEN_BLOGS:
        card = cards[f"modblog-{blog}"]
        assert card.group == blog  # what training leaves out by
        assert min(card.spam, card.ham) >= 20
    names = Recipe.read(find_model("default") / "recipe.toml").sets
    assert {f"modblog-{blog}" for blog in UNSEEN_BLOGS} <= set(names)


def test_archives_of_a_tested_blog_carry_its_group():
    for name, card in dataset_cards().items():
        for blog in UNSEEN_BLOGS:
            if blog in name:
                assert card.group == blog, name


def test_nothing_of_the_tested_blog_is_learned_from(measured):
    _, seen, _ = measured
    assert len(seen) == len(TESTED)
    everything = set(SETS)
    for blog, (material, settings, _) in zip(TESTED, seen, strict=True):
        assert settings == SETTINGS
        assert blog not in set(material.blog)
        assert set(material.source) == everything - {n for n in SETS if BLOG[n] == blog}
    # The archive goes with its blog, and stays where another blog is tested.
    assert "hamblog-a-archive" not in set(seen[0][0].source)
    assert "hamblog-a-archive" in set(seen[1][0].source)


def test_the_cap_binds_what_is_learned_from(measured):
    result, seen, _ = measured
    for material, _, _ in seen:
        whole = ~material.bare
        sides = material.source[whole] + np.where(material.spam[whole], "+", "-")
        assert set(np.unique(sides, return_counts=True)[1]) == {SETTINGS.set_cap}
        assert set(material.origin[~whole]) <= set(material.origin[whole])
    assert result["comments_learned_from"] == 2 * SETTINGS.set_cap * len(SETS)


def test_every_row_of_a_tested_blog_is_measured(measured):
    result, _, _ = measured
    frame = small_world()
    assert [row["blog"] for row in result["rows"]] == list(TESTED)
    for row in result["rows"]:
        labels = frame.loc[frame["dataset"] == f"modblog-{row['blog']}", "label"]
        assert row["n_spam"] == (labels == "spam").sum()
        assert row["n_ham"] == (labels == "ham").sum()
        assert row["auc"]["value"] > 0.7


def test_the_rows_are_what_the_learned_models_say(measured):
    result, seen, _ = measured
    frame = small_world()
    for row, (_, _, model) in zip(result["rows"], seen, strict=True):
        part = frame[frame["dataset"] == f"modblog-{row['blog']}"]
        spam = (part["label"] == "spam").to_numpy()
        log_odds = np.array([model.log_odds(c) for c in comments_of(part)])
        assert row["auc"]["value"] == pytest.approx(roc_auc(spam, log_odds), abs=1e-5)
        called = log_odds >= model.cuts.spam
        assert row["spam_caught"]["value"] == pytest.approx(called[spam].mean(), abs=1e-5)
        assert row["ham_blocked"]["value"] == pytest.approx(called[~spam].mean(), abs=1e-5)


@pytest.mark.parametrize("background", [("hamblog-a-archive", "hamblog-f"), ()])
def test_what_the_tested_blog_says_changes_nothing(background, monkeypatch):
    models = []
    real = heldout.learn
    monkeypatch.setattr(
        heldout, "learn", lambda *given: (trained := real(*given), models.append(trained))[0]
    )
    for kind in (World, OtherWorld):
        unseen_blogs(None, recipe_of(kind, background), blogs=("a",))
    first, second = (trained.model for trained in models)
    assert first.cuts == second.cuts
    assert first.intercept == second.intercept
    np.testing.assert_array_equal(first.background, second.background)
    np.testing.assert_array_equal(first.dense_weights, second.dense_weights)
    np.testing.assert_array_equal(first.ngram_weights, second.ngram_weights)
    assert models[0].report == models[1].report


def test_the_background_leaves_out_every_set_of_the_tested_blogs():
    frame = small_world()
    recipe = recipe_of(background=("hamblog-a-archive", "modblog-b", "hamblog-f", "forum-g"))
    found = heldout._without(recipe, ("a", "b"), frame)
    assert found.background == ("hamblog-f", "forum-g")
    assert found.sets == recipe.sets
    assert heldout._without(recipe, ("c",), frame).background == recipe.background


def test_near_duplicates_are_counted_in_other_sources_only():
    frame = small_world()
    assert not evaluation._near_duplicates(frame).any()
    spun = "whoever reads this far will know the same words from another place"
    own = "we moved the old notes over here and kept every remark below them"

    def put(name, rows, text):
        start = SETS.index(name) * 20
        frame.loc[start : start + rows - 1, "text"] = text

    put("modblog-a", 3, own)
    put("hamblog-a-archive", 2, own)  # its own archive is no other source
    put("modblog-b", 4, spun)
    put("hamblog-f", 1, f"<b>{spun.upper()}</b>!")
    frame = check_corpus(frame.drop(columns=["duplicate_group", "post_group"]))
    found = pd.Series(evaluation._near_duplicates(frame)).groupby(frame["dataset"]).mean()
    assert found[found > 0].to_dict() == {"modblog-b": 0.2, "hamblog-f": 0.05}


def test_the_macro_mean_is_the_mean_of_the_rows(measured):
    result, _, _ = measured
    for name in ("auc", "recall_at_1pct", "spam_caught", "ham_blocked", "unsure", "ece", "mcc"):
        values = [row[name]["value"] for row in result["rows"]]
        assert result["macro"][name]["value"] == pytest.approx(np.mean(values), abs=2e-5)
        assert result["macro"][name]["n"] == 3


def test_a_result_says_how_it_was_made(measured):
    result, _, told = measured
    assert result["protocol"] == "unseen-blog"
    assert result["sets"] == len(SETS)
    assert result["settings"] == asdict(SETTINGS)
    assert all(0 <= row["near_duplicates_elsewhere"] <= 1 for row in result["rows"])
    alone = result["macro_without_near_duplicates"]
    assert alone["auc"]["value"] == result["macro"]["auc"]["value"]  # there are none here
    assert sum(part["comments"] for part in result["reliability"]) == sum(
        row["n_spam"] + row["n_ham"] for row in result["rows"]
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert told == [
        *(("read", 0, 1), ("read", 1, 1)),
        *(("blogs", 1, 3), ("blogs", 2, 3), ("blogs", 3, 3)),
    ]


def test_a_blog_that_the_recipe_lacks_is_no_row_of_zeros():
    with pytest.raises(CorpusError, match="no comments of nowhere, f to test on"):
        unseen_blogs(None, recipe_of(), blogs=("a", "nowhere", "f"))
    with pytest.raises(CorpusError, match="no comments of nowhere to test on"):
        heldout.prepare(None, recipe_of(), ("a", "nowhere"))


@pytest.mark.parametrize("background", [(), ("hamblog-a-archive",), ("modblog-a", "modblog-b")])
def test_without_a_background_set_the_tested_blogs_are_still_left_out(background):
    tables = [
        heldout.prepare(None, recipe_of(kind, background), ("a", "b")).material.rows.background
        for kind in (World, OtherWorld)
    ]
    np.testing.assert_array_equal(*tables)


# --- TubeSpam -------------------------------------------------------------------


@pytest.fixture
def videos(monkeypatch):
    frame = load_sample().iloc[:80].reset_index(drop=True)
    frame["dataset"] = "youtube-tubespam"
    frame["post_title"] = [f"Video | {post}" for post in frame["post_id"]]
    frame["split"] = np.where(np.arange(80) % 20 < 14, "train", "test")
    # Newest first, and one comment of each video without a date.
    frame["date"] = [None if i % 20 == 7 else f"2020-01-{28 - i % 20:02}" for i in range(80)]
    asked = []
    monkeypatch.setattr(
        evaluation, "load_dataset", lambda *given: (asked.append(given), frame.copy())[1]
    )
    return frame, asked


def test_tubespam_splits_by_author_and_by_video(videos, monkeypatch):
    frame, asked = videos
    frame.loc[frame.index[3::4], "duplicate_group"] = -1  # a campaign across the videos
    learned = []
    real = evaluation.learn_background
    monkeypatch.setattr(
        evaluation,
        "learn_background",
        lambda comments: (learned.append([c.text for c in comments]), real(comments))[1],
    )
    tested = []
    monkeypatch.setattr(evaluation, "mcc", lambda y, called: (tested.append(y), mcc(y, called))[1])
    told = []
    result = tubespam("somewhere", recipe_of(), lambda *step: told.append(step))
    assert asked == [("youtube-tubespam", "somewhere")]
    names = list(dict.fromkeys(frame["post_id"]))
    assert told == [("videos", k, 4) for k in (1, 2, 3, 4)]
    assert [row["video"] for row in result["rows"]] == [f"Video | {name}" for name in names]
    for k, name in enumerate(names):
        here = frame["post_id"] == name
        assert learned[4 * k] == frame.loc[here & (frame["split"] == "train"), "text"].tolist()
        assert learned[4 * k + 1] == frame.loc[~here, "text"].tolist()
        rest = here & (frame["split"] == "test")
        older, newer = in_time(frame, here)
        sides = [in_time(frame, here & (frame["label"] == label)) for label in ("ham", "spam")]
        assert learned[4 * k + 2] == frame.loc[sides[0][0] | sides[1][0], "text"].tolist()
        assert learned[4 * k + 3] == frame.loc[older, "text"].tolist()
        for i, rows in enumerate((rest, here, sides[0][1] | sides[1][1], newer)):
            known = set(frame.loc[frame["text"].isin(learned[4 * k + i]), "duplicate_group"])
            copies = frame.loc[rows, "duplicate_group"].isin(known)
            y = (frame.loc[rows, "label"] == "spam").astype(int)
            whole, without = tested[2 * (4 * k + i) : 2 * (4 * k + i) + 2]
            assert whole.tolist() == y.tolist()
            assert without.tolist() == y[~copies].tolist()
            assert list(result["rows"][k].values())[i + 1]["copies"] == round(copies.mean(), 5)
    for split, macro in result["macro"].items():
        for key, value in macro.items():
            mean = np.mean([row[split][key] for row in result["rows"]])
            assert value == pytest.approx(mean, abs=2e-5)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def in_time(frame, here):
    """Return the oldest 70 % of the dated comments `here`, and the rest of them."""
    dated = frame[here & frame["date"].notna()].sort_values("date", kind="stable").index
    cut = round(0.7 * len(dated))
    every = pd.Series(frame.index, frame.index)
    return every.isin(dated[:cut]), every.isin(dated[cut:])


def test_tubespam_gives_what_the_estimator_gives(videos):
    frame, _ = videos
    row = tubespam(None, recipe_of())["rows"][0]
    here = frame["post_id"] == frame["post_id"][0]
    comments = comments_of(frame)
    spam = (frame["label"] == "spam").to_numpy()
    for split, train, test in (
        ("authors_split", here & (frame["split"] == "train"), here & (frame["split"] != "train")),
        ("leave_one_video_out", ~here, here),
        ("time_order_overall", *in_time(frame, here)),
    ):
        classifier = SpamClassifier().fit(
            [comments[i] for i in np.flatnonzero(train)], spam[train.to_numpy()]
        )
        scores = classifier.decision_function([comments[i] for i in np.flatnonzero(test)])
        y = spam[test.to_numpy()].astype(int)
        assert row[split]["mcc"] == pytest.approx(mcc(y, (scores >= 0).astype(int)), abs=1e-5)
        assert row[split]["auc"] == pytest.approx(roc_auc(y, scores), abs=1e-5)
        assert row[split]["spam_caught"] == pytest.approx((scores[y == 1] >= 0).mean(), abs=1e-5)
        assert row[split]["ham_blocked"] == pytest.approx((scores[y == 0] >= 0).mean(), abs=1e-5)


# --- a corpus of one's own --------------------------------------------------------


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
    real = studies.site_model
    monkeypatch.setattr(
        studies, "site_model", lambda b, rows, y: (learned.append(len(rows)), real(b, rows, y))[1]
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


def test_render_unseen_blogs(measured):
    result, _, _ = measured
    text = render(result)
    ((head, rows),) = table(text)
    assert text.endswith("|\n")
    assert head[0] == "blog"
    assert {"auc", "recall at 1pct", "spam caught", "ham blocked", "ece"} < set(head)
    assert [row[0] for row in rows] == ["**macro mean**", *TESTED]
    for row, figures in zip(rows, [result["macro"], *result["rows"]], strict=True):
        for name, cell in zip(head[1:], row[1:], strict=True):
            assert cell == shown(figures[name.replace(" ", "_")])


def test_render_a_corpus(model, sample):
    result = evaluate_corpus(sample[sample["label"] == "ham"], model)
    ham = result["comments"]
    assert render(result).startswith(f"{ham:,} comments, 0 of them spam.\n\n|")
    ((head, rows),) = table(render(result))
    (cells,) = [dict(zip(head, row, strict=True)) for row in rows]
    assert cells["model"] == "tests-1"
    assert cells["auc"] == "–"
    assert cells["ham blocked"] == shown(result["macro"]["ham_blocked"])


def test_render_tubespam(videos):
    result = tubespam(None, recipe_of())
    text = render(result)
    assert text.index("Authors split:") < text.index("Leave one video out:")
    tables = table(text)
    splits = ("authors_split", "leave_one_video_out", "time_order", "time_order_overall")
    for (head, rows), split in zip(tables, splits, strict=True):
        assert head == ["video", *result["macro"][split]]
        assert rows[0] == ["**mean**", *(f"{v:.3f}" for v in result["macro"][split].values())]
        for row, found in zip(rows[1:], result["rows"], strict=True):
            assert row[0].replace("\0", "|") == found["video"]
            assert row[1:] == [f"{v:.3f}" for v in found[split].values()]


def test_render_speed():
    result = {"protocol": "speed", "macro": {"comment_median_us": 512.3, "n": 7}, "rows": []}
    assert table(render(result)) == [
        (["what", "measured"], [["comment median us", "512.3"], ["n", "7"]])
    ]


def test_every_protocol_has_a_name_and_a_summary():
    assert {
        "unseen-blog",
        "tubespam",
        "labels",
        "moderation",
        "panels",
        "robustness",
        "ablation",
        "speed",
    } == set(PROTOCOLS)
    assert PROTOCOLS["unseen-blog"].run is unseen_blogs
    assert PROTOCOLS["tubespam"].run is tubespam
    assert PROTOCOLS["speed"].run is timing.speed
    assert all(p.name == name and p.summary for name, p in PROTOCOLS.items())


# --- speed ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick():
    told, judged = [], []
    real = timing._each

    def spy(judge, comments):
        judged.append(comments)
        return real(judge, comments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_ROUNDS", 1)
        patch.setattr(timing, "_each", spy)
        result = timing.speed(watch=lambda *step: told.append(step))
    return result, told, judged


def test_speed(quick):
    result, told, _ = quick
    macro = result["macro"]
    assert set(macro) == {
        *("import_load_first_score_s", "peak_memory_mb", "heavy_imports"),
        *("comment_median_us", "comment_p99_us", "comment_new_post_median_us"),
        "comments_per_second",
    }
    assert macro["heavy_imports"] == []
    assert 0 < macro["import_load_first_score_s"] < 60
    assert 5 < macro["peak_memory_mb"] < 1_000
    assert 0 < macro["comment_median_us"] <= macro["comment_p99_us"] < 10_000_000
    assert macro["comments_per_second"] > 1
    assert told == [("fresh processes", 1, 1)]
    assert result["python"] == ".".join(map(str, sys.version_info[:3]))
    assert result["numpy"] == np.__version__
    assert result["cores"] >= 1
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    ((_, rows),) = table(render(result))
    assert [row[0].replace(" ", "_") for row in rows] == list(macro)


def test_new_posts_are_new_each_time(quick):
    _, _, (seen, fresh) = quick
    assert [c.text for c in seen] == [c.text for c in fresh]
    assert [replace(c, post=None) for c in seen] == [replace(c, post=None) for c in fresh]
    posts = {c.post for c in fresh}
    # More than are remembered, so that the second round finds none of the first.
    assert len(posts) == len(fresh) > reading._POSTS._limit
    assert len({c.post for c in seen}) < reading._POSTS._limit


def test_the_memory_of_the_caller_is_not_counted():
    ballast = b"x" * 300_000_000
    assert timing._fresh_process()["peak_mb"] < 250
    assert len(ballast) == 300_000_000


def test_each_takes_the_best_of_three(monkeypatch):
    ticks = iter([0, 5, 10, 12, 20, 21, 30, 34, 40, 49, 50, 51])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    comments = [Comment("one"), Comment("two", post=Post(title="t"))]
    judged = []
    assert timing._each(judged.append, comments) == [1, 1]
    assert judged == comments * 3
