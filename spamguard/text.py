"""Canonical text: the only place where text is cleaned.

Comments arrive as plain text, HTML, Markdown or BBCode, through importers that
leave marks of their own. `read_body` reduces all of them to the same words and
lifts out what is not words: links, code, contacts, and the tricks used to hide
words from a filter. What an importer leaves behind (U+FEFF, entities, ``<p>``)
is dropped without a trace; what a person did on purpose (letters of another
script inside a word, s p a c e d letters) is undone and counted.

Every pattern here runs in time linear in the text: quantifiers are bounded or
cannot meet their own continuation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field

MAX_HEAD, MAX_TAIL = 60_000, 20_000
"""Characters read from the start and from the end of a longer body."""


@dataclass(slots=True)
class Link:
    """One address found in a body."""

    kind: str  # "bare", "html", "bbcode", "markdown", "domain", "obfuscated"
    url: str
    anchor: str = ""


@dataclass(slots=True)
class Body:
    """What a body says once its dress is taken off."""

    text: str = ""  # the words as a reader sees them, without links and code
    length: int = 0  # characters of the body as it came
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
    + [*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080)]
)
_CONTROL = {c: " " for c in [*range(0x20), *range(0x7F, 0xA0)] if chr(c) not in "\t\n\r"}
_SURROGATE = re.compile("[\ud800-\udfff]")
# U+FEFF and the soft hyphen are left by exporters and editors: dropped, not counted.
_HIDDEN_IN_WORD = re.compile(
    r"(?<=[^\W_])[\u200b\u200e\u200f\u2060-\u2064\u180e\u034f\u202a-\u202e\u2066-\u2069]+(?=[^\W_])"
)
# U+200C and U+200D belong to Arabic, Indic and emoji writing; elsewhere they hide words.
_JOINER_MISUSED = re.compile("(?<=[A-Za-z\u00c0-\u052f])[\u200c\u200d]+(?=[A-Za-z\u00c0-\u052f])")
_STACK = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{2,}")
_STYLED = re.compile(
    "[\U0001d400-\U0001d7ff\u2460-\u24ff\uff21-\uff3a\uff41-\uff5a\U0001f110-\U0001f189\u1d00-\u1d2b]"
)


def _styled_table() -> dict[int, str]:
    # NFKC knows mathematical, full-width and plain circled letters; these it leaves alone.
    table = {}
    for start in (0x1F150, 0x1F170):
        table |= {start + i: chr(ord("A") + i) for i in range(26)}
    small_capitals = "ᴀbᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘqʀꜱᴛᴜᴠᴡxʏᴢ"
    table |= {ord(c): chr(ord("a") + i) for i, c in enumerate(small_capitals) if ord(c) > 127}
    return table


_STYLED_LETTERS = _styled_table()
_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТУХЅІЈаеорсухѕіјԁһӏԛԝνοαιρτυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧвкмнт",
    "ABEKMHOPCTYXSIJaeopcyxsijdhlqwvoaiptukABEZHIKMNOPTYXbkmht",
)
_LATIN_TO_CYRILLIC = str.maketrans("ABEKMHOPCTYXaeopcyxk", "АВЕКМНОРСТУХаеорсухк")
_WORD_OF_TWO_SCRIPTS = re.compile("[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]")
_WORD_LGC = re.compile("[A-Za-z\u0370-\u052f]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _unmix(match: re.Match[str], body: Body) -> str:
    word = match.group()
    if word.isascii() or not any("A" <= c <= "z" for c in word):
        return word
    latin = word.translate(_LOOKALIKES)
    folded = latin if latin.isascii() else word.translate(_LATIN_TO_CYRILLIC)
    if folded is not latin and any("A" <= c <= "z" for c in folded):
        return word  # honest mixture such as "Wi-Fiная" or "Δx"
    body.mixed_script_words.append(folded)
    return folded


def clean_characters(text: str, body: Body) -> str:
    """Undo tricks on the level of characters, counting them in `body`."""
    if text.isascii():
        return text.translate(_CONTROL) if "\x00" <= min(text, default=" ") < " " else text
    text = _SURROGATE.sub("\ufffd", text)
    text, hidden = _HIDDEN_IN_WORD.subn("", text)
    text, misused = _JOINER_MISUSED.subn("", text)
    body.hidden_characters += hidden + misused
    text = text.translate(_INVISIBLE).translate(_CONTROL)
    body.styled_letters += len(_STYLED.findall(text))
    text = unicodedata.normalize("NFKC", text.translate(_STYLED_LETTERS))
    text, stacks = _STACK.subn("", text)
    body.stacked_marks += stacks
    if _WORD_OF_TWO_SCRIPTS.search(text):
        text = _WORD_LGC.sub(lambda m: _unmix(m, body), text)
    return text


# --- markup ---------------------------------------------------------------------

_BLOCK = frozenset(
    "p br div li ul ol tr td th table h1 h2 h3 h4 h5 h6 blockquote pre hr section article".split()
)
_INLINE = frozenset(
    "a abbr b big body center cite code del dd dl dt em embed font form head html i iframe img input "
    "ins kbd label link meta nav object q s script small span strike strong style sub sup svg tbody "
    "tfoot thead title tt u url samp var video audio source figure figcaption mark".split()
)
_TAGS = _BLOCK | _INLINE
_SILENT = frozenset({"script", "style"})
_CODE = frozenset({"code", "pre", "kbd", "samp", "tt"})
_HTML_TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]{0,10})(?=[\s/>])([^<>]*)|![^<>]*)>")
_BB_TAG = re.compile(
    r"\[(/?)(url|link|img|b|i|u|s|code|quote|color|size|font|center|left|right|list|email|\*)"
    r"(?:=([^\[\]\n]{0,2000}))?\]",
    re.IGNORECASE,
)
_HREF = re.compile(r"\bhref\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))", re.IGNORECASE)
_MD_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\(\s?<?((?:[^()\s<>]|\([^()\s<>]{0,100}\)){1,1000})>?(?:\s+[\"'][^\"'\n]{0,200}[\"'])?\)")
_MD_CODE = re.compile(r"``?[^`\n]{1,500}``?")
_MD_DRESS = re.compile(r"\*{1,3}|~~|(?<!\w)_{1,3}|_{1,3}(?!\w)|^[ ]{0,3}(?:#{1,6}|[-+])[ \t]", re.MULTILINE)
_QUOTE = re.compile(r"^[ ]{0,3}>[> ]*", re.MULTILINE)
_LOOKS_LIKE_URL = re.compile(r"\s*(?:https?:|www\.|[\w-]+(?:\.[\w-]+){1,5}/)", re.IGNORECASE)


class _Markup:
    """One pass over the tags of a body: text out, links and code aside."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.out: list[str] = []
        self.anchor: tuple[str, str, int] | None = None  # kind, url, where its words began
        self.skip: tuple[str, int] | None = None  # tag that silences, where it began

    def close_anchor(self) -> None:
        if self.anchor is None:
            return
        kind, url, start = self.anchor
        self.anchor = None
        words = "".join(self.out[start:]).strip()
        if not url:
            url, words = words, ""
        if not words or _LOOKS_LIKE_URL.match(words):  # an address is no word of the text
            del self.out[start:]
            words = ""
            self.out.append(" ")
        if url:
            self.body.links.append(Link(kind, html.unescape(url.strip()), words[:300]))

    def open_anchor(self, kind: str, url: str) -> None:
        self.close_anchor()
        self.anchor = (kind, url, len(self.out))

    def silence(self, name: str, closing: bool, position: int) -> bool:
        """Track tags whose content is not words; True while inside one."""
        if self.skip is not None:
            if closing and name == self.skip[0]:
                if name in _CODE:
                    self.body.code_length += position - self.skip[1]
                self.skip = None
                self.out.append(" ")
            return True
        if not closing and (name in _SILENT or name in _CODE):
            self.skip = (name, position)
            return True
        return False

    def finish(self, text: str, rest: int) -> str:
        if self.skip is not None and self.skip[0] in _CODE:
            self.body.code_length += len(text) - self.skip[1]
        elif self.skip is None:
            self.out.append(text[rest:])
        self.close_anchor()
        return "".join(self.out)


