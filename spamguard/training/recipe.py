"""Labelled comments -> a model one can rely on.

Folds that keep whole blogs together give every comment a score from a model
that never saw its blog. On those scores the log-odds are calibrated (Platt
scaling, folded into the weights) and the decision thresholds are set; then
one model is fitted on everything.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spamguard.comment import Comment, Post
from spamguard.corpus import comments_of, dataset_cards, load_datasets, load_sample, texts_sha256
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
    vectorize,
)
from spamguard.model import Cuts, SpamModel, log_odds_of
from spamguard.parallel import in_order
from spamguard.storage import save_model, write_bytes
from spamguard.training.classifier import LANGUAGE_HAM_OF_SITE, SpamClassifier
from spamguard.training.solver import fit_logistic
from spamguard.training.tricks import Attack, tricks_with

LANGUAGE_HAM: Final = 100
"""Real comments that make a language known to a model of many sources."""

F64 = NDArray[np.float64]
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is trained; the defaults are those of the shipped one.

    Parameters
    ----------
    C, bits : float, int
        As in `SpamClassifier`.
    class_power : float
        A comment counts as its set and class has comments, to minus this
        power: 0 lets the large sets drown the small, 1 lets all count alike.
    post_cap : int
        Comments of one class under one post; of more than so many only the square
        root of the excess factor counts, so 4 times as many count twice.
    set_cap : int
        Most comments of one class taken from one set.
    folds : int
        Folds, each of whole blogs, for calibration and thresholds.
    bare_share : float
        Share of comments that are learned from once more with less known of
        them (no post, author or address), or with more: the earlier comments.
    tricked_share : float
        Share of comments, real ones and spam alike, that are learned from once more
        with a trick of spammers played on them: what a trick leaves behind must not
        stand for spam, nor padding and hidden links against it.
    spam_ham_lost, unsure_ham_lost, discard_ham_lost : float
        Promises behind the thresholds: share of real comments at or above each.
    confidence : float
        Of the promise behind ``discard``.
    doubt : float
        Labels that a model of other blogs contradicts with log-odds beyond
        this are not learned from: moderated archives hold spam that nobody
        found, and thanks that somebody closed. They still count wherever
        anything is measured.
    calibrate_on : str
        Beginning of the names of the sets whose held-out scores are turned into
        probabilities; every set where none is called so. What a probability means
        is asked where the model is used, and forums, chats and lists of real comments
        alone are another mixture.
    seed : int
        Of everything that is drawn.
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
    """Everything that makes a model: the sets by hash, and the settings."""

    name: str
    version: str
    sets: Mapping[str, str]
    background: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    ham_only: tuple[str, ...] = ()  # of these sets no spam is taken

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Recipe:
        """Read a recipe (TOML).

        Raises
        ------
        CorpusError
            If there is no such file, or it is no recipe.
        """
        try:
            table = tomllib.loads(Path(path).read_text("utf-8"))
            return cls(
                name=str(table["name"]),
                version=str(table["version"]),
                sets={str(k): str(v) for k, v in table["sets"].items()},
                background=tuple(table.get("background", ())),
                settings=Settings(**table.get("settings", {})),
                ham_only=tuple(table.get("ham_only", ())),
            )
        except FileNotFoundError as error:
            raise CorpusError(f"there is no recipe at {str(path)!r}.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f"{Path(path).name} is no recipe: {error}") from error

    def load(self, directory: str | os.PathLike[str] | None) -> pd.DataFrame:
        """Return the recipe's sets as one corpus, each checked against its hash.

        Raises
        ------
        CorpusError
            If a set is missing or its hash is not the recipe's.
        """
        cards = dataset_cards()
        for name, sha256 in self.sets.items():
            if name in cards and not cards[name].sha256_comments.startswith(sha256):
                raise CorpusError(
                    f"the recipe wants {name} with hash {sha256}; the catalogue knows another version."
                )
        frame = load_datasets(list(self.sets), directory)
        return frame[~frame["dataset"].isin(self.ham_only) | (frame["label"] == "ham")]


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and what was measured on the way."""

    model: SpamModel
    report: dict[str, Any]


def quiet(stage: str, done: int, total: int) -> None:
    return None


# --- material -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Material:
    """Vectorized comments with what training must know of each."""

    rows: Rows
    spam: NDArray[np.bool_]
    source: NDArray[np.str_]  # set
    blog: NDArray[np.str_]
    post: NDArray[np.str_]
    origin: NDArray[np.intp]  # row of the corpus that this one was made from
    bare: NDArray[np.bool_]  # a copy: post, author or address taken away, or a trick played

    def __len__(self) -> int:
        return len(self.spam)

    def take(self, index: NDArray[Any]) -> Material:
        """Return some of the rows."""
        return Material(
            self.rows[index], self.spam[index], self.source[index], self.blog[index],
            self.post[index], self.origin[index], self.bare[index],
        )  # fmt: skip


