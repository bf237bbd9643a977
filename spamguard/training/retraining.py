"""A site's own model: trained on its labelled comments, and used only if it is no worse.

    frame = read_corpus("moderated.jsonl", labelled=True)
    outcome = retrain(frame, base=load_model())
    if outcome.gate.passed:
        replace_model(outcome.model, "models/mysite")

Only the difference to the base model is learned, so twenty labels help and twenty
thousand dominate. The newest comments are held back, to compare a candidate trained
without them with the model in use.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.corpus import comments_of, duplicate_groups, texts_sha256
from spamguard.errors import CorpusError, InputError, ModelNotFoundError
from spamguard.evaluation import clopper_pearson
from spamguard.features import Rows
from spamguard.model import SpamModel
from spamguard.progress import ignore_progress
from spamguard.storage import load_model, save_model
from spamguard.training.classifier import SpamClassifier

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Doubt", "Gate", "Outcome", "audit", "replace_model", "retrain", "rollback"]

LEAST: Final = 10
"""Minimum comments per class."""
ACCOUNT_SHARE: Final = 0.25
"""Maximum share of weight per account, among four sources or more."""
_ROUNDS: Final = 50
_FREE_LABELS: Final = 20.0  # of an account, without limit
_CONFIDENCE: Final = 0.95
_LEAST_HELD: Final = 2  # of each class
_LEAST_NEW: Final = 5  # of each class, needed to ignore comments that the model in use has learned
_FOLDS: Final = 5
_DOUBT: Final = 2.0  # log-odds against a label; 88 %
_DOUBTED_WEIGHT: Final = 0.2

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gate:
    """A comparison of a candidate with the model in use, on the newest comments.

    Parameters
    ----------
    passed : bool
        Whether the candidate loses no more ham and catches no less spam.
    why : str
        The reason in words.
    ham, spam : int
        Comments held back.
    ham_lost_before, ham_lost : int
        Ham called spam by the model in use and by the candidate.
    spam_caught_before, spam_caught : int
        Spam called spam by each.
    ham_lost_range, spam_caught_range : tuple of float
        Exact 95 % interval of the candidate's rate, 0 to 1 (Clopper and Pearson 1934), for
        independent comments.
    known : int
        Comments that the model in use may have learned; 0 if enough are new to both.
    """

    passed: bool
    why: str
    ham: int
    ham_lost_before: int
    ham_lost: int
    ham_lost_range: tuple[float, float]
    spam: int
    spam_caught_before: int
    spam_caught: int
    spam_caught_range: tuple[float, float]
    known: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A retrained model, and whether it may be used.

    Parameters
    ----------
    model : SpamModel
        Trained on all comments. Its ``about["retrained"]`` has the original model, hashes of
        the training data and the figures.
    gate : Gate
        Of a candidate trained without the newest comments.
    learned, held_back : int
        Comments that the candidate learned, and that were held back.
    doubted : int
        Labels that other comments contradict; they count a fifth.
    undated : int
        Comments without a date, which count as old. If no comment has a date, rows are in
        order of time.
    """

    model: SpamModel
    gate: Gate
    learned: int
    held_back: int
    doubted: int
    undated: int


def retrain(
    frame: pd.DataFrame,
    *,
    base: SpamModel,
    current: SpamModel | None = None,
    hold_back: float = 0.2,
    C: float = 10.0,
    watch: Callable[[str, int, int], None] | None = None,
    n_jobs: int | None = None,
) -> Outcome:
    """Train a site's model on its labelled comments, and measure whether it may be used.

    Parameters
    ----------
    frame : DataFrame
        A corpus from `spamguard.corpus.read_corpus`. Rows without a label are ignored. A
        column ``account`` names the moderator.
    base : SpamModel
        The model to start from, such as ``load_model("default")``.
    current : SpamModel, optional
        The model in use, which the candidate must match; by default `base`.
    hold_back : float, default 0.2
        Share of each class, the newest, for the comparison.
    C : float, default 10.0
        Trust in the site's comments against `base`; see `SpamClassifier`.
    watch : callable, optional
        Called with a stage, the steps done and their number.
    n_jobs : int, optional
        Processes that read the comments, as joblib counts them.

    Returns
    -------
    Outcome
        The same dated comments, in any order, and settings give the same bytes.

    Raises
    ------
    CorpusError
        If there are fewer than ten comments of ham or of spam; the message says how many
        are missing.
    InputError
        If `hold_back` leaves nothing to learn from or to measure on.
    """
    labelled, undated = _in_time(frame[frame["label"].isin(["ham", "spam"])])
    # The copies found depend on the order of rows, so search again, oldest first.
    labelled = labelled.assign(duplicate_group=duplicate_groups(labelled["text"]))
    spam = (labelled["label"] == "spam").to_numpy(bool)
    _check_enough(spam)
    current = base if current is None else current
    report = watch or ignore_progress
    report("read", 0, 3)
    learner = SpamClassifier(base=base, C=C, n_jobs=n_jobs)
    rows = learner.vectorize(comments_of(labelled))
    groups = labelled["duplicate_group"].to_numpy()
    older, newest = _split(spam, groups, hold_back)
    report("learn", 1, 3)
    labels = _Labels(learner, rows, spam, weights_of(labelled), groups)
    candidate, _ = labels.learned(older, base)
    deciding, known = _deciding(newest, _moments(labelled), spam, current)
    gate = _gate(candidate, current, rows[deciding], spam[deciding], known)
    report("learn", 2, 3)
    model, doubted = labels.learned(np.arange(len(spam)), base)
    record = _record(labelled, base, spam, gate, {"C": C, "hold_back": hold_back})
    report("learn", 3, 3)
    about = {k: v for k, v in base.about.items() if k not in ("figures", "held_out", "promises")}
    model = replace(
        model, name=base.name, version=base.version, about=about | {"retrained": record}
    )
    return Outcome(model, gate, len(older), len(newest), doubted, undated)


