"""docs/speed.md, from results/speed-peers.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.protocols.markdown import block

OURS = "spamguard"
UNION = "tfidf-union"
_SAYS = {"tubespam": "TubeSpam", "blogs": "moderated blogs", "sample": "sample"}
_FLAT = 1.5  # times the cost of a byte at _FLAT_FROM
_FLAT_FROM = 10_000  # bytes; in shorter texts the fixed cost of a call dominates
_LINEAR = 1.15  # times the seconds per row, or the memory, of the first part of a stream

Panel = Mapping[str, Any]
Result = Mapping[str, Any]


class Target(NamedTuple):
    """A target, what was measured, and whether it is met."""

    what: str
    wanted: str
    measured: str
    met: bool | None  # None if nothing could be measured


def _number(value: float) -> str:
    """Return three significant figures."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(value: float) -> str:
    return f"{_number(value)} times"


def _name(panel: str) -> str:
    return _SAYS.get(panel, panel)


# --- targets --------------------------------------------------------------------------


def _most(what: str, limit: float, value: float, unit: str) -> Target:
    return Target(what, f"< {limit:,g} {unit}", f"{_number(value)} {unit}", value < limit)


def _least(what: str, limit: float, value: float, unit: str) -> Target:
    return Target(what, f">= {limit:,g}{unit}", f"{_number(value)}{unit}", value >= limit)


def _batch_ratio(panel: Panel) -> float | None:
    """Return the batch speed as a multiple of the word and character pipeline's."""
    systems = panel["systems"]
    if UNION not in systems:
        return None
    theirs: float = systems[UNION]["many"]["per_second_best"]
    return float(systems[OURS]["many"]["per_second_best"]) / theirs


def _two_cores(own: Mapping[str, Any]) -> Target:
    found, what, wanted = (
        own["two_cores"],
        "two joblib processes, compared with one",
        ">= 1.8 times",
    )
    if "skipped" in found:
        return Target(what, wanted, f"not measured: {found['skipped']}", None)
    gain, most = (
        found[k] / found["jobs_1_per_second"] for k in ("jobs_2_per_second", "apart_per_second")
    )
    measured = f"{_times(gain)} (two independent processes: {_number(most)})"
    return Target(what, wanted, measured, gain >= 1.8)


def _new_post(found: Mapping[str, Any]) -> Target:
    what = "one comment, new post of 1,000 words, median"
    if "skipped" in found:
        return Target(what, "< 400 us", "not measured: no posts of that length", None)
    return _most(what, 400, found["median_us"], "us")


def _panel_targets(panel: Panel) -> list[Target]:
    own = panel["systems"][OURS]
    ratio, train = _batch_ratio(panel), own["train"]
    found = [
        _most("one comment, its post seen before, median", 100, own["one"]["median_us"], "us"),
        _most("one comment, its post seen before, p99", 300, own["one"]["p99_us"], "us"),
        _new_post(own["new_post"]),
        _least("`score_many`", 30_000, own["many"]["per_second_best"], " a second"),
        Target("`score_many`, compared with the word and character pipeline", ">= 3.5 times", "not measured: it is absent", None)
        if ratio is None
        else _least("`score_many`, compared with the word and character pipeline", 3.5, ratio, " times"),
        _two_cores(own),
    ]  # fmt: skip
    if train["comments"] == 100_000:
        found.append(_most("learn from 100,000 comments", 30, train["seconds"], "s"))
    return found


def _growth(result: Result) -> tuple[float, float]:
    """Return the growth of seconds per row and of memory, from the first part of the stream to the last."""
    rows = result["stream"]["rows"]
    steps = [
        (b["seconds"] - a["seconds"]) / (b["rows"] - a["rows"])
        for a, b in zip([{"rows": 0, "seconds": 0.0}, *rows], rows, strict=False)
    ]
    return steps[-1] / steps[0], rows[-1]["memory_mb"] / rows[0]["memory_mb"]