def _strip_html(text: str, body: Body) -> str:
    state, end = _Markup(body), 0
    for tag in _HTML_TAG.finditer(text):
        slash, name, attributes = tag.groups()
        name = (name or "").lower()
        if name and name not in _TAGS:
            continue  # List<int> and other words of a reader who writes code
        if state.skip is None:
            state.out.append(text[end : tag.start()])
        end = tag.end()
        if state.silence(name, slash == "/", tag.start()):
            continue
        if name == "a" and not slash:
            href = _HREF.search(attributes)
            state.open_anchor("html", next(filter(None, href.groups()), "") if href else "#")
        elif name == "a":
            state.close_anchor()
        elif name in _BLOCK:
            state.out.append("\n")
            body.quote_lines += name == "blockquote" and not slash
    return state.finish(text, end)


def _strip_bbcode(text: str, body: Body) -> str:
    state, end = _Markup(body), 0
    for tag in _BB_TAG.finditer(text):
        slash, name, value = tag.groups()
        name = name.lower()
        if state.skip is None:
            state.out.append(text[end : tag.start()])
        end = tag.end()
        if state.silence(name, slash == "/", tag.start()):
            continue
        if name in ("url", "link", "email") and not slash:
            state.open_anchor("bbcode", (value or "").strip("\"' "))
        elif name in ("url", "link", "email"):
            state.close_anchor()
        elif name == "quote" and not slash:
            body.quote_lines += 1
    return state.finish(text, end)


