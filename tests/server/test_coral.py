"""Coral's external moderation phase: what it asks, what it is told, what its webhooks teach."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

SECRET = "a-signing-secret"
SPAM = "<div>cheap viagra at http://pills.example order now</div>"
HAM = "<div>Thanks, the second query was missing an index here too.</div>"


class Coral:
    def __init__(self, http):
        self.http = http

    def send(self, path, told, secret=SECRET, site="first", signature=None):
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        if signature is None:
            tag = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            signature = f"sha256={'0' * 64}, sha256={tag}"
        headers = {"Content-Type": "application/json", "X-Coral-Signature": signature}
        return self.http.post(f"/coral/{site}/{path}", content=body, headers=headers)

    def ask(self, body, story="story-1", role="COMMENTER", **how):
        told = {
            "action": "NEW",
            "comment": {"body": body, "parentID": None},
            "author": {"id": "u1", "role": role},
            "story": {"id": story, "url": "https://news.example/1"},
            "site": {"id": "s1"},
            "tenantID": "t1",
            "tenantDomain": "localhost",
        }
        return self.send("moderation", told, **how)

    def tell(self, kind, **data):
        return self.send("events", {"id": "e", "type": kind, "data": data, "createdAt": "x"})


@pytest.fixture
def coral(blog, services):
    services.sites.set("first", coral_secret=SECRET)
    return Coral(blog.http)


@pytest.fixture
def site(services):
    return lambda: services.sites.named("first")


def test_spam_is_withheld_and_flagged(coral):
    reply = coral.ask("<div>Nice post! Cheap handbags at http://bags.example</div>")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "SYSTEM_WITHHELD",
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}],
    }


def test_no_opinion_on_ham(coral):
    reply = coral.ask(HAM)
    assert (reply.status_code, reply.content) == (204, b"")


def test_unsure_waits_for_a_person(coral, services):
    services.sites.set("first", unsure_cut=-100.0, spam_cut=100.0)
    assert coral.ask(HAM).json() == {"status": "PREMOD"}


def test_phase_and_webhook_have_secrets_of_their_own(coral, services):
    services.sites.set("first", coral_secret="of-the-phase\nof-the-webhook")
    assert coral.ask(SPAM, secret="of-the-phase").status_code == 200
    assert coral.ask(SPAM, secret="of-the-webhook").status_code == 200
    assert coral.ask(SPAM, secret="of-the-phase\nof-the-webhook").status_code == 403


@pytest.mark.parametrize("role", ["STAFF", "MODERATOR", "ADMIN"])
def test_staff_is_never_spam(coral, role):
    assert coral.ask(SPAM, role=role).status_code == 204


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=é", ",,,", "="]
)
def test_without_its_signature_nothing(coral, rows, signature):
    assert coral.ask(SPAM, signature=signature.encode()).status_code == 403
    assert rows() == []


def test_another_secret_and_a_site_without_one(coral, services):
    assert coral.ask(SPAM, secret="another").status_code == 403
    services.sites.add("second")
    assert coral.ask(SPAM, site="second").status_code == 403
    assert coral.ask(SPAM, site="second", secret="").status_code == 403
    assert coral.ask(SPAM, site="none").status_code == 403


@pytest.mark.parametrize(
    "told",
    [b"", b"{", b"[]", b"3", {}, {"comment": 3}, {"comment": {}, "author": {}, "story": {}},
     {"comment": {"body": 3}, "author": {}, "story": {}}, b"[" * 50_000],
    ids=repr,
)  # fmt: skip
def test_what_is_no_request(coral, told):
    assert coral.send("moderation", told).status_code == 400


def test_the_webhook_teaches_what_the_moderator_approved(coral, services):
    coral.ask(SPAM)
    ids = {"commentID": "c1", "storyID": "story-1", "queue": "PENDING"}
    assert coral.tell("COMMENT_ENTERED_MODERATION_QUEUE", **ids).status_code == 204
    assert coral.tell("COMMENT_LEFT_MODERATION_QUEUE", status="APPROVED", **ids).status_code == 204
    (entry,) = services.journal.entries()
    assert (entry.decision, entry.by) == ("ham", "coral")
    assert coral.ask(SPAM).status_code == 204


def test_a_rejected_comment_is_spam_only_if_it_looked_like_it(coral, services):
    for story, text in (("a", SPAM), ("b", HAM)):
        coral.ask(text, story=story)
        coral.tell("COMMENT_CREATED", commentID=story, storyID=story)
        coral.tell(
            "COMMENT_LEFT_MODERATION_QUEUE", commentID=story, storyID=story, status="REJECTED"
        )
    assert [e.decision for e in services.journal.entries()] == ["spam", "remove"]
    assert [row["label"] for row in services.journal.labels("first")] == ["spam"]


def test_an_id_that_might_be_either_comment_s_is_nobody_s(coral, services):
    coral.ask(SPAM)
    coral.ask(HAM)
    coral.tell("COMMENT_CREATED", commentID="c1", storyID="story-1")
    coral.tell(
        "COMMENT_LEFT_MODERATION_QUEUE", commentID="c1", storyID="story-1", status="APPROVED"
    )
    assert list(services.journal.entries()) == []


@pytest.mark.parametrize("status", [None, 3, "NONE", "PREMOD"])
def test_leaving_a_queue_without_a_decision_teaches_nothing(coral, services, status):
    coral.ask(SPAM)
    coral.tell("COMMENT_CREATED", commentID="c1", storyID="story-1")
    coral.tell("COMMENT_LEFT_MODERATION_QUEUE", commentID="c1", storyID="story-1", status=status)
    assert list(services.journal.entries()) == []


def test_other_events_and_strange_data(coral, services):
    assert coral.tell("STORY_CREATED", storyID="story-1").status_code == 204
    assert coral.tell("COMMENT_CREATED", commentID=3, storyID=[]).status_code == 204
    assert (
        coral.tell("COMMENT_CREATED", commentID="x" * 10_000, storyID="\ud800").status_code == 204
    )
    assert coral.send("events", {"type": "x"}).status_code == 400