def _steepest(result: Result) -> tuple[float, str]:
    """Return the largest increase in the cost of a byte in longer texts, and the shape of that text."""
    base = {r["shape"]: r["ns_per_byte"] for r in result["length"] if r["bytes"] == _FLAT_FROM}
    longer = [r for r in result["length"] if r["bytes"] > _FLAT_FROM and r["shape"] in base]
    if not longer:
        return float("nan"), ""
    return max((r["ns_per_byte"] / base[r["shape"]], r["shape"]) for r in longer)


def _common_targets(result: Result) -> list[Target]:
    first, (slower, larger) = result["first"], _growth(result)
    steepest, shape = _steepest(result)
    return [
        _most("import, load and first score, above Python with numpy", 150, first["above_bare_ms"], "ms"),
        _most("peak memory of that process", 70, first["peak_mb"], "MB"),
        _most("model on disk", 8, result["model_mb"], "MB"),
        _most("load the model", 15, result["load_ms"], "ms"),
        Target("`partial_fit`, seconds per row, last part of the stream compared with the first", f"<= {_LINEAR} times",
               _times(slower), slower <= _LINEAR),
        Target("`partial_fit`, memory, the same comparison", f"<= {_LINEAR} times", _times(larger), larger <= _LINEAR),
        Target(f"time per byte of a text longer than {_FLAT_FROM:,} bytes, compared with one of that size",
               f"<= {_FLAT} times", f"{_times(steepest)} at worst ({shape})", steepest <= _FLAT)
        if shape
        else Target("time per byte of a longer text", f"<= {_FLAT} times", "not measured", None),
    ]  # fmt: skip


def targets(result: Result) -> dict[str, list[Target]]:
    """Return all targets by panel, "" for those that depend on none."""
    found = {"": _common_targets(result)}
    return found | {name: _panel_targets(panel) for name, panel in result["panels"].items()}


def _targets(result: Result) -> list[str]:
    said = {True: "yes", False: "**no**", None: "–"}
    rows = [
        [t.what + (f", {_name(panel)}" if panel else ""), t.wanted, t.measured, said[t.met]]
        for panel, found in targets(result).items()
        for t in found
    ]
    missed = sum(row[3] == said[False] for row in rows)
    return [
        "## Targets",
        "",
        f"{missed} of {len(rows)} targets are missed on this machine. The targets in microseconds and seconds were set "
        "for a faster machine; whether they would be met there is not known. The ratios can be compared directly.",
        "",
        *block(["what", "target", "measured", "met"], rows),
    ]


# --- beside the peers -----------------------------------------------------------------


def _train_cell(panel: Panel, found: Mapping[str, Any]) -> str:
    train = found["train"]
    if train["comments"] == panel["batch"]:
        return _number(train["seconds"])
    return f"{_number(train['seconds'])} for {train['comments']:,}"


def _system_row(name: str, panel: Panel, first: Mapping[str, Any], size: float) -> list[str]:
    found = panel["systems"][name]
    return [
        f"**{name}**" if name == OURS else name,
        _number(found["one"]["median_us"]),
        _number(found["one"]["p99_us"]),
        _number(found["many"]["per_second_best"]),
        _train_cell(panel, found),
        _number(first["above_bare_ms"]),
        _number(first["peak_mb"]),
        _number(size),
    ]


def _ratio_row(name: str, panel: Panel, firsts: Mapping[str, Any]) -> list[str]:
    own, peer = panel["systems"][OURS], panel["systems"][name]
    same = own["train"]["comments"] == peer["train"]["comments"]
    start = firsts[name]["above_bare_ms"]
    return [
        name,
        _number(own["one"]["median_us"] / peer["one"]["median_us"]),
        _number(own["one"]["p99_us"] / peer["one"]["p99_us"]),
        _number(peer["many"]["per_second_best"] / own["many"]["per_second_best"]),
        _number(own["train"]["seconds"] / peer["train"]["seconds"]) if same else "–",
        _number(firsts[OURS]["above_bare_ms"] / start) if start > 1 else "–",
        _number(firsts[OURS]["peak_mb"] / firsts[name]["peak_mb"]),
    ]


