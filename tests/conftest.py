"""What several test files share."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# A run in the background is deaf to Ctrl-C, and so would be the processes that tests send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if TYPE_CHECKING:
    import pandas as pd

    from spamguard import Comment, SpamClassifier, SpamModel

# Threads for matrices as small as these only get in each other's way; set before numpy is imported.
for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

settings.register_profile(
    "repeatable",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")


# What a fixture costs, everybody who asks for it pays: the tier of a test follows from these.
TIER_OF_FIXTURE = {
    "running": "database",
    "mariadb": "database",
    "chromium": "browser",
    "npm_clients": "process",
    "shared": "slow",
    "exports": "slow",
}


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they ask for, and those of the documents by where they are."""
    for item in items:
        tiers = {TIER_OF_FIXTURE.get(name) for name in getattr(item, "fixturenames", ())} - {None}
        if item.path.parent.name == "docs" or item.path.stem.endswith("_docs"):
            tiers.add("docs")
        if not item.get_closest_marker("quick"):
            for tier in tiers:
                item.add_marker(tier)


class HangError(AssertionError):
    """A call that should take a moment took many seconds."""


@pytest.fixture
def no_hang() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context manager that ends a call which hangs.

    It guards against quadratic time, where a megabyte takes hours; it is no
    measure of speed.
    """

    @contextmanager
    def guard(seconds: int = 10) -> Iterator[None]:
        if not hasattr(signal, "SIGPROF"):
            yield
            return

        def stop(*_: object) -> None:
            raise HangError(f"not done in {seconds} seconds")

        # Seconds of this process: others may use the machine.
        before = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    return guard


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of the larger sets, where this machine has it."""
    named = os.environ.get("SPAMGUARD_DATASETS")
    for place in (
        [Path(named)] if named else [Path(__file__).resolve().parents[2] / "shared" / "datasets"]
    ):
        if place.is_dir():
            return place
    pytest.skip("needs the larger labelled sets: set SPAMGUARD_DATASETS to their directory")


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """The sample corpus."""
    from spamguard.corpus import load_sample

    return load_sample()


@pytest.fixture(scope="session")
def sample_comments(sample: pd.DataFrame) -> list[Comment]:
    """Its comments, each with its post."""
    from spamguard.corpus import comments_of

    return comments_of(sample)


@pytest.fixture(scope="session")
def fitted(sample: pd.DataFrame, sample_comments: list[Comment]) -> SpamClassifier:
    """An estimator that learned the sample; not to be fitted again."""
    from spamguard import SpamClassifier

    return SpamClassifier(bits=12).fit(sample_comments, sample["label"])


@pytest.fixture(scope="session")
def model(fitted: SpamClassifier) -> SpamModel:
    """What it learned, small and independent of the shipped model."""
    from spamguard.model import Cuts

    cuts = Cuts(-1.0, 1.0, 4.0)
    return replace(fitted.model_, name="tests", version="1", cuts=cuts, about={"rows": 360})


class PostgreSQL:
    """A real PostgreSQL server of its own, without a network."""

    def __init__(self, programs, folder, account):
        self.programs, self.folder, self.account = programs, folder, account
        self.url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        self.data = folder / "data"
        # Tests kill it, so what it says is on the disk must be: fsync stays on.
        setup = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions")
        self.run("initdb", "-D", self.data, *setup)
        self.start()

    def run(self, program, *argv):
        with tempfile.TemporaryFile() as log:  # a pipe would stay open as long as the server runs
            done = subprocess.run(
                [self.programs / program, *argv], user=self.account, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=120,
                env=os.environ | {"LC_ALL": "C"},
            )  # fmt: skip
            log.seek(0)
            assert done.returncode == 0, log.read().decode("utf-8", "replace")

    def start(self):
        options = f"-k {self.folder} -c listen_addresses=''"
        self.run("pg_ctl", "-D", self.data, "-w", "-o", options, "-l", self.folder / "log", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def clear(self):
        """Drop every table."""
        import sqlalchemy

        engine = sqlalchemy.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
            connection.execute(sqlalchemy.text("CREATE SCHEMA public"))
        engine.dispose()


def programs_of_postgresql():
    """Return where its programs are, the newest; None where there are none."""
    found = [Path(place).parent for place in [shutil.which("initdb")] if place]
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found += [place.parent for place in sorted(versions, key=lambda p: float(p.parts[-3]))]
    return found[-1] if found else None


@pytest.fixture(scope="session")
def running():
    """Return a PostgreSQL server for all tests that want one; skip where there is none."""
    programs = programs_of_postgresql()
    if programs is None:
        pytest.skip("no PostgreSQL server here (apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL (pip install psycopg[binary])")
    account = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        names = {user.pw_name for user in pwd.getpwall()}
        account = next((name for name in ("postgres", "nobody") if name in names), None)
        if account is None:
            pytest.skip("PostgreSQL does not run as root, and there is no other account")
    # A socket's name may have a hundred characters at most, and pytest's directories are closed.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if account is not None:
        shutil.chown(folder, account)
    server = None
    try:
        server = PostgreSQL(programs, folder, account)
        yield server
    finally:
        if server is not None:
            server.stop("immediate")
        shutil.rmtree(folder)


@pytest.fixture
def server(running):
    """Return that server without any tables."""
    running.clear()
    return running


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def mariadb_programs() -> tuple[str | None, str | None]:
    """Return where the database server and its installer are."""
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/libexec"
    server = next(filter(None, (shutil.which(n, path=paths) for n in ("mariadbd", "mysqld"))), None)
    install = shutil.which("mariadb-install-db", path=paths) or shutil.which(
        "mysql_install_db", path=paths
    )
    return server, install


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Path]:
    """Start MariaDB or MySQL in a directory of our own, and return its socket.

    Nobody else's is touched.
    """
    program, install = mariadb_programs()
    if program is None:
        pytest.skip("no MariaDB or MySQL server is installed (Debian: mariadb-server)")
    # A socket's path may have only a hundred characters, so it cannot lie under tmp_path.
    home = Path(tempfile.mkdtemp(prefix="sgdb"))
    data, path, log = home / "data", home / "s", home / "log"
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    small = ["--innodb-buffer-pool-size=16M", "--skip-networking"]
    if install is not None:
        made = [
            install, "--no-defaults", f"--datadir={data}", "--skip-test-db",
            "--auth-root-authentication-method=normal", *as_root,
        ]  # fmt: skip
    else:
        made = [program, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *as_root]
    with log.open("wb") as out:
        done = subprocess.run(made, stdout=out, stderr=out, check=False, timeout=300)
    process = None
    try:
        if done.returncode:
            pytest.skip(
                f"the server's data cannot be set up: {log.read_text('utf-8', 'replace')[-300:]}"
            )
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    program, "--no-defaults", f"--datadir={data}", f"--socket={path}",
                    f"--pid-file={home / 'pid'}", *small, *as_root,
                ],
                stdout=out, stderr=out,
            )  # fmt: skip
        yield wait_for_socket(process, path, log)
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(home, ignore_errors=True)


def wait_for_socket(process: subprocess.Popen[bytes], path: Path, log: Path) -> Path:
    """Return the socket once somebody answers there; skip the test if nobody does."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(str(path))
            except OSError:
                time.sleep(0.2)
            else:
                return path
    pytest.skip(f"the server does not start: {log.read_text('utf-8', 'replace')[-300:]}")
