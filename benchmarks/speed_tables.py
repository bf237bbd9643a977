"""docs/speed.md, from results/speed-peers.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

OURS = "spamguard"
UNION = "tfidf-union"
_SAYS = {"tubespam": "TubeSpam", "blogs": "moderated blogs", "sample": "sample"}
_FLAT = 1.5  # times the cost of a byte, from the first size that counts to a longer one
_FLAT_FROM = 10_000  # below, what every call costs weighs more than the bytes
_LINEAR = (
    1.15  # times the seconds a row, or the memory, from the first part of a stream to the last
)

Panel = Mapping[str, Any]
Result = Mapping[str, Any]


class Target(NamedTuple):
    """What is promised, what was measured, and whether the promise is kept."""

    what: str
    wanted: str
    measured: str
    met: bool | None  # None where nothing could be measured


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _number(value: float) -> str:
    """Return three figures that count."""
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
    """Return how many comments are judged while the word and character pipeline judges one."""
    systems = panel["systems"]
    if UNION not in systems:
        return None
    theirs: float = systems[UNION]["many"]["per_second_best"]
    return float(systems[OURS]["many"]["per_second_best"]) / theirs


def _two_cores(own: Mapping[str, Any]) -> Target:
    found, what, wanted = own["two_cores"], "two processes by joblib, against one", ">= 1.8 times"
    if "skipped" in found:
        return Target(what, wanted, f"not measured: {found['skipped']}", None)
    gain, most = (
        found[k] / found["jobs_1_per_second"] for k in ("jobs_2_per_second", "apart_per_second")
    )
    measured = f"{_times(gain)} (two that share nothing: {_number(most)})"
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
        Target("`score_many`, against the word and character pipeline", ">= 3.5 times", "not measured: it is absent", None)
        if ratio is None
        else _least("`score_many`, against the word and character pipeline", 3.5, ratio, " times"),
        _two_cores(own),
    ]  # fmt: skip
    if train["comments"] == 100_000:
        found.append(_most("learn from 100,000 comments", 30, train["seconds"], "s"))
    return found


def _growth(result: Result) -> tuple[float, float]:
    """Return how much seconds a row and memory grow from the first part of the stream to the last."""
    rows = result["stream"]["rows"]
    steps = [
        (b["seconds"] - a["seconds"]) / (b["rows"] - a["rows"])
        for a, b in zip([{"rows": 0, "seconds": 0.0}, *rows], rows, strict=False)
    ]
    return steps[-1] / steps[0], rows[-1]["memory_mb"] / rows[0]["memory_mb"]


def _steepest(result: Result) -> tuple[float, str]:
    """Return how much dearer a byte of a longer text is at worst, and of which shape."""
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
        Target("`partial_fit`, seconds a row, last part of the stream against the first", f"<= {_LINEAR} times",
               _times(slower), slower <= _LINEAR),
        Target("`partial_fit`, memory, likewise", f"<= {_LINEAR} times", _times(larger), larger <= _LINEAR),
        Target(f"time for a byte of a text longer than {_FLAT_FROM:,} bytes, against one of that size",
               f"<= {_FLAT} times", f"{_times(steepest)} at worst ({shape})", steepest <= _FLAT)
        if shape
        else Target("time for a byte of a longer text", f"<= {_FLAT} times", "not measured", None),
    ]  # fmt: skip


def targets(result: Result) -> dict[str, list[Target]]:
    """Return all targets by where they were measured; "" where the panel does not matter."""
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
        f"{missed} of {len(rows)} are missed, as measured here. The ratios are fair; the figures in microseconds "
        "and seconds were set for a faster machine than this one, which says nothing of whether they would "
        "be met there.",
        "",
        *_table(["what", "target", "measured", "met"], rows),
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
        f"{rows['comments']:,} comments of {rows['characters_mean']:g} characters on average, under {rows['posts']:,} "
        f"posts of {rows['post_words_mean']:,} words on average. Batches and training: {panel['batch']:,} rows.",
        "",
        *_table(
            [
                "", "one comment, median us", "p99 us", "comments a second", "train s",
                "first score ms", "peak MB", "model MB",
            ],
            [_system_row(n, panel, firsts[n], sizes[n]) for n in panel["systems"]],
        ),
        *(
            [
                "How many times as much time (or memory) spamguard takes; below 1 it is the faster one:",
                "",
                *_table(
                    ["against", "one comment", "p99", "batch", "train", "first score", "peak memory"],
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
        "Comments a second, with their posts, on one core. First pass: the real rows alone, in a process that "
        "has seen no other. Shuffled: with more posts than are remembered (256), they are read again and again, "
        "so give comments post by post where you can. Text alone: neither post nor author is given, as to the peers.",
        "",
        *_table(
            [
                "", "`score_many`", "same, mean of all parts", "`score_frame`", "first pass",
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
        "`SpamClassifier.fit`, reading the comments included:",
        "",
        *_table(["", "comments", "seconds", "of which reading", "learning", "peak MB"], rows),
        f"`partial_fit` on a stream, which passes the same {stream['different']:,} comments, read once, again and "
        "again; memory is what the process holds at that moment:",
        "",
        *_table(
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
        f"With reading, {raw['comments']:,} comments take {_number(raw['seconds'])} s, "
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
        "Nanoseconds a byte (UTF-8) of one comment. Flat or falling means linear time. Of more than 80,000 "
        "characters only both ends are read, so a megabyte is cheap by the byte.",
        "",
        *_table(
            ["", *(f"{size:,} bytes" for size in sizes)],
            [[shape, *(_number(cost[shape, size]) for size in sizes)] for shape in shapes],
        ),
    ]


# --- a compiled core ------------------------------------------------------------------


def saved(compiled: Mapping[str, Any]) -> float:
    """Return microseconds a comment that C would spare in a batch, words seen before."""
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
        "their weights. Nothing of the package uses it.",
        "",
    ]
    if not measured:
        return [*head, "Not measured: no C compiler.", ""]
    names = list(measured)
    steps = (
        ("lower case, words, counts, of ASCII", "read_in_python", "read_in_c"),
        ("buckets, each comment by arithmetic on arrays", "hash_on_arrays_one_by_one", "hash_in_c"),
        ("buckets, in batches, words new", "hash_in_python_new_words", "hash_in_c"),
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
        f"Same results, {agree}. Microseconds a comment, in batches of 256:",
        "",
        *_table(
            ["", *(f"{_name(n)}, {what}" for n in names for what in ("Python", "C", "times"))], rows
        ),
        "All of it for one ASCII text in one call through ctypes, median: "
        + ", ".join(f"{_number(f['us']['score_one_in_c'])} us ({_name(n)})" for n, f in measured.items())
        + ". Where `score_many` spends its time on comments and posts that it has seen before, microseconds a comment:",
        "",
        *_table(
            ["", *map(_name, names)],
            [
                [stage.replace("score_many", "**`score_many`**"), *(_number(f["stages_us"][stage]) for f in measured.values())]
                for stage in stages
            ],
        ),
        *(line for name, found in measured.items() for line in (_conclusion(name, found), "")),
        "What stays in Python is the cleaning of text by patterns (markup, links, tricks), the named features, the "
        "post's side and the verdict: a core that is to bring more has to do these too.",
        "",
    ]  # fmt: skip


def _conclusion(name: str, found: Mapping[str, Any]) -> str:
    whole, less = found["stages_us"]["score_many"], saved(found)
    stays = whole - less
    return (
        f"On {_name(name)} a core of this extent would spare {_number(max(less, 0.0))} of {_number(whole)} us a comment "
        f"({100 * less / whole:.0f} %): {_number(1e6 / stays)} comments a second instead of {_number(1e6 / whole)}, "
        f"{_number(whole / stays)} times as many. {_number(stays)} us stay in Python; "
        f"30,000 a second would leave {_number(1e6 / 30_000)} us for all of it."
    )


# --- the page -------------------------------------------------------------------------


def _ran(result: Result) -> list[str]:
    systems: dict[str, Mapping[str, Any]] = {}
    for panel in result["panels"].values():
        systems |= panel["systems"]
    return [
        "## What ran",
        "",
        *_table(
            ["", "version", "what"],
            [[name, found["version"], found["about"]] for name, found in systems.items()],
        ),
    ]


def page(result: Result) -> str:
    """Return docs/speed.md."""
    load, bare = result["load_average"], result["bare"]
    most, starts, heavy = (result["sizes"][key] for key in ("repeats", "starts", "heavy_repeats"))
    apart = (
        ", spamguard's and those of Python alone measured in turns by themselves, after the run"
        if result.get("starts_again")
        else ""
    )
    lines = [
        "# How fast it is",
        "",
        f"Limits first. This was one run of {_number(result['minutes'])} minutes, {_number(result['processor_minutes'])} of "
        f"them processor time, on {result['cores']} slow cores; load average {load[0]:g} before, {load[1]:g} after, of which the run itself is 1. "
        "As others may use the machine, batches and learning are given in processor time, which does not count "
        f"waiting for a core (but for two processes that share the work), and for a batch the best part; single comments by the clock, the best of {most} "
        f"processes for each comment (of minilm {heavy}); first scores are the best of {starts} (of minilm {heavy}){apart}. In single "
        "comments and batches the systems take turns, so that what disturbs one disturbs all. Ratios to the peers, which had the same rows in the same run, say more than seconds. "
        f"Python {result['python']}, numpy {result['numpy']}; everything runs in a fresh process with one thread. "
        f"The model is {result['model']}.",
        "",
        "Peers read the raw text of a comment. spamguard reads its author and its post as well, cleans it, and "
        "can tell its reasons; this is what its time goes into, and how much better it judges is in "
        "[accuracy.md](accuracy.md).",
        "",
        "Each single comment is measured the first time that it is seen, after others under the same posts. Where "
        "a batch has more rows than there are real ones, they come again with a word changed into one that "
        "stands nowhere else, so that no two texts are alike.",
        "",
        "Every figure here is written by `benchmarks/render.py` from `benchmarks/results/speed-peers.json`. To measure "
        "again:",
        "",
        "```",
        "sh benchmarks/accuracy/install_peers.sh peers-env",
        "peers-env/bin/python benchmarks/speed/speed_bench.py DIR",
        "```",
        "",
        *_targets(result),
        "## Beside the peers",
        "",
        "First score: from starting Python to the first answer, less what Python with numpy takes "
        f"({_number(1000 * bare['numpy']['processor_s'])} ms, {_number(bare['numpy']['peak_mb'])} MB; Python alone "
        f"{_number(1000 * bare['python']['processor_s'])} ms). By the clock, spamguard's first answer is there after "
        f"{_number(1000 * result['first']['seconds'])} ms, of which Python with numpy are "
        f"{_number(1000 * bare['numpy']['seconds'])} ms. A peer near zero or below does without numpy. The first "
        "link to a host of three parts or more reads the list of public suffixes: such a first score takes "
        f"{_number(result['first_longer_host']['above_bare_ms'])} ms.",
        "",
    ]
    for name in result["panels"]:
        lines += _peers(result, name)
    sections = (_many, _learning, _length, _compiled, _ran)
    return "\n".join([*lines, *(line for section in sections for line in section(result))])
