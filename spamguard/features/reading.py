"""The input of the families, read once from a comment and its post."""

from __future__ import annotations

import html
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress

from spamguard.comment import Comment, Post
from spamguard.features.hosts import host_of, is_ip, registered_domain
from spamguard.features.language import language_of
from spamguard.features.lexer import scan, words_of
from spamguard.features.patterns import late
from spamguard.features.text import Body, Link, body_words, clean_characters, read_body
from spamguard.features.wordlists import all_words, word_sections

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

MAX_POST_WORDS = 20_000
MAX_THREAD = 100
_MAX_NAME, _MAX_ADDRESS = 200, 2_000
MAX_THREAD_TEXT = 3_000
"""Maximum characters read of each comment in a thread."""
SHINGLE = 5
_FEW_RUNS = 20
_REPEAT = 100  # words that identify a long comment


Run = tuple[str, ...]
Copied = set[Run]


class Runs:
    """The five-word runs of some texts, found by the places of their words."""

    def __init__(self, texts: Iterable[list[str]]) -> None:
        self._texts = tuple(texts)
        self._vocabulary = frozenset().union(*self._texts)
        self._index: tuple[list[str], dict[str, list[int]]] | None = None
        self._runs: frozenset[Run] | None = None

    def repeated_in(self, words: list[str]) -> Copied:
        """Return the runs of `words` that also occur in the texts."""
        possible: Copied = set()
        known: cython.int = 0
        at: cython.Py_ssize_t
        for at in range(len(words)):
            known = known + 1 if words[at] in self._vocabulary else 0
            if known >= SHINGLE:
                possible.add(tuple(words[at - SHINGLE + 1 : at + 1]))
        if self._runs is None and len(possible) <= _FEW_RUNS:
            return {run for run in possible if self._holds(run)}
        if self._runs is None:  # looking up many takes longer than listing all
            self._runs = frozenset().union(*map(shingles_of, self._texts))
        return possible & self._runs

    def _holds(self, run: Run) -> bool:
        if self._index is None:
            self._index = self._indexed()  # equal, whichever of two threads comes last
        words, places = self._index
        rarest: cython.int = 0
        each: cython.int
        for each in range(1, SHINGLE):
            if len(places[run[each]]) < len(places[run[rarest]]):
                rarest = each
        wanted = list(run)
        return any(
            words[place - rarest : place - rarest + SHINGLE] == wanted
            for place in places[run[rarest]]
            if place >= rarest
        )

    def _indexed(self) -> tuple[list[str], dict[str, list[int]]]:
        """Return the words of all texts, and the places of each of them."""
        words: list[str] = []
        places: dict[str, list[int]] = {}
        for text in self._texts:
            for word in text:
                places.setdefault(word, []).append(len(words))
                words.append(word)
            words.append("")  # no run reaches from one text into the next
        return words, places


