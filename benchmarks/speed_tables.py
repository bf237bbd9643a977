"""docs/speed.md, from results/speed-peers.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.protocols.markdown import block

OURS = "spamguard"
FASTTEXT = "fasttext"
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


def _against_fasttext(panel: Panel) -> Target:
    what, wanted = "`score_many`, compared with fastText", ">= 1 times"
    theirs = panel["systems"].get(FASTTEXT)
    if theirs is None:
        return Target(what, wanted, "not measured: it is absent", None)
    own = panel["systems"][OURS]["many"]["per_second_best"]
    ratio = float(own) / float(theirs["many"]["per_second_best"])
    return Target(what, wanted, _times(ratio), ratio >= 1)


def _two_cores(own: Mapping[str, Any]) -> Target:
    found, what, wanted = own["two_cores"], "two cores, compared with one", ">= 1.9 times"
    if "skipped" in found:
        return Target(what, wanted, f"not measured: {found['skipped']}", None)
    gain, most = (
        found[k] / found["jobs_1_per_second"] for k in ("jobs_2_per_second", "apart_per_second")
    )
    measured = f"{_times(gain)} (two independent processes: {_number(most)})"
    return Target(what, wanted, measured, gain >= 1.9)


def _new_post(found: Mapping[str, Any]) -> Target:
    what = "one comment, new post of 1,000 words, median"
    if "skipped" in found:
        return Target(what, "< 500 us", "not measured: no posts of that length", None)
    return _most(what, 500, found["median_us"], "us")


_ONE = {"tubespam": 40}
_ONE_OF_BLOGS = 100


def _panel_targets(name: str, panel: Panel) -> list[Target]:
    own = panel["systems"][OURS]
    one, train, frame = own["one"], own["train"], own["frame"]
    tail = one["p99_us"] / one["median_us"]
    found = [
        _against_fasttext(panel),
        _most("one comment, its post seen before, median", _ONE.get(name, _ONE_OF_BLOGS), one["median_us"], "us"),
        Target("its 99th percentile, compared with the median", "<= 5 times", _times(tail), tail <= 5),
        _new_post(own["new_post"]),
        _two_cores(own),
    ]  # fmt: skip
    if train["comments"] == 100_000:
        seconds = 1_000_000 / frame["per_second_best"]
        found += [
            _most("learn from 100,000 comments", 10, train["seconds"], "s"),
            _most(
                "`score_frame` of 1,000,000 comments, at the rate of the best part",
                40,
                seconds,
                "s",
            ),
        ]
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


def _first(result: Result) -> Target:
    what = "first score of a fresh process, all of it, compared with fastText's"
    theirs = [
        panel["systems"][FASTTEXT]["first"]["processor_s"]
        for panel in result["panels"].values()
        if FASTTEXT in panel["systems"]
    ]
    own = result["first"]["processor_s"]
    measured = f"{_number(1000 * own)} ms"
    if not theirs:
        return Target(what, "less", f"{measured}; fastText is absent", None)
    return Target(what, f"< {_number(1000 * min(theirs))} ms", measured, own < min(theirs))


def _common_targets(result: Result) -> list[Target]:
    first, (slower, larger) = result["first"], _growth(result)
    steepest, shape = _steepest(result)
    raw = result["stream"]["with_reading"]
    return [
        _first(result),
        _most("memory of that process", 40, first["peak_mb"], "MB"),
        _least("`partial_fit` with reading", 20_000, raw["comments"] / raw["seconds"], " rows a second"),
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
    return found | {name: _panel_targets(name, panel) for name, panel in result["panels"].items()}


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
        f"{missed} of {len(rows)} targets are missed on this machine. Seconds and microseconds depend on "
        "the machine; the ratios can be compared directly.",
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


# --- the interpreted form -------------------------------------------------------------


def _interpreted(result: Result) -> list[str]:
    rows = []
    for name, panel in result["panels"].items():
        own = panel["systems"][OURS]
        slow = own["interpreted"]
        rows.append(
            [
                _name(name),
                *map(_number, (own["one"]["median_us"], slow["one"]["median_us"])),
                *map(_number, (own["many"]["per_second_best"], slow["many"]["per_second_best"])),
            ]
        )
    return [
        "## Without a compiler",
        "",
        "Where `pip` finds no C compiler, the same modules run as Python, with the same numbers to the last bit. "
        "`spamguard --version` says which form runs.",
        "",
        *block(
            ["", "one comment, compiled, us", "interpreted, us", "comments a second, compiled", "interpreted"],
            rows,
        ),
    ]  # fmt: skip


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


def _limits(result: Result) -> list[str]:
    """Return what a user should not expect, in a few sentences."""
    first, bare = result["first"], result["bare"]["numpy"]
    lines = [
        f"Measured on {result['cores']} slow cores with one thread, in the {result['form']} form.",
        "",
        f"- A fresh process needs {_number(1000 * first['processor_s'])} ms for its first verdict; loading numpy is "
        f"{_number(1000 * bare['processor_s'])} ms of that.",
    ]
    for name, panel in result["panels"].items():
        own = panel["systems"][OURS]
        theirs = panel["systems"].get(FASTTEXT)
        if theirs is not None:
            ratio = theirs["many"]["per_second_best"] / own["many"]["per_second_best"]
            lines.append(
                f"- On {_name(name)}, fastText judges {_number(ratio)} times as many comments a second; it reads no post, "
                "no author and no markup."
            )
        if "skipped" not in own["new_post"]:
            lines.append(
                f"- The first comment under a post of 1,000 words takes {_number(own['new_post']['median_us'] / 1000)} "
                "ms, because the post is read; the next ones do not."
            )
    return [*lines, ""]


def page(result: Result) -> str:
    """Return docs/speed.md."""
    load, bare = result["load_average"], result["bare"]
    most, starts, heavy = (result["sizes"][key] for key in ("repeats", "starts", "heavy_repeats"))
    apart = (
        " spamguard and Python alone were measured separately, in turns, after the run."
        if result.get("starts_again")
        else ""
    )
    lines = [
        "# How fast it is",
        "",
        *_limits(result),
        *_summary(result),
        "spamguard reads a comment with its author and its post, cleans the text, and can explain its verdict. The peers "
        "read only the raw text of the comment. [Accuracy](accuracy.md) shows how much better spamguard's verdicts are.",
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
    sections = (_interpreted, _many, _learning, _length, _ran)
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
