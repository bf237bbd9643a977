"""The language of a comment: told where it shows, and never guessed."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamguard import Comment, SpamClassifier, load_model, save_model
from spamguard.cli import main
from spamguard.errors import ModelFormatError
from spamguard.features import language
from spamguard.features.language import (
    count_languages,
    is_known,
    language_of,
    languages_known,
    name_of,
    script_of,
)
from spamguard.features.lexer import words_of
from spamguard.features.text import read_body
from spamguard.model import Cuts
from spamguard.training.classifier import LANGUAGE_HAM_OF_SITE
from spamguard.training.recipe import LANGUAGE_HAM, Settings, train_corpus

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "languages.jsonl")
    .read_text("utf-8")
    .splitlines()
]
TABLES = (language._LATIN, language._CYRILLIC, language._ARABIC)
TEXTS = [(case["text"], case["language"]) for case in CASES if case["language"]]


def told(text: str) -> str:
    return language_of(words_of(read_body(text).text))


@pytest.mark.parametrize("case", CASES, ids=[f"{c['language']}: {c['why']}" for c in CASES])
def test_cases(case):
    assert told(case["text"]) == case["language"], case["why"]


def test_every_language_of_the_tables_has_a_case():
    tried = {code for _, code in TEXTS}
    assert {code for table in TABLES for code in table} <= tried
    assert len(tried) >= 45


def test_words_are_listed_once_and_as_they_are_read():
    for table in TABLES:
        for code, words in table.items():
            assert max(Counter(words).values()) == 1, code
            assert words_of(" ".join(words)) == list(words), code
    known = {code for table in TABLES for code in table}
    telling = (code for codes in language._TELLING_LETTERS.values() for code in codes)
    assert {language._CODES[code] for code in telling} <= known
    assert sorted(language._STARTS) == list(language._STARTS)


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=[code for _, code in TEXTS])
def test_length_and_letter_case_do_not_matter(text, code):
    assert told(text.upper()) == code or code in ("el", "tr", "az", "vi")  # capitals lose accents
    assert told(" ".join([text] * 100)) == code


def test_two_languages_in_equal_parts_are_none():
    by_code = {code: text for text, code in TEXTS}
    for one, other in (("en", "de"), ("en", "cs"), ("fr", "nl"), ("en", "ru"), ("pl", "vi")):
        assert told(f"{by_code[one]} {by_code[other]}") in ("", one, other)
    assert told(f"{by_code['en']} {by_code['hu']}") != "hu"


def test_a_foreign_preface_does_not_name_a_long_comment():
    by_code = {code: words_of(text) for text, code in TEXTS}
    english = by_code["en"] * 30
    assert language_of(by_code["cs"] * 3 + english) == "en"


@given(st.lists(st.sampled_from([w for text, _ in TEXTS for w in words_of(text)]), max_size=40))
def test_the_answer_does_not_depend_on_order(words):
    assert language_of(words) == language_of(sorted(words))


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text):
    words = words_of(read_body(text).text)
    code = language_of(words)
    assert code == "" or (len(code) == 2 and code.islower())
    assert isinstance(script_of(words), str)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Runner beans", "latin"), ("бобы на балконе", "cyrillic"), ("中文", "han"), ("かな", "kana"),
        ("한국어", "hangul"), ("تجربة", "arabic"), ("Ελλάδα", "greek"), ("1 2 3", ""), ("", ""),
        ("மழை", "tamil"), ("मेघ", "devanagari"),
    ],
)  # fmt: skip
def test_script(text, script):
    assert script_of(words_of(text)) == script


@pytest.mark.parametrize(
    "unit", ["the ", "a", "не ", "中", "ไ", "ß", "я", "ə ", "x1 ", "が中"], ids=ascii
)
def test_a_megabyte_is_told_in_linear_time(unit, no_hang):
    text = unit * (1_000_000 // len(unit))
    with no_hang(10):
        for _ in range(20):  # all but splitting it is bounded, whatever its length
            language_of([text])
        language_of(words_of(text))


# --- what a model knows ---------------------------------------------------------------


def test_known_languages():
    counts = {
        "en": {"ham": 500, "spam": 0},
        "de": {"ham": 29, "spam": 900},
        "cs": {"ham": 30, "spam": 1},
    }
    assert languages_known(counts, 30) == {"en", "cs"}
    assert languages_known({}, 30) == frozenset()


def test_what_cannot_be_told_or_was_never_counted_is_known():
    known = frozenset({"en", "fr"})
    assert is_known("en", known)
    assert not is_known("cs", known)
    assert is_known("", known)
    assert is_known("cs", frozenset())


# --- the guard ------------------------------------------------------------------------

CZECH, ENGLISH = (next(text for text, told in TEXTS if told == code) for code in ("cs", "en"))


@pytest.fixture
def harsh(model):
    """Everything is spam, and sure enough to be thrown away; English is known."""
    return replace(model, cuts=Cuts(-99.0, -99.0, -99.0), languages=frozenset({"en"}))


def test_an_unknown_language_is_unsure_and_never_thrown_away(harsh):
    verdict = harsh.verdict(Comment(CZECH))
    free = replace(harsh, languages=frozenset()).verdict(Comment(CZECH))
    assert (free.label, free.discard, free.language, free.language_known) == (
        "spam",
        True,
        "cs",
        True,
    )
    assert (verdict.label, verdict.discard) == ("unsure", False)
    assert (verdict.language, verdict.language_known) == ("cs", False)
    # The guard moves the label and nothing else.
    assert verdict.log_odds == free.log_odds
    assert verdict.spam_probability == free.spam_probability
    assert verdict.reasons == free.reasons


@pytest.mark.parametrize("text", [ENGLISH, "cheap pills", "", "Děkuji!"])
def test_a_known_language_and_one_that_cannot_be_told_are_not_guarded(harsh, text):
    verdict = harsh.verdict(Comment(text))
    assert (verdict.label, verdict.discard, verdict.language_known) == ("spam", True, True)


def test_the_guard_accuses_nobody(harsh):
    kind = replace(harsh, cuts=Cuts(99.0, 99.0, 99.0))
    assert kind.verdict(Comment(CZECH)).label == "ham"


def test_another_prior_keeps_the_guard(harsh):
    assert harsh.at_prior(0.1).verdict(Comment(CZECH)).label == "unsure"


def test_the_language_survives_pickling(harsh):
    verdict = harsh.verdict(Comment(CZECH))
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert copy.deepcopy(verdict).language == "cs"
    assert verdict != replace(verdict, language_known=True)


@pytest.mark.parametrize("known", [frozenset(), frozenset({"en"}), frozenset({"de", "ru"})])
def test_labels_together_are_labels_one_by_one(model, sample_comments, known):
    judge = replace(model, cuts=Cuts(-1.0, 0.0), languages=known)
    comments = sample_comments[::3] + [Comment(text) for text, _ in TEXTS]
    rows = judge.vectorizer.rows(comments)
    labels = judge.cuts.labels(judge.decision_function(rows), rows.languages, judge.languages)
    verdicts = [judge.verdict(comment) for comment in comments]
    assert labels.tolist() == [verdict.label for verdict in verdicts]
    assert rows.languages.tolist() == [verdict.language for verdict in verdicts]
    some = [5, 2, 2]
    assert rows[some].languages.tolist() == rows.languages[some].tolist()


def test_languages_are_counted_by_class():
    languages = np.array(["en", "", "cs", "en", "cs", ""])
    spam = np.array([True, True, False, False, False, False])
    assert count_languages(languages, spam) == {
        "cs": {"ham": 2, "spam": 0},
        "en": {"ham": 1, "spam": 1},
    }


# --- on disk --------------------------------------------------------------------------


def test_the_languages_are_kept(harsh, tmp_path):
    known = frozenset({"en", "cs"})
    loaded = load_model(save_model(replace(harsh, languages=known), tmp_path))
    assert loaded.languages == known
    assert load_model(save_model(loaded, tmp_path)).languages == known


def test_an_older_file_guards_nothing(harsh, tmp_path):
    path = save_model(harsh, tmp_path) / "model.json"
    about = json.loads(path.read_text("utf-8"))
    del about["languages"]
    path.write_text(json.dumps(about | {"format": 1}), "utf-8")
    assert load_model(tmp_path).languages == frozenset()
    assert load_model(tmp_path).verdict(Comment(CZECH)).label == "spam"
    path.write_text(json.dumps(about), "utf-8")  # the new format promises them
    with pytest.raises(ModelFormatError):
        load_model(tmp_path)


@pytest.mark.parametrize("value", [None, "en", {"en": 1}, [1], [None], [["en"]]])
def test_languages_that_are_none_are_refused(harsh, tmp_path, value):
    path = save_model(harsh, tmp_path) / "model.json"
    about = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(about | {"languages": value}), "utf-8")
    with pytest.raises(ModelFormatError):
        load_model(tmp_path)


# --- what an estimator learns ---------------------------------------------------------


def czech_site(ham, spam=3):
    texts = [f"{CZECH} {i}" for i in range(ham)] + [f"cheap pills {i}" for i in range(spam)]
    return [Comment(text) for text in texts], ["ham"] * ham + ["spam"] * spam


def test_a_site_teaches_its_base_its_language(harsh):
    X, y = czech_site(30)
    learned = SpamClassifier(base=harsh).fit(X, y).model_
    assert learned.languages == {"en", "cs"}
    assert replace(learned, cuts=harsh.cuts).verdict(Comment(CZECH)).label == "spam"
    assert SpamClassifier(base=harsh).fit(*czech_site(29)).model_.languages == {"en"}


def test_spam_teaches_no_language(harsh):
    X, y = czech_site(40)
    swapped = ["spam" if label == "ham" else "ham" for label in y]
    assert SpamClassifier(base=harsh).fit(X, swapped).model_.languages == {"en"}


def test_a_comment_of_weight_zero_teaches_no_language(harsh):
    X, y = czech_site(30)
    weight = [0.0] + [1.0] * (len(y) - 1)
    assert SpamClassifier(base=harsh).fit(X, y, sample_weight=weight).model_.languages == {"en"}


def test_without_a_base_that_counts_nothing_is_guarded(harsh):
    X, y = czech_site(40)
    assert SpamClassifier(bits=12).fit(X, y).model_.languages == frozenset()
    older = replace(harsh, languages=frozenset())
    assert SpamClassifier(base=older).fit(X, y).model_.languages == frozenset()


def test_real_comments_add_up_over_calls_and_a_fit_starts_anew(harsh):
    classifier = SpamClassifier(base=harsh)
    for _ in range(2):
        assert classifier.partial_fit(*czech_site(10)).model_.languages == {"en"}
    assert classifier.partial_fit(*czech_site(10)).model_.languages == {"en", "cs"}
    assert classifier.fit(*czech_site(10)).model_.languages == {"en"}
    assert classifier.partial_fit(*czech_site(20)).model_.languages == {"en", "cs"}


def test_rows_bring_their_languages(harsh):
    X, y = czech_site(30)
    classifier = SpamClassifier(base=harsh)
    assert classifier.fit(classifier.vectorize(X), y).model_.languages == {"en", "cs"}


# --- what training learns -------------------------------------------------------------


def test_training_counts_languages_and_a_site_needs_fewer(sample):
    settings = Settings(bits=12, folds=3)
    trained = train_corpus(sample, settings=settings)
    counts = trained.model.about["languages"]
    told_ham = sum(count["ham"] for count in counts.values())
    assert 0 < told_ham <= trained.model.about["ham"]
    assert trained.model.languages == languages_known(counts, LANGUAGE_HAM_OF_SITE)
    assert "en" in trained.model.languages
    assert LANGUAGE_HAM_OF_SITE < LANGUAGE_HAM


# --- what a person sees ---------------------------------------------------------------


def test_the_command_line_says_why_it_is_unsure(harsh, tmp_path, capsys):
    where = str(save_model(harsh, tmp_path))
    assert main(["score", CZECH, "--model", where, "--format", "table", "--explain"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"written in Czech, which {harsh.title} has not learned: never called spam" in shown
    assert main(["score", ENGLISH, "--model", where, "--format", "table", "--explain"]) == 0
    assert "written in" not in capsys.readouterr().out
    assert main(["score", CZECH, "--model", where, "--format", "jsonl", "--explain"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["label"], row["language"], row["language_known"]) == ("unsure", "cs", False)


def test_every_language_has_a_name():
    codes = {code for table in TABLES for code in table} | {
        c for c in language._NAMED.values() if c
    }
    assert codes == language._NAMES.keys()
    assert name_of("cs") == "Czech"
    assert name_of("xx") == "xx"
