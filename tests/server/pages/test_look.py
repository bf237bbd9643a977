"""Each page in a real browser: light and dark, on a phone, what can be read and reached."""

from __future__ import annotations

PAGES = {
    "queue": "", "thresholds": "/thresholds", "retrain": "/retrain", "figures": "/figures",
    "log": "/log",
}  # fmt: skip


def test_screenshots(live, window, screenshots):
    labels = live.seed.sample(200)
    live.seed.decide(labels, 120)
    live.seed.campaign(12)
    for scheme in ("light", "dark"):
        page = window(color_scheme=scheme).log_in()
        for name, path in PAGES.items():
            page.goto(f"{live.base}/moderate{path}")
            screenshots(page, f"{name}-{scheme}")
    watched = window(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = watched.log_in()
    for name, path in PAGES.items():
        page.goto(f"{live.base}/moderate{path}")
        screenshots(page, f"{name}-phone")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    watched.clean()
