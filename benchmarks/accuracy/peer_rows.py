"""The comments for training and testing the peers, as one plain text each."""

from __future__ import annotations

import hashlib
import html
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.protocols.held_out import select
from spamguard.features import Rows
from spamguard.training.recipe import Material, Recipe, row_weights

Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|![^<>]*)>")
_TARGET = re.compile(r"\b(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(
    [0xFEFF, 0xAD, 0x2060, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F)]
)


def cleaned(text: str) -> str:
    """Return `text` without markup and importers' marks; link targets stay as words."""
    # Remove tags first: an escaped tag is text.
    text = _TAG.sub(lambda tag: " " + " ".join(_TARGET.findall(tag.group())) + " ", text)
    text = unicodedata.normalize("NFKC", html.unescape(text)).translate(_INVISIBLE)
    return " ".join(text.split())


def with_fields(text: str, author: str | None, author_url: str | None) -> str:
    """Return the cleaned comment followed by its author's name and address, as further words."""
    return " ".join(cleaned(part) for part in (text, author, author_url) if part)


@dataclass(frozen=True)
class Corpus:
    """Every row used by any protocol, with its metadata."""

    frame: pd.DataFrame
    texts: list[str]
    spam: Bools
    source: NDArray[np.str_]
    blog: NDArray[np.str_]
    post: NDArray[np.str_]
    learned_from: Bools  # within the recipe's caps
    recipe: Recipe

    def facts(self, rows: Index) -> Material:
        """Return the metadata for the project's rules on weights and thresholds, without features."""
        nothing: Any = np.empty(0)
        return Material(
            Rows(nothing, nothing, nothing, nothing, nothing, 0, nothing),
            self.spam[rows], self.source[rows], self.blog[rows], self.post[rows],
            rows, np.zeros(len(rows), bool),
        )  # fmt: skip

    def weights(self, rows: Index) -> NDArray[np.float64]:
        """Return the training weight of each of `rows` by the project's rule."""
        return row_weights(self.facts(rows), self.recipe.settings)


def read(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    blogs: Sequence[str],
    fields: bool = True,
) -> Corpus:
    """Return the rows of the protocols on `blogs`, with or without the author fields as words."""
    frame, learned_from = select(directory, recipe, blogs)
    columns = zip(frame["text"], frame["author"], frame["author_url"], strict=True)
    texts = [with_fields(t, a, u) if fields else cleaned(t) for t, a, u in columns]
    return Corpus(
        frame,
        texts,
        (frame["label"] == "spam").to_numpy(bool),
        frame["dataset"].to_numpy(str),
        frame["blog"].to_numpy(str),
        frame["post_group"].to_numpy(str),
        learned_from,
        recipe,
    )


def fingerprint(corpus: Corpus, blogs: Sequence[str]) -> str:
    """Return a hash of the training and test comments and their labels."""
    digest = hashlib.sha256("\0".join(blogs).encode())
    facts = zip(
        *(corpus.frame[name].astype(str) for name in ("dataset", "blog", "comment_id", "label")),
        *(corpus.frame[name].fillna("").astype(str) for name in ("split", "date")),
        corpus.learned_from.tolist(),
        strict=True,
    )
    for row in facts:
        digest.update("\0".join(map(str, row)).encode("utf-8", "replace") + b"\n")
    return digest.hexdigest()
