"""A model on disk: the same bytes, the same verdicts, and nothing that damage could turn into code."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spamguard
from spamguard import (
    InputError,
    ModelFormatError,
    ModelNotFoundError,
    SpamguardError,
    SpamModel,
    load_model,
    save_model,
    storage,
)
from spamguard.model import Cuts
from spamguard.storage import FORMAT, _homes, find_model, model_names

ARRAYS = ("dense_weights", "dense_reference", "ngram_weights", "background")


@pytest.fixture
def saved(model, tmp_path):
    return save_model(model, tmp_path / "site")


def weights_of(directory):
    (file,) = directory.glob("weights-*.npz")
    return file


def about_of(directory):
    return json.loads((directory / "model.json").read_text("utf-8"))


def describe(directory, **changes):
    """Rewrite model.json; None takes a key away."""
    about = about_of(directory) | changes
    about = {key: value for key, value in about.items() if value is not ...}
    (directory / "model.json").write_text(json.dumps(about), "utf-8")


def forge(directory, data):
    """Put other weights there and make everything that vouches for them agree."""
    weights_of(directory).unlink()
    sha256 = hashlib.sha256(data).hexdigest()
    (directory / f"weights-{sha256[:16]}.npz").write_bytes(data)
    describe(directory, weights_sha256=sha256)


def npy(array, **how):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **how)
    return file.getvalue()


def members_of(directory):
    with zipfile.ZipFile(weights_of(directory)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members, how=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return file.getvalue()


def header(text):
    packed = text.encode("latin1")
    packed += b" " * (-(len(packed) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(packed).to_bytes(2, "little") + packed


def refused(directory, error=ModelFormatError, most=30_000_000):
    """Loading fails with one of our errors, soon, and without much memory."""
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            load_model(directory)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most
    assert time.perf_counter() - started < 10
    assert isinstance(caught.value, SpamguardError)
    assert str(caught.value)
    return str(caught.value)


def same(one, other):
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)
    assert (one.name, one.version, one.intercept, one.cuts, dict(one.about)) == (
        other.name,
        other.version,
        other.intercept,
        other.cuts,
        dict(other.about),
    )
    assert (one.prior, one.trained_prior) == (other.prior, other.trained_prior)


# --- there and back ---------------------------------------------------------------


def test_round_trip_gives_the_same_verdicts(model, saved, sample_comments):
    loaded = load_model(saved)
    same(loaded, model)
    for comment in sample_comments[::4]:
        assert loaded.verdict(comment) == model.verdict(comment)
        assert loaded.verdict(comment).reasons == model.verdict(comment).reasons


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_the_prior_is_kept(model, tmp_path, share):
    moved = replace(model, prior=0.3).at_prior(share)
    loaded = load_model(save_model(moved, tmp_path / "moved"))
    same(loaded, moved)
    assert (loaded.prior, loaded.trained_prior) == (share, 0.3)


def test_a_model_at_one_half_has_the_bytes_it_always_had(model, tmp_path):
    half = replace(model, prior=0.5)
    directory = save_model(half, tmp_path / "half")
    assert not {"prior", "trained_prior"} & about_of(directory).keys()
    assert load_model(directory).prior == 0.5
    moved = save_model(half.at_prior(0.02), tmp_path / "moved")
    # A reader that knows of no prior gives the same verdicts: the format number stays.
    assert about_of(moved)["format"] == about_of(directory)["format"]
    describe(moved, prior=..., trained_prior=...)
    assert load_model(moved).intercept == half.at_prior(0.02).intercept
    assert load_model(moved).cuts == half.at_prior(0.02).cuts


@pytest.mark.parametrize("key", ["prior", "trained_prior"])
@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, None, "0.5", True, math.nan, [0.5]])
def test_a_prior_is_a_share(saved, model, tmp_path, key, value):
    file = saved / "model.json"
    file.write_text(json.dumps(about_of(saved) | {key: value}))
    assert "prior" in refused(saved)
    if isinstance(value, float):
        with pytest.raises(ModelFormatError, match=key):
            save_model(replace(model, **{key: value}), tmp_path / "bad")


@pytest.mark.parametrize("discard", [None, 4.0])
def test_every_cut_is_kept(model, tmp_path, discard):
    cuts = Cuts(-0.25, 0.1 + 0.2, discard)
    assert load_model(save_model(replace(model, cuts=cuts), tmp_path)).cuts == cuts


def test_what_is_told_about_a_model_is_kept(model, tmp_path):
    about = {"trained_on": "my blog – à la carte", "deep": {"list": [1, 2.5, None, True]}}
    loaded = load_model(save_model(replace(model, about=about, name="Ünder"), tmp_path))
    assert loaded.about == about
    assert loaded.title == "Ünder-1"


def test_same_model_same_bytes(model, tmp_path):
    one, two = save_model(model, tmp_path / "a"), save_model(model, tmp_path / "b")
    third = save_model(load_model(one), tmp_path / "c")
    files = {file.name: file.read_bytes() for file in one.iterdir()}
    assert len(files) == 2
    for other in (two, third):
        assert {file.name: file.read_bytes() for file in other.iterdir()} == files


def test_bytes_do_not_depend_on_the_time(model, tmp_path, monkeypatch):
    first = weights_of(save_model(model, tmp_path / "a")).read_bytes()
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert weights_of(save_model(model, tmp_path / "b")).read_bytes() == first


def test_path_may_be_text_a_path_or_the_file_itself(model, saved):
    for path in (saved, str(saved), saved / "model.json", f"{saved}{os.sep}"):
        same(load_model(path), model)


def test_saving_makes_the_directories(model, tmp_path):
    assert save_model(model, tmp_path / "a" / "b") == tmp_path / "a" / "b"
    same(load_model(tmp_path / "a" / "b"), model)


def test_saving_over_another_model_leaves_nothing_of_it(model, saved):
    other = replace(model, name="other", dense_weights=model.dense_weights + 1)
    former = weights_of(saved)
    save_model(other, saved)
    assert not former.exists()
    assert sorted(p.name for p in saved.iterdir()) == ["model.json", weights_of(saved).name]
    same(load_model(saved), other)


def test_saving_the_same_again_keeps_its_weights(model, saved):
    save_model(model, saved)
    same(load_model(saved), model)


def test_saving_a_base_and_what_was_learned_from_it(model, fitted, saved, tmp_path):
    save_model(replace(fitted.model_, name="learned"), saved)
    same(load_model(saved), replace(fitted.model_, name="learned"))
    save_model(model, saved)
    same(load_model(saved), model)
    assert len(list(saved.glob("weights-*"))) == 1


@pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read_a_model(model, tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        path = save_model(model, tmp_path / "site")
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {mode}


def test_a_model_may_be_given_a_name_when_it_is_saved(fitted, tmp_path):
    path = save_model(fitted.model_, tmp_path / "a", name="mysite", version="7")
    assert load_model(path).title == "mysite-7"
    assert load_model(save_model(fitted.model_, tmp_path / "b")).title == "unnamed-0"
    same(load_model(path), replace(fitted.model_, name="mysite", version="7"))
    for wrong in ({"name": 5}, {"version": 1.0}):
        with pytest.raises(InputError, match="must be a string"):
            save_model(fitted.model_, tmp_path / "c", **wrong)
    assert not (tmp_path / "c").exists()


def test_where_nothing_can_be_written(model, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "nul\0"):
        with pytest.raises(InputError, match=r"cannot be written to .*Name a directory"):
            save_model(model, place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_directory_that_may_not_be_written_to(model, tmp_path, monkeypatch):
    def forbidden(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    with pytest.raises(InputError, match=r"site \(Permission denied\)"):
        save_model(model, tmp_path / "site")


# --- finding ----------------------------------------------------------------------


def test_only_a_checkout_has_models_beside_the_package(tmp_path, monkeypatch):
    for name in ("spamguard", "models/other"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr("spamguard.storage.__file__", str(tmp_path / "spamguard" / "storage.py"))
    assert list(_homes()) == [tmp_path / "spamguard" / "models"]
    (tmp_path / "pyproject.toml").touch()
    assert list(_homes()) == [tmp_path / "spamguard" / "models", tmp_path / "models"]


def test_an_installed_model_has_a_name():
    assert "default" in model_names()
    assert find_model("default").name == "default"
    assert (find_model("default") / "model.json").is_file()


def test_an_unknown_name_lists_those_installed():
    with pytest.raises(ModelNotFoundError, match=r"'defualt'.*default"):
        load_model("defualt")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "no/such/place", "../default/nothing", "a\0b", "x" * 5_000, "\ud800", "~",
     "default/model.json", "nul", "http://models.example/default", "*", "default\n"],
)  # fmt: skip
def test_what_is_no_model_is_not_found(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError):
        load_model(name)


def test_not_found_is_a_lookup_error(tmp_path):
    with pytest.raises(LookupError):
        load_model(tmp_path / "nowhere")


def test_a_name_with_separators_is_a_path_and_never_an_installed_model(
    model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError):
        load_model("./default")
    save_model(replace(model, name="mine"), "default")
    assert load_model("./default").name == "mine"
    assert find_model("default") != Path("default")


@pytest.mark.parametrize("given", [None, 5, 1.5, True, b"default", ["default"], {}, object()])
def test_what_is_no_name_is_told_so(given):
    with pytest.raises(InputError, match="name"):
        load_model(given)


@pytest.mark.parametrize("kind", ["file", "directory", "loop", "dangling", "empty"])
def test_not_a_models_directory(kind, tmp_path):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("hello")
    else:
        place.mkdir()
    if kind == "directory":
        (place / "model.json").mkdir()
    if kind == "loop":
        (place / "model.json").symlink_to(place / "model.json")
    if kind == "dangling":
        (place / "model.json").symlink_to(place / "gone.json")
    refused(place, ModelNotFoundError)


def test_a_loop_of_directories(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    refused(tmp_path / "a", ModelNotFoundError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(saved, no_hang):
    weights = weights_of(saved)
    weights.unlink()
    os.mkfifo(weights)
    with no_hang():
        refused(saved)
    (saved / "model.json").unlink()
    os.mkfifo(saved / "model.json")
    with no_hang():
        refused(saved, ModelNotFoundError)


@pytest.mark.parametrize("which", ["model.json", "weights"])
@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "I/O error")]
)
def test_files_that_may_not_be_read(saved, monkeypatch, which, error):
    opened = Path.open

    def guarded(self, *args, **kwargs):
        if self.name.startswith(which):
            raise error
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", guarded)
    message = refused(saved, ModelNotFoundError)
    assert error.strerror in message


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="this user may read everything"
)
@pytest.mark.parametrize("which", ["directory", "model.json", "weights"])
def test_no_permission(saved, which):
    place = {"directory": saved, "model.json": saved / "model.json", "weights": weights_of(saved)}[
        which
    ]
    place.chmod(0)
    try:
        refused(saved, (ModelNotFoundError, ModelFormatError))
    finally:
        place.chmod(0o755)


def test_a_directory_that_may_not_be_searched(saved, monkeypatch):
    def forbidden(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", forbidden)
    assert "Permission denied" in refused(saved, ModelNotFoundError)


# --- damage -----------------------------------------------------------------------


def test_weights_cut_short_at_any_length(saved):
    file = weights_of(saved)
    data = file.read_bytes()
    lengths = {0, 1, 3, 4, 21, 22, 100, len(data) - 1, len(data) - 22, len(data) - 23}
    lengths |= set(np.linspace(0, len(data) - 1, 40).astype(int).tolist())
    for length in sorted(lengths):
        file.write_bytes(data[:length])
        refused(saved)
        forge(saved, data[:length])  # the same with a hash that agrees
        refused(saved)
        file = weights_of(saved)
        forge(saved, data)
        file = weights_of(saved)


def test_any_flipped_bit_of_the_weights(saved):
    file = weights_of(saved)
    data = file.read_bytes()
    for place in random.Random(4).sample(range(len(data)), 60):
        file.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        refused(saved)


def test_flipped_bits_that_the_hash_agrees_with_never_escape(saved):
    data = weights_of(saved).read_bytes()
    draw = random.Random(5)
    ends = [*range(120), *range(len(data) - 400, len(data))]
    for _ in range(150):
        changed = bytearray(data)
        for place in draw.choices(ends, k=3):
            changed[place] = draw.randrange(256)
        forge(saved, bytes(changed))
        try:
            loaded = load_model(saved)
        except ModelFormatError:
            continue
        assert all(np.isfinite(getattr(loaded, name)).all() for name in ARRAYS)


def test_description_cut_short_at_any_length(saved):
    file = saved / "model.json"
    data = file.read_bytes().rstrip()
    for length in {0, 1, 2, len(data) - 1, *np.linspace(0, len(data) - 1, 60).astype(int).tolist()}:
        file.write_bytes(data[:length])
        refused(saved)


def test_weights_of_another_model(model, saved, tmp_path):
    other = save_model(replace(model, dense_weights=model.dense_weights * 2), tmp_path / "other")
    weights_of(saved).write_bytes(weights_of(other).read_bytes())
    assert "another model.json" in refused(saved)


def test_description_of_another_model(model, saved, tmp_path):
    other = save_model(replace(model, dense_weights=model.dense_weights * 2), tmp_path / "other")
    shutil.copy(other / "model.json", saved)
    assert "missing" in refused(saved)


def test_no_weights(saved):
    weights_of(saved).unlink()
    assert "missing" in refused(saved)


def test_weights_that_are_a_directory(saved):
    weights = weights_of(saved)
    weights.unlink()
    weights.mkdir()
    refused(saved)


def test_a_newer_format_says_to_install_a_newer_spamguard(saved):
    describe(saved, format=FORMAT + 1, features=["from the future"])
    message = refused(saved)
    assert str(FORMAT + 1) in message
    assert "newer spamguard" in message


@pytest.mark.parametrize("number", ["1", True, False, None, 0, -1, 1.0, 1.5, [1], {}, ...])
def test_a_format_that_is_no_number(saved, number):
    describe(saved, format=number)
    refused(saved)


@pytest.mark.parametrize(
    "text",
    ["", "null", "true", "1", '"model"', "[]", "{}", "[" * 100_000, '{"a":' * 50_000, "nonsense",
     '{"spamguard": "model"}', '{"spamguard": "model", "format": 1}', "1" * 5_000, "\ufeff{}", "\x00"],
)  # fmt: skip
def test_descriptions_that_are_none(saved, text):
    (saved / "model.json").write_text(text, "utf-8")
    refused(saved)


def test_a_description_that_is_no_utf8(saved):
    (saved / "model.json").write_bytes(b"\xff\xfe{\x00}\x00")
    refused(saved)


def test_a_description_as_large_as_a_disk(saved):
    with (saved / "model.json").open("r+b") as file:
        file.truncate(20_000_000_000)  # a hole: takes no room
    refused(saved)


def test_weights_as_large_as_a_disk(saved):
    with weights_of(saved).open("r+b") as file:
        file.truncate(20_000_000_000)
    refused(saved)


def test_every_key_is_needed(saved):
    about = about_of(saved)
    for key in about.keys() - {"prior", "trained_prior"}:  # absent from older files
        (saved / "model.json").write_text(json.dumps({k: v for k, v in about.items() if k != key}))
        refused(saved)
    for cut in about["cuts"]:
        cuts = {name: value for name, value in about["cuts"].items() if name != cut}
        (saved / "model.json").write_text(json.dumps(about | {"cuts": cuts}))
        refused(saved)


@pytest.mark.parametrize(
    "value", [None, "x", "1.0", [], {}, [1.0], True, math.nan, math.inf, -math.inf, 10**400]
)
@pytest.mark.parametrize("key", ["intercept", "unsure", "spam", "discard"])
def test_numbers_that_are_none(saved, key, value):
    if (key, value) == ("discard", None):
        return  # a model without a discard threshold
    if key == "intercept":
        describe(saved, intercept=value)
    else:
        describe(saved, cuts=about_of(saved)["cuts"] | {key: value})
    refused(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 5), ("name", None), ("version", 1), ("version", []), ("about", None), ("about", []),
        ("about", [["a", 1]]), ("about", "text"), ("cuts", None), ("cuts", []), ("cuts", "unsure"),
        ("bits", "12"), ("bits", None), ("bits", 12.0), ("bits", True), ("bits", 0), ("bits", -1),
        ("bits", 7), ("bits", 25), ("bits", 63), ("bits", 10**30), ("bits", 13),
        ("features", None), ("features", []), ("features", "links_count"), ("features", {}),
        ("blocks", None), ("blocks", []), ("blocks", ["words"]),
        ("weights_sha256", None), ("weights_sha256", 5), ("weights_sha256", ""), ("weights_sha256", "0" * 64),
        ("weights_sha256", "0" * 63), ("weights_sha256", "0" * 64 + "\n"), ("weights_sha256", ["0"] * 64),
        ("spamguard", "corpus"), ("spamguard", None),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind(saved, key, value):
    describe(saved, **{key: value})
    refused(saved)


def test_features_in_another_order_or_number(saved):
    names = about_of(saved)["features"]
    for wrong in (names[::-1], names[:-1], [*names, "links_more"], ["links_mess", *names[1:]]):
        describe(saved, features=wrong)
        assert "features" in refused(saved)


@pytest.mark.parametrize(
    "sha256", ["../../../../etc/passwd", "/etc/passwd", "..", "../" * 21 + "x", "A" * 64]
)
def test_the_hash_is_no_way_out_of_the_directory(saved, sha256, monkeypatch):
    touched = []
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *a, **k: touched.append(self) or opened(self, *a, **k)
    )
    describe(saved, weights_sha256=sha256)
    touched.clear()
    refused(saved)
    assert {path.resolve().parent for path in touched} <= {saved.resolve()}


# --- forged weights: everything that vouches for them agrees ---------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ARRAYS)
def test_weights_that_are_not_finite(model, saved, name, value):
    members = members_of(saved)
    array = np.lib.format.read_array(io.BytesIO(members[f"{name}.npy"]))
    array[3] = value
    forge(saved, zipped(members | {f"{name}.npy": npy(array)}))
    refused(saved)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_another_shape_or_type(saved, name):
    members = members_of(saved)
    array = np.lib.format.read_array(io.BytesIO(members[f"{name}.npy"]))
    wrong = [
        array[:-1],
        np.append(array, array[:1]),
        array[:, None],
        array.reshape(1, -1),
        array[:0],
        array.astype("<f4"),
        array.astype(array.dtype.newbyteorder()),
        array.astype("<i8"),
        array.astype("<c16"),
        array.astype("S4"),
        np.zeros(len(array), [("a", "<f2")]),
        np.float64(1.0),
    ]
    for changed in wrong:
        forge(saved, zipped(members | {f"{name}.npy": npy(np.asarray(changed))}))
        refused(saved)
    forge(saved, zipped({k: v for k, v in members.items() if k != f"{name}.npy"}))
    refused(saved)


@pytest.mark.parametrize(
    "shape",
    [
        "(1000000000000,)",
        "(10000000000, 100)",
        "(4096, 0)",
        "(-1,)",
        "(1" + "0" * 400 + ",)",
        "4096",
        "None",
    ],
)
@pytest.mark.parametrize("name", ["ngram_weights", "dense_weights"])
def test_a_header_that_claims_more_than_there_is(saved, name, shape):
    kind = "<f2" if name == "ngram_weights" else "<f8"
    claim = header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")
    forge(saved, zipped(members_of(saved) | {f"{name}.npy": claim + b"\0" * 100}))
    refused(saved)


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", "[" * 900, "-" * 900 + "1", "(" * 150 + ")" * 150, "{'descr': '<f2'}", "None",
     "__import__('os').abort()", "{'descr': '<f2', 'fortran_order': False, 'shape': (4096,), 'more': 1}",
     "{'descr': 'O', 'fortran_order': False, 'shape': (4096,)}", "{'descr': 5, 'fortran_order': 1, 'shape': 1}",
     "{'descr': '|V9999999999', 'fortran_order': False, 'shape': (4096,)}", "{" + "'a': 1, " * 5_000 + "}"],
)  # fmt: skip
def test_headers_that_are_none(saved, text):
    members = members_of(saved)
    forge(saved, zipped(members | {"ngram_weights.npy": header(text) + b"\0" * 8_192}))
    refused(saved)


def test_other_versions_of_the_header(saved):
    members = members_of(saved)
    for version in ((2, 0), (3, 0)):
        data = npy(np.zeros(4_096, "<f2"), version=version)
        forge(saved, zipped(members | {"ngram_weights.npy": data}))
        refused(saved)
    for start in (b"", b"\x93NUMPY", b"\x93NUMPY\x01", b"\x93NUMPY\xff\xff", b"GIF89a" * 20):
        forge(saved, zipped(members | {"ngram_weights.npy": start}))
        refused(saved)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_grows_when_it_is_unpacked(saved, how):
    members = members_of(saved)
    bomb = bytearray(zipped(members | {"ngram_weights.npy": b"\0" * 60_000_000}, how))
    forge(saved, bytes(bomb))
    refused(saved)
    entry = bomb.rindex(b"ngram_weights.npy") - 46  # it claims to be as small as it should be
    bomb[entry + 24 : entry + 28] = len(members["ngram_weights.npy"]).to_bytes(4, "little")
    forge(saved, bytes(bomb))
    refused(saved)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_is_not_packed_is_read(saved, how):
    forge(saved, zipped(members_of(saved), how))
    refused(saved)


@pytest.mark.parametrize("size", [0, 100, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
@pytest.mark.parametrize("fields", [[24], [20, 24]])
def test_a_member_that_lies_about_its_size(saved, size, fields):
    data = bytearray(weights_of(saved).read_bytes())
    entry = data.rindex(b"ngram_weights.npy") - 46  # in the archive's directory, at its end
    assert data[entry : entry + 4] == b"PK\x01\x02"
    for field in fields:  # compressed size, and size
        data[entry + field : entry + field + 4] = size.to_bytes(4, "little")
    forge(saved, bytes(data))
    refused(saved)


def test_other_archives(saved):
    members = members_of(saved)
    encrypted = bytearray(zipped(members))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := encrypted.find(mark, place + 1)) >= 0:
            encrypted[place + at] |= 1
    tar = io.BytesIO()
    tarfile.open(fileobj=tar, mode="w").close()
    for data in (
        bytes(encrypted),
        tar.getvalue(),
        zipped({}),
        b"PK\x05\x06" + b"\0" * 18,
        b"",
        b"\0" * 999,
    ):
        forge(saved, data)
        refused(saved)


class Payload:
    """What creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_the_payload_would_work(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "proof")))
    assert (tmp_path / "proof").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_is_ever_opened(saved, tmp_path, protocol):
    victim = tmp_path / "victim"
    packed = pickle.dumps(Payload(victim), protocol)
    members = members_of(saved)
    objects = npy(np.array([Payload(victim)] * 4_096, object), allow_pickle=True)
    plain = header("{'descr': '|O', 'fortran_order': False, 'shape': (4096,), }") + packed
    for name in ARRAYS:
        for data in (objects, plain, packed):
            forge(saved, zipped(members | {f"{name}.npy": data}))
            refused(saved)
    forge(saved, zipped({name.removesuffix(".npy"): packed for name in members}))
    refused(saved)
    forge(
        saved, zipped(members | {f"{name}.npy": packed for name in ("a", "b")} | {"c.pkl": packed})
    )
    load_model(saved)  # what is not asked for is not looked at
    forge(saved, packed)
    refused(saved)
    (saved / "model.json").write_bytes(packed)
    refused(saved)
    assert not victim.exists()