def _bare(comment: Comment, kind: int) -> Comment:
    """Return `comment` as a backend that knows less would give it."""
    if kind == 0:
        return replace(comment, post=None)
    if kind == 1:
        return replace(comment, author_url=None)
    if kind == 2:
        return replace(comment, author=None, author_url=None)
    post = comment.post
    return replace(comment, post=None if post is None else Post(title=post.title))


def _tricked(comment: Comment, place: int, tricks: Sequence[Attack], seed: int) -> Comment:
    """Return `comment` with one of the tricks; what it draws depends on no other comment."""
    rng = np.random.default_rng((seed, place))
    return tricks[int(rng.integers(0, len(tricks)))](comment, rng)


def gather(
    frame: pd.DataFrame,
    background: NDArray[np.float32],
    settings: Settings,
    padding: Sequence[str],
    n_jobs: int | None = None,
) -> Material:
    """Vectorize a corpus once, with the bare and the tricked copies that training adds.

    `padding` are texts of real comments, of no blog that is tested on: what
    spam is padded with.
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
    rows = vectorize(comments + copies, Vectorizer(settings.bits, background), n_jobs)
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
    """Return `frame` with at most ``set_cap`` comments of a class from a set, in its order."""
    rng = np.random.default_rng(settings.seed)
    order = pd.Series(rng.random(len(frame)), frame.index)
    rank = order.groupby([frame["dataset"], frame["label"]]).rank(method="first")
    return frame[rank <= settings.set_cap]


def row_weights(material: Material, settings: Settings) -> F64:
    """Return how much each row counts: sets and posts bounded, ham and spam alike in sum."""
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
    """Return a model fitted to all of `material`, neither calibrated nor with thresholds."""
    classifier = SpamClassifier(C=settings.C, bits=settings.bits, families=families)
    classifier.fit(material.rows, material.spam, sample_weight=row_weights(material, settings))
    return classifier.model_


def blog_folds(blog: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.intp]:
    """Return a fold number for each row; a blog is in one fold, folds are of like size."""
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
    return log_odds_of(model, material.rows[np.flatnonzero(fold == k)])


def out_of_fold(
    material: Material,
    trusted: NDArray[np.bool_],
    settings: Settings,
    watch: Watch = quiet,
    n_jobs: int | None = None,
) -> F64:
    """Return for each row the log-odds by a model that never saw its blog.

    Only `trusted` rows are learned from; all are scored.
    """
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
    """Return which labels are strongly contradicted by calibrated held-out `log_odds`."""
    against = np.where(material.spam, -log_odds, log_odds)
    found: NDArray[np.bool_] = against > settings.doubt
    return found


def calibration(log_odds: F64, material: Material, settings: Settings) -> tuple[float, float]:
    """Return slope and shift that turn held-out log-odds into probabilities (Platt 1999)."""
    from scipy.sparse import csr_matrix

    weight = row_weights(material, settings)
    slope, shift = fit_logistic(
        csr_matrix(log_odds[:, None]), material.spam, weight, 1e-9, tol=1e-12
    )
    return max(float(slope[0]), 1e-3), shift


def _blog_cut(log_odds: F64, material: Material, rate: float) -> float:
    """Return the cut at which the blogs lose, on average, this share of their ham."""
    ham = ~material.spam
    scores, blogs = log_odds[ham], material.blog[ham]
    weight = 1.0 / np.sqrt(_sizes(blogs))  # a large blog says more than a small, not all
    order = np.argsort(-scores, kind="stable")
    lost = np.cumsum(weight[order]) / weight.sum()
    k = int(np.searchsorted(lost, rate, side="right"))
    k = min(k, len(order) - 1)
    return float(scores[order[k]]) + 1e-9


def cuts_for(log_odds: F64, material: Material, settings: Settings) -> tuple[Cuts, dict[str, Any]]:
    """Return decision thresholds for calibrated held-out log-odds, and what backs them."""
    # Easy material would put the cut at any depth; below even odds nothing is called spam.
    spam = max(_blog_cut(log_odds, material, settings.spam_ham_lost), 0.0)
    unsure = min(_blog_cut(log_odds, material, settings.unsure_ham_lost), spam)
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

    Raising the cut until none does would choose it by those very comments: sets that
    had no say in it lost more than was promised.
    """
    for groups in (material.blog, material.source):
        names = groups.tolist()
        # Bonferroni: among many groups one alone would refute it by chance.
        confidence = 1 - (1 - settings.confidence) / len(set(names))
        if refuting_groups(
            log_odds, material.spam, names, cut, settings.discard_ham_lost, confidence
        ):
            return False
    return True


