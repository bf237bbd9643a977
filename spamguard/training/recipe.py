"""From labelled comments to a calibrated model with decision thresholds.

Every comment is scored by a model that never saw its blog. These held-out log-odds serve
to calibrate (Platt scaling, folded into the weights) and to set the thresholds. Then one
model is fitted on everything.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment, Post
from spamguard.corpus import (
    comments_of,
    dataset_cards,
    load_datasets,
    load_sample,
    read_again,
    texts_sha256,
)
from spamguard.errors import CorpusError
from spamguard.evaluation import (
    Threshold,
    ham_lost_by_group,
    ham_needed,
    refuting_groups,
    threshold_for_max_ham_lost,
)
from spamguard.features import (
    Rows,
    Vectorizer,
    count_languages,
    languages_known,
    learn_background,
)
from spamguard.files import write_bytes
from spamguard.model import Cuts, SpamModel
from spamguard.progress import Watch, ignore_progress
from spamguard.scoring import in_order
from spamguard.storage import save_model
from spamguard.training.classifier import LANGUAGE_HAM_OF_SITE, SpamClassifier
from spamguard.training.solver import fit_logistic
from spamguard.training.tricks import Attack, tricks_with

if TYPE_CHECKING:
    import pandas as pd

LANGUAGE_HAM: Final = 100
"""Ham comments that make a language known to a model of many sites."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of training; the defaults are those of the shipped model.

    Parameters
    ----------
    C, bits : float, int
        As in `SpamClassifier`.
    class_power : float
        Comments are weighted by the size of their set and class to minus this power: with
        0 large sets dominate, with 1 all sets count the same.
    post_cap : int
        Comments of one class under a post with full weight. Beyond, the total weight grows
        with the square root.
    set_cap : int
        Maximum comments per class and set.
    folds : int
        Folds of whole blogs, for calibration and thresholds.
    bare_share : float
        Share of comments repeated with less context (without post, author or address) or
        with more (with the earlier comments).
    tricked_share : float
        Share of comments, ham and spam alike, repeated with a spammer's trick, so that the
        trick itself proves neither class.
    spam_ham_lost, unsure_ham_lost, discard_ham_lost : float
        Promised share of ham at or above each threshold.
    confidence : float
        Confidence of the promise of ``discard``, 0 to 1.
    doubt : float
        Labels that a model of other blogs contradicts by more log-odds are not learned, as
        archives contain unnoticed spam. They still count in measurements.
    calibrate_on : str
        Prefix of the sets for calibration; all sets if none matches. Forums, chats and sets
        of ham are not mixed like a blog.
    seed : int
        Of all random draws.
    """

    C: float = 3.0
    bits: int = 18
    class_power: float = 0.5
    post_cap: int = 100
    set_cap: int = 2_000
    folds: int = 4
    bare_share: float = 0.25
    tricked_share: float = 0.2
    spam_ham_lost: float = 0.015
    unsure_ham_lost: float = 0.05
    discard_ham_lost: float = 0.001
    confidence: float = 0.95
    doubt: float = 2.5
    calibrate_on: str = "modblog-"
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """The inputs of a model: sets with their hashes, and settings."""

    name: str
    version: str
    sets: Mapping[str, str]
    background: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    ham_only: tuple[str, ...] = ()  # sets used without their spam
    readings: str = (
        ""  # hash of the second reading of the labels; empty to use the labels as moderated
    )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Recipe:
        """Read a recipe (TOML); raise CorpusError if it is missing or invalid."""
        try:
            table = tomllib.loads(Path(path).read_text("utf-8"))
            return cls(
                name=str(table["name"]),
                version=str(table["version"]),
                sets={str(k): str(v) for k, v in table["sets"].items()},
                background=tuple(table.get("background", ())),
                settings=Settings(**table.get("settings", {})),
                ham_only=tuple(table.get("ham_only", ())),
                readings=str(table.get("readings", "")),
            )
        except FileNotFoundError as error:
            raise CorpusError(f"there is no recipe at {str(path)!r}.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f"{Path(path).name} is not a recipe: {error}") from error

    def load(self, directory: str | os.PathLike[str] | None) -> pd.DataFrame:
        """Return the recipe's sets as one corpus, with the labels as moderated in a column ``moderated``.

        Raises CorpusError for a missing set or another hash.
        """
        cards = dataset_cards()
        for name, sha256 in self.sets.items():
            if name in cards and not cards[name].sha256_comments.startswith(sha256):
                raise CorpusError(
                    f"the recipe needs {name} with hash {sha256}; the catalogue has another version."
                )
        frame = load_datasets(list(self.sets), directory)
        frame["moderated"] = frame["label"]
        if self.readings:
            frame = read_again(frame, directory, self.readings)
        return frame[~frame["dataset"].isin(self.ham_only) | (frame["label"] == "ham")]


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A model and the measurements of its training."""

    model: SpamModel
    report: dict[str, Any]