def _strip_fences(text: str, body: Body) -> str:
    parts = text.split("```")
    if len(parts) < 3:
        return text
    kept = parts[0::2] if len(parts) % 2 else [*parts[0:-1:2], parts[-1]]
    body.code_length += len(text) - sum(map(len, kept))
    return " ".join(kept)


def _strip_markdown(text: str, body: Body) -> str:
    if "`" in text:
        text = _strip_fences(text, body)
        before = len(text)
        text = _MD_CODE.sub(" ", text)
        body.code_length += before - len(text)

    def lift(match: re.Match[str]) -> str:
        words, url = match.groups()
        if match.group()[0] == "!":
            return " "
        if _LOOKS_LIKE_URL.match(words):
            words = ""
        body.links.append(Link("markdown", url, words))
        return words or " "

    if "](" in text:
        text = _MD_LINK.sub(lift, text)
    if ">" in text:
        text, quotes = _QUOTE.subn("", text)
        body.quote_lines += quotes
    if "*" in text or "_" in text or "~" in text or "#" in text or "- " in text:
        text = _MD_DRESS.sub("", text)
    return text


def _strip_markup(text: str, body: Body) -> str:
    for _ in range(2):  # a body may be escaped once more by whoever stored it
        if "<" in text:
            text = _strip_html(text, body)
        if "&" not in text:
            break
        text = html.unescape(text)
        if "<" not in text:
            break
    if "[/" in text:
        text = _strip_bbcode(text, body)
    return _strip_markdown(text, body)


# --- links and contacts in plain text ---------------------------------------------

