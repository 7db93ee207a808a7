"""The texts that carry one-time codes, in the languages that the providers' documents name, in words of our own.

A text is `BRAND: code, how long it counts`; the words avoid what each language would bend by number or gender.
"""

import re
from collections.abc import Mapping
from typing import Final

from gateway.services.languages import BY_COUNTRY, SENTENCES

FALLBACK: Final = "en"
RETRIEVER_HASH: Final = re.compile(r"[A-Za-z0-9+/]{11}", re.ASCII)
RETRIEVER_OCTETS: Final = 140
"""Longer messages are not looked at by Android's SMS Retriever."""
TEMPLATE_LIMIT: Final = 1_000

_HOLES: Final = re.compile(r"\{(code|brand|minutes)\}")


def language_of(wanted: str, country: str = "") -> str:
    """The language to write in: the one asked for, or its family; else that of the number's country.

    Args:
        wanted: BCP 47, in any case.
        country: ISO 3166-1 alpha-2.
    """
    tag = wanted.lower().replace("_", "-")
    while tag:
        if tag in SENTENCES:
            return tag
        tag = _ALIASES.get(tag) or tag.rpartition("-")[0]
    return FALLBACK if wanted else BY_COUNTRY.get(country, FALLBACK)


_ALIASES: Final[Mapping[str, str]] = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "in": "id",
    "tl": "fil",
    "cmn": "zh",
    "yue": "zh-hant",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
}


def is_template(template: str) -> bool:
    """Whether a text of a caller's own can carry a code."""
    return "{code}" in template and len(template) <= TEMPLATE_LIMIT


def write(
    code: str, *, brand: str, seconds: float, language: str = FALLBACK, template: str = "", retriever_hash: str = ""
) -> str:
    """The text of a message.

    Args:
        seconds: how long the code counts.
        template: a text of the caller's own in place of the language's.
        retriever_hash: eleven characters by which Android hands the message to the app.
    """
    minutes = str(max(1, round(seconds / 60)))
    holes = {"code": code, "brand": brand, "minutes": minutes}
    sentence, validity, gap = SENTENCES[language]
    head = f"{brand}: " if brand else ""
    texts = [template] if template else [head + sentence + gap + validity, head + sentence]
    filled = [_HOLES.sub(lambda hole: holes[hole.group(1)], text) for text in texts]
    if not retriever_hash:
        return filled[0]
    framed = [f"<#> {text}\n{retriever_hash}" for text in filled]
    return next((text for text in framed if len(text.encode()) <= RETRIEVER_OCTETS), framed[-1])
