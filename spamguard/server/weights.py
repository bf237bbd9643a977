"""What each site's moderators have taught, in this worker's memory, never older than the database.

Every request brings the number of the site's latest lesson along with its row.
If the weights in memory are older, the lessons between are read first; so what one
worker was taught counts in all of them from the next request on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

import sqlalchemy as sa

from spamguard.errors import FeedbackError, ModelFormatError
from spamguard.feedback import Database
from spamguard.model import Cuts, SpamModel
from spamguard.server.models import Models
from spamguard.server.store import POOL, Site
from spamguard.server.store.server_tables import lessons, sites
from spamguard.training import SiteWeights

_MOST: Final = 64
"""Sites whose weights are kept; each takes as much memory as a model's n-grams, a megabyte."""


@dataclass(slots=True)
class _Taught:
    """A site's weights up to a sequence number, beside the base that they were sized for."""

    base: SpamModel
    sequence: int = 0
    weights: SiteWeights = field(default_factory=SiteWeights)


@dataclass(slots=True)
class _Kept:
    """One site in memory."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    own: _Taught | None = None
    pool: _Taught | None = None
    made_for: tuple[object, ...] = ()
    model: SpamModel | None = None


class Weights:
    """Gives the model that judges for a site: base, what is shared, what the site taught."""

    def __init__(self, database: Database, models: Models) -> None:
        self._database = database
        self._models = models
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._pool: int | None = None

    def model_for(self, site: Site) -> SpamModel:
        """Return the model that judges a comment of `site` now.

        Where the database cannot be read, the last one known.
        """
        kept = self._of(site.id)
        base = self._models.of(site.id)
        facts = (
            id(base),
            site.sequence,
            site.pool_sequence * site.takes,
            site.unsure_cut,
            site.spam_cut,
        )
        # Weak identity is safe: `kept.own` holds the base that the model was made from.
        with kept.lock:
            if kept.model is not None and kept.made_for == facts:
                return kept.model
            try:
                model = self._made(kept, site, base)
            except FeedbackError:
                if kept.model is None:
                    raise
                return kept.model
            kept.made_for, kept.model = facts, model
            return model

    def _of(self, site: int) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(site, _Kept())
            self._kept.move_to_end(site)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return kept

    def _made(self, kept: _Kept, site: Site, base: SpamModel) -> SpamModel:
        kept.own = self._read(kept.own, site.id, site.sequence, base)
        model = base
        if site.takes and site.pool_sequence:
            # What the site gave itself counts once, as its own.
            own = f"{site.id}:"
            kept.pool = self._read(kept.pool, self._pool_id(), site.pool_sequence, base, own)
            model = kept.pool.weights.applied_to(model)
        else:
            kept.pool = None
        model = kept.own.weights.applied_to(model)
        return replace(model, cuts=_cuts(model.cuts, site))

    def _pool_id(self) -> int:
        if self._pool is None:
            with self._database.reading() as connection:
                query = sa.select(sites.c.id).where(sites.c.name == POOL)
                self._pool = int(connection.execute(query).scalar_one())
        return self._pool

    def _read(
        self,
        taught: _Taught | None,
        site: int,
        until: int,
        base: SpamModel,
        without: str | None = None,
    ) -> _Taught:
        """Return `taught` up to date, `without` the lessons whose keys begin so."""
        if taught is None:
            taught = _Taught(base)
        elif taught.base is not base:
            taught = _Taught(base, taught.sequence, taught.weights.measured_by(base))
        if taught.sequence >= until:
            return taught
        query = (
            sa.select(lessons.c.key, lessons.c.data, lessons.c.sequence)
            .where(lessons.c.site == site, lessons.c.sequence > taught.sequence)
            .order_by(lessons.c.sequence)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        newest = max([until, *(row.sequence for row in rows)])
        if without is not None:
            rows = [row for row in rows if not row.key.startswith(without)]
        try:
            taught.weights.take(base, [(row.key, row.data) for row in rows])
        except ModelFormatError:
            # Of a former version: the rest must not be lost for it.
            for row in rows:
                _take_if_whole(taught.weights, base, row.key, row.data)
        taught.sequence = newest
        return taught


def _take_if_whole(weights: SiteWeights, base: SpamModel, key: str, data: bytes | None) -> None:
    try:
        weights.take(base, [(key, data)])
    except ModelFormatError:
        return


def _cuts(cuts: Cuts, site: Site) -> Cuts:
    """Return the thresholds with the site's own in their place; they must not fall."""
    if site.unsure_cut is None and site.spam_cut is None:
        return cuts
    spam = cuts.spam if site.spam_cut is None else site.spam_cut
    unsure = min(cuts.unsure if site.unsure_cut is None else site.unsure_cut, spam)
    return Cuts(unsure, spam, None if cuts.discard is None else max(cuts.discard, spam))
