"""Charts: how many comments, how much spam, whether the kind of comment changes, whether people agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spamguard.feedback import Database
from spamguard.server.pages.rendering import now
from spamguard.server.pages.requests import Visit
from spamguard.server.pages.svg import Line, Plot, bars_of, plot_of
from spamguard.server.store.server_tables import comments
from spamguard.server.watch import drift_of

_SPANS: Final = {"30": "30 days", "90": "90 days", "365": "a year"}
_TENTHS: Final = (*(i / 10 for i in range(10)), 1.1)
_BEFORE: Final = 28  # days that drift is measured against
_LABELS: Final = ("ham", "unsure", "spam")


@dataclass(slots=True)
class Day:
    """One day's comments."""

    labels: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LABELS, 0))
    tenths: list[int] = field(default_factory=lambda: [0] * 10)
    agreed: int = 0
    decided: int = 0


def show(visit: Visit) -> Response:
    """Show the charts."""
    name, span = visit.asked("site"), visit.asked("span", "30")
    span = span if span in _SPANS else "30"
    every = visit.sites()
    chosen = [site.id for site in every if name in ("", site.name)]
    if name and not chosen:
        raise HTTPException(404, "There is no such site, or it is not one of yours.")
    visit.services.recorder.flush()
    today = now().date()
    first = today - timedelta(days=int(span) - 1)
    days = read(visit.services.journal.database, chosen, first - timedelta(days=_BEFORE), today)
    return visit.render(
        "figures.html",
        sites=[site.name for site in every], site=name, span=span, spans=_SPANS,
        plots=plots_of(days, first, today),
        total=sum(sum(d.labels.values()) for day, d in days.items() if day >= first),
    )  # fmt: skip


def read(database: Database, chosen: Sequence[int], first: date, last: date) -> dict[date, Day]:
    """Return each day's figures of some sites."""
    mine = [
        comments.c.site.in_(chosen), comments.c.cause == "model",
        comments.c.label.is_not(None),
    ]  # fmt: skip
    p = comments.c.spam_probability
    found = {first + timedelta(days=i): Day() for i in range((last - first).days + 1)}
    came, decided = (
        sa.func.substr(comments.c[name], sa.literal_column("1"), sa.literal_column("10"))
        for name in ("at", "decided_at")
    )
    since = first.isoformat()
    labels = (
        sa.select(
            came.label("day"), comments.c.label, sa.func.count().label("n"),
            *(_sum((p >= low) & (p < high)).label(f"t{i}") for i, (low, high) in enumerate(pairwise(_TENTHS))),
        )
        .where(*mine, comments.c.at >= since).group_by(came, comments.c.label)
    )  # fmt: skip
    said = comments.c.label == comments.c.decision
    told = (
        sa.select(decided.label("day"), sa.func.count().label("n"), _sum(said).label("agreed"))
        .where(
            *mine, comments.c.decision.in_(("spam", "ham")), comments.c.label != "unsure",
            comments.c.decided_at >= since, comments.c.at <= comments.c.decided_at,
        )
        .group_by(decided)
    )  # fmt: skip
    with database.reading() as connection:
        for row in connection.execute(labels):
            day = _day(found, row)
            if day is not None and row.label in _LABELS:
                day.labels[row.label] += int(row.n)
                for i in range(10):
                    day.tenths[i] += int(getattr(row, f"t{i}"))
        for row in connection.execute(told):
            day = _day(found, row)
            if day is not None:
                day.decided, day.agreed = int(row.n), int(row.agreed)
    return found


def plots_of(days: dict[date, Day], first: date, last: date) -> list[Plot]:
    """Return the four charts, in steps of a day or, for longer, of a week."""
    step = 1 if (last - first).days < 45 else 7
    starts = [first + timedelta(days=i) for i in range(0, (last - first).days + 1, step)]
    parts = [[days[d] for i in range(step) if (d := s + timedelta(days=i)) in days] for s in starts]
    names = [s.isoformat() for s in starts]
    of = {name: [float(sum(d.labels[name] for d in part)) for part in parts] for name in _LABELS}
    totals = [sum(of[name][i] for name in _LABELS) for i in range(len(parts))]
    share = [of["spam"][i] / n if n else None for i, n in enumerate(totals)]
    unsure = [of["unsure"][i] / n if n else None for i, n in enumerate(totals)]
    agreed = [_ratio(sum(d.agreed for d in p), sum(d.decided for d in p)) for p in parts]
    return [
        bars_of(
            [
                Line("Not spam", "ham", of["ham"]), Line("Unsure", "unsure", of["unsure"]),
                Line("Spam", "spam", of["spam"]),
            ],
            names, "Comments",
        ),
        plot_of(
            [Line("Spam", "spam", share), Line("Unsure", "unsure", unsure)],
            names, "Share called spam, and unsure",
        ),
        plot_of(
            [Line("Drift", "plain", [_drift(days, s) for s in starts])],
            names, "Drift: the week up to each day against the four weeks before", 0.25, False,
        ),
        plot_of(
            [Line("Agreed", "ham", agreed)],
            names, "Decisions that agree with the verdict (unsure left out)",
        ),
    ]  # fmt: skip


def _drift(days: dict[date, Day], at: date) -> float | None:
    """Return the population stability index; None where there is nothing to compare."""
    week = _tenths(days, at - timedelta(days=6), at)
    before = _tenths(days, at - timedelta(days=6 + _BEFORE), at - timedelta(days=7))
    return drift_of(week, before)


def _tenths(days: dict[date, Day], first: date, last: date) -> list[int]:
    own = [day.tenths for at, day in days.items() if first <= at <= last]
    return [sum(day[i] for day in own) for i in range(10)]


def _ratio(k: int, n: int) -> float | None:
    return k / n if n else None


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _day(found: dict[date, Day], row: sa.Row[Any]) -> Day | None:
    return found.get(datetime.strptime(row.day, "%Y-%m-%d").date())
