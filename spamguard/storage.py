"""A model on disk: ``model.json`` and weights (npz), never pickle.

Everything is checked before use: the format number, the feature schema, the size of
every array as the archive declares it, the hash of the weights. The weights' file is
named after its hash and written first, so only ``model.json`` is ever replaced.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.errors import InputError, ModelFormatError, ModelNotFoundError
from spamguard.features import BLOCKS, FEATURES, Vectorizer
from spamguard.files import write_bytes
from spamguard.model import Cuts, SpamModel

# 2 adds the languages that the model knows; ignoring them would call more comments spam.
FORMAT: Final = 2
"""Format number of ``model.json``; models with a higher one are rejected."""
_MAX_JSON = 4_000_000
_MAX_BITS = 24
_MAX_HEADER = 1_000  # bytes that numpy puts before an array
_EPOCH = (1980, 1, 1, 0, 0, 0)

__all__ = ["FORMAT", "find_model", "load_model", "model_names", "save_model"]


def _homes() -> Iterator[Path]:
    package = Path(__file__).resolve().parent
    yield package / "models"  # in a wheel
    checkout = False
    with suppress(OSError):
        checkout = (package.parent / "pyproject.toml").is_file()
    if checkout:  # elsewhere the directory belongs to another project
        yield package.parent / "models"


def model_names() -> list[str]:
    """Return the names of the installed models, sorted."""
    found = {
        path.parent.name for home in _homes() if home.is_dir() for path in home.glob("*/model.json")
    }
    return sorted(found)


def find_model(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the directory of a model, as for `load_model`; raise ModelNotFoundError if there is none."""
    given = _path(name_or_path)
    why = ""
    try:
        if given.name == str(name_or_path):  # a bare name: shipped models come first
            for home in _homes():
                if (home / given / "model.json").is_file():
                    return home / given
        if given.name == "model.json":
            given = given.parent
        if (given / "model.json").is_file():
            return given
    except OSError as error:  # too long, or in an unreadable directory
        why = f" ({error.strerror})"
    known = ", ".join(model_names()) or "none"
    raise ModelNotFoundError(
        f"no model {str(name_or_path)!r}{why}: give a directory that holds model.json, "
        f"or one of the installed models ({known})."
    )


def _path(given: str | os.PathLike[str]) -> Path:
    try:
        return Path(given)
    except TypeError:
        raise InputError(
            f"a model must be a name or the path of a directory, not {type(given).__name__}."
        ) from None


def load_model(name_or_path: str | os.PathLike[str] = "default") -> SpamModel:
    """Load a model from disk.

    Parameters
    ----------
    name_or_path : str or path
        Name of an installed model, or a directory written by `save_model`.

    Raises
    ------
    ModelNotFoundError
        If there is no such model, or its files cannot be read.
    ModelFormatError
        If its files are damaged, do not match, or come from a newer spamguard.
    InputError
        If the argument is neither a name nor a path.
    """
    directory = find_model(name_or_path)
    description = directory / "model.json"
    data = _read_bounded(description, _MAX_JSON)
    while True:
        about = _parse(description, data)
        try:
            return _build(directory, about)
        except ModelFormatError:
            # Another process may have replaced the model meanwhile.
            former, data = data, _read_bounded(description, _MAX_JSON)
            if data == former:
                raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise _broken(description, f"a field is missing or wrong ({error})") from error


def _broken(path: Path, what: str) -> ModelFormatError:
    return ModelFormatError(
        f"{path.parent.name}/{path.name}: {what}. Restore the model's files or train it again."
    )


def _read_bounded(path: Path, limit: int) -> bytes:
    """Return the contents of a file of at most `limit` bytes."""
    if not path.is_file():
        raise _broken(path, "missing")
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise _broken(path, "missing") from error
    except OSError as error:
        raise ModelNotFoundError(
            f"{path.parent.name}/{path.name} cannot be read ({error.strerror}). "
            "Let this user read the model's files, or give another model."
        ) from error
    if len(data) > limit:
        raise _broken(path, "larger than a model's can be")
    return data


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        about = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _broken(path, "not a model's description (JSON)") from error
    if not isinstance(about, dict) or about.get("spamguard") != "model":
        raise _broken(path, "not a model's description")
    number = about.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _broken(path, "without a format number")
    if number > FORMAT:
        raise ModelFormatError(
            f"{path.parent.name}/{path.name} has format {number}; this spamguard reads up to "
            f"{FORMAT}. Install a newer spamguard, or train the model again with this one."
        )
    return about


def _build(directory: Path, about: dict[str, Any]) -> SpamModel:
    names = [f.name for f in FEATURES]
    if about["features"] != names or about["blocks"] != list(BLOCKS):
        raise _broken(
            directory / "model.json", "made for other features than this version of spamguard has"
        )
    bits = about["bits"]
    if not isinstance(bits, int) or not 8 <= bits <= _MAX_BITS:
        raise _broken(directory / "model.json", "an impossible number of buckets")
    shapes: dict[str, tuple[np.dtype[Any], int]] = {
        "dense_weights": (np.dtype("<f8"), len(names)),
        "dense_reference": (np.dtype("<f8"), len(names)),
        "ngram_weights": (np.dtype("<f2"), 1 << bits),
        "background": (np.dtype("<f2"), Vectorizer.background_size),
    }
    arrays = _read_arrays(
        _weights_file(directory, about["weights_sha256"]), shapes, about["weights_sha256"]
    )
    cuts = about["cuts"]
    discard = cuts["discard"]
    for key, kind in (("name", str), ("version", str), ("about", dict)):
        if not isinstance(about[key], kind):
            raise TypeError(f"{key} is no {kind.__name__}")
    return SpamModel(
        name=about["name"],
        version=about["version"],
        intercept=_number(about["intercept"], "intercept"),
        dense_weights=arrays["dense_weights"].astype(np.float64),
        dense_reference=arrays["dense_reference"].astype(np.float64),
        ngram_weights=arrays["ngram_weights"].astype(np.float32),
        background=arrays["background"].astype(np.float32),
        cuts=Cuts(
            _number(cuts["unsure"], "unsure"),
            _number(cuts["spam"], "spam"),
            None if discard is None else _number(discard, "discard"),
        ),
        languages=_languages(about["languages"]) if about["format"] >= 2 else frozenset(),
        about=about["about"],
        prior=_checked_share(about.get("prior", 0.5), "prior"),
        trained_prior=_checked_share(about["trained_prior"], "trained_prior")
        if "trained_prior" in about
        else None,
    )


