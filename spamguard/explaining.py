"""Contributions -> reasons in plain words.

Named features give a reason each, with what was seen. The n-grams of the
comment's text are gathered by the word they stand in, so that a person reads
words and not hash buckets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.features import FEATURES, LEAST_GRAMS, Reading, ngrams, promo
from spamguard.verdict import Reason

if TYPE_CHECKING:
    from spamguard.comment import Comment
    from spamguard.model import SpamModel

MOST_WORDS: Final = 40
"""Reasons given for single words; the rest is one reason, ``ngrams_rest``."""
_ROUNDING: Final = 5e-7
_MEANING = {f.name: f.meaning for f in FEATURES}
_NAMES = tuple(_MEANING)
_REST = "ngrams_rest"
_JOINERS = "\u200c\u200d"  # parts of Arabic and Indic words

F64 = NDArray[np.float64]

_PLACES = dict(
    zip(ngrams.BLOCKS, ("text", "text", "text", "author", "hosts", "anchors"), strict=True)
)


def reasons_for(
    model: SpamModel, comment: Comment, log_odds: float, most: int | None = None
) -> tuple[Reason, ...]:
    """Return the reasons for the log-odds that `model` gives `comment`, strongest first.

    The contributions of all of them and the model's intercept sum to `log_odds`.
    With `most` only the strongest are put into words.
    """
    reading, dense = model.vectorizer.read(comment)
    # A part, its feature, and what its evidence is made of, which takes a moment for each.
    found: list[tuple[float, str, float | str]] = []
    values, parts = dense.tolist(), model.dense_contributions(dense).tolist()
    found += [each for each in zip(parts, _NAMES, values, strict=True) if each[0]]
    words = [(part, name, word) for (name, word), part in _words(model, reading).items() if part]
    words.sort(key=_strength)
    found += words[:MOST_WORDS]
    rest = log_odds - model.intercept - sum(part for part, _, _ in found)
    left = len(words) - MOST_WORDS
    if left > 0 or abs(rest) > _ROUNDING:
        said = f"{left} further words and parts of words" if left > 0 else "rounding"
        found.append((rest, _REST, said))
    found.sort(key=_strength)
    return tuple(
        Reason(name, part, _told(name, seen, reading)) for part, name, seen in found[:most]
    )


def _strength(found: tuple[float, str, float | str]) -> float:
    return -abs(found[0])


def _told(name: str, seen: float | str, reading: Reading) -> str:
    if isinstance(seen, float):
        return _evidence(name, seen, reading)
    return seen if name == _REST else f"“{_shown(seen)}”"


def _shown(text: str) -> str:
    """Return `text` as it may be printed: no half character, no sign that moves a cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else "\ufffd" for c in text)


def _evidence(name: str, value: float, reading: Reading) -> str:
    family, _, noun = name.partition("_")
    seen: list[str] = []
    if family == "promo" and noun in promo.PHRASES.names:
        number = promo.PHRASES.names.index(noun)
        seen = [phrase for n, phrase in promo.hits_of(reading) if n == number]
    elif family == "links" and noun != "author_only" and value:
        seen = list(dict.fromkeys(reading.link_domains))
    elif name.startswith("author_url") or noun == "author_only":
        seen = [reading.author_domain] if reading.author_domain and value else []
    elif family == "author" and value:
        seen = [reading.author] if reading.author else []
    if seen:
        listed = ", ".join(f"“{_shown(word[:60])}”" for word in dict.fromkeys(seen[:20]))
        return f"{_MEANING[name]}: {listed}"
    return _MEANING[name] if value else f"no sign of: {_MEANING[name]}"


def _words(model: SpamModel, reading: Reading) -> dict[tuple[str, str], float]:
    """Return what each word and each pair of words adds, by the place where it stands."""
    standing = model.vectorizer.standing(reading)
    merged: defaultdict[tuple[str, str], float] = defaultdict(float)
    for block, one, parts in zip(
        ngrams.BLOCKS, standing, sums_by_piece(model, standing), strict=True
    ):
        name = f"ngrams_{_PLACES[block]}"
        found = np.flatnonzero(parts)
        for i, part in zip(found.tolist(), parts[found].tolist(), strict=True):
            merged[name, one.piece(i)[:60]] += part
    return merged


def sums_by_piece(model: SpamModel, standing: Sequence[ngrams.Standing]) -> list[F64]:
    """Return, for each block, what its n-grams add at each piece of its text.

    What a bucket adds is shared by the n-grams of that block that are in it.
    """
    keys = np.concatenate([one.keys for one in standing])
    bits = model.vectorizer.bits
    sizes = [len(one.keys) for one in standing]
    distinct, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    least = np.maximum(np.array(sizes, np.float32), np.float32(LEAST_GRAMS))
    values = np.sqrt(counts.astype(np.float32) / least[distinct >> bits])
    parts = model.ngram_weights[distinct & ((1 << bits) - 1)].astype(float) * values / counts
    ends = np.cumsum(sizes)[:-1]
    sums = []
    for one, share in zip(standing, np.split(parts[inverse], ends), strict=True):
        found: F64 = np.bincount(one.places, share, len(one.pieces)).astype(float)
        sums.append(found)
    return sums
