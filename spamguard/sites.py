"""What one site has taught, beside the weights that all sites share.

    mine = SiteWeights()
    key = mine.learn(base, comment, "spam")   # at once, from one comment
    score(other, model=mine.applied_to(base))
    mine.unlearn(key)                         # as if it had never been said

A site's weights are few: those of the named features and of the n-grams in the
comments that its moderators corrected. Thousands of sites share one base model
in memory, and no site's labels are in another's weights.

A step is a passive-aggressive one (Crammer et al. 2006, PA-II): the smallest
change of the weights that puts the comment on its side of the threshold by a
margin. For more than some hundred labels, `spamguard.retraining` learns better.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.errors import InputError, ModelFormatError
from spamguard.features import FEATURES
from spamguard.model import HIGH, LOW, SpamModel
from spamguard.storage import write_bytes

__all__ = ["SiteWeights"]

MOST: Final = 5_000
"""Comments that are remembered; the oldest are forgotten first."""
_MARGIN: Final = 1.0  # log-odds beyond the threshold
_AGGRESSIVENESS: Final = 2.0
_DENSE_SCALE: Final = 0.15  # as in SpamClassifier: named features move less than n-grams
_MOST_BYTES: Final = 200_000_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Step:
    """What one comment has taught."""

    dense: F64
    buckets: NDArray[np.int64]
    values: NDArray[np.float32]
    intercept: float


class SiteWeights:
    """What one site's moderators have taught, comment by comment.

    It is a sum of steps in the order in which they were learned, so taking
    one out leaves exactly what the others make.
    """

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def __contains__(self, key: str) -> bool:
        return key in self._steps

    def learn(
        self,
        base: SpamModel,
        comment: Comment,
        label: Literal["ham", "spam"],
        key: str | None = None,
    ) -> str:
        """Learn that `comment` is `label`; what was learned of it before is replaced.

        Parameters
        ----------
        base : SpamModel
            The model that all sites share.
        comment : Comment
        label : {"ham", "spam"}
        key : str, optional
            What it is unlearned by; by default a number that is free.

        Returns
        -------
        str
            The key. Where the comment lies on its side already, nothing moves.

        Raises
        ------
        InputError
            If `label` is neither.
        """
        if label not in ("ham", "spam"):
            raise InputError('label must be "ham" or "spam".')
        key = self._free() if key is None else key
        self._steps.pop(key, None)
        model = self.applied_to(base)
        sign = 1.0 if label == "spam" else -1.0
        # Ham is to be called ham, and spam is to be called spam: not merely unsure.
        edge = model.cuts.spam if label == "spam" else model.cuts.unsure
        loss = max(0.0, _MARGIN - sign * (model.log_odds(comment) - edge))
        self._steps[key] = _step(model, comment, sign * loss)
        while len(self._steps) > MOST:
            del self._steps[next(iter(self._steps))]
        return key

    def unlearn(self, key: str) -> None:
        """Take back what was learned under `key`.

        Raises
        ------
        InputError
            If nothing was.
        """
        if self._steps.pop(key, None) is None:
            raise InputError(f"nothing was learned under {key!r}; it may have been undone already.")

    def _free(self) -> str:
        number = len(self._steps) + 1
        while str(number) in self._steps:
            number += 1
        return str(number)

    def applied_to(self, base: SpamModel) -> SpamModel:
        """Return `base` with what this site has taught; `base` itself stays as it is.

        It never discards: that promise was made for `base` alone.
        """
        if not self._steps:
            return base
        steps = list(self._steps.values())
        grams = base.ngram_weights.copy()
        for step in steps:
            if step.buckets.size and step.buckets[-1] >= len(grams):
                raise InputError("these site weights were learned beside a model of another size.")
            grams[step.buckets] += step.values
        return replace(
            base,
            dense_weights=base.dense_weights + np.sum([step.dense for step in steps], axis=0),
            intercept=base.intercept + sum(step.intercept for step in steps),
            ngram_weights=grams,
            cuts=replace(base.cuts, discard=None),
        )

    # --- on disk ----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to the file `path` in one step; it holds numbers and keys, no one's words."""
        steps = self._steps.values()
        arrays = {
            "dense": np.array([s.dense for s in steps], "<f8").reshape(-1, len(FEATURES)),
            "intercept": np.array([s.intercept for s in steps], "<f8"),
            "sizes": np.array([len(s.buckets) for s in steps], "<i8"),
            "buckets": np.concatenate([np.zeros(0), *(s.buckets for s in steps)]).astype("<i4"),
            "values": np.concatenate([np.zeros(0), *(s.values for s in steps)]).astype("<f4"),
        }
        facts = {
            "spamguard": "site",
            "features": [f.name for f in FEATURES],
            "keys": list(self._steps),
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("site.json", _EPOCH), json.dumps(facts))
            for name, array in arrays.items():
                member = io.BytesIO()
                np.lib.format.write_array(member, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue())
        write_bytes(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SiteWeights:
        """Read what `save` wrote.

        Raises
        ------
        ModelFormatError
            If the file is damaged, too large, or made for other features.
        """
        file = Path(path)
        if file.stat().st_size > _MOST_BYTES:
            raise ModelFormatError(f"{file.name} is larger than a site's weights can be.")
        try:
            facts, arrays = _read(file)
            whole = _is_whole(facts, arrays)
        except Exception as error:  # whatever zipfile, json and numpy make of forged bytes
            raise ModelFormatError(
                f"{file.name} is damaged: restore it, or learn again."
            ) from error
        if facts["features"] != [f.name for f in FEATURES]:
            raise ModelFormatError(f"{file.name} was made for other features: learn again.")
        if not whole or arrays["dense"].shape[1:] != (len(FEATURES),):
            raise ModelFormatError(f"{file.name} is damaged: restore it, or learn again.")
        edges = [0, *np.cumsum(arrays["sizes"]).tolist()]
        found = cls()
        for i, key in enumerate(facts["keys"]):
            part = slice(edges[i], edges[i + 1])
            found._steps[str(key)] = _Step(
                arrays["dense"][i],
                arrays["buckets"][part].astype(np.int64),
                arrays["values"][part],
                float(arrays["intercept"][i]),
            )
        return found


def _is_whole(facts: dict[str, list[str]], arrays: dict[str, NDArray[Any]]) -> bool:
    """Tell whether sizes fit each other and numbers are numbers."""
    sizes, keys = arrays["sizes"], facts["keys"]
    n = len(sizes)
    return (
        len(keys) == len(set(keys)) == n
        and arrays["dense"].shape[:1] == arrays["intercept"].shape == (n,)
        and bool((sizes >= 0).all())
        and int(sizes.sum()) == len(arrays["buckets"]) == len(arrays["values"])
        and bool((arrays["buckets"] >= 0).all())
        and all(np.isfinite(arrays[k]).all() for k in ("dense", "intercept", "values"))
    )


def _step(model: SpamModel, comment: Comment, wanted: float) -> _Step:
    """Return the smallest change of weights that moves `comment` by about `wanted` log-odds."""
    vectors = model.vectorizer.vectors([comment])
    clipped = np.clip(vectors.dense[0], LOW, HIGH) - model.dense_reference
    unit = _DENSE_SCALE / np.maximum(0.25 * (HIGH - LOW), 0.05)
    dense = np.nan_to_num(clipped) * unit**2
    # One bucket may stand in several blocks; the weight that they share moves once for each.
    buckets, place = np.unique(vectors.buckets, return_inverse=True)
    grams = np.bincount(place, vectors.values, len(buckets)) if len(buckets) else np.zeros(0)
    square = float(np.nan_to_num(clipped) @ dense + grams @ grams + 1.0)
    rate = wanted / (square + 0.5 / _AGGRESSIVENESS)
    return _Step(dense * rate, buckets, (grams * rate).astype(np.float32), rate)


def _read(file: Path) -> tuple[dict[str, list[str]], dict[str, NDArray[Any]]]:
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("compressed: its size cannot be told before it is read")
        facts = json.loads(archive.read("site.json"))
        if facts.get("spamguard") != "site":
            raise ValueError("not a site's weights")
        arrays = {
            name: np.lib.format.read_array(
                io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False
            )
            for name in ("dense", "intercept", "sizes", "buckets", "values")
        }
    return facts, arrays
