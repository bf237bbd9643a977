"""SpamClassifier to the letter of scikit-learn's contract.

``check_estimator`` feeds arrays of numbers, which are no comments; so what it
would check is written out here.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from spamguard import (
    Comment,
    CorpusError,
    InputError,
    ModelNotFoundError,
    Post,
    SpamClassifier,
    SpamguardError,
    load_model,
    save_model,
)
from spamguard.features import BLOCKS, FAMILIES, FEATURES, Rows
from spamguard.model import Cuts

BITS = 10
DEFAULTS = {
    "C": 10.0,
    "bits": 18,
    "families": None,
    "class_weight": None,
    "base": None,
    "max_iter": 200,
    "n_jobs": None,
}


def small(**settings):
    return SpamClassifier(**{"bits": BITS} | settings)


@pytest.fixture(scope="module")
def part(sample):
    """Some posts of the sample, with both classes under most."""
    return sample[sample["post_id"].isin(sample["post_id"].unique()[:6])].reset_index(drop=True)


@pytest.fixture(scope="module")
def X(part):
    from spamguard.corpus import comments_of

    return comments_of(part)


@pytest.fixture(scope="module")
def y(part):
    return part["label"].to_numpy(str)


@pytest.fixture(scope="module")
def groups(part):
    return part["post_id"].to_numpy(str)


@pytest.fixture(scope="module")
def rows(X):
    return small().vectorize(X)


@pytest.fixture(scope="module")
def learned(rows, y):
    """Fitted on `rows`; not to be fitted again."""
    return small().fit(rows, y)


def close(one, other, rows, atol=1e-9):
    np.testing.assert_allclose(
        one.decision_function(rows), other.decision_function(rows), rtol=0, atol=atol
    )


# --- settings -----------------------------------------------------------------------


def test_defaults_are_kept_as_they_are():
    assert SpamClassifier().get_params() == DEFAULTS
    assert set(vars(SpamClassifier())) == set(DEFAULTS)


def test_settings_have_names_only():
    parameters = inspect.signature(SpamClassifier).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters)
    with pytest.raises(TypeError):
        SpamClassifier(1.0)


def test_init_neither_checks_nor_copies():
    families, base = ["nonsense"], object()
    classifier = SpamClassifier(C=-1, bits="many", families=families, base=base, n_jobs="x")
    assert classifier.families is families
    assert classifier.base is base
    assert classifier.C == -1
    assert classifier.bits == "many"


def test_params_are_set_and_got():
    classifier = SpamClassifier()
    assert classifier.set_params(C=2.0, families=["links"]) is classifier
    assert classifier.get_params() == DEFAULTS | {"C": 2.0, "families": ["links"]}
    with pytest.raises(ValueError, match="depth"):
        classifier.set_params(depth=3)


def test_clone_copies_settings_and_nothing_learned(learned, model):
    for classifier in (learned, small(base=model, families=["links", "ngrams"], C=3.0)):
        copied = clone(classifier)
        assert copied is not classifier
        for name, value in classifier.get_params().items():
            if name != "base":
                assert copied.get_params()[name] == value
        assert not hasattr(copied, "model_")
        assert not hasattr(copied, "classes_")
    assert clone(small(base=model)).base.title == model.title


def test_repr_shows_what_was_set_and_stays_short(model):
    assert repr(SpamClassifier()) == "SpamClassifier()"
    assert (
        repr(SpamClassifier(C=2.0, families=["links"]))
        == "SpamClassifier(C=2.0, families=['links'])"
    )
    assert len(repr(SpamClassifier(base=model))) < 300
    assert "SpamClassifier" in SpamClassifier(base=model)._repr_html_()


def test_fit_leaves_the_settings_alone(X, y):
    families = ("links", "promo", "ngrams")
    classifier = small(families=families, base=None)
    before = classifier.get_params()
    assert classifier.fit(X, y) is classifier
    assert classifier.get_params() == before
    assert classifier.families is families


def test_fitted_attributes_end_with_an_underscore(X, y):
    classifier = small().fit(X[:40], y[:40])
    added = set(vars(classifier)) - set(DEFAULTS)
    assert {"classes_", "model_", "n_iter_"} <= added
    assert all(name.endswith("_") or name.startswith("_") for name in added)
    assert classifier.n_iter_ >= 1


def test_tags():
    assert is_classifier(SpamClassifier())
    assert not is_regressor(SpamClassifier())
    tags = SpamClassifier().__sklearn_tags__()
    assert tags.estimator_type == "classifier"
    assert tags.target_tags.required
    assert not tags.classifier_tags.multi_class
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("C", 0), ("C", -1.0), ("C", float("nan")), ("C", "1"), ("C", None),
        ("bits", 7), ("bits", 25), ("bits", 12.0), ("bits", "12"), ("bits", None), ("bits", True),
        ("families", "links"), ("families", ["likns"]), ("families", [5]), ("families", 5),
        ("class_weight", "balance"), ("class_weight", {"ham": 1.0}), ("class_weight", 2),
        ("max_iter", 0), ("max_iter", -5), ("max_iter", None), ("max_iter", 10.5),
        ("base", 5), ("base", object()),
    ],
)  # fmt: skip
def test_settings_are_checked_by_fit(X, y, name, value):
    for learn in ("fit", "partial_fit"):
        classifier = small(**{name: value})
        with pytest.raises(InputError):
            getattr(classifier, learn)(X[:20], y[:20])
        assert not hasattr(classifier, "model_")


def test_an_unknown_family_lists_those_there_are(X, y):
    with pytest.raises(InputError, match=r"'likns'.*links, promo, topic, author, style, ngrams"):
        small(families=["likns"]).fit(X, y)


def test_a_base_that_does_not_exist(X, y):
    with pytest.raises(ModelNotFoundError):
        small(base="no such model").fit(X, y)


# --- before and after fit --------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "contributions", "score"]
)
def test_not_fitted(X, y, method):
    given = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError):
        getattr(small(), method)(*given)


def test_a_fit_that_fails_leaves_an_estimator_unfitted_and_a_fitted_one_as_it_was(
    X, y, rows, learned
):
    classifier = small()
    with pytest.raises(CorpusError):
        classifier.fit(X[:3], y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    fitted = copy.deepcopy(learned)
    for wrong in (
        lambda: fitted.fit(X[:3], ["no", "yes"]),
        lambda: fitted.fit([None, 5], ["no", "yes"]),
    ):
        with pytest.raises(SpamguardError):
            wrong()
        assert fitted.classes_.tolist() == ["ham", "spam"]
        close(fitted, learned, rows, 0)


def test_outputs_have_the_shapes_that_scikit_learn_expects(learned, rows, X):
    n = len(X)
    assert learned.predict(X).shape == (n,)
    assert learned.predict_proba(X).shape == (n, 2)
    assert learned.decision_function(X).shape == (n,)
    assert learned.contributions(X).shape == (n, len(FEATURES) + len(BLOCKS))
    assert learned.predict_proba(X).dtype == learned.decision_function(X).dtype == np.float64


def test_probabilities(learned, X):
    found = learned.predict_proba(X)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-learned.decision_function(X))))


def test_the_predicted_label_is_the_likelier_one(learned, X):
    likelier = learned.classes_[learned.predict_proba(X).argmax(axis=1)]
    assert (learned.predict(X) == likelier).all()
    assert (
        learned.predict(X) == learned.classes_[(learned.decision_function(X) >= 0).astype(int)]
    ).all()


def test_contributions_sum_to_the_log_odds(learned, X):
    parts = learned.contributions(X)
    np.testing.assert_allclose(
        parts.sum(axis=1) + learned.model_.intercept, learned.decision_function(X), atol=1e-9
    )


def test_names_of_the_columns(learned):
    names = learned.get_feature_names_out()
    assert names.shape == (learned.contributions(["hello"]).shape[1],)
    assert names.dtype == object
    assert len(set(names)) == len(names)
    assert names.tolist()[: len(FEATURES)] == [f.name for f in FEATURES]
    assert (
        learned.get_feature_names_out(None).tolist()
        == learned.model_.get_feature_names_out().tolist()
    )


def test_it_learns(X, y, learned):
    assert learned.score(X, y) > 0.95
    assert set(learned.predict(X)) == {"ham", "spam"}


def test_estimator_and_model_agree(learned, X):
    odds = [learned.model_.log_odds(comment) for comment in X]
    np.testing.assert_allclose(learned.decision_function(X), odds, atol=1e-4)
    parts = np.array([learned.model_.contributions(comment) for comment in X[:10]])
    np.testing.assert_allclose(learned.contributions(X[:10]), parts, atol=1e-4)


def test_the_model_can_be_saved_and_loaded(learned, X, tmp_path):
    loaded = load_model(save_model(learned.model_, tmp_path))
    for comment in X[:10]:
        assert loaded.verdict(comment) == learned.model_.verdict(comment)


def test_one_comment_and_none(learned, X):
    assert learned.predict(X[:1]).shape == (1,)
    for empty in (
        [],
        np.array([], object),
        pd.DataFrame({"text": []}),
        learned.vectorize(X[:1])[:0],
    ):
        assert learned.predict(empty).shape == (0,)
        assert learned.predict_proba(empty).shape == (0, 2)
        assert learned.contributions(empty).shape == (0, len(FEATURES) + len(BLOCKS))


def test_rows_do_not_depend_on_each_other(learned, X):
    together = learned.decision_function(X)
    turned = learned.decision_function(X[::-1])[::-1]
    alone = np.concatenate([learned.decision_function([comment]) for comment in X])
    assert np.array_equal(together, turned)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)


# --- what X may be -----------------------------------------------------------------------


def test_every_kind_of_X_gives_the_same(part, X, y):
    frame, X, y = part.drop(columns="label").head(40), X[:40], y[:40]
    kinds = [
        X,
        tuple(X),
        np.array(X, object),
        pd.Series(X, index=range(100, 100 + len(X))),
        frame,
        frame.set_axis(frame["blog"]),
        frame.assign(author=frame["author"].astype("string")),
        small().vectorize(X),
        small().vectorize(frame),
    ]
    expected = small().fit(X, y)
    odds = expected.decision_function(X)
    for kind in kinds:
        assert np.array_equal(small().fit(kind, y).decision_function(X), odds)
        assert np.array_equal(expected.decision_function(kind), odds)
        assert np.array_equal(expected.predict(kind), expected.predict(X))
        assert np.array_equal(expected.predict_proba(kind), expected.predict_proba(X))
        assert np.array_equal(expected.contributions(kind), expected.contributions(X))


def test_texts_are_comments(part, y):
    texts = part["text"].tolist()
    expected = small().fit([Comment(t) for t in texts], y)
    odds = expected.decision_function([Comment(t) for t in texts])
    for kind in (
        texts,
        tuple(texts),
        np.array(texts),
        np.array(texts, object),
        part["text"],
        part[["text"]],
    ):
        assert np.array_equal(small().fit(kind, y).decision_function(texts), odds)
        assert np.array_equal(expected.decision_function(kind), odds)


def test_generators_will_do(X, y, learned):
    odds = learned.decision_function(comment for comment in X)
    assert np.array_equal(odds, learned.decision_function(X))
    assert small().fit(iter(X), iter(y)).classes_.tolist() == ["ham", "spam"]


@pytest.mark.parametrize(
    "wrong",
    [None, 5, "a text", b"bytes", Comment("one"), Post("post"), [None], [5], [b"x"], [["x"]], np.zeros((2, 3)),
     np.array([["a"], ["b"]], object), pd.DataFrame({"body": ["x"]}), pd.DataFrame({"text": [5]}), [float("nan")],
     pd.Series([None, "x"], dtype=object), {"text": 5}.items(), object()],
)  # fmt: skip
def test_what_X_may_not_be(learned, wrong):
    for method in ("predict", "predict_proba", "decision_function", "contributions", "vectorize"):
        with pytest.raises(InputError):
            getattr(learned, method)(wrong)
    for method in ("fit", "partial_fit"):
        with pytest.raises(SpamguardError):
            getattr(small(), method)(wrong, ["ham", "spam"])


def test_rows_for_another_number_of_buckets(learned, model, X, y):
    other = small(bits=11).vectorize(X)
    with pytest.raises(InputError, match=r"11 bits.*10"):
        learned.predict(other)
    with pytest.raises(InputError, match="bits"):
        copy.deepcopy(learned).partial_fit(other, y)
    with pytest.raises(InputError, match="bits"):
        SpamClassifier(base=model).fit(other, y)


def test_fit_changes_nothing_that_it_is_given(part, X, y):
    frame, comments, labels = part.copy(deep=True), list(X), y.copy()
    weight = np.linspace(0.1, 2.0, len(y))
    given = weight.copy()
    made = small().vectorize(X)
    dense, data, indices = made.dense.copy(), made.grams.data.copy(), made.grams.indices.copy()
    for kind in (frame, comments, made):
        for families in (None, ["links"]):
            small(class_weight="balanced", families=families).fit(kind, labels, given).predict(kind)
            small().partial_fit(kind, labels, sample_weight=given)
    pd.testing.assert_frame_equal(frame, part)
    assert comments == X
    assert np.array_equal(labels, y)
    assert np.array_equal(given, weight)
    assert np.array_equal(made.dense, dense, equal_nan=True)
    assert np.array_equal(made.grams.data, data)
    assert np.array_equal(made.grams.indices, indices)


# --- Rows ----------------------------------------------------------------------------


def test_rows_are_sliced_as_arrays_are(rows, learned):
    odds = learned.decision_function(rows)
    n = len(rows)
    assert rows.shape == (n, rows.dense.shape[1] + rows.grams.shape[1])
    assert rows.bits == BITS
    picks = [
        np.array([3, 1, 1]),
        [0, 2],
        slice(2, 9, 3),
        np.arange(n) % 2 == 0,
        slice(None),
        slice(0, 0),
    ]
    for pick in picks:
        some = rows[pick]
        assert isinstance(some, Rows)
        assert np.array_equal(learned.decision_function(some), odds[pick])
    assert np.array_equal(learned.decision_function(rows[4]), odds[[4]])
    assert np.array_equal(learned.decision_function(rows[np.int64(-1)]), odds[[-1]])


def test_rows_survive_pickling(rows, learned):
    loaded = pickle.loads(pickle.dumps(rows))
    assert np.array_equal(learned.decision_function(loaded), learned.decision_function(rows))


def test_rows_of_nothing():
    empty = small().vectorize([])
    assert len(empty) == 0
    assert empty.bits == BITS


# --- what y may be -----------------------------------------------------------------------

PAIRS = [
    ("ham", "spam"), (0, 1), (False, True), (-1, 1), (0.0, 1.0), ("ok", "spam"), ("HAM", "SPAM"), ("no", "yes"),
    (1, 2), ("0", "1"), ("not spam", "spam"),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_of_labels(rows, y, learned, pair):
    labels = np.array(pair)[(y == "spam").astype(int)]
    found = small().fit(rows, labels)
    assert found.classes_.tolist() == list(pair)
    assert found.classes_.dtype == labels.dtype
    close(found, learned, rows, 0)
    predicted = found.predict(rows)
    assert predicted.dtype == found.classes_.dtype
    assert np.array_equal(predicted, np.array(pair)[(learned.predict(rows) == "spam").astype(int)])
    assert roc_auc_score(labels, found.predict_proba(rows)[:, 1]) > 0.99


@pytest.mark.parametrize("pair", [("ham", "spam"), (0, 1), (False, True)])
def test_containers_of_labels(rows, y, learned, pair):
    plain = [pair[label == "spam"] for label in y]
    series = pd.Series(plain, index=range(50, 50 + len(y)))
    kinds = [
        plain,
        tuple(plain),
        np.array(plain),
        np.array(plain, object),
        series,
        series.astype(object),
        series.astype("category"),
        series.convert_dtypes(),
        pd.Index(plain),
        pd.array(plain),
    ]
    for labels in kinds:
        found = small().fit(rows, labels)
        assert found.classes_.tolist() == list(pair)
        assert found.classes_.dtype == np.array(plain).dtype or found.classes_.dtype.kind in "bOU"
        close(found, learned, rows, 0)
        assert set(found.predict(rows).tolist()) == set(pair)


@pytest.mark.parametrize(
    "pair", [("spam", "valid"), ("Spam", "ham"), ("SPAM", "ham"), ("spam", "spam not")]
)
def test_spam_that_does_not_sort_last_is_refused_as_scorers_would_turn_it_round(rows, y, pair):
    labels = np.where(y == "spam", *pair)
    with pytest.raises(CorpusError, match="'ham' and 'spam'"):
        small().fit(rows, labels)


nan = float("nan")


@pytest.mark.parametrize(
    "labels",
    [
        ["ham", "spam", None], ["ham", "spam", nan], ["spam", nan, nan], [1, 0, nan], [1.0, 1.0, nan], [1, 0, None],
        [True, False, None], ["ham", "spam", pd.NA], pd.Series(["ham", "spam", None]), pd.Series([1, 0, None]),
        pd.Series([1, 0, None], dtype="Int64"), pd.Series(["ham", "spam", None], dtype="string"),
        pd.Series([True, False, None], dtype="boolean"), np.array([1.0, 1.0, nan]),
        np.array(["ham", "spam", None], object), pd.Categorical(["ham", "spam", None]),
    ],
)  # fmt: skip
def test_missing_labels(rows, labels):
    for learn in ("fit", "partial_fit"):
        with pytest.raises(CorpusError, match="missing"):
            getattr(small(), learn)(rows[:3], labels)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([], "no comments|labels"), (["spam"] * 3, "one class"), ([0, 0, 0], "one class"), ([True] * 3, "one class"),
        (["a", "b", "c"], "3 labels"), ([0, 1, 2], "3 labels"), ([0.1, 0.2, 0.3], "3 labels"),
        (["ham", "spam"], "3 comments but 2"), (["ham", "spam"] * 2, "3 comments but 4"),
        (["ham", "spam", 1], "mixture"), ([True, "spam", "ham"], "mixture"), ([[0], [1], [0]], "mixture|dimension"),
        (np.array([[0], [1], [0]]), "dimension"), (pd.DataFrame({"y": [0, 1, 0]}), "dimension|word|y must"),
        (np.array(1), "dimension"), (None, "label"), ("ham", "label"), (5, "label"), (object(), "label"),
        ([object(), object(), object()], "mixture"),
    ],
)  # fmt: skip
def test_labels_that_teach_nothing(rows, labels, what):
    for learn in ("fit", "partial_fit"):
        with pytest.raises(CorpusError, match=what) as caught:
            getattr(small(), learn)(rows[:3], labels)
        assert isinstance(caught.value, ValueError)


def test_no_comments(learned):
    for empty in ([], pd.DataFrame({"text": []})):
        with pytest.raises(CorpusError, match="no comments"):
            small().fit(empty, [])


# --- weights ------------------------------------------------------------------------------


def test_weight_zero_is_absence(X, y):
    kept = np.arange(len(y)) % 4 > 0
    zeros = small().fit(X, y, np.where(kept, 1.0, 0.0))
    absent = small().fit([c for c, k in zip(X, kept, strict=True) if k], y[kept])
    assert np.array_equal(zeros.model_.background, absent.model_.background)
    np.testing.assert_allclose(
        zeros.model_.dense_reference, absent.model_.dense_reference, atol=1e-6
    )
    np.testing.assert_allclose(zeros.decision_function(X), absent.decision_function(X), atol=0.05)


@pytest.mark.parametrize("times", [2, 3])
def test_weight_two_is_the_row_twice(rows, y, times):
    draw = np.random.default_rng(1)
    chosen = draw.random(len(y)) < 0.3
    weight = np.where(chosen, float(times), 1.0)
    index = np.repeat(np.arange(len(y)), weight.astype(int))
    weights = small(C=0.5).fit(rows, y, weight)
    twice = small(C=0.5).fit(rows[index], y[index])
    once = small(C=0.5).fit(rows, y)
    odds = [c.decision_function(rows) for c in (weights, twice, once)]
    assert np.abs(odds[0] - odds[1]).max() < 0.05 * np.abs(odds[2] - odds[1]).max()


def test_weights_of_one_are_no_weights(rows, y, learned):
    close(small().fit(rows, y, np.ones(len(y))), learned, rows, 0)
    close(small().fit(rows, y, [1] * len(y)), learned, rows, 0)
    close(small().fit(rows, y, pd.Series(np.ones(len(y)), index=y)), learned, rows, 0)


def test_more_weight_moves_the_verdict(rows, y):
    weight = np.ones(len(y))
    weight[y == "spam"] = 10.0
    heavy, plain = small(C=0.1).fit(rows, y, weight), small(C=0.1).fit(rows, y)
    assert heavy.decision_function(rows).mean() > plain.decision_function(rows).mean() + 0.5


def test_class_weight_lets_classes_count_the_same(rows, y):
    spam = np.flatnonzero(y == "spam")[:5]
    index = np.concatenate([np.flatnonzero(y == "ham"), spam])
    few, labels = rows[index], y[index]
    balanced = small(C=0.01, class_weight="balanced").fit(few, labels)
    plain = small(C=0.01).fit(few, labels)
    by_hand = small(C=0.01).fit(
        few,
        labels,
        len(labels) * np.where(labels == "spam", 0.5 / 5, 0.5 / (len(labels) - 5)),
    )
    close(balanced, by_hand, rows, 1e-3)
    assert balanced.decision_function(few).mean() > plain.decision_function(few).mean() + 0.5


@pytest.mark.parametrize(
    "wrong",
    [[1.0], [[1.0], [1.0]], 1.0, [1.0, -1.0], [1.0, nan], [1.0, float("inf")], [0.0, 0.0], ["a", "b"], [None, 1.0],
     np.ones(3), object()],
)  # fmt: skip
def test_weights_that_are_none(X, wrong):
    for learn in ("fit", "partial_fit"):
        with pytest.raises(SpamguardError):
            getattr(small(), learn)(X[:2], ["ham", "spam"], sample_weight=wrong)


def test_a_class_whose_weight_is_zero_is_one_class_alone(rows, y):
    for side in ("ham", "spam"):
        with pytest.raises(CorpusError, match="weight zero"):
            small().fit(rows, y, (y == side).astype(float))


# --- fitting -------------------------------------------------------------------------------


def test_twice_the_same(X, y, rows, learned):
    one, two = small().fit(X, y), small().fit(X, y)
    assert np.array_equal(one.model_.dense_weights, two.model_.dense_weights)
    assert np.array_equal(one.model_.ngram_weights, two.model_.ngram_weights)
    assert one.model_.intercept == two.model_.intercept
    close(one, learned, rows, 0)


def test_fitting_again_forgets(X, y, rows, learned):
    classifier = small().fit(rows, np.where(y == "spam", "ham", "spam"))
    classifier.partial_fit(rows[:20], y[:20])
    classifier.fit(rows, y)
    close(classifier, learned, rows, 0)
    assert not hasattr(classifier, "_squares")
    classifier.fit(rows, y == "spam")
    assert classifier.classes_.tolist() == [False, True]


def test_order_of_rows_hardly_matters(rows, y, learned):
    order = np.random.default_rng(3).permutation(len(y))
    close(small().fit(rows[order], y[order]), learned, rows, 0.05)


def test_larger_C_trusts_the_comments_more(rows, y):
    sign = np.where(y == "spam", 1.0, -1.0)
    fitted = [small(C=C).fit(rows, y) for C in (1e-3, 1e-1, 1e1, 1e3)]
    losses = [np.logaddexp(0, -sign * c.decision_function(rows)).mean() for c in fitted]
    sizes = [np.square(c.model_.ngram_weights).sum() for c in fitted]
    assert losses == sorted(losses, reverse=True)
    assert sizes == sorted(sizes)
    assert losses[0] > 10 * losses[-1]


def test_C_may_be_as_large_as_one_likes(rows, y):
    for C in (1e12, float("inf")):
        assert np.isfinite(small(C=C).fit(rows, y).decision_function(rows)).all()


def test_max_iter_is_the_most(rows, y):
    assert small(max_iter=2).fit(rows, y).n_iter_ == 2
    assert small(max_iter=1_000).fit(rows, y).n_iter_ < 1_000


@pytest.mark.parametrize("bits", [8, 9, 14, np.int64(9)])
def test_bits(X, y, bits):
    classifier = small(bits=bits).fit(X[:60], y[:60])
    assert classifier.model_.ngram_weights.shape == (2**bits,)
    assert classifier.predict(X[:5]).shape == (5,)


@pytest.mark.parametrize("family", [*FAMILIES, "ngrams"])
def test_a_family_alone_learns_nothing_else(rows, y, family):
    model = small(families=[family]).fit(rows, y).model_
    own = np.array([name == family for name, features in FAMILIES.items() for _ in features])
    assert not model.dense_weights[~own].any()
    if family == "ngrams":
        assert model.ngram_weights.any()
    else:
        assert not model.ngram_weights.any()
        assert model.dense_weights[own].any()


def test_all_families_are_the_default(rows, y, learned):
    for families in ([*FAMILIES, "ngrams"], ("ngrams", *FAMILIES), {*FAMILIES, "ngrams"}):
        close(small(families=families).fit(rows, y), learned, rows, 0)


def test_the_learned_model_promises_nothing(learned):
    assert learned.model_.cuts == Cuts()
    assert learned.model_.cuts.discard is None


@pytest.mark.process
def test_jobs_give_the_same_numbers(X, y):
    many = (X * (2_001 // len(X) + 1))[:2_001]
    labels = np.resize(y, len(many))
    alone = small(bits=8).fit(many, labels)
    with joblib.parallel_config(backend="threading"):
        shared = small(bits=8, n_jobs=2).fit(many, labels)
        odds = shared.decision_function(many)
    assert np.array_equal(shared.model_.dense_weights, alone.model_.dense_weights)
    assert np.array_equal(shared.model_.ngram_weights, alone.model_.ngram_weights)
    assert np.array_equal(odds[: len(X)], alone.decision_function(X))


# --- a base to start from -------------------------------------------------------------------


def test_with_nothing_learned_a_base_stays_as_it_is(model, X, y):
    found = SpamClassifier(base=model, C=1e-9).fit(X, y)
    before = np.array([model.log_odds(comment) for comment in X])
    after = found.decision_function(X)
    # Only the intercept goes free.
    np.testing.assert_allclose(after - before, (after - before).mean(), atol=2e-2)
    assert abs((after - before).mean()) < 3
    assert np.array_equal(found.model_.background, model.background)
    assert np.array_equal(found.model_.dense_reference, model.dense_reference)


def test_the_base_is_not_changed(model, X, y):
    before = copy.deepcopy(model)
    SpamClassifier(base=model).fit(X[:30], y[:30])
    SpamClassifier(base=model).partial_fit(X[:30], y[:30])
    for name in ("dense_weights", "dense_reference", "ngram_weights", "background"):
        assert np.array_equal(getattr(before, name), getattr(model, name))
    assert before.intercept == model.intercept


def test_a_few_labels_move_what_is_like_them(model):
    post = Post(
        title="Club newsletter", text="The chess club meets on Thursdays in the old library."
    )

    def club(n):
        return Comment(
            f"Membership renewal: order your casino night ticket at http://club{n}.example",
            post=post,
        )

    ham = [club(i) for i in range(4)]
    spam = [
        Comment(f"cheap pills without prescription, order now {i}", post=post) for i in range(4)
    ]
    judged = SpamClassifier(base=model).fit([*ham, *spam], ["ham"] * 4 + ["spam"] * 4)
    alike, other = club(9), Comment("Which opening did you study on Thursday?", post=post)
    moved = judged.decision_function([alike, other]) - [
        model.log_odds(alike),
        model.log_odds(other),
    ]
    assert model.log_odds(alike) > 0
    assert moved[0] < -1
    assert moved[0] < moved[1] - 1


def sure_of(model, X, y):
    """Return the comments that `model` is right about by far, and their labels."""
    odds = np.array([model.log_odds(comment) for comment in X])
    right = np.flatnonzero(np.where(y == "spam", odds, -odds) > 4)
    assert {"ham", "spam"} <= set(y[right])
    return [X[i] for i in right], y[right], odds[right]


def test_what_a_base_knows_need_not_be_learned(model, X, y):
    some, labels, before = sure_of(model, X, y)
    other = np.where(labels == "spam", "ham", "spam")
    known = SpamClassifier(base=model, C=0.1).fit(some, labels).decision_function(some) - before
    news = SpamClassifier(base=model, C=0.1).fit(some, other).decision_function(some) - before
    assert np.abs(known).mean() < 1  # the intercept goes free
    assert known.std() < 0.1
    assert news.std() > 5 * known.std()


def test_what_a_base_knows_is_passed_over_by_partial_fit_too(model, X, y):
    some, labels, before = sure_of(model, X, y)
    for i in (int(before.argmin()), int(before.argmax())):
        moved = []
        for label in (labels[i], "ham" if labels[i] == "spam" else "spam"):
            learner = SpamClassifier(base=model).partial_fit(
                [some[i]], [label], classes=["ham", "spam"]
            )
            moved.append(abs(learner.decision_function([some[i]])[0] - before[i]))
        assert 5 * moved[0] < moved[1]


def test_a_base_by_path_or_name(model, tmp_path, X, y):
    path = save_model(model, tmp_path / "base")
    expected = SpamClassifier(base=model).fit(X[:40], y[:40])
    for base in (path, str(path)):
        found = SpamClassifier(base=base).fit(X[:40], y[:40])
        assert np.array_equal(found.decision_function(X), expected.decision_function(X))
        assert found.base is base


def test_the_shipped_model_as_a_base(X, y):
    default = load_model("default")
    found = SpamClassifier(base="default").fit(X[:40], y[:40])
    assert found.model_.vectorizer.bits == default.vectorizer.bits
    assert np.array_equal(found.model_.background, default.background)


def test_what_a_base_promised_is_not_promised_again(model, X, y):
    learned = SpamClassifier(base=model).fit(X[:40], y[:40]).model_
    assert model.cuts.discard is not None
    assert learned.cuts == replace(model.cuts, discard=None)


def test_rows_made_for_a_base(model, X, y):
    classifier = SpamClassifier(base=model)
    made = classifier.vectorize(X)
    assert made.bits == model.vectorizer.bits
    assert np.array_equal(
        classifier.fit(made, y).decision_function(made),
        clone(classifier).fit(X, y).decision_function(X),
    )


@pytest.mark.parametrize("share", [0.02, 0.95])
def test_the_prior_of_a_base_changes_nothing_that_is_learned(model, X, y, share):
    moved = model.at_prior(share)
    shift = moved.intercept - model.intercept
    for learn in ("fit", "partial_fit"):
        plain = getattr(SpamClassifier(base=model), learn)(X[:60], y[:60])
        there = getattr(SpamClassifier(base=moved), learn)(X[:60], y[:60])
        if learn == "partial_fit":  # the second call starts from what the first learned
            plain.partial_fit(X[60:90], y[60:90])
            there.partial_fit(X[60:90], y[60:90])
        one, other = plain.model_, there.model_
        assert (one.prior, other.prior) == (model.prior, share)
        np.testing.assert_allclose(
            there.decision_function(X), plain.decision_function(X) + shift, atol=1e-4
        )
        assert other.cuts.spam == pytest.approx(one.cuts.spam + shift)
        assert [other.cuts.label(z) for z in there.decision_function(X)] == [
            one.cuts.label(z) for z in plain.decision_function(X)
        ]
        total = there.contributions(X).sum(axis=1) + other.intercept
        np.testing.assert_allclose(total, there.decision_function(X))
        assert other.at_prior(model.prior).intercept == pytest.approx(one.intercept, abs=1e-4)


def test_without_a_base_the_labels_are_the_prior(rows, y):
    spam = y == "spam"
    assert small().fit(rows, y).model_.prior == pytest.approx(spam.mean())
    assert small(class_weight="balanced").fit(rows, y).model_.prior == pytest.approx(0.5)
    weighted = small().fit(rows, y, sample_weight=np.where(spam, 3.0, 1.0)).model_
    assert weighted.prior == pytest.approx(3 * spam.sum() / (3 * spam.sum() + (~spam).sum()))
    assert weighted.trained_prior is None


def test_probabilities_speak_of_the_prior_they_were_learned_at(rows, y):
    learned = small().fit(rows, np.where(y == "spam", "spam", "ham"))
    # The intercept goes free, so the mean probability is the share of spam.
    assert learned.predict_proba(rows)[:, 1].mean() == pytest.approx(learned.model_.prior, abs=0.01)


def test_a_stream_keeps_count_of_its_prior(X, y):
    spam = np.flatnonzero(y == "spam")[:10].tolist()
    ham = np.flatnonzero(y == "ham")[:30].tolist()
    learner = small().partial_fit([X[i] for i in spam], y[spam], classes=["ham", "spam"])
    assert learner.model_.prior == 0.5  # one class alone tells no share
    learner.partial_fit([X[i] for i in ham], y[ham])
    assert learner.model_.prior == pytest.approx(0.25)
    learner.fit(X[:40], y[:40])
    assert learner.model_.prior == pytest.approx((y[:40] == "spam").mean())


# --- partial_fit ---------------------------------------------------------------------------


def test_the_first_call_needs_both_classes(X, y):
    spam = y == "spam"
    chosen = [c for c, s in zip(X, spam, strict=True) if s]
    with pytest.raises(CorpusError, match="one class"):
        small().partial_fit(chosen, ["spam"] * len(chosen))
    found = small().partial_fit(chosen, ["spam"] * len(chosen), classes=["ham", "spam"])
    assert found.classes_.tolist() == ["ham", "spam"]
    assert found.decision_function(chosen).mean() > 0
    found.partial_fit(X[:3], ["ham"] * 3)


@pytest.mark.parametrize("classes", [["spam"], ["a", "b", "c"], [], ["ham", None], 5, "spam"])
def test_classes_that_are_none(X, classes):
    with pytest.raises(CorpusError):
        small().partial_fit(X[:2], ["ham", "spam"], classes=classes)


def test_labels_out_of_the_known_classes(X):
    with pytest.raises(CorpusError, match="among"):
        small().partial_fit(X[:3], ["ham", "spam", "eggs"], classes=["ham", "spam"])
    known = small().partial_fit(X[:2], ["ham", "spam"])
    for labels in (["eggs", "ham"], [0, 1]):
        with pytest.raises(CorpusError, match="among"):
            known.partial_fit(X[:2], labels)
    with pytest.raises(CorpusError, match="first call"):
        known.partial_fit(X[:2], ["ham", "spam"], classes=["a", "b"])
    assert known.partial_fit(X[:2], ["ham", "spam"], classes=["spam", "ham"]) is known


def test_it_learns_bit_by_bit(rows, y, groups):
    classifier = small()
    order = np.random.default_rng(2).permutation(len(y))
    scores = []
    for _ in range(6):
        for part in np.array_split(order, 4):
            assert (
                classifier.partial_fit(rows[part], y[part], classes=["ham", "spam"]) is classifier
            )
        sign = np.where(y == "spam", 1.0, -1.0)
        scores.append(np.logaddexp(0, -sign * classifier.decision_function(rows)).mean())
    assert classifier.score(rows, y) > 0.9
    assert scores == sorted(scores, reverse=True)
    assert classifier.n_iter_ == 24  # each part fits into one mini-batch


def test_it_goes_on_after_fit(rows, y, learned):
    classifier = copy.deepcopy(learned)
    before = classifier.decision_function(rows)
    classifier.partial_fit(rows[:10], y[:10])
    after = classifier.decision_function(rows)
    assert 0 < np.abs(after - before).max() < 5
    assert np.corrcoef(before, after)[0, 1] > 0.99


@pytest.mark.parametrize("start", ["fit", "base", "partial_fit"])
def test_a_corrected_comment_moves_the_right_way(model, X, y, learned, start):
    if start == "fit":
        classifier = copy.deepcopy(learned)
    elif start == "base":
        classifier = SpamClassifier(base=model)
    else:
        classifier = small().partial_fit(X, y)
    for i in (0, len(X) // 2, len(X) - 1):
        wrong = "ham" if y[i] == "spam" else "spam"
        direction = 1.0 if wrong == "spam" else -1.0
        odds = []
        for _ in range(4):
            classifier.partial_fit([X[i]], [wrong], classes=["ham", "spam"])
            odds.append(direction * classifier.decision_function([X[i]])[0])
        assert odds == sorted(odds)
        assert odds[-1] > odds[0] + 1e-3


def test_one_call_or_one_for_each_mini_batch(learned, rows, y):
    once, twice = copy.deepcopy(learned), copy.deepcopy(learned)
    wrong = np.where(y == "spam", "ham", "spam")
    index = np.resize(np.arange(len(y)), 128)
    once.partial_fit(rows[index], wrong[index])
    for part in (index[:64], index[64:]):
        twice.partial_fit(rows[part], wrong[part])
    assert once.n_iter_ == twice.n_iter_ == learned.n_iter_ + 2
    close(once, twice, rows, 0.02)  # weights are rounded in between
    assert np.abs(once.decision_function(rows) - learned.decision_function(rows)).max() > 0.5


def test_class_weight_in_partial_fit(rows, y):
    ham, spam = (np.flatnonzero(y == side) for side in ("ham", "spam"))
    even = np.concatenate([ham[:20], spam[:20]])
    plain = small().partial_fit(rows[even], y[even])
    balanced = small(class_weight="balanced").partial_fit(rows[even], y[even])
    close(plain, balanced, rows, 1e-9)  # nothing to balance
    few = np.concatenate([ham[:40], spam[:4]])
    plain = small().partial_fit(rows[few], y[few])
    balanced = small(class_weight="balanced").partial_fit(rows[few], y[few])
    assert balanced.decision_function(rows).mean() > plain.decision_function(rows).mean() + 0.01


def test_weights_in_partial_fit(X, y):
    def moved(weight):
        classifier = small().partial_fit(X, y)
        before = classifier.decision_function(X[:1])[0]
        return (
            classifier.partial_fit(X[:1], [y[0]], sample_weight=[weight]).decision_function(X[:1])[
                0
            ]
            - before
        )

    assert 0 < abs(moved(1.0)) < abs(moved(5.0))


def test_nothing_of_earlier_comments_is_kept(X, y):
    def size(classifier):
        return len(pickle.dumps(classifier))

    classifier = small().partial_fit(X[:20], y[:20], classes=["ham", "spam"])
    first = size(classifier)
    for _ in range(3):
        classifier.partial_fit(X, y)
    assert size(classifier) == pytest.approx(first, abs=200)


def test_no_comments_teach_nothing(X, y, learned):
    classifier = copy.deepcopy(learned)
    before = classifier.decision_function(X)
    classifier.partial_fit([], [])
    assert np.array_equal(classifier.decision_function(X), before)


def test_partial_fit_twice_the_same(X, y):
    one, two = (small().partial_fit(X, y).partial_fit(X[:30], y[:30]) for _ in range(2))
    assert np.array_equal(one.decision_function(X), two.decision_function(X))


def test_partial_fit_goes_on_after_pickling(X, y):
    classifier = small().partial_fit(X, y)
    copied = pickle.loads(pickle.dumps(classifier))
    for c in (classifier, copied):
        c.partial_fit(X[:30], y[:30])
    assert np.array_equal(classifier.decision_function(X), copied.decision_function(X))


def test_a_partial_fit_that_fails_changes_nothing(X, y, learned):
    classifier = copy.deepcopy(learned)
    before = classifier.decision_function(X)
    for wrong in (
        lambda: classifier.partial_fit([5], ["ham"]),
        lambda: classifier.partial_fit(X, y[:3]),
    ):
        with pytest.raises(SpamguardError):
            wrong()
    assert np.array_equal(classifier.decision_function(X), before)
    fresh = small()
    with pytest.raises(SpamguardError):
        fresh.partial_fit([5, 6], ["ham", "spam"])
    with pytest.raises(NotFittedError):
        fresh.predict(X)


# --- inside scikit-learn ---------------------------------------------------------------------


def test_last_step_of_a_pipeline(X, y, rows, learned):
    pipe = Pipeline([("spam", small())]).fit(X, y)
    assert np.array_equal(pipe.predict(X), learned.predict(X))
    assert np.array_equal(pipe.predict_proba(X), pipe["spam"].predict_proba(X))
    assert np.array_equal(pipe.decision_function(X), learned.decision_function(X))
    assert pipe.classes_.tolist() == ["ham", "spam"]
    assert pipe.score(X, y) == learned.score(X, y)
    assert (
        pipe.set_params(spam__C=0.5).fit(X, y, spam__sample_weight=np.ones(len(y)))["spam"].C == 0.5
    )


def without_author(comments):
    return [replace(comment, author=None, author_url=None) for comment in comments]


def test_behind_a_transformer(X, y):
    pipe = make_pipeline(FunctionTransformer(without_author), small()).fit(X, y)
    expected = small().fit(without_author(X), y)
    assert np.array_equal(pipe.decision_function(X), expected.decision_function(without_author(X)))
    assert clone(pipe).get_params()["spamclassifier__bits"] == BITS


def test_a_transformer_that_picks_columns(part, y):
    pick = FunctionTransformer(
        lambda frame: frame.rename(columns={"body": "text"})[["text", "author"]]
    )
    renamed = part.rename(columns={"text": "body"})
    pipe = make_pipeline(pick, small()).fit(renamed, y)
    expected = small().fit(part[["text", "author"]], y)
    assert np.array_equal(
        pipe.predict_proba(renamed), expected.predict_proba(part[["text", "author"]])
    )


def kinds(part, X, rows):
    return {
        "comments": X,
        "array": np.array(X, object),
        "frame": part.drop(columns="label"),
        "rows": rows,
    }


@pytest.mark.parametrize("kind", ["comments", "array", "frame", "rows"])
def test_cross_validated_predictions_by_group(part, X, rows, y, groups, kind):
    given = kinds(part, X, rows)[kind]
    cv = GroupKFold(3)
    found = cross_val_predict(small(), given, y, groups=groups, cv=cv, method="predict_proba")
    assert found.shape == (len(y), 2)
    for train, test in cv.split(np.zeros(len(y)), y, groups):
        some = rows[train] if kind == "rows" else [X[i] for i in train]
        others = rows[test] if kind == "rows" else [X[i] for i in test]
        expected = small().fit(some, y[train]).predict_proba(others)
        np.testing.assert_allclose(found[test], expected, atol=1e-12)
    labels = cross_val_predict(small(), given, y, groups=groups, cv=cv)
    assert (labels == y).mean() > 0.7
    odds = cross_val_predict(small(), given, y, groups=groups, cv=cv, method="decision_function")
    assert roc_auc_score(y, odds) > 0.8


@pytest.mark.parametrize(
    "scoring", ["roc_auc", "accuracy", "average_precision", "neg_log_loss", "f1"]
)
def test_scorers(rows, y, groups, scoring):
    labels = (y == "spam").astype(int) if scoring in ("average_precision", "f1") else y
    scores = cross_val_score(
        small(), rows, labels, groups=groups, cv=GroupKFold(3), scoring=scoring, error_score="raise"
    )
    assert np.isfinite(scores).all()
    assert (scores > (-1.0 if scoring == "neg_log_loss" else 0.6)).all()


def test_roc_auc_of_words_is_that_of_numbers(rows, y, groups):
    settings = {"groups": groups, "cv": GroupKFold(3), "scoring": "roc_auc"}
    words = cross_val_score(small(), rows, y, **settings)
    numbers = cross_val_score(small(), rows, y == "spam", **settings)
    assert np.array_equal(words, numbers)
    assert (words > 0.8).all()


def test_many_metrics_at_once_with_weights(rows, y):
    found = cross_validate(
        small(), rows, y, cv=StratifiedKFold(3), scoring=["roc_auc", "accuracy"], return_estimator=True,
        params={"sample_weight": np.ones(len(y))}, error_score="raise",
    )  # fmt: skip
    assert (found["test_roc_auc"] > 0.8).all()
    assert len(found["estimator"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["comments", "frame", "rows"])
def test_grid_search(part, X, rows, y, groups, kind):
    given = kinds(part, X, rows)[kind]
    if kind != "rows":
        keep = np.isin(groups, np.unique(groups)[:4])
        given = (
            given[keep] if kind == "frame" else [c for c, k in zip(given, keep, strict=True) if k]
        )
        y, groups = y[keep], groups[keep]
    grid = {"C": [1e-6, 10.0], "families": [None, ["style"], ("links", "promo")]}
    search = GridSearchCV(small(), grid, cv=GroupKFold(2), scoring="roc_auc", error_score="raise")
    search.fit(given, y, groups=groups)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    assert best.get_params()["C"] == search.best_params_["C"]
    assert np.array_equal(search.predict(given), best.predict(given))
    assert best.score(given, y) > 0.7


def test_grid_search_over_bases(rows, X, y, model):
    keep = list(range(0, len(X), 4))
    search = GridSearchCV(small(), {"base": [None, model]}, cv=2, error_score="raise")
    search.fit([X[i] for i in keep], y[keep])
    assert search.best_score_ > 0.5


def test_calibrated(rows, X, y):
    for given in (rows, X):
        found = CalibratedClassifierCV(small(), cv=3).fit(given, y)
        chance = found.predict_proba(given)
        assert chance.shape == (len(y), 2)
        assert roc_auc_score(y, chance[:, 1]) > 0.9


def test_splitting_and_learning_curves(rows, X, y):
    for given in (rows, X):
        some, others, labels, truth = train_test_split(given, y, random_state=1, stratify=y)
        assert small().fit(some, labels).score(others, truth) > 0.6
    sizes, _, scores = learning_curve(
        small(), rows, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=1
    )
    assert len(sizes) == 2
    assert np.isfinite(scores).all()


def test_pickle_and_joblib(learned, X, tmp_path):
    joblib.dump(learned, tmp_path / "classifier.joblib")
    copies = [
        joblib.load(tmp_path / "classifier.joblib"),
        pickle.loads(pickle.dumps(learned)),
        copy.deepcopy(learned),
        copy.copy(learned),
    ]
    for copied in copies:
        assert copied.get_params() == learned.get_params()
        assert np.array_equal(copied.classes_, learned.classes_)
        assert np.array_equal(copied.predict(X), learned.predict(X))
        assert np.array_equal(copied.predict_proba(X), learned.predict_proba(X))
        assert np.array_equal(copied.contributions(X), learned.contributions(X))
        assert copied.model_.verdict(X[0]) == learned.model_.verdict(X[0])
        assert copied.model_.verdict(X[0]).reasons == learned.model_.verdict(X[0]).reasons


def test_models_compare_by_identity_as_arrays_have_no_truth_value(learned):
    model = learned.model_
    other = copy.deepcopy(model)
    assert (model == other) is False
    assert model in [other, model]
    assert len({model, other}) == 2


def test_one_label_is_named_plainly():
    with pytest.raises(CorpusError, match="all labels are 'ham': one"):
        small().fit(["a", "b"], np.array(["ham", "ham"]))


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_lengths_that_differ_are_told_first(learn):
    with pytest.raises(CorpusError, match="2 comments but 1 labels"):
        getattr(small(), learn)(["a", "b"], ["ham"])
