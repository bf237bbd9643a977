"""Features of the writing: length, capitals, repeats, scripts, tricks, information per word."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable
from math import log1p
from string import ascii_letters

from spamguard.features.patterns import late
from spamguard.features.reading import Reading
from spamguard.features.schema import MISSING, Feature

# Patterns begin with the rare part and look back from there, which is several times faster.
_CAPITAL_WORD = late(r"[A-Z](?<!\w\w)[A-Z]{2,}\b")
_EMOJI = late("[\u2600-\u27bf\U0001f300-\U0001faff]")
_CODE = late(
    r"[{}>=]|<(?!3)|;[ ]*$|\.(?<=\w\.)\w{1,60}\(|\((?:(?<=\w\()|(?=\)))|::|->|\\\\|/\w{1,60}/|_(?<=\w_)(?=\w)",
    re.MULTILINE,
)
_CODE_HINT = re.compile(r"[{}>=<;(\\_/:]")
_CAMEL = late(r"\b[a-z]{2,30}[A-Z][a-z]")
_DIGIT = late(r"\d")
# Matches a run of marks only at its start, so the time is linear.
_SENTENCE = re.compile(r"[.!?…。！？](?<![.!?…。！？]{2})[.!?…。！？]*+(?:\s|$)")
_RUN = late(r"(.)\1{3}")
_CONSONANTS = re.compile("[bcdfghjklmnpqrstvwxz]{5}")
# Several letters for one sound, or common pairs.
_CLUSTER = late("(?:tsch|sch|ght|[csptz]h|ck|ng|[scrd]z|st|([b-df-hj-np-tv-xz])\\1)+")
_FIRST = frozenset(
    "i i'm i've i'd i'll me my mine je mon ma mes moi ich mein mir mich yo mi me eu meu minha io mio я мне мой меня saya aku ben benim".split()
)
_WE = frozenset(
    "we we're we've we'll our ours us nous notre nos wir unser unsere nosotros nuestro nuestra nós nosso nossa noi nostro мы наш наша наши нас kami kita biz bizim".split()
)
_SECOND = frozenset(
    "you your you're yours u ur vous votre tu du dein sie ihr usted su você seu вы ваш вас anda".split()
)
_QUESTION = frozenset(
    "how what why when where which who does can could is anyone anybody wie warum was comment pourquoi quoi como por как что почему где".split()
)

FEATURES = (
    Feature("style_length", 0, 8, "words (log scale)", "mean"),
    Feature("style_short", 0, 1, "how few words, below ten"),
    Feature("style_long", 0, 3, "words beyond 150 (log scale)"),
    Feature("style_empty", 0, 1, "no words at all"),
    Feature("style_capitals", 0, 1, "share of capital letters"),
    Feature("style_shouted", 0, 2.5, "words in capitals (log scale)"),
    Feature("style_small_start", 0, 1, "begins with a small letter"),
    Feature("style_exclamations", 0, 2.5, "exclamation marks (log scale)"),
    Feature("style_questions", 0, 2, "question marks (log scale)"),
    Feature("style_question_start", 0, 1, "begins as a question"),
    Feature("style_commas", 0, 0.4, "commas a word", "mean"),
    Feature("style_no_stop", 0, 1, "ends without a full stop"),
    Feature("style_sentence_length", 0, 4.5, "words a sentence (log scale)", "mean"),
    Feature("style_word_length", 2, 12, "letters a word", "mean"),
    Feature("style_distinct", 0, 1, "share of distinct words", "mean"),
    Feature("style_repeats", 0, 2, "most frequent longer word (log scale)"),
    Feature("style_compression", 0, 1, "how well longer text compresses", "mean"),
    Feature("style_digits", 0, 1, "share of digits"),
    Feature("style_emoji", 0, 2.5, "emoji and pictures (log scale)"),
    Feature("style_lines", 0, 4, "lines (log scale)"),
    Feature("style_code", 0, 3, "signs of program code (log scale)"),
    Feature("style_code_block", 0, 1, "share that is marked as code"),
    Feature("style_quote", 0, 2, "quoted passages (log scale)"),
    Feature("style_first_person", 0, 0.3, "first person words, share", "mean"),
    Feature("style_we", 0, 0.3, "words that speak as we, share", "mean"),
    Feature("style_second_person", 0, 0.3, "second person words, share", "mean"),
    Feature("style_gibberish", 0, 1, "words that cannot be spoken, share", accuses=True),
    Feature("style_long_word", 0, 1, "a word of more than 30 letters"),
    Feature("style_random_case", 0, 1, "a word in random capitals", accuses=True),
    Feature("style_random_word", 0, 1, "nothing but a word of random letters", accuses=True),
    Feature(
        "style_stutters",
        0,
        2,
        "words beyond one that begin with a doubled consonant (log scale)",
        accuses=True,
    ),
    Feature("style_letter_runs", 0, 1, "a letter repeated four times"),
    Feature("style_styled_letters", 0, 3, "letters in fancy alphabets (log scale)", accuses=True),
    Feature(
        "style_mixed_scripts",
        0,
        2,
        "words that mix scripts to look alike (log scale)",
        accuses=True,
    ),
    Feature("style_hidden", 0, 2, "invisible characters inside words (log scale)", accuses=True),
    Feature("style_stacked_marks", 0, 2, "stacked accents (log scale)", accuses=True),
    Feature("style_percent_encoded", 0, 1, "percent-encoded or mis-decoded text"),
)


# UTF-8 decoded as Latin-1 or Windows-1252, after compatibility normalisation.
_BROKEN = late(
    "%[0-9A-Fa-f]{2}%[0-9A-Fa-f]{2}|\ufffd|â€|Ã(?:[\x80-\xbfŸ„œ‰μ3]|1\u2044| [\u0300-\u036f])|Ð[\x80-\xbfμ\\d]|Ñ[\x80-\xbf€‚ƒ„…†‡ˆ‰]"
)


def is_unspeakable(word: str) -> bool:
    """Return whether lower-case Latin `word` has five consonants in a row; a cluster counts as one."""
    if _CONSONANTS.search(word) is None:
        return False
    return _CONSONANTS.search(_CLUSTER.sub("t", word)) is not None


# Names made by programs; camelCase and abbreviations do not match.
_RANDOM_CASE = late(
    r"(?<![^\W_])[A-Za-z]{0,20}(?:[A-Z]{2}[a-z]{1,2}[A-Z]{2}|[a-z][A-Z]{2,4}[a-z]{1,2}[A-Z]|[a-z][A-Z][a-z][A-Z][a-z])"
    r"|(?<![^\W_])[a-z][A-Z]{5,}(?![^\W_])"
)
# Programs that respin texts double letters: "tto mive", "yyear".
_STUTTER = late(r"([bcdfghjkmnprstvwyz])\1[aeiou][a-z]{0,20}\Z")
_NO_STUTTER = frozenset(
    "ddos ssid ssis ssas ssa ppa ffi ccache mmap ffe ssae mma ppi mmo mmorpg ppo ddi ggo".split()
)


# Letters by case; every match of the pattern contains one of the runs below.
_CASES = bytes.maketrans(ascii_letters.encode(), b"a" * 26 + b"A" * 26)
_RANDOM_ROWS = (b"AAaA", b"AAaaA", b"aAaAa", b"aAAAAA")


def is_random_case(text: str) -> bool:
    """Return whether `text` contains a word with random capitals."""
    cases = text.encode("ascii", "replace").translate(_CASES)
    if not any(map(cases.__contains__, _RANDOM_ROWS)):
        return False
    return _RANDOM_CASE.search(text) is not None


_CASE_RUNS = late(r"\A[a-z]+|[A-Z]+[a-z]*")
_NO_VOWEL = late(r"[b-df-hj-np-tv-xz]{3,}", re.IGNORECASE)


def is_random_word(word: str) -> bool:
    """Return whether a whole name or comment is random letters, such as "hiMQDdvofuB".

    Capitals must follow small letters, and one run must begin with several capitals or
    lack a vowel. Many words of programmers match too, so this is no test for the single
    words of a text.
    """
    if not 6 <= len(word) <= 25 or not word.isascii() or not word.isalpha():
        return False
    runs = _CASE_RUNS.findall(word)
    odd = (
        not run.isupper() and (run[:2].isupper() or _NO_VOWEL.fullmatch(run) is not None)
        for run in runs
    )
    return len(runs) > 1 and any(odd)


def _stuttered(words: list[str]) -> list[str]:
    doubled = {w for w in words if w[0] == w[1:2]}
    return sorted({w for w in doubled if _STUTTER.match(w)} - _NO_STUTTER)


def _unspeakable(words: list[str]) -> list[str]:
    return [word for word in _longer_latin(words) if is_unspeakable(word)]


def _longer_latin(words: list[str]) -> list[str]:
    return [w for w in words if len(w) >= 6 and w.isascii() and w.isalpha()]


def _gibberish(words: list[str]) -> float:
    return len(_unspeakable(words)) / max(3, len(_longer_latin(words)))


def _code(text: str, camel: bool) -> int:
    text = text[:20_000]
    found = len(_CODE.findall(text)) if _CODE_HINT.search(text) else 0
    return found + len(_CAMEL.findall(text)) if camel else found


# The kind of each character (capital, vowel, consonant, digit), a quick test for rare patterns.
_KINDS = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZaeiouybcdfghjklmnpqrstvwxz0123456789",
    b"A" * 26 + b"a" * 6 + b"b" * 20 + b"0" * 10,
)
_CONSONANT_KINDS = bytes.maketrans(b"bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ", b"b" * 40)


def _equal_neighbours(data: bytes) -> bytes:
    """Return a byte for each pair of neighbours in `data`: zero if they are equal."""
    number = int.from_bytes(data, "little")
    return (number ^ (number >> 8)).to_bytes(len(data), "little")[:-1]


def _runs(lower: str) -> bool:
    """Return whether a letter is repeated four times."""
    if lower.isascii() and b"\0\0\0" not in _equal_neighbours(lower.encode()):
        return False
    return any(run.group(1).isalpha() for run in _RUN.finditer(lower))


def _compression(text: str) -> float:
    data = text[:4000].encode("utf-8", "surrogatepass")
    if len(data) < 200:
        return MISSING
    # Clearing tables of the default size takes longer than compressing the text.
    small = zlib.compressobj(1, zlib.DEFLATED, -12, 4)
    return 1 - len(small.compress(data) + small.flush()) / len(data)


def values(r: Reading) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`."""
    body, words, text = r.body, r.words, r.body.text
    n = len(words)
    letters = max(1, len(text))
    plain = text.isascii()
    data = text.encode("ascii", "replace")
    kinds = data.translate(_KINDS)
    distinct = set(words)
    sentences = max(1, len(_SENTENCE.findall(text)))
    first = text[:1]
    many = n >= 4
    long_word = len(max(distinct, key=len, default="")) > 30
    camel = b"aA" in kinds or b"bA" in kinds
    return (
        log1p(n),
        max(0.0, 1 - n / 10),
        max(0.0, log1p(n) - log1p(150)),
        float(n == 0 and not body.links and not body.code_length),
        (kinds.count(b"A") if plain else sum(map(str.isupper, text))) / letters
        if letters >= 12
        else MISSING,
        log1p(len(_CAPITAL_WORD.findall(text))) if b"AAA" in kinds else 0.0,
        float(first.islower()),
        log1p(text.count("!")),
        log1p(text.count("?")),
        float(n > 0 and words[0] in _QUESTION),
        (text.count(",") + text.count("，")) / n if many else MISSING,
        float(n > 0 and text[-1:].isalnum()),
        log1p(n / sentences) if many else MISSING,
        sum(map(len, words)) / n if many else MISSING,
        len(distinct) / n if n >= 10 else MISSING,
        log1p(_repeats(words) - 1) if len(distinct) < n > 3 else 0.0,
        _compression(text),
        (kinds.count(b"0") if plain else len(_DIGIT.findall(text))) / letters
        if letters >= 12
        else MISSING,
        0.0 if plain else log1p(len(_EMOJI.findall(text))),
        log1p(text.count("\n")),
        log1p(_code(text, camel)),
        min(1.0, body.code_length / max(1, body.length)),
        log1p(body.quote_lines),
        sum(map(_FIRST.__contains__, words)) / n if many else MISSING,
        sum(map(_WE.__contains__, words)) / n if many else MISSING,
        sum(map(_SECOND.__contains__, words)) / n if many else MISSING,
        _gibberish(words) if b"bbbbb" in data.translate(_CONSONANT_KINDS) else 0.0,
        float(long_word and any(len(w) > 30 and w.isascii() for w in distinct)),
        float(camel and is_random_case(text)),
        float(0 < n <= 2 and len(text) < 60 and any(map(is_random_word, text.split()))),
        log1p(max(0, len(_stuttered(words)) - 1)),
        float(_runs(r.lower)),
        log1p(body.styled_letters),
        log1p(len(body.mixed_script_words)),
        log1p(body.hidden_characters),
        log1p(body.stacked_marks),
        float(not (plain and "%" not in text) and _BROKEN.search(text) is not None),
    )