@dataclass(slots=True)
class PostReading:
    """The post's side, shared by every comment under it."""

    words: list[str]
    counts: dict[str, int]  # of terms
    title_terms: frozenset[str]
    runs: Runs
    host: str  # registered domain of the post's address
    author: str
    has_thread: bool
    thread_runs: Runs
    thread_texts: frozenset[str]
    # Results that a family derived from the post, valid for every comment under it.
    kept: dict[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def has_text(self) -> bool:
        """True if the post has a title or a text."""
        return bool(self.counts)


class Reading:
    """A comment as the families see it."""

    __slots__ = (
        "author",
        "author_domain",
        "author_host",
        "author_url",
        "author_url_junk",
        "author_words",
        "body",
        "by_post_author",
        "copied",
        "ends_with_link",
        "language",
        "link_domains",
        "links",
        "lower",
        "messenger",
        "own_lower",
        "own_words",
        "post",
        "terms",
        "words",
    )

    body: Body
    lower: str  # canonical text in lower case, spaces collapsed
    words: list[str]
    copied: Copied  # five-word runs that also occur in the post
    own_lower: str  # `lower` and `words` without those runs
    own_words: list[str]
    terms: list[str]
    language: str  # code; "" if unclear
    author: str  # canonical name as written; "" if there is none
    author_words: list[str]
    author_url: str
    author_url_junk: bool  # the field holds something other than an address
    author_host: str
    author_domain: str
    link_domains: list[str]  # registered domain of each external link
    links: list[Link]  # those links
    by_post_author: bool
    messenger: bool  # a messenger named or linked
    ends_with_link: bool
    post: PostReading | None


def terms_of(words: list[str]) -> list[str]:
    """Return the terms of `words` for comparison: six-letter stems, and pairs of CJK letters."""
    terms: list[str] = []
    size: cython.Py_ssize_t
    at: cython.Py_ssize_t
    first: cython.Py_UCS4
    word: str
    for word in words:
        size = len(word)
        first = word[0]
        if "\u3040" <= first <= "\ud7af":  # Chinese, Japanese, Korean
            for at in range(max(1, size - 1)):
                terms.append(word[at : at + 2])
        elif size > 2 or not word.isascii():
            terms.append(word[:6] if size > 6 else word)
    return terms


def counts_of(terms: list[str]) -> dict[str, int]:
    """Return how often each of `terms` occurs, in order."""
    counts: dict[str, int] = {}
    term: str
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return counts


def shingles_of(words: list[str]) -> Copied:
    """Return the runs of five words in `words`."""
    return {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def text_key(words: list[str], cut: bool) -> str:
    """Return a key that equal comments share; `cut` if the end of the comment was not read."""
    return " ".join(words[:_REPEAT]) + " ..." if cut else " ".join(words)


def _read_post(post: Post) -> PostReading:
    title = body_words(post.title or "")
    words = (title + body_words(post.text or ""))[:MAX_POST_WORDS]
    texts = post.thread[-MAX_THREAD:]
    thread = [body_words(text[:MAX_THREAD_TEXT]) for text in texts]
    return PostReading(
        words=words,
        counts=counts_of(terms_of(words)),
        title_terms=frozenset(terms_of(title)),
        runs=Runs([words]),
        host=registered_domain(host_of(post.url or "")),
        author=_fold_name(post.author or ""),
        has_thread=any(thread),
        thread_runs=Runs(thread),
        thread_texts=frozenset(
            text_key(words, cut=len(text) > MAX_THREAD_TEXT)
            for words, text in zip(thread, texts, strict=True)
            if len(words) >= SHINGLE
        ),
    )


class _PostCache:
    """The most recently read posts, bounded in number and in characters."""

    def __init__(self, entries: int = 256, characters: int = 8_000_000) -> None:
        self._limit, self._room, self._held = entries, characters, 0
        self._posts: OrderedDict[Post, tuple[PostReading, int]] = OrderedDict()
        self._lock = threading.Lock()

    def unlock(self) -> None:
        """Release the lock after a fork: its holder is in the parent process."""
        self._lock = threading.Lock()

    def read(self, post: Post) -> PostReading:
        with self._lock:
            entry = self._posts.get(post)
            if entry is not None:
                self._posts.move_to_end(post)
                return entry[0]
        reading = _read_post(post)
        given = (post.title, post.text, post.url, post.author, *post.thread)
        size = sum(len(text or "") for text in given)
        if size <= self._room // 4:
            with self._lock:
                if post not in self._posts:
                    self._posts[post] = (reading, size)
                    self._held += size
                while self._held > self._room or len(self._posts) > self._limit:
                    self._held -= self._posts.popitem(last=False)[1][1]
        return reading


_POSTS = _PostCache()
if hasattr(os, "register_at_fork"):  # a thread of the parent may have held the lock
    os.register_at_fork(after_in_child=_POSTS.unlock)


# --- messengers, ends, addresses -----------------------------------------------------------

_LOCAL = late(
    r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+"
)
_MESSENGERS = all_words("messengers")
_MESSENGER_HOSTS = frozenset(word_sections("hosts")["messengers"])
_MESSENGER = late(
    r"whats app\b|в[оа]тс ?ап|телеграм|вайбер|微信|텔레그램|카톡 ?(?:문의|상담|아이디|추가)|카카오톡"
)


def messengers_in(words: list[str], lower: str, domains: list[str]) -> list[str]:
    """Return the messengers that a comment names or links."""
    found = [word for word in words if word in _MESSENGERS]
    found += [domain for domain in domains if domain in _MESSENGER_HOSTS]
    if not lower.isascii() or "whats" in lower:
        found += _MESSENGER.findall(lower)
    return found


_STOPS = " \t\r\n.,;:!?)(<>[]{}\"'*_~"


def _ends_with(raw: str, body: Body, link: Link) -> bool:
    """Return whether only closing tags and punctuation follow `link` in `raw`."""
    if link.anchor:
        return body.text.rstrip(_STOPS).endswith(link.anchor.strip(_STOPS))
    tail = html.unescape(raw[-3_000:]).rstrip()
    while tail.endswith(">"):
        tag = tail.rfind("<")
        if tag < 0 or tail[tag + 1 : tag + 2] not in ("/", "b", "p"):
            break
        tail = tail[:tag].rstrip()
    if tail[-6:].lower() in ("[/url]", "[/img]"):
        tail = tail[:-6]
    return tail.rstrip(_STOPS + "/").lower().endswith(link.url.rstrip(_STOPS + "/").lower())


_ENDING = late(r"\.(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)\Z")


_NO_ADDRESS = all_words("placeholders")


@dataclass(frozen=True, slots=True)
class _Address:
    """The author's address; empty for placeholders ("http://", "none")."""

    url: str = ""
    host: str = ""
    domain: str = ""
    is_junk: bool = False  # something other than an address


# Regulars and campaigns come back with the same name and address, so both are cached, at a
# limited length.
def _address(given: str) -> _Address:
    return _address_of(given.strip()[:_MAX_ADDRESS])


@lru_cache(maxsize=2048)
def _address_of(url: str) -> _Address:
    host = host_of(url)
    if is_ip(host) or _ENDING.search(host):
        return _Address(url, host, registered_domain(host))
    url = url.lower()
    junk = len(url) > 5 and " " not in url and "." not in url and url not in _NO_ADDRESS
    return _Address(is_junk=junk)


@dataclass(frozen=True, slots=True)
class _Name:
    """The author's name as written, in words, and in the form used for comparison."""

    text: str
    words: list[str]
    folded: str


def _name(given: str) -> _Name:
    return _name_of(given[:_MAX_NAME])


@lru_cache(maxsize=2048)
def _name_of(given: str) -> _Name:
    text = clean_characters(given, Body(), scan(given)).strip()
    return _Name(text, words_of(text), _fold_name(text))


def _fold_name(name: str) -> str:
    return " ".join(words_of(clean_characters(name, Body(), scan(name))))


def read_many(comments: Sequence[Comment]) -> list[Reading]:
    """Read `comments` and the posts they carry."""
    # Step by step, which makes better use of the processor's caches.
    bodies = [read_body(comment.text) for comment in comments]
    languages = [language_of(body.words) for body in bodies]
    return [_reading(*parts) for parts in zip(comments, bodies, languages, strict=True)]


def read(comment: Comment) -> Reading:
    """Read one comment and the post it carries."""
    return read_many([comment])[0]


def _reading(comment: Comment, body: Body, language: str) -> Reading:
    words = body.words
    post = None if comment.post is None else _POSTS.read(comment.post)
    name = _name(comment.author or "")
    address = _address(comment.author_url or "")
    author_url, author_host, author_domain = address.url, address.host, address.domain
    site = post.host if post is not None else ""
    links, domains = [], []
    for link in body.links:
        host = host_of(link.url)
        if _LOCAL.fullmatch(host):  # a local address is of no use to other readers
            continue
        domain = registered_domain(host)
        if not site or domain != site:
            links.append(link)
            domains.append(domain)
    if site and author_domain == site:
        author_url = author_host = author_domain = ""
    lower = body.lower
    copied = post.runs.repeated_in(words) if post is not None else set()
    own_words, own_lower = _own(words, lower, copied) if copied else (words, lower)
    reading = Reading()
    reading.body = body
    reading.lower = lower
    reading.words = words
    reading.copied = copied
    reading.own_lower = own_lower
    reading.own_words = own_words
    reading.terms = terms_of(words)
    reading.language = language
    reading.author = name.text
    reading.author_words = name.words
    reading.author_url = author_url
    reading.author_url_junk = address.is_junk
    reading.author_host = author_host
    reading.author_domain = author_domain
    reading.link_domains = domains
    reading.links = links
    reading.by_post_author = bool(name.folded) and post is not None and name.folded == post.author
    reading.messenger = bool(messengers_in(words, lower, domains))
    reading.ends_with_link = bool(links) and _ends_with(comment.text, body, links[-1])
    reading.post = post
    return reading


def linked_domains(comment: Comment) -> set[str]:
    """Return the registered domains (``pills.example``) of a comment's links and author address.

    Links to the blog's own site are included.
    """
    urls = [link.url for link in read_body(comment.text).links]
    hosts = map(host_of, [*urls, *filter(None, [comment.author_url])])
    return {registered_domain(host) for host in hosts if "." in host}


def _own(words: list[str], lower: str, copied: Copied) -> tuple[list[str], str]:
    """Return the words and the text of a comment without the `copied` runs."""
    own = _is_own(words, copied)
    pieces = lower.split(" ")
    kept = _kept(pieces, words, own)
    text = lower if kept is None else " ".join([pieces[i] for i in kept])
    return list(compress(words, own)), text


def _is_own(words: list[str], copied: Copied) -> list[bool]:
    own = [True] * len(words)
    for i in range(len(words) - SHINGLE + 1):
        if tuple(words[i : i + SHINGLE]) in copied:
            own[i : i + SHINGLE] = [False] * SHINGLE
    return own


def _kept(pieces: list[str], words: list[str], own: list[bool]) -> list[int] | None:
    """Return the numbers of the pieces with a word of the visitor's own; None if words and pieces differ."""
    kept, at = [], 0
    for i, piece in enumerate(pieces):
        inside = words_of(piece)
        if inside != words[at : at + len(inside)]:
            return None  # split into words differently
        if not inside or any(own[at : at + len(inside)]):
            kept.append(i)
        at += len(inside)
    return kept


def own_pieces(reading: Reading) -> list[int] | None:
    """Return the numbers of the pieces, between spaces, that are in `own_lower`; None for all."""
    if not reading.copied:
        return None
    own = _is_own(reading.words, reading.copied)
    return _kept(reading.lower.split(" "), reading.words, own)
