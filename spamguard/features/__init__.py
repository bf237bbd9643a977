"""The feature families, in their order, and the schema of the named columns.

Each family is a module with a tuple ``FEATURES`` and a pure function
``values`` that gives one number for each of them. The hashed n-grams are a
family too; their columns are buckets and have no schema.
"""

from __future__ import annotations

from spamguard.features import author, links, promo, style, topic
from spamguard.features.reading import Reading
from spamguard.features.schema import Feature

FAMILIES: dict[str, tuple[Feature, ...]] = {
    "links": links.FEATURES,
    "promo": promo.FEATURES,
    "topic": topic.FEATURES,
    "author": author.FEATURES,
    "style": style.FEATURES,
}
"""Named columns of each family, in the order in which `values_of` gives them."""

FEATURES: tuple[Feature, ...] = tuple(f for features in FAMILIES.values() for f in features)


def values_of(r: Reading, idf: topic.Idf) -> tuple[float, ...]:
    """Return the raw value of each of `FEATURES` for one comment; NaN where it does not apply."""
    hits = promo.hits_of(r)
    return (
        *links.values(r),
        *promo.values(r, hits),
        *topic.values(r, idf),
        *author.values(r, promo.praise_in(hits), idf),
        *style.values(r),
    )
