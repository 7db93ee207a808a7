"""Codes, and the texts that carry them."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services import codes
from gateway.services.languages import BY_COUNTRY, SENTENCES
from gateway.services.operators import countries
from gateway.services.templates import RETRIEVER_OCTETS, is_template, language_of, write
from tests.gateway.services.desk import SEALER

DOCUMENTED = (
    # codes by SMS and voice
    "am ar az bn de en es fa fr he hi hy id it ja ka kk km ky mg mn ms my ne ps pt ru si sn so sv sw ta tg tk uk ur uz"
    " vi zh"
    # voices
    " da-DK nl-NL en-AU en-GB en-US fr-FR fr-CA de-DE it-IT pl-PL pt-PT pt-BR ru-RU es-ES es-US sv-SE ca yue da nl cy"
    " fi is ko no nb pl ro tr"
)


# --- codes ---


@given(st.integers(3, 10))
def test_a_code_has_its_length(length: int) -> None:
    assert re.fullmatch(rf"[0-9]{{{length}}}", codes.make_code(length))


def test_every_first_digit_occurs_and_nought_too() -> None:
    counted = Counter(codes.make_code(4)[0] for _ in range(5_000))
    assert set(counted) == set("0123456789")


@given(st.text(alphabet="0123456789", min_size=3, max_size=10), st.text(alphabet="0123456789", min_size=3, max_size=10))
def test_only_the_right_code_is_right(code: str, typed: str) -> None:
    kept = codes.fingerprint(SEALER, "shop", "v1", code)
    assert codes.is_right(SEALER, kept, "shop", "v1", typed) == (code == typed)
    assert codes.is_right(SEALER, kept, "shop", "v1", " ".join(code) + "\n")
    assert not codes.is_right(SEALER, kept, "shop", "v2", code)
    assert not codes.is_right(SEALER, kept, "other", "v1", code)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_compared(typed: str) -> None:
    kept = codes.fingerprint(SEALER, "shop", "v1", "471100")
    assert codes.is_right(SEALER, kept, "shop", "v1", typed) == (codes.as_typed(typed) == "471100")


# --- texts ---


@pytest.mark.parametrize("language", DOCUMENTED.split(" "))
def test_every_documented_language_has_a_text_of_its_own(language: str) -> None:
    found = language_of(language)
    assert found == "en" if language.startswith("en") else found != "en"


@pytest.mark.parametrize("language", SENTENCES)
def test_every_text_says_code_brand_and_time(language: str) -> None:
    text = write("471100", brand="Shop", seconds=300, language=language)
    assert text.startswith("Shop: ")
    assert text.count("471100") == 1
    assert text.count("5") == 1
    assert "{" not in text
    assert "Shop" not in write("471100", brand="", seconds=300, language=language)
    # Two parts at most, whatever the alphabet.
    assert len(text) <= 134


def test_a_language_is_found_by_what_it_belongs_to() -> None:
    assert language_of("pt-BR") == "pt"
    assert language_of("zh_TW") == "zh-hant"
    assert language_of("sr-Cyrl-RS") == "sr"
    assert language_of("xx") == "en"
    assert language_of("", "DE") == "de"
    assert language_of("", "US") == "en"
    assert language_of("", "") == "en"
    assert language_of("xx", "DE") == "en"


def test_the_languages_of_countries_are_there() -> None:
    assert set(BY_COUNTRY) <= set(countries())
    assert set(BY_COUNTRY.values()) <= set(SENTENCES)


def test_minutes_are_rounded_and_never_none() -> None:
    assert "Valid for 1 min." in write("1", brand="", seconds=20)
    assert "Valid for 2 min." in write("1", brand="", seconds=120)


def test_a_template_of_the_callers_own_is_filled_once() -> None:
    text = write("471100", brand="{code}", seconds=60, template="{brand}|{code}|{other}|{minutes}|{{code}}")
    assert text == "{code}|471100|{other}|1|{471100}"
    assert is_template("{code}")
    assert not is_template("code")
    assert not is_template("{code}" + "x" * 1_000)


def test_androids_retriever_finds_its_hash() -> None:
    text = write("471100", brand="Shop", seconds=300, retriever_hash="FA+9qCX9VSu")
    assert text == "<#> Shop: Verification code: 471100. Valid for 5 min.\nFA+9qCX9VSu"
    for language in SENTENCES:
        text = write("471100", brand="Shop", seconds=300, language=language, retriever_hash="FA+9qCX9VSu")
        assert len(text.encode()) <= RETRIEVER_OCTETS, language
        assert text.endswith("\nFA+9qCX9VSu")


def test_texts_are_texts() -> None:
    assert json.loads(json.dumps(dict(SENTENCES)))
