"""``spamguard serve`` under load and faults: real processes, real kills, a real full disk.

It needs wrk (Debian: apt-get install wrk). The parts that need PostgreSQL or the right to
mount a small disk are null without them.

Usage: python benchmarks/server/server_bench.py RESULT.json [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faults
import load
import slow

_PARTS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "throughput": (lambda: load.throughput(20), lambda: load.throughput(3)),
    "alone": (lambda: load.alone(1_000), lambda: load.alone(100)),
    "slow_clients": (lambda: slow.slow(slow.WANTED, 300), lambda: slow.slow(200, 50)),
    "kill_9": (lambda: faults.kill_9(2), lambda: faults.kill_9(1)),
    "database_restarted": (
        lambda: faults.database_restarted(1),
        lambda: faults.database_restarted(1),
    ),
    "full_disk": (faults.full_disk, faults.full_disk),
    "corrupt_model": (lambda: faults.corrupt_model(4), lambda: faults.corrupt_model(1)),
}
"""Each part as it is measured, and tiny."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    parser.add_argument("--only", choices=_PARTS, action="append", help="keep the other parts")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if options.only and options.result.is_file():
        found = json.loads(options.result.read_text("utf-8"))
    found |= {"python": platform.python_version(), "cores": os.cpu_count()}
    for name in options.only or _PARTS:
        print(f"{time.strftime('%T')} {name}", file=sys.stderr)
        found[name] = _PARTS[name][options.quick]()
        # Parts that were measured are kept if the next one fails.
        options.result.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
