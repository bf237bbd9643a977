"""Measure other filters and spamguard on the same comments, splits and metrics.

Usage: python benchmarks/accuracy/peers.py DIRECTORY OUT.json [--peers a,b] [--blogs x,y] [--cache DIR]

A run keeps the results of other peers in OUT.json if they were measured on the same rows, and
otherwise refuses to run. Each peer is tuned on training rows only. For unseen blogs it is tuned once,
on sources that no protocol tests on, with whole blogs held out. For TubeSpam it is tuned within the
training comments of each split. `install_peers.sh` makes an environment with all peers; missing ones
are recorded as absent. spamguard itself needs none of them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peer_filters import Bogofilter, SpamAssassin, SpamBayes
from peer_models import (
    NBSVM,
    FastText,
    Grams,
    Linear,
    MiniLM,
    Peer,
    Scorer,
    Scores,
    Setting,
    VowpalWabbit,
)
from peer_rows import Bools, Corpus, Index, fingerprint, read

from benchmarks.protocols import accuracy
from benchmarks.protocols.held_out import UNSEEN_BLOGS, prepare
from spamguard.analysis import report as evaluation
from spamguard.corpus import comments_of, load_dataset
from spamguard.evaluation.metrics import blog_metrics, macro_mean, mcc, recall_at_fpr, roc_auc
from spamguard.model import probability
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe, blog_cut, blog_folds, learn

TUBESPAM = "youtube-tubespam"
SPLITS = ("authors_split", "leave_one_video_out", "oldest_70_percent")
FOLDS = 3
ENOUGH = 10  # comments of each class that a blog needs for tuning
SAMPLES = 100  # bootstrap samples of posts for the interval of one blog
FIELDS = (
    "The author's name and address are added after the text of a comment, as further words. Word "
    "and character TF-IDF chose this on the tuning rows: the mean ROC-AUC of their moderated blogs "
    "is 0.950 with them and 0.949 without."
)
THRESHOLD = (
    "These figures use the threshold at which held-out blogs of the training rows lose 1.5 % of "
    "their ham, but never one below even odds. It is found by spamguard's own rule; a peer's "
    "held-out scores are those it was tuned on."
)
Result = dict[str, Any]


class RefusedError(Exception):
    """The request would mix measurements on different rows."""


def makers(cache: Path) -> dict[str, Callable[[], Peer]]:
    """Return the constructor of each peer, in the order of the tables."""
    grams = Grams()
    found: dict[str, Callable[[], Peer]] = {
        "tfidf-word": lambda: Linear(
            grams, "tfidf-word", False, "TF-IDF of words (1,2), logistic regression"
        ),
        "tfidf-union": lambda: Linear(
            grams,
            "tfidf-union",
            True,
            "TF-IDF of words (1,2) and of characters within words (2,5), logistic regression",
        ),
        "nb-svm": lambda: NBSVM(grams),
        "fasttext": FastText,
        "vowpal-wabbit": VowpalWabbit,
        "minilm": lambda: MiniLM(cache),
        "spambayes": SpamBayes,
        "bogofilter": Bogofilter,
        "spamassassin-bayes": SpamAssassin,
    }
    return found


# --- seconds --------------------------------------------------------------------------


class Seconds:
    """The time a peer spends on each task."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Add the time of the block to `what`."""
        start = time.perf_counter()
        yield
        self.spent[what] = self.spent.get(what, 0.0) + time.perf_counter() - start


# --- measuring ------------------------------------------------------------------------


def figures_of(
    spam: Bools, judged: Scores, cut: float, post: NDArray[np.str_]
) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the project's metrics at `cut`, and those that depend on it at even odds."""
    probabilities = (judged.score >= 0).astype(float)
    if judged.probability is not None:
        probabilities = judged.probability
    labels = np.where(judged.score >= cut, "spam", "ham")
    found = blog_metrics(spam.astype(int), judged.score, probabilities, labels, post, SAMPLES)
    del found["unsure"]
    if judged.probability is None:
        del found["brier"], found["ece"]
    return dict(found), at_cut(spam, judged.score, 0.0)


def at_cut(spam: Bools, score: NDArray[np.float64], cut: float) -> dict[str, float]:
    """Return the metrics that depend on the threshold."""
    called = score >= cut
    return {
        "mcc": mcc(spam.astype(int), called.astype(int)),
        "spam_caught": float(called[spam].mean()),
        "ham_blocked": float(called[~spam].mean()),
    }