def _languages(codes: object) -> frozenset[str]:
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise TypeError("languages is no list of codes")
    return frozenset(codes)


def _number(value: object, name: str) -> float:
    # Python's JSON allows NaN and Infinity, which would make every verdict meaningless.
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{name} is no finite number")
    return float(value)


def _checked_share(value: object, name: str) -> float:
    share = _number(value, name)
    if not 0 < share < 1:
        raise ValueError(f"{name} is no share between 0 and 1")
    return share


def _weights_file(directory: Path, sha256: str) -> Path:
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _broken(directory / "model.json", "without the hash of its weights")
    return directory / f"weights-{sha256[:16]}.npz"


def _read_arrays(
    path: Path, shapes: dict[str, tuple[np.dtype[Any], int]], sha256: str
) -> dict[str, NDArray[Any]]:
    limit = sum(dtype.itemsize * size for dtype, size in shapes.values()) + 100_000
    data = _read_bounded(path, limit)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _broken(path, "damaged, or it belongs to another model.json")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: _read_array(archive, name, *shape) for name, shape in shapes.items()}
    except Exception as error:  # zipfile and numpy may raise anything on forged bytes
        raise _broken(path, "not a model's weights") from error


def _read_array(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], size: int
) -> NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed, so its size is unknown until it is read")
    if member.file_size > dtype.itemsize * size + _MAX_HEADER:
        raise ValueError(f"{name} declares more bytes than it can have")
    file = io.BytesIO(archive.read(member))
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{name} has another header than this format")
    # Read the header first, as numpy would allocate whatever it claims.
    shape, _, found = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER)
    if found != dtype or shape != (size,):
        raise ValueError(f"{name} has the wrong shape or type")
    array: NDArray[Any] = np.frombuffer(file.read(), dtype)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise ValueError(f"{name} has the wrong size or values")
    return array


def save_model(
    model: SpamModel,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    version: str | None = None,
) -> Path:
    """Write `model` to the directory `path`, which is created if missing.

    The same model gives the same bytes. A process killed at any point leaves the old
    model or the new one, complete.

    Parameters
    ----------
    model : SpamModel
        Such as `SpamClassifier.model_`.
    path : str or path
        The directory.
    name, version : str, optional
        Shown as `Verdict.model`, in place of the model's own.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    InputError
        If an argument has the wrong type, or the directory is not writable.
    ModelFormatError
        If a number is not finite, or `about` is not JSON.
    """
    if not isinstance(model, SpamModel):
        hint = "; pass its model_" if hasattr(model, "model_") else ""
        raise InputError(f"save_model needs a SpamModel, not {type(model).__name__}{hint}.")
    directory = _path(path)
    for key, value in (("name", name), ("version", version)):
        if value is not None and not isinstance(value, str):
            raise InputError(f"{key} must be a string or None, not {type(value).__name__}.")
    with np.errstate(over="ignore"):
        arrays = {
            "dense_weights": model.dense_weights.astype("<f8"),
            "dense_reference": model.dense_reference.astype("<f8"),
            "ngram_weights": model.ngram_weights.astype("<f2"),
            "background": model.background.astype("<f2"),
        }
    for which, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelFormatError(
                f"the model's {which} are not all finite, or too large to be kept."
            )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for which, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{which}.npy", _EPOCH), member.getvalue())
    weights = buffer.getvalue()
    about: dict[str, Any] = {
        "spamguard": "model",
        "format": FORMAT,
        "name": model.name if name is None else name,
        "version": model.version if version is None else version,
        "bits": model.vectorizer.bits,
        "intercept": model.intercept,
        **_priors(model),
        "cuts": {s: getattr(model.cuts, s) for s in ("unsure", "spam", "discard")},
        "languages": sorted(model.languages),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "about": dict(model.about),
        "blocks": list(BLOCKS),
        "features": [f.name for f in FEATURES],
    }
    try:
        text = json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        description = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFormatError(
            f"the model's description cannot be written as JSON: {error}."
        ) from error
    file = _weights_file(directory, about["weights_sha256"])
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_bytes(file, weights)
        write_bytes(directory / "model.json", description)
        for former in directory.glob("weights-*.npz"):
            if former != file:
                former.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise InputError(
            f"the model cannot be written to {directory} ({why}). "
            "Name a directory that this user may write to, on a disk with room."
        ) from error
    return directory


def _priors(model: SpamModel) -> dict[str, float]:
    """Return the priors for model.json, without a prior of one half.

    Intercept and cuts include the prior, so an older spamguard that ignores these
    fields gives the same verdicts.
    """
    given = {"prior": model.prior, "trained_prior": model.trained_prior}
    for name, share in given.items():
        if share is not None and not 0 < share < 1:
            raise ModelFormatError(f"the model's {name} is no share between 0 and 1.")
    if model.prior == 0.5:
        del given["prior"]
    return {name: share for name, share in given.items() if share is not None}
