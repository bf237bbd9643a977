"""Comments are hostile: each of these, in each field, is shown and does nothing."""

from __future__ import annotations

import pytest

from spamguard.server.store.posts import RegisteredPost

from .conftest import PASSWORD

EVIL = "http://evil.invalid"
PAYLOADS = (
    "<script>pwned=1;alert(1)</script>",
    "</script><script>pwned=1</script>",
    f"<script src={EVIL}/x.js></script>",
    f"<img src={EVIL}/x.png onerror=pwned=1>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=pwned=1>",
    "<svg><script>pwned=1</script></svg>",
    f"<svg><use href='{EVIL}/x.svg#a'/></svg>",
    "<svg><animate onbegin=pwned=1 attributeName=x dur=1s>",
    f"<iframe src={EVIL}></iframe>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    f"<object data={EVIL}></object>",
    f"<embed src={EVIL}>",
    f"<link rel=stylesheet href={EVIL}/x.css>",
    f"<style>@import '{EVIL}/x.css';body{{display:none}}</style>",
    f"<div style=\"background:url({EVIL}/x.png)\">x</div>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    f"<base href={EVIL}/>",
    f"<form action={EVIL}><button name=id value=1>Spam</button></form>",
    f"</form><form action={EVIL} id=undo>",
    "<input name=csrf value=x><input name=decision value=spam>",
    f"<a href={EVIL} accesskey=s>look</a>",
    "<a href=\"javascript:pwned=1\">look</a>",
    "\" autofocus onfocus=pwned=1 x=\"",
    "' onmouseover='pwned=1",
    "\"><script>pwned=1</script>",
    "--><script>pwned=1</script><!--",
    "]]><script>pwned=1</script>",
    "</textarea></title></style><script>pwned=1</script>",
    "<details open ontoggle=pwned=1>",
    f"<video poster={EVIL}/x.png src={EVIL}/x.mp4 autoplay onloadstart=pwned=1></video>",
    "<math><mtext></p><script>pwned=1</script>",
    "<template><script>pwned=1</script></template>",
    "{{ 7*7 }}{% for x in y %}{{ config }}",
    "{{''.__class__.__mro__}}",
    "javascript:pwned=1//",
    "data:text/html,<script>parent.pwned=1</script>",
    "\u2028pwned=1\u2029\u202e<b>\x00<scr\x00ipt>pwned=1</script>",
    "&lt;script&gt;pwned=1&lt;/script&gt;",
    "<scr<script>ipt>pwned=1</scr</script>ipt>",
    "\ud83d<script>pwned=1</script>\udc00",
    "+ADw-script+AD4-pwned=1+ADw-/script+AD4-",
    f"![x]({EVIL}/x.png) [look](javascript:pwned=1) [img]{EVIL}/x.png[/img]",
    "<marquee onstart=pwned=1>x</marquee>",
    "<body onload=pwned=1><html manifest=x>",
    "<img name=cookie><form id=cards><input id=told name=children>",
    f"https://user:pass@evil.invalid/?q=<script>pwned=1</script>&r={EVIL}",
)  # fmt: skip


def test_there_are_enough_of_them():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 25


@pytest.fixture
def hostile(live):
    """All payloads in all fields, by the protocol and as posts; decided ones too."""
    import json
    import urllib.parse
    import urllib.request

    key = live.services.sites.renew_key("first")
    for i, payload in enumerate(PAYLOADS):
        wire = payload.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        permalink = f"http://blog.example/{i}?{wire}"
        live.services.posts.put(
            live.seed.site().id,
            [RegisteredPost(permalink, payload, f"<p>{payload}</p>{payload}", payload)],
        )
        if wire == payload:
            fields = {
                "api_key": key, "blog": "http://blog.example", "user_ip": "192.0.2.1",
                "user_agent": payload, "referrer": payload, "permalink": permalink,
                "comment_type": payload[:20], "comment_author": f"{payload} {i}",
                "comment_author_email": payload, "comment_author_url": payload,
                "comment_content": f"cheap pills {i} {payload} order now",
                "comment_date_gmt": payload,
            }  # fmt: skip
            body = urllib.parse.urlencode(fields).encode()
            with urllib.request.urlopen(
                f"{live.base}/1.1/comment-check", body, timeout=60
            ) as reply:
                assert reply.status == 200
        else:  # halves of characters, which a form cannot send
            live.seed.comment(payload, author=payload, author_url=payload, permalink=permalink)
    live.services.recorder.flush()
    live.services.journal.correct(
        json.dumps(PAYLOADS[0]), "spam", by=PAYLOADS[3], comment=PAYLOADS[0], site="first"
    )
    return live


