"""The scikit-learn estimator that fits a SpamModel."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from spamguard.comment import Comment, as_comment
from spamguard.corpus import comments_of_frame, is_foreign_frame, is_frame, missing
from spamguard.errors import CorpusError, InputError
from spamguard.features import (
    BLOCKS,
    FAMILIES,
    FEATURES,
    Rows,
    Vectorizer,
    languages_known,
    learn_background,
)
from spamguard.model import HIGH, LOW, Cuts, SpamModel
from spamguard.storage import load_model
from spamguard.training.solver import fit_logistic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["SpamClassifier"]

F64 = NDArray[np.float64]

LANGUAGE_HAM_OF_SITE: Final = 30
"""Ham comments that make a language known to a model of one site."""

_BACKGROUND_SAMPLE: Final = 20_000
_PRIOR_ROWS: Final = 20.0
_DENSE_SCALE: Final = 0.15
_BATCH: Final = 64
_LEAST_SHARE: Final = 1e-9  # of a class, in the prior
_MOST: Final = 60_000.0  # about the largest number in half precision


class SpamClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """A scikit-learn classifier of comments into ham and spam.

    Logistic regression over the named features and the hashed n-grams, fitted by
    L-BFGS (Liu and Nocedal 1989). X is a sequence of `Comment` (or of texts), a DataFrame
    with the columns of `score_frame`, or the `Rows` that `vectorize` made of either. With
    words as labels, use ``scoring="roc_auc"``; scikit-learn's ``"f1"`` needs the labels 0 and 1.

    Parameters
    ----------
    C : float
        Inverse strength of regularization, as in scikit-learn's logistic regression.
    bits : int
        The n-grams fall into ``2**bits`` buckets, 8 to 24.
    families : sequence of str or None
        Feature families to learn from, out of ``links``, ``promo``, ``topic``,
        ``author``, ``style`` and ``ngrams``; None means all.
    class_weight : {"balanced"} or None
        ``"balanced"`` gives ham and spam the same total weight; probabilities are then
        those of a blog where half the comments are spam.
    base : SpamModel, str, path or None
        A model to start from, such as ``"default"``. Only the difference to it is
        learned, so a handful of comments helps. Its prior (`SpamModel.at_prior`) is
        kept. A language becomes known with 30 ham comments.
    max_iter : int
        Maximum number of iterations of the solver.
    n_jobs : int or None
        Processes that vectorize the comments, as joblib counts them.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels; the second is spam.
    model_ : SpamModel
        The fitted model, ready for `spamguard.save_model`. Without a base its prior is
        the weighted share of spam in the training data.
    n_iter_ : int
        Iterations of the solver, or mini-batches seen by `partial_fit`.

    Examples
    --------
    >>> from spamguard import Comment, SpamClassifier
    >>> X = [Comment("cheap pills, order now"), Comment("I get the same error on 3.12")] * 20
    >>> classifier = SpamClassifier(bits=12).fit(X, ["spam", "ham"] * 20)
    >>> classifier.predict([Comment("order cheap pills")]).tolist()
    ['spam']
    """

    def __init__(
        self,
        *,
        C: float = 10.0,
        bits: int = 18,
        families: Sequence[str] | None = None,
        class_weight: str | None = None,
        base: SpamModel | str | os.PathLike[str] | None = None,
        max_iter: int = 200,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.bits = bits
        self.families = families
        self.class_weight = class_weight
        self.base = base
        self.max_iter = max_iter
        self.n_jobs = n_jobs

    # --- fitting -----------------------------------------------------------------

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SpamClassifier:
        """Fit from scratch, or from `base`.

        Parameters
        ----------
        X : sequence of Comment, DataFrame or Rows, length n
        y : array-like of shape (n,)
            Two labels; spam is the one that sorts last, as in ham and spam, 0 and 1,
            False and True.
        sample_weight : array-like of shape (n,), optional
            Weight of each comment.

        Raises
        ------
        CorpusError
            If there are no comments, a label is missing, or the labels are not two.
        InputError
            If X is none of the above.
        """
        self._check_settings()
        labels = _labels(y)
        comments = _paired(X, labels)
        classes = _classes(labels)
        base, prior = _as_trained(self._base())
        spam = labels == classes[1]
        weight = self._weights(spam, sample_weight)
        if not (weight[spam].any() and weight[~spam].any()):
            raise CorpusError(
                "all comments of one class have weight zero: give some of them a weight."
            )
        rows = self._rows(comments, base, weight)
        scaling = _Scaling.of_model(base) if base else _Scaling.learn(rows.dense, weight)
        matrix = self._matrix(rows, scaling)
        strength = 1.0 / (self.C * weight.sum())
        offset = base.decision_function(rows) if base else None
        steps = [0]
        theta, intercept = fit_logistic(
            matrix, spam, weight, strength, offset=offset, accuses=_accusing(matrix.shape[1], base),
            max_iter=self.max_iter,
            watch=lambda step: steps.__setitem__(0, step),
        )  # fmt: skip
        self.classes_ = classes
        self.n_iter_ = steps[0]
        self._forget_online()
        self._count_languages(rows, spam, weight)
        self._mass = _mass(spam, weight)
        self._set_model(rows, scaling, theta, intercept, base, prior)
        return self

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> SpamClassifier:
        """Learn from more comments, in order (AdaGrad, mini-batches).

        The first call fixes the scaling of features and the word frequencies, so its comments
        should be typical. It needs `classes`, both labels, unless `y` has both; later calls
        accept a single label. Errors are those of `fit`, and CorpusError for other classes than
        in the first call, or InputError for a wrong X.
        """
        self._check_settings()
        labels = _labels(y)
        comments = _paired(X, labels)
        if not hasattr(self, "model_"):
            known = _classes(labels if classes is None else _labels(classes))
        elif classes is None or np.array_equal(np.unique(_labels(classes)), self.classes_):
            known = self.classes_
        else:
            raise CorpusError(f"the classes are {self.classes_.tolist()} since the first call.")
        if not set(labels.tolist()) <= set(known.tolist()):
            raise CorpusError(f"labels must be among {known.tolist()}.")
        base, prior = _as_trained(getattr(self, "model_", None) or self._base())
        spam = labels == known[1]
        weight = self._weights(spam, sample_weight)
        rows = self._rows(comments, base, weight)
        scaling = _Scaling.of_model(base) if base else _Scaling.learn(rows.dense, weight)
        if not hasattr(self, "model_"):
            self.classes_ = known
            self.n_iter_ = 0
        theta, intercept = self._walk(rows, scaling, spam, weight, base)
        self._count_languages(rows, spam, weight)
        self._mass = getattr(self, "_mass", np.zeros(2)) + _mass(spam, weight)
        self._set_model(rows, scaling, theta, intercept, base, prior)
        return self

    def _walk(
        self,
        rows: Rows,
        scaling: _Scaling,
        spam: NDArray[np.bool_],
        weight: F64,
        base: SpamModel | None,
    ) -> tuple[F64, float]:
        """Return the change of the weights of `base` by the mini-batches."""
        matrix = self._matrix(rows, scaling)
        width = matrix.shape[1]
        if not hasattr(self, "_squares"):
            self._squares = np.full(width + 1, 1e-3)
        theta, intercept = np.zeros(width), 0.0
        start = base.decision_function(rows) if base else np.zeros(len(spam))
        sign = np.where(spam, 1.0, -1.0)
        for first in range(0, len(sign), _BATCH):
            part = slice(first, first + _BATCH)
            some = matrix[part]
            margin = sign[part] * (some @ theta + intercept + start[part])
            slope = -weight[part] * sign[part] / (1.0 + np.exp(np.clip(margin, -500, 500)))
            gradient = some.T @ slope / _BATCH
            used = np.flatnonzero(gradient)
            self._squares[used] += gradient[used] ** 2
            theta[used] -= 0.1 * gradient[used] / np.sqrt(self._squares[used])
            self._squares[-1] += (slope.sum() / _BATCH) ** 2
            intercept -= 0.1 * slope.sum() / _BATCH / np.sqrt(self._squares[-1])
            self.n_iter_ += 1
        return theta, float(intercept)

    def _forget_online(self) -> None:
        if hasattr(self, "_squares"):
            del self._squares
        self._ham_languages: Counter[str] = Counter()

    def _count_languages(self, rows: Rows, spam: NDArray[np.bool_], weight: F64) -> None:
        if not hasattr(self, "_ham_languages"):
            self._ham_languages = Counter()
        self._ham_languages.update(rows.languages[~spam & (weight > 0)].tolist())

    def _languages(self, base: SpamModel | None) -> frozenset[str]:
        """Return the languages of `base`, if it names any, and those of these comments."""
        if base is None or not base.languages:
            # One site's comments are too few to know languages from, so treat all alike.
            return frozenset()
        counts = {code: {"ham": ham} for code, ham in self._ham_languages.items() if code}
        return base.languages | languages_known(counts, LANGUAGE_HAM_OF_SITE)

    def _check_settings(self) -> None:
        if not isinstance(self.C, Real) or not self.C > 0:
            raise InputError(f"C must be a number above zero, not {self.C!r}.")
        if not isinstance(self.max_iter, Integral) or self.max_iter < 1:
            raise InputError(f"max_iter must be a whole number above zero, not {self.max_iter!r}.")
        if not isinstance(self.bits, int | np.integer) or not 8 <= self.bits <= 24:
            raise InputError(f"bits must be a whole number from 8 to 24, not {self.bits!r}.")
        known = (*FAMILIES, "ngrams")
        if isinstance(self.families, str) or not isinstance(self.families, Iterable | None):
            raise InputError(f"families must be a list of names or None, not {self.families!r}.")
        for family in self.families or ():
            if family not in known:
                raise InputError(f"no feature family {family!r}; there are {', '.join(known)}.")
        if self.class_weight not in (None, "balanced"):
            raise InputError(f"class_weight must be None or 'balanced', not {self.class_weight!r}.")

    def _base(self) -> SpamModel | None:
        if self.base is None or isinstance(self.base, SpamModel):
            return self.base
        return load_model(self.base)

    def _rows(self, X: list[Comment] | Rows, base: SpamModel | None, weight: F64) -> Rows:
        if isinstance(X, Rows):
            if base is not None:
                _check_rows(X, base)
            return X
        # A comment of weight zero is absent, from the word frequencies too.
        return self._vectorize(X, base, [c for c, w in zip(X, weight, strict=True) if w])

    def _vectorize(
        self, comments: list[Comment], base: SpamModel | None, counted: list[Comment]
    ) -> Rows:
        if base is not None:
            return base.vectorizer.rows(comments, n_jobs=self.n_jobs, dtype=np.float32)
        step = max(1, len(counted) // _BACKGROUND_SAMPLE)
        background = learn_background(counted[::step])
        vectorizer = Vectorizer(int(self.bits), background)
        return vectorizer.rows(comments, n_jobs=self.n_jobs, dtype=np.float32)

    def _weights(self, spam: NDArray[np.bool_], sample_weight: ArrayLike | None) -> F64:
        try:
            weight = np.ones(len(spam)) if sample_weight is None else np.array(sample_weight, float)
        except (TypeError, ValueError):
            raise InputError("sample_weight must hold numbers.") from None
        if weight.shape != spam.shape or not np.isfinite(weight).all() or (weight < 0).any():
            raise InputError(
                "sample_weight needs one finite number, zero or more, for each comment."
            )
        if self.class_weight == "balanced":
            for side in (spam, ~spam):
                if weight[side].sum() > 0:
                    weight[side] /= 2.0 * weight[side].sum()
            weight *= len(weight)
        if len(weight) and not weight.sum() > 0:
            raise InputError("sample_weight is zero for every comment.")
        return weight

    def _matrix(self, rows: Rows, scaling: _Scaling) -> csr_matrix:
        """Return named features, scaled, beside the n-grams; families left out are zero."""
        from scipy.sparse import csr_matrix, hstack

        dense = scaling.apply(rows.dense) * self._columns()
        grams = rows.folded()
        if self.families is not None and "ngrams" not in self.families:
            grams = grams.multiply(0.0).tocsr()
            grams.eliminate_zeros()
        matrix: csr_matrix = hstack([csr_matrix(dense), grams], format="csr", dtype=np.float32)
        return matrix

    def _columns(self) -> NDArray[np.bool_]:
        """Return which of `FEATURES` are used."""
        used = FAMILIES if self.families is None else self.families
        return np.array([family in used for family, features in FAMILIES.items() for _ in features])

    def _set_model(
        self,
        rows: Rows,
        scaling: _Scaling,
        theta: F64,
        intercept: float,
        base: SpamModel | None,
        prior: float,
    ) -> None:
        width = len(FEATURES)
        dense, grams = theta[:width] * scaling.factor, theta[width:]
        if base is not None:
            dense, grams = dense + base.dense_weights, grams + base.ngram_weights
            intercept += base.intercept
        learned = SpamModel(
            name="unnamed",
            version="0",
            intercept=intercept,
            dense_weights=dense,
            dense_reference=scaling.reference,
            # Rounded as in a file, so that saving changes no verdict.
            ngram_weights=np.clip(grams, -_MOST, _MOST).astype(np.float16).astype(np.float32),
            background=rows.background,
            cuts=Cuts() if base is None else replace(base.cuts, discard=None),
            prior=self._learned_prior(base),
            languages=self._languages(base),
        )
        # Without a base the prior is that of the labels.
        self.model_ = learned if self.base is None else learned.at_prior(prior)

    def _learned_prior(self, base: SpamModel | None) -> float:
        """Return the prior share of spam of the fitted weights, 0 to 1."""
        if base is not None and self.base is not None:
            return base.prior
        ham, spam = self._mass.tolist()
        if not (ham and spam):
            return 0.5  # one class alone, at the start of a stream
        return float(min(max(spam / (ham + spam), _LEAST_SHARE), 1 - _LEAST_SHARE))

    # --- predicting ------------------------------------------------------------------

    def vectorize(self, X: Any) -> Rows:
        """Return n comments as `Rows`, which every other method accepts in their place.

        Before the first fit the word frequencies come from `X` itself.
        """
        self._check_settings()
        base = getattr(self, "model_", None) or self._base()
        comments = _comments(X)
        return self._vectorize(comments, base, comments)

    def contributions(self, X: Any) -> F64:
        """Return the contributions of each named column to the log-odds, shape (n, n_names).

        Columns are in the order of `get_feature_names_out`. A row plus ``model_.intercept``
        sums to its `decision_function`.
        """
        check_is_fitted(self, "model_")
        if isinstance(X, Rows):
            _check_rows(X, self.model_)
            return self.model_.contributions(X)
        return self.model_.contributions(self._vectorize(_comments(X), self.model_, []))

    def decision_function(self, X: Any) -> F64:
        """Return the log-odds, shape (n,); positive where spam is more likely."""
        found: F64 = self.contributions(X).sum(axis=1) + self.model_.intercept
        return found

    def predict_proba(self, X: Any) -> F64:
        """Return probabilities, 0 to 1, shape (n, 2), in the order of `classes_`."""
        spam = 1.0 / (1.0 + np.exp(-np.clip(self.decision_function(X), -700, 700)))
        return np.column_stack([1.0 - spam, spam])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more likely label of each comment, shape (n,)."""
        log_odds = self.decision_function(X)
        labels: NDArray[Any] = self.classes_[(log_odds >= 0).astype(int)]
        return labels

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the columns of `contributions`, shape (n_names,).

        scikit-learn passes `input_features`, which is ignored.
        """
        names = [f.name for f in FEATURES] + [f"ngrams_{block}" for block in BLOCKS]
        return np.array(names, object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _as_trained(base: SpamModel | None) -> tuple[SpamModel | None, float]:
    """Return `base` at the prior of its training, and its present prior.

    Labels compared with another site's prior would be learned as if they were news.
    """
    return (None, 0.5) if base is None else (base.as_trained(), base.prior)


def _mass(spam: NDArray[np.bool_], weight: F64) -> F64:
    """Return the weight of ham and of spam."""
    return np.array([weight[~spam].sum(), weight[spam].sum()])


def _comments(X: Any) -> list[Comment]:
    if is_frame(X) or is_foreign_frame(X):
        return comments_of_frame(X)
    if isinstance(X, str | bytes | Comment | Mapping) or not isinstance(X, Iterable):
        raise InputError(
            f"X must be a sequence of Comment or a DataFrame with a column 'text', not {type(X).__name__}."
        )
    return [as_comment(comment) for comment in X]


def _paired(X: Any, labels: NDArray[Any]) -> list[Comment] | Rows:
    comments = X if isinstance(X, Rows) else _comments(X)
    if len(comments) != len(labels):
        raise CorpusError(f"{len(comments)} comments but {len(labels)} labels.")
    return comments


def _check_rows(rows: Rows, model: SpamModel) -> None:
    if rows.bits != model.vectorizer.bits:
        raise InputError(
            f"these rows have {rows.bits} bits and the model {model.vectorizer.bits}; "
            "make rows with the vectorize method of the estimator that they are for."
        )


_KINDS: Final = ((str, "words"), (bool | np.bool_, "true or false"), (Real, "numbers"))


def _labels(y: Any) -> NDArray[Any]:
    """Return `y` as an array of one plain type, without missing labels."""
    if hasattr(y, "__array__"):
        labels = np.asarray(y)
    elif isinstance(y, Iterable) and not isinstance(y, str | bytes):
        # np.array(y) would turn a missing label among words into the word "nan".
        labels = np.fromiter(y, object)
    else:
        raise CorpusError(f"y must hold one label for each comment, not be {type(y).__name__}.")
    if labels.ndim != 1:
        raise CorpusError(f"y must have one dimension, not {labels.ndim}.")
    values = labels.tolist()
    if any(map(missing, values)):
        raise CorpusError("labels are missing: leave out the comments that have none.")
    if labels.dtype != object:
        return labels
    kinds = {next((kind for t, kind in _KINDS if isinstance(v, t)), "other") for v in values}
    if len(kinds) > 1 or "other" in kinds:
        types = ", ".join(sorted({type(value).__name__ for value in values}))
        raise CorpusError(f"labels must be all words, or all numbers, not a mixture of {types}.")
    return np.array(values)


def _classes(labels: NDArray[Any]) -> NDArray[Any]:
    classes = np.unique(labels)
    if len(classes) == 0:
        raise CorpusError("there are no comments to learn from.")
    if len(classes) == 1:
        raise CorpusError(
            f"all labels are {classes.tolist()[0]!r}: one class alone teaches nothing; add comments of the other."
        )
    if len(classes) > 2:
        raise CorpusError(f"there are {len(classes)} labels; two are needed, ham and spam.")
    if str(classes[0]).strip().lower() == "spam":
        # scikit-learn's scorers take the label that sorts last as positive.
        raise CorpusError(
            f"of {classes[0]!s} and {classes[1]!s} the latter sorts last and would count as spam; "
            "call them 'ham' and 'spam'."
        )
    return classes


def _accusing(width: int, base: SpamModel | None) -> NDArray[np.bool_] | None:
    """Return which columns may only raise the log-odds; a base's may be lowered again."""
    if base is not None:
        return None
    found = np.zeros(width, bool)
    found[: len(FEATURES)] = [feature.accuses for feature in FEATURES]
    return found


