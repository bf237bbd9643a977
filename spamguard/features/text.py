"""Canonical text: the only place where text is cleaned.

Comments arrive as plain text, HTML, Markdown or BBCode, through importers that
leave marks of their own. `read_body` reduces all of them to the same words, and
takes out links, code, contacts and the tricks that hide words from a filter.
Marks of importers (U+FEFF, entities, ``<p>``) are dropped silently; tricks of
people (letters of another script inside a word, s p a c e d letters) are undone
and counted.

Every pattern here runs in time linear in the text.
"""

from __future__ import annotations

import bisect
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from spamguard.features.lexer import (
    AT,
    BOM,
    CONTROL,
    DIGITS,
    DOMAIN,
    DRESS,
    LEAD,
    LEET,
    MARKUP,
    MIXED,
    PECULIAR,
    SPLIT,
    STRUCK,
    TRICKY,
    UNCLEAN,
    UNTIDY,
    URL,
    WEB,
    any_spaced,
    find_address,
    find_ending,
    lower_words,
    scan,
    without_dress,
    without_leads,
    words_of,
)
from spamguard.features.patterns import late
from spamguard.features.wordlists import word_sections

try:
    import cython
except ImportError:
    from spamguard.features import interpreted as cython

MAX_HEAD, MAX_TAIL = 60_000, 20_000
"""Characters read from the start and the end of a long body."""


@dataclass(slots=True)
class Link:
    """An address found in a body."""

    kind: str  # "bare", "html", "bbcode", "markdown", "domain", "obfuscated"
    url: str
    anchor: str = ""


class Body:
    """A body without markup, and everything taken out of it."""

    __slots__ = (
        "code_length",
        "emails",
        "hidden_characters",
        "leet_words",
        "length",
        "links",
        "lower",
        "mixed_script_words",
        "phones",
        "quote_lines",
        "spaced_words",
        "stacked_marks",
        "styled_letters",
        "text",
        "words",
    )

    def __init__(self, length: int = 0) -> None:
        self.length = length  # characters of the raw body
        self.text = ""  # visible words, without links and code
        self.lower = ""  # in lower case, in one line
        self.words: list[str] = []  # of `lower`
        self.links: list[Link] = []
        self.emails: list[str] = []
        self.phones: list[str] = []
        self.code_length = 0
        self.quote_lines = 0
        self.hidden_characters = 0  # zero-width or direction marks inside words
        self.stacked_marks = 0
        self.styled_letters = 0
        self.mixed_script_words: list[str] = []
        self.spaced_words: list[str] = []
        self.leet_words: list[str] = []  # decoded


# --- characters -----------------------------------------------------------------

