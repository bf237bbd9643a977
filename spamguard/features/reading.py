"""Everything the families look at, read once from a comment and its post."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass

from spamguard.comment import Comment, Post
from spamguard.hosts import host_of, registered_domain
from spamguard.text import Body, Link, clean_characters, read_body, words_of

MAX_POST_WORDS = 20_000
MAX_THREAD = 100
_SHINGLE = 5


@dataclass(slots=True)
class PostReading:
    """The post's side: the same for every comment under it."""

    words: list[str]
    counts: Counter[str]  # of terms
    title_terms: frozenset[str]
    shingles: frozenset[tuple[str, ...]]
    host: str  # registered domain of the post's address
    author: str
    thread_terms: tuple[frozenset[str], ...]
    thread_shingles: frozenset[tuple[str, ...]]
    thread_texts: frozenset[str]

    @property
    def has_text(self) -> bool:
        return bool(self.counts)


@dataclass(slots=True)
class Reading:
    """A comment as the families see it."""

    body: Body
    lower: str  # canonical text in lower case, spaces collapsed
    words: list[str]
    terms: list[str]
    author: str  # canonical name as written; "" where none is given
    author_words: list[str]
    author_url: str
    author_host: str
    author_domain: str
    link_domains: list[str]  # registered domain of each link that leads off the site
    links: list[Link]  # those links
    own_links: int
    by_post_author: bool
    post: PostReading | None


_CJK_FIRST, _CJK_LAST = "\u3040", "\ud7af"


def terms_of(words: list[str]) -> list[str]:
    """Return what words are compared by: six-letter stems, and pairs of CJK letters."""
    terms = []
    for word in words:
        if word[0] >= _CJK_FIRST and word[0] <= _CJK_LAST:
            terms += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        elif len(word) > 2 or not word.isascii():
            terms.append(word[:6])
    return terms


def shingles_of(words: list[str]) -> set[tuple[str, ...]]:
    """Return the runs of five words in `words`."""
    return {tuple(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)}


def _read_post(post: Post) -> PostReading:
    title = words_of(read_body(post.title or "").text)
    words = (title + words_of(read_body(post.text or "").text))[:MAX_POST_WORDS]
    thread = [words_of(read_body(text).text) for text in post.thread[-MAX_THREAD:]]
    return PostReading(
        words=words,
        counts=Counter(terms_of(words)),
        title_terms=frozenset(terms_of(title)),
        shingles=frozenset(shingles_of(words)),
        host=registered_domain(host_of(post.url or "")),
        author=_fold_name(post.author or ""),
        thread_terms=tuple(frozenset(terms_of(w)) for w in thread),
        thread_shingles=frozenset().union(*(shingles_of(w) for w in thread)),
        thread_texts=frozenset(" ".join(w) for w in thread if len(w) >= _SHINGLE),
    )


class _PostCache:
    """The posts read last; bounded in number and in characters."""

    def __init__(self, entries: int = 256, characters: int = 8_000_000) -> None:
        self._limit, self._room, self._held = entries, characters, 0
        self._posts: OrderedDict[Post, tuple[PostReading, int]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, post: Post) -> PostReading:
        with self._lock:
            entry = self._posts.get(post)
            if entry is not None:
                self._posts.move_to_end(post)
                return entry[0]
        reading = _read_post(post)
        size = len(post.text or "") + sum(map(len, post.thread))
        if size <= self._room // 4:
            with self._lock:
                if post not in self._posts:
                    self._posts[post] = (reading, size)
                    self._held += size
                while self._held > self._room or len(self._posts) > self._limit:
                    self._held -= self._posts.popitem(last=False)[1][1]
        return reading


_POSTS = _PostCache()


def _fold_name(name: str) -> str:
    return " ".join(words_of(clean_characters(name, Body())))


def read(comment: Comment) -> Reading:
    """Read `comment` and the post it carries."""
    body = read_body(comment.text)
    words = words_of(body.text)
    post = None if comment.post is None else _POSTS.read(comment.post)
    name_body = Body()
    author = clean_characters((comment.author or "")[:200], name_body).strip()
    author_url = (comment.author_url or "").strip()[:2000]
    author_host = host_of(author_url)
    author_domain = registered_domain(author_host)
    site = post.host if post is not None else ""
    links, domains, own = [], [], 0
    for link in body.links:
        domain = registered_domain(host_of(link.url))
        if site and domain == site:
            own += 1
        else:
            links.append(link)
            domains.append(domain)
    if site and author_domain == site:
        author_url = author_host = author_domain = ""
    folded = _fold_name(author)
    return Reading(
        body=body,
        lower=" ".join(body.text.lower().split()),
        words=words,
        terms=terms_of(words),
        author=author,
        author_words=words_of(author),
        author_url=author_url,
        author_host=author_host,
        author_domain=author_domain,
        link_domains=domains,
        links=links,
        own_links=own,
        by_post_author=bool(folded) and post is not None and folded == post.author,
        post=post,
    )
