"""The threshold page: what a threshold would have caught and lost among a site's decided comments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spamguard.display import share
from spamguard.evaluation import (
    Promise,
    Threshold,
    clopper_pearson,
    gatherings,
    threshold_for_max_ham_lost,
)
from spamguard.features import is_known
from spamguard.feedback import Database
from spamguard.model import Cuts, SpamModel, probability
from spamguard.server.pages.decisions import record_action
from spamguard.server.pages.rendering import number
from spamguard.server.pages.requests import Visit
from spamguard.server.pages.svg import Line, Plot, plot_of
from spamguard.server.store import Site, tables

_LOW, _HIGH, _STEPS = -5.0, 9.0, 56  # log-odds; a quarter each
_FAR: Final = 30.0
_LATEST: Final = 50_000
_RATES: Final = ("0.001", "0.005", "0.01", "0.02", "0.05")

Action = Literal["spam", "unsure"]


@dataclass(frozen=True, slots=True)
class History:
    """A site's decided comments, with the log-odds they had before the decision.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
    spam : ndarray of bool, shape (n,)
    posts : list of str, length n
    former : int
        How many of them were scored by a previous model.
    foreign : int
        Comments left out, in languages in which nothing is called spam.
    """

    log_odds: NDArray[np.float64]
    spam: NDArray[np.bool_]
    posts: list[str]
    former: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Step:
    """One position of the slider, and the comments at or above it."""

    cut: float
    lost: int
    lost_range: tuple[float, float]
    caught: int
    caught_range: tuple[float, float]

    @property
    def chance(self) -> str:
        """The threshold as a probability."""
        p = probability(self.cut)
        return share(p, 1 if 0.01 <= p <= 0.99 else 2)


def show(visit: Visit) -> Response:
    """Show the page."""
    site = visit.site(visit.parameter("site"))
    action: Action = "unsure" if visit.parameter("action") == "unsure" else "spam"
    model = visit.worker.filters.model_of(site)
    past = history_of(visit.worker.journal.database, site, model, action)
    in_use = _cut(model.cuts, action)
    own = _cut(visit.worker.models.of(site.id).cuts, action)
    promise = visit.parameter("promise")
    threshold = _for_promise(past, promise) if promise in _RATES else None
    if threshold is not None and threshold.supported:
        steps = steps_of(past, (in_use, own, threshold.log_odds))
        cuts = [step.cut for step in steps]
        chosen = cuts.index(threshold.log_odds)
    else:
        steps = steps_of(past, (in_use, own))
        cuts = [step.cut for step in steps]
        chosen = _position(visit.parameter("step"), cuts, in_use)
    step, ham, spam = steps[chosen], int((~past.spam).sum()), int(past.spam.sum())
    return visit.render(
        "thresholds.html", site=site.name, sites=[each.name for each in visit.sites()],
        action=action, steps=steps, chosen=chosen, step=step, ham=ham, spam=spam, past=past,
        in_use=cuts.index(in_use), own=cuts.index(own), is_own=_set_cut(site, action) is None,
        threshold=threshold, promise=promise, rates={r: share(float(r)) for r in _RATES},
        is_gathered=_is_gathered(past, step.cut), share=share_in_words,
        plot=_plot(steps, ham, spam) if len(past.spam) else None,
        message={"saved": "Saved. The new threshold counts from the next comment on."}.get(
            visit.parameter("message"), ""
        ),
    )  # fmt: skip


def save(visit: Visit) -> Response:
    """Set a site's threshold, or return to its model's."""
    site = visit.site(visit.form_value("site"))
    action: Action = "unsure" if visit.form_value("action") == "unsure" else "spam"
    cut = None if visit.form_value("own") else _number(visit.form_value("cut"))
    model = visit.worker.models.of(site.id)
    unsure, spam = site.unsure_cut, site.spam_cut
    unsure, spam = (unsure, cut) if action == "spam" else (cut, spam)
    low = model.cuts.unsure if unsure is None else unsure
    high = model.cuts.spam if spam is None else spam
    if low > high:
        raise HTTPException(
            409,
            "The threshold for unsure cannot be above the one for spam. Nothing was changed; "
            "move the other one first.",
        )
    visit.worker.sites.set(site.name, unsure_cut=unsure, spam_cut=spam)
    record_action(
        visit.worker.journal.database, visit.moderator, "thresholds", site.id,
        action=action, before=_set_cut(site, action), after=cut,
    )  # fmt: skip
    return visit.redirect("/thresholds", site=site.name, action=action, message="saved")


def history_of(database: Database, site: Site, model: SpamModel, action: Action) -> History:
    """Return a site's decided comments.

    Only verdicts from before the decision count. A later one has learned from the
    comment and would flatter every threshold.
    """
    comments = tables.comments
    columns = [
        comments.c[name]
        for name in ("digest", "log_odds", "decision", "language", "post_key", "model")
    ]
    query = (
        sa.select(*columns)
        .where(
            comments.c.site == site.id, comments.c.cause == "model",
            comments.c.decision.in_(("spam", "ham")), comments.c.at <= comments.c.decided_at,
            comments.c.log_odds.is_not(None),
        )
        .order_by(comments.c.id.desc()).limit(_LATEST)
    )  # fmt: skip
    with database.reading() as connection:
        rows = connection.execute(query).all()
    earliest = list({row.digest: row for row in rows}.values())
    # What is never called spam is neither caught nor lost by that threshold.
    affected = [
        row for row in earliest if action == "unsure" or is_known(row.language, model.languages)
    ]
    return History(
        np.array([row.log_odds for row in affected], float),
        np.array([row.decision == "spam" for row in affected], bool),
        [str(row.post_key or "") for row in affected],
        sum(row.model != model.title for row in affected),
        len(earliest) - len(affected),
    )


def steps_of(past: History, further: tuple[float, ...]) -> list[Step]:
    """Return the positions of the slider, including the `further` thresholds."""
    grid = np.linspace(_LOW, _HIGH, _STEPS + 1).tolist()
    ham, spam = np.sort(past.log_odds[~past.spam]), np.sort(past.log_odds[past.spam])
    steps = []
    for cut in sorted({*grid, *further}):
        lost = len(ham) - int(np.searchsorted(ham, cut))
        caught = len(spam) - int(np.searchsorted(spam, cut))
        steps.append(Step(cut, lost, _range(lost, len(ham)), caught, _range(caught, len(spam))))
    return steps


def share_in_words(k: int, n: int, interval: tuple[float, float]) -> str:
    """Return a count with its share and its 95 % interval."""
    if not n:
        return "none decided yet"
    low, high = (share(end) for end in interval)
    return f"{number(k)} of {number(n)} ({share(k / n)}; 95 % interval {low} to {high})"


def _range(k: int, n: int) -> tuple[float, float]:
    return clopper_pearson(k, n) if n else (0.0, 1.0)


def _for_promise(past: History, rate: str) -> Threshold | None:
    if not len(past.spam):
        return None
    return threshold_for_max_ham_lost(
        past.log_odds, past.spam, Promise.parse(f"ham_lost<={rate}").value
    )


def _is_gathered(past: History, cut: float) -> bool:
    """Return whether the ham lost gathers under one post, which the interval cannot know."""
    if not len(past.spam):
        return False
    return bool(gatherings(past.log_odds, past.spam, past.posts, cut, "post"))


def _plot(steps: list[Step], ham: int, spam: int) -> Plot:
    lines = [
        Line("Spam caught", "spam", [s.caught / spam if spam else None for s in steps]),
        Line("Real comments lost", "ham", [s.lost / ham if ham else None for s in steps]),
    ]
    return plot_of(lines, [s.chance for s in steps], "Caught and lost by threshold")


def _cut(cuts: Cuts, action: Action) -> float:
    return cuts.spam if action == "spam" else cuts.unsure


def _set_cut(site: Site, action: Action) -> float | None:
    return site.spam_cut if action == "spam" else site.unsure_cut


def _position(step: str, cuts: list[float], in_use: float) -> int:
    if step.isascii() and step.isdecimal() and len(step) < 4 and int(step) < len(cuts):
        return int(step)
    return cuts.index(in_use)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= _FAR:
        raise HTTPException(400, "This is not a threshold; move the slider.")
    return value