def _peers(result: Result, name: str) -> list[str]:
    panel, rows = result["panels"][name], result["panels"][name]["rows"]
    firsts = {n: result["first"] if n == OURS else s["first"] for n, s in panel["systems"].items()}
    sizes = {
        n: result["model_mb"] if n == OURS else s["model_mb"] for n, s in panel["systems"].items()
    }
    absent = "; ".join(f"{peer}: {why}" for peer, why in panel["absent"].items())
    return [
        f"### {_name(name)[:1].upper()}{_name(name)[1:]}",
        "",
        f"{rows['comments']:,} comments of {rows['characters_mean']:g} characters on average, on {rows['posts']:,} "
        f"posts of {rows['post_words_mean']:,} words on average. Batches and training: {panel['batch']:,} rows.",
        "",
        *block(
            [
                "", "one comment, median us", "p99 us", "comments a second", "train s",
                "first score ms", "peak MB", "model MB",
            ],
            [_system_row(n, panel, firsts[n], sizes[n]) for n in panel["systems"]],
        ),
        *(
            [
                "spamguard's time (or memory) as a multiple of the peer's. Below 1, spamguard is faster (or smaller):",
                "",
                *block(
                    ["peer", "one comment", "p99", "batch", "train", "first score", "peak memory"],
                    [_ratio_row(n, panel, firsts) for n in panel["systems"] if n != OURS],
                ),
            ]
            if len(panel["systems"]) > 1
            else []
        ),
        *([f"Not in this run: {absent}.", ""] if absent else []),
    ]  # fmt: skip


# --- more of spamguard ----------------------------------------------------------------


def _many(result: Result) -> list[str]:
    rows = []
    for name, panel in result["panels"].items():
        own = panel["systems"][OURS]
        many, frame = own["many"], own["frame"]
        values = (
            many["per_second_best"], many["per_second"], frame["per_second_best"],
            own["first_pass_per_second"], own["shuffled"]["per_second"],
            own["text_alone"]["per_second"],
        )  # fmt: skip
        rows.append([_name(name), *map(_number, values)])
    return [
        "## Many comments",
        "",
        "Comments a second, with their posts, on one core. *First pass* scores only the real rows, in a fresh "
        "process. *Shuffled* mixes the comments of more posts than the cache holds (256), so posts are read repeatedly: "
        "pass comments post by post if you can. *Text alone* leaves out the post and the author, as for the peers.",
        "",
        *block(
            [
                "", "`score_many`, best part", "mean of all parts", "`score_frame`", "first pass",
                "shuffled", "text alone",
            ],
            rows,
        ),
    ]  # fmt: skip


def _learning(result: Result) -> list[str]:
    rows = []
    for name, panel in result["panels"].items():
        train = panel["systems"][OURS]["train"]
        rows.append(
            [_name(name), f"{train['comments']:,}"]
            + [_number(train[key]) for key in ("seconds", "reading_s", "learning_s", "peak_mb")]
        )
    stream = result["stream"]
    raw = stream["with_reading"]
    return [
        "## Learning",
        "",
        "`SpamClassifier.fit`, including reading the comments:",
        "",
        *block(["", "comments", "seconds", "of which reading", "learning", "peak MB"], rows),
        f"`partial_fit` on a stream that repeats the same {stream['different']:,} comments, which were read once. Memory is "
        "what the process holds at that moment:",
        "",
        *block(
            ["rows", "seconds", "rows a second", "memory MB"],
            [
                [
                    f"{row['rows']:,}",
                    _number(row["seconds"]),
                    _number(row["rows"] / row["seconds"]),
                    _number(row["memory_mb"]),
                ]
                for row in stream["rows"]
            ],
        ),
        f"Including reading, {raw['comments']:,} comments take {_number(raw['seconds'])} s, "
        f"{_number(raw['comments'] / raw['seconds'])} a second.",
        "",
    ]


def _length(result: Result) -> list[str]:
    sizes = list(dict.fromkeys(row["bytes"] for row in result["length"]))
    cost = {(row["shape"], row["bytes"]): row["ns_per_byte"] for row in result["length"]}
    shapes = list(dict.fromkeys(row["shape"] for row in result["length"]))
    return [
        "## Long texts",
        "",
        "Nanoseconds per byte (UTF-8) of one comment. Flat or falling values mean linear time. Only the beginning and "
        "the end of a text longer than 80,000 characters are read, so a megabyte is cheap per byte.",
        "",
        *block(
            ["", *(f"{size:,} bytes" for size in sizes)],
            [[shape, *(_number(cost[shape, size]) for size in sizes)] for shape in shapes],
        ),
    ]


