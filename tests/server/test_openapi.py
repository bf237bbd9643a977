"""Our own endpoints against their own description: schemathesis makes requests of it, good and bad."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from spamguard.server.protocols.openapi import document

schemathesis = pytest.importorskip("schemathesis", reason="pip install 'spamguard[dev]'")

from schemathesis import GenerationMode  # noqa: E402

pytestmark = pytest.mark.slow

OPERATIONS = [(path, method) for path, methods in document()["paths"].items() for method in methods]
PARAMETERS = [operation for operation in OPERATIONS if operation[0] == "/v1/posts"]
EXAMPLES = 30


@pytest.fixture
def described(blog, monkeypatch):
    """Return the description, as it is served, bound to the server."""
    # Each good request comes again with wrong keys, more often than one address may.
    monkeypatch.setattr("spamguard.server.http.limits._MOST_GUESSES", 10_000)
    return schemathesis.openapi.from_asgi("/openapi.json", blog.http.app)


def try_all(cases, key):
    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def answered_as_described(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"})

    answered_as_described()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_good_requests(described, blog, path, method):
    try_all(described[path][method].as_strategy(), blog.key)


@pytest.mark.parametrize(("path", "method"), PARAMETERS)
def test_bad_requests(described, blog, path, method):
    operation = described[path][method]
    try_all(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), blog.key)
