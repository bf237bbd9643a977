"""The pages in a real browser: keys, undo, campaigns, no script, a phone, what can be read."""

from __future__ import annotations

import pytest

HAM = (
    "Thanks, the second query was missing an index here too.",
    "Which version of the compiler did you try that with?",
    "My rye loaf collapsed as well until I lowered the heat.",
)
PAGES = {
    "queue": "", "thresholds": "/thresholds", "retrain": "/retrain", "figures": "/figures",
    "log": "/log",
}  # fmt: skip


def decisions(live):
    found = {}
    for entry in live.services.journal.labels("first"):
        found[entry["text"]] = entry["label"]
    return found


def focused(page):
    return page.evaluate("document.activeElement.id")


def cards(page):
    return page.eval_on_selector_all(".card", "all => all.map(card => card.id)")


def told(page, words):
    """Wait until the page says so; a function would need what its policy forbids."""
    page.wait_for_selector(f"#message:has-text('{words}')")


@pytest.fixture
def filled(live):
    for text in HAM:
        live.seed.comment(text)
    live.seed.campaign(3)
    return live


def test_the_keyboard_alone_decides_and_takes_back(filled, window):
    watched = window()
    page = watched.log_in()
    page.reload()
    campaign, *others = cards(page)
    assert len(others) == 3
    page.keyboard.press("s")  # nothing is in focus yet: it only goes to the first
    assert focused(page) == campaign
    assert decisions(filled) == {}
    for key, expected in (
        ("j", others[0]),
        ("j", others[1]),
        ("k", others[0]),
        ("k", campaign),
        ("k", campaign),
    ):
        page.keyboard.press(key)
        assert focused(page) == expected
    page.keyboard.press("s")  # three near-copies at once
    told(page, "3 comments")
    assert focused(page) == others[0]
    assert cards(page) == others
    page.keyboard.press("h")
    told(page, "1 comment marked as not")
    assert sorted(decisions(filled).values()) == ["ham", "spam", "spam", "spam"]
    with page.expect_navigation():
        page.keyboard.press("u")
    assert sorted(decisions(filled).values()) == ["spam", "spam", "spam"]
    page.wait_for_selector(f"#{others[0]}")
    with page.expect_navigation():
        page.keyboard.press("u")
    assert decisions(filled) == {}
    assert cards(page) == [campaign, *others]
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("jshu")  # letters in a field are letters
    assert page.input_value("#q") == "jshu"
    assert decisions(filled) == {}
    watched.clean()


def test_shortcuts_can_be_turned_off_and_stay_so(filled, window):
    page = window().log_in()
    page.click(".keys summary")
    page.click("label[for=keys-on]")
    page.reload()
    page.focus(".card")
    page.keyboard.press("s")
    page.keyboard.press("j")
    assert focused(page) == cards(page)[0]
    assert decisions(filled) == {}


def test_every_step_can_be_done_with_tab_and_enter(filled, window):
    page = window().log_in()
    card = cards(page)[-1]
    text = page.text_content(f"#{card} .comment")
    page.focus(f"#{card}")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "ham":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"  # the focus can be seen
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#{card}", state="detached")
    assert decisions(filled) == {text.strip(): "ham"}


def test_a_campaign_is_decided_as_ticked(filled, window):
    page = window().log_in()
    page.uncheck(".card:first-child .copies input >> nth=0")
    page.click(".card:first-child button.spam")
    told(page, "2 comments")
    assert list(decisions(filled).values()) == ["spam", "spam"]
    page.click("#undo-button")
    page.wait_for_selector(":nth-match(.card, 4)")
    assert decisions(filled) == {}


def test_a_decision_that_fails_is_told_and_the_comment_stays(filled, window):
    page = window().log_in()
    page.evaluate("document.querySelectorAll('input[name=csrf]').forEach(i => { i.value = 'x' })")
    page.click(".card:first-child button.spam")
    page.wait_for_selector(".undo.failed")
    assert "earlier log-in" in page.text_content("#message")
    assert len(cards(page)) == 4
    assert page.get_attribute(".card:first-child", "aria-busy") is None
    assert decisions(filled) == {}


def test_without_a_script_forms_do_the_same(filled, window):
    watched = window(java_script_enabled=False)
    page = watched.log_in()
    page.click(".card:first-child button.spam")
    assert page.is_visible("text=3 comments marked as spam.")
    assert len(page.query_selector_all(".card")) == 3
    page.click(".card:first-child button.ham")
    assert sorted(decisions(filled).values()) == ["ham", "spam", "spam", "spam"]
    page.click("#undo-button")
    page.click("#undo-button")
    assert decisions(filled) == {}
    assert len(page.query_selector_all(".card")) == 4
    page.fill("#q", "rye")
    page.press("#q", "Enter")
    assert len(page.query_selector_all(".card")) == 1
    page.goto(f"{filled.base}/moderate/thresholds")
    assert page.is_visible("button:has-text('Show')")
    page.click("text=Log out")
    assert page.is_visible("#password")
    watched.clean()


def test_the_slider_tells_and_saves(live, window, screenshots):
    live.seed.decide(live.seed.sample(40))
    watched = window()
    page = watched.log_in()
    page.goto(f"{live.base}/moderate/thresholds")
    before = page.text_content("[data-shows=caught]")
    page.focus("#step")
    page.keyboard.press("Home")
    chance = page.text_content("output")
    assert page.text_content("[data-shows=caught]") != before or "(100.0 %" in before
    assert page.get_attribute("#step", "aria-valuetext") == f"{chance} probability"
    assert "(100.0 %" in page.text_content("[data-shows=caught]")
    page.keyboard.press("End")
    page.click("button:has-text('from now on')")
    page.wait_for_selector("text=Saved")
    assert live.seed.site().spam_cut == pytest.approx(9.0)
    watched.clean()


