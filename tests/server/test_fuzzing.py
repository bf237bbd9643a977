"""Whatever is sent, something is answered, and never that the server failed."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

PATHS = (
    "/1.1/verify-key", "/1.1/comment-check", "/1.1/submit-spam", "/1.1/submit-ham",
    "/1.1/deactivate", "/1.1/get-subscription", "/1.1/get-stats", "/1.2/key-sites",
    "/1.2/usage-limit",
)  # fmt: skip
FIELDS = (
    "api_key", "key", "blog", "user_ip", "permalink", "comment_type", "comment_author",
    "comment_author_email", "comment_author_url", "comment_content", "comment_date_gmt",
    "blog_charset", "user_role", "is_test", "recheck_reason", "honeypot_field_name", "reporter",
    "post_title", "post_content", "classify", "month", "limit", "offset", "order", "format",
    "filter", "comment_context[]",
)  # fmt: skip
CHARSETS = st.sampled_from(["", "; charset=utf-8", "; charset=koi8-r", "; charset=\0", ";charset="])
VALUES = st.one_of(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.sampled_from(
        [b"true", b"1", b"http://[", b"http://a\0b/?" + b"&" * 40, b"9" * 30, b"\xff\xfe"]
    ),
)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=40)
@given(
    fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=12),
    charset=CHARSETS,
    known=st.booleans(),
)
def test_forms(blog, path, fields, charset, known):
    if known:
        fields = fields | {"api_key": blog.key.encode()} | {"blog": b"b", "user_ip": b"i"}
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields.items())
    kind = {"Content-Type": f"application/x-www-form-urlencoded{charset}".replace("\0", "?")}
    reply = blog.http.post(path, content=body.encode(), headers=kind)
    assert reply.status_code in (200, 429)
    assert known or reply.status_code == 429 or reply.text == "invalid"


@settings(max_examples=60)
@given(body=st.binary(max_size=300), path=st.sampled_from(PATHS))
def test_bytes(blog, body, path):
    assert blog.http.post(path, content=body).status_code in (200, 429)


def test_all_of_it_could_be_written(blog, services):
    """Nothing that the fuzzing found stays in the way of what comes after it."""
    for author in ("\x00", "\ud800".encode("utf-8", "surrogatepass"), "é" * 9999):
        fields = {"comment_author": author, "permalink": author, "blog": author, "reporter": author}
        blog.check("x", **fields)
        blog.spam("x", **fields)
    assert services.recorder.flush()
    assert "spamguard_records_late_total{" not in blog.http.get("/metrics").text
