"""Requests a second with wrk, then latency at half of that and one at a time."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from servers import forms, others, percentiles, register_posts, request_of, serving

THREADS, CONNECTIONS = 2, 16
_LUA = Path(__file__).with_name("comment_check.lua")
_HEAD = re.compile(rb"^HTTP/1\.1 200 .*?content-length: (\d+)\r\n.*?\r\n\r\n", re.S | re.I)


def wrk(server: Any, seconds: float) -> dict[str, Any]:
    """Send requests as fast as they are answered."""
    with tempfile.NamedTemporaryFile("w", suffix=".forms") as file:
        file.write("\n".join(forms(server.key[0])) + "\n")
        file.flush()
        done = subprocess.run(
            ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "30s",
             "-s", str(_LUA), server.base, "--", file.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"per_second": round(found["requests"] / found["seconds"], 1)}


def verdicts(server: Any) -> int:
    """Return how many verdicts the server counted, because `invalid` has status 200 too."""
    page = server.http.get("/metrics").text
    return int(sum(map(float, re.findall(r"spamguard_verdicts_total\{.*\} (\S+)", page))))


class Connection:
    """A keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: bytes) -> bool:
        """Return whether the answer is a verdict."""
        self._writer.write(request)
        head = _HEAD.match(await self._reader.readuntil(b"\r\n\r\n"))
        if head is None:
            return False
        return await self._reader.readexactly(int(head[1])) in (b"true", b"false")


async def _half(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    """Send at a fixed rate without waiting for answers; latency counts from the time it was due."""
    draw = random.Random(1)
    idle: list[Connection] = []
    taken: list[float] = []
    failed = 0

    async def one(due: float, request: bytes) -> None:
        nonlocal failed
        try:
            if not idle:
                idle.append(Connection(*await asyncio.open_connection("127.0.0.1", port)))
            connection = idle.pop()
            good = await connection.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
            return
        if not good:
            failed += 1
            return  # the rest of this answer would be read as the next one
        taken.append(time.perf_counter() - due)
        idle.append(connection)

    start = due = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        while (due := due + draw.expovariate(rate)) < start + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due, draw.choice(requests)))
    return {
        "wanted_per_second": round(rate, 1),
        "requests": len(taken) + failed,
        "failed": failed,
        **percentiles(taken),
    }


def _one_at_a_time(port: int, requests: list[bytes], count: int) -> dict[str, Any]:
    taken, failed = [], 0
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(count):
            start, got = time.perf_counter(), b""
            client.sendall(requests[i % len(requests)])
            while (head := _HEAD.match(got)) is None or len(got) < head.end() + int(head[1]):
                block = client.recv(65536)
                if not block:
                    raise ConnectionError(f"no answer: {got[:200]!r}")
                got += block
            taken.append(time.perf_counter() - start)
            failed += got[head.end() :] not in (b"true", b"false")
    return {"requests": count, "failed": failed, **percentiles(taken[count // 10 :])}


def throughput(seconds: float) -> dict[str, Any]:
    """Measure full load and half load of two workers."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    machine = others()
    with serving() as server:
        posts = register_posts(server)
        wrk(server, 5)  # to warm the caches
        before = verdicts(server)
        full = wrk(server, seconds)
        full["verdicts"] = verdicts(server) - before
        requests = [request_of(form) for form in forms(server.key[0])]
        half = asyncio.run(_half(server.port, requests, full["per_second"] / 2, seconds))
    return {"machine": machine, "posts": posts, "full": full, "half": half}


def alone(count: int) -> dict[str, Any]:
    """Measure one request at a time on a server with default settings."""
    machine = others()
    with serving(workers=1) as server:
        register_posts(server)
        requests = [request_of(form) for form in forms(server.key[0])]
        return {"machine": machine, **_one_at_a_time(server.port, requests, count)}