def video_figures(spam: Bools, score: NDArray[np.float64]) -> dict[str, float]:
    """Return a video's figures at even odds, with the TubeSpam protocol's names."""
    y = spam.astype(int)
    ranked = {"auc": roc_auc(y, score), "recall_at_1pct": recall_at_fpr(y, score, 0.01)}
    return {**at_cut(spam, score, 0.0), **ranked}


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each figure."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def unseen_result(
    blogs: Sequence[str], measured: Sequence[tuple[dict[str, Any], dict[str, float]]]
) -> Result:
    """Return the macro mean with intervals, and each blog as [value, low, high]."""
    figures = [dict(found) for found, _ in measured]
    rows = []
    for blog, (found, even) in zip(blogs, measured, strict=True):
        plain = evaluation.plain_figures(found)
        short = {
            k: [v["value"], v["low"], v["high"]] if isinstance(v, dict) else v
            for k, v in plain.items()
        }
        rows.append({"blog": blog, **short, "at_even_odds": even})
    return {
        "macro": evaluation.plain_figures(macro_mean(figures)),
        "at_even_odds": means([even for _, even in measured]),
        "blogs": rows,
    }


# --- the protocols --------------------------------------------------------------------


def train_rows(corpus: Corpus, blog: str) -> Index:
    """Return the training rows for a model tested on `blog`: every other source."""
    return np.flatnonzero(corpus.learned_from & (corpus.blog != blog))


def tuning_rows(corpus: Corpus, blogs: Sequence[str]) -> Index:
    """Return the rows that are in every training set."""
    tested = [*UNSEEN_BLOGS, *blogs]
    return np.flatnonzero(corpus.learned_from & ~np.isin(corpus.blog, tested))


def blogs_auc(corpus: Corpus, rows: Index, score: NDArray[np.float64]) -> float:
    """Return the mean ROC-AUC of the moderated blogs with enough of both classes."""
    spam, source = corpus.spam[rows], corpus.source[rows]
    found = []
    for name in np.unique(source[np.char.startswith(source, "modblog-")]):
        own = source == name
        if min(spam[own].sum(), (~spam[own]).sum()) >= ENOUGH:
            found.append(roc_auc(spam[own].astype(int), score[own]))
    return float(np.mean(found))


def held_out(
    peer: Peer, corpus: Corpus, rows: Index, fold: Index, setting: Setting, weighted: bool
) -> NDArray[np.float64]:
    """Return each row's score from a peer that never saw its fold."""
    score = np.zeros(len(rows))
    for k in range(int(fold.max()) + 1):
        train = rows[fold != k]
        weight = corpus.weights(train) if weighted else np.ones(len(train))
        score[fold == k] = peer.fit(train, corpus.spam[train], weight, setting)(
            rows[fold == k]
        ).score
    return score


def tune(peer: Peer, corpus: Corpus, blogs: Sequence[str]) -> tuple[Setting, float, list[Result]]:
    """Return the best setting, the threshold, and each setting's result on the tuning rows."""
    rows = tuning_rows(corpus, blogs)
    fold = blog_folds(corpus.blog[rows], FOLDS, 1)
    scores = [held_out(peer, corpus, rows, fold, s, True) for s in peer.grid]
    reached = [blogs_auc(corpus, rows, score) for score in scores]
    best = int(np.argmax(reached))
    rate = corpus.recipe.settings.spam_ham_lost
    cut = max(blog_cut(scores[best], corpus.facts(rows), rate), 0.0)
    table = [{**s, "auc": a} for s, a in zip(peer.grid, reached, strict=True)]
    return peer.grid[best], cut, table


def unseen(
    peer: Peer, corpus: Corpus, blogs: Sequence[str], setting: Setting, cut: float, clock: Seconds
) -> Result:
    """Train on every other source and test on all rows of each of `blogs`."""
    if isinstance(peer, SpamAssassin):
        with clock.on("train"):
            shared = tuning_rows(corpus, blogs)
            peer.common(shared, corpus.spam[shared])
    measured = []
    for blog in blogs:
        train, test = train_rows(corpus, blog), np.flatnonzero(corpus.source == f"modblog-{blog}")
        with clock.on("train"):
            scorer = peer.fit(train, corpus.spam[train], corpus.weights(train), setting)
        with clock.on("score"):
            judged = scorer(test)
        measured.append(figures_of(corpus.spam[test], judged, cut, corpus.post[test]))
    return unseen_result(blogs, measured)


def tubespam_splits(
    video: NDArray[np.str_], first: Bools, date: NDArray[np.str_]
) -> dict[str, dict[str, tuple[Index, Index]]]:
    """Return training and test rows of each split and video, as positions.

    By time, as many comments of a video are learned from as in the authors' split.
    """
    found: dict[str, dict[str, tuple[Index, Index]]] = {split: {} for split in SPLITS}
    for name in dict.fromkeys(video.tolist()):
        here = np.flatnonzero(video == name)
        learned = here[first[here]]
        oldest = here[np.argsort(date[here], kind="stable")]
        found["authors_split"][name] = (learned, here[~first[here]])
        found["leave_one_video_out"][name] = (np.flatnonzero(video != name), here)
        found["oldest_70_percent"][name] = (
            np.sort(oldest[: len(learned)]), np.sort(oldest[len(learned) :])
        )  # fmt: skip
    return found