def test_nothing_of_it_acts(hostile, window, screenshots):
    watched = window()
    page = watched.log_in()
    seen = 0
    for number in (1, 2, 3):
        page.goto(f"{hostile.base}/moderate?page={number}")
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.mouse.move(300, 400)
        seen += len(page.query_selector_all(".card"))
        assert_inert(page, hostile.base)
    assert seen >= len(PAYLOADS) - 5  # some are near-copies of each other
    screenshots(page, "hostile")
    for query in ("?state=all&q=%3Cscript%3Epwned%3D1%3C/script%3E", "?reason=%3Cscript%3Epwned=1%3C/script%3E",
                  "?order=%22%3E%3Cscript%3E&label=%22%3E", "/log", "/log?by=%22%3E%3Cscript%3Epwned=1%3C/script%3E",
                  "/login?next=%22%3E%3Cscript%3Epwned=1%3C/script%3E"):  # fmt: skip
        page.goto(f"{hostile.base}/moderate{query}")
        assert_inert(page, hostile.base)
    page.goto(f"{hostile.base}/moderate")
    page.focus(".card")
    page.keyboard.press("s")  # the keys still do what they should
    page.wait_for_selector("#message:has-text('marked as spam')")
    page.wait_for_timeout(300)
    assert_inert(page, hostile.base)
    watched.clean()
    assert [p.url for p in watched.context.pages] == [page.url]


def assert_inert(page, base):
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.url.startswith(f"{base}/moderate")
    found = page.evaluate("""() => ({
      images: document.querySelectorAll("img, video, audio, iframe, object, embed, picture, base").length,
      scripts: [...document.scripts].map((s) => s.getAttribute("src")),
      sheets: [...document.querySelectorAll("style, link[rel=stylesheet]")].map((s) => s.getAttribute("href")),
      refresh: document.querySelectorAll("meta[http-equiv]").length,
      links: [...document.querySelectorAll("a[href], area[href]")].map((a) => a.href),
      forms: [...document.forms].map((f) => f.getAttribute("action")),
      handlers: [...document.querySelectorAll("*")].filter(
        (e) => e.getAttributeNames().some((n) => n.startsWith("on") || n === "style" || n === "srcdoc")).length,
    })""")
    assert found["images"] == found["refresh"] == found["handlers"] == 0
    assert found["scripts"] == ["/moderate/static/pages.js"]
    assert found["sheets"] == ["/moderate/static/style.css"]
    assert [a for a in found["links"] if not a.startswith(f"{base}/moderate")] == []
    assert [f for f in found["forms"] if not f.startswith("/moderate")] == []


def test_the_texts_are_there_to_be_read(hostile, window):
    page = window().log_in()
    for payload in (PAYLOADS[0], PAYLOADS[3], PAYLOADS[17], PAYLOADS[33]):
        page.goto(f"{hostile.base}/moderate")
        page.fill("#q", payload)
        page.press("#q", "Enter")
        page.wait_for_load_state()
        assert payload in page.text_content(".card .comment")


def test_the_policy_would_stop_what_got_through(live, window):
    """Were a comment ever not escaped, the browser itself would still do nothing."""
    watched = window()
    page = watched.log_in()
    refused = page.evaluate(
        """(evil) => {
          const main = document.querySelector("main");
          const image = main.appendChild(document.createElement("img"));
          image.src = evil;
          const script = main.appendChild(document.createElement("script"));
          const names = [];
          for (const attempt of [
            () => { main.innerHTML = "<img src=x onerror=pwned=1>"; },
            () => image.setAttribute("onerror", "window.pwned = 1"),
            () => { script.src = evil; },
            () => { script.text = "window.pwned = 1"; },
          ]) {
            try { attempt(); names.push("done"); } catch (error) { names.push(error.name); }
          }
          return names;
        }""",
        f"{EVIL}/x.js",
    )
    page.wait_for_timeout(300)
    assert refused == ["TypeError"] * 4  # trusted types
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert any("img-src" in error for error in watched.errors)


def test_a_hostile_name_cannot_be_logged_in_with(live, window):
    watched = window()
    page = watched.page
    for payload in PAYLOADS[:3]:
        page.goto(f"{live.base}/moderate/login")
        page.fill("#name", payload)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("#wrong")
        assert page.input_value("#name") == payload
        assert page.evaluate("typeof window.pwned") == "undefined"
    watched.clean()
