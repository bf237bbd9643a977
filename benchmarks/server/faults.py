"""What is broken under load, and what of the acknowledged feedback is in the journal afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from servers import others, postgresql, serving

from spamguard import load_model, save_model
from spamguard.feedback import Journal
from spamguard.storage import find_model

THANKS = "Thanks for making the web a better place."
_TEACHERS, _ASKERS = 2, 2
_SITE = "first"
_SPAM = "cheap viagra at http://pills.example order now"


class Load:
    """Threads that teach and threads that ask, each counting what became of its requests."""

    def __init__(self, server: Any) -> None:
        self._server, self._stop = server, threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        self.teaching: Counter[str] = Counter()
        self.asking: Counter[str] = Counter()

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        """Keep up the load; when this ends, every request has ended."""
        threads = [threading.Thread(target=self._teach, args=(i,)) for i in range(_TEACHERS)]
        threads += [threading.Thread(target=self._ask) for _ in range(_ASKERS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _teach(self, teacher: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            text = f"{teacher} {number} {_SPAM}"
            became = self._became(lambda text=text: self._server.blog.spam(text), (THANKS,))
            with self._lock:
                self.teaching[became] += 1
                if became == "good":
                    self.acknowledged.append(text)
            if became != "good":
                time.sleep(0.05)

    def _ask(self) -> None:
        while not self._stop.is_set():
            became = self._became(self._server.blog.check, ("true", "false"))
            with self._lock:
                self.asking[became] += 1
            if became != "good":
                time.sleep(0.05)

    @staticmethod
    def _became(send: Any, good: tuple[str, ...]) -> str:
        try:
            reply = send()
        except Exception as error:  # whatever a client may see when a server dies
            return "no answer" if isinstance(error, OSError) else type(error).__name__
        if reply.status_code != 200:
            return str(reply.status_code)
        return "good" if reply.text in good else "another word"

    def more(self, count: int) -> None:
        """Wait until so much more is acknowledged."""
        wanted = len(self.acknowledged) + count
        self._server.wait_for(lambda: len(self.acknowledged) >= wanted)

    def told(self, database: str) -> dict[str, Any]:
        """Return what was counted, and what of it the journal holds."""
        with Journal(database, create=False) as journal:
            kept = {row["text"] for row in journal.labels(_SITE)}
        return {
            "corrections": dict(self.teaching), "questions": dict(self.asking),
            "acknowledged": len(self.acknowledged),
            "lost": len(set(self.acknowledged) - kept),
            "kept_without_thanks": len(kept - set(self.acknowledged)),
        }  # fmt: skip


def kill_9(times: int) -> dict[str, Any]:
    """Kill workers under load."""
    machine = others()
    with serving() as server:
        load = Load(server)
        with load.running():
            for turn in range(times):
                load.more(20)
                former = server.workers()
                os.kill(former[turn % len(former)], signal.SIGKILL)
                server.wait_for(
                    lambda old=former: len(server.workers()) == 2 and server.workers() != old
                )
            load.more(20)
        server.stop()
        return {"machine": machine, "kills": times, **load.told(server.database)}


def database_restarted(times: int) -> dict[str, Any] | None:
    """Kill the database server under load, and start it again."""
    with postgresql() as database:
        if database is None:
            return None
        machine = others()
        with serving(database=database.url) as server:
            load = Load(server)
            with load.running():
                for _ in range(times):
                    load.more(20)
                    database.stop("immediate")
                    time.sleep(2)
                    database.start()
                load.more(20)
            server.stop()
            return {"machine": machine, "restarts": times, **load.told(database.url)}


def full_disk() -> dict[str, Any] | None:
    """Fill the disk of the database by teaching, then make room."""
    with _small_disk(4) as place:
        if place is None:
            return None
        machine = others()
        with serving(database=str(place / "server.db")) as server:
            load = Load(server)
            with load.running():
                server.wait_for(lambda: load.teaching["503"] > 5)
                full_at, asked = len(load.acknowledged), Counter(load.asking)
                server.wait_for(lambda: load.asking["good"] > asked["good"] + 20)
                verdicts_while_full = load.asking["good"] - asked["good"]
                _resize(place, 64)
                load.more(20)
            server.stop()
            told = load.told(server.database)
        return {
            "machine": machine, "megabytes": 4, "acknowledged_when_full": full_at,
            "verdicts_while_full": verdicts_while_full, **told,
        }  # fmt: skip


def corrupt_model(times: int) -> dict[str, Any]:
    """Replace the model by good and by damaged ones in turn, while questions are asked."""
    machine = others()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        shutil.copytree(find_model("default"), model)
        with serving("--model", str(model)) as server:
            load = Load(server)
            with load.running():
                for turn in range(times):
                    _damage(model, turn)
                    _seen(server, "refused", 2 * (turn + 1))
                    save_model(load_model("default"), model, version=f"good-{turn}")
                    _seen(server, "reloaded", 2 * (turn + 1))
                load.more(20)
            ready = server.http.get("/ready").text
            server.stop()
            return {
                "machine": machine, "damaged": times, "replaced": times,
                "last_is_served": f"good-{times - 1}" in ready, **load.told(server.database),
            }  # fmt: skip


def _damage(model: Path, turn: int) -> None:
    """Leave half of the description, or of the weights, as a copy that was broken off does."""
    description = model / "model.json"
    (weights,) = model.glob("weights-*.npz")
    file = (description, weights)[turn % 2]
    half = file.with_suffix(".half")
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    half.replace(file)
    os.utime(description)  # the server looks at its time


def _seen(server: Any, what: str, count: int) -> None:
    server.wait_for(lambda: server.err.read_text().count(f'"what": "{what}"') >= count)


@contextlib.contextmanager
def _small_disk(megabytes: int) -> Iterator[Path | None]:
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def _resize(place: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(place)], check=True)
