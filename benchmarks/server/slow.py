"""Thousands of clients that send a byte now and then, beside others at normal speed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import time
from pathlib import Path
from typing import Any

from servers import WORKERS, forms, others, percentiles, register_posts, request_of, serving

WANTED = 10_000
_RESERVE = 500  # files for everything else
_EVERY = 10.0  # seconds between two bytes of one client
_AT_ONCE = 200  # connections being opened
_PATIENCE = 300  # seconds that the server grants for a body; 20 by default
_PAD = 200  # bytes of a slow body, more than are dripped


class Slow:
    """A client that sends the head of its request, or its body, slowly."""

    def __init__(self, request: bytes, in_head: bool) -> None:
        # Slow clients drip into a header that means nothing.
        head, body = request.split(b"\r\n\r\n", 1)
        if in_head:
            self.first, self.drip, self.rest = head + b"\r\nX-Slow: ", b"x", b"\r\n\r\n" + body
        else:
            # ... or into an unknown field, whose length is announced.
            pad = b"&slow=" + b"x" * _PAD
            length = re.sub(rb"(Content-Length: )\d+", rb"\g<1>%d" % (len(body) + len(pad)), head)
            self.first, self.drip = length + b"\r\n\r\n" + body + b"&slow=", b"x"
            self.rest = b"x" * _PAD
        self.in_head = in_head
        self.sent = 0
        self.lost = False
        self.answered = False

    async def open(self, port: int) -> None:
        """Connect and send the beginning."""
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
            self.writer.write(self.first)
        except OSError:
            self.lost = True

    def step(self) -> None:
        """Send one byte."""
        self.lost = self.lost or self.reader.at_eof()
        if not self.lost:
            self.writer.write(self.drip)
            self.sent += 1

    async def finish(self) -> None:
        """Send the rest, and read the answer."""
        if self.lost:
            return
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.writer.write(self.rest if self.in_head else self.rest[self.sent :])
            head = await self.reader.readuntil(b"\r\n\r\n")
            self.answered = head.startswith(b"HTTP/1.1 200")
        self.writer.close()


async def _drip(clients: list[Slow], stop: asyncio.Event) -> None:
    """Let the clients send a byte each in turn, evenly over the time."""
    parts = 100
    turn = 0
    while not stop.is_set():
        for client in clients[turn % parts :: parts]:
            client.step()
        turn += 1
        await asyncio.sleep(_EVERY / parts)


async def _others(port: int, requests: list[bytes], count: int) -> dict[str, Any]:
    """Send one request at a time on a new connection, as blogs do."""
    taken, failed = [], 0
    for i in range(count):
        start = time.perf_counter()
        try:
            async with asyncio.timeout(60):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(requests[i % len(requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
            continue
        failed += not head.startswith(b"HTTP/1.1 200")
        taken.append(time.perf_counter() - start)
        await asyncio.sleep(0.02)
    return {"requests": count, "failed": failed, **percentiles(taken)}


async def _held(server: Any, requests: list[bytes], number: int, count: int) -> dict[str, Any]:
    before = await _others(server.port, requests, count)
    clients = [Slow(requests[i % len(requests)], i % 2 == 0) for i in range(number)]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def begin(client: Slow) -> None:
        async with gate:
            await client.open(server.port)

    start = time.perf_counter()
    await asyncio.gather(*map(begin, clients))
    opened = time.perf_counter() - start
    stop = asyncio.Event()
    dripping = asyncio.create_task(_drip([c for c in clients if not c.lost], stop))
    try:
        during = await _others(server.port, requests, count)
        await asyncio.sleep(_EVERY)  # so that each had its turn
        files = {n: len(list(Path(f"/proc/{n}/fd").iterdir())) for n in server.workers()}
        memory = _memory_mb(server)
    finally:
        stop.set()
        await dripping
    held = sum(not client.lost for client in clients)
    await asyncio.gather(*(client.finish() for client in clients))
    return {
        "clients": number, "opened_in_seconds": round(opened, 1), "held": held,
        "files_of_workers": sorted(files.values()), "memory_mb_of_workers": memory,
        "others_before": before, "others_during": during,
        "slow_answered_in_the_end": sum(client.answered for client in clients),
    }  # fmt: skip


def _memory_mb(server: Any) -> list[int]:
    texts = [Path(f"/proc/{n}/status").read_text() for n in server.workers()]
    return sorted(int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) // 1024 for text in texts)


def slow(number: int, count: int) -> dict[str, Any]:
    """Hold `number` slow clients at once, or as many as the limit of open files allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + _RESERVE
    allowed = wanted if most == resource.RLIM_INFINITY else min(most, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    machine = others()
    with serving("--patience", str(_PATIENCE)) as server:
        register_posts(server)
        requests = [request_of(form) for form in forms(server.key[0])]
        found = asyncio.run(_held(server, requests, min(number, allowed - _RESERVE), count))
    return {
        "machine": machine, "wanted": number, "workers": WORKERS, "seconds_between_bytes": _EVERY,
        **found,
    }  # fmt: skip