# --- a compiled core ------------------------------------------------------------------


def saved(compiled: Mapping[str, Any]) -> float:
    """Return the microseconds per comment that C would save in a batch of words seen before."""
    us, stages = compiled["us"], compiled["stages_us"]
    share = compiled["agree"]["ascii"] / compiled["comments"]
    reading = share * (us["read_in_python"] - us["read_in_c"] - us["to_code_points"])
    hashing = stages["hash n-grams"] - us["hash_in_c"]
    counting = stages["count n-grams"] - us["weights_in_c"]
    return float(reading + hashing + counting)


def _compiled(result: Result) -> list[str]:
    measured = {
        name: panel["compiled"]
        for name, panel in result["panels"].items()
        if "skipped" not in panel["compiled"]
    }
    head = [
        "## Would a compiled core help?",
        "",
        "`benchmarks/speed/compiled.c` does in C what the package does in Python and numpy: lower case, words and "
        "counts of capitals, digits and signs for ASCII texts; the buckets of words, pairs and characters; "
        "their weights. The package does not use it.",
        "",
    ]
    if not measured:
        return [*head, "Not measured: no C compiler.", ""]
    names = list(measured)
    steps = (
        ("lower case, words, counts, of ASCII", "read_in_python", "read_in_c"),
        ("buckets, one comment at a time with arrays", "hash_on_arrays_one_by_one", "hash_in_c"),
        ("buckets, in batches, new words", "hash_in_python_new_words", "hash_in_c"),
        ("buckets, in batches, words seen before", "hash_in_python_words_seen", "hash_in_c"),
        ("counts and weights of n-grams", "weights_in_python", "weights_in_c"),
    )
    rows = []
    for says, python, c in steps:
        cells = []
        for found in measured.values():
            a, b = found["us"][python], found["us"][c]
            cells += [_number(a), _number(b), _number(a / b)]
        rows.append([says, *cells])
    agree = "; ".join(
        f"{_name(name)}: words and counts {f['agree']['read']:,} of {f['agree']['ascii']:,} ASCII texts, buckets "
        f"{f['agree']['hashed']:,} and weights {f['agree']['summed']:,} of {f['comments']:,} comments"
        for name, f in measured.items()
    )
    stages = list(next(iter(measured.values()))["stages_us"])
    return [
        *head,
        f"Identical results: {agree}. Microseconds per comment, in batches of 256:",
        "",
        *block(
            ["", *(f"{_name(n)}, {what}" for n in names for what in ("Python", "C", "times"))], rows
        ),
        "Everything for one ASCII text in one call through ctypes, median: "
        + ", ".join(f"{_number(f['us']['score_one_in_c'])} us ({_name(n)})" for n, f in measured.items())
        + ". Where `score_many` spends its time on comments and posts it has seen before, in microseconds per comment:",
        "",
        *block(
            ["", *map(_name, names)],
            [
                [stage.replace("score_many", "**`score_many`**"), *(_number(f["stages_us"][stage]) for f in measured.values())]
                for stage in stages
            ],
        ),
        *(line for name, found in measured.items() for line in (_conclusion(name, found), "")),
        "The cleaning of text by patterns (markup, links, tricks), the named features, the post and the verdict stay in "
        "Python. To gain more, a compiled core would have to do these too.",
        "",
    ]  # fmt: skip


def _conclusion(name: str, found: Mapping[str, Any]) -> str:
    whole, less = found["stages_us"]["score_many"], saved(found)
    stays = whole - less
    return (
        f"On {_name(name)} such a core would save {_number(max(less, 0.0))} of {_number(whole)} us per comment "
        f"({100 * less / whole:.0f} %): {_number(1e6 / stays)} comments a second instead of {_number(1e6 / whole)}, "
        f"{_number(whole / stays)} times as many. {_number(stays)} us would stay in Python; 30,000 comments a second "
        f"allow {_number(1e6 / 30_000)} us in total."
    )


