"""The threshold page: what a cut would have caught and lost among a site's own decided comments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spamguard.evaluation import (
    Gathering,
    Promise,
    Threshold,
    clopper_pearson,
    gatherings,
    threshold_for_max_ham_lost,
)
from spamguard.features import is_known
from spamguard.feedback import Database
from spamguard.model import Cuts, SpamModel, probability
from spamguard.server.pages import decisions as deciding
from spamguard.server.pages.rendering import count, percent
from spamguard.server.pages.requests import Visit
from spamguard.server.pages.svg import Line, Plot, plot_of
from spamguard.server.store import Site
from spamguard.server.store.server_tables import comments

_LOW, _HIGH, _STEPS = -5.0, 9.0, 56  # log-odds; a quarter each
_FAR: Final = 30.0
_LATEST: Final = 50_000
_RATES: Final = ("0.001", "0.005", "0.01", "0.02", "0.05")

Action = Literal["spam", "unsure"]


@dataclass(frozen=True, slots=True)
class History:
    """Decided comments with the log-odds that they came with, before anybody decided.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
    spam : ndarray of bool, shape (n,)
    posts : list of str, length n
    former : int
        Comments that another model judged than the one in use.
    foreign : int
        Further ones left out: in languages of which nothing is called spam.
    """

    log_odds: NDArray[np.float64]
    spam: NDArray[np.bool_]
    posts: list[str]
    former: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Step:
    """One position of the slider, and what lies at or above it."""

    cut: float
    lost: int
    lost_range: tuple[float, float]
    caught: int
    caught_range: tuple[float, float]

    @property
    def chance(self) -> str:
        """The cut as a probability."""
        p = probability(self.cut)
        return percent(p, 1 if 0.01 <= p <= 0.99 else 2)


def show(visit: Visit) -> Response:
    """Show the page."""
    site = visit.site(visit.asked("site"))
    action: Action = "unsure" if visit.asked("action") == "unsure" else "spam"
    model = visit.services.filters.model_of(site)
    past = history_of(visit.services.journal.database, site, model, action)
    now, own = _cut(model.cuts, action), _cut(visit.services.models.of(site.id).cuts, action)
    steps = steps_of(past, (now, own))
    cuts = [step.cut for step in steps]
    promise = visit.asked("promise")
    threshold = _kept(past, promise) if promise in _RATES else None
    if threshold is not None and threshold.supported:
        steps = steps_of(past, (now, own, threshold.log_odds))
        cuts = [step.cut for step in steps]
        chosen = cuts.index(threshold.log_odds)
    else:
        chosen = _chosen(visit.asked("step"), cuts, now)
    step = steps[chosen]
    ham, spam = int((~past.spam).sum()), int(past.spam.sum())
    return visit.render(
        "thresholds.html", site=site.name, sites=[each.name for each in visit.sites()],
        action=action, steps=steps, chosen=chosen, step=step, ham=ham, spam=spam, past=past,
        in_use=cuts.index(now), own=cuts.index(own), is_own=_set(site, action) is None,
        threshold=threshold, promise=promise, rates={r: percent(float(r)) for r in _RATES},
        gathered=_gathered(past, step.cut), plot=_plot(steps, ham, spam) if len(past.spam) else None,
        told=told,
        said={"saved": "Saved: it counts from the next comment on."}.get(visit.asked("said"), ""),
    )  # fmt: skip


def save(visit: Visit) -> Response:
    """Set a site's threshold, or go back to its model's."""
    site = visit.site(visit.sent("site"))
    action: Action = "unsure" if visit.sent("action") == "unsure" else "spam"
    cut = None if visit.sent("own") else _number(visit.sent("cut"))
    model = visit.services.models.of(site.id)
    unsure, spam = site.unsure_cut, site.spam_cut
    unsure, spam = (unsure, cut) if action == "spam" else (cut, spam)
    low = model.cuts.unsure if unsure is None else unsure
    high = model.cuts.spam if spam is None else spam
    if low > high:
        raise HTTPException(
            409, "Unsure must begin below spam, so nothing was changed: move the other one first."
        )
    visit.services.sites.set(site.name, unsure_cut=unsure, spam_cut=spam)
    deciding.note(
        visit.services.journal.database, visit.moderator, "thresholds", site.id,
        action=action, before=_set(site, action), after=cut,
    )  # fmt: skip
    return visit.to("/thresholds", site=site.name, action=action, said="saved")


def history_of(database: Database, site: Site, model: SpamModel, action: Action) -> History:
    """Return what is known of a site's past.

    Only answers given before the decision count: afterwards a comment is judged by
    what was learned from it, and would flatter every threshold.
    """
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
    # What can never be called spam is neither caught nor lost there.
    acted = [
        row for row in earliest if action == "unsure" or is_known(row.language, model.languages)
    ]
    return History(
        np.array([row.log_odds for row in acted], float),
        np.array([row.decision == "spam" for row in acted], bool),
        [str(row.post_key or "") for row in acted],
        sum(row.model != model.title for row in acted),
        len(earliest) - len(acted),
    )


def steps_of(past: History, further: tuple[float, ...]) -> list[Step]:
    """Return the positions of the slider, those of `further` among them."""
    grid = np.linspace(_LOW, _HIGH, _STEPS + 1).tolist()
    ham, spam = np.sort(past.log_odds[~past.spam]), np.sort(past.log_odds[past.spam])
    found = []
    for cut in sorted({*grid, *further}):
        lost = len(ham) - int(np.searchsorted(ham, cut))
        caught = len(spam) - int(np.searchsorted(spam, cut))
        found.append(Step(cut, lost, _range(lost, len(ham)), caught, _range(caught, len(spam))))
    return found


def told(k: int, n: int, within: tuple[float, float]) -> str:
    """Return a count with its share and its 95 % interval, in words."""
    if not n:
        return "none decided yet"
    low, high = (percent(end) for end in within)
    return f"{count(k)} of {count(n)} ({percent(k / n)}; 95 % interval {low} to {high})"


def _range(k: int, n: int) -> tuple[float, float]:
    return clopper_pearson(k, n) if n else (0.0, 1.0)


def _kept(past: History, rate: str) -> Threshold | None:
    if not len(past.spam):
        return None
    return threshold_for_max_ham_lost(
        past.log_odds, past.spam, Promise.parse(f"ham_lost<={rate}").value
    )


def _gathered(past: History, cut: float) -> list[Gathering]:
    """Return the posts under which the real comments lost gather: the interval knows of none."""
    return gatherings(past.log_odds, past.spam, past.posts, cut, "post") if len(past.spam) else []


def _plot(steps: list[Step], ham: int, spam: int) -> Plot:
    lines = [
        Line("Spam caught", "spam", [s.caught / spam if spam else None for s in steps]),
        Line("Real comments lost", "ham", [s.lost / ham if ham else None for s in steps]),
    ]
    return plot_of(lines, [s.chance for s in steps], "Caught and lost by threshold")


def _cut(cuts: Cuts, action: Action) -> float:
    return cuts.spam if action == "spam" else cuts.unsure


def _set(site: Site, action: Action) -> float | None:
    return site.spam_cut if action == "spam" else site.unsure_cut


def _chosen(step: str, cuts: list[float], now: float) -> int:
    if step.isascii() and step.isdecimal() and len(step) < 4 and int(step) < len(cuts):
        return int(step)
    return cuts.index(now)


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not abs(found) <= _FAR:
        raise HTTPException(400, "This is no threshold; move the slider.")
    return found
