"""SpamModel: trained weights that score comments. It needs only numpy.

The log-odds are a sum of the intercept, one term per named feature and one per
n-gram. The same terms are the reasons, so score and explanation cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spamguard.comment import Comment
from spamguard.display import box, safe, share, table
from spamguard.errors import InputError
from spamguard.explaining import Shading, reasons_for, shading_of
from spamguard.features import (
    BLOCKS,
    FAMILIES,
    FEATURES,
    Rows,
    Vectorizer,
    is_known,
)
from spamguard.verdict import Label, Reason, Verdict

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LOW: Final = np.array([f.low for f in FEATURES], float)
HIGH: Final = np.array([f.high for f in FEATURES], float)
"""The range of each named feature; values are clipped to it."""
_NAMES: Final = (*(f.name for f in FEATURES), *(f"ngrams_{block}" for block in BLOCKS))
_MOST_WEIGHTS: Final = 5


@dataclass(frozen=True, slots=True)
class Cuts:
    """Decision thresholds in log-odds, compared with ``>=``.

    `discard` is the threshold for deleting a comment unseen; None if the training data
    could not support that promise.
    """

    unsure: float = 0.0
    spam: float = 0.0
    discard: float | None = None

    def __post_init__(self) -> None:
        if self.unsure > self.spam or (self.discard is not None and self.discard < self.spam):
            raise ValueError("the cuts must not fall: unsure, then spam, then discard")

    def moved(self, shift: float) -> Cuts:
        """Return the cuts, each raised by `shift`."""
        discard = None if self.discard is None else self.discard + shift
        return Cuts(self.unsure + shift, self.spam + shift, discard)

    def label(self, log_odds: float, language_known: bool = True) -> Label:
        """Return the label for these log-odds; never spam if the language is unknown."""
        if log_odds >= self.spam and language_known:
            return "spam"
        return "unsure" if log_odds >= self.unsure else "ham"

    def labels(
        self, log_odds: F64, languages: NDArray[np.str_], known: frozenset[str]
    ) -> NDArray[np.str_]:
        """Return the label of each row, shape (n,); `known` are the model's languages."""
        pairs = zip(log_odds.tolist(), languages.tolist(), strict=True)
        labels = [self.label(z, is_known(language, known)) for z, language in pairs]
        return np.array(labels, "<U6")


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, for `log_odds`."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    return math.exp(max(log_odds, -700.0)) / (1.0 + math.exp(max(log_odds, -700.0)))