def test_retraining_in_the_browser(live, window, screenshots):
    from .test_pages import teach

    teach(live.seed, live.services, flipped=False)
    watched = window()
    page = watched.log_in()
    page.goto(f"{live.base}/moderate/retrain")
    page.click("text=Retrain now")
    page.wait_for_selector("#progress")
    screenshots(page, "retrain-running")
    page.wait_for_selector("button:has-text('Use the new model')", timeout=240_000)
    screenshots(page, "retrain-passed")
    page.click("button:has-text('Use the new model')")
    page.wait_for_selector("text=The new model is in use.")
    page.click("text=Use the previous model again")
    page.wait_for_selector("text=The previous model is in use again.")
    watched.clean()


# --- how it looks --------------------------------------------------------------------

AUDIT = """() => {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const found = rgb(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
      if (found[3] > 0) throw new Error("half-transparent ground");
    }
    return rgb(getComputedStyle(document.documentElement).getPropertyValue("--ground"));
  };
  const wrong = [];
  const name = (e) => e.outerHTML.slice(0, 90);
  for (const e of document.querySelectorAll("body *")) {
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    if (style.visibility === "hidden" || box.width < 2 || e.closest("svg")) continue;
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (own && !e.closest(":disabled")) {
      const [a, b] = [light(rgb(style.color)), light(ground(e))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${name(e)}`);
    }
    if (e.matches("input:not([type=hidden]), select, textarea") && !e.labels.length && !e.ariaLabel)
      wrong.push(`no label: ${name(e)}`);
    if (e.matches("button, a[href]")) {
      if (!(e.ariaLabel || e.textContent).trim()) wrong.push(`no name: ${name(e)}`);
      if (e.matches("button") && box.height && box.height < 24) wrong.push(`too small: ${name(e)}`);
    }
    if (e.matches("meter, progress") && !e.ariaLabel && !e.labels.length) wrong.push(`no name: ${name(e)}`);
    if (e.tabIndex > 0) wrong.push(`order of focus: ${name(e)}`);
    for (const kind of ["aria-labelledby", "aria-describedby"])
      for (const id of (e.getAttribute(kind) || "").split(" ").filter(Boolean))
        if (!document.getElementById(id)) wrong.push(`${kind} of nothing: ${name(e)}`);
  }
  for (const e of document.querySelectorAll("svg")) {
    for (const t of e.querySelectorAll("text")) {
      const [a, b] = [light(rgb(getComputedStyle(t).fill)), light(ground(e.parentElement))];
      if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) wrong.push(`contrast: ${name(t)}`);
    }
    for (const t of e.querySelectorAll("[class^=fill-], [class^=line-]")) {
      const style = getComputedStyle(t);
      const color = style.fill === "none" ? style.stroke : style.fill;
      const [a, b] = [light(rgb(color)), light(ground(e.parentElement))];
      if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 3) wrong.push(`contrast: ${name(t)}`);
    }
  }
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((h) => Number(h.tagName[1]));
  if (levels.filter((n) => n === 1).length !== 1) wrong.push(`first headings: ${levels}`);
  levels.forEach((n, i) => { if (i && n > levels[i - 1] + 1) wrong.push(`heading skipped: ${levels}`); });
  if (!document.documentElement.lang || !document.title) wrong.push("no language or title");
  if (document.querySelectorAll("main").length !== 1) wrong.push("no main part");
  return wrong;
}"""


def check_looks(live, page, screenshots, name, width):
    for part, path in PAGES.items():
        page.goto(f"{live.base}/moderate{path}")
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate(AUDIT) == [], part
        assert page.evaluate("document.documentElement.scrollWidth") <= width, part
        page.reload()
        screenshots(page, f"{part}-{name}")


def test_the_pages_can_be_read_by_all(live, window, screenshots):
    labels = live.seed.sample(60)
    live.seed.decide(labels, 45)
    live.seed.campaign(12)
    watched = window()
    watched.page.goto(f"{live.base}/moderate")
    assert watched.page.evaluate(AUDIT) == []
    screenshots(watched.page, "login")
    page = watched.log_in()
    page.click(".card:nth-child(2) button.ham")  # so that the bar below is there
    page.wait_for_selector("#undo-button")
    check_looks(live, page, screenshots, "light", 1200)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = window(color_scheme="dark")
    check_looks(live, dark.log_in(), screenshots, "dark", 1200)
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    phone = window(viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True)
    check_looks(live, phone.log_in(), screenshots, "phone", 320)
    for each in (watched, dark, phone):
        each.clean()


def test_the_audit_of_looks_finds_what_is_wrong(live, window):
    """If it saw nothing, it would always pass."""
    page = window().log_in()
    page.evaluate("""() => {
      const add = (tag, text, color) => {
        const e = document.querySelector("main").appendChild(document.createElement(tag));
        e.textContent = text;
        if (color) e.style.color = color;
      };
      add("p", "faint", "#999");
      add("input", "");
      add("button", "");
      add("h3", "too deep");
    }""")
    found = " ".join(page.evaluate(AUDIT))
    for words in ("contrast 2", "no label", "no name", "heading skipped"):
        assert words in found
