"""The compiled modules and their sources give the same numbers, and the sources run where asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spamguard import forms
from spamguard.features import COMPILED

ROOT = Path(__file__).parents[2]
INTERPRETED = {**os.environ, forms.INTERPRETED: "1"}
needs_both = pytest.mark.skipif(
    not COMPILED, reason="the modules are not compiled: scripts/compile does that"
)

# Prints a digest of all that the sample's comments become, and which form made it.
ROWS = """
import hashlib
from spamguard import load_model
from spamguard.corpus import comments_of, load_sample
from spamguard.features import COMPILED
model = load_model()
comments = comments_of(load_sample())
rows = model.vectorizer.rows(comments)
digest = hashlib.sha256()
for part in (rows.dense, rows.indptr, rows.columns, rows.values):
    digest.update(part.tobytes())
digest.update("".join(rows.languages).encode())
for verdict in model.verdicts(comments):
    digest.update(repr((verdict.log_odds, verdict.label)).encode())
print(COMPILED, digest.hexdigest())
"""


def run(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_both
def test_both_forms_give_the_same_bits():
    compiled, interpreted = run(ROWS, dict(os.environ)), run(ROWS, INTERPRETED)
    assert compiled.split()[0] == "True"
    assert interpreted.split()[0] == "False"
    assert compiled.split()[1] == interpreted.split()[1]


@needs_both
def test_the_sources_pass_the_tests_of_the_features():
    tests = ["tests/features", "tests/test_golden.py", "tests/test_scoring.py"]
    own = "--ignore=tests/features/test_forms.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-qx", "-n0", "-pno:cacheprovider", own, *tests],
        env=INTERPRETED,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3_000:]


@pytest.mark.parametrize("module", forms.MODULES)
def test_a_compiled_module_is_as_new_as_its_source(module):
    source = ROOT / f"{module.replace('.', '/')}.py"
    for made in source.parent.glob(f"{source.stem}.*"):
        if made.suffix in (".so", ".pyd"):
            assert made.stat().st_mtime >= source.stat().st_mtime, "run scripts/compile"


@pytest.mark.parametrize(("value", "form"), [("1", "interpreted"), ("0", None), ("", None)])
def test_the_environment_chooses_the_form(monkeypatch, value, form):
    monkeypatch.setenv(forms.INTERPRETED, value)
    assert forms.form() == (form or ("compiled" if COMPILED else "interpreted"))


def test_the_version_says_which_form_runs():
    out = run("from spamguard.cli import main; main(['--version'])", INTERPRETED)
    assert out.endswith("(interpreted)")
