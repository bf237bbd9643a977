"""SpamModel: trained weights at work. Needs numpy and nothing else.

The log-odds are a sum: the intercept, one term for each named feature and one
for each n-gram. The same terms are the reasons, so score and explanation
cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import exp
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spamguard.comment import Comment
from spamguard.evaluation.metrics import checked_numbers, checked_share
from spamguard.explaining import reasons_for
from spamguard.features import (
    BLOCKS,
    CELLS,
    F32,
    FEATURES,
    NAMES,
    Rows,
    Vectorizer,
    Vectors,
    batches,
    is_known,
)
from spamguard.verdict import Label, Verdict

Floats = NDArray[np.float64]

LOW: Final = np.array([f.low for f in FEATURES], float)
HIGH: Final = np.array([f.high for f in FEATURES], float)
"""The range of each named feature; values beyond count as its ends."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Decision thresholds in log-odds, compared with ``>=``.

    Parameters
    ----------
    unsure, spam : float
        From here on a comment is called unsure, or spam.
    discard : float or None
        From here on it may be thrown away unseen; None where the training
        data could not support that promise.
    """

    unsure: float = 0.0
    spam: float = 0.0
    discard: float | None = None

    def __post_init__(self) -> None:
        if self.unsure > self.spam or (self.discard is not None and self.discard < self.spam):
            raise ValueError("the cuts must not fall: unsure, then spam, then discard")

    def moved(self, shift: float) -> Cuts:
        """Return the cuts with `shift` (log-odds) added to each."""
        discard = None if self.discard is None else self.discard + shift
        return Cuts(self.unsure + shift, self.spam + shift, discard)

    def label(self, log_odds: float, language_known: bool = True) -> Label:
        """Return the label of a comment with these log-odds; spam only in a language known."""
        if log_odds >= self.spam and language_known:
            return "spam"
        return "unsure" if log_odds >= self.unsure else "ham"


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, that belongs to `log_odds`."""
    if log_odds >= 0:
        return 1.0 / (1.0 + exp(-log_odds))
    return exp(max(log_odds, -700.0)) / (1.0 + exp(max(log_odds, -700.0)))


