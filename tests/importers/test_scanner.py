"""The scanner of XML exports: as a parser where there is XML, and safe where there is none."""

from __future__ import annotations

import time
import tracemalloc
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard.importers import Report, read_comments
from spamguard.importers.scanner import MAX_FIELD, End, Field, Shape, Start, scan

SHAPE = Shape({"post": ("",), "author": ("post",)}, frozenset(("text", "dsq:name")))


def scanned(text, size=7):
    chunks = (text[i : i + size] for i in range(0, len(text), size))
    report = Report()
    return list(scan(chunks, SHAPE, report)), report


def parsed(text):
    """Return the same from a real parser."""
    events, field = [], []

    def start(name, attributes):
        if name in SHAPE.containers:
            events.append(Start(name, attributes))
        elif name in SHAPE.fields:
            field[:] = [name, attributes, ""]

    def end(name):
        if name in SHAPE.containers:
            events.append(End(name))
        elif name in SHAPE.fields:
            events.append(Field(*field))
            field.clear()

    def data(words):
        if field:
            field[2] += words

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data
    parser.Parse(text.encode("utf-8"), True)
    return events


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=30
)


@st.composite
def field(draw):
    name = draw(st.sampled_from(["text", "dsq:name", "other"]))
    pieces = draw(
        st.lists(
            st.one_of(
                TEXT.map(escape),
                TEXT.map(lambda t: "<![CDATA[" + t.replace("]]>", "]]]]><![CDATA[>") + "]]>"),
                TEXT.map(lambda t: f"<!--{t.replace('-', '')}-->"),
                st.sampled_from(["&#233;", "&#x1F600;", "&quot;", "<?pi some?>"]),
            ),
            max_size=4,
        )
    )
    attribute = f" dsq:id={quoteattr(draw(TEXT))}" if draw(st.booleans()) else ""
    if not pieces and draw(st.booleans()):
        return f"<{name}{attribute}/>"
    return f"<{name}{attribute}>{''.join(pieces)}</{name} >"


@given(
    st.lists(st.lists(field(), max_size=4).map("\n".join), max_size=4),
    st.integers(min_value=1, max_value=50),
)
def test_it_reads_what_is_xml_as_a_parser_does(posts, size):
    body = "".join(f"<post>{p}<author>{p}</author></post>\n<post/>" for p in posts)
    text = f'<?xml version="1.0"?>\n<!-- <post> -->\n<disqus>{body}</disqus>\n'
    events, report = scanned(text, size)
    assert events == parsed(text)
    assert not report.damage


@given(st.text(st.sampled_from(list("<>/!?-[]&;'\"= aCDATpostexhr#x\n")), max_size=200))
def test_it_takes_anything(text):
    events, _ = scanned(f"<post>{text}", 11)
    assert sum(isinstance(e, Start) for e in events) == sum(isinstance(e, End) for e in events)


def export(text, head=""):
    return f"""<?xml version="1.0"?>{head}
<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<post dsq:id="1"><message>{text}</message><isSpam>true</isSpam></post></disqus>"""


def test_no_entity_reads_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("zyxwvut")
    path = tmp_path / "export.xml"
    head = f"""<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">
        <!ENTITY % p SYSTEM "{secret.as_uri()}"> %p; ]>"""
    path.write_text(export("before &e; after", head))
    (comment,) = read_comments("disqus", path, report := Report())
    assert comment.text == "before &e; after"
    assert report.damage["a document type, passed over"] == 1


def test_no_entity_grows(tmp_path):
    bombs = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))
    head = f'<!DOCTYPE d [<!ENTITY a0 "lol">{bombs}]>'
    path = tmp_path / "export.xml"
    path.write_text(export("&a9;", head))
    (comment,) = read_comments("disqus", path)
    assert comment.text == "&a9;"


def test_no_stylesheet_schema_or_inclusion_is_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("zyxwvut")
    inclusion = f'<xi:include href="{secret.as_uri()}" parse="text"/>'
    path = tmp_path / "export.xml"
    path.write_text(export(inclusion, f'<?xml-stylesheet href="{secret.as_uri()}"?>'))
    (comment,) = read_comments("disqus", path)
    assert comment.text == inclusion


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", '<a b="', "<![CDATA[", "<!--", "<?", "<!DOCTYPE [", "&", "&#", "<post>", "<text>"],
)
def test_no_text_takes_long(no_hang, piece):
    with no_hang(20):
        events, _ = scanned("<post><text>" + piece * (300_000 // len(piece)), 1 << 18)
    assert events


@pytest.mark.slow
def test_a_long_field_is_cut_and_counted():
    events, report = scanned(f"<post><text>{'a<b>' * MAX_FIELD}</text></post>", 1 << 20)
    assert len(events[1].text) == MAX_FIELD
    assert list(report.damage) == [f"fields cut at {MAX_FIELD:,} characters"]


def test_a_long_export_takes_little_memory():
    def chunks():
        for number in range(40):
            yield f"<post><text>{number}</text>" + "<![CDATA[" + "x" * 500_000 + "]]></post>"

    report = Report()
    tracemalloc.start()
    begun = time.monotonic()
    count = sum(isinstance(e, Field) for e in scan(chunks(), SHAPE, report))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40
    assert peak < 5_000_000
    assert time.monotonic() - begun < 30
