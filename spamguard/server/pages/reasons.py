"""Reasons in sentences that a moderator reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from spamguard.verdict import Reason

_SCALE: Final = re.compile(r" \((?:log scale|cosine)[^)]{0,40}\)")
_GROUP: Final = re.compile(r"^phrases of the group (\w{1,30})")
_GROUPS: Final = {
    "pharma": "medicines", "seo": "search engine promotion", "essay": "essays for hire",
    "spells": "spells and healers", "testimonial": "testimonials", "adult": "adult offers",
    "training": "courses", "apps": "pirated or promoted apps", "subscribe": "asking for subscribers",
    "action": "calls to act", "template": "ready-made templates", "thanks": "thanks",
}  # fmt: skip
_WORDS: Final = {
    "ngrams_text": "words", "ngrams_author": "words of the name", "ngrams_hosts": "link targets",
    "ngrams_anchors": "words of links",
}  # fmt: skip
_STRONG: Final = 1.0
_WEAK: Final = 0.3

FAMILIES: Final = {
    "links": "Links", "contacts": "Contacts", "promo": "Promotional phrases",
    "topic": "Fit with the post", "author": "Author", "style": "Style", "ngrams": "Single words",
}  # fmt: skip
"""Families of features, as moderators call them."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One reason, or several of a kind.

    Parameters
    ----------
    text : str
    for_spam : bool
    strength : {"strong", "", "weak"}
    feature : str
        What it can be filtered by.
    """

    text: str
    for_spam: bool
    strength: str
    feature: str


def read_reasons(stored: str | None) -> list[Reason]:
    """Return the reasons of a row; what is damaged is none."""
    try:
        return [
            Reason(str(feature), float(contribution), str(evidence))
            for feature, contribution, evidence in json.loads(stored or "[]")
        ]
    except (ValueError, TypeError):
        return []


def sentences_of(reasons: Iterable[Reason]) -> list[Sentence]:
    """Return reasons in words, the strongest first; single words of a kind share a sentence."""
    words: dict[tuple[str, bool], list[Reason]] = {}
    found: list[tuple[float, Sentence]] = []
    for reason in reasons:
        for_spam = reason.contribution > 0
        if reason.feature in _WORDS:
            words.setdefault((reason.feature, for_spam), []).append(reason)
        elif reason.evidence:
            found.append(_sentence(_named(reason), reason.contribution, reason.feature))
        else:  # in privacy mode nothing is kept but the name
            name = reason.feature.replace("_", " ")
            found.append(_sentence(name, reason.contribution, reason.feature))
    for (feature, for_spam), own in words.items():
        listed = ", ".join(dict.fromkeys(reason.evidence for reason in own if reason.evidence))
        side = "spam" if for_spam else "real comments"
        said = f"{_WORDS[feature]} more common in {side}" + (f": {listed}" if listed else "")
        found.append(_sentence(said, sum(reason.contribution for reason in own), feature))
    found.sort(key=lambda pair: -abs(pair[0]))
    return [sentence for _, sentence in found]


def _named(reason: Reason) -> str:
    said = _SCALE.sub("", reason.evidence)
    absent = said.startswith("no sign of: ")
    said = said.removeprefix("no sign of: ")
    said = _GROUP.sub(lambda m: f"phrases about {_GROUPS.get(m[1], m[1])}", said)
    return f"not seen: {said}" if absent else said


def _sentence(text: str, contribution: float, feature: str) -> tuple[float, Sentence]:
    size = abs(contribution)
    strength = "strong" if size >= _STRONG else "weak" if size < _WEAK else ""
    text = f"{text[:1].upper()}{text[1:]}."
    return contribution, Sentence(text, contribution > 0, strength, feature)


def speaks(reasons: Iterable[Reason], wanted: str) -> bool:
    """Tell whether one of the reasons for spam is of the feature or family `wanted`."""
    return any(
        reason.contribution > 0
        and (reason.feature == wanted or reason.feature.partition("_")[0] == wanted)
        for reason in reasons
    )
