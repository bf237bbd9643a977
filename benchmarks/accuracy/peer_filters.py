"""Mail filters as peers: SpamBayes, bogofilter and SpamAssassin's Bayes.

They count words and take no row weights. Each balances ham and spam in its own way. Their spam
score is used as the probability. A comment is passed as the body of a message without other words.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from peer_models import F64, Bools, Index, Scorer, Scores, Setting, log_odds

_SCRIPT = Path(__file__).with_name("sa_bayes.pl")


def _scores_of(probability: Sequence[float] | F64) -> Scores:
    p = np.asarray(probability, dtype=np.float64)
    return Scores(log_odds(p), p)


class Folder:
    """A directory that is deleted when nothing refers to it."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="peer-")
        weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)


# --- SpamBayes ----------------------------------------------------------------------


@dataclass
class SpamBayes:
    """SpamBayes' tokenizer for bodies and its chi-squared classifier."""

    name: str = "spambayes"
    about: str = (
        "the Python 3 port spambayes-lite: its tokenizer for bodies and chi-squared classifier"
    )
    weighted: bool = False
    grid: tuple[Setting, ...] = (
        {"minimum_prob_strength": 0.1, "unknown_word_strength": 0.45},  # as shipped
        {"minimum_prob_strength": 0.1, "unknown_word_strength": 1.0},
        {"minimum_prob_strength": 0.0, "unknown_word_strength": 0.45},
        {"minimum_prob_strength": 0.0, "unknown_word_strength": 1.0},
    )
    words: list[list[str]] = field(default_factory=list)

    def version(self) -> str:
        """Return the name and version to cite."""
        return f"spambayes-lite {version('spambayes-lite')}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Split all texts into SpamBayes' tokens."""
        from spambayes_lite.tokenizer import Tokenizer, crack_urls

        tokenizer = Tokenizer()
        for text in texts:
            rest, found = crack_urls(text.lower())
            self.words.append([*found, *tokenizer.tokenize_text(rest)])

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        from spambayes_lite.classifier import Classifier
        from spambayes_lite.Options import options

        classifier = Classifier()
        for row, is_spam in zip(train.tolist(), spam.tolist(), strict=True):
            classifier.learn(self.words[row], is_spam)

        def scores(test: Index) -> Scores:
            for key, value in setting.items():  # read when scoring, not when learning
                options["Classifier", key] = value
            return _scores_of([classifier.spamprob(self.words[i]) for i in test.tolist()])

        return scores


# --- bogofilter ---------------------------------------------------------------------


def mbox(texts: Iterable[str]) -> bytes:
    """Return texts as messages of an mbox file, 25 words per line."""
    out = []
    for number, text in enumerate(texts):
        words = text.split()
        lines = [" ".join(words[i : i + 25]) for i in range(0, len(words), 25)]
        # Such a line would start a new message.
        body = "\n".join(f">{line}" if line.startswith("From") else line for line in lines)
        out.append(
            "From reader@blog.example Thu Jan  1 00:00:00 2015\n"
            f"Message-Id: <{number}@blog.example>\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            f"{body}\n\n"
        )
    return "".join(out).encode("utf-8", "replace")


