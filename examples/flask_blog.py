"""A Flask blog whose comments are checked by spamguard.

    SPAMGUARD_JOURNAL=feedback.db MODERATOR_TOKEN=secret flask --app flask_blog run

This is only an example: comments are kept in memory.
"""

import hmac
import os
import uuid

from flask import Flask, abort, jsonify, request

from spamguard import Post
from spamguard.errors import InputError
from spamguard.integrations.flask import Spamguard

app = Flask(__name__)
app.config["SPAMGUARD_JOURNAL"] = os.environ.get("SPAMGUARD_JOURNAL", "feedback.db")
app.config["MAX_CONTENT_LENGTH"] = 100_000
guard = Spamguard(app)

POST = Post(title="Slow pages, found", text="The second query had no index. It has one now.")
comments = {}


@app.get("/comments")
def published():
    """Return the published comments."""
    return jsonify([c["text"] for c in comments.values() if c["published"]])


@app.post("/comments")
def new():
    """Score a new comment and publish it, or hold it for a moderator."""
    try:
        comment = guard.request_comment(POST)
    except InputError as error:
        abort(400, str(error))
    key = uuid.uuid4().hex
    verdict = guard.check(comment, key)
    comments[key] = {"text": comment.text, "published": not guard.holds(verdict)}
    return jsonify(id=key, published=comments[key]["published"]), 201


@app.post("/comments/<key>/<any(spam, ham):decision>")
def decide(key, decision):
    """Record a moderator's decision."""
    token = os.environ.get("MODERATOR_TOKEN", "")
    if not token or not hmac.compare_digest(
        request.headers.get("X-Token", "").encode(), token.encode()
    ):
        abort(403)
    if key not in comments:
        abort(404)
    guard.correct(key, decision, by="moderator")
    comments[key]["published"] = decision == "ham"
    return "", 204