@dataclass(frozen=True, slots=True, eq=False)
class SpamModel:
    """Trained weights.

    Parameters
    ----------
    name, version : str
        What `Verdict.model` tells.
    intercept : float
        Log-odds before anything is read.
    dense_weights, dense_reference : ndarray of float64, shape (n_features,)
        Weight of one unit of each named feature, and the value that
        contributes nothing.
    ngram_weights : ndarray of float32, shape (2**bits,)
        Weight of each bucket.
    background : ndarray of float32, shape (65536,)
        Inverse document frequencies of terms, by hash.
    cuts : Cuts
        The decision thresholds.
    languages : frozenset of str
        Languages of which it learned enough real comments; a comment in
        another is never called spam. Empty where nobody counted them: such a
        model judges every language alike.
    about : mapping
        What the model was trained on and how it was measured; plain JSON.
    prior : float, default 0.5
        The share of spam, between 0 and 1, among all comments of the site that
        the probabilities speak of. It is a statement, not a knob: `at_prior`
        makes the model speak of another site.
    trained_prior : float, optional
        That share when the weights were learned; None where it is `prior`.
    """

    name: str
    version: str
    intercept: float
    dense_weights: F64 = field(repr=False)
    dense_reference: F64 = field(repr=False)
    ngram_weights: F32 = field(repr=False)
    background: F32 = field(repr=False)
    cuts: Cuts = Cuts()
    languages: frozenset[str] = field(default=frozenset(), kw_only=True, repr=False)
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)
    prior: float = 0.5
    trained_prior: float | None = field(default=None, repr=False)
    vectorizer: Vectorizer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        bits = int(self.ngram_weights.shape[0]).bit_length() - 1
        object.__setattr__(self, "vectorizer", Vectorizer(bits, self.background))

    @property
    def title(self) -> str:
        """Name and version in one word."""
        return f"{self.name}-{self.version}"

    def at_prior(self, share: float) -> SpamModel:
        """Return this model with probabilities for a site where `share` of all comments is spam.

        By Bayes' rule the odds of spam are the odds before reading times the
        likelihood ratio of the comment, and only the former depend on the
        site. So the intercept moves by ``logit(share) - logit(prior)`` and no
        contribution does. The cuts move by the same amount: what is promised
        of them is a share of ham, which does not depend on how much spam
        there is, so they go on acting on the same comments.

        Parameters
        ----------
        share : float
            Share of spam among all comments of the site, strictly between 0 and 1.

        Returns
        -------
        SpamModel
            It shares its arrays with this one.

        Raises
        ------
        InputError
            If `share` is no number between 0 and 1.
        """
        # Imported here: whoever scores at the model's own prior need not wait for it.
        pass

        shift = float(log_odds_at_prior([0.0], self.prior, share)[0])
        if share == self.prior:
            return self
        trained = self.prior if self.trained_prior is None else self.trained_prior
        return replace(
            self,
            intercept=self.intercept + shift,
            cuts=self.cuts.moved(shift),
            prior=float(share),
            trained_prior=None if share == trained else trained,
        )

    def as_trained(self) -> SpamModel:
        """Return this model at the prior that its weights were learned at.

        Returns
        -------
        SpamModel
            Itself, where it speaks of that prior already.
        """
        return self if self.trained_prior is None else self.at_prior(self.trained_prior)

    def dense_contributions(self, dense: F64) -> F64:
        """Return what each raw feature value in `dense` adds; zero where it does not apply.

        Parameters
        ----------
        dense : ndarray of float64, shape (..., n_features)
            Raw values; NaN where a feature does not apply.

        Returns
        -------
        ndarray of float64, shape as `dense`
            Log-odds.
        """
        # np.clip would be slower than both together for a single comment.
        parts: F64 = np.minimum(np.maximum(dense, LOW), HIGH)
        parts -= self.dense_reference
        parts *= self.dense_weights
        parts[np.isnan(parts)] = 0.0
        return parts

    def block_contributions(self, vectors: Vectors) -> F64:
        """Return what each block of n-grams adds, shape (n, n_blocks).

        Parameters
        ----------
        vectors : Vectors
            Of n comments, as the model's own vectorizer makes them.

        Returns
        -------
        ndarray of float64, shape (n, n_blocks)
            Log-odds.
        """
        parts = self.ngram_weights[vectors.buckets] * vectors.values
        n = len(vectors.languages)
        sums: F64 = np.bincount(vectors.cells, parts, n * CELLS).astype(np.float64, copy=False)
        return sums.reshape(n, CELLS)[:, : len(BLOCKS)]

    def contributions(self, comment: Comment) -> F64:
        """Return what each of the named columns adds to the log-odds of `comment`.

        Parameters
        ----------
        comment : Comment
            With its post, where it has one.

        Returns
        -------
        ndarray of float64, shape (n_names,)
            In the order of `get_feature_names_out`; their sum plus
            `intercept` is the log-odds.
        """
        vectors = self.vectorizer.vectors([comment])
        named, blocks = self.dense_contributions(vectors.dense), self.block_contributions(vectors)
        parts: F64 = np.concatenate((named, blocks), axis=1)[0]
        return parts

    def get_feature_names_out(self) -> NDArray[np.object_]:
        """Return the names of the columns that `contributions` gives.

        Returns
        -------
        ndarray of object, shape (n_names,)
            Such as ``links_count`` and ``ngrams_words``.
        """
        return np.array(NAMES, object)

    def log_odds(self, comment: Comment) -> float:
        """Return the calibrated log-odds that `comment` is spam.

        Parameters
        ----------
        comment : Comment
            With its post, where it has one.

        Returns
        -------
        float
            Compared with the cuts by ``>=``.
        """
        return float(self._log_odds(self.vectorizer.vectors([comment]))[0])

    def _log_odds(self, vectors: Vectors) -> F64:
        named = self.dense_contributions(vectors.dense).sum(axis=1)
        total: F64 = named + self.block_contributions(vectors).sum(axis=1) + self.intercept
        return total

    def verdict(self, comment: Comment) -> Verdict:
        """Judge one comment.

        Parameters
        ----------
        comment : Comment
            With its post, where it has one.

        Returns
        -------
        Verdict
            What `spamguard.score` gives.
        """
        return self.verdicts([comment])[0]

    def verdicts(self, comments: Iterable[Comment]) -> list[Verdict]:
        """Judge many comments: several at once, but no more than fit into little memory.

        Parameters
        ----------
        comments : iterable of Comment
            Each with its post, where it has one.

        Returns
        -------
        list of Verdict
            In the order of `comments`.
        """
        found: list[Verdict] = []
        for batch in batches(comments):
            vectors = self.vectorizer.vectors(batch)
            log_odds = self._log_odds(vectors).tolist()
            found += map(self._verdict, batch, log_odds, vectors.languages)
        return found

    def _verdict(self, comment: Comment, log_odds: float, language: str) -> Verdict:
        cuts, known = self.cuts, is_known(language, self.languages)
        return Verdict(
            spam_probability=probability(log_odds),
            label=cuts.label(log_odds, known),
            discard=cuts.discard is not None and log_odds >= cuts.discard and known,
            log_odds=log_odds,
            intercept=self.intercept,
            model=self.title,
            language=language,
            language_known=known,
            _reasons=partial(reasons_for, self, comment, log_odds),
            _source=(self, comment),
        )

    def html_of(self, verdict: Verdict, comment: Comment) -> str:
        """Return `verdict`, which this model gave `comment`, as HTML for a notebook.

        Parameters
        ----------
        verdict : Verdict
            What this model said.
        comment : Comment
            Of what it said so.

        Returns
        -------
        str
            HTML in which every text of others is escaped.
        """
        from spamguard.analysis import verdict_html

        return verdict_html(verdict, self, comment)

    def __str__(self) -> str:
        """Return what a person asks of a model, over several lines."""
        from spamguard.analysis import model_text

        return model_text(self)

    def _repr_html_(self) -> str:
        """Return thresholds, training and the strongest weights of each family."""
        from spamguard.analysis import model_html

        return model_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else str(self))