@dataclass
class Bogofilter:
    """bogofilter, whole files at a time."""

    name: str = "bogofilter"
    about: str = "robx 0.5: the shipped 0.52 calls a comment without known words spam"
    weighted: bool = False
    grid: tuple[Setting, ...] = (
        {"min_dev": 0.375, "robs": 0.0178},  # as shipped
        {"min_dev": 0.1, "robs": 0.0178},
        {"min_dev": 0.1, "robs": 1.0},
        {"min_dev": 0.0, "robs": 1.0},
    )
    texts: Sequence[str] = ()

    def version(self) -> str:
        """Return the name and version to cite."""
        found = subprocess.run(["bogofilter", "--version"], capture_output=True, check=True)
        return " ".join(found.stdout.decode().split("\n")[0].split()).replace(" version", "")

    def prepare(self, texts: Sequence[str]) -> None:
        """Keep the texts."""
        self.texts = texts

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        directory = Folder()
        for flag, rows in (("-s", train[spam]), ("-n", train[~spam])):
            self._run(directory.name, rows, flag)
        # The closure keeps the directory as long as it can be used to score.
        return lambda test: _scores_of(self._scores(directory.name, test, setting))

    def _scores(self, directory: str, test: Index, setting: Setting) -> list[float]:
        values = f"-m{setting['min_dev']},{setting['robs']},0.5"
        lines = self._run(directory, test, "-TT", values).split()
        if len(lines) != len(test):
            raise RuntimeError(f"bogofilter scored {len(lines)} of {len(test)} messages.")
        return [float(line) for line in lines]

    def _run(self, directory: str, rows: Index, *flags: str) -> str:
        path = Path(directory) / "messages"
        path.write_bytes(mbox(self.texts[i] for i in rows.tolist()))
        # -C: ignore this machine's configuration file.
        command = ["bogofilter", "-C", "-d", directory, *flags, "-M", "-I", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode > 2:
            raise RuntimeError(f"bogofilter failed: {done.stderr.decode()[:200]}")
        return done.stdout.decode()


# --- SpamAssassin -------------------------------------------------------------------


@dataclass
class SpamAssassin:
    """SpamAssassin's Bayes plugin alone, through its Perl interface."""

    name: str = "spamassassin-bayes"
    about: str = (
        "the Bayes plugin alone, as shipped; 0.5 where it says nothing. The other rules need mail"
    )
    weighted: bool = False
    grid: tuple[Setting, ...] = ({},)
    texts: Sequence[str] = ()
    base: tuple[Index, Folder] | None = None  # rows, and their database

    def version(self) -> str:
        """Return the name and version to cite."""
        command = ["perl", "-MMail::SpamAssassin", "-e", "print Mail::SpamAssassin::Version()"]
        return f"SpamAssassin {subprocess.run(command, capture_output=True, check=True).stdout.decode()}"

    def prepare(self, texts: Sequence[str]) -> None:
        """Keep the texts."""
        self.texts = texts

    def common(self, rows: Index, spam: Bools) -> None:
        """Learn the rows shared by many training sets once; `fit` adds the rest to a copy."""
        directory = Folder()
        self._run(directory.name, "learn", rows, spam)
        self.base = (rows, directory)

    def fit(self, train: Index, spam: Bools, weight: F64, setting: Setting) -> Scorer:
        """Learn from the rows `train`."""
        directory = Folder()
        left = np.ones(len(train), bool)
        if self.base is not None and np.isin(self.base[0], train).all():
            left = ~np.isin(train, self.base[0])
            shutil.copytree(self.base[1].name, directory.name, dirs_exist_ok=True)
        self._run(directory.name, "learn", train[left], spam[left])
        return lambda test: self._scores(directory.name, test)

    def _scores(self, directory: str, test: Index) -> Scores:
        lines = self._run(directory, "score", test, np.zeros(len(test), bool)).splitlines()
        if len(lines) != len(test):
            raise RuntimeError(f"SpamAssassin scored {len(lines)} of {len(test)} messages.")
        scores = (line.split()[1] for line in lines)
        return _scores_of([0.5 if s == "-" else float(s) for s in scores])

    def _run(self, directory: str, task: str, rows: Index, spam: Bools) -> str:
        lines = [
            json.dumps({"id": int(i), "text": self.texts[i], "spam": bool(s)})
            for i, s in zip(rows.tolist(), spam.tolist(), strict=True)
        ]
        done = subprocess.run(
            ["perl", str(_SCRIPT), directory, task],
            input=("\n".join(lines) + "\n").encode(), capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"SpamAssassin failed: {done.stderr.decode()[:200]}")
        return done.stdout.decode()