_INVISIBLE = dict.fromkeys(
    [0xFEFF, 0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0x180E, 0x34F]
)
_INVISIBLE |= dict.fromkeys([0x115F, 0x1160, 0x3164, 0xFFA0, *range(0x202A, 0x202F)])
_INVISIBLE |= dict.fromkeys([*range(0x2066, 0x206A), *range(0xFFF9, 0xFFFC)])
_INVISIBLE |= dict.fromkeys([*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)])
_CONTROL: dict[int, str | None] = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
_CONTROL |= {ord(c): " " for c in "\x0b\x0c\x1c\x1d\x1e\x1f"} | {ord(c): c for c in "\t\n\r"}
# Windows-1252 punctuation decoded as Latin-1.
_CONTROL |= dict(zip(map(ord, "\x85\x91\x92\x93\x94\x96\x97"), "…''\"\"--", strict=True))
_SURROGATE = late("[\ud800-\udfff]")
# Exporters and editors leave U+FEFF and soft hyphens: drop them without counting.
_HIDDEN_IN_WORD = late(
    r"(?<=[^\W_])[\u200b\u200e\u200f\u2060-\u2064\u180e\u034f\u202a-\u202e\u2066-\u2069]+(?=[^\W_])"
)
# Arabic, Indic and emoji writing needs U+200C and U+200D; elsewhere they hide words.
_JOINER_MISUSED = late("(?<=[A-Za-z\u00c0-\u052f])[\u200c\u200d]+(?=[A-Za-z\u00c0-\u052f])")
_JOINER_STRAY = late("(?<![\u0590-\U0010ffff])[\u200c\u200d]+")
# Several marks on one letter, or a line drawn through it.
_STACK = late(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{2,}|[\u0334-\u0338\u20d2\u20d3\u20e5-\u20eb]"
)
_STYLED = late(
    "[\U0001d400-\U0001d7ff\u2460-\u24ff\U0001f110-\U0001f189\u1d00-\u1d2b\ua730\ua731]"
    "|(?<=[A-Za-z])[\u2160-\u217f]|[\u2160-\u217f](?=[A-Za-z])"  # Roman numerals as letters
)
_FULL_WIDTH = late("[\uff21-\uff3a\uff41-\uff5a]")
_EAST_ASIAN = late("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _styled_table() -> dict[int, str]:
    # Letters that NFKC leaves alone; it maps mathematical, full-width and circled ones.
    table: dict[int, str] = {}
    for start in (0x1F150, 0x1F170):
        table |= {start + i: chr(ord("A") + i) for i in range(26)}
    small_capitals = "ᴀbᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘqʀꜱᴛᴜᴠᴡxʏᴢ"
    table |= {ord(c): chr(ord("a") + i) for i, c in enumerate(small_capitals) if ord(c) > 127}
    return table


_STYLED_LETTERS = _styled_table()
_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТУХЅІЈаеорсухѕіјԁһӏԛԝνοαιρτυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧвкмнтօոսհՕՍɑɡɩ",
    "ABEKMHOPCTYXSIJaeopcyxsijdhlqwvoaiptukABEZHIKMNOPTYXbkmhtonuhOUagi",
)
_LATIN_TO_CYRILLIC = str.maketrans("ABEKMHOPCTYXaeopcyxk", "АВЕКМНОРСТУХаеорсухк")
# Greek, Cyrillic and Armenian, and three letters of the phonetic alphabet.
_WORD_OF_TWO_SCRIPTS = late(
    "[A-Za-z][\u0251\u0261\u0269\u0370-\u058f]|[\u0251\u0261\u0269\u0370-\u058f][A-Za-z]"
)
_WORD_LGC = late("[A-Za-z\u0251\u0261\u0269\u0370-\u058f]+")
_CYRILLIC = late("[\u0400-\u052f]+")
# A Latin name in a Russian case: SMSка.
_INFLECTED = late("[A-Za-z]{2,}(?:ом|ам|ах|ов|ем|ка|ку|ке|кам|ках)")
_GREEK_SYMBOL = late("[A-Za-z]?[\u0370-\u03ff][A-Za-z]?")  # a formula: Δx


def _unmix(match: re.Match[str], body: Body) -> str:
    word = match.group()
    if word.isascii() or not any("A" <= c <= "z" for c in word):
        return word
    if _INFLECTED.fullmatch(word) or _GREEK_SYMBOL.fullmatch(word):
        return word
    folded = word.translate(_LOOKALIKES)
    if not folded.isascii():
        folded = word.translate(_LATIN_TO_CYRILLIC)
        if not _CYRILLIC.fullmatch(folded):
            return word  # an honest mixture such as "Fiная" or "ΔX"
    body.mixed_script_words.append(folded)
    return folded


_MAY_BE_MIXED = BOM | TRICKY | PECULIAR | CONTROL | MIXED


def clean_characters(text: str, body: Body, signs: int) -> str:
    """Undo tricks with characters, and count them in `body`; `signs` are those of `text`."""
    if text.isascii():
        return text.translate(_CONTROL) if signs & CONTROL else text
    if signs & BOM:
        text = text.replace("\ufeff", "")  # some exporters begin every comment with it
    if signs & (TRICKY | CONTROL):
        text = _clean_tricky(text, body)
    elif signs & PECULIAR:
        text = _normal(text, body)
    if signs & _MAY_BE_MIXED and _WORD_OF_TWO_SCRIPTS.search(text):
        text = _WORD_LGC.sub(lambda m: _unmix(m, body), text)
    return text