@dataclass(frozen=True, slots=True, eq=False)
class SpamModel:
    """Trained weights.

    Parameters
    ----------
    name, version : str
        Shown as `Verdict.model`.
    intercept : float
        Log-odds before any feature.
    dense_weights, dense_reference : ndarray of float64, shape (n_features,)
        Weight per unit of each named feature, and its value with contribution zero.
    ngram_weights : ndarray of float32, shape (2**bits,)
        Weight of each bucket.
    background : ndarray of float32, shape (65536,)
        Inverse document frequencies of terms, by hash.
    cuts : Cuts
        The decision thresholds.
    languages : frozenset of str
        Languages with enough ham in training; a comment in another language is never
        called spam. Empty means that all languages are treated alike.
    about : mapping
        Training data and measurements, as plain JSON.
    prior : float, default 0.5
        Share of spam, between 0 and 1, among a site's comments, which the probabilities
        assume. Use `at_prior` for another site.
    trained_prior : float, optional
        The prior during training; None if it is `prior`.
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
    _columns: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        bits = int(self.ngram_weights.shape[0]).bit_length() - 1
        object.__setattr__(self, "vectorizer", Vectorizer(bits, self.background))
        columns = (LOW, HIGH, self.dense_reference, self.dense_weights)
        object.__setattr__(
            self, "_columns", b"".join([c.astype(np.float64).tobytes() for c in columns])
        )

    @property
    def title(self) -> str:
        """Name and version in one word."""
        return f"{self.name}-{self.version}"

    def at_prior(self, share: float) -> SpamModel:
        """Return this model for a site where `share` (strictly between 0 and 1) of comments is spam.

        By Bayes' rule the intercept and the cuts move by ``logit(share) - logit(prior)``.
        Contributions and labels stay, because the cuts promise a share of ham, which does
        not depend on the amount of spam. The arrays are shared with this model. Raises
        InputError if `share` is out of range.
        """
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
        """Return this model at the prior of its training."""
        return self if self.trained_prior is None else self.at_prior(self.trained_prior)

    def contributions(self, given: Comment | Rows) -> F64:
        """Return the contribution of each named column to the log-odds.

        The shape is (n_names,) for a comment and (n, n_names) for n rows, in the order of
        `get_feature_names_out`. With `intercept` they sum to the log-odds.
        """
        if isinstance(given, Comment):
            one: F64 = self.contributions(self.vectorizer.rows([given]))[0]
            return one
        parts: F64 = np.concatenate(self._contributions(given), axis=1)
        return parts

    def _contributions(self, rows: Rows) -> tuple[F64, F64]:
        """Return the contributions of named features, (n, n_features), and of blocks, (n, n_blocks)."""
        n, width = len(rows), len(BLOCKS)
        parts = self.ngram_weights[rows.buckets].astype(np.float64) * rows.values
        cells = rows.blocks + np.repeat(np.arange(n) * width, np.diff(rows.indptr))
        blocks = np.bincount(cells, parts, n * width).astype(np.float64, copy=False)
        return self._named(rows.dense), blocks.reshape(n, width)

    def _named(self, dense: NDArray[Any]) -> F64:
        """Return the contributions of raw feature values; zero for a feature that does not apply."""
        parts: F64 = np.clip(dense.astype(np.float64, copy=False), LOW, HIGH)
        parts -= self.dense_reference
        parts *= self.dense_weights
        parts[np.isnan(parts)] = 0.0
        return parts

    def get_feature_names_out(self) -> NDArray[np.object_]:
        """Return the names of the columns of `contributions`, shape (n_names,)."""
        return np.array(_NAMES, object)

    def log_odds(self, comment: Comment) -> float:
        """Return the calibrated log-odds that `comment` is spam."""
        return self.verdict(comment).log_odds

    def decision_function(self, rows: Rows) -> F64:
        """Return the log-odds of many rows, shape (n,).

        N-grams are summed in single precision, as in training, so the result may differ
        from `log_odds` by a millionth. The rows must come from a vectorizer like the model's.
        """
        grams = rows.folded() @ self.ngram_weights
        total: F64 = self._named(rows.dense).sum(axis=1) + grams + self.intercept
        return total

    def verdict(self, comment: Comment) -> Verdict:
        """Return the verdict on one comment, as `spamguard.score` does."""
        return self.verdicts([comment])[0]

    def verdicts(self, comments: Iterable[Comment]) -> list[Verdict]:
        """Return the verdicts on many comments, in order, in batches that need little memory."""
        sums = self.vectorizer.sums(comments, self._columns, self.ngram_weights)
        return [
            self.verdict_at(comment, named + sum(blocks) + self.intercept, language)
            for comment, named, blocks, language in sums
        ]

    def verdict_at(self, comment: Comment, log_odds: float, language: str) -> Verdict:
        """Return the verdict on a comment whose `log_odds` by this model are known.

        `language` is the code of the comment's language; empty if unclear.
        """
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
            _reasons=partial(self._reasons, comment, log_odds),
        )

    def _reasons(
        self, comment: Comment, log_odds: float, most: int | None = None
    ) -> tuple[Reason, ...]:
        evidence = self.vectorizer.evidence(comment)
        named, total = self._named(evidence.values), log_odds - self.intercept
        return reasons_for(evidence, named, self.ngram_weights, total, most)

    def shading(self, comment: Comment) -> Shading:
        """Return the words of `comment` with their contributions.

        With the intercept, the parts of the result sum to the log-odds.
        """
        contributions = self.contributions(comment)
        return shading_of(self.vectorizer.evidence(comment), contributions, self.ngram_weights)

    # --- display ------------------------------------------------------------------

    def top_weights(self, most: int = _MOST_WEIGHTS) -> dict[str, list[tuple[str, float]]]:
        """Return the `most` influential features per family, with their greatest effect on the log-odds.

        That effect is the weight times the width of the feature's range.
        """
        reach = (self.dense_weights * (HIGH - LOW)).tolist()
        found, start = {}, 0
        for family, features in FAMILIES.items():
            names = [f.name for f in features]
            pairs = sorted(zip(names, reach[start:], strict=False), key=lambda pair: -abs(pair[1]))
            found[family] = [pair for pair in pairs[:most] if pair[1]]
            start += len(features)
        return found

    def card(self) -> list[tuple[str, str]]:
        """Return names and values that describe the model: thresholds, training data, main weights."""
        rows = [("spam assumed", share(self.prior, 0))]
        for name in ("unsure", "spam", "discard"):
            cut = getattr(self.cuts, name)
            says = "never" if cut is None else f"from {probability(cut):.3f} (log-odds {cut:+.2f})"
            rows.append((name, says))
        rows += _about_rows(self.about)
        for family, pairs in self.top_weights().items():
            rows.append((family, ", ".join(f"{name} {reach:+.1f}" for name, reach in pairs)))
        used = self.ngram_weights[self.ngram_weights != 0].astype(float)
        spread = float(np.sqrt(np.mean(used**2))) if len(used) else 0.0
        buckets = f"{len(used):,} of {len(self.ngram_weights):,} buckets in use"
        return [*rows, ("n-grams", f"{buckets}, typical weight {spread:.2f}")]

    def __str__(self) -> str:
        """Return the card, over several lines."""
        return "\n".join([self.title, *(f"  {name}: {value}" for name, value in self.card())])

    def _repr_html_(self) -> str:
        return box(f"<b>{safe(self.title)}</b>", table(["", ""], self.card()))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else str(self))


def _about_rows(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return rows about the training; `about` may hold anything."""
    rows = []
    if isinstance(about.get("trained_on"), str):
        rows.append(("learned from", about["trained_on"]))
    figures = about.get("figures")
    for name, value in figures.items() if isinstance(figures, Mapping) else ():
        if isinstance(value, int | float):
            rows.append((f"{str(name).replace('_', ' ')}, held out", share(value)))
    calibration = about.get("calibration")
    if isinstance(calibration, Mapping):
        numbers = (f"{k} {v:.2f}" for k, v in calibration.items() if isinstance(v, int | float))
        rows.append(("calibration (in the weights)", ", ".join(numbers)))
    return rows


def log_odds_at_prior(log_odds: ArrayLike, trained_share: float, site_share: float) -> F64:
    """Return log-odds calibrated at one share of spam for a site with another.

    Adds ``logit(site_share) - logit(trained_share)`` (Elkan 2001; Saerens, Latinne and
    Decaestecker 2002). It is valid if only the shares of ham and spam differ.
    Raises InputError for NaN, infinite values or a share not strictly between 0 and 1.
    """
    given = np.asarray(log_odds, np.float64)
    if not np.isfinite(given).all():
        raise InputError("log_odds holds NaN or infinite values; drop or repair those rows first.")
    trained = _checked_share("trained_share", trained_share)
    site = _checked_share("site_share", site_share)
    shift = math.log(site) - math.log1p(-site) - math.log(trained) + math.log1p(-trained)
    shifted: F64 = given + shift
    return shifted


def _checked_share(name: str, value: float) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if 0 < share < 1:
        return share
    raise InputError(f"{name} must be a number strictly between 0 and 1.")
