"""The figures of docs/server.md, from results/server.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Result = Mapping[str, Any]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _ms(found: Result) -> str:
    return f"{found['p50_ms']:,.1f} / {found['p99_ms']:,.1f} ms"


def _taken(found: Result) -> str:
    """Return what other programs took of the machine meanwhile."""
    return f"{found['machine']['cores_taken_by_others']:.1f}"


def figures(result: Result) -> list[str]:
    """Return the lines."""
    return [*_head(result), *_speed(result), *_slow(result["slow_clients"]), *_faults(result)]


def _head(result: Result) -> list[str]:
    taken = [
        part["machine"]["cores_taken_by_others"]
        for part in result.values()
        if isinstance(part, dict)
    ]
    return [
        f"The default model, the sample's comments with their posts registered, all on loopback of one machine of "
        f"{result['cores']} cores, Python {result['python']}. Those who ask run on the same cores. Other programs "
        f"ran there too and took {min(taken):.1f} to {max(taken):.1f} cores at the start of the parts: "
        "speeds are lower bounds, counts of what was lost are not touched by it.",
        "",
    ]


def _speed(result: Result) -> list[str]:
    full, half = result["throughput"]["full"], result["throughput"]["half"]
    alone, taken = result["alone"], _taken(result["throughput"])
    rows = [
        [
            "as many as are answered (wrk, 16 connections, two workers)",
            f"{full['per_second']:,.0f}", _ms(full), str(full["not_200"] + full["broken"]), taken,
        ],
        [
            "half of that, whether or not the last is answered (two workers)",
            f"{half['wanted_per_second']:,.0f}", _ms(half), str(half["failed"]), taken,
        ],
        [
            "one at a time (one worker)", "", _ms(alone), str(alone["failed"]), _taken(alone),
        ],
    ]  # fmt: skip
    head = [
        "comment-check", "requests a second", "p50 / p99", "failed", "cores taken by others before",
    ]  # fmt: skip
    return _table(head, rows)


def _slow(slow: Result) -> list[str]:
    before, during = slow["others_before"], slow["others_during"]
    less = (
        "" if slow["clients"] == slow["wanted"] else f" ({slow['wanted']:,} were not possible here)"
    )
    return [
        f"**Slow clients.** {slow['clients']:,} at once{less}, half of them in the head of their request and half in "
        f"its body, each with a byte every {slow['seconds_between_bytes']:g} seconds: {slow['held']:,} were held "
        f"by {slow['workers']} workers in {max(slow['memory_mb_of_workers']):,} MB each at most, and when they "
        f"finished {slow['slow_answered_in_the_end']:,} were answered. Meanwhile {during['requests']:,} others asked "
        f"one after the other, {during['failed']} in vain; their median was "
        f"{during['p50_ms'] / before['p50_ms']:.1f} times that of before, p99 "
        f"{during['p99_ms'] / before['p99_ms']:.1f} times. (`--patience` was raised for this; by default such clients "
        "are cut off after 20 seconds.)",
        "",
    ]


def _faults(result: Result) -> list[str]:
    rows = []
    if (found := result["kill_9"]) is not None:
        rows.append(_fault(f"kill -9 of a worker, {_often(found['kills'])}", found))
    if (found := result["database_restarted"]) is not None:
        rows.append(
            _fault(f"PostgreSQL killed and started again, {_often(found['restarts'])}", found)
        )
    if (found := result["full_disk"]) is not None:
        rows.append(_fault(f"a disk of {found['megabytes']} MB is full, then there is room", found))
    if (found := result["corrupt_model"]) is not None:
        what = f"a damaged model, then a good one, {_often(found['damaged'])}"
        rows.append(_fault(what, found))
    lines = [
        "**Faults.** Two workers, while two clients teach and two ask without a pause; afterwards the journal is read. "
        "Lost is what was acknowledged with thanks and is not in it.",
        "",
        *_table(
            [
                "what happens", "acknowledged", "lost", "refused with 503", "broken off",
                "verdicts", "questions in vain",
            ],
            rows,
        ),
    ]  # fmt: skip
    if (found := result["full_disk"]) is not None:
        lines += [
            f"With the disk full, {found['verdicts_while_full']} questions were still answered with a verdict "
            f"before room was made, and {found['acknowledged'] - found['acknowledged_when_full']} more corrections "
            "were taken afterwards, without a restart.",
            "",
        ]
    return [
        *lines,
        "Measured by `python benchmarks/server/server_bench.py benchmarks/results/server.json`.",
    ]


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _fault(what: str, found: Result) -> list[str]:
    taught, asked = found["corrections"], found["questions"]
    refused = taught.get("503", 0)
    broken = sum(taught.values()) - taught.get("good", 0) - refused
    return [
        what, f"{found['acknowledged']:,}", f"**{found['lost']:,}**", f"{refused:,}", f"{broken:,}",
        f"{asked.get('good', 0):,}", f"{sum(asked.values()) - asked.get('good', 0):,}",
    ]  # fmt: skip