# --- writing ----------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, 5, "model", {}, object(), SpamModel])
def test_only_a_model_can_be_saved(given, tmp_path):
    with pytest.raises(InputError, match="SpamModel"):
        save_model(given, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_estimator_is_told_what_to_pass(fitted, tmp_path):
    with pytest.raises(InputError, match="model_"):
        save_model(fitted, tmp_path)


@pytest.mark.parametrize("given", [None, 5, 1.5, [], b"models"])
def test_only_a_path_can_be_saved_to(model, given):
    with pytest.raises(InputError, match="path"):
        save_model(model, given)


@pytest.mark.parametrize(
    "changes",
    [
        {"intercept": math.nan},
        {"cuts": Cuts(0.0, math.inf)},
        {"about": {"auc": math.nan}},
        {"about": {"set": {1, 2}}},
        {"about": {"half": "\ud800"}},
        {"name": "\ud800"},
    ],
)
def test_what_could_not_be_loaded_is_not_saved(model, saved, changes):
    with pytest.raises(ModelFormatError):
        save_model(replace(model, **changes), saved)
    same(load_model(saved), model)
    assert len(list(saved.iterdir())) == 2


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_weights_that_a_file_cannot_hold_are_not_saved(model, saved, name, value):
    changed = getattr(model, name).astype(float)
    changed[0] = value
    if name.startswith("dense") and value == 1e300:
        return  # doubles hold that
    with pytest.raises(ModelFormatError, match=name):
        save_model(replace(model, **{name: changed}), saved)
    same(load_model(saved), model)
    assert len(list(saved.iterdir())) == 2


@pytest.mark.parametrize("at", ["open", "fsync", "replace"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_disk_that_fails_leaves_the_former_model(model, saved, monkeypatch, at, call):
    calls = []
    owner, name = {"open": (os, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[at]
    original = getattr(owner, name)

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)
    with pytest.raises(InputError, match="No space"):
        save_model(replace(model, dense_weights=model.dense_weights + 1), saved)
    monkeypatch.undo()
    same(load_model(saved), model)
    assert not [file for file in saved.iterdir() if file.name.startswith(".")]


def test_a_model_that_is_replaced_while_it_is_read(model, saved, monkeypatch):
    """The description is read, then another process replaces both files."""
    other = replace(model, name="other", dense_weights=model.dense_weights + 1)
    parse = storage._parse
    replaced = []

    def slow(path, data):
        about = parse(path, data)
        if not replaced:
            replaced.append(save_model(other, saved))
        return about

    monkeypatch.setattr(storage, "_parse", slow)
    same(load_model(saved), other)


def test_readers_beside_a_writer_always_get_a_whole_model(model, tmp_path):
    models = [replace(model, name=name, intercept=float(i)) for i, name in enumerate("ab")]
    models[1] = replace(models[1], dense_weights=model.dense_weights + 1)
    place = save_model(models[0], tmp_path / "live")
    done = threading.Event()
    found, errors = set(), []

    def read():
        while not done.is_set():
            try:
                loaded = load_model(place)
                same(loaded, models["ab".index(loaded.name)])
                found.add(loaded.name)
            except BaseException as error:
                errors.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for i in range(60):
        save_model(models[(i + 1) % 2], place)
    done.set()
    for reader in readers:
        reader.join()
    assert not errors
    assert found == {"a", "b"}


WRITER = """
import os, sys
from spamguard import load_model, save_model

one, two = load_model(sys.argv[1]), load_model(sys.argv[2])
while sys.stdin.readline():
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        while True:
            save_model(two, sys.argv[3])
            save_model(one, sys.argv[3])
    os.wait()
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_writer_killed_at_any_moment_leaves_a_whole_model(model, tmp_path):
    models = {
        "one": replace(model, name="one"),
        "two": replace(model, name="two", dense_weights=model.dense_weights + 1, intercept=0.5),
    }
    sources = [str(save_model(m, tmp_path / name)) for name, m in models.items()]
    place = save_model(models["one"], tmp_path / "live")
    paths = [str(Path(spamguard.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    draw = random.Random(11)
    found = []
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, *sources, str(place)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    with process:  # one interpreter; each writer is a fork of it, as starting forty takes long
        for _ in range(40):
            process.stdin.write("\n")
            process.stdin.flush()
            pid = int(process.stdout.readline())
            time.sleep(draw.uniform(0.0, 0.04))
            os.kill(pid, signal.SIGKILL)
            loaded = load_model(place)
            same(loaded, models[loaded.name])
            found.append(loaded.name)
    assert process.returncode == 0
    assert set(found) == {"one", "two"}
    save_model(models["one"], place)
    same(load_model(place), models["one"])
    assert [file.name for file in place.glob("weights-*")] == [weights_of(place).name]
