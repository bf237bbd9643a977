"""Comment and post to one row of numbers, and the evidence behind it."""

# ruff: noqa: E402

from __future__ import annotations

from spamguard.forms import choose

_SOURCES = choose()  # before any of the modules is imported

from spamguard.features.evidence import Evidence, Pieces
from spamguard.features.families import FAMILIES, FEATURES
from spamguard.features.language import count_languages, is_known, languages_known, name_of
from spamguard.features.lexer import COMPILED, words_of
from spamguard.features.ngrams import BLOCKS
from spamguard.features.reading import linked_domains
from spamguard.features.rows import Rows
from spamguard.features.schema import Feature
from spamguard.features.text import plain_text
from spamguard.features.vectorizer import Vectorizer, learn_background

__all__ = [
    "BLOCKS",
    "COMPILED",
    "FAMILIES",
    "FEATURES",
    "Evidence",
    "Feature",
    "Pieces",
    "Rows",
    "Vectorizer",
    "count_languages",
    "is_known",
    "languages_known",
    "learn_background",
    "linked_domains",
    "name_of",
    "plain_text",
    "words_of",
]
