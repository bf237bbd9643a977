"""The measurements in docs/server.md, from results/server.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.protocols.markdown import block

Result = Mapping[str, Any]


def _ms(found: Result) -> str:
    return f"{found['p50_ms']:,.1f} / {found['p99_ms']:,.1f} ms"


def _taken(found: Result) -> str:
    """Return how many cores other programs used meanwhile."""
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
        f"The default model scores the sample's comments, with their posts registered, over the loopback interface of "
        f"one machine with {result['cores']} cores and Python {result['python']}. The clients run on the same cores. "
        f"Other programs used {min(taken):.1f} to {max(taken):.1f} cores when the parts started, so the speeds are "
        "lower bounds. The counts of lost decisions are not affected.",
        "",
    ]


def _speed(result: Result) -> list[str]:
    full, half = result["throughput"]["full"], result["throughput"]["half"]
    alone, taken = result["alone"], _taken(result["throughput"])
    rows = [
        [
            "full load (wrk, 16 connections, two workers)",
            f"{full['per_second']:,.0f}", _ms(full), str(full["not_200"] + full["broken"]), taken,
        ],
        [
            "half of that, at a fixed rate (two workers)",
            f"{half['wanted_per_second']:,.0f}", _ms(half), str(half["failed"]), taken,
        ],
        [
            "one at a time (one worker)", "", _ms(alone), str(alone["failed"]), _taken(alone),
        ],
    ]  # fmt: skip
    head = [
        "comment-check", "requests a second", "p50 / p99", "failed", "cores used by others before",
    ]  # fmt: skip
    return block(head, rows)


def _slow(slow: Result) -> list[str]:
    before, during = slow["others_before"], slow["others_during"]
    less = "" if slow["clients"] == slow["wanted"] else f" (of {slow['wanted']:,} planned)"
    return [
        f"**Slow clients.** {slow['clients']:,} clients at once{less} send one byte every "
        f"{slow['seconds_between_bytes']:g} seconds, half of them in the head of their request and half in its body. "
        f"{slow['workers']} workers held {slow['held']:,} of them, using at most "
        f"{max(slow['memory_mb_of_workers']):,} MB each, and answered {slow['slow_answered_in_the_end']:,} when they "
        f"finished. Meanwhile {during['requests']:,} ordinary requests were sent one after another, and "
        f"{during['failed']} failed. Their median time was {during['p50_ms'] / before['p50_ms']:.1f} times that of "
        f"before, and p99 {during['p99_ms'] / before['p99_ms']:.1f} times. `--patience` was raised for this test; by "
        "default a body must arrive within 20 seconds.",
        "",
    ]


def _faults(result: Result) -> list[str]:
    rows = []
    if (found := result["kill_9"]) is not None:
        rows.append(_fault(f"kill -9 of a worker, {_often(found['kills'])}", found))
    if (found := result["database_restarted"]) is not None:
        rows.append(_fault(f"PostgreSQL killed and restarted, {_often(found['restarts'])}", found))
    if (found := result["full_disk"]) is not None:
        rows.append(
            _fault(f"a disk of {found['megabytes']} MB is full, then has space again", found)
        )
    if (found := result["corrupt_model"]) is not None:
        what = f"a damaged model, then a good one, {_often(found['damaged'])}"
        rows.append(_fault(what, found))
    lines = [
        "**Faults.** Two clients send corrections and two ask for verdicts, without a pause, while two workers run. "
        "Afterwards the journal is read. A correction is lost if it was acknowledged with thanks and is not in the "
        "journal.",
        "",
        *block(
            [
                "fault", "corrections acknowledged", "lost", "refused with 503", "disconnected",
                "verdicts", "verdicts that failed",
            ],
            rows,
        ),
    ]  # fmt: skip
    if (found := result["full_disk"]) is not None:
        lines += [
            f"While the disk was full, the server still gave {found['verdicts_while_full']} verdicts. Once there was "
            f"space, it accepted {found['acknowledged'] - found['acknowledged_when_full']} more corrections without a "
            "restart.",
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