def contributions_of(model: SpamModel, rows: Rows) -> NDArray[np.float64]:
    """Return what each named column adds, shape (n, n_names), as `SpamModel.contributions`."""
    grams = rows.grams
    parts = grams.data * model.ngram_weights[grams.indices & ((1 << rows.bits) - 1)]
    owner = np.repeat(np.arange(len(rows)) * len(BLOCKS), np.diff(grams.indptr))
    cells = np.bincount(
        owner + (grams.indices >> rows.bits), weights=parts, minlength=len(rows) * len(BLOCKS)
    )
    dense = model.dense_contributions(rows.dense.astype(np.float64))
    return np.column_stack([dense, cells.reshape(len(rows), len(BLOCKS))])


def log_odds_of(model: SpamModel, rows: Rows) -> NDArray[np.float64]:
    """Return the log-odds of each row, shape (n,)."""
    dense = model.dense_contributions(rows.dense.astype(np.float64)).sum(axis=1)
    total: NDArray[np.float64] = dense + rows.folded() @ model.ngram_weights + model.intercept
    return total


def labels_of(
    cuts: Cuts, known: frozenset[str], log_odds: NDArray[np.float64], languages: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Return the label of each row, shape (n,), as `SpamModel.verdict` gives it.

    Parameters
    ----------
    cuts : Cuts
        The decision thresholds.
    known : frozenset of str
        The languages that were learned from; empty where nobody counted.
    log_odds, languages : ndarray of shape (n,)
        Of the rows.
    """
    pairs = zip(log_odds.tolist(), languages.tolist(), strict=True)
    labels = [cuts.label(z, is_known(language, known)) for z, language in pairs]
    return np.array(labels, "<U6")


def log_odds_at_prior(log_odds: ArrayLike, trained_share: float, site_share: float) -> Floats:
    """Return the log-odds as they would be where another share of comments is spam.

    Adds ``logit(site_share) - logit(trained_share)`` (Elkan 2001; Saerens,
    Latinne and Decaestecker 2002). It holds where ham and spam themselves look
    alike on both sides and only their shares differ.

    Parameters
    ----------
    log_odds : array_like, shape (n,)
        Calibrated at `trained_share`.
    trained_share, site_share : float
        Share of spam, strictly between 0 and 1.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)

    Raises
    ------
    InputError
        NaN, or a share out of range.
    """
    trained = checked_share("trained_share", trained_share)
    site = checked_share("site_share", site_share)
    shift = math.log(site) - math.log1p(-site) - math.log(trained) + math.log1p(-trained)
    shifted: Floats = checked_numbers("log_odds", log_odds) + shift
    return shifted
