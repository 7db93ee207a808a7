"""Countries and mobile networks as tables, and the network that an operator's name stands for.

`phonenumbers` knows who was given a prefix by name only; the codes of that network (ITU-T E.212) come from a table of
networks whose names are written otherwise, so that names are compared by their words.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\W_]+|\+", re.UNICODE)
_COMMON: Final = (
    "ab ag as bv co cellular communication communications company corp corporation de del ee gmbh group gsm inc kg la"
    " limited llc ltd mobil mobile mobiles movil network networks nv of operations oy oyj plc private pvt sa sas"
    " services spa srl telecom telecommunications telekom the wireless"
)
_NOISE: Final = frozenset(_COMMON.split(" "))
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


@cache
def _networks() -> dict[str, list[tuple[frozenset[str], MobileNetwork]]]:
    found: dict[str, list[tuple[frozenset[str], MobileNetwork]]] = {}
    for row in _rows("networks.tsv"):
        network = MobileNetwork(*row)
        found.setdefault(network.country, []).append((_words(network.operator), network))
    return found


def networks_of(country: str) -> Sequence[MobileNetwork]:
    """The networks of a country."""
    return [network for _, network in _networks().get(country, ())]


@cache
def network_by_codes(mcc: str, mnc: str) -> MobileNetwork | None:
    """The network of a mobile country code and network code; None where the table lacks it."""
    found = (network for networks in _networks().values() for _, network in networks)
    return next((one for one in found if one.mcc == mcc and one.mnc == mnc), None)


def _rows(name: str) -> Iterator[list[str]]:
    text = resources.files("gateway.services").joinpath("data", name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


@cache
def network_of(country: str, operator: str) -> MobileNetwork | None:
    """The network of an operator by its name; None where no name of the country is near enough, or several are."""
    words = _words(operator)
    if not words:
        return None
    scored = [(_likeness(words, known), network) for known, network in _networks().get(country, ())]
    best = max((score for score, _ in scored), default=0)
    if not best:
        return None
    likely = sorted(network for score, network in scored if score == best)
    # Of one operator's several networks any will do; names that share but a word must be the only ones.
    return likely[0] if best > 1 or len(likely) == 1 else None


def _likeness(one: frozenset[str], other: frozenset[str]) -> int:
    if one == other:
        return 3
    if one <= other or other <= one:
        return 2
    return 1 if any(len(word) >= _TELLING for word in one & other) else 0


def _words(name: str) -> frozenset[str]:
    words = _WORD.findall(name.casefold())
    return frozenset(word for word in words if word not in _NOISE) or frozenset(words)