def _clean_tricky(text: str, body: Body) -> str:
    text = _SURROGATE.sub("\ufffd", text)
    text, hidden = _HIDDEN_IN_WORD.subn("", text)
    text, misused = _JOINER_MISUSED.subn("", text)
    body.hidden_characters += hidden + misused
    text = _JOINER_STRAY.sub("", text.translate(_INVISIBLE).translate(_CONTROL))
    body.styled_letters += len(_STYLED.findall(text))
    if not _EAST_ASIAN.search(text):  # full-width letters are normal in Japanese
        body.styled_letters += len(_FULL_WIDTH.findall(text))
    return _normal(text.translate(_STYLED_LETTERS), body)


def _normal(text: str, body: Body) -> str:
    text = unicodedata.normalize("NFKC", text)
    text = text[: 2 * (MAX_HEAD + MAX_TAIL)]  # a ligature may expand to eighteen letters
    text, stacks = _STACK.subn("", text)
    body.stacked_marks += stacks
    return text


Finder = Callable[[str, int], int]
"""Returns the place of the next hit in a text, or -1."""


def _by_pattern(hint: re.Pattern[str]) -> Finder:
    def find(text: str, start: int) -> int:
        found = hint.search(text, start)
        return -1 if found is None else found.start()

    return find


# --- markup ---------------------------------------------------------------------

_ANY_TAG = late(r"<[^<>]*>")
_CODE_SIGN = late(r"[{}()\[\];=<>$\\|#_`\"]|::|->|--|//")
_BLOCK = frozenset(
    "p br div li ul ol tr td th table h1 h2 h3 h4 h5 h6 blockquote pre hr section article "
    "dl dt dd title figcaption".split()
)
_INLINE = frozenset(
    "a abbr b big body center cite code del em embed font form head html i iframe img input "
    "ins kbd label link meta nav object q s script small span strike strong style sub sup svg tbody "
    "tfoot thead tt u url samp var video audio source figure mark".split()
)
_TAGS = _BLOCK | _INLINE
_SILENT = frozenset({"script", "style"})
_CODE = frozenset({"code", "pre", "kbd", "samp", "tt"})
_HTML_TAG = late(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]{0,10})(?=[\s/>])([^<>]*)|![^<>]*)>")
_GENERIC = late(r"[^\W_]<[A-Z][a-z]+>")
_BB_HINT = late(r"\[/|\[(?:url|link)\b", re.IGNORECASE)
_BB_TAG = late(
    r"\[(/?)(url|link|img|b|i|u|s|code|quote|color|size|font|center|left|right|list|email|\*)"
    r"(?:=([^\[\]\n]{0,2000}))?\]",
    re.IGNORECASE,
)
_SOURCE = late(r"\bsrc\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))", re.IGNORECASE)
_HREF = late(r"\bhref\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))", re.IGNORECASE)
_MD_LINK = late(
    r"!?\[([^\[\]]{0,300})\]\(\s?<?((?:[^()\s<>]|\([^()\s<>]{0,100}\)){1,1000})>?(?:\s+[\"'][^\"'\n]{0,200}[\"'])?\)"
)
_MD_CODE = late(r"(?<![\w`])``?[^`\n]{1,500}``?(?![\w`])")
_QUOTE = late(r"^[ ]{0,3}>[> ]*", re.MULTILINE)
_LOOKS_LIKE_URL = late(r"(?:https?:|//|www\.|[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/)", re.IGNORECASE)
_LEADS_NOWHERE = late(r"/(?!/)|[#?.]|(?:javascript|data|about):", re.IGNORECASE)
_ENTITY_PADDED = late(r"&#0+(?=[0-9])")
_ENTITY_HUGE = late(r"&#[0-9]{8,};?")


def _unescape(text: str) -> str:
    if "&#" in text:  # Python refuses to parse a number of thousands of digits
        text = _ENTITY_HUGE.sub("\ufffd", _ENTITY_PADDED.sub("&#", text))
    return html.unescape(text)


def _is_address(words: str) -> bool:
    """Return whether `words` are a web address and nothing else."""
    if not words or any(map(str.isspace, words)):
        return False
    if _LOOKS_LIKE_URL.match(words):
        return True
    domain = _DOMAIN.fullmatch(words)
    return domain is not None and domain.group(1).lower() not in _FRAMEWORKS


