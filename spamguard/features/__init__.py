"""Comment and post in, one row of numbers out, and the evidence behind it."""

from __future__ import annotations

from spamguard.features.families import FAMILIES, FEATURES
from spamguard.features.hosts import host_of, registered_domain
from spamguard.features.language import is_known, languages_known, name_of
from spamguard.features.ngrams import BLOCKS, CELLS
from spamguard.features.patterns import compile_all
from spamguard.features.reading import Reading, own_pieces
from spamguard.features.rows import Rows, count_languages, vectorize
from spamguard.features.schema import Feature
from spamguard.features.text import read_body, words_of
from spamguard.features.vectorizer import (
    BACKGROUND_SIZE,
    F32,
    LEAST_GRAMS,
    NAMES,
    Vectorizer,
    Vectors,
    batches,
    dense_columns,
    learn_background,
)

__all__ = [
    "BACKGROUND_SIZE",
    "BLOCKS",
    "CELLS",
    "F32",
    "FAMILIES",
    "FEATURES",
    "LEAST_GRAMS",
    "NAMES",
    "Feature",
    "Reading",
    "Rows",
    "Vectorizer",
    "Vectors",
    "batches",
    "compile_all",
    "count_languages",
    "dense_columns",
    "host_of",
    "is_known",
    "languages_known",
    "learn_background",
    "name_of",
    "own_pieces",
    "read_body",
    "registered_domain",
    "vectorize",
    "words_of",
]
