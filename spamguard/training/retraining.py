"""A site's own model: from its labelled comments, and only if they say it is no worse.

    frame = read_corpus("moderated.jsonl", labelled=True)
    outcome = retrain(frame, base=load_model())
    if outcome.gate.passed:
        replace_model(outcome.model, "models/mysite")

The site's comments are not added to a pool: what is learned is the difference
to the base model, so twenty labels help and twenty thousand have their way.
The newest comments are held back; a candidate that has not seen them is
compared on them with the model in use, comment by comment.
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
from spamguard.evaluation import binomial_lower, binomial_upper
from spamguard.features import Rows
from spamguard.model import SpamModel
from spamguard.storage import load_model, save_model
from spamguard.training.classifier import SpamClassifier

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Doubt", "Gate", "Outcome", "audit", "replace_model", "retrain", "rollback"]

LEAST: Final = 10
"""Comments of each class without which nothing is learned."""
ACCOUNT_SHARE: Final = 0.25
"""Of the weight of all labels, what those of one account may have among four sources or more."""
_ROUNDS: Final = 50
_FREE_LABELS: Final = 20.0  # an account may always give this many
_CONFIDENCE: Final = 0.95
_LEAST_HELD: Final = 2  # of each class
_LEAST_NEW: Final = 5  # of each class, to leave those out that the model in use has learned
_FOLDS: Final = 5
_DOUBT: Final = 2.0  # log-odds against a label; 88 %
_DOUBTED_WEIGHT: Final = 0.2

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gate:
    """What the newest comments, held back, say of a candidate and of the model in use.

    Parameters
    ----------
    passed : bool
        The candidate calls no more of the ham spam, and no less of the spam.
    why : str
        The same in words.
    ham, spam : int
        Comments held back.
    ham_lost_before, ham_lost : int
        Ham called spam by the model in use and by the candidate.
    spam_caught_before, spam_caught : int
        Spam called spam by either.
    ham_lost_range, spam_caught_range : tuple of float
        Exact 95 % interval of the candidate's rate, 0 to 1 (Clopper and
        Pearson 1934); comments are taken for independent.
    known : int
        Of the comments held back, those that are no newer than what the model
        in use has learned. Where enough are new to both, none.
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
    """A new model and what was measured of it.

    Parameters
    ----------
    model : SpamModel
        Learned from all comments given. Its ``about["retrained"]`` names the
        model it came from, the hashes of what was learned and the figures.
    gate : Gate
        Of a candidate made in the same way without the newest comments.
    learned, held_back : int
        Comments that the candidate learned from, and that were held back.
    doubted : int
        Labels, of all, that the others speak against; they count a fifth.
    undated : int
        Comments without a date; they count as old, or, where none has one,
        the order of the rows is taken for that of time.
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
    seed: int = 0,
    watch: Callable[[str, int, int], None] | None = None,
    n_jobs: int | None = None,
) -> Outcome:
    """Learn a site's model from its labelled comments, and measure whether it may be used.

    Parameters
    ----------
    frame : DataFrame
        A corpus, as `spamguard.corpus.read_corpus` gives it. Rows without a
        label are passed over. A column ``account`` names who labelled.
    base : SpamModel
        What is started from, such as ``load_model("default")``.
    current : SpamModel, optional
        The model in use, that the candidate must not be worse than; `base` by
        default.
    hold_back : float, default 0.2
        Share of each class, the newest, that the candidate is measured on.
    C : float, default 10.0
        How far the site's comments are trusted against `base`; see
        `SpamClassifier`.
    seed : int, default 0
        Recorded; nothing here is drawn at random.
    watch : callable, optional
        Called with a stage, the steps done and their number.
    n_jobs : int, optional
        Processes that read the comments, as joblib counts them.

    Returns
    -------
    Outcome
        The same comments, in any order where they have dates, and the same
        settings give the same bytes.

    Raises
    ------
    CorpusError
        If there are fewer than ten comments of ham or of spam; the message
        says how many are missing.
    InputError
        If `hold_back` leaves nothing to learn from or to measure on.
    """
    labelled, undated = _in_time(frame[frame["label"].isin(["ham", "spam"])])
    # Which copies are found depends on their order: so again, in the order of time.
    labelled = labelled.assign(duplicate_group=duplicate_groups(labelled["text"]))
    spam = (labelled["label"] == "spam").to_numpy(bool)
    _check_enough(spam)
    current = base if current is None else current
    tell = watch or (lambda stage, done, total: None)
    tell("read", 0, 3)
    learner = SpamClassifier(base=base, C=C, n_jobs=n_jobs)
    rows = learner.vectorize(comments_of(labelled))
    weight = weights_of(labelled)
    groups = labelled["duplicate_group"].to_numpy()
    older, newest = _split(spam, groups, hold_back)
    tell("learn", 1, 3)
    labels = _Labels(learner, rows, spam, weight, groups)
    candidate, _ = labels.learned(older, base)
    deciding, known = _deciding(newest, _moments(labelled), spam, current)
    gate = _gate(candidate, current, rows, spam, deciding, known)
    tell("learn", 2, 3)
    model, doubted = labels.learned(np.arange(len(spam)), base)
    record = _record(labelled, base, spam, gate, C, hold_back, seed)
    tell("learn", 3, 3)
    about = {k: v for k, v in base.about.items() if k not in ("figures", "held_out", "promises")}
    model = replace(
        model, name=base.name, version=base.version, about=about | {"retrained": record}
    )
    return Outcome(model, gate, len(older), len(newest), doubted, undated)


def _in_time(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows from the oldest to the newest, and how many have no date that can be read.

    Those count as old; where none has one, the rows stay as they stand.
    """
    import pandas as pd

    dates = _moments(frame)
    undated = int(dates.isna().sum())
    if undated == len(frame):
        return frame, undated
    # Equal dates are put in an order that does not depend on that of the rows.
    keys = frame["text"].map(lambda text: hashlib.sha256(text.encode("utf-8", "replace")).digest())
    order = pd.DataFrame({"date": dates, "key": keys}).sort_values(
        ["date", "key"], kind="stable", na_position="first"
    )
    return frame.loc[order.index], undated


