"""Measure the speed of spamguard and its peers in one run, on the same rows, in fresh processes.

Usage: python benchmarks/speed/speed_bench.py [DIRECTORY] [--output FILE] [--quick]

DIRECTORY holds the data sets; without it the sample is used. Compare ratios, because seconds depend on
the machine. Others may use it too, so long jobs are measured in processor time, and short ones are
repeated and the best is taken. `benchmarks/accuracy/install_peers.sh` makes an environment with all
peers; missing ones are recorded as absent. A run takes about ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]  # use this tree's package, installed or not

from speed_rows import Rows, panels  # noqa: E402
from speed_systems import SYSTEMS, System  # noqa: E402

from spamguard.forms import INTERPRETED, form  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "speed-peers.json"
OURS = "spamguard"
Found = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """The amount of work to measure."""

    batch: int = 100_000  # built from the real rows if there are fewer than `real`
    real: int = 5_000  # enough real rows for a batch
    part: int = 10_000
    single: int = 1_000
    posts: int = 300
    two_cores: int = 5_000
    shuffled: int = 5_000
    different: int = 20_000  # comments in the stream, which repeats them
    stream_part: int = 5_000
    stream: tuple[int, ...] = (250_000, 500_000, 1_000_000)
    lengths: tuple[int, ...] = (1_000, 10_000, 80_000, 1_000_000)
    repeats: int = 3
    starts: int = 7  # fresh processes whose first score is timed
    heavy_batch: int = 200  # for peers that take milliseconds per comment
    heavy_single: int = 30
    heavy_repeats: int = 2

    def batch_of(self, rows: Rows) -> tuple[int, int]:
        """Return the number of rows in a batch and in a call."""
        if len(rows) >= self.real:
            return self.real, self.real
        return self.batch, max(1, self.part // len(rows)) * len(rows)


QUICK = Sizes(
    batch=60, real=10_000, part=20, single=20, posts=5, two_cores=40, shuffled=40, different=40,
    stream_part=20, stream=(40, 80), lengths=(1_000, 2_000), repeats=1,
    starts=1, heavy_batch=4, heavy_single=2, heavy_repeats=1,
)  # fmt: skip
"""A quick check that everything runs; the figures mean nothing."""


# --- fresh processes ------------------------------------------------------------------


def _environment() -> dict[str, str]:
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    # Installed packages are byte-compiled; the first of several runs compiles this tree.
    rest = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**rest, **one, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}


class FailedError(Exception):
    """A job failed; the message is its last line of output."""


def run(job: str, *, interpreted: bool = False, **arguments: Any) -> Any:
    """Run one job of `speed_worker` in a fresh process."""
    environment = _environment() | ({INTERPRETED: "1"} if interpreted else {})
    done = subprocess.run(
        [sys.executable, str(HERE / "speed_worker.py")],
        input=json.dumps({"job": job, **arguments}),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise FailedError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return json.loads(done.stdout.splitlines()[-1])  # some libraries print before


_TELL = """
import time
print(flush=True)
used = time.process_time()
import sys
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
heavy = sorted({"sklearn", "scipy", "pandas", "joblib"} & set(sys.modules))
print(used, int(peak[0]) / 1024, *heavy)
"""
_OWN = """
import spamguard
spamguard.score("Great post! Cheap pills at http://pills.example", "How we moved to static pages")
"""
# A host of three labels makes it load the list of public suffixes.
_OWN_LONGER = _OWN.replace("http://pills", "http://cheap.pills")


def _peer_code(name: str, directory: Path) -> str:
    return (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path; from speed_systems import SYSTEMS\n"
        f"judge = SYSTEMS[{name!r}].load(Path({str(directory)!r}))\n"
        "judge.one('Great post! Cheap pills at http://pills.example')\n"
    )


def _start(code: str) -> Found:
    """Start Python, run `code`, and return clock seconds, processor seconds and peak MB."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code + _TELL], stdout=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line.strip():  # output of a library
            line = process.stdout.readline()
        seconds = time.perf_counter() - start
        used, peak, *heavy = process.stdout.read().split() or ("nan", "nan")
    if process.returncode:
        raise FailedError("the first score failed")
    return {
        "seconds": round(seconds, 4),
        "processor_s": round(float(used), 4),
        "peak_mb": round(float(peak), 1),
        "heavy_imports": heavy,
    }


def fresh(code: str, repeats: int) -> Found:
    """Return the best of several fresh processes that run `code`."""
    return _best([_start(code) for _ in range(repeats)])


