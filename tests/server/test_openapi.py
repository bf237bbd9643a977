"""Our own endpoints against their description: schemathesis makes requests of it, good and bad."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

import spamguard
from spamguard.server import create_app
from spamguard.server.protocols.posts_api import DESCRIPTION, MOST
from spamguard.server.store import MOST_URL, VISIBLE

DOCUMENT = json.loads(DESCRIPTION.read_text("utf-8"))
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
PARAMETERS = [operation for operation in OPERATIONS if operation[0] == "/v1/posts"]
EXAMPLES = 30


def test_it_describes_the_routes_of_our_own():
    described = {(path, method.upper()) for path, method in OPERATIONS}
    own = {path for path, _ in described}
    routes = {
        (route.path, method)
        for route in create_app().routes
        if route.path in own or route.path.startswith("/v1/")
        for method in route.methods - {"HEAD"}
    }
    assert described == routes


def test_it_names_the_limits_and_the_version():
    assert DOCUMENT["info"]["version"] == spamguard.__version__
    url = DOCUMENT["components"]["schemas"]["Post"]["properties"]["url"]
    assert (url["maxLength"], url["pattern"]) == (MOST_URL, VISIBLE)
    for method in ("get", "delete"):
        (parameter,) = DOCUMENT["paths"]["/v1/posts"][method]["parameters"]
        assert parameter["schema"]["pattern"] == VISIBLE
    body = DOCUMENT["paths"]["/v1/posts"]["put"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["anyOf"][1]["properties"]["posts"]["maxItems"] == MOST


@pytest.fixture
def described(blog, monkeypatch):
    """Return the description, as it is served, bound to the server."""
    schemathesis = pytest.importorskip("schemathesis", reason="pip install 'spamguard[dev]'")
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


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_good_requests(described, blog, path, method):
    try_all(described[path][method].as_strategy(), blog.key)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), PARAMETERS)
def test_bad_requests(described, blog, path, method):
    from schemathesis import GenerationMode

    operation = described[path][method]
    try_all(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), blog.key)
