"""What goes in: types are checked where they enter, values cannot change afterwards."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from datetime import UTC, datetime

import pytest

from spamguard import score
from spamguard.comment import Comment, Post, as_comment, as_post
from spamguard.errors import InputError, SpamguardError

DATE = datetime(2024, 5, 1, 12, tzinfo=UTC)
POST = Post(
    "Beans", "All about beans", "https://garden.example/", "Marta", DATE, ("First!", "Second")
)
COMMENT = Comment("Lovely", "Bob", "https://bob.example", DATE, POST)


@pytest.mark.parametrize(
    "wrong", [b"bytes", 5, 1.5, True, ["a"], object()], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize(
    ("owner", "field", "wanted"),
    [
        (Comment, "text", "a string"),
        (Comment, "author", "a string or None"),
        (Comment, "author_url", "a string or None"),
        (Comment, "date", "a datetime, an ISO 8601 string or None"),
        (Post, "title", "a string or None"),
        (Post, "text", "a string or None"),
        (Post, "url", "a string or None"),
        (Post, "author", "a string or None"),
        (Post, "date", "a datetime, an ISO 8601 string or None"),
    ],
)
def test_a_wrong_type_is_named(owner, field, wanted, wrong):
    values = {"text": "Lovely"} | {field: wrong}
    with pytest.raises(InputError) as raised:
        owner(**values)
    assert (
        str(raised.value)
        == f"{owner.__name__}.{field} must be {wanted}, not {type(wrong).__name__}."
    )
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, SpamguardError)


def test_text_is_required():
    with pytest.raises(InputError, match=r"^Comment\.text must be a string, not NoneType\.$"):
        Comment(None)
    with pytest.raises(TypeError, match="text"):
        Comment()


@pytest.mark.parametrize("wrong", ["one comment", b"bytes", 5, 1.5])
def test_a_thread_must_be_a_list(wrong):
    with pytest.raises(
        InputError, match=rf"Post\.thread must be a list .* not {type(wrong).__name__}\.$"
    ):
        Post(thread=wrong)


@pytest.mark.parametrize("wrong", [None, 5, b"bytes", ["nested"]])
def test_a_thread_must_hold_strings(wrong):
    with pytest.raises(
        InputError, match=rf"thread\[\.\.\.\] must be a string, not {type(wrong).__name__}"
    ):
        Post(thread=["fine", wrong])


def test_an_error_never_repeats_the_comment():
    with pytest.raises(InputError) as raised:
        Comment(b"my secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("wrong", [5, b"bytes", {"text": "Beans"}, COMMENT])
def test_a_post_is_a_post_or_a_string(wrong):
    message = f"post must be a Post, a string or None, not {type(wrong).__name__}."
    with pytest.raises(InputError) as raised:
        Comment("Lovely", post=wrong)
    assert str(raised.value) == message
    with pytest.raises(InputError, match="post must be a Post"):
        as_post(wrong)


def test_a_string_as_post_is_its_text():
    assert Comment("Lovely", post="All about beans").post == Post(text="All about beans")
    assert as_post("All about beans") == Post(text="All about beans")
    assert as_post("") == Post(text="")
    assert as_post(POST) is POST
    assert as_post(None) is None


@pytest.mark.parametrize(
    "thread", [["a", "b"], ("a", "b"), iter(["a", "b"]), [Comment("a", "Bob"), "b"]]
)
def test_a_thread_becomes_a_tuple_of_texts(thread):
    assert Post(thread=thread).thread == ("a", "b")


def test_an_unknown_thread_is_empty():
    assert Post(thread=None).thread == Post().thread == ()


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "a" * 1_000_000], ids=len)
def test_any_string_is_a_comment(text):
    assert Comment(text).text == text


class Marked(str):
    """What a template engine hands over; prints as something else."""

    def __str__(self):
        return "marked"


def test_strings_of_other_types_become_plain():
    post = Post(Marked("t"), Marked("b"), Marked("u"), Marked("a"), thread=[Marked("c")])
    comment = Comment(Marked("text"), Marked("Bob"), Marked("bob.example"), post=post)
    given = [comment.text, comment.author, comment.author_url]
    given += [post.title, post.text, post.url, post.author, *post.thread]
    assert given == ["text", "Bob", "bob.example", "t", "b", "u", "a", "c"]
    assert {type(value) for value in given} == {str}
    assert score(Marked("cheap pills"), Marked("Beans")) == score("cheap pills", "Beans")


@pytest.mark.parametrize(
    "date", [DATE, datetime(2024, 5, 1), "2024-05-01T12:00:00Z", "", None], ids=repr
)
def test_dates(date):
    assert Comment("Lovely", date=date).date == date
    assert Post(date=date).date == date


@pytest.mark.parametrize("value", [COMMENT, POST], ids=["comment", "post"])
def test_nothing_can_be_changed(value):
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(value, field.name)
    assert not hasattr(value, "__dict__")


def test_equal_values_are_one_key():
    twin = Comment("Lovely", "Bob", "https://bob.example", DATE, dataclasses.replace(POST))
    assert twin == COMMENT
    assert hash(twin) == hash(COMMENT)
    assert {COMMENT: 1}[twin] == 1
    assert {POST: 1}[dataclasses.replace(POST)] == 1
    assert dataclasses.replace(COMMENT, author="Ann") != COMMENT
    assert dataclasses.replace(POST, thread=["First!"]) != POST
    # Also a post made from a list can be a key.
    assert hash(Post(thread=["a"])) == hash(Post(thread=("a",)))


@pytest.mark.parametrize("value", [COMMENT, POST], ids=["comment", "post"])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(value, protocol):
    loaded = pickle.loads(pickle.dumps(value, protocol))
    assert loaded == value
    assert hash(loaded) == hash(value)
    assert copy.deepcopy(value) == value


def test_as_comment():
    assert as_comment("Lovely") == Comment("Lovely")
    assert as_comment("Lovely", "Beans") == Comment("Lovely", post=Post(text="Beans"))
    assert as_comment(COMMENT) is COMMENT
    other = as_comment(COMMENT, "Peas")
    assert other == dataclasses.replace(COMMENT, post=Post(text="Peas"))
    assert COMMENT.post is POST


@pytest.mark.parametrize("wrong", [None, 5, b"bytes", ["Lovely"], {"text": "Lovely"}])
def test_as_comment_refuses_what_is_no_comment(wrong):
    with pytest.raises(InputError) as raised:
        as_comment(wrong)
    expected = f"a comment must be a string or a spamguard.Comment, not {type(wrong).__name__}."
    assert str(raised.value) == expected