def _repeats(words: list[str]) -> int:
    longer = [w for w in words if len(w) > 3]
    return max(Counter(longer).values(), default=1)


def _most_repeated(words: list[str]) -> list[str]:
    longer = Counter(w for w in words if len(w) > 3)
    most = max(longer.values(), default=0)
    return [word for word, count in longer.items() if count == most]


def _code_signs(text: str) -> list[str]:
    signs = (match.group() for p in (_CODE, _CAMEL) for match in p.finditer(text[:20_000]))
    return [sign.strip() for sign in signs]


STRINGS: dict[str, Callable[[Reading], list[str]]] = {
    "style_shouted": lambda r: _CAPITAL_WORD.findall(r.body.text),
    "style_small_start": lambda r: r.words[:1],
    "style_question_start": lambda r: r.words[:1],
    "style_no_stop": lambda r: r.words[-1:],
    "style_repeats": lambda r: _most_repeated(r.words),
    "style_emoji": lambda r: _EMOJI.findall(r.body.text),
    "style_code": lambda r: _code_signs(r.body.text),
    "style_first_person": lambda r: [w for w in r.words if w in _FIRST],
    "style_we": lambda r: [w for w in r.words if w in _WE],
    "style_second_person": lambda r: [w for w in r.words if w in _SECOND],
    "style_gibberish": lambda r: _unspeakable(r.words),
    "style_long_word": lambda r: [w for w in r.words if len(w) > 30 and w.isascii()],
    "style_random_case": lambda r: [w for w in r.body.text.split() if is_random_case(w)],
    "style_random_word": lambda r: [w for w in r.body.text.split() if is_random_word(w)],
    "style_stutters": lambda r: _stuttered(r.words),
    "style_letter_runs": lambda r: [w for w in r.lower.split() if _runs(w)],
    "style_mixed_scripts": lambda r: r.body.mixed_script_words,
    "style_percent_encoded": lambda r: [m.group() for m in _BROKEN.finditer(r.body.text)],
}
"""Finders of the words and signs behind a column; other columns measure or count."""
