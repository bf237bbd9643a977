"""How much would a compiled core gain? The same work in C and in the package, on the same rows.

`compiled.c` is compiled into a temporary directory and called through ctypes. It splits ASCII
texts into words, hashes words, pairs and characters into the package's buckets, and adds up
their weights. Every result is compared with the package's. The package does not use it.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.features import ngrams
from spamguard.features.families import values_of
from spamguard.features.reading import Reading, read
from spamguard.features.text import words_of
from spamguard.features.vectorizer import weigh
from spamguard.model import SpamModel
from spamguard.scoring import default_model, score_many

SOURCE = Path(__file__).parent / "compiled.c"
BATCH = 256  # the package's batch size
BLOCKS = ("words", "pairs", "characters")
_LONGEST = 40_000  # the package cuts longer texts, the prototype does not
_DIGITS = re.compile(r"\d+")
_CAPITALS, _FIGURES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789"

I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]


def build(directory: Path) -> ctypes.CDLL | None:
    """Compile the prototype; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    target = directory / "compiled.so"
    command = [compiler, "-O3", "-shared", "-fPIC", str(SOURCE), "-o", str(target), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    library = ctypes.CDLL(str(target))
    library.hash_texts.restype = ctypes.c_int64
    for name in ("read_ascii", "add_up"):
        getattr(library, name).restype = None
    return library


def _at(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def codes_of(texts: Sequence[str]) -> tuple[U32, I64]:
    """Return the code points of all texts in one array, and the end of each text."""
    code = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return code, np.fromiter(accumulate(map(len, texts)), np.int64, len(texts))


Strings = tuple[U32, I64]


class Core:
    """The functions of the prototype, with arrays in and out."""

    def __init__(self, library: ctypes.CDLL, model: SpamModel) -> None:
        self.library = library
        self.bits = model.vectorizer.bits
        self.weights = np.ascontiguousarray(model.ngram_weights, np.float32)
        self._seen = np.zeros(1 << self.bits, np.uint32)

    def read_ascii(self, texts: Strings) -> tuple[Strings, Strings, NDArray[np.int32]]:
        """Return lower case, words and style counts."""
        code, ends = texts
        n = len(ends)
        lower, words = np.empty(len(code), np.uint32), np.empty(len(code) + n, np.uint32)
        lower_ends, word_ends = np.empty(n, np.int64), np.empty(n, np.int64)
        counts = np.empty((n, 6), np.int32)
        self.library.read_ascii(
            _at(code), _at(ends), ctypes.c_int64(n), _at(lower), _at(lower_ends), _at(words),
            _at(word_ends), _at(counts),
        )  # fmt: skip
        return (lower, lower_ends), (words, word_ends), counts

    def hash_texts(self, lower: Strings, words: Strings) -> tuple[U32, I64]:
        """Return the buckets of each text by block, and their counts."""
        n = len(lower[1])
        buckets = np.empty(5 * (len(lower[0]) + len(words[0])) + 10 * n, np.uint32)
        hashes, sizes = np.empty(len(words[0]) + 1, np.uint64), np.empty((n, 3), np.int64)
        found = self.library.hash_texts(
            _at(lower[0]), _at(lower[1]), _at(words[0]), _at(words[1]), ctypes.c_int64(n),
            self.bits, _at(hashes), _at(buckets), _at(sizes),
        )  # fmt: skip
        return buckets[:found], sizes

    def add_up(self, buckets: U32, sizes: I64) -> NDArray[np.float64]:
        """Return the contribution of each block of each text to the log-odds."""
        sums = np.empty(sizes.shape)
        self.library.add_up(
            _at(buckets), _at(sizes), ctypes.c_int64(len(sizes)), _at(self.weights),
            _at(self._seen), _at(sums),
        )  # fmt: skip
        return sums

    def one(self, longest: int) -> Callable[[str], float]:
        """Return a function that sums the n-grams of one ASCII text of at most `longest` characters."""
        room = [np.empty(longest + 1, np.uint32), np.empty(longest + 1, np.uint32)]
        room += [np.empty(longest + 1, np.uint64), np.empty(10 * longest + 20, np.uint32)]
        pointers = [*map(_at, room), _at(self.weights), _at(self._seen)]
        call = self.library.add_up_one
        call.restype = ctypes.c_double
        call.argtypes = [
            ctypes.c_char_p, ctypes.c_int64, ctypes.c_int, *[ctypes.c_void_p] * len(pointers)
        ]  # fmt: skip

        def judge(text: str, _kept: object = room) -> float:
            found: float = call(text.encode("utf-32-le"), len(text), self.bits, *pointers)
            return found

        return judge


# --- the same in Python ---------------------------------------------------------------


def alone(reading: Reading) -> Reading:
    """Return a reading of the whole text only, which is all that the prototype hashes."""
    return replace(
        reading, author_words=[], author_url="", links=[], copied=set(),
        own_words=reading.words, own_lower=reading.lower,
    )  # fmt: skip


def read_in_python(texts: Sequence[str]) -> tuple[list[str], list[list[str]], list[list[int]]]:
    """Return lower case, words and style counts, computed by the package."""
    lower = [" ".join(text.lower().split()) for text in texts]
    counts = []
    for text in texts:
        data = text.encode()
        missing = (len(data) - len(data.translate(None, signs)) for signs in (_CAPITALS, _FIGURES))
        counts.append([*missing, *map(text.count, ",!?\n")])
    return lower, list(map(words_of, texts)), counts


def buckets_in_python(reading: Reading, bits: int) -> list[I64]:
    """Return the buckets of each block by array arithmetic, without caching words."""
    words = ngrams.grams_of(" ".join(reading.words), sizes=())
    found = (words.words, words.pairs, ngrams.grams_of(reading.lower).characters)
    return [ngrams.buckets(h, block, bits) for h, block in zip(found, BLOCKS, strict=True)]


def _block_sums(model: SpamModel, keys: ngrams.Keys, bits: int) -> NDArray[np.float64]:
    """Return what each block of each comment adds to the log-odds, as the model sums it up."""
    n = keys.sizes.shape[1]
    indptr, columns, values = weigh(keys, bits)
    cells = np.repeat(np.arange(n) * ngrams.CELLS, np.diff(indptr)) + (columns >> bits)
    parts = model.ngram_weights[columns & ((1 << bits) - 1)] * values
    return np.bincount(cells, parts, n * ngrams.CELLS)


# --- measuring ------------------------------------------------------------------------


def _best(
    call: Callable[..., object],
    repeats: int,
    *arguments: Any,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the shortest processor time of a call."""
    spent = []
    for _ in range(repeats):
        start = clock()
        call(*arguments)
        spent.append(clock() - start)
    return min(spent)


def _strings(readings: Sequence[Reading]) -> tuple[Strings, Strings]:
    """Return lower case and words as the prototype defines them: it knows only ASCII digits."""
    lower = [r.lower if r.lower.isascii() else _DIGITS.sub("0", r.lower) for r in readings]
    words = [" ".join(r.words) for r in readings]
    words = [w if w.isascii() else _DIGITS.sub("0", w) for w in words]
    return codes_of(lower), codes_of(words)


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]


def measure(comments: Sequence[Comment], repeats: int) -> dict[str, Any]:
    """Return microseconds per comment in C and in Python, and how many results agree."""
    model = default_model()
    comments = [c for c in comments if len(c.text) < _LONGEST]
    with tempfile.TemporaryDirectory() as directory:
        library = build(Path(directory))
        if library is None:
            return {"skipped": "no C compiler"}
        core = Core(library, model)
        readings = list(map(alone, map(read, comments)))
        return {
            "comments": len(comments),
            "agree": _compare(core, model, readings),
            "us": {
                **_reading(core, readings, repeats),
                **_hashing(core, model, readings, repeats),
                "score_one_in_c": _single(core, readings, repeats),
            },
            "stages_us": stages(model, comments, repeats),
        }


def _compare(core: Core, model: SpamModel, readings: Sequence[Reading]) -> dict[str, int]:
    """Return the number of comments with identical results, and the number compared."""
    ascii_texts = [r.body.text for r in readings if r.body.text.isascii()]
    lower, words, counts = read_in_python(ascii_texts)
    in_c = core.read_ascii(codes_of(ascii_texts))
    wanted = (_texts(codes_of(lower)), [" ".join(w) for w in words], counts)
    found = (_texts(in_c[0]), _texts(in_c[1]), in_c[2].tolist())
    read_alike = sum(map(lambda *pair: pair[:3] == pair[3:], *wanted, *found))
    buckets, sizes = core.hash_texts(*_strings(readings))
    sums = core.add_up(buckets, sizes)
    parts = np.split(buckets, np.cumsum(sizes.ravel())[:-1])
    one = core.one(_LONGEST)
    hashed_alike = summed_alike = 0
    for i, reading in enumerate(readings):
        own = [np.sort(part).tolist() for part in parts[3 * i : 3 * i + 3]]
        plain = [np.sort(b).tolist() for b in buckets_in_python(reading, core.bits)]
        keys = ngrams.Hasher(core.bits).keys([reading]).keys.copy()
        joined = np.sort(keys).tolist()
        numbered = [b + (k << core.bits) for k, block in enumerate(own) for b in block]
        hashed_alike += own == plain and joined == numbered
        there = _block_sums(model, ngrams.Hasher(core.bits).keys([reading]), core.bits)[:3]
        text = reading.body.text
        single = one(text) if text.isascii() else sums[i].sum()
        alike = np.allclose(there, sums[i], atol=1e-4) and abs(single - sums[i].sum()) < 1e-9
        summed_alike += bool(alike)
    return {
        "ascii": len(ascii_texts),
        "read": int(read_alike),
        "hashed": hashed_alike,
        "summed": summed_alike,
    }


def _texts(strings: Strings) -> list[str]:
    code, ends = strings
    text = code[: ends[-1] if len(ends) else 0].tobytes().decode("utf-32-le", "surrogatepass")
    starts = [0, *ends[:-1].tolist()]
    return [text[a:b] for a, b in zip(starts, ends.tolist(), strict=True)]


def _reading(core: Core, readings: Sequence[Reading], repeats: int) -> dict[str, float]:
    """Return microseconds per ASCII text for lower case, words and counts."""
    texts = [r.body.text for r in readings if r.body.text.isascii()]
    parts = _batches(texts)
    coded = [codes_of(part) for part in parts]
    scale = 1e6 / max(1, len(texts))
    return {
        "read_in_python": scale * _best(lambda: [read_in_python(p) for p in parts], repeats),
        "read_in_c": scale * _best(lambda: [core.read_ascii(c) for c in coded], repeats),
        "to_code_points": scale * _best(lambda: [codes_of(p) for p in parts], repeats),
    }


def _hashing(
    core: Core, model: SpamModel, readings: Sequence[Reading], repeats: int
) -> dict[str, float]:
    """Return microseconds per comment for the buckets of three blocks, and for their weights."""
    parts, bits = _batches(readings), core.bits
    coded = [_strings(part) for part in parts]
    hashed = [core.hash_texts(*c) for c in coded]
    warm = ngrams.Hasher(bits)
    keys = [warm.keys(part) for part in parts]

    def cold() -> None:
        hasher = ngrams.Hasher(bits)
        for part in parts:
            hasher.keys(part)

    def weights() -> None:
        for own in keys:
            _block_sums(model, replace(own, keys=own.keys.copy()), bits)

    scale = 1e6 / len(readings)
    calls: dict[str, Callable[[], object]] = {
        "hash_on_arrays_one_by_one": lambda: [buckets_in_python(r, bits) for r in readings],
        "hash_in_python_new_words": cold,
        "hash_in_python_words_seen": lambda: [warm.keys(part) for part in parts],
        "hash_in_c": lambda: [core.hash_texts(*c) for c in coded],
        "weights_in_python": weights,
        "weights_in_c": lambda: [core.add_up(*h) for h in hashed],
    }
    return {name: scale * _best(call, repeats) for name, call in calls.items()}


def _single(core: Core, readings: Sequence[Reading], repeats: int) -> float:
    """Return the median microseconds of all three steps for one ASCII text, in one call."""
    texts = [r.body.text for r in readings if r.body.text and r.body.text.isascii()][:500]
    judge = core.one(max(map(len, texts), default=0))
    # By the clock: reading the processor time takes as long as a call.
    spent = [_best(judge, repeats, text, clock=time.perf_counter) for text in texts]
    return 1e6 * float(np.median(spent)) if spent else float("nan")


def stages(model: SpamModel, comments: Sequence[Comment], repeats: int) -> dict[str, float]:
    """Return the package's time for each stage, in microseconds per comment, in batches."""
    parts = _batches(comments)
    vectorizer = model.vectorizer
    readings = [[read(c) for c in part] for part in parts]
    keys = [vectorizer._hasher.keys(r) for r in readings]

    def weights() -> None:
        for own in keys:
            weigh(replace(own, keys=own.keys.copy()), vectorizer.bits)

    calls: dict[str, Callable[[], object]] = {
        "clean and split": lambda: [[read(c) for c in part] for part in parts],
        "named features": lambda: [values_of(r, vectorizer._idf.weight) for r in readings],
        "hash n-grams": lambda: [vectorizer._hasher.keys(r) for r in readings],
        "count n-grams": weights,
        "score_many": lambda: score_many(comments),
    }
    scale = 1e6 / len(comments)
    found = {name: scale * _best(call, repeats) for name, call in calls.items()}
    whole = found.pop("score_many")
    # Weights, probability and verdict: the rest of the time.
    found["weights and verdicts"] = max(0.0, whole - sum(found.values()))
    return {**found, "score_many": whole}
