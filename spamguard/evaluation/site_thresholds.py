"""A site's own decision thresholds, from its labelled comments.

    found = threshold_on(model, read_corpus("moderated.csv"), "ham_lost<=0.01")
    save_model(with_threshold(model, found), "mysite-model", name="mysite")

The model must not have learned from these comments: it loses less ham on them than on
new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spamguard.corpus import comments_of_frame, texts_sha256
from spamguard.errors import CorpusError, InputError
from spamguard.evaluation.tails import hypergeometric_tail
from spamguard.evaluation.thresholds import (
    Promise,
    Threshold,
    count_ham_lost,
    refuting_groups,
    threshold_for_max_ham_lost,
    threshold_for_min_precision,
)
from spamguard.model import Cuts, SpamModel
from spamguard.scoring import score_many

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Action", "Gathering", "SiteThreshold", "gatherings", "threshold_on", "with_threshold"]

Action = Literal["unsure", "spam", "discard"]
"""What a model does at or above a threshold."""

_CHANCE: Final = 0.05
_BATCH: Final = 500
# Entries of a model's `about` on its trained thresholds.
_OF_FORMER_CUTS: Final = ("figures", "held_out")


@dataclass(frozen=True, slots=True)
class Gathering:
    """A blog or post with more of the lost ham than chance explains.

    Parameters
    ----------
    by : {"blog", "post"}
    name : str
        The blog, or its post.
    ham, ham_lost : int
        Ham comments of the group, and those of them at or above the threshold.
    """

    by: Literal["blog", "post"]
    name: str
    ham: int
    ham_lost: int


@dataclass(frozen=True, slots=True)
class SiteThreshold:
    """A threshold measured on a corpus, and the reasons not to rely on it.

    Parameters
    ----------
    threshold : Threshold
        In log-odds of the model it was measured with, at `prior`.
    prior : float
        The model's share of spam, 0 to 1.
    gathered : tuple of Gathering
        Groups with too much of the lost ham. The bound assumes that there are none.
    broken_blogs : tuple of str
        Blogs that provably lose more ham than was promised.
    learned_from : bool
        The model was trained on this corpus, or on a set in it, so the promise means
        nothing.
    corpus_sha256 : str
        Hash of the corpus's texts.
    action : {"spam", "unsure", "discard"}
        What was measured. Comments in a language the model does not know are never
        called spam, so they count for ``unsure`` only.
    language_unknown : int
        Labelled comments in such a language.
    """

    threshold: Threshold
    prior: float
    gathered: tuple[Gathering, ...]
    broken_blogs: tuple[str, ...]
    learned_from: bool
    corpus_sha256: str = field(repr=False)
    action: Action = "spam"
    language_unknown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the fields of the threshold among the others."""
        return {
            **self.threshold.to_dict(),
            "prior": self.prior,
            "gathered": [
                {"by": g.by, "name": g.name, "ham": g.ham, "ham_lost": g.ham_lost}
                for g in self.gathered
            ],
            "broken_blogs": list(self.broken_blogs),
            "learned_from": self.learned_from,
            "corpus_sha256": self.corpus_sha256,
            "action": self.action,
            "language_unknown": self.language_unknown,
        }