def starts(repeats: int) -> tuple[dict[str, Found], Found, Found]:
    """Return what Python alone takes to start, what spamguard takes, and with a longer host.

    They take turns: what is subtracted must be measured in the same moments.
    """
    codes = {
        **{name: f"{code}\n" for name, code in _BARE.items()},
        "own": _OWN,
        "longer": _OWN_LONGER,
    }
    rounds = [{name: _start(code) for name, code in codes.items()} for _ in range(repeats)]
    best = {name: _best([found[name] for found in rounds]) for name in codes}
    bare = {name: best[name] for name in _BARE}
    return bare, above(best["own"], bare["numpy"]), above(best["longer"], bare["numpy"])


def _best(found: list[Found]) -> Found:
    keys = ("seconds", "processor_s", "peak_mb")
    return {**found[-1], **{key: min(f[key] for f in found) for key in keys}}


def again(result: Found) -> Found:
    """Return `result` with spamguard's first scores measured again and the peers' ratios updated."""
    bare, first, longer = starts(result["sizes"]["starts"])
    for found in result["panels"].values():
        for system in found["systems"].values():
            if "first" in system:
                system["first"] = above(system["first"], bare["numpy"])
    return {
        **result,
        "bare": bare,
        "first": first,
        "first_longer_host": longer,
        "starts_again": True,
    }


def above(found: Found, bare: Found) -> Found:
    """Return `found` with its processor time beyond that of Python and numpy alone."""
    more = found["processor_s"] - bare["processor_s"]
    return {**found, "above_bare_ms": round(1000 * more, 1)}