# --- the page -------------------------------------------------------------------------


def _ran(result: Result) -> list[str]:
    systems: dict[str, Mapping[str, Any]] = {}
    for panel in result["panels"].values():
        systems |= panel["systems"]
    return [
        "## What ran",
        "",
        *block(
            ["", "version", "what"],
            [[name, found["version"], found["about"]] for name, found in systems.items()],
        ),
    ]


def _summary(result: Result) -> list[str]:
    """Return the speed of single comments and of batches, in one short table."""
    rows = []
    for name, panel in result["panels"].items():
        own = panel["systems"][OURS]
        one, many = own["one"]["median_us"] / 1000, own["many"]["per_second_best"]
        rows.append([_name(name), f"{_number(one)} ms", f"{_number(many)} a second"])
    return block(["", "one comment, its post seen before (median)", "`score_many`, one core"], rows)


def page(result: Result) -> str:
    """Return docs/speed.md."""
    load, bare = result["load_average"], result["bare"]
    most, starts, heavy = (result["sizes"][key] for key in ("repeats", "starts", "heavy_repeats"))
    first = result["first"]
    apart = (
        " spamguard and Python alone were measured separately, in turns, after the run."
        if result.get("starts_again")
        else ""
    )
    lines = [
        "# How fast it is",
        "",
        f"Measured on {result['cores']} slow cores with one thread: a fresh process gives its first verdict after "
        f"{_number(1000 * first['seconds'])} ms, of which Python with numpy take {_number(1000 * bare['numpy']['seconds'])} ms.",
        "",
        *_summary(result),
        "spamguard reads a comment with its author and its post, cleans the text, and can explain its verdict. The peers "
        "read only the raw text of the comment, so some of them are much faster. [Accuracy](accuracy.md) shows "
        "how much better spamguard's verdicts are.",
        "",
        *_targets(result),
        "## Beside the peers",
        "",
        "*First score* is the processor time from starting Python to the first answer, less the time of Python with "
        f"numpy ({_number(1000 * bare['numpy']['processor_s'])} ms, {_number(bare['numpy']['peak_mb'])} MB; Python alone "
        f"takes {_number(1000 * bare['python']['processor_s'])} ms). A peer near zero or below works without numpy. The "
        "first link to a host of three or more parts loads the list of public suffixes; such a first score takes "
        f"{_number(result['first_longer_host']['above_bare_ms'])} ms.",
        "",
    ]
    for name in result["panels"]:
        lines += _peers(result, name)
    sections = (_many, _learning, _length, _compiled, _ran)
    return "\n".join(
        [
            *lines,
            *(line for section in sections for line in section(result)),
            "## How it was measured",
            "",
            f"This was one run of {_number(result['minutes'])} minutes ({_number(result['processor_minutes'])} minutes of "
            f"processor time), with Python {result['python']}, numpy {result['numpy']} and model {result['model']}. The "
            f"load average was {load[0]:g} before and {load[1]:g} after, of which the run itself is 1.",
            "",
            "- Everything runs in a fresh process with one thread. The systems take turns, so a disturbance affects "
            "all of them. Ratios to the peers, which had the same comments in the same run, are more reliable than "
            "seconds.",
            "- Batches and learning are given in processor time, because others may use the machine. The exception is two "
            "processes that share the work. For a batch the best part is given.",
            f"- Single comments are measured by the clock, the best of {most} processes for each comment (minilm: {heavy}). "
            "Each is measured the first time it is seen, after other comments on the same posts.",
            f"- First scores are the best of {starts} (minilm: {heavy}).{apart}",
            "- If a batch has more rows than there are real comments, they are repeated with one word changed to a word "
            "found nowhere else, so that no two texts are the same.",
            "",
            "`benchmarks/render.py` writes every figure here from `benchmarks/results/speed-peers.json`. To measure again:",
            "",
            "```",
            "sh benchmarks/accuracy/install_peers.sh peers-env",
            "peers-env/bin/python benchmarks/speed/speed_bench.py DIR",
            "```",
            "",
        ]
    )