class _Scaling:
    """The value at which each named feature contributes nothing, and its typical spread."""

    def __init__(self, reference: F64, factor: F64) -> None:
        self.reference = reference
        self.factor = factor  # from a feature's own unit to the unit that is penalised

    @classmethod
    def learn(cls, dense: NDArray[np.float32], weight: F64) -> _Scaling:
        values = np.clip(dense.astype(float), LOW, HIGH)
        known = ~np.isnan(values)
        mass = (weight[:, None] * known).sum(axis=0)
        safe = np.where(known, values, 0.0)
        mean = (weight[:, None] * safe).sum(axis=0) / np.maximum(mass, 1e-12)
        square = (weight[:, None] * known * (safe - mean) ** 2).sum(axis=0)
        # A few comments are a poor measure of spread: add some with a tenth of the range.
        spread = square / np.maximum(mass, 1e-12)
        prior = (0.1 * (HIGH - LOW)) ** 2
        spread = (spread * mass + prior * _PRIOR_ROWS) / (mass + _PRIOR_ROWS)
        by_mean = np.array([f.reference == "mean" for f in FEATURES])
        return cls(
            np.where(by_mean & (mass > 0), mean, 0.0),
            _DENSE_SCALE / np.maximum(np.sqrt(spread), 0.05),
        )

    @classmethod
    def of_model(cls, model: SpamModel) -> _Scaling:
        """Return the model's reference, with spreads from the ranges as it keeps none."""
        return cls(model.dense_reference, _DENSE_SCALE / np.maximum(0.25 * (HIGH - LOW), 0.05))

    def apply(self, dense: NDArray[np.float32]) -> F64:
        values: F64 = (np.clip(dense.astype(float), LOW, HIGH) - self.reference) * self.factor
        values[np.isnan(values)] = 0.0
        return values
