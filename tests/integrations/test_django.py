"""The Django app in a real project: that of examples/django, with either comments package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spamguard

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "examples" / "django"
CASES = Path(__file__).parent / "django"
# The name alone may also be in the path of the environment.
PACKAGE = "/".join(Path(spamguard.__file__).parts[-3:-1]) + "/"
APPS = ["django_comments", pytest.param("django_comments_xtd", marks=pytest.mark.slow)]


def manage(tmp_path, *arguments, **more):
    """Run a command of the project, with its data elsewhere."""
    environment = os.environ | {"BLOG_DATA": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"} | more
    command = [sys.executable, "-W", "default", "manage.py", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.mark.parametrize("app", APPS)
def test_the_cases_under_djangos_own_runner(app, tmp_path):
    pytest.importorskip("django", reason="Django is not installed: pip install spamguard[django]")
    pytest.importorskip(app, reason=f"{app} is not installed")
    done = manage(tmp_path, "test", str(CASES), "--pattern", "cases.py", BLOG_COMMENTS=app)
    assert done.returncode == 0, done.stderr
    assert "Ran 2" in done.stderr, done.stderr  # more than twenty, not none
    ours = [line for line in done.stderr.splitlines() if PACKAGE in line and "Warning" in line]
    assert not ours


@pytest.mark.parametrize("app", APPS)
def test_the_project_is_sound_and_its_migrations_are_whole(app, tmp_path):
    pytest.importorskip(app, reason=f"{app} is not installed")
    done = manage(tmp_path, "check", BLOG_COMMENTS=app)
    assert done.returncode == 0, done.stderr
    done = manage(tmp_path, "makemigrations", "--check", "blog", "spamguard", BLOG_COMMENTS=app)
    assert done.returncode == 0, done.stdout + done.stderr
