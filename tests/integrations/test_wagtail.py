"""A real Wagtail site whose readers send in pages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SITE = Path(__file__).parent / "wagtail"


def test_pages_that_readers_send_in(tmp_path):
    pytest.importorskip("wagtail", reason="Wagtail is not installed: pip install wagtail")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(SITE),
        "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "django", "test", str(SITE), "--pattern", "cases.py"],
        cwd=SITE, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr, done.stderr
