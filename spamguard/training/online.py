"""What one site has taught, beside the weights that all sites share.

    mine = SiteWeights()
    key = mine.learn(base, comment, "spam")   # at once, from one comment
    score(other, model=mine.applied_to(base))
    mine.unlearn(key)                         # what the others alone would have taught

A site's weights are few: those of the named features and of the n-grams in the
comments that its moderators corrected. Thousands of sites share one base model
in memory, and no site's labels are in another's weights.

A step is a passive-aggressive one (Crammer et al. 2006, PA-II): the smallest
change of the weights that puts the comment on its side of the threshold by a
margin. For more than some hundred labels, `spamguard.training.retraining` learns better.
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

__all__ = ["SiteWeights"]

MOST: Final = 5_000
"""Comments that are remembered; the oldest are forgotten first."""
_MARGIN: Final = 1.0  # log-odds beyond the threshold
_AGGRESSIVENESS: Final = 2.0
_DENSE_SCALE: Final = 0.15
_MOST_BUCKETS: Final = 1 << 24
_MOST_BYTES: Final = 200_000_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """One comment in numbers, and on which side of which threshold it belongs."""

    dense: F64  # how far each named feature is from what contributes nothing
    buckets: NDArray[np.int64]  # distinct
    values: NDArray[np.float32]
    start: float  # log-odds by the base alone
    edge: float  # log-odds to get beyond
    sign: float  # +1 for spam, -1 for ham


class SiteWeights:
    """What one site's moderators have taught, comment by comment.

    Each step is sized with the ones before it in place. Taking one out sizes
    the later ones again, so what is left is what the others alone would have
    taught.
    """

    def __init__(self) -> None:
        self._lessons: dict[str, _Lesson] = {}
        self._sum = _Sum()

    def __len__(self) -> int:
        return len(self._lessons)

    def __contains__(self, key: str) -> bool:
        return key in self._lessons

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
        again = self._lessons.pop(key, None) is not None
        self._lessons[key] = lesson = _lesson(base, comment, label)
        over = len(self._lessons) > MOST
        if over:
            del self._lessons[next(iter(self._lessons))]
        if again or over:
            self._learn_all()
        else:
            self._sum.add(lesson)
        return key

    def unlearn(self, key: str) -> None:
        """Take back what was learned under `key`.

        Parameters
        ----------
        key : str
            As `learn` returned it.

        Raises
        ------
        InputError
            If nothing was.
        """
        if self._lessons.pop(key, None) is None:
            raise InputError(f"nothing was learned under {key!r}; it may have been undone already.")
        self._learn_all()

    def packed(self, key: str) -> bytes:
        """Return what was learned under `key` as bytes for `take`: numbers, no one's words.

        Parameters
        ----------
        key : str
            As `learn` returned it.

        Returns
        -------
        bytes
        """
        lesson = self._lessons[key]
        return b"".join(
            (
                _PACKED.pack(
                    _FEATURES_HASH, len(lesson.buckets), lesson.start, lesson.edge, lesson.sign
                ),
                lesson.dense.astype("<f8").tobytes(),
                lesson.buckets.astype("<i4").tobytes(),
                lesson.values.astype("<f4").tobytes(),
            )
        )

    def take(self, base: SpamModel, lessons: Iterable[tuple[str, bytes | None]]) -> None:
        """Learn what another `SiteWeights` has packed, in this order; None takes a key back.

        Parameters
        ----------
        base : SpamModel
            The model that all sites share.
        lessons : iterable of (str, bytes or None)
            Keys, and what `packed` gave for each.

        Raises
        ------
        ModelFormatError
            If one of them is damaged or was made for other features. Nothing
            is taken then.
        """
        found = [(key, None if data is None else _unpacked(data)) for key, data in lessons]
        again = False
        for key, lesson in found:
            again |= self._lessons.pop(key, None) is not None
            if lesson is not None:
                self._lessons[key] = _measured(base, lesson)
        while len(self._lessons) > MOST:
            del self._lessons[next(iter(self._lessons))]
            again = True
        if again:
            self._learn_all()
        else:
            for key, _ in found:
                if key in self._lessons:
                    self._sum.add(self._lessons[key])

    def measured_by(self, base: SpamModel) -> SiteWeights:
        """Return the same lessons beside another base model.

        How far a comment lies from its side is measured again, from the
        numbers that are kept of it. Where `base` centres its features
        elsewhere, that is an approximation.

        Parameters
        ----------
        base : SpamModel
            Of the same size as the former one.

        Returns
        -------
        SiteWeights
            A new one; this one stays as it is.
        """
        found = SiteWeights()
        found._lessons = {key: _measured(base, x) for key, x in self._lessons.items()}
        found._learn_all()
        return found

    def _learn_all(self) -> None:
        self._sum = _Sum()
        for lesson in self._lessons.values():
            self._sum.add(lesson)

    def _free(self) -> str:
        number = len(self._lessons) + 1
        while str(number) in self._lessons:
            number += 1
        return str(number)

    def applied_to(self, base: SpamModel) -> SpamModel:
        """Return `base` with what this site has taught; `base` itself stays as it is.

        It never discards: that promise was made for `base` alone.

        Parameters
        ----------
        base : SpamModel
            The model that was given to `learn`.

        Returns
        -------
        SpamModel
            `base` itself where nothing was taught.

        Raises
        ------
        InputError
            If what was learned does not fit a model of this size.
        """
        if not self._lessons:
            return base
        taught = self._sum
        if len(taught.grams) > len(base.ngram_weights):
            raise InputError("these site weights were learned beside a model of another size.")
        grams = base.ngram_weights.copy()
        grams[: len(taught.grams)] += taught.grams.astype(np.float32)
        return replace(
            base,
            dense_weights=base.dense_weights + taught.dense,
            intercept=base.intercept + taught.intercept,
            ngram_weights=grams,
            cuts=replace(base.cuts, discard=None),
        )

    # --- on disk ----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to the file `path` in one step; it holds numbers and keys, no one's words.

        Parameters
        ----------
        path : str or path
            Replaced if it is there.
        """
        lessons = self._lessons.values()
        arrays = {
            "dense": np.array([x.dense for x in lessons], "<f8").reshape(-1, len(FEATURES)),
            "facts": np.array([(x.start, x.edge, x.sign) for x in lessons], "<f8").reshape(-1, 3),
            "sizes": np.array([len(x.buckets) for x in lessons], "<i8"),
            "buckets": np.concatenate([np.zeros(0), *(x.buckets for x in lessons)]).astype("<i4"),
            "values": np.concatenate([np.zeros(0), *(x.values for x in lessons)]).astype("<f4"),
        }
        facts = {
            "spamguard": "site",
            "features": [f.name for f in FEATURES],
            "keys": list(self._lessons),
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

        Parameters
        ----------
        path : str or path
            A file written by `save`.

        Returns
        -------
        SiteWeights
            It goes on where the saved one stopped.

        Raises
        ------
        ModelNotFoundError
            If there is no such file.
        ModelFormatError
            If the file is damaged, too large, or made for other features.
        """
        file = Path(path)
        if not file.is_file():
            raise ModelNotFoundError(f"{file.name} does not exist; check the path.")
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
            found._lessons[str(key)] = _Lesson(
                arrays["dense"][i],
                arrays["buckets"][part].astype(np.int64),
                arrays["values"][part],
                *arrays["facts"][i].tolist(),
            )
        found._learn_all()
        return found


def _is_whole(facts: dict[str, list[str]], arrays: dict[str, NDArray[Any]]) -> bool:
    """Tell whether sizes fit each other and numbers are numbers."""
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


def _lesson(base: SpamModel, comment: Comment, label: str) -> _Lesson:
    vectors = base.vectorizer.vectors([comment])
    dense = np.nan_to_num(np.clip(vectors.dense[0], LOW, HIGH) - base.dense_reference)
    # One bucket may stand in several blocks; the weight that they share moves once for each.
    buckets, place = np.unique(vectors.buckets, return_inverse=True)
    values = np.bincount(place, vectors.values, len(buckets)) if len(buckets) else np.zeros(0)
    # Ham is to be called ham, and spam is to be called spam: not merely unsure.
    edge = base.cuts.spam if label == "spam" else base.cuts.unsure
    return _Lesson(
        dense, buckets, values.astype(np.float32), base.log_odds(comment), edge,
        1.0 if label == "spam" else -1.0,
    )  # fmt: skip


def _measured(base: SpamModel, lesson: _Lesson) -> _Lesson:
    """Return `lesson` as `base` sees it."""
    inside = lesson.buckets < len(base.ngram_weights)
    grams = base.ngram_weights[lesson.buckets[inside]] @ lesson.values[inside]
    start = base.intercept + float(base.dense_weights @ lesson.dense) + float(grams)
    edge = base.cuts.spam if lesson.sign > 0 else base.cuts.unsure
    return replace(lesson, start=start, edge=edge)


_PACKED: Final = struct.Struct("<8sIddd")
_FEATURES_HASH: Final = hashlib.sha256(" ".join(f.name for f in FEATURES).encode()).digest()[:8]


def _unpacked(data: bytes) -> _Lesson:
    damaged = ModelFormatError("a lesson of this site is damaged: forget it, and teach it again.")
    if len(data) < _PACKED.size:
        raise damaged
    features, n, start, edge, sign = _PACKED.unpack_from(data)
    if features != _FEATURES_HASH:
        raise ModelFormatError("a lesson of this site was made for other features: teach it again.")
    if len(data) != _PACKED.size + 8 * len(FEATURES) + 8 * n:
        raise damaged
    dense = np.frombuffer(data, "<f8", len(FEATURES), _PACKED.size).astype(np.float64)
    at = _PACKED.size + dense.nbytes
    buckets = np.frombuffer(data, "<i4", n, at).astype(np.int64)
    values = np.frombuffer(data, "<f4", n, at + 4 * n).astype(np.float32)
    lesson = _Lesson(dense, buckets, values, start, edge, sign)
    ordered = n == 0 or (buckets[0] >= 0 and buckets[-1] < _MOST_BUCKETS)
    if not (ordered and (np.diff(buckets) > 0).all()) or sign not in (-1.0, 1.0):
        raise damaged
    if not all(np.isfinite(x).all() for x in (dense, values, [start, edge])):
        raise damaged
    return lesson


# Named features move less than n-grams, as in SpamClassifier.
_UNITS: Final = (_DENSE_SCALE / np.maximum(0.25 * (HIGH - LOW), 0.05)) ** 2


class _Sum:
    """All steps together."""

    def __init__(self) -> None:
        self.dense = np.zeros(len(FEATURES))
        self.grams = np.zeros(0)
        self.intercept = 0.0

    def add(self, lesson: _Lesson) -> None:
        """Take the smallest step that puts the comment on its side by the margin."""
        most = int(lesson.buckets[-1]) + 1 if len(lesson.buckets) else 0
        if most > len(self.grams):
            self.grams = np.concatenate((self.grams, np.zeros(most - len(self.grams))))
        direction = lesson.dense * _UNITS
        moved = self.dense @ lesson.dense + self.grams[lesson.buckets] @ lesson.values
        log_odds = lesson.start + self.intercept + float(moved)
        loss = max(0.0, _MARGIN - lesson.sign * (log_odds - lesson.edge))
        square = float(lesson.dense @ direction + lesson.values @ lesson.values + 1.0)
        rate = lesson.sign * loss / (square + 0.5 / _AGGRESSIVENESS)
        self.dense += rate * direction
        self.grams[lesson.buckets] += rate * lesson.values
        self.intercept += rate


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
            for name in ("dense", "facts", "sizes", "buckets", "values")
        }
    return facts, arrays