def _keep_link(body: Body, kind: str, url: str, words: str) -> bool:
    """Add a link to `body`, unless it stays on the page or is a contact."""
    url = _unescape(url).strip()
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "mailto":
        address = rest.partition("?")[0]
        if address not in words:  # a visible address is found in the text
            body.emails.append(address)
        return False
    if not url or scheme.lower() in ("tel", "sms") or _LEADS_NOWHERE.match(url):
        return False
    body.links.append(Link(kind, url, words))
    return True


def _read_anchor(words: str) -> str:
    """Return the words of a link as the text has them; spaced-out letters are counted there."""
    return " ".join(_unspace(words, Body()).split())[:300]


class _Markup:
    """One pass over the tags of a body, which separates text, links and code."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.out: list[str] = []
        self.anchor: tuple[str, str, int] | None = None  # kind, url, start of its words
        self.skip: tuple[str, int] | None = None  # silencing tag, its start

    def close_anchor(self) -> None:
        if self.anchor is None:
            return
        kind, url, start = self.anchor
        self.anchor = None
        words = "".join(self.out[start:])
        if not url and _is_address(words.strip()):  # [url]http://...[/url]
            url = words.strip()
        if not url:
            return
        if _keep_link(self.body, kind, url, words):
            # An address here is neither a word nor a second link.
            words = "" if _is_address(words.strip()) else _URL.sub(" ", words)
            self.body.links[-1].anchor = _read_anchor(words)
            self.out[start:] = [words or " "]

    def open_anchor(self, kind: str, url: str) -> None:
        self.close_anchor()
        self.anchor = (kind, url, len(self.out))

    def silence(self, name: str, closing: bool, position: int) -> bool:
        """Track tags whose content is not words; return True inside one."""
        if self.skip is None:
            return False
        if closing and name == self.skip[0]:
            if name in _CODE:
                self.body.code_length += position - self.skip[1]
            self.skip = None
            self.out.append(" ")
        return True

    def opens_code(self, name: str, tag: re.Match[str], closings: dict[str, list[int]]) -> bool:
        """Begin to skip at `tag` if it opens code that is closed again and is not prose."""
        if name not in _CODE and name not in _SILENT:
            return False
        ends = closings.get(name, [])
        at = bisect.bisect_left(ends, tag.end())
        if at == len(ends):
            return False
        if name in _CODE and not is_code(tag.string[tag.end() : ends[at]]):
            return False
        self.skip = (name, tag.start())
        return True


def is_code(segment: str) -> bool:
    """Return whether a segment marked as code is code, and not prose."""
    segment = plain = segment[:500]
    if "<" in plain:
        plain = _ANY_TAG.sub(" ", plain)
    if "//" in plain or "www" in plain.lower():
        plain = _URL.sub(" ", plain)
    signs = len(_CODE_SIGN.findall(plain))
    if len(plain) < len(segment) and ("//" in segment or "href" in segment.lower()):
        return signs * 15 >= len(plain)
    return plain.count(" ") < 4 or signs * 40 >= len(plain)


def _closings(tags: Iterable[re.Match[str]]) -> dict[str, list[int]]:
    """Return the positions of the closing tags of each kind."""
    found: dict[str, list[int]] = {}
    for tag in tags:
        if tag.group(1):
            found.setdefault(tag.group(2).lower(), []).append(tag.start())
    return found


def _strip_html(text: str, body: Body) -> str:
    state, end = _Markup(body), 0
    tags = list(_HTML_TAG.finditer(text))
    closings = _closings(tags)
    for tag in tags:
        slash, name, attributes = tag.groups()
        name = (name or "").lower()
        if name and (name not in _TAGS or _GENERIC.match(text, max(0, tag.start() - 1))):
            continue  # such as List<int>
        if state.skip is None:
            state.out.append(text[end : tag.start()])
        end = tag.end()
        if state.silence(name, slash == "/", tag.start()):
            continue
        if not slash and state.opens_code(name, tag, closings):
            continue
        if name in ("iframe", "embed") and not slash:
            source = _SOURCE.search(attributes)
            if source is not None:
                _keep_link(body, "html", next(filter(None, source.groups()), ""), "")
        elif name == "a" and not slash:
            state.close_anchor()
            href = _HREF.search(attributes)
            if href is not None and any(href.groups()):
                state.open_anchor("html", next(filter(None, href.groups())))
        elif name == "a":
            state.close_anchor()
        elif name in _BLOCK:
            state.out.append("\n")
            body.quote_lines += name == "blockquote" and not slash
    state.out.append(text[end:])
    state.close_anchor()
    return "".join(state.out)


def _strip_bbcode(text: str, body: Body) -> str:
    state, end = _Markup(body), 0
    tags = list(_BB_TAG.finditer(text))
    closings = _closings(tags)
    for tag in tags:
        slash, name, value = tag.groups()
        name = name.lower()
        if state.skip is None:
            state.out.append(text[end : tag.start()])
        end = tag.end()
        if state.silence(name, slash == "/", tag.start()):
            continue
        if not slash and state.opens_code(name, tag, closings):
            continue
        if name in ("url", "link") and not slash:
            state.open_anchor("bbcode", (value or "").strip("\"' "))
        elif name == "email" and not slash:
            state.open_anchor("bbcode", f"mailto:{value.strip()}" if value else "")
        elif name in ("url", "link", "email"):
            state.close_anchor()
        elif name in ("quote", "list", "*", "center", "left", "right"):
            state.out.append("\n")
            body.quote_lines += name == "quote" and not slash
    state.out.append(text[end:])
    state.close_anchor()
    return "".join(state.out)


def _strip_fences(text: str, body: Body) -> str:
    parts = text.split("```")
    if len(parts) < 3:
        return text
    kept = []
    for number, part in enumerate(parts):
        closed = number < len(parts) - 1
        if number % 2 and closed and is_code(part):
            body.code_length += len(part) + 6
        else:
            kept.append(part)
    return " ".join(kept)


def _inline_code(match: re.Match[str]) -> str:
    inner = match.group().strip("`")
    return " " if is_code(inner) else f" {inner} "


def _strip_markdown(text: str, body: Body) -> str:
    if "`" in text:
        text = _strip_fences(text, body)
        before = len(text)
        text = _MD_CODE.sub(_inline_code, text)
        body.code_length += before - len(text)

    def lift(match: re.Match[str]) -> str:
        words, url = match.groups()
        if match.group()[0] == "!":
            return " "
        if not (_is_address(url) or _LEADS_NOWHERE.match(url) or url[:7].lower() == "mailto:"):
            return match.group()  # handlers[i](event)
        words = "" if _is_address(words.strip()) else _URL.sub(" ", words)
        _keep_link(body, "markdown", url, _read_anchor(words))
        return words or " "

    for _ in range(2):  # a link may contain a picture
        if "](" in text:
            text = _lift_markdown_links(text, lift)
    if ">" in text:
        text, quotes = _QUOTE.subn("", text)
        body.quote_lines += quotes
    signs = scan(text)
    if signs & LEAD:
        text = without_leads(text)
    return without_dress(text) if signs & (DRESS | STRUCK) else text


def _lift_markdown_links(text: str, lift: Callable[[re.Match[str]], str]) -> str:
    """Do what ``_MD_LINK.sub(lift, text)`` does, from the middle of each link."""
    out: list[str] = []
    end = 0
    middle = text.find("](")
    while middle >= 0:
        start = text.rfind("[", end, middle)
        if start > end and text[start - 1] == "!":
            start -= 1
        link = _MD_LINK.match(text, start) if start >= 0 else None
        if link is not None:
            out += (text[end:start], lift(link))
            end = link.end()
        middle = text.find("](", max(end, middle + 1))
    return "".join(out) + text[end:] if out else text


def _by_line(find: Finder, change: Callable[[str], str], text: str) -> str:
    """Apply `change` to the lines of `text` with a hit of `find`.

    No pattern here crosses a line, so the other lines of a long text are never searched.
    """
    out: list[str] = []
    end = 0
    for start, stop in _lines_with(find, text):
        out += (text[end:start], change(text[start:stop]))
        end = stop
    return "".join(out) + text[end:] if out else text


def _lines_with(find: Finder, text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each line with a hit of `find`."""
    found = find(text, 0)
    while found >= 0:
        start = text.rfind("\n", 0, found) + 1
        stop = text.find("\n", found)
        if stop < 0:
            stop = len(text)
        yield start, stop
        found = find(text, stop)


