"""Countries and mobile networks as tables, and the network that an operator's name stands for.

`phonenumbers` knows who was given a prefix by name only; the codes of that network (ITU-T E.212) come from a table of
networks whose names are written otherwise. Names are compared without accents, by their words and with their words
joined, each name of a network that has several; what no comparison finds, because operators are renamed and bought, is
in a table of names.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\W_]+|\+", re.UNICODE)
_NAMES: Final = re.compile(r"[()/]")
"""Between the names of a network."""
_COMMON: Final = (
    "ab ag as bv co cellular communication communications company corp corporation de del ee ehf gmbh group gsm inc kg"
    " la limited llc ltd mobil mobile mobiles movil network networks nv of operations oy oyj plc private pvt sa sas"
    " services spa sro srl telecom telecommunications telekom the wireless"
)
_NOISE: Final = frozenset(_COMMON.split(" "))
_KINDS: Final = frozenset(
    (
        "cdma",
        "europe",
        "former",
        "formerly",
        "gsm",
        "hf",
        "mvne",
        "mvno",
        "on",
        "pt",
        "s",
        "satellite",
        "switch",
        "umts",
    )
)
"""What stands in brackets behind a name and is none."""
_PLACES: Final = frozenset(
    (
        "africa",
        "america",
        "asia",
        "bbc",
        "brasil",
        "caraibe",
        "caraibes",
        "caribe",
        "cesky",
        "cr",
        "danmark",
        "deutschland",
        "eesti",
        "espana",
        "international",
        "italia",
        "latvia",
        "lietuva",
        "magyar",
        "maroc",
        "moldova",
        "nederland",
        "norge",
        "osterreich",
        "polska",
        "praha",
        "scandinavia",
        "schweiz",
        "slovenije",
        "srbija",
        "suomi",
        "suomen",
        "sverige",
        "switzerland",
        "uk",
        "usa",
    )
)
"""Words beside the names of countries that say where, not who."""
_VAGUE: Final = frozenset(("cjsc", "jsc", "ooo", "pjsc", "telefonica", "telecomunicaciones"))
"""Words that several operators of a country share."""
_MISREAD: Final = "\u00c3"
"""Begins a letter of two octets that were read as Latin-1."""
_TELLING: Final = 4
"""Letters of a word that two names may be held for one by."""


class Country(NamedTuple):
    """A country or territory with numbers of its own."""

    iso: str
    name: str
    calling_code: int


class MobileNetwork(NamedTuple):
    """A mobile network."""

    country: str
    mcc: str
    mnc: str
    operator: str


@cache
def countries() -> dict[str, Country]:
    """By ISO 3166-1 code."""
    return {iso: Country(iso, name, int(code)) for iso, name, code in _rows("countries.tsv")}


class _Name(NamedTuple):
    """A name, ready to be compared."""

    words: frozenset[str]
    """Without those that many names have."""
    all_words: frozenset[str]
    joined: str


@cache
def _networks() -> dict[str, list[tuple[list[_Name], MobileNetwork]]]:
    found: dict[str, list[tuple[list[_Name], MobileNetwork]]] = {}
    for row in _rows("networks.tsv"):
        network = MobileNetwork(*row)
        found.setdefault(network.country, []).append((_names(network.operator), network))
    return found


@cache
def _renamed() -> dict[tuple[str, str], MobileNetwork]:
    """Networks by country and a name of theirs that the table of networks does not have."""
    known = {(one.country, one.mcc, one.mnc): one for country in _networks() for one in networks_of(country)}
    rows = (MobileNetwork(country, mcc, mnc, name) for country, name, mcc, mnc in _rows("operators.tsv"))
    return {(one.country, one.operator): known.get((one.country, one.mcc, one.mnc), one) for one in rows}


def networks_of(country: str) -> Sequence[MobileNetwork]:
    """The networks of a country."""
    return [network for _, network in _networks().get(country, ())]


@cache
def network_by_codes(mcc: str, mnc: str) -> MobileNetwork | None:
    """The network of a mobile country code and network code; None where the table lacks it."""
    found = (network for networks in _networks().values() for _, network in networks)
    return next((one for one in (*found, *_renamed().values()) if one.mcc == mcc and one.mnc == mnc), None)


def _rows(name: str) -> Iterator[list[str]]:
    text = resources.files("gateway.services").joinpath("data", name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


@cache
def network_of(country: str, operator: str) -> MobileNetwork | None:
    """The network of an operator by its name; None where no name of the country is near enough, or several are."""
    renamed = _renamed().get((country, operator))
    if renamed is not None:
        return renamed
    names = _names(operator)
    scored = [(_likeness(names, known), network) for known, network in _networks().get(country, ())]
    best = max((score for score, _ in scored), default=0)
    if not best:
        return None
    likely = sorted(network for score, network in scored if score == best)
    # Of one operator's several networks any will do; names that share but a word must be the only ones.
    return likely[0] if best > 1 or len(likely) == 1 else None


def _likeness(one: Sequence[_Name], other: Sequence[_Name]) -> int:
    """How much names are like a network's; 0: not at all. Both have the whole name first, then its pieces."""
    whole, known = one[0], other[0]
    if _is_same(whole, known):
        return 5
    if any(_is_same(piece, known_piece) for piece in one for known_piece in other):
        return 4
    if len(whole.all_words) > 1 and whole.all_words <= known.all_words:
        return 3
    shared = {word for word in whole.words & known.words if word not in _nowhere()}
    if shared and (whole.words <= known.words or known.words <= whole.words):
        return 2
    return 1 if any(len(word) >= _TELLING and word not in _VAGUE for word in shared) else 0


def _is_same(one: _Name, other: _Name) -> bool:
    return one.words == other.words or one.joined == other.joined


@cache
def _nowhere() -> frozenset[str]:
    """Words that say where."""
    names = (_plain(country.name) for country in countries().values())
    return _PLACES.union(*(_WORD.findall(name) for name in names))


def _names(operator: str) -> list[_Name]:
    """The whole name first, then what stands in brackets and between strokes."""
    pieces = (_name(piece) for piece in _NAMES.split(operator))
    return [_name(operator), *(piece for piece in pieces if piece.words - _KINDS - _nowhere())]


def _name(written: str) -> _Name:
    found = _WORD.findall(_plain(written).replace("&", " and "))
    words = [word for word in found if word not in _NOISE] or found
    return _Name(frozenset(words), frozenset(found), "".join(words))


def _plain(written: str) -> str:
    if _MISREAD in written:
        with suppress(UnicodeError):
            written = written.encode("latin-1").decode()
    decomposed = unicodedata.normalize("NFKD", written)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold()