def threshold_on(
    model: SpamModel,
    frame: pd.DataFrame,
    promise: Promise | str,
    action: Action = "spam",
    *,
    spam_share: float | None = None,
    watch: Callable[[str, int, int], None] | None = None,
) -> SiteThreshold:
    """Find the decision threshold of `model` that keeps `promise` on comments like `frame`.

    Parameters
    ----------
    frame : DataFrame
        A corpus as `spamguard.corpus.read_corpus` returns it, of comments that
        `model` has not learned from. Rows without a label are ignored.
    promise : Promise or str
        Such as ``"ham_lost<=0.001"`` or ``"precision>=0.998"``; a string means 95 %
        confidence.
    action : {"spam", "unsure", "discard"}
        What the model does at or above the threshold.
    spam_share : float, optional
        Share of spam on the site, strictly between 0 and 1, for the precision; by
        default that of the labelled rows.
    watch : callable, optional
        Called with a stage, the comments done and the total.

    Raises
    ------
    CorpusError
        If no row has a label.
    InputError
        If the promise cannot be read, or a number is out of range.
    """
    _check_action(action)
    if isinstance(promise, str):
        promise = Promise.parse(promise)
    labelled = frame[frame["label"].isin(["ham", "spam"])]
    if not len(labelled):
        raise CorpusError("no labelled comments: a column 'label' with ham or spam is needed.")
    spam = (labelled["label"] == "spam").to_numpy(bool)
    log_odds, known = _log_odds(model, labelled, watch)
    foreign = int((~known).sum())
    if action != "unsure" and foreign:
        # The model never acts on these. Counting them would let the others lose too much.
        labelled, log_odds, spam = labelled[known], log_odds[known], spam[known]
    threshold = _threshold(log_odds, spam, promise, spam_share)
    blogs = [str(blog or "") for blog in labelled["blog"]]
    gathered: list[Gathering] = []
    broken: tuple[str, ...] = ()
    if threshold.supported:
        posts = labelled["post_group"].astype(str).tolist()
        gathered += gatherings(log_odds, spam, blogs, threshold.log_odds, "blog")
        gathered += gatherings(log_odds, spam, posts, threshold.log_odds, "post")
        broken = _refuting(log_odds, spam, blogs, threshold)
    sha256 = texts_sha256(frame)
    return SiteThreshold(
        threshold, model.prior, tuple(gathered), broken, _learned(model, frame, sha256), sha256,
        action, foreign,
    )  # fmt: skip


def _check_action(action: str) -> None:
    if action not in get_args(Action):
        raise InputError('action must be "unsure", "spam" or "discard".')