def _in_time(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows, oldest first, and the number without a readable date.

    Those count as old. If no row has a date, the order stays.
    """
    import pandas as pd

    dates = _moments(frame)
    undated = int(dates.isna().sum())
    if undated == len(frame):
        return frame, undated
    # Rows with equal dates are ordered by text, not by position.
    keys = frame["text"].map(lambda text: hashlib.sha256(text.encode("utf-8", "replace")).digest())
    order = pd.DataFrame({"date": dates, "key": keys}).sort_values(
        ["date", "key"], kind="stable", na_position="first"
    )
    return frame.loc[order.index], undated


def _moments(frame: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return the time of each comment; NaT if unreadable."""
    import pandas as pd

    return pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed")


def _check_enough(spam: Bools) -> None:
    missing = {
        name: LEAST - int(count)
        for name, count in (("ham", (~spam).sum()), ("spam", spam.sum()))
        if count < LEAST
    }
    if missing:
        needed = " and ".join(f"{n} more {name}" for name, n in missing.items())
        raise CorpusError(
            f"too few labels to learn from: {needed} needed. Label some with "
            "`spamguard queue`, or import more of the blog's history."
        )


def weights_of(frame: pd.DataFrame) -> F64:
    """Return the weight of each label; copies share one, and no account dominates.

    A campaign of n near-copies counts as the square root of n comments. An account may have
    half of the weight among two sources, a third among three, a quarter among four or more.
    Labels without an account, such as an imported history, are not limited.
    """
    copies = frame["duplicate_group"].map(frame["duplicate_group"].value_counts())
    weight = 1.0 / np.sqrt(copies.to_numpy(float))
    if "account" not in frame.columns:
        return weight
    accounts = frame["account"].fillna("").to_numpy(str)
    names = sorted(set(accounts.tolist()))
    if len(names) < 2:
        return weight  # the only moderator needs no limit
    given = {name: float(weight[accounts == name].sum()) for name in names}
    share = max(ACCOUNT_SHARE, 1 / len(names))
    allowed = given
    for _ in range(_ROUNDS):  # each limit depends on the others
        total = sum(allowed.values())
        rest = {name: share / (1 - share) * (total - allowed[name]) for name in names if name}
        allowed = given | {n: min(given[n], max(_FREE_LABELS, most)) for n, most in rest.items()}
    factors: F64 = np.array([allowed[name] / given[name] for name in accounts.tolist()])
    return weight * factors


def _split(
    spam: Bools, groups: NDArray[np.int64], hold_back: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the older rows and the newest of each class, without copies across the split."""
    if not 0 < hold_back < 1:
        raise InputError("hold_back must be a share strictly between 0 and 1, such as 0.2.")
    newest = np.zeros(len(spam), bool)
    for side in (spam, ~spam):
        own = np.flatnonzero(side)
        newest[own[-max(_LEAST_HELD, round(hold_back * len(own))) :]] = True
    older = np.flatnonzero(~newest & ~np.isin(groups, groups[newest]))
    if len(np.unique(spam[older])) < 2:
        raise InputError(
            "without the newest, the comments are all of one class: label more, or hold back less."
        )
    return older, np.flatnonzero(newest)


@dataclass(frozen=True, slots=True)
class _Labels:
    """A site's labelled comments, read once."""

    learner: SpamClassifier
    rows: Rows
    spam: Bools
    weight: F64
    groups: NDArray[np.int64]

    def learned(self, chosen: NDArray[np.intp], base: SpamModel) -> tuple[SpamModel, int]:
        """Return a model of the `chosen`, and the number of labels that the others contradict.

        Such a label counts less, as one wrong label in twenty would do too much harm, but the
        moderator may be right.
        """
        rows, spam, weight = self.rows[chosen], self.spam[chosen], self.weight[chosen]
        log_odds = log_odds_by_others(self.learner, rows, spam, self.groups[chosen], base)
        doubted = np.where(spam, -log_odds, log_odds) >= _DOUBT
        self.learner.fit(rows, spam, weight * np.where(doubted, _DOUBTED_WEIGHT, 1.0))
        model = replace(self.learner.model_, cuts=replace(base.cuts, discard=None))
        return model, int(doubted.sum())


def log_odds_by_others(
    learner: SpamClassifier,
    rows: Rows,
    spam: Bools,
    groups: NDArray[np.int64],
    base: SpamModel,
) -> F64:
    """Return each comment's log-odds by a model of the others, without its copies."""
    fold = groups % _FOLDS
    found = np.empty(len(spam))
    for k in range(_FOLDS):
        out = fold == k
        both = len(np.unique(spam[~out])) == 2
        model = learner.fit(rows[~out], spam[~out]).model_ if both else base
        found[out] = model.decision_function(rows[out])
    return found


def _deciding(
    newest: NDArray[np.intp], moments: pd.Series[pd.Timestamp], spam: Bools, current: SpamModel
) -> tuple[NDArray[np.intp], int]:
    """Return which of the `newest` are compared, and how many of them `current` may have learned.

    A model looks too good on what it has learned. Newer comments alone are compared, if
    there are enough.
    """
    learned = current.about.get("retrained")
    if learned is None:
        return newest, 0
    if learned.get("learned_until") is None:
        return newest, len(newest)
    import pandas as pd

    until = pd.Timestamp(learned["learned_until"])
    new = newest[(moments.iloc[newest] > until).to_numpy(bool)]  # NaT is not new
    if min(int(spam[new].sum()), int((~spam[new]).sum())) >= _LEAST_NEW:
        return new, 0
    return newest, len(newest) - len(new)


def _gate(candidate: SpamModel, current: SpamModel, rows: Rows, spam: Bools, known: int) -> Gate:
    """Compare both on the same comments; any loss fails, whatever the interval."""
    before, after = (
        model.cuts.labels(model.decision_function(rows), rows.languages, model.languages) == "spam"
        for model in (current, candidate)
    )
    ham_lost = int(before[~spam].sum()), int(after[~spam].sum())
    spam_caught = int(before[spam].sum()), int(after[spam].sum())
    n_ham, n_spam = int((~spam).sum()), int(spam.sum())
    worse = [
        *(["real comments"] if ham_lost[1] > ham_lost[0] else []),
        *(["spam"] if spam_caught[1] < spam_caught[0] else []),
    ]
    why = (
        f"of {n_ham:,} real comments {ham_lost[1]:,} are called spam ({ham_lost[0]:,} before), "
        f"and of {n_spam:,} spam comments {spam_caught[1]:,} are caught ({spam_caught[0]:,} "
        "before): "
    )
    why += (
        f"worse on {' and '.join(worse)}, so the model in use stays"
        if worse
        else "no worse on either side"
    )
    if known:
        why += f" ({known:,} of these comments it may have learned, which is in its favour)"
    return Gate(
        not worse, why,
        n_ham, *ham_lost, _range(ham_lost[1], n_ham),
        n_spam, *spam_caught, _range(spam_caught[1], n_spam), known,
    )  # fmt: skip


def _range(k: int, n: int) -> tuple[float, float]:
    low, high = clopper_pearson(k, n, _CONFIDENCE)
    return round(low, 6), round(high, 6)


def _record(
    frame: pd.DataFrame,
    base: SpamModel,
    spam: Bools,
    gate: Gate,
    settings: dict[str, float],
) -> dict[str, Any]:
    import pandas as pd

    moments = _moments(frame)
    # A future date is an error, and must not make later comments look learned.
    newest = moments[moments <= pd.Timestamp.now("UTC")].max()
    return {
        "parent": base.title,
        "parent_weights": _weights_sha256(base),
        "corpus_sha256": texts_sha256(frame),
        "labels_sha256": hashlib.sha256(spam.astype(np.uint8).tobytes()).hexdigest(),
        # The model has seen nothing newer.
        "learned_until": None if pd.isna(newest) else newest.isoformat(),
        "ham": int((~spam).sum()),
        "spam": int(spam.sum()),
        **settings,
        "gate": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(gate).items()},
    }


def _weights_sha256(model: SpamModel) -> str:
    digest = hashlib.sha256()
    for array in (model.dense_weights, model.ngram_weights, model.background):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


# --- replacing the model in use -------------------------------------------------


def replace_model(
    model: SpamModel,
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    former: SpamModel | None = None,
) -> Path:
    """Replace the model in the directory `path`, and keep the previous one for `rollback`.

    A process killed at any point leaves one of the two, complete. Replacing a model by
    itself keeps the previous one.

    Parameters
    ----------
    model : SpamModel
    path : str or path
        A directory, created if missing.
    name : str, optional
        Shown as `Verdict.model`.
    former : SpamModel, optional
        Kept for `rollback` if `path` has no model yet.

    Raises
    ------
    InputError
        If another process is replacing it, or it cannot be written.
    """
    directory = Path(path)
    with _alone(directory):
        if (directory / "model.json").is_file():
            former = load_model(directory)
        if former is not None and not _is_same(former, model):
            save_model(former, directory / "former")
        return save_model(model, directory, name=name)


def _is_same(one: SpamModel, other: SpamModel) -> bool:
    facts = [(m.intercept, m.cuts, m.prior, _weights_sha256(m)) for m in (one, other)]
    return facts[0] == facts[1]


def rollback(path: str | os.PathLike[str]) -> SpamModel:
    """Swap the model at `path` with the previous one, and return the one now in use.

    Raises ModelNotFoundError if there is no previous model.
    """
    directory = Path(path)
    if not (directory / "former" / "model.json").is_file():
        raise ModelNotFoundError(f"{directory} holds no former model: none was replaced there yet.")
    with _alone(directory):
        former, now = load_model(directory / "former"), load_model(directory)
        save_model(former, directory)
        save_model(now, directory / "former")
        return former


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Lock `directory`, so that one process at a time replaces its model."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / ".lock").open("a")
    except OSError as error:
        raise InputError(
            f"{directory} cannot be written to ({error.strerror}): name another directory."
        ) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise InputError(
                f"another process is replacing the model in {directory}: try again when it is done."
            ) from error
        yield


def _lock(file: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # on Windows, the last of two wins
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- doubtful labels ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that looks wrong.

    Parameters
    ----------
    row : int
        Row of the comment in the corpus, from 0.
    label : str
    log_odds : float
        By a model of the other comments.
    why : {"the model disagrees", "a near-copy has the other label"}
    """

    row: int
    label: str
    log_odds: float
    why: str


def audit(
    frame: pd.DataFrame,
    *,
    base: SpamModel,
    least: float = _DOUBT,
    n_jobs: int | None = None,
) -> list[Doubt]:
    """Return the labels that look wrong, the most doubtful first.

    Each comment is scored by a model of the other comments without near-copies, as in
    confident learning (Northcutt, Jiang and Chuang 2021). A label is doubtful if the
    log-odds contradict it by `least` or more, or a near-copy has the other label.

    Parameters
    ----------
    frame : DataFrame
        A corpus; rows without a label are ignored.
    base : SpamModel
    least : float, default 2.0
        Log-odds; 2 is a probability of 88 %.
    n_jobs : int, optional
        Processes that read the comments.

    Raises
    ------
    CorpusError
        If there are fewer than ten labels of a class.
    """
    chosen = np.flatnonzero(frame["label"].isin(["ham", "spam"]).to_numpy(bool))
    labelled = frame.iloc[chosen]
    spam = (labelled["label"] == "spam").to_numpy(bool)
    _check_enough(spam)
    groups = duplicate_groups(labelled["text"].tolist())
    learner = SpamClassifier(base=base, n_jobs=n_jobs)
    rows = learner.vectorize(comments_of(labelled))
    log_odds = log_odds_by_others(learner, rows, spam, groups, base)
    against = np.where(spam, -log_odds, log_odds)
    torn = _torn(groups, spam)
    doubts = [
        Doubt(
            int(chosen[i]),
            "spam" if spam[i] else "ham",
            round(float(log_odds[i]), 4),
            "a near-copy has the other label" if torn[i] else "the model disagrees",
        )
        for i in np.flatnonzero(torn | (against >= least)).tolist()
    ]
    strength = dict(zip(chosen.tolist(), against.tolist(), strict=True))
    return sorted(doubts, key=lambda doubt: -strength[doubt.row])


def _torn(groups: NDArray[np.int64], spam: Bools) -> Bools:
    labels = Counter(zip(groups.tolist(), spam.tolist(), strict=True))
    return np.array(
        [
            labels[group, not bad] > 0
            for group, bad in zip(groups.tolist(), spam.tolist(), strict=True)
        ],
        bool,
    )
