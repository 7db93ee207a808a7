"""Words that handsets send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import KeywordsConfig
from gateway.keywords import Keywords, folded, keyword_of, words_of

CONFIG = KeywordsConfig()
KEYWORDS = Keywords(CONFIG.stop, CONFIG.start, CONFIG.help)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"),
        ("stop.", "stop"),
        (" \n'Stop!' ", "stop"),
        ("stop please", "stop"),
        ("Stop texting me", "stop"),
        ("ＳＴＯＰ", "stop"),
        ("Arrêt", "stop"),
        ("СТОП", "stop"),
        ("退订", "stop"),
        ("إيقاف", "stop"),
        ("stop by the shop at five", ""),
        ("End of the sale is on Sunday", ""),
        ("don't stop", ""),
        ("stopwatch", ""),
        ("start", "start"),
        ("Start!", "start"),
        ("start over again", ""),
        ("help", "help"),
        ("HELP?", "help"),
        ("help me", ""),
        ("", ""),
        ("...", ""),
        ("👍", ""),
    ],
)
def test_words_that_the_gateway_knows(text: str, meaning: str) -> None:
    assert KEYWORDS.meaning(text) == meaning


def test_without_words_nothing_means_anything() -> None:
    assert Keywords().meaning("stop") == ""


@pytest.mark.parametrize(
    ("text", "keyword"), [("JOIN now", "join"), ("#Win-it", "win"), ("", ""), ("Straße 5", "strasse")]
)
def test_the_first_word_is_the_keyword(text: str, keyword: str) -> None:
    assert keyword_of(text) == keyword


@pytest.mark.parametrize(("word", "plain"), [("Stop", "stop"), ("Straße", "strasse"), ("a-b", ""), ("!", "")])
def test_a_configured_word_is_read_as_a_texts_words_are(word: str, plain: str) -> None:
    assert folded(word) == plain


@given(st.text(max_size=40))
def test_any_text_has_words_or_none(text: str) -> None:
    found = words_of(text)
    assert words_of(text, 2) == found[:2]
    assert KEYWORDS.meaning(text) in ("", "stop", "start", "help")
