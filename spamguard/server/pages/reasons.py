"""A verdict's reasons as sentences for moderators."""

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
"""Families of features and their names on the pages."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One reason, or several single words of a kind.

    Its strength is ``"strong"``, ``"weak"`` or empty.
    """

    text: str
    for_spam: bool
    strength: str


def parse_reasons(stored: str | None) -> list[Reason]:
    """Return the reasons in a row; none if they are damaged."""
    try:
        return [
            Reason(str(feature), float(contribution), str(evidence))
            for feature, contribution, evidence in json.loads(stored or "[]")
        ]
    except (ValueError, TypeError):
        return []


def sentences_of(reasons: Iterable[Reason]) -> list[Sentence]:
    """Return sentences, the strongest first; single words of a kind share one."""
    words: dict[tuple[str, bool], list[Reason]] = {}
    found: list[tuple[float, Sentence]] = []
    for reason in reasons:
        for_spam = reason.contribution > 0
        if reason.feature in _WORDS:
            words.setdefault((reason.feature, for_spam), []).append(reason)
        elif reason.evidence:
            found.append(_sentence(_in_words(reason.evidence), reason.contribution))
        else:  # privacy mode keeps only the name
            found.append(_sentence(reason.feature.replace("_", " "), reason.contribution))
    for (feature, for_spam), own in words.items():
        listed = ", ".join(dict.fromkeys(reason.evidence for reason in own if reason.evidence))
        side = "spam" if for_spam else "real comments"
        text = f"{_WORDS[feature]} more common in {side}" + (f": {listed}" if listed else "")
        found.append(_sentence(text, sum(reason.contribution for reason in own)))
    found.sort(key=lambda pair: -abs(pair[0]))
    return [sentence for _, sentence in found]


def _in_words(evidence: str) -> str:
    text = _SCALE.sub("", evidence)
    absent = text.startswith("no sign of: ")
    text = text.removeprefix("no sign of: ")
    text = _GROUP.sub(lambda m: f"phrases about {_GROUPS.get(m[1], m[1])}", text)
    return f"not seen: {text}" if absent else text


def _sentence(text: str, contribution: float) -> tuple[float, Sentence]:
    size = abs(contribution)
    strength = "strong" if size >= _STRONG else "weak" if size < _WEAK else ""
    text = f"{text[:1].upper()}{text[1:]}."
    return contribution, Sentence(text, contribution > 0, strength)


def has_reason(reasons: Iterable[Reason], name: str) -> bool:
    """Return whether one of the reasons for spam is of the feature or family `name`."""
    return any(
        reason.contribution > 0
        and (reason.feature == name or reason.feature.partition("_")[0] == name)
        for reason in reasons
    )
