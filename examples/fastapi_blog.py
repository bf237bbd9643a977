"""A FastAPI blog whose comments are checked by spamguard.

    SPAMGUARD_JOURNAL=feedback.db MODERATOR_TOKEN=secret uvicorn fastapi_blog:app

This is only an example: comments are kept in memory.
"""

import hmac
import os
import uuid
from typing import Annotated, Literal

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

from spamguard import Comment, Post
from spamguard.integrations.starlette import Spamguard

guard = Spamguard(os.environ.get("SPAMGUARD_JOURNAL", "feedback.db"))
app = FastAPI(lifespan=guard.lifespan)

POST = Post(title="Slow pages, found", text="The second query had no index. It has one now.")
comments = {}


class New(BaseModel):
    """A comment as a visitor sends it."""

    text: str = Field(max_length=50_000)
    author: str | None = None
    author_url: str | None = None


@app.get("/comments")
async def published() -> list[str]:
    """Return the published comments."""
    return [c["text"] for c in comments.values() if c["published"]]


@app.post("/comments", status_code=201)
async def new(sent: New) -> dict[str, str | bool]:
    """Score a new comment and publish it, or hold it for a moderator."""
    key = uuid.uuid4().hex
    comment = Comment(sent.text, author=sent.author, author_url=sent.author_url, post=POST)
    verdict = await guard.check(comment, key)
    comments[key] = {"text": sent.text, "published": not guard.holds(verdict)}
    return {"id": key, "published": comments[key]["published"]}


@app.post("/comments/{key}/{decision}", status_code=204)
async def decide(
    key: str, decision: Literal["spam", "ham"], x_token: Annotated[str, Header()] = ""
) -> None:
    """Record a moderator's decision."""
    token = os.environ.get("MODERATOR_TOKEN", "")
    if not token or not hmac.compare_digest(x_token.encode(), token.encode()):
        raise HTTPException(403)
    if key not in comments:
        raise HTTPException(404)
    await guard.correct(key, decision, by="moderator")
    comments[key]["published"] = decision == "ham"
