"""The protocols hold back what they say, measure every row, and render what was measured."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.protocols import __main__ as protocols
from benchmarks.protocols import accuracy, datasets, timing
from benchmarks.protocols import held_out as heldout
from benchmarks.protocols.accuracy import tubespam, unseen_blogs
from benchmarks.protocols.held_out import UNSEEN_BLOGS
from benchmarks.protocols.markdown import render_protocol as render
from spamguard import SpamClassifier
from spamguard.comment import Comment, Post
from spamguard.corpus import check_corpus, comments_of
from spamguard.corpus.catalogue import dataset_cards, load_sample
from spamguard.errors import CorpusError
from spamguard.evaluation.metrics import mcc, roc_auc
from spamguard.features import reading
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe, Settings

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
    assert not accuracy._near_duplicates(frame).any()
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
    found = pd.Series(accuracy._near_duplicates(frame)).groupby(frame["dataset"]).mean()
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
        accuracy, "load_dataset", lambda *given: (asked.append(given), frame.copy())[1]
    )
    return frame, asked


def test_tubespam_splits_by_author_and_by_video(videos, monkeypatch):
    frame, asked = videos
    frame.loc[frame.index[3::4], "duplicate_group"] = -1  # a campaign across the videos
    learned = []
    real = accuracy.learn_background
    monkeypatch.setattr(
        accuracy,
        "learn_background",
        lambda comments: (learned.append([c.text for c in comments]), real(comments))[1],
    )
    tested = []
    monkeypatch.setattr(accuracy, "mcc", lambda y, called: (tested.append(y), mcc(y, called))[1])
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


def test_a_protocol_by_its_name(capsys, tmp_path, monkeypatch):
    target = tmp_path / "speed.json"
    monkeypatch.setattr(timing, "_ROUNDS", 1)
    assert protocols.main(["speed", "--output", str(target)]) == 0
    result = json.loads(target.read_text("utf-8"))
    assert result["protocol"] == "speed"
    assert render(result) in capsys.readouterr().out


def test_protocols_share_what_is_prepared(tmp_path, monkeypatch):
    prepared = []
    monkeypatch.setattr(protocols, "RESULTS", tmp_path)
    monkeypatch.setattr(protocols, "prepare", lambda *given: prepared.append(given) or "prepared")

    def run(directory, recipe, watch, n_jobs, *, prepared):
        watch("blogs", 1, 1)
        assert (directory, n_jobs, prepared) == ("sets", 3, "prepared")
        return {"protocol": "x", "macro": {}, "rows": [{"blog": "a"}]}

    monkeypatch.setattr(protocols, "SHARED", {"one": ("", run), "two": ("", run)})
    assert protocols.main(["one", "two", "--datasets", "sets", "--jobs", "3"]) == 0
    assert len(prepared) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "two.json"]


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["labels", "speed", "--output", "x.json"]])
def test_wrong_usage(argv):
    with pytest.raises(SystemExit) as stop:
        protocols.main(argv)
    assert stop.value.code


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


# --- datasets -----------------------------------------------------------------------


def run(capsys, command, *argv):
    assert command == "datasets"
    code = protocols.main([command, *argv])
    return code, capsys.readouterr().out


@pytest.fixture
def no_sets(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SPAMGUARD_DATASETS", raising=False)


@pytest.fixture
def sets(tmp_path, no_sets):
    for name in ("modblog-haacked", "pingbacks"):
        (tmp_path / name).mkdir()
        for file in ("comments.jsonl.gz", "posts.jsonl.gz"):
            (tmp_path / name / file).write_bytes(gzip.compress(b""))
    (tmp_path / "news-foxnews").mkdir()
    return tmp_path


def test_datasets(capsys, no_sets):
    code, out = run(capsys, "datasets")
    assert code == 0
    assert "youtube-tubespam" in out
    assert "here" not in out.splitlines()[0]
    assert "--datasets" in out
    assert max(map(len, out.splitlines())) <= 80


def test_datasets_that_are_here(capsys, sets, monkeypatch):
    code, out = run(capsys, "datasets", "--datasets", str(sets))
    assert code == 0
    assert "2 of them are here." in out
    (line,) = [line for line in out.splitlines() if line.startswith("news-foxnews")]
    assert line.split()[5] == "no"
    monkeypatch.setenv("SPAMGUARD_DATASETS", str(sets))
    assert run(capsys, "datasets")[1] == out


def test_datasets_are_verified(capsys, sets, monkeypatch):
    code, out = run(capsys, "datasets", "--datasets", str(sets), "--verify")
    assert code == 1
    assert out.count("ALTERED") == 2
    monkeypatch.setattr(
        datasets, "_sha256",
        lambda path: getattr(
            datasets.dataset_cards()[path.parent.name], f"sha256_{path.name.partition('.')[0]}"
        ),
    )  # fmt: skip
    code, out = run(capsys, "datasets", "--datasets", str(sets), "--verify")
    assert code == 0
    assert out.count("verified") == 2


def test_datasets_need_a_directory_to_verify(capsys, no_sets, tmp_path):
    with pytest.raises(CorpusError, match="--datasets"):
        run(capsys, "datasets", "--verify")
    with pytest.raises(CorpusError):
        run(capsys, "datasets", "--datasets", str(tmp_path / "none"))


def test_one_dataset(capsys, sets):
    code, out = run(capsys, "datasets", "youtube-tubespam")
    assert code == 0
    assert "1,005" in out
    assert "faults" in out
    assert "here" not in out
    assert "here" in run(capsys, "datasets", "pingbacks", "--datasets", str(sets))[1]
    with pytest.raises(CorpusError, match="no set named"):
        run(capsys, "datasets", "nothing")


def test_datasets_as_json(capsys, sets):
    code, out = run(capsys, "datasets", "--json", "--datasets", str(sets))
    found = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert found["pingbacks"]["state"] == "present"
    assert found["news-foxnews"]["state"] == "absent"
    _, out = run(capsys, "datasets", "pingbacks", "--json")
    assert json.loads(out)["state"] == "unknown"