# --- training data --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Material:
    """Vectorized comments with the facts that training needs."""

    rows: Rows
    spam: NDArray[np.bool_]
    source: NDArray[np.str_]  # set
    blog: NDArray[np.str_]
    post: NDArray[np.str_]
    origin: NDArray[np.intp]  # its row in the corpus
    bare: NDArray[np.bool_]  # a copy with other context, or with a trick

    def __len__(self) -> int:
        return len(self.spam)

    def take(self, index: NDArray[Any]) -> Material:
        """Return the rows with this index."""
        return Material(
            self.rows[index], self.spam[index], self.source[index], self.blog[index],
            self.post[index], self.origin[index], self.bare[index],
        )  # fmt: skip

    def facts(self, index: NDArray[np.bool_]) -> Material:
        """Return the facts of some rows with all of `rows`, as slicing those is slow."""
        return replace(
            self, spam=self.spam[index], source=self.source[index],
            blog=self.blog[index], post=self.post[index],
        )  # fmt: skip


def _bare(comment: Comment, kind: int) -> Comment:
    """Return `comment` as a backend with less context sends it."""
    if kind == 0:
        return replace(comment, post=None)
    if kind == 1:
        return replace(comment, author_url=None)
    if kind == 2:
        return replace(comment, author=None, author_url=None)
    post = comment.post
    return replace(comment, post=None if post is None else Post(title=post.title))


def _tricked(comment: Comment, place: int, tricks: Sequence[Attack], seed: int) -> Comment:
    """Return `comment` with a random trick, independent of the other comments."""
    rng = np.random.default_rng((seed, place))
    return tricks[int(rng.integers(0, len(tricks)))](comment, rng)


def gather(
    frame: pd.DataFrame,
    background: NDArray[np.float32],
    settings: Settings,
    padding: Sequence[str],
    n_jobs: int | None = None,
) -> Material:
    """Vectorize a corpus, with the bare and tricked copies that training adds.

    `padding` are texts of ham that tricks add to spam, from no blog that is tested on.
    """
    comments = comments_of(frame)
    rng = np.random.default_rng(settings.seed)
    chosen = np.flatnonzero(rng.random(len(comments)) < settings.bare_share)
    kinds = rng.integers(0, 5, len(chosen))
    threaded = comments_of(frame, thread=True)
    copies = [
        threaded[i] if k == 4 else _bare(comments[i], k)
        for i, k in zip(chosen.tolist(), kinds.tolist(), strict=True)
    ]
    played = np.flatnonzero(rng.random(len(comments)) < settings.tricked_share)
    copies += [
        _tricked(comments[i], i, tricks_with(padding), settings.seed) for i in played.tolist()
    ]
    rows = Vectorizer(settings.bits, background).rows(
        comments + copies, n_jobs=n_jobs, dtype=np.float32
    )
    origin = np.concatenate((np.arange(len(comments)), chosen, played))
    facts = frame.iloc[origin]
    return Material(
        rows,
        (facts["label"] == "spam").to_numpy(bool),
        facts["dataset"].to_numpy(str),
        facts["blog"].to_numpy(str),
        facts["post_group"].to_numpy(str),
        origin,
        np.arange(len(origin)) >= len(comments),
    )


