"""Charts of a site: comments a day, the share of spam, drift, and agreement with the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from starlette.responses import Response

from spamguard.feedback import Database
from spamguard.server.pages.rendering import now
from spamguard.server.pages.requests import Visit
from spamguard.server.pages.svg import Line, Plot, bars_of, plot_of
from spamguard.server.store import tables
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
    name, span = visit.parameter("site"), visit.parameter("span", "30")
    span = span if span in _SPANS else "30"
    sites = [visit.site(name)] if name else visit.sites()
    visit.worker.recorder.flush()
    today = now().date()
    first = today - timedelta(days=int(span) - 1)
    database, numbers = visit.worker.journal.database, [site.id for site in sites]
    days = read_days(database, numbers, first - timedelta(days=_BEFORE), today)
    return visit.render(
        "charts.html",
        sites=[site.name for site in visit.sites()], site=name, span=span, spans=_SPANS,
        plots=plots_of(days, first, today),
        total=sum(sum(d.labels.values()) for day, d in days.items() if day >= first),
    )  # fmt: skip


def read_days(database: Database, sites: Sequence[int], first: date, last: date) -> dict[date, Day]:
    """Return the counts of each day, over some sites."""
    comments, since = tables.comments, first.isoformat()
    p = comments.c.spam_probability
    mine = [
        comments.c.site.in_(sites), comments.c.cause == "model", comments.c.label.is_not(None),
    ]  # fmt: skip
    came, decided = (
        sa.func.substr(comments.c[name], sa.literal_column("1"), sa.literal_column("10"))
        for name in ("at", "decided_at")
    )
    tenths = (
        _sum((p >= low) & (p < high)).label(f"t{i}")
        for i, (low, high) in enumerate(pairwise(_TENTHS))
    )
    judgements = (
        sa.select(came.label("day"), comments.c.label, sa.func.count().label("n"), *tenths)
        .where(*mine, comments.c.at >= since)
        .group_by(came, comments.c.label)
    )
    agreed = _sum(comments.c.label == comments.c.decision).label("agreed")
    decisions = (
        sa.select(decided.label("day"), sa.func.count().label("n"), agreed)
        .where(
            *mine, comments.c.decision.in_(("spam", "ham")), comments.c.label != "unsure",
            comments.c.decided_at >= since, comments.c.at <= comments.c.decided_at,
        )
        .group_by(decided)
    )  # fmt: skip
    days = {first + timedelta(days=i): Day() for i in range((last - first).days + 1)}
    with database.reading() as connection:
        for row in connection.execute(judgements):
            day = _day(days, row)
            if day is not None and row.label in _LABELS:
                day.labels[row.label] += int(row.n)
                for i in range(10):
                    day.tenths[i] += int(getattr(row, f"t{i}"))
        for row in connection.execute(decisions):
            day = _day(days, row)
            if day is not None:
                day.decided, day.agreed = int(row.n), int(row.agreed)
    return days


def plots_of(days: dict[date, Day], first: date, last: date) -> list[Plot]:
    """Return the four charts, in steps of a day, or of a week for long spans."""
    step = 1 if (last - first).days < 45 else 7
    starts = [first + timedelta(days=i) for i in range(0, (last - first).days + 1, step)]
    parts = [[days[d] for i in range(step) if (d := s + timedelta(days=i)) in days] for s in starts]
    names = [s.isoformat() for s in starts]
    counts = {
        label: [float(sum(d.labels[label] for d in part)) for part in parts] for label in _LABELS
    }
    totals = [sum(counts[label][i] for label in _LABELS) for i in range(len(parts))]
    spam, unsure = (
        [_ratio(n, total) for n, total in zip(counts[label], totals, strict=True)]
        for label in ("spam", "unsure")
    )
    agreed = [_ratio(sum(d.agreed for d in p), sum(d.decided for d in p)) for p in parts]
    return [
        bars_of(
            [
                Line("Not spam", "ham", counts["ham"]), Line("Unsure", "unsure", counts["unsure"]),
                Line("Spam", "spam", counts["spam"]),
            ],
            names, "Comments",
        ),
        plot_of(
            [Line("Spam", "spam", spam), Line("Unsure", "unsure", unsure)],
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
    """Return the population stability index; None for too few comments."""
    week = _tenths(days, at - timedelta(days=6), at)
    before = _tenths(days, at - timedelta(days=6 + _BEFORE), at - timedelta(days=7))
    return drift_of(week, before)


def _tenths(days: dict[date, Day], first: date, last: date) -> list[int]:
    own = [day.tenths for at, day in days.items() if first <= at <= last]
    return [sum(day[i] for day in own) for i in range(10)]


def _ratio(k: float, n: float) -> float | None:
    return k / n if n else None


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _day(days: dict[date, Day], row: sa.Row[Any]) -> Day | None:
    return days.get(datetime.strptime(row.day, "%Y-%m-%d").date())
