"""The feature families in column order, and the schema of the named columns.

Each family is a module with a tuple ``FEATURES`` and a pure function ``values``,
which returns one number for each of them. Hashed n-grams are a family too, but
their columns are buckets without a schema.
"""

from __future__ import annotations

from collections.abc import Sequence

from spamguard.comment import Comment
from spamguard.features.families import author, links, promo, style, topic
from spamguard.features.reading import Reading
from spamguard.features.schema import Feature

FAMILIES: dict[str, tuple[Feature, ...]] = {
    "links": links.FEATURES,
    "promo": promo.FEATURES,
    "topic": topic.FEATURES,
    "author": author.FEATURES,
    "style": style.FEATURES,
}
"""Named columns of each family, in the order of `values_of`."""

FEATURES: tuple[Feature, ...] = tuple(f for features in FAMILIES.values() for f in features)
"""The named columns of all families, in order."""


def values_of(readings: Sequence[Reading], idf: topic.Idf) -> list[tuple[float, ...]]:
    """Return the raw values of `FEATURES` for each comment; NaN where one does not apply."""
    # Family by family, which makes better use of the processor's caches.
    families = (
        [links.values(r) for r in readings],
        [promo.values(r) for r in readings],
        [topic.values(r, idf) for r in readings],
        [author.values(r, idf) for r in readings],
        [style.values(r) for r in readings],
    )
    return [(*a, *b, *c, *d, *e) for a, b, c, d, e in zip(*families, strict=True)]


def strings_of(
    r: Reading, comment: Comment, values: Sequence[float], idf: topic.Idf
) -> dict[str, tuple[str, ...]]:
    """Return, for each of `FEATURES` that fired, the strings that made it fire."""
    found = {
        **links.strings(r),
        **promo.strings(r),
        **topic.strings(r, idf),
        **author.strings(r, comment),
    }
    fired = [f.name for f, value in zip(FEATURES, values, strict=True) if value > 0]
    found |= {name: style.STRINGS[name](r) for name in fired if name in style.STRINGS}
    return {name: tuple(dict.fromkeys(filter(None, found.get(name, ())))) for name in fired}
