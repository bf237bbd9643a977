"""A base install scores; whatever needs an extra says in one line how to install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spamguard import SpamguardError
from spamguard.loading import attach, optional

ROOT = Path(__file__).parents[1]
TRAIN = ("sklearn", "scipy", "pandas", "joblib", "threadpoolctl", "tqdm")
ALL = (
    *TRAIN,
    *("sqlalchemy", "pymysql", "yaml", "argon2", "jinja2", "prometheus_client", "starlette"),
    *("uvicorn", "httptools", "django", "flask", "fastapi", "isso", "matplotlib", "narwhals"),
    *("polars", "pyarrow", "pyspark", "dask", "distributed", "rich"),
)

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def without(modules, code, cwd):
    """Run `code` in a process in which none of `modules` can be imported."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKER.format(modules) + code],
        capture_output=True, text=True, cwd=cwd, env={"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip


def command(modules, argv, cwd):
    return without(modules, f"from spamguard.cli import main; sys.exit(main({argv!r}))", cwd)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.csv").write_text(
        "text,label,date\nhello there,ham,2024-01-01\nbuy pills now,spam,2024-01-02\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "argv",
    [
        ["score", "hello", "--explain"],
        ["score", "--input", "mine.csv", "--output", "scored.csv"],
        ["demo"],
        ["models"],
        ["models", "default"],
        ["import", "csv", "mine.csv", "-o", "corpus.jsonl"],
    ],
)
def test_what_the_base_install_does(folder, argv):
    done = command(ALL, argv, folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("extra", "modules", "argv"),
    [
        ("train", TRAIN, ["train", "--corpus", "mine.csv", "--output", "m"]),
        ("train", TRAIN, ["evaluate", "mine.csv"]),
        ("train", TRAIN, ["thresholds", "mine.csv", "--max-ham-lost", "0.1"]),
        ("train", TRAIN, ["retrain", "--from", "mine.csv", "-o", "m"]),
        ("train", TRAIN, ["audit", "mine.csv"]),
        ("train", TRAIN, ["queue", "mine.csv"]),
        ("train", TRAIN, ["replay", "mine.csv"]),
        ("train", TRAIN, ["drift", "mine.csv", "mine.csv"]),
        ("train", TRAIN, ["campaigns", "mine.csv"]),
        ("train", TRAIN, ["score", "--input", "mine.csv", "--jobs", "2"]),
        ("import", ("sqlalchemy",), ["import", "wordpress-db", "mysql://x/y", "-o", "c.jsonl"]),
        ("feedback", ("sqlalchemy",), ["feedback", "f.db", "list"]),
        ("server", ("starlette",), ["serve"]),
        ("server", ("argon2",), ["sites", "--help"]),
        ("analysis", ("matplotlib",), ["drift", "mine.csv", "mine.csv", "--plot", "x.png"]),
        ("analysis", ("pyarrow",), ["score", "--input", "mine.csv", "--output", "x.parquet"]),
    ],
)
def test_a_command_names_the_extra_that_it_needs(folder, extra, modules, argv):
    done = command(modules, argv, folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("spamguard: This needs ")
    assert done.stderr.endswith(f": pip install 'spamguard[{extra}]'\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("extra", "modules", "code"),
    [
        ("train", TRAIN, "from spamguard import SpamClassifier"),
        ("train", TRAIN, "from spamguard.analysis import evaluate_corpus"),
        ("train", TRAIN, "import spamguard; spamguard.score_frame({'text': ['hello']})"),
        ("train", TRAIN, "import spamguard; spamguard.score_many(['hello'] * 9, n_jobs=2)"),
        ("analysis", ("matplotlib",), "from spamguard.analysis import plots"),
        ("feedback", ("sqlalchemy",), "from spamguard.feedback import Journal"),
        ("feedback", ("sqlalchemy",), "import spamguard.integrations.django.judging"),
        ("feedback", ("sqlalchemy",), "import spamguard.integrations.flask"),
        ("feedback", ("sqlalchemy",), "import spamguard.integrations.starlette"),
        ("feedback", ("sqlalchemy",), "import spamguard.integrations.isso"),
    ],
)
def test_a_name_says_which_extra_it_needs(folder, extra, modules, code):
    done = without(modules, code, folder)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("spamguard.errors.MissingPackageError: This needs ")
    assert last.endswith(f": pip install 'spamguard[{extra}]'")


def test_other_missing_modules_are_faults_of_their_own():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), optional():
        import no_such_module  # noqa: F401


def test_a_missing_library_is_an_import_error_and_ours():
    with pytest.raises(ImportError) as found, optional("analysis"):
        raise ModuleNotFoundError(name="pandas.core")
    assert isinstance(found.value, SpamguardError)
    assert found.value.name == "pandas"
    assert str(found.value) == "This needs pandas: pip install 'spamguard[analysis]'"


def test_attach_offers_what_it_says_and_nothing_else():
    names, load, listed = attach("spamguard", {"comment": ["Post", "Comment"]})
    assert names == listed() == ["Comment", "Post"]
    assert load("Post").__name__ == "Post"
    with pytest.raises(AttributeError, match="'spamguard' has no attribute 'nothing'"):
        load("nothing")