COMMON_TLDS = (
    "com|net|org|info|biz|ru|su|ua|by|kz|xyz|top|online|site|club|shop|store|live|pro|me|co|tv|cc|io|"
    "uk|de|fr|it|es|nl|pl|cz|at|ch|be|se|eu|us|ca|au|nz|in|pk|bd|id|my|sg|th|vn|ph|cn|jp|kr|tw|hk|br|"
    "mx|ar|cl|tr|ir|ae|sa|za|ng|ke|gr|pt|ro|hu|bg|website|space|blog|app|dev|link|click|icu|fun|win|"
    "bet|casino|poker|vip|life|world|today|agency|academy|health|life|tech|loan|download|ly|gl|gd|example|test|invalid"
)
_URL = re.compile(
    r"(?:h(?:tt|xx)ps?[ ]?:[ ]?//[ ]?|www\d?\.(?=\w))[^\s<>\"'\[\]{}|\\^`\u3000-\u303f]{1,2000}", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_DOMAIN = re.compile(
    rf"(?<![\w@.-])((?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,4}}(?:{COMMON_TLDS}))(?![\w-]|\.\w)(?:[:/][^\s<>\"']{{0,1000}})?",
    re.IGNORECASE,
)
_OBFUSCATED = re.compile(
    r"(?<![\w.-])([a-z0-9][a-z0-9-]{1,62})[ ]{0,2}(?:[(\[{][ ]?(?:dot|\.|punkt|punto|point|точка)[ ]?[)\]}]|[ ]dot[ ]"
    r"|[ ]\.[ ]?|\.[ ])[ ]{0,2}(com|net|org|info|biz|ru|xyz|co|top|ly|be|example|test)(?![\w])"
    r"([ ]?/[ ]?[^\s<>\"']{0,200})?",
    re.IGNORECASE,
)
_OBFUSCATED_HINT = re.compile(r"dot|\.[ ]|[ ]\.|[(\[{]\.|точка|punkt|punto|point", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.+/#-])(?:\+|00)?\(?\d[\d ().\-]{7,20}\d(?![\w/])")
_FRAMEWORKS = frozenset("asp.net vb.net ado.net ml.net json.net log4net.net paint.net ".split())


def _lift_links(text: str, body: Body) -> str:
    def url(match: re.Match[str]) -> str:
        found = match.group().rstrip(".,;:!?)*_~")
        body.links.append(Link("bare", found.replace(" ", "")))
        return " "

    def domain(match: re.Match[str]) -> str:
        name, whole = match.group(1), match.group()
        if name.lower() in _FRAMEWORKS or (name[-3:].isupper() and not name.isupper()):
            return whole  # ASP.NET, System.IO
        body.links.append(Link("domain", whole))
        return " "

    def obfuscated(match: re.Match[str]) -> str:
        name, tld, path = match.groups()
        # "see foo. Net result" is a sentence; a split address has no capital after its dot.
        plain = match.group()[len(name) :].lstrip()[:1] == "."
        if plain and (not tld.islower() or (not path and name[:1].isupper())):
            return match.group()
        body.links.append(Link("obfuscated", f"{name}.{tld}{(path or '').replace(' ', '')}"))
        return " "

    if "//" in text or "www" in text.lower():
        text = _URL.sub(url, text)
    if "@" in text:
        body.emails += _EMAIL.findall(text)
        text = _EMAIL.sub(" ", text)
    if "." in text or "dot" in text.lower():
        text = _DOMAIN.sub(domain, text)
        if _OBFUSCATED_HINT.search(text):
            text = _OBFUSCATED.sub(obfuscated, text)
    return text


def _lift_phones(text: str, body: Body) -> None:
    for match in _PHONE.finditer(text):
        digits = sum(c.isdigit() for c in match.group())
        if 9 <= digits <= 15 and (match.group()[0] in "+0(" or digits >= 10):
            body.phones.append(match.group())


# --- hidden words -------------------------------------------------------------------

_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_]([ .*_\-]))(?:[^\W\d_]\1){2,28}[^\W\d_](?![^\W_])")
_LEET = re.compile(r"(?<![\w@$])(?=[a-z@$!|0134578]{0,19}[a-z])[a-z@$!|0134578]{4,20}(?![\w@$])", re.IGNORECASE)
_LEET_LETTERS = str.maketrans("013457@$!|8", "oieastasilb")
_DIGIT_OR_SIGN = re.compile(r"[0134578@$!|]")


def _unspace(text: str, body: Body) -> str:
    def join(match: re.Match[str]) -> str:
        word = match.group()[::2]
        if len(set(word.lower())) < 3:
            return match.group()
        body.spaced_words.append(word)
        return word

    return _SPACED.sub(join, text)


def _find_leet(text: str, body: Body) -> None:
    if not _DIGIT_OR_SIGN.search(text):
        return
    for match in _LEET.finditer(text):
        word = match.group().lower().rstrip("!|")
        if _DIGIT_OR_SIGN.search(word):
            body.leet_words.append(word.translate(_LEET_LETTERS))


def read_body(raw: str) -> Body:
    """Read a comment's or a post's body, whatever it is written in.

    Parameters
    ----------
    raw : str
        Plain text, HTML, Markdown or BBCode. Of a body longer than
        ``MAX_HEAD + MAX_TAIL`` characters the middle is not read.

    Returns
    -------
    Body
        The words, and apart from them links, contacts, code and tricks.
    """
    body = Body(length=len(raw))
    if len(raw) > MAX_HEAD + MAX_TAIL:
        raw = f"{raw[:MAX_HEAD]}\n{raw[-MAX_TAIL:]}"
    text = _strip_markup(clean_characters(raw, body), body)
    if "&" in raw or _NOT_ASCII.search(text):
        text = clean_characters(text, body)  # what entities hid
    text = _lift_links(text, body)
    _lift_phones(text, body)
    _find_leet(text, body)
    body.text = _unspace(text, body).strip()
    return body


# --- words --------------------------------------------------------------------------

_WORD = re.compile("[^\\W_]+(?:['’\u200c\u200d][^\\W_]+)*")


def words_of(text: str) -> list[str]:
    """Split canonical text into lower-case words; an apostrophe joins (``don't``)."""
    return _WORD.findall(text.lower().replace("’", "'"))