def _moments(frame: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return when each comment was written; no time where that cannot be read."""
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
    """Return how much each label counts: copies share, and so do labels of one account.

    A campaign of n near-copies counts as much as the root of n comments. No
    account outweighs the rest: of two sources one may have half of the
    weight, of three a third, of four or more a quarter. Labels without an
    account, such as an imported history, are a source and not limited.
    """
    copies = frame["duplicate_group"].map(frame["duplicate_group"].value_counts())
    weight = 1.0 / np.sqrt(copies.to_numpy(float))
    if "account" not in frame.columns:
        return weight
    accounts = frame["account"].fillna("").to_numpy(str)
    names = sorted(set(accounts.tolist()))
    if len(names) < 2:
        return weight  # one moderator alone is whom this model is for
    given = {name: float(weight[accounts == name].sum()) for name in names}
    share = max(ACCOUNT_SHARE, 1 / len(names))
    allowed = given
    for _ in range(_ROUNDS):  # each limit depends on what the others are left with
        total = sum(allowed.values())
        rest = {name: share / (1 - share) * (total - allowed[name]) for name in names if name}
        allowed = given | {n: min(given[n], max(_FREE_LABELS, most)) for n, most in rest.items()}
    factors: F64 = np.array([allowed[name] / given[name] for name in accounts.tolist()])
    return weight * factors


def _split(
    spam: Bools, groups: NDArray[np.int64], hold_back: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the older rows and the newest of each class, neither of which may be without a say.

    Copies of a comment that is held back are not learned from.
    """
    if not 0 < hold_back < 1:
        raise InputError("hold_back is a share strictly between 0 and 1, such as 0.2.")
    newest = np.zeros(len(spam), bool)
    for side in (spam, ~spam):
        own = np.flatnonzero(side)
        newest[own[-max(_LEAST_HELD, round(hold_back * len(own))) :]] = True
    older = np.flatnonzero(~newest & ~np.isin(groups, groups[newest]))
    if len(np.unique(spam[older])) < 2:
        raise InputError(
            "the older comments are of one class alone once the newest are held back: label more, "
            "or hold back less."
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
        """Return what the `chosen` teach, and how many of their labels the others doubt.

        A label that the others speak against counts less: one wrong label in
        twenty would otherwise teach more than it should. It still counts, as
        a moderator may know better.
        """
        rows, spam, weight = self.rows[chosen], self.spam[chosen], self.weight[chosen]
        log_odds = out_of_fold(self.learner, rows, spam, self.groups[chosen], base)
        doubted = np.where(spam, -log_odds, log_odds) >= _DOUBT
        self.learner.fit(rows, spam, weight * np.where(doubted, _DOUBTED_WEIGHT, 1.0))
        model = replace(self.learner.model_, cuts=replace(base.cuts, discard=None))
        return model, int(doubted.sum())


def out_of_fold(
    learner: SpamClassifier,
    rows: Rows,
    spam: Bools,
    groups: NDArray[np.int64],
    base: SpamModel,
) -> F64:
    """Return each comment's log-odds by a model that learned the others, its copies left out."""
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
    """Return which of the `newest` decide, and how many of those `current` has learned.

    A model looks better than it is on what it has learned. Where enough are
    newer than all of that, they alone decide.
    """
    learned = current.about.get("retrained")
    if learned is None:
        return newest, 0
    if learned.get("learned_until") is None:
        return newest, len(newest)
    import pandas as pd

    until = pd.Timestamp(learned["learned_until"])
    new = newest[(moments.iloc[newest] > until).to_numpy(bool)]  # without a date: not new
    if min(int(spam[new].sum()), int((~spam[new]).sum())) >= _LEAST_NEW:
        return new, 0
    return newest, len(newest) - len(new)


def _gate(
    candidate: SpamModel,
    current: SpamModel,
    rows: Rows,
    spam: Bools,
    newest: NDArray[np.intp],
    known: int,
) -> Gate:
    """Compare on the same comments; a difference needs no interval to be refused."""
    called = []
    for model in (current, candidate):
        log_odds = model.decision_function(rows[newest])
        called.append(
            model.cuts.labels(log_odds, rows.languages[newest], model.languages) == "spam"
        )
    before, after = called
    real, bad = ~spam[newest], spam[newest]
    lost_before, lost = int(before[real].sum()), int(after[real].sum())
    caught_before, caught = int(before[bad].sum()), int(after[bad].sum())
    passed = lost <= lost_before and caught >= caught_before
    why = _words(passed, lost_before, lost, caught_before, caught, int(real.sum()), int(bad.sum()))
    if known:
        why += f" ({known:,} of these comments it may have learned, which is in its favour)"
    return Gate(
        passed, why,
        int(real.sum()), lost_before, lost, _range(lost, int(real.sum())),
        int(bad.sum()), caught_before, caught, _range(caught, int(bad.sum())), known,
    )  # fmt: skip


def _words(
    passed: bool, lost_before: int, lost: int, caught_before: int, caught: int, ham: int, spam: int
) -> str:
    told = (
        f"of {ham:,} real comments {lost:,} are called spam ({lost_before:,} before), and of "
        f"{spam:,} spam comments {caught:,} are caught ({caught_before:,} before)"
    )
    if passed:
        return f"{told}: no worse on either side"
    worse = [
        side
        for side, is_worse in (
            ("real comments", lost > lost_before),
            ("spam", caught < caught_before),
        )
        if is_worse
    ]
    return f"{told}: worse on {' and '.join(worse)}, so the model in use stays"


def _range(k: int, n: int) -> tuple[float, float]:
    side = 1 - (1 - _CONFIDENCE) / 2
    return (
        round(binomial_lower(k, n, side), 6) if n else 0.0,
        round(binomial_upper(k, n, side), 6) if n else 1.0,
    )


def _record(
    frame: pd.DataFrame,
    base: SpamModel,
    spam: Bools,
    gate: Gate,
    C: float,
    hold_back: float,
    seed: int,
) -> dict[str, Any]:
    import pandas as pd

    moments = _moments(frame)
    # A date of tomorrow is an error, and must not make all that follows look known.
    newest = moments[moments <= pd.Timestamp.now("UTC")].max()
    return {
        "parent": base.title,
        "parent_weights": _weights_sha256(base),
        "corpus_sha256": texts_sha256(frame),
        "labels_sha256": hashlib.sha256(spam.astype(np.uint8).tobytes()).hexdigest(),
        # What is newer than this, the model has not seen.
        "learned_until": None if pd.isna(newest) else newest.isoformat(),
        "ham": int((~spam).sum()),
        "spam": int(spam.sum()),
        "C": C,
        "hold_back": hold_back,
        "seed": seed,
        "gate": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(gate).items()},
    }


def _weights_sha256(model: SpamModel) -> str:
    digest = hashlib.sha256()
    for array in (model.dense_weights, model.ngram_weights, model.background):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


# --- in the place of the model in use -------------------------------------------------


def replace_model(
    model: SpamModel,
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    former: SpamModel | None = None,
) -> Path:
    """Put `model` in the place of the one at `path`, which is kept for `rollback`.

    A process killed at any point leaves the one or the other, whole. The same
    model once more changes nothing, so that the former one stays the former.

    Parameters
    ----------
    model : SpamModel
    path : str or path
        A directory; made where needed.
    name : str, optional
        What `Verdict.model` is to tell.
    former : SpamModel, optional
        What is kept where no model is at `path` yet.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    InputError
        If another process is replacing it right now, or it cannot be written.
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
    """Put the former model back in its place, and keep the one it replaces in turn.

    Parameters
    ----------
    path : str or path
        The directory given to `replace_model`.

    Returns
    -------
    SpamModel
        The one that is in use from now on.

    Raises
    ------
    ModelNotFoundError
        If there is no former model.
    """
    directory = Path(path)
    if not (directory / "former" / "model.json").is_file():
        raise ModelNotFoundError(
            f"{directory} keeps no former model: nothing was replaced there yet."
        )
    with _alone(directory):
        former, now = load_model(directory / "former"), load_model(directory)
        save_model(former, directory)
        save_model(now, directory / "former")
        return former


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time replace the model in `directory`."""
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
    except ImportError:  # Windows: there the last of two at once has its way
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- labels that look wrong -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that the others speak against.

    Parameters
    ----------
    row : int
        Place of the comment in the corpus, from 0.
    label : str
    log_odds : float
        Of spam, by a model that learned from the other comments.
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

    Each comment is judged by a model that learned the site's other comments
    (whole groups of near-copies are left out together), as in confident
    learning (Northcutt, Jiang and Chuang 2021): a label is doubted where the
    log-odds speak against it by `least` or more, or a near-copy has the other.

    Parameters
    ----------
    frame : DataFrame
        A corpus; rows without a label are passed over.
    base : SpamModel
    least : float, default 2.0
        Log-odds; 2 is 88 %.
    n_jobs : int, optional
        Processes that read the comments.

    Returns
    -------
    list of Doubt
        Empty where no label is doubted.

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
    log_odds = out_of_fold(learner, rows, spam, groups, base)
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