def _tubespam_columns(frame: Any) -> tuple[NDArray[np.str_], Bools, NDArray[np.str_]]:
    columns = (frame["post_id"], frame["split"] == "train", frame["date"])
    return columns[0].to_numpy(str), columns[1].to_numpy(bool), columns[2].to_numpy(str)


def tune_video(peer: Peer, corpus: Corpus, train: Index) -> Setting:
    """Return the setting with the best MCC within `train`, with videos held out or copies kept together."""
    if len(peer.grid) == 1:
        return peer.grid[0]
    groups = corpus.post[train]
    if len(np.unique(groups)) < FOLDS:
        groups = corpus.frame["duplicate_group"].to_numpy(str)[train]
    fold = blog_folds(groups, FOLDS, 1)
    y = corpus.spam[train].astype(int)
    scores = (held_out(peer, corpus, train, fold, s, False) for s in peer.grid)
    return peer.grid[int(np.argmax([mcc(y, (score >= 0).astype(int)) for score in scores]))]


def tubespam(peer: Peer, corpus: Corpus) -> Result:
    """Measure the three splits of TubeSpam, with equal weights as for spamguard."""
    own = np.flatnonzero(corpus.source == TUBESPAM)
    result: Result = {}
    for split, videos in tubespam_splits(*_tubespam_columns(corpus.frame.iloc[own])).items():
        rows, settings = [], []
        for learned, tested in videos.values():
            train, test = own[learned], own[tested]
            settings.append(dict(tune_video(peer, corpus, train)))
            scorer = peer.fit(train, corpus.spam[train], np.ones(len(train)), settings[-1])
            rows.append(video_figures(corpus.spam[test], scorer(test).score))
        result[split] = {"mean": means(rows), "videos": rows, "settings": settings}
    return result


# --- one peer, and ours -----------------------------------------------------------------


def run_peer(peer: Peer, corpus: Corpus, blogs: Sequence[str]) -> Result:
    """Return a peer's full record."""
    version, clock = peer.version(), Seconds()
    with clock.on("prepare"):
        peer.prepare(corpus.texts)
    with clock.on("tune"):
        setting, cut, table = tune(peer, corpus, blogs)
    print(f"  tuned: {dict(setting)} {[round(t['auc'], 4) for t in table]}", flush=True)
    found = unseen(peer, corpus, blogs, setting, cut, clock)
    with clock.on("tubespam"):
        videos = tubespam(peer, corpus)
    return {
        "version": version,
        "about": peer.about,
        "row_weights": peer.weighted,
        "setting": dict(setting),
        "threshold_log_odds": cut,
        "tuned": table,
        "seconds": clock.spent,
        "unseen": found,
        "tubespam": videos,
    }


def _own_scorer(material: Any, train: Index, settings: Any) -> tuple[Any, Scorer]:
    model = learn(material.take(train), settings).model

    def scores(test: Index) -> Scores:
        z = model.decision_function(material.rows[test])
        return Scores(z, np.array([probability(value) for value in z.tolist()]))

    return model, scores


def common_recipe(recipe: Recipe) -> Recipe:
    """Return `recipe` without its `ham_only` sets, which the peers do not have."""
    sets = {name: sha for name, sha in recipe.sets.items() if name not in recipe.ham_only}
    return replace(recipe, sets=sets, ham_only=())


def run_spamguard(
    directory: str | None, recipe: Recipe, corpus: Corpus, blogs: Sequence[str]
) -> Result:
    """Measure spamguard's own training procedure with the project's functions."""
    clock, measured = Seconds(), []
    with clock.on("prepare"):
        held_out = prepare(directory, recipe, blogs, 1)
    material = held_out.material
    for blog in blogs:
        train, test = held_out.train_rows(blog), held_out.test_rows(blog)
        same = np.unique(material.origin[train]), material.origin[test]
        if not (
            np.array_equal(same[0], train_rows(corpus, blog))
            and np.array_equal(same[1], np.flatnonzero(corpus.source == f"modblog-{blog}"))
        ):
            raise RefusedError(f"spamguard and the peers do not have the same rows for {blog}.")
        with clock.on("train"):
            model, scorer = _own_scorer(material, train, recipe.settings)
        with clock.on("score"):
            judged = scorer(test)
        measured.append(
            figures_of(material.spam[test], judged, model.cuts.spam, material.post[test])
        )
        print(f"  {blog}: {measured[-1][0]['auc'].value:.4f}", flush=True)
    with clock.on("tubespam"):
        videos = own_tubespam(directory)
    return {
        "version": f"{recipe.name} {recipe.version}",
        "about": "named features and hashed n-grams, with the comment's post; the default recipe",
        "row_weights": True,
        "setting": {"C": recipe.settings.C},
        "seconds": clock.spent,
        "unseen": unseen_result(blogs, measured),
        "tubespam": videos,
    }


