"""Every reason for which the gateway refuses a message has a row in each dialect: none is found out by a customer."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import gateway
from gateway.billing import NO_PRICE, TEXTS
from gateway.providers.base import CONTENT_REASONS
from gateway.providers.checkmobi import dialect as checkmobi
from gateway.providers.checkmobi import spec as checkmobi_spec
from gateway.providers.lanck import dialect as lanck
from gateway.providers.lanck import spec as lanck_spec
from gateway.providers.mobtexting import answers as mobtexting
from gateway.providers.mobtexting import spec as mobtexting_spec
from gateway.providers.mocean import spec as mocean

FOLDER: Final = Path(gateway.__file__).parent
ASKED: Final = ("policy", "senders", "billing", "intake", "duplicates", "optouts", "router", "pipeline", "networks")
"""Modules that a message passes on its way in."""
NAMED: Final = {"RateLimited": "rate_limited", "NoRoute": "no_route"}
ELSEWHERE: Final = {"NO_PRICE": (NO_PRICE,), "INSUFFICIENT_BALANCE": (), "code": tuple(TEXTS)}
"""Codes that are not written where they are raised, by the expression that stands there."""

MAPS: Final[Mapping[str, Mapping[str, object]]] = {
    "mocean": mocean.STATUS_BY_REASON,
    "mobtexting": mobtexting.DLR_BY_REASON,
    "lanck": lanck.ERROR_BY_REASON,
    "checkmobi": checkmobi.CODE_BY_REASON,
}
TABLES: Final[Mapping[str, object]] = {
    "mocean": set(mocean.SMS_STATUS),
    "mobtexting": set(mobtexting_spec.DLR_STATUSES),
    "lanck": set(lanck_spec.ERRORS),
    "checkmobi": set(checkmobi_spec.ERRORS),
}


def raised(module: str) -> Iterator[str]:
    """The codes of the refusals that a module makes."""
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in NAMED:
            yield NAMED[node.func.id]
        elif node.func.id == "InvalidMessage":
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
            else:
                yield from ELSEWHERE[ast.unparse(first)]


REASONS: Final = {reason for module in ASKED for reason in raised(module)}


def test_the_reasons_are_found() -> None:
    assert {"duplicate", "rate_limited", "no_price", "quota_exceeded", "recipient_not_allowed"} < REASONS
    assert set(CONTENT_REASONS) <= REASONS


@pytest.mark.parametrize("dialect", MAPS)
def test_every_reason_has_a_row_of_the_dialect(dialect: str) -> None:
    known = MAPS[dialect]
    assert REASONS - set(known) == set()
    table = TABLES[dialect]
    assert isinstance(table, set)
    assert set(known.values()) <= table


@pytest.mark.parametrize("dialect", MAPS)
def test_no_row_stands_for_a_reason_that_nobody_gives(dialect: str) -> None:
    # A dialect's own looks are words of its own; the gateway gives all others.
    assert set(MAPS[dialect]) - REASONS - {"recipient_dnd"} == set()
