"""Breaks things under load, and checks that the journal has all acknowledged corrections."""

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
    """Threads that send corrections or ask for verdicts, and count the results."""

    def __init__(self, server: Any) -> None:
        self._server, self._stop = server, threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        self.teaching: Counter[str] = Counter()
        self.asking: Counter[str] = Counter()

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        """Keep up the load; all requests have ended when this does."""
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
            result = self._result(lambda text=text: self._server.blog.spam(text), (THANKS,))
            with self._lock:
                self.teaching[result] += 1
                if result == "good":
                    self.acknowledged.append(text)
            if result != "good":
                time.sleep(0.05)

    def _ask(self) -> None:
        while not self._stop.is_set():
            result = self._result(self._server.blog.check, ("true", "false"))
            with self._lock:
                self.asking[result] += 1
            if result != "good":
                time.sleep(0.05)

    @staticmethod
    def _result(send: Any, good: tuple[str, ...]) -> str:
        try:
            reply = send()
        except Exception as error:  # anything that a client may see when a server dies
            return "no answer" if isinstance(error, OSError) else type(error).__name__
        if reply.status_code != 200:
            return str(reply.status_code)
        return "good" if reply.text in good else "another word"

    def more(self, count: int) -> None:
        """Wait until `count` more corrections are acknowledged."""
        goal = len(self.acknowledged) + count
        self._server.wait_for(lambda: len(self.acknowledged) >= goal)

    def summary(self, database: str) -> dict[str, Any]:
        """Return the counts, and how many acknowledged corrections the journal lacks."""
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
                load.more(10)
                former = server.workers()
                os.kill(former[turn % len(former)], signal.SIGKILL)
                server.wait_for(
                    lambda old=former: len(server.workers()) == 2 and server.workers() != old
                )
            load.more(10)
        server.stop()
        return {"machine": machine, "kills": times, **load.summary(server.database)}


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
                    load.more(10)
                    database.stop("immediate")
                    time.sleep(2)
                    database.start()
                load.more(10)
            server.stop()
            return {"machine": machine, "restarts": times, **load.summary(database.url)}


def full_disk() -> dict[str, Any] | None:
    """Fill the database's disk with corrections, then make room."""
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
                load.more(10)
            server.stop()
            summary = load.summary(server.database)
        return {
            "machine": machine, "megabytes": 4, "acknowledged_when_full": full_at,
            "verdicts_while_full": verdicts_while_full, **summary,
        }  # fmt: skip


def corrupt_model(times: int) -> dict[str, Any]:
    """Replace the model by damaged and good ones in turn, under load."""
    machine = others()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        shutil.copytree(find_model("default"), model)
        with serving("--model", str(model)) as server:
            load = Load(server)
            with load.running():
                for turn in range(times):
                    _damage(model, turn)
                    _wait_for_log(server, "refused", 2 * (turn + 1))
                    save_model(load_model("default"), model, version=f"good-{turn}")
                    _wait_for_log(server, "reloaded", 2 * (turn + 1))
                load.more(10)
            ready = server.http.get("/ready").text
            server.stop()
            return {
                "machine": machine, "damaged": times, "replaced": times,
                "last_is_served": f"good-{times - 1}" in ready, **load.summary(server.database),
            }  # fmt: skip


def _damage(model: Path, turn: int) -> None:
    """Leave half of the description or of the weights, as an interrupted copy does."""
    description = model / "model.json"
    (weights,) = model.glob("weights-*.npz")
    file = (description, weights)[turn % 2]
    half = file.with_suffix(".half")
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    half.replace(file)
    os.utime(description)  # the server looks at its time


def _wait_for_log(server: Any, what: str, count: int) -> None:
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