def own_tubespam(directory: str | None) -> Result:
    """Measure `SpamClassifier` without options on the three splits."""
    frame = load_dataset(TUBESPAM, directory)
    spam = (frame["label"] == "spam").to_numpy(bool)
    comments = comments_of(frame)
    result: Result = {}
    for split, videos in tubespam_splits(*_tubespam_columns(frame)).items():
        rows = []
        for train, test in videos.values():
            chosen = [np.isin(np.arange(len(frame)), part) for part in (train, test)]
            judged = accuracy.log_odds_from_scratch(comments, spam, (chosen[0], chosen[1]))
            rows.append(accuracy.figures_of(spam[chosen[1]], judged))
        result[split] = {"mean": means(rows), "videos": rows}
    return result


# --- the result ---------------------------------------------------------------------------


def opened(path: Path, corpus: Corpus, blogs: Sequence[str], mark: str) -> Result:
    """Return the existing result if it is for the same rows, else a new one."""
    tested = np.isin(corpus.source, [f"modblog-{blog}" for blog in blogs])
    head = {
        "protocol": "peers",
        "blogs": list(blogs),
        "comments": len(corpus.spam),
        "learned_from": int(corpus.learned_from.sum()),
        "tested": int(tested.sum()),
        "rows_sha256": mark,
        "fields": FIELDS,
        "threshold": THRESHOLD,
    }
    if not path.is_file():
        return {**head, "absent": {}, "peers": {}}
    before: Result = json.loads(path.read_text("utf-8"))
    if before.get("rows_sha256") != mark:
        raise RefusedError(
            f"{path.name} was measured on other comments, labels or blogs: its peers cannot stand "
            "beside a new run. Name another file, or remove it and run all peers."
        )
    return {**head, "absent": before["absent"], "peers": before["peers"]}


def put(result: Result, name: str, found: Result | str, order: Sequence[str]) -> None:
    """Add a peer's results, or the reason why it is absent."""
    result["absent"].pop(name, None)
    if isinstance(found, str):
        result["absent"][name] = found
        return
    peers = {**result["peers"], name: evaluation.rounded(found)}
    result["peers"] = {n: peers[n] for n in order if n in peers}


def written(result: Result, path: Path) -> None:
    """Write the result with one line per blog and video, so that diffs are easy to read."""
    text = json.dumps(result, ensure_ascii=False, indent=1)
    path.write_text(compact(text) + "\n", "utf-8")


def compact(text: str) -> str:
    """Join the lines of lists and objects without nested ones."""
    for _ in range(2):
        text = re.sub(
            r"[\[{][^\[\]{}\"]*(?:\"(?:[^\"\\]|\\.)*\"[^\[\]{}\"]*)*[\]}]",
            lambda match: " ".join(match.group().split()),
            text,
        )
    return text


def attempt(make: Callable[[], Peer], corpus: Corpus, blogs: Sequence[str]) -> Result | str:
    """Run a peer, or return why it is absent."""
    try:
        return run_peer(make(), corpus, blogs)
    except (ImportError, PackageNotFoundError, FileNotFoundError) as error:
        return f"not installed ({type(error).__name__}); see install_peers.sh"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("out", type=Path)
    parser.add_argument("--peers", help="comma-separated; all if left out")
    parser.add_argument("--blogs", help="comma-separated; the twelve if left out")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "peers-cache")
    options = parser.parse_args()
    blogs = tuple(options.blogs.split(",")) if options.blogs else UNSEEN_BLOGS
    peers = makers(options.cache)
    order = ["spamguard", *peers]
    wanted = options.peers.split(",") if options.peers else order
    if unknown := set(wanted) - set(order):
        parser.error(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(order)}.")
    recipe = common_recipe(Recipe.read(find_model("default") / "recipe.toml"))
    corpus = read(options.directory, recipe, blogs)
    try:
        result = opened(options.out, corpus, blogs, fingerprint(corpus, blogs))
        for name in wanted:
            print(name, flush=True)
            if name == "spamguard":
                found: Result | str = run_spamguard(options.directory, recipe, corpus, blogs)
            else:
                found = attempt(peers[name], corpus, blogs)
            put(result, name, found, order)
            written(result, options.out)
            if isinstance(found, dict):
                macro = found["unseen"]["macro"]
                print(
                    f"  { ({k: macro[k]['value'] for k in macro}) } {found['seconds']}", flush=True
                )
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