def singles(times: list[list[float]]) -> Found:
    """Return the median and p99 of single comments, each the best of its times in several processes."""
    best = sorted(map(min, zip(*times, strict=True)))
    if not best:
        return {"skipped": "no rows for it"}
    return {
        "comments": len(best),
        "median_us": round(1e6 * best[len(best) // 2], 1),
        "p99_us": round(1e6 * best[min(len(best) - 1, int(0.99 * len(best)))], 1),
    }


def best_of(found: list[Found]) -> Found:
    """Return the batch with the best rate."""
    return max(found, key=lambda f: f["per_second_best"])


@dataclass
class Entrant:
    """A system on a panel, with its jobs and their results in each round."""

    one: Found  # the job for single comments, with its arguments
    batches: dict[str, Found]  # the jobs for batches, by name
    rounds: int
    rest: Found
    ones: list[list[float]] = field(default_factory=list)
    many: dict[str, list[Found]] = field(default_factory=dict)

    def go(self) -> None:
        """Run a round."""
        self.ones.append(run(**self.one))
        for name, job in self.batches.items():
            self.many.setdefault(name, []).append(run(**job))

    def found(self) -> Found:
        """Return all measurements."""
        best = {name: best_of(found) for name, found in self.many.items()}
        return {**self.rest, "one": singles(self.ones), **best}


# --- what is measured -----------------------------------------------------------------


def own(path: Path, rows: Rows, sizes: Sizes) -> Entrant:
    """Measure on a panel what only spamguard does."""
    at, (count, part) = str(path), sizes.batch_of(rows)
    once = [
        run("own_once", rows=at, count=sizes.shuffled) for _ in range(2 if sizes.repeats > 1 else 1)
    ]
    rest = {
        "about": "the shipped model, each comment with its author and its post",
        "version": tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
            "version"
        ],
        "new_post": singles(
            [run("own_post", rows=at, count=sizes.posts) for _ in range(sizes.repeats)]
        ),
        "text_alone": run("own_text", rows=at, count=sizes.shuffled),
        "first_pass_per_second": round(max(f["comments"] / f["seconds"] for f in once)),
        "shuffled": run("own_shuffled", rows=at, count=sizes.shuffled),
        "two_cores": run("own_two_cores", rows=at, count=sizes.two_cores),
        "train": run("own_train", rows=at, count=count),
    }
    one = {"job": "own_one", "rows": at, "count": sizes.single}
    batch = {"rows": at, "count": count, "part": part}
    rest["interpreted"] = {
        "one": singles([run(**one, interpreted=True)]),
        "many": run("own_many", **{**batch, "count": min(count, sizes.shuffled)}, interpreted=True),
    }
    batches = {"many": {"job": "own_many", **batch}, "frame": {"job": "own_frame", **batch}}
    return Entrant(one, batches, sizes.repeats, rest)


def peer(
    system: System, path: Path, rows: Rows, sizes: Sizes, bare: Found, directory: Path
) -> Entrant:
    """Train a peer on a panel; it scores with the model learned from the real rows."""
    count, part = sizes.batch_of(rows)
    single, rounds, tries = sizes.single, sizes.repeats, sizes.starts
    if system.heavy:
        count = part = sizes.heavy_batch
        single, rounds, tries = sizes.heavy_single, sizes.heavy_repeats, sizes.heavy_repeats
    learned = min(len(rows), count)
    call = {"system": system.name, "rows": str(path)}

    def train(rows_learned: int) -> tuple[Path, Found]:
        place = directory / str(rows_learned)
        place.mkdir(parents=True)
        return place, run("train", **call, directory=str(place), count=rows_learned)

    small, model = train(learned)
    trained = model if learned == count else train(count)[1]
    call["directory"] = str(small)
    rest = {
        "about": system.about,
        "version": system.version(),
        "first": above(fresh(_peer_code(system.name, small), tries), bare),
        "train": trained,
        "model_mb": model["model_mb"],
    }
    one = {"job": "one", **call, "count": single}
    many = {"job": "many", **call, "count": count, "part": part}
    return Entrant(one, {"many": many}, rounds, rest)


def attempt(system: System, *arguments: Any) -> Entrant | str:
    """Measure a peer, or return why it is absent."""
    missing = system.missing()
    if missing:
        return missing
    try:
        return peer(system, *arguments)
    except FailedError as error:
        return f"failed: {error}"


def panel(
    name: str, rows: Rows, sizes: Sizes, peers: Mapping[str, System], bare: Found, work: Path
) -> Found:
    """Measure everything on the rows of one panel."""
    path = work / f"{name}.json"
    rows.write(path)
    say(f"{name}: {OURS}")
    entrants = {OURS: own(path, rows, sizes)}
    absent: dict[str, str] = {}
    for system in peers.values():
        say(f"{name}: {system.name}")
        found = attempt(system, path, rows, sizes, bare, work / name / system.name)
        if isinstance(found, str):
            absent[system.name] = found
        else:
            entrants[system.name] = found
    # In turns, so that other load on the machine affects all of them.
    for number in range(sizes.repeats):
        say(f"{name}: round {number + 1}")
        for system_name, entrant in list(entrants.items()):
            if number >= entrant.rounds:
                continue
            try:
                entrant.go()
            except FailedError as error:
                if system_name == OURS:
                    raise
                absent[system_name] = f"failed: {error}"
                del entrants[system_name]
    return {
        "rows": rows.facts(),
        "batch": sizes.batch_of(rows)[0],
        "systems": {system: entrant.found() for system, entrant in entrants.items()},
        "absent": absent,
    }


def measure(
    directory: str | None, sizes: Sizes = Sizes(), peers: Mapping[str, System] = SYSTEMS
) -> Found:
    """Measure all panels, one after another."""
    start, load = time.time(), os.getloadavg()[0]
    say("first score")
    bare, first, longer = starts(sizes.starts)
    loads = [run("own_load") for _ in range(sizes.starts)]
    result: Found = {
        "protocol": "speed-peers",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "cores": os.cpu_count(),
        "sizes": asdict(sizes),
        "bare": bare,
        "first": first,
        "first_longer_host": longer,
        "load_ms": round(min(f["load_ms"] for f in loads), 1),
        "model_mb": round(loads[0]["model_mb"], 2),
        "model": loads[0]["model"],
        "form": form(),
        "panels": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, rows in panels(directory).items():
            result["panels"][name] = panel(name, rows, sizes, peers, bare["numpy"], work)
        say("stream and lengths")
        result["stream"] = run(
            "own_stream",
            rows=str(work / f"{next(iter(result['panels']))}.json"),
            different=sizes.different,
            part=sizes.stream_part,
            sizes=sizes.stream,
        )
    result["length"] = run("own_length", sizes=sizes.lengths, repeats=sizes.repeats)
    result["load_average"] = [round(load, 1), round(os.getloadavg()[0], 1)]
    result["minutes"] = round((time.time() - start) / 60, 1)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result["processor_minutes"] = round((used.ru_utime + used.ru_stime) / 60, 1)
    return result


_BARE = {"python": "pass", "numpy": "import numpy"}


def say(what: str) -> None:
    """Print the progress."""
    print(f"{time.strftime('%T')} {what}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    parser.add_argument(
        "--starts",
        action="store_true",
        help="measure first scores again, into the result that is there",
    )
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    if options.starts:
        found = again(json.loads(options.output.read_text("utf-8")))
    else:
        found = measure(options.directory, sizes)
    options.output.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