def _lost_by_blog(
    cut: float | None, log_odds: F64, material: Material, settings: Settings
) -> dict[str, list[float]]:
    """Return each blog's ham lost, ham seen and upper bound; nothing where discard is locked."""
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
    watch: Watch = quiet,
    n_jobs: int | None = None,
) -> Trained:
    """Fit, calibrate and set thresholds; see the module's text.

    Raises
    ------
    CorpusError
        If one class is missing, or too little is there to hold some back.
    """
    trusted = np.ones(len(material), bool)
    held_out = out_of_fold(material, trusted, settings, watch, n_jobs)
    slope, shift = calibration(held_out, material, settings)
    trusted = ~doubtful(slope * held_out + shift, material, settings)
    held_out = out_of_fold(material, trusted, settings, watch, n_jobs)
    chosen = trusted & _calibrated_on(material, settings)
    slope, shift = calibration(held_out[chosen], _facts_only(material, chosen), settings)
    whole = ~material.bare
    cuts, report = cuts_for(slope * held_out[whole] + shift, _facts_only(material, whole), settings)
    watch("fit", 0, 1)
    model = fit_rows(material.take(np.flatnonzero(trusted)), settings)
    watch("fit", 1, 1)
    learned = trusted & whole
    languages = count_languages(material.rows.languages[learned], material.spam[learned])
    report["labels_doubted"] = {
        "ham": int((~trusted & whole & ~material.spam).sum()),
        "spam": int((~trusted & whole & material.spam).sum()),
    }
    model = replace(
        model,
        intercept=slope * model.intercept + shift,
        dense_weights=slope * model.dense_weights,
        ngram_weights=(slope * model.ngram_weights).astype(np.float16).astype(np.float32),
        cuts=cuts,
        prior=0.5,  # ham and spam weigh the same in calibration; see row_weights
        languages=languages_known(languages, LANGUAGE_HAM),
    )
    return Trained(
        model,
        {
            "calibration": {"slope": slope, "shift": shift},
            "held_out": report,
            "languages": languages,
        },
    )


def _calibrated_on(material: Material, settings: Settings) -> NDArray[np.bool_]:
    found = np.char.startswith(material.source, settings.calibrate_on)
    if len(np.unique(material.spam[found])) < 2:
        return np.ones(len(material), bool)
    return found


def _facts_only(material: Material, index: NDArray[np.bool_]) -> Material:
    """Return some rows' facts; slicing the large matrix is spared."""
    return replace(
        material, spam=material.spam[index], source=material.source[index],
        blog=material.blog[index], post=material.post[index],
    )  # fmt: skip


# --- the two ways in ------------------------------------------------------------


def background_of(recipe: Recipe, frame: pd.DataFrame) -> tuple[NDArray[np.float32], list[str]]:
    """Return how common words are in the recipe's background sets, and texts of theirs."""
    chosen = frame[frame["dataset"].isin(recipe.background)]
    chosen = chosen if len(chosen) else frame
    return learn_background(comments_of(chosen)), padding_of(chosen)


_PADDING: Final = 4_000


def padding_of(frame: pd.DataFrame) -> list[str]:
    """Return texts of real comments, evenly chosen."""
    texts: list[str] = frame.loc[frame["label"] == "ham", "text"].tolist()
    return texts[:: max(1, len(texts) // _PADDING)]


def train_recipe(
    recipe: Recipe,
    directory: str | os.PathLike[str] | None = None,
    *,
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> Trained:
    """Train the model of `recipe` on the sets in `directory`.

    The same recipe makes the same bytes, with the same versions of numpy and
    scipy.

    Raises
    ------
    CorpusError
        If a set is missing or is not the one the recipe names.
    """
    watch = watch or quiet
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
    return Trained(model, about)


def _figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Return what held-out folds say of the thresholds, for a short listing."""
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
) -> Trained:
    """Train a model on one labelled corpus, as `spamguard.corpus.read_corpus` gives it.

    Raises
    ------
    CorpusError
        If a label or one class is missing, or too little is there to hold some back.
    """
    if frame["label"].isna().any():
        raise CorpusError("labels are missing: leave out the comments that have none.")
    counts = frame["label"].value_counts()
    if counts.get("ham", 0) < 10 or counts.get("spam", 0) < 10:
        raise CorpusError(
            f"{counts.get('ham', 0)} ham and {counts.get('spam', 0)} spam: at least ten of each "
            "are needed to train and to hold some back."
        )
    material = gather(
        frame, learn_background(comments_of(frame)), settings, padding_of(frame), n_jobs
    )
    trained = learn(material, settings, watch=watch or quiet, n_jobs=n_jobs)
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
    return Trained(
        replace(trained.model, name=name, version=version, languages=languages, about=about), about
    )


# --- what is written ----------------------------------------------------------------

_GOLDEN: Final = 7  # every seventh comment of the sample


def golden(model: SpamModel) -> list[dict[str, Any]]:
    """Return comments of the sample with the probabilities that `model` gives them.

    Kept beside a model, they show on any machine, with any version of a
    dependency, whether it still gives the same answers.
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


def write(trained: Trained, directory: str | os.PathLike[str]) -> Path:
    """Write the model and its golden file to `directory`; a recipe there stays."""
    path = save_model(trained.model, directory)
    lines = [json.dumps(entry, ensure_ascii=False) for entry in golden(trained.model)]
    write_bytes(path / "golden.jsonl", ("\n".join(lines) + "\n").encode("utf-8"))
    return path
