"""What the tests of the importers share: small cases of ours, and the real exports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spamguard.importers import Report, read_comments

CASES = Path(__file__).parent / "cases"
BESIDE = Path(__file__).parents[3] / "shared" / "exports"
EXPORTS = Path(os.environ.get("SPAMGUARD_EXPORTS") or BESIDE)


@pytest.fixture
def cases() -> Path:
    """The cases, written for this project."""
    return CASES


@pytest.fixture
def exports() -> Path:
    """Real exports, which do not ship."""
    if not EXPORTS.is_dir():
        pytest.skip(
            "real exports do not ship: no ../shared/exports beside the repository, and "
            "SPAMGUARD_EXPORTS names no directory"
        )
    return EXPORTS


@pytest.fixture
def taken():
    """Return a function that reads a source whole: its comments and its report."""

    def take(source, path, **options):
        report = Report()
        comments = []
        for comment in read_comments(source, path, report, **options):
            report.keep(comment)
            comments.append(comment)
        total = report.spam + report.ham + report.unlabelled.total()
        assert report.found == total + report.apart.total() + report.dropped.total()
        return comments, report

    return take
