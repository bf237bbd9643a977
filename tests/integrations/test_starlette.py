"""FastAPI and Starlette: the example under a real server, and the event loop while it judges."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="FastAPI is not installed: pip install 'spamguard[fastapi]'")

from starlette.applications import Starlette  # noqa: E402
from starlette.responses import JSONResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

from spamguard.errors import InputError  # noqa: E402
from spamguard.integrations.starlette import Spamguard  # noqa: E402

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
CLUB = "Our chess club meets each Friday evening, see http://chess.example for the place."
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def server(tmp_path):
    """The example under uvicorn, in a process of its own."""
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "SPAMGUARD_JOURNAL": str(tmp_path / "feedback.db"), "MODERATOR_TOKEN": "secret",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "fastapi_blog:app", "--port", str(port)],
        cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(1200):
                try:
                    client.get("/comments")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, process.stdout.read()
                    time.sleep(0.1)
            yield client
        process.terminate()
        said, _ = process.communicate(timeout=60)
        assert "Application shutdown complete" in said


def test_the_example_publishes_holds_back_and_learns(server):
    def new(text):
        return server.post("/comments", json={"text": text}).raise_for_status().json()

    def decide(key, decision, token="secret"):
        return server.post(f"/comments/{key}/{decision}", headers={"X-Token": token}).status_code

    assert new(SPAM)["published"] is False
    assert new(HAM)["published"] is True
    assert server.get("/comments").json() == [HAM]
    club = new(CLUB)["id"]
    assert decide(club, "spam", token="wrong") == 403
    assert decide(club, "spam") == 204
    assert new(CLUB + " Come!")["published"] is False
    assert decide(club, "ham") == 204
    assert new(CLUB + " Do!")["published"] is True
    assert server.post("/comments", json={}).status_code == 422


def starlette_app(guard):
    async def new(request):
        try:
            verdict = await guard.check_request(request, request.query_params.get("id"))
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"label": verdict.label})

    return Starlette(routes=[Route("/", new, methods=["POST"])], lifespan=guard.lifespan)


def test_starlette_takes_forms_and_json(tmp_path):
    guard = Spamguard(tmp_path / "feedback.db")
    app = starlette_app(guard)

    async def run():
        transport = httpx.ASGITransport(app)
        async with (
            guard.lifespan(app),
            httpx.AsyncClient(transport=transport, base_url="http://blog.example") as client,
        ):
            said = [
                await client.post("/?id=1", json={"comment": SPAM, "name": "cheap pills"}),
                await client.post("/?id=2", json={"text": HAM}),
                await client.post("/", content=b"{", headers={"content-type": "application/json"}),
                await client.post("/", json=[1]),
            ]
            many = await asyncio.gather(
                *(client.post("/", json={"text": (HAM, SPAM)[i % 2]}) for i in range(40))
            )
            kept = [(e.comment_id, e.label) for e in guard.site.journal.entries()]
        return said, [answer.json()["label"] for answer in many], kept

    said, many, kept = asyncio.run(run())
    assert [answer.status_code for answer in said] == [200, 200, 400, 400]
    assert many == ["ham", "spam"] * 20
    assert kept == [("1", "spam"), ("2", "ham")]


def test_the_event_loop_goes_on_while_a_comment_is_judged(tmp_path):
    guard = Spamguard(tmp_path / "feedback.db")
    loop_was_free = threading.Event()

    class Slow:
        hold = "unsure"

        def check(self, *_):
            # Only the event loop sets it; were this its thread, it could not.
            return loop_was_free.wait(20)

        def close(self):
            pass

    guard.site = Slow()

    async def run():
        judging = asyncio.ensure_future(guard.check(HAM))
        await asyncio.sleep(0)
        loop_was_free.set()
        return await judging

    assert asyncio.run(run()) is True
    guard.close()


def test_it_opens_again_in_another_loop(tmp_path):
    guard = Spamguard(tmp_path / "feedback.db")
    for key in ("a", "b"):
        assert asyncio.run(guard.check(HAM, key)).label == "ham"
        guard.close()
    asyncio.run(guard.correct("a", "ham", by="anna"))
    assert guard.site.journal.summary().ham == 1
    guard.close()
