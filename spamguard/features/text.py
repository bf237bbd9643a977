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
from dataclasses import dataclass, field
from functools import partial
from string import ascii_letters, digits

from spamguard.features.patterns import late

MAX_HEAD, MAX_TAIL = 60_000, 20_000
"""Characters read from the start and the end of a long body."""


@dataclass(slots=True)
class Link:
    """An address found in a body."""

    kind: str  # "bare", "html", "bbcode", "markdown", "domain", "obfuscated"
    url: str
    anchor: str = ""


@dataclass(slots=True)
class Body:
    """A body without markup, and everything taken out of it."""

    text: str = ""  # visible words, without links and code
    length: int = 0  # characters of the raw body
    links: list[Link] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    code_length: int = 0
    quote_lines: int = 0
    hidden_characters: int = 0  # zero-width or direction marks inside words
    stacked_marks: int = 0
    styled_letters: int = 0
    mixed_script_words: list[str] = field(default_factory=list)
    spaced_words: list[str] = field(default_factory=list)
    leet_words: list[str] = field(default_factory=list)  # decoded


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
_CONTROL_ASCII = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
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
_SECOND_SCRIPT = late("[\u0251\u0261\u0269\u0370-\u058f]")
_WORD_LGC = late("[A-Za-z\u0251\u0261\u0269\u0370-\u058f]+")
_CYRILLIC = late("[\u0400-\u052f]+")
# A Latin name in a Russian case: SMSка.
_INFLECTED = late("[A-Za-z]{2,}(?:ом|ам|ах|ов|ем|ка|ку|ке|кам|ках)")
_GREEK_SYMBOL = late("[A-Za-z]?[\u0370-\u03ff][A-Za-z]?")  # a formula: Δx
# Everything except letters and signs that need no cleaning, alone or in sequence.
_PECULIAR = late(
    "[^\t\n\r -~\u00a1-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131\u0134-\u013e\u0141-\u0148"
    "\u014a-\u017e\u0400-\u0482\u048a-\u052f\u2010\u2012-\u2015\u2018-\u2023\u2030\u2039\u203a\u20a0-\u20a7\u20a9-\u20b9"
    "\u2600-\u26ff\u3001\u3002\u3008-\u3011\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001f64f]"
)


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


# Without these, normalisation alone is enough (a long dash, a wide space).
_TRICKY = late(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u0483-\u0489\u115f\u1160\u180e\u1ab0-\u1aff\u1d00-\u1d2b"
    "\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2160-\u217f\u2460-\u24ff\u3164\ud800-\udfff"
    "\uff21-\uff3a\uff41-\uff5a\uffa0\ufff9-\ufffc\U0001d400-\U0001d7ff\U0001f110-\U0001f189\U000e0000-\U000e01ef"
    f"{''.join(map(chr, _STYLED_LETTERS))}]"
)


def clean_characters(text: str, body: Body) -> str:
    """Undo tricks with characters, and count them in `body`."""
    if text.isascii():
        return text.translate(_CONTROL) if _CONTROL_ASCII.search(text) else text
    text = text.replace("\ufeff", "")  # some exporters begin every comment with it
    others = "".join(set(text))  # faster to check than the whole text
    if _TRICKY.search(others):
        text = _clean_tricky(text, body)
    elif _PECULIAR.search(others):
        text = _normal(text, body)
    elif not _SECOND_SCRIPT.search(others):
        return text
    if _WORD_OF_TWO_SCRIPTS.search(text):
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
_MD_DRESS = late(
    r"(?=[*~_hw])(?:(https?://\S+|www\.\S+)|(?<![^\W_])\*{1,3}|\*{1,3}(?![^\W_])|~~|(?<!\w)_{1,3}|_{1,3}(?!\w))"
)
_MD_DRESS_HINT = re.compile(r"[*_]|~~")
_MD_LEAD = late(r"[ ]{0,3}(?:#{1,6}|[-+])[ \t]")
_MD_LEAD_HINT = re.compile(r"[#+-][ \t]")
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
    segment = segment[:500]
    plain = _URL.sub(" ", _ANY_TAG.sub(" ", segment))
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
            text = _MD_LINK.sub(lift, text)
    if ">" in text:
        text, quotes = _QUOTE.subn("", text)
        body.quote_lines += quotes
    text = _by_line(_MD_LEAD_HINT, _without_lead, text)
    if "*" in text or "_" in text or "~~" in text:
        text = _by_line(_MD_DRESS_HINT, partial(_MD_DRESS.sub, r"\1"), text)
    return text