def _strip_markup(text: str, body: Body) -> str:
    for _ in range(3):  # a host may escape a body again before storing it
        if "<" in text:
            text = _strip_html(text, body)
        before = text
        if "&" in text:
            text = _unescape(text)
        if text == before:
            break
    if "[" in text and _BB_HINT.search(text):
        text = _strip_bbcode(text, body)
    return _strip_markdown(text, body)


# --- links and contacts in plain text ---------------------------------------------

COMMON_TLDS = "|".join(word_sections("endings")["common"])
_ENDINGS = frozenset(word_sections("endings")["common"])
_URL = late(
    r"(?=[<hw])<?(?:h(?:tt|xx)ps?[ ]?:[ ]?//[ ]?|www\d?\.(?=\w))[^\s<>\"'\[\]{}|\\^`\u3000-\u303f]{1,2000}>?",
    re.IGNORECASE,
)
_find_web_address = _by_pattern(late(r"//|www", re.IGNORECASE))
_URL_END = late(r"[.,;:!?)*_~>]*\Z")
_EMAIL = late(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
# Chinese and Japanese have no space before an address.
_DOMAIN = late(
    rf"(?<![0-9a-z_\u00c0-\u052f@.-])((?:[0-9a-z\u00c0-\u052f][0-9a-z\u00c0-\u052f-]{{0,62}}\.){{1,4}}(?:{COMMON_TLDS}))"
    r"(?![0-9a-z_\u00c0-\u052f-]|\.\w)(?:[:/][^\s<>\"']{0,1000}|([ ]/[ ]?[\w-]{4,20})(?![\w.]))?",
    re.IGNORECASE,
)
_SPLIT_TLDS = "|".join(word_sections("endings")["split"])
# What may precede a split ending: a sign, or the last letter of "dot".
_SPLIT_HINT = _by_pattern(
    late(rf"[)\]}}.t](?:(?<=dot)|(?<!t))[ ]{{0,3}}(?:{_SPLIT_TLDS})(?!\w)", re.IGNORECASE)
)
_OBFUSCATED = late(
    r"(?<![\w.-])([a-z0-9][a-z0-9-]{1,62})[ ]{0,2}(?:[(\[{][ ]?(?:dot|\.|punkt|punto|point|точка)[ ]?[)\]}]|[ ]dot[ ]"
    rf"|[ ]\.[ ]?|\.[ ])[ ]{{0,2}}({_SPLIT_TLDS})(?![\w])"
    r"([ ]?/[ ]?[^\s<>\"']{0,200})?",
    re.IGNORECASE,
)
_SPLIT_DOT = late(r"[ ]{0,2}(\.|dot\b)", re.IGNORECASE)
# Endings that are words too: "it is over. be kind", "a dot net developer".
_WORDS_AFTER_STOP = frozenset(word_sections("endings")["after stop"])
_WORDS_AFTER_DOT = frozenset(word_sections("endings")["after dot"])
_LONG_NAME = 12
_WORDS_AFTER_TYPO = frozenset(word_sections("endings")["after typo"])
_CODE_OWNERS = frozenset(word_sections("code")["owners"])
_PHONE_HINT = _by_pattern(late(r"\d[\d ().\-]{7}"))
_PHONE = late(r"(?<![\w.+/#-])(?:\+|00)?\(?\d[\d ().\-]{7,20}\d(?![\w/])")
_NOT_PHONE = late(
    r"(?:19|20)\d\d[-.]\d\d?[-.]\d\d?(?!\d)|\d\d?[-.]\d\d?[-.](?:19|20)\d\d(?!\d)"  # a date
    r"|\d+\.\d+\Z|(?:\d{1,3}\.){3}\d{1,3}\Z|97[89][- ]?\d{1,5}-"  # a number, an IP address, an ISBN
)
_DRESS = dict.fromkeys(map(ord, "*_~>"))
_FRAMEWORKS = frozenset(word_sections("code")["frameworks"])


def _lift_links(text: str, body: Body, signs: int) -> str:
    def url(match: re.Match[str]) -> str:
        found = match.group().lstrip("<")
        ending = _URL_END.search(found)
        end = ending.start() if ending is not None else len(found)
        if found[end : end + 1] == ")" and found.count("(", 0, end) > found.count(")", 0, end):
            end += 1  # .../Mercury_(planet)
        body.links.append(Link("bare", found[:end].replace(" ", "")))
        return " " + found[end:].translate(_DRESS)

    def domain(match: re.Match[str]) -> str:
        name, spaced, whole = match.group(1), match.group(2), match.group()
        first, _, ending = name.partition(".")
        ending = ending.rpartition(".")[2]
        typo = ending.istitle() and ending.lower() in _WORDS_AFTER_TYPO  # "the end.It was"
        code = whole == name and first.lower() in _CODE_OWNERS  # "user.id"
        if (
            name.lower() in _FRAMEWORKS
            or (name[-3:].isupper() and not name.isupper())
            or typo
            or code
        ):
            return whole  # ASP.NET, System.IO
        if spaced is None:
            body.links.append(Link("domain", whole))
            return " "
        slug = spaced.strip("/ ")
        if any(map(str.isdigit, slug)) or not (slug.islower() or slug.istitle() or slug.isupper()):
            body.links.append(Link("obfuscated", f"{name}/{slug}"))  # adf.ly / KlD3Y
            return " "
        body.links.append(Link("domain", name))
        return " " + spaced

    def obfuscated(match: re.Match[str]) -> str:
        name, tld, path = match.groups()
        short = len(name) < _LONG_NAME
        split = _SPLIT_DOT.match(match.group(), len(name))
        if split is not None and split.group(1) == ".":
            # "see foo. Net result" is a sentence; a split address has no capital after the dot.
            sentence = not tld.islower() or (not path and name[:1].isupper())
            if sentence or (not path and tld in _WORDS_AFTER_STOP):
                return match.group()
        elif split is not None and not path and tld.lower() in _WORDS_AFTER_DOT and short:
            return match.group()  # "a dot net developer", but not "verylongsitename dot net"
        body.links.append(Link("obfuscated", f"{name}.{tld}{(path or '').replace(' ', '')}"))
        return " "

    if signs & (URL | WEB):
        find = _find_web_address if signs & WEB else find_address
        text = _by_line(find, partial(_URL.sub, url), text)
    if signs & AT:
        body.emails += _EMAIL.findall(text)
        text = _EMAIL.sub(" ", text)
    signs = scan(text)
    if signs & DOMAIN:
        text = _by_line(_find_domain, partial(_DOMAIN.sub, domain), text)
    if signs & SPLIT or _spells_dot(text):
        text = _by_line(_SPLIT_HINT, partial(_OBFUSCATED.sub, obfuscated), text)
    return text


def _spells_dot(text: str) -> bool:
    lower = text.lower()
    return (
        "dot" in lower
        or "punkt" in lower
        or "punto" in lower
        or "point" in lower
        or "точка" in lower
    )


def _find_domain(text: str, start: int) -> int:
    return find_ending(text, start, _ENDINGS)


_LINKS = URL | WEB | AT | DOMAIN | SPLIT
_ENOUGH_DIGITS = DIGITS | PECULIAR | TRICKY


def _found(hint: Finder, pattern: re.Pattern[str], text: str) -> list[str]:
    """Return the matches of `pattern` on the lines that match `hint`."""
    lines = (text[start:stop] for start, stop in _lines_with(hint, text))
    return [match.group() for line in lines for match in pattern.finditer(line)]


def _lift_phones(text: str, body: Body) -> None:
    for number in _found(_PHONE_HINT, _PHONE, text):
        digits = sum(c.isdigit() for c in number)
        if (
            9 <= digits <= 15
            and not _NOT_PHONE.match(number)
            and (number[0] in "+0(" or digits >= 10)
        ):
            body.phones.append(number)


# --- hidden words -------------------------------------------------------------------

_SPACED = late(r"(?<![^\W_])(?:[^\W\d_]([ .*_\-]))(?:[^\W\d_]\1){2,28}[^\W\d_](?![^\W_])")
_LEET = late(
    r"(?<![\w@$])(?=[a-z@$!|0134578]{0,19}[a-z])[a-z@$!|0134578]{4,20}(?![\w@$])", re.IGNORECASE
)
# A digit or sign next to a letter, except at the end of a word: "hello!" needs no decoding.
_LEET_HINT = _by_pattern(late(r"[0134578@$!|](?=[a-z])|[0134578@$](?<=[a-z!|].)", re.IGNORECASE))
_LEET_LETTERS = str.maketrans("013457@$!|8", "oieastasilb")
_DIGIT_OR_SIGN = late(r"[0134578@$!|]")


_SPACED_HINT = _by_pattern(late(r"[ .*_\-][^\W\d_][ .*_\-][^\W\d_][ .*_\-]"))


def _unspace(text: str, body: Body) -> str:
    def join(match: re.Match[str]) -> str:
        word = match.group()[::2]
        acronym = match.group(1) == "." and word.isupper()  # U.S.S.R.
        syllables = "\uac00" <= word[0] <= "\ud7af"  # Korean has words of one
        if len(set(word.lower())) < 3 or acronym or syllables:
            return match.group()
        body.spaced_words.append(word)
        return word

    return _by_line(_SPACED_HINT, partial(_SPACED.sub, join), text)


def _find_leet(text: str, body: Body) -> None:
    for found in _found(_LEET_HINT, _LEET, text):
        word = found.lower().rstrip("!|")
        if word[:1] != "@" and _DIGIT_OR_SIGN.search(word):
            body.leet_words.append(word.translate(_LEET_LETTERS))


def read_body(raw: str) -> Body:
    """Read the body of a comment: plain text, HTML, Markdown or BBCode.

    The middle of a body longer than ``MAX_HEAD + MAX_TAIL`` characters is not read.
    """
    body = Body(length=len(raw))
    text, signs = _read_links(raw, body)
    if signs & _ENOUGH_DIGITS:
        _lift_phones(text, body)
    if signs & LEET:
        _find_leet(text, body)
    lower = text.lower()
    words = lower_words(lower)
    if any_spaced(words):
        text = _unspace(text, body)
        lower = text.lower()
        words = lower_words(lower)
    if signs & UNTIDY:  # from storage, not from the visitor
        lines = [" ".join(line.split()) for line in text.split("\n")]
        text = "\n".join(filter(None, lines))
        lower = text.lower()
    body.text, body.words = text, words
    body.lower = lower.replace("\n", " ") if "\n" in lower else lower
    return body


def body_words(raw: str) -> list[str]:
    """Return the words of `read_body`, without the rest."""
    body = Body()
    text, _ = _read_links(raw, body)
    words = words_of(text)
    return words_of(_unspace(text, body)) if any_spaced(words) else words


def _read_links(raw: str, body: Body) -> tuple[str, int]:
    """Return `raw` without markup, tricks, links, code and addresses, which go into `body`, and its signs."""
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    if len(raw) > MAX_HEAD + MAX_TAIL:
        raw = f"{raw[:MAX_HEAD]}\n{raw[-MAX_TAIL:]}"
    text, signs = _clean(raw, scan(raw), body)
    if signs & MARKUP:
        before, text = text, _strip_markup(text, body)
        if text != before:
            text, signs = _clean(text, scan(text), body)  # characters written as entities
    if signs & _LINKS or _spells_dot(text):
        before, text = text, _lift_links(text, body, signs)
        if text != before:
            signs = scan(text)
    return text, signs


def _clean(text: str, signs: int, body: Body) -> tuple[str, int]:
    """Return `text` without tricks, and its signs."""
    if signs & PECULIAR:  # mostly these two, and normalising takes long
        text = text.replace("\xa0", " ").replace("…", "...")
        signs = scan(text)
    if not signs & UNCLEAN:
        return text, signs
    text = clean_characters(text, body, signs)
    return text, scan(text)


@cython.annotation_typing(False)
def plain_text(raw: str) -> str:
    """Return the visible words of a body, without markup, links and code.

    `raw` may be plain text, HTML, Markdown or BBCode.
    """
    return read_body(str.__str__(raw)).text
