"""The main path: one comment, many, a frame; always the same verdict."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spamguard
from spamguard import (
    Comment,
    InputError,
    ModelFormatError,
    ModelNotFoundError,
    Post,
    SpamModel,
    Verdict,
    default_model,
    load_model,
    save_model,
    score,
    score_frame,
    score_many,
    scoring,
)
from spamguard.corpus import COMMENT_COLUMNS, comments_of, dataset_cards, load_dataset
from spamguard.model import Cuts, probability

POST = Post(
    title="Growing basil indoors",
    text="Basil wants six hours of light. Water it from below and pinch the tips.",
    url="https://windowsill.example/basil",
)
SPAM = Comment(
    "cheap viagra no prescription <a href='http://pills.example'>order now</a>",
    author="Best Pills",
    author_url="http://pills.example",
    post=POST,
)
HAM = Comment(
    "Mine got leggy; would a reading lamp do for the six hours?", author="Ines", post=POST
)


@pytest.fixture
def texts(sample_comments):
    return sample_comments[::9]


@pytest.fixture
def frame(sample):
    return sample.iloc[::9][["text", "author", "author_url", "date", *COMMENT_COLUMNS[4:]]]


# --- one --------------------------------------------------------------------------


def test_a_verdict_is_complete(model):
    verdict = score(SPAM, model=model)
    assert isinstance(verdict, Verdict)
    assert verdict.label == "spam"
    assert verdict.is_spam
    assert verdict.spam_probability == pytest.approx(1 / (1 + np.exp(-verdict.log_odds)))
    assert verdict.model == "tests-1"
    assert verdict.intercept == model.intercept
    assert score(HAM, model=model).label == "ham"


def test_text_and_comment_are_the_same(model):
    assert score("order pills", model=model) == score(Comment("order pills"), model=model)


def test_a_post_may_be_text_or_a_post(model):
    text = "Water basil from below."
    expected = score(Comment(HAM.text, post=Post(text=text)), model=model)
    assert score(HAM.text, text, model=model) == expected
    assert score(HAM.text, Post(text=text), model=model) == expected
    assert score(Comment(HAM.text), text, model=model) == expected
    assert score(Comment(HAM.text, post=text), model=model) == expected
    assert score(HAM.text, model=model) != expected


def test_the_post_that_is_passed_comes_before_the_comments_own(model):
    other = Post(title="Oiling hinges", text="Graphite beats oil.")
    assert score(HAM, other, model=model) == score(replace(HAM, post=other), model=model)
    assert score(HAM, None, model=model) == score(HAM, model=model)
    assert HAM.post is POST


def test_without_a_post_it_counts_for_nothing(model):
    assert score("Thanks!", model=model) == score("Thanks!", None, model=model)
    names = {r.feature for r in score(replace(HAM, post=None), model=model).reasons}
    assert "topic_similarity" not in names
    assert "topic_similarity" in {r.feature for r in score(HAM, model=model).reasons}


def test_labels_follow_the_cuts(model):
    log_odds = score(HAM, model=model).log_odds

    def judge(**cuts):
        return score(HAM, model=replace(model, cuts=Cuts(**cuts)))

    assert judge(unsure=log_odds, spam=log_odds + 1).label == "unsure"
    assert judge(unsure=np.nextafter(log_odds, 99), spam=log_odds + 1).label == "ham"
    assert judge(unsure=log_odds - 1, spam=log_odds).label == "spam"  # compared with >=
    assert not judge(unsure=log_odds - 1, spam=log_odds).discard
    assert judge(unsure=-99.0, spam=-99.0, discard=log_odds).discard
    assert not judge(unsure=-99.0, spam=-99.0, discard=np.nextafter(log_odds, 99)).discard


@pytest.mark.parametrize("log_odds", [-1e308, -800.0, -30.0, 0.0, 30.0, 800.0, 1e308])
def test_probability_of_any_log_odds(log_odds):
    found = probability(log_odds)
    assert 0 <= found <= 1
    assert found == pytest.approx(1 - probability(-log_odds))


# --- which model ------------------------------------------------------------------


def test_the_model_may_be_given_as_model_or_path(model, tmp_path):
    path = save_model(model, tmp_path / "site")
    for given in (model, path, str(path), path / "model.json"):
        assert score(SPAM, model=given) == model.verdict(SPAM)
        assert score_many([SPAM], model=given) == [model.verdict(SPAM)]
        assert score_frame(pd.DataFrame({"text": ["hi"]}), model=given)["label"].tolist() == [
            model.verdict(Comment("hi")).label
        ]


@pytest.fixture
def loads(monkeypatch):
    """Models loaded so far, by the path they were loaded from; none is kept from before."""
    seen = []
    real = scoring.load_model
    monkeypatch.setattr(scoring, "_kept", {})
    monkeypatch.setattr(scoring, "load_model", lambda path: (seen.append(path), real(path))[1])
    return seen


def test_a_model_at_a_path_is_loaded_once(model, tmp_path, monkeypatch, loads):
    path = save_model(model, tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    for given in (path, str(path), path / "model.json", "site", "./site"):
        score(SPAM, model=given)
    assert loads == [path]


def test_a_model_that_was_replaced_is_loaded_again(model, tmp_path, loads):
    path = save_model(model, tmp_path / "site")
    assert score(SPAM, model=path).model == "tests-1"
    save_model(model, path, version="2")
    assert score(SPAM, model=path).model == "tests-2"
    assert len(loads) == 2
    (path / "model.json").unlink()
    with pytest.raises(ModelNotFoundError):
        score(SPAM, model=path)


def test_a_few_models_are_kept(model, tmp_path, loads):
    paths = [save_model(model, tmp_path / str(i)) for i in range(10)]
    for path in paths:
        score(SPAM, model=path)
        score(SPAM, model=paths[0])  # always in use, so never the one to go
    assert loads == paths
    assert len(scoring._kept) == 8
    score(SPAM, model=paths[1])
    assert loads == [*paths, paths[1]]


def test_a_damaged_model_is_not_kept(model, tmp_path, loads):
    path = save_model(model, tmp_path / "site")
    whole = (path / "model.json").read_bytes()
    (path / "model.json").write_text("{}")
    with pytest.raises(ModelFormatError):
        score(SPAM, model=path)
    (path / "model.json").write_bytes(whole)
    assert score(SPAM, model=path).model == "tests-1"


def test_threads_that_come_together_load_a_path_once(model, tmp_path, loads):
    path = save_model(model, tmp_path / "site")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: score(SPAM, model=path), range(16)))
    assert len(set(found)) == 1
    assert loads == [path]


def test_an_unknown_model_is_an_error_for_all():
    calls = (score, SPAM), (score_many, [SPAM]), (score_frame, pd.DataFrame({"text": ["hi"]}))
    for call, given in calls:
        with pytest.raises(ModelNotFoundError):
            call(given, model="no such model")
        with pytest.raises(InputError):
            call(given, model=5)


def test_the_shipped_model_answers():
    model = default_model()
    assert model is default_model()
    assert isinstance(model, SpamModel)
    assert score(SPAM) == model.verdict(SPAM)
    assert score(SPAM).model == model.title
    assert score(SPAM).label == "spam"
    assert score(HAM).label == "ham"
    cuts = model.cuts
    assert cuts.unsure <= cuts.spam
    assert cuts.discard is None or cuts.discard >= cuts.spam


def test_the_default_model_is_loaded_once_by_threads_that_come_together(model, monkeypatch):
    loaded = []

    def slowly(name):
        loaded.append(name)
        time.sleep(0.2)
        return model

    monkeypatch.setattr(scoring, "_default", None)
    monkeypatch.setattr(scoring, "load_model", slowly)
    gate = threading.Barrier(8)

    def first_use(_):
        gate.wait()
        return score(SPAM)

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(first_use, range(8)))
    assert loaded == ["default"]
    assert verdicts == [model.verdict(SPAM)] * 8
    assert default_model() is model


def test_a_default_model_that_fails_is_tried_again(model, monkeypatch):
    answers = iter([ModelNotFoundError("gone"), model])

    def load(name):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(scoring, "_default", None)
    monkeypatch.setattr(scoring, "load_model", load)
    with pytest.raises(ModelNotFoundError):
        score("hi")
    assert score("hi") == model.verdict(Comment("hi"))


# --- many -------------------------------------------------------------------------


def test_alone_together_and_in_any_order(model, texts):
    alone = [score(comment, model=model) for comment in texts]
    assert score_many(texts, model=model) == alone
    assert score_many(texts[::-1], model=model) == alone[::-1]
    order = random.Random(3).sample(range(len(texts)), len(texts))
    assert score_many([texts[i] for i in order], model=model) == [alone[i] for i in order]
    assert score_many([texts[0]] * 3, model=model) == [alone[0]] * 3
    assert [v.reasons for v in score_many(texts, model=model)] == [v.reasons for v in alone]


OF_EACH_SET = 25


def test_real_comments_alone_and_in_a_batch(shared):
    names = [name for name in sorted(dataset_cards()) if (shared / name).is_dir()]
    model = load_model()
    for name in names:
        frame = load_dataset(name, shared)
        comments = comments_of(frame.iloc[:: max(1, len(frame) // OF_EACH_SET)])
        rows = model.vectorizer.rows(comments)
        together = [v.log_odds for v in score_many(comments, model=model)]
        alone = [model.vectorizer.rows([comment]) for comment in comments]
        # Named features to the last bit, NaN included; sums of n-grams may be rounded in another order.
        assert np.array_equal(np.concatenate([r.dense for r in alone]), rows.dense, equal_nan=True)
        assert [n for r in alone for n in r.columns.tolist()] == rows.columns.tolist(), name
        assert np.array_equal(np.concatenate([r.values for r in alone]), rows.values), name
        one_by_one = [score(comment, model=model).log_odds for comment in comments]
        assert together == pytest.approx(one_by_one, abs=1e-9), name
    assert len(names) > 50


def test_a_fresh_copy_of_the_model_gives_the_same(model, texts):
    warm = score_many(texts, model=model)
    cold = replace(model)
    assert score_many(texts[::-1], model=cold)[::-1] == warm


def test_a_frame_gives_the_verdicts_of_its_rows(model, sample, sample_comments):
    rows = sample.sample(40, random_state=2)
    found = score_frame(rows, model=model)
    alone = [score(sample_comments[i], model=model) for i in rows.index]
    assert found["spam_probability"].tolist() == [v.spam_probability for v in alone]
    assert found["label"].tolist() == [v.label for v in alone]
    assert found["discard"].tolist() == [v.discard for v in alone]
    assert found["log_odds"].tolist() == [v.log_odds for v in alone]
    assert {"ham", "spam"} <= set(found["label"])


def test_threads_give_the_same(model, texts):
    alone = score_many(texts, model=model)
    shared = replace(model)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: score(c, model=shared), texts * 4))
    assert answers == alone * 4


def test_any_iterable_will_do(model):
    expected = [model.verdict(Comment("one")), model.verdict(SPAM)]
    for given in (["one", SPAM], ("one", SPAM), iter(["one", SPAM]), (c for c in ["one", SPAM])):
        assert score_many(given, model=model) == expected
    assert score_many(np.array(["one", SPAM], object), model=model) == expected
    assert score_many(pd.Series(["one", SPAM], index=[7, 7]), model=model) == expected
    assert score_many([], model=model) == []


@pytest.mark.parametrize("given", ["text", b"text", SPAM, None, 5, {"a": "text"}, POST, object()])
def test_many_needs_many(given):
    with pytest.raises(InputError, match=r"score\(\)"):
        score_many(given)


def test_many_sends_a_frame_to_score_frame():
    with pytest.raises(InputError, match="score_frame"):
        score_many(pd.DataFrame({"text": ["hi"]}))


@pytest.mark.parametrize("wrong", [None, 5, b"text", float("nan"), POST, ["text"]])
def test_one_of_many_that_is_no_comment(model, wrong):
    with pytest.raises(InputError, match=type(wrong).__name__):
        score_many(["fine", wrong], model=model)


# --- frames -----------------------------------------------------------------------


def test_columns_that_come_out(model, frame):
    found = score_frame(frame, model=model)
    assert list(found.columns) == ["spam_probability", "label", "discard", "log_odds"]
    assert found["spam_probability"].dtype == "float64"
    assert found["discard"].dtype == "bool"
    assert found["log_odds"].dtype == "float64"
    assert found["label"].cat.categories.tolist() == ["ham", "unsure", "spam"]
    assert found["spam_probability"].between(0, 1).all()


def test_log_odds_are_finite_where_a_probability_is_one():
    worst = "viagra casino " + " ".join(f"http://pills{i}.example/buy" for i in range(60))
    model = replace(default_model(), intercept=50.0)
    (found,) = score_frame(pd.DataFrame({"text": [worst]}), model=model).to_dict("records")
    assert found["spam_probability"] == 1.0
    assert 37 < found["log_odds"] < np.inf
    assert found["log_odds"] == score(worst, model=model).log_odds


def test_reasons_on_request(model, frame):
    found = score_frame(frame, model=model, reasons=True)
    assert list(found.columns) == ["spam_probability", "label", "discard", "log_odds", "reasons"]
    for reasons, text in zip(found["reasons"], frame["text"], strict=True):
        assert isinstance(reasons, tuple)
        assert reasons or not text
    pd.testing.assert_frame_equal(found.drop(columns="reasons"), score_frame(frame, model=model))


@pytest.mark.parametrize("reasons", [False, True])
def test_any_index_is_kept(model, frame, reasons):
    few = frame.head(6)
    plain = score_frame(few.reset_index(drop=True), model=model)
    indexes = [
        pd.Index([3, 3, 3, 1, 1, 2]),
        pd.Index(list("abcabc"), name="id"),
        pd.MultiIndex.from_product([["x", "y"], [1, 2, 3]], names=["blog", "n"]),
        pd.MultiIndex.from_tuples([("x", 1)] * 6),
        pd.date_range("2024-05-01", periods=6),
        pd.Index([None, np.nan, 1, 2, 3, 4], dtype=object),
    ]
    for index in indexes:
        found = score_frame(few.set_axis(index), model=model, reasons=reasons)
        pd.testing.assert_index_equal(found.index, index)
        assert found["label"].tolist() == plain["label"].tolist()
        assert found["spam_probability"].tolist() == plain["spam_probability"].tolist()


@pytest.mark.parametrize("reasons", [False, True])
@pytest.mark.parametrize("dtype", [object, "string", "float64"])
def test_no_rows(model, reasons, dtype):
    found = score_frame(
        pd.DataFrame({"text": pd.Series([], dtype=dtype)}), model=model, reasons=reasons
    )
    assert len(found) == 0
    assert list(found.columns)[:4] == ["spam_probability", "label", "discard", "log_odds"]
    assert found["spam_probability"].dtype == found["log_odds"].dtype == "float64"
    assert found["discard"].dtype == "bool"


def test_order_of_rows_does_not_matter(model, frame):
    found = score_frame(frame, model=model)
    turned = score_frame(frame[::-1], model=model)
    pd.testing.assert_frame_equal(turned[::-1], found)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.float32("nan")])
@pytest.mark.parametrize("column", COMMENT_COLUMNS)
def test_missing_values_are_absent(model, column, missing):
    full = {
        "text": "see you there", "author": "Ana", "author_url": "http://ana.example", "date": "2024-05-01",
        "post_title": "Market day", "post_text": "The market opens at nine.",
        "post_url": "http://town.example/market", "post_author": "Bo",
    }  # fmt: skip
    assert set(full) == set(COMMENT_COLUMNS)
    given = pd.DataFrame({k: pd.Series([v, v], dtype=object) for k, v in full.items()})
    given[column] = pd.Series([full[column], missing], dtype=object)
    found = score_frame(given, model=model, reasons=True)
    without = given.drop(columns=column) if column != "text" else given.assign(text="")
    expected = score_frame(without, model=model, reasons=True)
    assert found["spam_probability"].iloc[1] == expected["spam_probability"].iloc[1]
    assert found["reasons"].iloc[1] == expected["reasons"].iloc[1]
    assert not any("nan" in r.evidence.casefold() for r in found["reasons"].iloc[1])


def test_the_word_nan_is_a_word(model):
    given = pd.DataFrame({"text": ["nan", None], "author": ["None", None]})
    words, absent = score_frame(given, model=model, reasons=True)["reasons"]
    assert any("nan" in r.evidence for r in words if r.feature == "ngrams_text")
    assert not any(r.feature == "ngrams_text" for r in absent)


@pytest.mark.parametrize("dtype", [object, "string", "str", "category", "string[python]"])
def test_any_dtype_of_text(model, frame, dtype):
    text = frame.assign(
        **{name: frame[name].astype(dtype) for name in ("text", "author", "post_text")}
    )
    pd.testing.assert_frame_equal(score_frame(text, model=model), score_frame(frame, model=model))


def test_dates_of_any_kind(model):
    stamps = [
        pd.Timestamp("2024-05-01"),
        datetime(2024, 5, 1, tzinfo=UTC),
        "2024-05-01",
        "soon",
        None,
        pd.NaT,
    ]
    for stamp in stamps:
        given = pd.DataFrame({"text": ["hello"], "date": pd.Series([stamp], dtype=object)})
        assert len(score_frame(given, model=model)) == 1
    typed = pd.DataFrame({"text": ["a", "b"], "date": pd.to_datetime(["2024-05-01", None])})
    assert len(score_frame(typed, model=model)) == 2
    with pytest.raises(InputError, match="date"):
        score_frame(pd.DataFrame({"text": ["hello"], "date": [20240501]}), model=model)


def test_other_columns_are_ignored(model, frame):
    more = frame.assign(label="spam", thread=5, post=None, **{"text ": 1}, comment="viagra")
    more[9] = object()
    pd.testing.assert_frame_equal(score_frame(more, model=model), score_frame(frame, model=model))


def test_the_frame_is_left_as_it_was(model, frame):
    before = frame.copy(deep=True)
    score_frame(frame, model=model)
    pd.testing.assert_frame_equal(frame, before)


def test_text_alone_is_enough(model):
    found = score_frame(pd.DataFrame({"text": ["one", SPAM.text]}), model=model)
    alone = score_many(["one", SPAM.text], model=model)
    assert found["spam_probability"].tolist() == [v.spam_probability for v in alone]


@pytest.mark.parametrize("columns", [["body"], [], ["Text"], ["author", "post_text"]])
def test_no_column_text_says_how_to_name_it(columns):
    with pytest.raises(InputError, match=r"'text'.*rename"):
        score_frame(pd.DataFrame([["x"] * len(columns)], columns=columns))


@pytest.mark.parametrize("column", COMMENT_COLUMNS)
def test_a_column_that_is_there_twice(model, column):
    twice = pd.DataFrame([["hello", "a", "b"]], columns=["text", column, column])
    if column == "text":
        twice = twice.iloc[:, :2]
    with pytest.raises(InputError, match=rf"more than one column '{column}'"):
        score_frame(twice, model=model)


@pytest.mark.parametrize("column", [c for c in COMMENT_COLUMNS if c != "date"])
@pytest.mark.parametrize("value", [5, 1.5, True, b"text", ["text"], pd.Timestamp("2024-05-01")])
def test_what_is_no_text_names_column_and_row(model, column, value):
    given = pd.DataFrame({"text": ["hello"] * 3})
    given[column] = pd.Series(["fine", "fine", value], dtype=object)
    with pytest.raises(InputError, match=rf"'{column}', row 2.*astype"):
        score_frame(given, model=model)


def test_a_message_never_repeats_what_a_cell_holds(model):
    given = pd.DataFrame({"text": pd.Series(["fine", b"secret words"], dtype=object)})
    with pytest.raises(InputError) as caught:
        score_frame(given, model=model)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "given", [None, 5, "text", ["text"], {"text": ["x"]}, SPAM, pd.Series(["x"], name="text")]
)
def test_what_is_no_frame(given):
    with pytest.raises(InputError, match="DataFrame"):
        score_frame(given)


# --- a small import ---------------------------------------------------------------

HEAVY = ("sklearn", "pandas", "scipy", "joblib", "matplotlib", "rich")


def run(code):
    """Run `code` in another interpreter and return what it prints as JSON."""
    root = str(Path(spamguard.__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_scoring_loads_nothing_heavy():
    loaded = run(f"""
