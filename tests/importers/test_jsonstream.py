"""JSON of every shape as a stream, and what is no JSON counted, not fatal and not slow."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard.errors import CorpusError
from spamguard.importers import Report, exports, import_comments, jsonstream
from spamguard.importers.jsonstream import read_values

VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.text(max_size=5), VALUE, max_size=4)


def read(path, text):
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    report = Report()
    return list(read_values(path, report)), report


@given(
    st.lists(OBJECT, min_size=1),
    st.sampled_from(["lines", "array", "pages", "indented"]),
    st.data(),
)
def test_every_shape_gives_the_same(tmp_path, objects, shape, data):
    texts = [json.dumps(value, ensure_ascii=data.draw(st.booleans())) for value in objects]
    text = {
        "lines": "\n".join(texts),
        "array": f" [ {', '.join(texts)} ]\n",
        "pages": "".join(f"[{one}]" for one in texts),
        "indented": json.dumps(objects, indent=1),
    }[shape]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "CHUNK", data.draw(st.integers(5, 60)))
        found, report = read(tmp_path / "c.json", text)
    assert found == objects
    assert not report.found


def test_a_bad_line_costs_itself(tmp_path):
    text = '{"a":1}\n{"a":\nnope\n{"a":2}\n{"a":"unterminated\n{"a":3}'
    found, report = read(tmp_path / "c.jsonl", text)
    assert found == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert report.lost == {"not JSON": 3}


def test_a_bad_object_in_an_array_costs_itself(tmp_path):
    found, report = read(tmp_path / "c.json", '[\n {"a":1},\n {"a":oops},\n {"a":2}\n]')
    assert found == [{"a": 1}, {"a": 2}]
    assert report.lost == {"not JSON": 1}


@pytest.mark.parametrize("text", ['[{"a":1},{"a":', '[{"a":1},', '[{"a":1}'])
def test_a_file_that_breaks_off_says_so(tmp_path, text):
    found, report = read(tmp_path / "c.json", text)
    assert found == [{"a": 1}]
    assert report.lost["the file breaks off: what follows is missing"] == 1


def test_depth_and_length_are_refused(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match="nested too deeply"):
        read(tmp_path / "c.json", '{"a":1}\n' + "[" * 200_000)
    monkeypatch.setattr(jsonstream, "MAX_VALUE", 600_000)
    with pytest.raises(CorpusError, match="more than 600,000 characters"):
        read(tmp_path / "c.json", '{"a":1}\n{"a":"' + "x" * 2_000_000)


def test_numbers_of_any_length(tmp_path):
    found, report = read(tmp_path / "c.json", '{"a":1}\n{"a":' + "9" * 9_000 + '}\n{"a":2}')
    assert found == [{"a": 1}, {"a": 2}]
    assert report.lost == {"not JSON": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["{\n" * 60_000, '{"a":1}\n' + "x\n" * 100_000, '{"a":1}\n' + '"' * 100_001, "[" + "{," * 60_000,
     '{"a":1}\n' + "\n" * 400_000],
)  # fmt: skip
def test_nothing_takes_long(tmp_path, no_hang, text):
    with no_hang(20), suppress(CorpusError):
        read(tmp_path / "c.json", text)


@pytest.mark.slow
def test_a_long_file_takes_little_memory(tmp_path):
    path = tmp_path / "c.jsonl"
    line = json.dumps({"text": "x" * 2_000, "label": "ham", "post_id": "p"}) + "\n"
    with path.open("w") as file:
        for _ in range(5_000):
            file.write(line)
    import_comments("jsonl", path, tmp_path / "first.jsonl")  # loads what it needs
    tracemalloc.start()
    done = import_comments("jsonl", path, tmp_path / "corpus.jsonl")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.report.ham == 5_000
    assert peak < 5_000_000 < path.stat().st_size