def _without_lead(line: str) -> str:
    lead = _MD_LEAD.match(line)
    return line if lead is None else line[lead.end() :]


def _by_line(hint: re.Pattern[str], change: Callable[[str], str], text: str) -> str:
    """Apply `change` to the lines of `text` that match `hint`.

    No pattern here crosses a line, so the other lines of a long text are never searched.
    """
    out: list[str] = []
    end = 0
    for start, stop in _lines_with(hint, text):
        out += (text[end:start], change(text[start:stop]))
        end = stop
    return "".join(out) + text[end:] if out else text


def _lines_with(hint: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each line that matches `hint`."""
    found = hint.search(text)
    while found is not None:
        start = text.rfind("\n", 0, found.start()) + 1
        stop = text.find("\n", found.end())
        if stop < 0:
            stop = len(text)
        yield start, stop
        found = hint.search(text, stop)


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

COMMON_TLDS = (
    "com|net|org|info|biz|ru|su|ua|by|kz|xyz|top|online|site|club|shop|store|live|pro|me|co|tv|cc|io|"
    "uk|de|fr|it|es|nl|pl|cz|at|ch|be|se|eu|us|ca|au|nz|in|pk|bd|id|my|sg|th|vn|ph|cn|jp|kr|tw|hk|br|"
    "mx|ar|cl|tr|ir|ae|sa|za|ng|ke|gr|pt|ro|hu|bg|website|space|blog|app|dev|link|click|icu|fun|win|"
    "bet|casino|poker|vip|life|world|today|agency|academy|health|life|tech|loan|download|ly|gl|gd|рф|укр|example|test|invalid"
)
_URL = late(
    r"(?=[<hw])<?(?:h(?:tt|xx)ps?[ ]?:[ ]?//[ ]?|www\d?\.(?=\w))[^\s<>\"'\[\]{}|\\^`\u3000-\u303f]{1,2000}>?",
    re.IGNORECASE,
)
_URL_HINT = re.compile(r"//|www", re.IGNORECASE)
_URL_END = late(r"[.,;:!?)*_~>]*\Z")
_EMAIL = late(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
# Chinese and Japanese have no space before an address.
_DOMAIN = late(
    rf"(?<![0-9a-z_\u00c0-\u052f@.-])((?:[0-9a-z\u00c0-\u052f][0-9a-z\u00c0-\u052f-]{{0,62}}\.){{1,4}}(?:{COMMON_TLDS}))"
    r"(?![0-9a-z_\u00c0-\u052f-]|\.\w)(?:[:/][^\s<>\"']{0,1000}|([ ]/[ ]?[\w-]{4,20})(?![\w.]))?",
    re.IGNORECASE,
)
_SPLIT_TLDS = (
    "com|net|org|info|biz|ru|xyz|co|top|ly|be|example|test|uk|de|fr|nl|pl|eu|us|io|online|site|shop|store|"
    "club|website|casino|vip|icu|tech|cz|br|cn|gl"
)
_OBFUSCATED = late(
    r"(?<![\w.-])([a-z0-9][a-z0-9-]{1,62})[ ]{0,2}(?:[(\[{][ ]?(?:dot|\.|punkt|punto|point|точка)[ ]?[)\]}]|[ ]dot[ ]"
    rf"|[ ]\.[ ]?|\.[ ])[ ]{{0,2}}({_SPLIT_TLDS})(?![\w])"
    r"([ ]?/[ ]?[^\s<>\"']{0,200})?",
    re.IGNORECASE,
)
_SPLIT_DOT = late(r"[ ]{0,2}(\.|dot\b)", re.IGNORECASE)
# Endings that are words too: "it is over. be kind", "a dot net developer".
_WORDS_AFTER_STOP = frozenset(
    "net info biz co top be example test us online site shop store club website casino tech de".split()
)
_WORDS_AFTER_DOT = frozenset("net top be example test us".split())
_LONG_NAME = 12
_WORDS_AFTER_TYPO = frozenset(
    "at be ch co de es id in io it me my no pk pro se so to today top us".split()
)
_CODE_OWNERS = frozenset(
    "this self that obj object item user row node event window document data model request response "
    "java post comment element props state args config".split()
)
# Searched first, as few texts match: a dot before a letter, and what may precede a split
# ending: a sign, or the last letter of "dot".
_DOMAIN_HINT = re.compile(r"\.[a-z\u0440\u0443]", re.IGNORECASE)
_SIGN_HINT = re.compile(rf"[)\]}}.][ ]{{0,3}}(?:{_SPLIT_TLDS})(?!\w)", re.IGNORECASE)
_DOT_OR_SIGN_HINT = late(
    rf"[)\]}}.t](?:(?<=dot)|(?<!t))[ ]{{0,3}}(?:{_SPLIT_TLDS})(?!\w)", re.IGNORECASE
)
_PHONE_HINT = re.compile(r"\d[\d ().\-]{7}")
_PHONE = late(r"(?<![\w.+/#-])(?:\+|00)?\(?\d[\d ().\-]{7,20}\d(?![\w/])")
_NOT_PHONE = late(
    r"(?:19|20)\d\d[-.]\d\d?[-.]\d\d?(?!\d)|\d\d?[-.]\d\d?[-.](?:19|20)\d\d(?!\d)"  # a date
    r"|\d+\.\d+\Z|(?:\d{1,3}\.){3}\d{1,3}\Z|97[89][- ]?\d{1,5}-"  # a number, an IP address, an ISBN
)
_DRESS = dict.fromkeys(map(ord, "*_~>"))
_FRAMEWORKS = frozenset("asp.net vb.net ado.net ml.net json.net log4net.net paint.net ".split())


def _lift_links(text: str, body: Body) -> str:
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

    if "//" in text or "www" in text.lower():
        text = _by_line(_URL_HINT, partial(_URL.sub, url), text)
    if "@" in text:
        body.emails += _EMAIL.findall(text)
        text = _EMAIL.sub(" ", text)
    text = _by_line(_DOMAIN_HINT, partial(_DOMAIN.sub, domain), text)
    return _by_line(_split_hint(text), partial(_OBFUSCATED.sub, obfuscated), text)


def _split_hint(text: str) -> re.Pattern[str]:
    return _DOT_OR_SIGN_HINT if "dot" in text.lower() else _SIGN_HINT


def _signs(**kinds: str) -> bytes:
    """Return a translation table from characters to their kind, and from all others to none."""
    named = {"letters": "a", "digits": "0", "spaces": " ", "marks": "!"}
    table = bytearray(256)
    for kind, members in kinds.items():
        for member in members:
            table[ord(member)] = ord(named[kind])
    return bytes(table)


# A table, and runs of signs: every ASCII text that matches the hint contains one of them.
_PHONE_SIGNS = _signs(digits=f"{digits} ().-"), b"0" * 8
_LEET_SIGNS = (
    _signs(letters=ascii_letters, digits="0134578@$", marks="!|"),
    *(b"0a", b"a0", b"!a", b"!0"),
)
_SPACED_SIGNS = _signs(letters=ascii_letters, spaces=" .*_-"), b" a a "


def _lacks(text: str, table: bytes, *wanted: bytes) -> bool:
    """Return whether `text` is ASCII and contains none of the `wanted` runs of signs.

    For a few hundred characters this is two or three times as fast as a pattern, and
    most texts end here.
    """
    if not text.isascii():
        return False
    kinds = text.encode().translate(table)
    return not any(map(kinds.__contains__, wanted))


def _found(hint: re.Pattern[str], pattern: re.Pattern[str], text: str) -> list[str]:
    """Return the matches of `pattern` on the lines that match `hint`."""
    lines = (text[start:stop] for start, stop in _lines_with(hint, text))
    return [match.group() for line in lines for match in pattern.finditer(line)]


def _lift_phones(text: str, body: Body) -> None:
    if _lacks(text, *_PHONE_SIGNS):
        return
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
_LEET_HINT = re.compile(r"[0134578@$!|](?=[a-z])|[0134578@$](?<=[a-z!|].)", re.IGNORECASE)
_LEET_LETTERS = str.maketrans("013457@$!|8", "oieastasilb")
_DIGIT_OR_SIGN = late(r"[0134578@$!|]")


_SPACED_HINT = re.compile(r"[ .*_\-][^\W\d_][ .*_\-][^\W\d_][ .*_\-]")


def _unspace(text: str, body: Body) -> str:
    def join(match: re.Match[str]) -> str:
        word = match.group()[::2]
        acronym = match.group(1) == "." and word.isupper()  # U.S.S.R.
        syllables = "\uac00" <= word[0] <= "\ud7af"  # Korean has words of one
        if len(set(word.lower())) < 3 or acronym or syllables:
            return match.group()
        body.spaced_words.append(word)
        return word

    if _lacks(text, *_SPACED_SIGNS):
        return text
    return _by_line(_SPACED_HINT, partial(_SPACED.sub, join), text)


def _find_leet(text: str, body: Body) -> None:
    if _lacks(text, *_LEET_SIGNS):
        return
    for found in _found(_LEET_HINT, _LEET, text):
        word = found.lower().rstrip("!|")
        if word[:1] != "@" and _DIGIT_OR_SIGN.search(word):
            body.leet_words.append(word.translate(_LEET_LETTERS))


def read_body(raw: str) -> Body:
    """Read the body of a comment or post: plain text, HTML, Markdown or BBCode.

    The middle of a body longer than ``MAX_HEAD + MAX_TAIL`` characters is not read.
    """
    body = Body(length=len(raw))
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    if len(raw) > MAX_HEAD + MAX_TAIL:
        raw = f"{raw[:MAX_HEAD]}\n{raw[-MAX_TAIL:]}"
    text = _strip_markup(clean_characters(raw, body), body)
    if "&" in raw or not text.isascii():
        text = clean_characters(text, body)  # characters written as entities
    text = _lift_links(text, body)
    _lift_phones(text, body)
    _find_leet(text, body)
    # Blank lines and wide gaps come from storage, not from the visitor.
    lines = [" ".join(line.split()) for line in _unspace(text, body).split("\n")]
    body.text = "\n".join(filter(None, lines))
    return body


def plain_text(raw: str) -> str:
    """Return the visible words of a body, without markup, links and code.

    `raw` may be plain text, HTML, Markdown or BBCode.
    """
    return read_body(raw).text


# --- words --------------------------------------------------------------------------

# Vowel signs and accents: not letters, but part of a word.
_SIGNS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0900-\u0963\u0971-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ecd"
    "\u0f71-\u0f84\u102b-\u103e\u17b6-\u17d3"
)
_WORD = re.compile(rf"[^\W_]+(?:(?:['\u200c\u200d](?=[^\W_])|[{_SIGNS}]+)[^\W_]*)*")
# The character set of most Western European texts, with quotes and dashes.
_WESTERN = "cp1252"
_LETTERS = "".join(filter(_WORD.fullmatch, bytes(range(256)).decode(_WESTERN, "ignore"))) + "'"
_KEPT = frozenset(_LETTERS.encode(_WESTERN))
_PARTED = bytes(c if c in _KEPT else ord(" ") for c in range(256))
"""Keeps letters, digits and apostrophes; everything else becomes a space."""


def words_of(text: str) -> list[str]:
    """Return the lower-case words of canonical text, in order; apostrophes join (``don't``)."""
    text, letters = text.lower(), "ascii"
    if not text.isascii():
        text, letters = text.replace("’", "'").replace("i\u0307", "i"), _WESTERN
    try:  # several times as fast as searching for words
        parted = text.encode(letters).translate(_PARTED)
    except UnicodeEncodeError:
        return _WORD.findall(text)
    if b"'" in parted:
        ends = b" %b " % parted
        if b" '" in ends or b"' " in ends or b"''" in ends:  # some of them do not join
            return _WORD.findall(text)
    return parted.decode(letters).split()
