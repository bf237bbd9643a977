"""The pages on PostgreSQL, of two servers that share it."""

from __future__ import annotations

import json

from starlette.testclient import TestClient

from spamguard.server import ServerConfig, create_app

from .conftest import Browser, Seeder
from .test_pages import teach, wait_for


def test_the_pages_on_postgresql(server, tmp_path):
    config = ServerConfig(database=server.url, models=str(tmp_path / "models"))
    with TestClient(create_app(config)) as one, TestClient(create_app(config)) as other:
        seed = Seeder(one.app.state.worker)
        seed.site()
        seed.moderator()
        seed.campaign(4)
        seed.comment("Which version of the compiler did you try that with?", days=3)
        seed.services.recorder.flush()
        anna = Browser(one)
        assert anna.log_in().status_code == 303
        elsewhere = Browser(other)
        elsewhere.http.cookies.update(one.cookies)  # a session holds at both
        page = elsewhere.page("?order=unsure&label=&age=30&q=e&reason=")
        assert "4 near-copies" in page.text
        assert "All 5" in page.text
        ids = [box["value"] for box in page.all("input", type="checkbox", name="id")]
        assert elsewhere.post("/decide", {"decision": "spam", "id": ids}).status_code == 303
        assert "3 comments marked as spam." in anna.page().text
        teach(seed, seed.services, flipped=False)
        for path in (
            "?state=decided&order=sure",
            "/thresholds?promise=0.05",
            "/figures?span=90",
            "/log",
        ):
            assert anna.get(path).status_code == 200, path
        assert anna.post("/thresholds", {"site": "first", "cut": "3.5"}).status_code == 303
        assert seed.site().spam_cut == 3.5
        assert anna.post("/undo").status_code == 303
        assert seed.services.journal.summary("first").spam == 12
        assert anna.post("/retrain", {"site": "first"}).status_code == 303
        row = wait_for(seed.services, seed.site().id)
        assert row.state == "passed", json.loads(row.report)
        assert (
            elsewhere.post("/retrain/use", {"site": "first", "number": row.id}).status_code == 303
        )
        assert elsewhere.post("/logout").status_code == 303
        assert anna.get().status_code == 303