def capped(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return `frame` with at most ``set_cap`` comments per class and set, in order."""
    import pandas as pd

    rng = np.random.default_rng(settings.seed)
    order = pd.Series(rng.random(len(frame)), frame.index)
    rank = order.groupby([frame["dataset"], frame["label"]]).rank(method="first")
    return frame[rank <= settings.set_cap]


def row_weights(material: Material, settings: Settings) -> F64:
    """Return the row weights: sets and posts are limited, and both classes have the same sum."""
    side = np.where(material.spam, "+", "-")
    by_set = _sizes(np.char.add(material.source, side))
    by_post = _sizes(np.char.add(material.post, side))
    weight: F64 = by_set**-settings.class_power
    weight /= np.sqrt(np.maximum(1.0, by_post / settings.post_cap))
    for mask in (material.spam, ~material.spam):
        weight[mask] /= max(weight[mask].sum(), 1e-12)
    weight *= len(weight) / weight.sum()
    return weight


def _sizes(keys: NDArray[np.str_]) -> F64:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sizes: F64 = counts[inverse].astype(float)
    return sizes


# --- fitting --------------------------------------------------------------------


def fit_rows(
    material: Material, settings: Settings, families: tuple[str, ...] | None = None
) -> SpamModel:
    """Return an uncalibrated model of all of `material`, without thresholds."""
    classifier = SpamClassifier(C=settings.C, bits=settings.bits, families=families)
    classifier.fit(material.rows, material.spam, sample_weight=row_weights(material, settings))
    return classifier.model_


def blog_folds(blog: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.intp]:
    """Return the fold of each row; folds hold whole blogs and have similar sizes."""
    names, inverse, counts = np.unique(blog, return_inverse=True, return_counts=True)
    folds = min(folds, len(names))
    tie = np.random.default_rng(seed).random(len(names))
    fold_of = np.zeros(len(names), np.intp)
    filled = np.zeros(max(folds, 1))
    for b in np.lexsort((tie, -counts)):
        fold_of[b] = np.argmin(filled)
        filled[fold_of[b]] += counts[b]
    return fold_of[inverse]


def _held_out(
    material: Material,
    trusted: NDArray[np.bool_],
    fold: NDArray[np.intp],
    k: int,
    settings: Settings,
) -> F64:
    model = fit_rows(material.take(np.flatnonzero((fold != k) & trusted)), settings)
    return model.decision_function(material.rows[np.flatnonzero(fold == k)])


def out_of_fold(
    material: Material,
    trusted: NDArray[np.bool_],
    settings: Settings,
    watch: Watch = ignore_progress,
    n_jobs: int | None = None,
) -> F64:
    """Return the log-odds of each row by a model that never saw its blog.

    Only `trusted` rows are learned from; all are scored.
    """
    import joblib

    keys = material.blog if len(np.unique(material.blog)) >= 3 else material.post
    fold = blog_folds(keys, settings.folds, settings.seed)
    total = int(fold.max()) + 1
    for k in range(total):
        if len(np.unique(material.spam[(fold != k) & trusted])) < 2:
            raise CorpusError("too few blogs or posts hold both ham and spam to hold some back.")
    found = np.zeros(len(material))
    work = (joblib.delayed(_held_out)(material, trusted, fold, k, settings) for k in range(total))
    for k, part in enumerate(in_order(work, n_jobs)):
        found[fold == k] = part
        watch("folds", k + 1, total)
    return found


def doubtful(log_odds: F64, material: Material, settings: Settings) -> NDArray[np.bool_]:
    """Return which labels the held-out `log_odds` strongly contradict."""
    against = np.where(material.spam, -log_odds, log_odds)
    found: NDArray[np.bool_] = against > settings.doubt
    return found


def calibration(log_odds: F64, material: Material, settings: Settings) -> tuple[float, float]:
    """Return slope and shift from held-out log-odds to probabilities (Platt 1999)."""
    from scipy.sparse import csr_matrix

    weight = row_weights(material, settings)
    slope, shift = fit_logistic(
        csr_matrix(log_odds[:, None]), material.spam, weight, 1e-9, tol=1e-12
    )
    return max(float(slope[0]), 1e-3), shift


def blog_cut(log_odds: F64, material: Material, rate: float) -> float:
    """Return the cut at which blogs lose, on average, a share `rate` of their ham."""
    ham = ~material.spam
    scores, blogs = log_odds[ham], material.blog[ham]
    weight = 1.0 / np.sqrt(
        _sizes(blogs)
    )  # a large blog counts more than a small one, but less than by its size
    order = np.argsort(-scores, kind="stable")
    lost = np.cumsum(weight[order]) / weight.sum()
    k = int(np.searchsorted(lost, rate, side="right"))
    k = min(k, len(order) - 1)
    return float(scores[order[k]]) + 1e-9


def cuts_for(log_odds: F64, material: Material, settings: Settings) -> tuple[Cuts, dict[str, Any]]:
    """Return decision thresholds for held-out log-odds, and their evidence."""
    # On easy data the cut could be arbitrarily low, but nothing below even odds is called spam.
    spam = max(blog_cut(log_odds, material, settings.spam_ham_lost), 0.0)
    unsure = min(blog_cut(log_odds, material, settings.unsure_ham_lost), spam)
    promise: Threshold = threshold_for_max_ham_lost(
        log_odds, material.spam.astype(int), settings.discard_ham_lost, settings.confidence
    )
    discard = max(promise.log_odds, spam) if promise.supported else None
    if discard is not None and not _holds_everywhere(discard, log_odds, material, settings):
        discard = None
    caught = {
        name: float((log_odds[material.spam] >= cut).mean()) if cut is not None else None
        for name, cut in (("spam", spam), ("unsure", unsure), ("discard", discard))
    }
    ham = int((~material.spam).sum())
    lost = float((log_odds[~material.spam] >= spam).mean())
    report = {
        "ham_lost": lost,
        "ham": ham,
        "spam": int(material.spam.sum()),
        "spam_caught": caught,
        "discard_promise": promise.to_dict(),
        "ham_lost_at_discard": _lost_by_blog(discard, log_odds, material, settings),
        "ham_needed_for_discard": ham_needed(settings.discard_ham_lost, settings.confidence),
    }
    return Cuts(unsure, spam, discard), report


def _holds_everywhere(cut: float, log_odds: F64, material: Material, settings: Settings) -> bool:
    """Return whether no blog or set refutes the promise at `cut`.

    Raising the cut until this holds would fit it to those comments; unseen sets then lost
    more than promised.
    """
    for groups in (material.blog, material.source):
        names = groups.tolist()
        # Bonferroni: among many groups, one would refute it by chance.
        confidence = 1 - (1 - settings.confidence) / len(set(names))
        if refuting_groups(
            log_odds, material.spam, names, cut, settings.discard_ham_lost, confidence
        ):
            return False
    return True


def _lost_by_blog(
    cut: float | None, log_odds: F64, material: Material, settings: Settings
) -> dict[str, list[float]]:
    """Return each blog's ham lost, ham seen and upper bound; empty if discard is off."""
    if cut is None:
        return {}
    found = ham_lost_by_group(
        log_odds, material.spam, material.blog.tolist(), cut, settings.confidence
    )
    return {str(blog): list(counts) for blog, counts in found.items()}


def learn(
    material: Material,
    settings: Settings,
    *,
    watch: Watch = ignore_progress,
    n_jobs: int | None = None,
) -> TrainingRun:
    """Fit, calibrate and set thresholds.

    Raises CorpusError if a class is missing, or there is too little data to hold some back.
    """
    trusted = np.ones(len(material), bool)
    held_out = out_of_fold(material, trusted, settings, watch, n_jobs)
    slope, shift = calibration(held_out, material, settings)
    trusted = ~doubtful(slope * held_out + shift, material, settings)
    held_out = out_of_fold(material, trusted, settings, watch, n_jobs)
    chosen = trusted & _calibrated_on(material, settings)
    slope, shift = calibration(held_out[chosen], material.facts(chosen), settings)
    whole = ~material.bare
    cuts, report = cuts_for(slope * held_out[whole] + shift, material.facts(whole), settings)
    report["labels_doubted"] = {
        "ham": int((~trusted & whole & ~material.spam).sum()),
        "spam": int((~trusted & whole & material.spam).sum()),
    }
    watch("fit", 0, 1)
    model = fit_rows(material.take(np.flatnonzero(trusted)), settings)
    watch("fit", 1, 1)
    learned = trusted & whole
    languages = count_languages(material.rows.languages[learned], material.spam[learned])
    model = replace(
        _calibrated(model, slope, shift),
        cuts=cuts,
        prior=0.5,  # both classes have the same weight in calibration; see row_weights
        languages=languages_known(languages, LANGUAGE_HAM),
    )
    figures = {
        "calibration": {"slope": slope, "shift": shift},
        "held_out": report,
        "languages": languages,
    }
    return TrainingRun(model, figures)


def _calibrated_on(material: Material, settings: Settings) -> NDArray[np.bool_]:
    found = np.char.startswith(material.source, settings.calibrate_on)
    if len(np.unique(material.spam[found])) < 2:
        return np.ones(len(material), bool)
    return found


def _calibrated(model: SpamModel, slope: float, shift: float) -> SpamModel:
    return replace(
        model,
        intercept=slope * model.intercept + shift,
        dense_weights=slope * model.dense_weights,
        ngram_weights=(slope * model.ngram_weights).astype(np.float16).astype(np.float32),
    )


# --- training -------------------------------------------------------------------


def background_of(recipe: Recipe, frame: pd.DataFrame) -> tuple[NDArray[np.float32], list[str]]:
    """Return word frequencies of the recipe's background sets, and texts from them."""
    chosen = frame[frame["dataset"].isin(recipe.background)]
    chosen = chosen if len(chosen) else frame
    return learn_background(comments_of(chosen)), padding_of(chosen)


_PADDING: Final = 4_000


def padding_of(frame: pd.DataFrame) -> list[str]:
    """Return the texts of some evenly spaced ham."""
    texts: list[str] = frame.loc[frame["label"] == "ham", "text"].tolist()
    return texts[:: max(1, len(texts) // _PADDING)]


def train_recipe(
    recipe: Recipe,
    directory: str | os.PathLike[str] | None = None,
    *,
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> TrainingRun:
    """Train the model of `recipe` on the sets in `directory`.

    With the same versions of numpy and scipy, a recipe always gives the same bytes. Raises
    CorpusError if a set is missing or has another hash.
    """
    watch = watch or ignore_progress
    watch("read", 0, 1)
    frame = capped(recipe.load(directory), recipe.settings)
    background, padding = background_of(recipe, frame)
    material = gather(frame, background, recipe.settings, padding, n_jobs)
    watch("read", 1, 1)
    trained = learn(material, recipe.settings, watch=watch, n_jobs=n_jobs)
    about = {
        "trained_on": f"{len(frame):,} comments of {frame['blog'].nunique()} sources",
        "spam": int((frame["label"] == "spam").sum()),
        "ham": int((frame["label"] == "ham").sum()),
        "sets": dict(recipe.sets),
        "background": list(recipe.background),
        "settings": asdict(recipe.settings),
        "figures": _figures(trained.report),
        **trained.report,
    }
    model = replace(trained.model, name=recipe.name, version=recipe.version, about=about)
    return TrainingRun(model, about)


def _figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the held-out figures of the thresholds, for listings."""
    held_out = report["held_out"]
    return {
        "spam_caught": round(held_out["spam_caught"]["spam"], 4),
        "ham_lost": round(held_out["ham_lost"], 4),
    }


def train_corpus(
    frame: pd.DataFrame,
    *,
    name: str = "mysite",
    version: str = "1",
    settings: Settings = Settings(),
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> TrainingRun:
    """Train a model on one labelled corpus from `spamguard.corpus.read_corpus`.

    Raises CorpusError if a label or a class is missing, or there is too little data to hold
    some back.
    """
    if frame["label"].isna().any():
        raise CorpusError("some comments have no label: label or remove them.")
    counts = frame["label"].value_counts()
    if counts.get("ham", 0) < 10 or counts.get("spam", 0) < 10:
        raise CorpusError(
            f"{counts.get('ham', 0)} ham and {counts.get('spam', 0)} spam: at least ten of each "
            "are needed to train and to hold some back."
        )
    material = gather(
        frame, learn_background(comments_of(frame)), settings, padding_of(frame), n_jobs
    )
    trained = learn(material, settings, watch=watch or ignore_progress, n_jobs=n_jobs)
    about = {
        "trained_on": f"{len(frame):,} comments",
        "spam": int(counts["spam"]),
        "ham": int(counts["ham"]),
        "corpus_sha256": texts_sha256(frame),
        "settings": asdict(settings),
        "figures": _figures(trained.report),
        **trained.report,
    }
    languages = languages_known(trained.report["languages"], LANGUAGE_HAM_OF_SITE)
    return TrainingRun(
        replace(trained.model, name=name, version=version, languages=languages, about=about), about
    )


# --- output -------------------------------------------------------------------------

_GOLDEN: Final = 7  # every seventh comment of the sample


def golden(model: SpamModel) -> list[dict[str, Any]]:
    """Return some comments with their probabilities by `model`.

    They show whether a model gives the same answers on another machine, or with other
    versions of its dependencies.
    """
    frame = load_sample()
    comments = comments_of(frame)
    return [
        {
            "comment_id": frame["comment_id"].iloc[i],
            "spam_probability": round(model.verdict(comments[i]).spam_probability, 7),
        }
        for i in range(0, len(frame), _GOLDEN)
    ]


def save_run(trained: TrainingRun, directory: str | os.PathLike[str]) -> Path:
    """Write the model and its golden file to `directory`, where a recipe is kept."""
    path = save_model(trained.model, directory)
    lines = [json.dumps(entry, ensure_ascii=False) for entry in golden(trained.model)]
    write_bytes(path / "golden.jsonl", ("\n".join(lines) + "\n").encode("utf-8"))
    return path