def _log_odds(
    model: SpamModel, frame: pd.DataFrame, watch: Callable[[str, int, int], None] | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the exact log-odds of `score`, and whether each language is known."""
    comments = comments_of_frame(frame)
    found, known = np.empty(len(comments)), np.ones(len(comments), bool)
    for start in range(0, len(comments), _BATCH):
        batch = comments[start : start + _BATCH]
        for i, verdict in enumerate(score_many(batch, model=model), start):
            found[i], known[i] = verdict.log_odds, verdict.language_known
        if watch is not None:
            watch("comments", start + len(batch), len(comments))
    return found, known


def _threshold(
    log_odds: NDArray[np.float64],
    spam: NDArray[np.bool_],
    promise: Promise,
    spam_share: float | None,
) -> Threshold:
    if promise.kind == "max_ham_lost":
        return threshold_for_max_ham_lost(
            log_odds, spam, promise.value, promise.confidence, spam_share=spam_share
        )
    return threshold_for_min_precision(
        log_odds, spam, promise.value, spam_share, promise.confidence
    )


def _learned(model: SpamModel, frame: pd.DataFrame, sha256: str) -> bool:
    sets = model.about.get("sets")
    named = set(frame["dataset"].dropna()) & set(sets if isinstance(sets, dict) else ())
    return bool(named) or model.about.get("corpus_sha256") == sha256


# --- groups that lose too much --------------------------------------------------


def gatherings(
    log_odds: NDArray[np.float64],
    spam: NDArray[np.bool_],
    groups: Sequence[str],
    cut: float,
    by: Literal["blog", "post"],
) -> list[Gathering]:
    """Return the groups with more of the lost ham than chance explains, the worst first.

    If the losses were spread by chance, each group's share would follow the
    hypergeometric distribution. The test is at 5 % over all groups (Dunn 1961, Bonferroni).
    The arrays have shape (n,); `cut` is in log-odds, compared with >=.
    """
    counts = count_ham_lost(log_odds, spam, groups, cut)
    ham, lost = sum(n for _, n in counts.values()), sum(k for k, _ in counts.values())
    found = [
        Gathering(by, str(name), n, k)
        for name, (k, n) in counts.items()
        # A single comment is no gathering, however small its group.
        if k > 1 and hypergeometric_tail(k, ham, lost, n) * len(counts) < _CHANCE
    ]
    return sorted(found, key=lambda each: -each.ham_lost)


def _refuting(
    log_odds: NDArray[np.float64],
    spam: NDArray[np.bool_],
    blogs: Sequence[str],
    threshold: Threshold,
) -> tuple[str, ...]:
    promise = threshold.promise
    rate = promise.value if promise.kind == "max_ham_lost" else threshold.ham_lost_upper
    if not 0 < rate < 1:
        return ()
    found = refuting_groups(log_odds, spam, blogs, threshold.log_odds, rate, promise.confidence)
    return tuple(map(str, found))


# --- a model with the threshold --------------------------------------------------


def with_threshold(
    model: SpamModel,
    found: SiteThreshold,
    action: Action | None = None,
    *,
    lock_discard: bool = False,
) -> SpamModel:
    """Return a copy of `model` that uses the threshold found.

    Parameters
    ----------
    model : SpamModel
        The one that `found` was measured with, at any prior.
    found : SiteThreshold
        From `threshold_on`.
    action : {"spam", "unsure", "discard"}, optional
        Which decision threshold it replaces; by default the one it was measured for.
    lock_discard : bool, default False
        Make the copy never discard.

    Returns
    -------
    SpamModel
        ``about["promises"][action]`` records the promise and its evidence. Figures of
        the former thresholds are removed from `about`. A threshold for ``spam`` that passes
        the one for ``discard`` takes it along.

    Raises
    ------
    InputError
        If the promise is not supported; if it is for ``discard`` and a blog refutes
        it, or the model has learned from the corpus; or if the thresholds would no
        longer rise from unsure to spam to discard.
    """
    action = action or found.action
    _check_action(action)
    if found.language_unknown and (action == "unsure") != (found.action == "unsure"):
        raise InputError(
            f"the cut was measured for {found.action}, which treats {found.language_unknown:,} "
            f"comments in languages the model does not know otherwise: measure it for {action}."
        )
    if lock_discard and action == "discard":
        raise InputError("discard cannot be both set and locked; leave one of the two out.")
    _check_supported(found, action)
    # Thresholds and prior move together, so the same comments are affected.
    here = model.at_prior(found.prior)
    cuts = {name: getattr(here.cuts, name) for name in get_args(Action)}
    cuts[action] = found.threshold.log_odds
    if lock_discard:
        cuts["discard"] = None
    elif action == "spam" and cuts["discard"] is not None:
        # What is not even spam must not be discarded; a higher threshold keeps its promise.
        cuts["discard"] = max(cuts["discard"], cuts["spam"])
    _check_order(cuts, action)
    about = _about(model, {action: found.to_dict()}, lock_discard)
    return replace(here, cuts=Cuts(**cuts), about=about).at_prior(model.prior)


def _about(model: SpamModel, made: dict[str, Any], lock_discard: bool) -> dict[str, Any]:
    former = model.about.get("promises")
    promises = dict(former if isinstance(former, dict) else {}) | made
    if lock_discard:
        promises.pop("discard", None)
    kept = {k: v for k, v in model.about.items() if k not in _OF_FORMER_CUTS}
    origin = model.about.get("copy_of", model.title)
    return kept | {"copy_of": origin, "promises": promises}


def _check_supported(found: SiteThreshold, action: Action) -> None:
    threshold = found.threshold
    if not threshold.supported:
        missing = threshold.missing_ham
        raise InputError(
            f"the comments do not support {threshold.promise}, so there is no cut to set: "
            + (
                f"add {missing:,} more ham comments, or promise less."
                if missing
                else "promise less."
            )
        )
    if action != "discard":
        return
    if found.learned_from:
        raise InputError(
            "the model has learned from these comments, so they cannot support discard: measure "
            "on comments it has not seen."
        )
    if found.broken_blogs:
        count = len(found.broken_blogs)
        raise InputError(
            f"{count} {'blog loses' if count == 1 else 'blogs lose'} more real comments than {threshold.promise} allows, and discarded comments "
            "are never reviewed: ask for a stricter promise."
        )
    if not threshold.spam_caught:
        raise InputError("no spam is above that cut, so discard would only lose comments.")


def _check_order(cuts: dict[str, Any], action: Action) -> None:
    unsure, spam, discard = cuts["unsure"], cuts["spam"], cuts["discard"]
    if unsure > spam:
        order, advice = (
            f"unsure from {unsure:.2f}, spam from {spam:.2f}",
            (
                "Set unsure first, from a promise that allows more ham lost, then spam in that copy."
                if action == "spam"
                else "For unsure allow more ham lost, or set spam first, from a stricter promise."
            ),
        )
    elif discard is not None and spam > discard:
        order, advice = (
            f"spam from {spam:.2f}, discard from {discard:.2f}",
            "For discard allow less ham lost.",
        )
    else:
        return
    raise InputError(
        f"the thresholds must rise from unsure over spam to discard, but in log-odds they would "
        f"be: {order}. {advice}"
    )