import sys, json, spamguard
verdict = spamguard.score("cheap pills", post=spamguard.Post(title="Bread"))
verdict.reasons
spamguard.score_many(["hi"])
repr(spamguard.default_model())
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}} & set({HEAVY!r}))))
""")
    assert loaded == []


def test_importing_reads_no_model():
    opened = run("""
import sys, json
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
import spamguard
print(json.dumps([name for name in opened if "model.json" in name or ".npz" in name]))
""")
    assert opened == []


def test_scoring_opens_no_connection():
    events = run("""
import sys, json
events = []
sys.addaudithook(lambda event, args: event.startswith(("socket.", "urllib.")) and events.append(event))
import spamguard
spamguard.score("see http://pills.example", post="http://blog.example")
print(json.dumps(events))
""")
    assert events == []


def test_the_estimator_is_one_import_further():
    found = run("""
import sys, json, spamguard
before = "sklearn" in sys.modules
from spamguard import SpamClassifier
print(json.dumps([before, "sklearn" in sys.modules, SpamClassifier.__name__, "SpamClassifier" in dir(spamguard)]))
""")
    assert found == [False, True, "SpamClassifier", True]


def test_public_names_are_there_and_no_others_are_made_up():
    for name in spamguard.__all__:
        assert getattr(spamguard, name) is not None
    with pytest.raises(AttributeError, match="spam_classifier"):
        _ = spamguard.spam_classifier


@pytest.mark.parametrize(
    "dressed",
    [
        "<p>I tried this last year &amp; it worked.</p><p>The second pot was too small.</p>",
        "<div>I tried <b>this</b> last year &amp;amp; it worked.<br><br>The second pot was too small.</div>",
        "I tried **this** last year & it worked.\n\nThe _second_ pot was too small.",
        "[b]I tried[/b] this last year & it worked.\n\nThe second pot was too small.",
        "\ufeffI tried this last year & it worked.\r\n\r\nThe second pot was too small.\ufeff",
    ],
)
def test_markup_changes_no_verdict(dressed):
    post = Post(title="Growing beans", text="Runner beans climb happily if the pots are deep.")
    plain = "I tried this last year & it worked.\n\nThe second pot was too small."
    assert score(dressed, post).log_odds == pytest.approx(score(plain, post).log_odds, abs=1e-9)


def test_everything_at_once_loads_nothing_heavy():
    loaded = run(f"""
import sys, json
from spamguard import *
score, load_model, save_model, Comment, Post
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}} & set({HEAVY!r}))))
""")
    assert loaded == []
