"""A site's own weights: learned from corrections, and added to a shared model.

    mine = SiteWeights()
    key = mine.learn(base, comment, "spam")   # at once, from one comment
    score(other, model=mine.applied_to(base))
    mine.unlearn(key)                         # as if it had never been learned

A site changes only the weights of features and n-grams in its corrected comments, so
thousands of sites can share a base model in memory without sharing labels.

Each correction is a passive-aggressive step (Crammer et al. 2006, PA-II): the smallest
change of weights that moves the comment past its threshold by a margin. For more than a
few hundred labels `spamguard.training.retrain` is better.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.errors import InputError, ModelFormatError, ModelNotFoundError
from spamguard.features import FEATURES
from spamguard.files import write_bytes
from spamguard.model import HIGH, LOW, SpamModel

MOST: Final = 5_000
"""Maximum corrections per site; the oldest are dropped."""
_MARGIN: Final = 1.0  # log-odds beyond the threshold
_AGGRESSIVENESS: Final = 2.0
_DENSE_SCALE: Final = 0.15
_MOST_BUCKETS: Final = 1 << 24
_MOST_BYTES: Final = 200_000_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Step:
    """One comment in numbers, and the threshold that it must pass."""

    dense: F64  # distance of each named feature from its reference
    buckets: NDArray[np.int64]  # distinct
    values: NDArray[np.float32]
    start: float  # log-odds by the base model alone
    edge: float  # log-odds of the threshold
    sign: float  # +1 for spam, -1 for ham


class SiteWeights:
    """The corrections of one site as weights, one step per comment.

    Each step depends on those before it. When one is removed, later ones are computed
    again, as if it had never been made.
    """

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._sum = _Sum()

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
        """Learn the label of a comment, in place of an earlier one with the same key.

        `key` is a name for `unlearn`, by default an unused number; it is returned. A comment
        past its threshold changes no weight. Raises InputError if `label` is neither "ham" nor
        "spam".
        """
        if label not in ("ham", "spam"):
            raise InputError('label must be "ham" or "spam".')
        key = self._free() if key is None else key
        again = self._steps.pop(key, None) is not None
        self._steps[key] = step = _step_of(base, comment, label)
        over = len(self._steps) > MOST
        if over:
            del self._steps[next(iter(self._steps))]
        if again or over:
            self._learn_all()
        else:
            self._sum.add(step)
        return key

    def unlearn(self, key: str) -> None:
        """Undo the correction with this key; raise InputError if there is none."""
        if self._steps.pop(key, None) is None:
            raise InputError(f"nothing was learned under {key!r}; it may have been undone already.")
        self._learn_all()

    def take(self, base: SpamModel, steps: Iterable[tuple[str, bytes | None]]) -> None:
        """Apply steps from `pack_step`, in order; None instead of bytes undoes a key.

        Raises ModelFormatError, without applying any, if a step is damaged or was made for
        other features.
        """
        found = [(key, None if data is None else _unpacked(base, data)) for key, data in steps]
        again = False
        for key, step in found:
            again |= self._steps.pop(key, None) is not None
            if step is not None:
                self._steps[key] = _measured(base, step)
        while len(self._steps) > MOST:
            del self._steps[next(iter(self._steps))]
            again = True
        if again:
            self._learn_all()
        else:
            for key, _ in found:
                if key in self._steps:
                    self._sum.add(self._steps[key])

    def _learn_all(self) -> None:
        self._sum = _Sum()
        for step in self._steps.values():
            self._sum.add(step)

    def _free(self) -> str:
        number = len(self._steps) + 1
        while str(number) in self._steps:
            number += 1
        return str(number)

    def applied_to(self, base: SpamModel) -> SpamModel:
        """Return a copy of `base` with this site's weights, or `base` itself without corrections.

        The copy never discards, as the discard threshold was measured for `base` alone. Raises
        InputError if the corrections were learned with a model of another size.
        """
        if not self._steps:
            return base
        own = self._sum
        if len(own.grams) > len(base.ngram_weights):
            raise InputError(
                "these site weights were learned with a model of another size: learn them again."
            )
        grams = base.ngram_weights.copy()
        grams[: len(own.grams)] += own.grams.astype(np.float32)
        return replace(
            base,
            dense_weights=base.dense_weights + own.dense,
            intercept=base.intercept + own.intercept,
            ngram_weights=grams,
            cuts=replace(base.cuts, discard=None),
        )

    # --- on disk ----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all corrections to a file, as numbers and keys without text.

        An existing file is replaced in one step.
        """
        steps = self._steps.values()
        arrays = {
            "dense": np.array([x.dense for x in steps], "<f8").reshape(-1, len(FEATURES)),
            "facts": np.array([(x.start, x.edge, x.sign) for x in steps], "<f8").reshape(-1, 3),
            "sizes": np.array([len(x.buckets) for x in steps], "<i8"),
            "buckets": np.concatenate([np.zeros(0), *(x.buckets for x in steps)]).astype("<i4"),
            "values": np.concatenate([np.zeros(0), *(x.values for x in steps)]).astype("<f4"),
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
        """Read a file written by `save`.

        Raises ModelNotFoundError if there is none, and ModelFormatError if it is damaged, too
        large, or was made for other features.
        """
        file = Path(path)
        if not file.is_file():
            raise ModelNotFoundError(f"{file.name} does not exist; check the path.")
        if file.stat().st_size > _MOST_BYTES:
            raise ModelFormatError(
                f"{file.name} is too large for a site's weights: check the path."
            )
        try:
            facts, arrays = _read_file(file)
            whole = _is_whole(facts, arrays)
        except Exception as error:  # zipfile, json and numpy may raise anything on forged bytes
            raise ModelFormatError(
                f"{file.name} is damaged: restore a copy, or learn again."
            ) from error
        if facts["features"] != [f.name for f in FEATURES]:
            raise ModelFormatError(f"{file.name} was made for other features: learn again.")
        if not whole or arrays["dense"].shape[1:] != (len(FEATURES),):
            raise ModelFormatError(f"{file.name} is damaged: restore a copy, or learn again.")
        edges = [0, *np.cumsum(arrays["sizes"]).tolist()]
        found = cls()
        for i, key in enumerate(facts["keys"]):
            part = slice(edges[i], edges[i + 1])
            found._steps[str(key)] = _Step(
                arrays["dense"][i],
                arrays["buckets"][part].astype(np.int64),
                arrays["values"][part],
                *arrays["facts"][i].tolist(),
            )
        found._learn_all()
        return found


def _is_whole(facts: dict[str, list[str]], arrays: dict[str, NDArray[Any]]) -> bool:
    """Return whether all sizes agree and all numbers are finite."""
    sizes, keys = arrays["sizes"], facts["keys"]
    n = len(sizes)
    return (
        len(keys) == len(set(keys)) == n
        and len(arrays["dense"]) == n
        and arrays["facts"].shape == (n, 3)
        and bool((sizes >= 0).all())
        and int(sizes.sum()) == len(arrays["buckets"]) == len(arrays["values"])
        and bool(((arrays["buckets"] >= 0) & (arrays["buckets"] < _MOST_BUCKETS)).all())
        and all(np.isfinite(arrays[k]).all() for k in ("dense", "facts", "values"))
    )


def _step_of(base: SpamModel, comment: Comment, label: str) -> _Step:
    rows = base.vectorizer.rows([comment])
    dense = np.nan_to_num(np.clip(rows.dense[0], LOW, HIGH) - base.dense_reference)
    # Blocks may share a bucket; its weight moves once per block.
    buckets, place = np.unique(rows.buckets, return_inverse=True)
    values = np.bincount(place, rows.values, len(buckets)) if len(buckets) else np.zeros(0)
    # A correction must reach its label, not only unsure.
    edge = base.cuts.spam if label == "spam" else base.cuts.unsure
    return _Step(
        dense, buckets, values.astype(np.float32), base.log_odds(comment), edge,
        1.0 if label == "spam" else -1.0,
    )  # fmt: skip


def _measured(base: SpamModel, step: _Step) -> _Step:
    """Return `step` with the log-odds and the threshold of `base`."""
    inside = step.buckets < len(base.ngram_weights)
    grams = base.ngram_weights[step.buckets[inside]] @ step.values[inside]
    start = base.intercept + float(base.dense_weights @ step.dense) + float(grams)
    edge = base.cuts.spam if step.sign > 0 else base.cuts.unsure
    return replace(step, start=start, edge=edge)


_PACKED: Final = struct.Struct("<8sIddd")
_NAMES: Final = " ".join(f.name for f in FEATURES)
_HASH_WITHOUT_SIZE: Final = hashlib.sha256(_NAMES.encode()).digest()[
    :8
]  # as earlier servers wrote it


def _hash_of(size: int) -> bytes:
    return hashlib.sha256(f"{_NAMES} {size}".encode()).digest()[:8]


def pack_step(base: SpamModel, comment: Comment, label: Literal["ham", "spam"]) -> bytes:
    """Return one correction as bytes for `SiteWeights.take`: numbers and hashes, no text."""
    step = _step_of(base, comment, label)
    header = _PACKED.pack(
        _hash_of(len(base.ngram_weights)), len(step.buckets), step.start, step.edge, step.sign
    )
    arrays = (
        step.dense.astype("<f8"),
        step.buckets.astype("<i4"),
        step.values.astype("<f4"),
    )
    return header + b"".join(array.tobytes() for array in arrays)


def _unpacked(base: SpamModel, data: bytes) -> _Step:
    damaged = ModelFormatError("a stored correction is damaged: correct the comment again.")
    if len(data) < _PACKED.size:
        raise damaged
    features, n, start, edge, sign = _PACKED.unpack_from(data)
    if features not in (_hash_of(len(base.ngram_weights)), _HASH_WITHOUT_SIZE):
        raise ModelFormatError(
            "a stored correction was made for another kind of model: correct the comment again."
        )
    if len(data) != _PACKED.size + 8 * len(FEATURES) + 8 * n:
        raise damaged
    dense = np.frombuffer(data, "<f8", len(FEATURES), _PACKED.size).astype(np.float64)
    at = _PACKED.size + dense.nbytes
    buckets = np.frombuffer(data, "<i4", n, at).astype(np.int64)
    values = np.frombuffer(data, "<f4", n, at + 4 * n).astype(np.float32)
    step = _Step(dense, buckets, values, start, edge, sign)
    ordered = n == 0 or (buckets[0] >= 0 and buckets[-1] < len(base.ngram_weights))
    if not (ordered and (np.diff(buckets) > 0).all()) or sign not in (-1.0, 1.0):
        raise damaged
    if not all(np.isfinite(x).all() for x in (dense, values, [start, edge])):
        raise damaged
    return step


# Named features change less than n-grams, as in SpamClassifier.
_UNITS: Final = (_DENSE_SCALE / np.maximum(0.25 * (HIGH - LOW), 0.05)) ** 2


class _Sum:
    """The sum of all steps."""

    def __init__(self) -> None:
        self.dense = np.zeros(len(FEATURES))
        self.grams = np.zeros(0)
        self.intercept = 0.0

    def add(self, step: _Step) -> None:
        """Add the smallest change that moves the comment past its threshold by the margin."""
        most = int(step.buckets[-1]) + 1 if len(step.buckets) else 0
        if most > len(self.grams):
            self.grams = np.concatenate((self.grams, np.zeros(most - len(self.grams))))
        direction = step.dense * _UNITS
        moved = self.dense @ step.dense + self.grams[step.buckets] @ step.values
        log_odds = step.start + self.intercept + float(moved)
        loss = max(0.0, _MARGIN - step.sign * (log_odds - step.edge))
        square = float(step.dense @ direction + step.values @ step.values + 1.0)
        rate = step.sign * loss / (square + 0.5 / _AGGRESSIVENESS)
        self.dense += rate * direction
        self.grams[step.buckets] += rate * step.values
        self.intercept += rate


def _read_file(file: Path) -> tuple[dict[str, list[str]], dict[str, NDArray[Any]]]:
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("compressed: its size is unknown until it is read")
        facts = json.loads(archive.read("site.json"))
        if facts.get("spamguard") != "site":
            raise ValueError("not a site's weights")
        arrays = {
            name: np.lib.format.read_array(
                io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False
            )
            for name in ("dense", "facts", "sizes", "buckets", "values")
        }
    return facts, arrays
