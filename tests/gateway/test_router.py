"""Which rule decides."""

import pytest

from gateway.config import RouteConfig
from gateway.errors import NoRoute
from gateway.router import Router
from tests.gateway.fakes import new_message

ROUTES = [
    RouteConfig(prefix="91", uplinks=("india", "spare")),
    RouteConfig(prefix="919", uplinks=("mobile",)),
    RouteConfig(prefix="91", account="vip", uplinks=("direct",)),
    RouteConfig(account="vip", uplinks=("premium",)),
    RouteConfig(prefix="44", uplinks=("uk",)),
]


@pytest.mark.parametrize(
    ("recipient", "account", "uplinks"),
    [
        ("918000000000", "shop", ("india", "spare")),
        ("919876543210", "shop", ("mobile",)),
        ("919876543210", "vip", ("mobile",)),
        ("918000000000", "vip", ("direct",)),
        ("447700900123", "shop", ("uk",)),
        ("447700900123", "vip", ("uk",)),
        ("330000000000", "vip", ("premium",)),
        ("91", "shop", ("india", "spare")),
    ],
)
def test_the_longest_prefix_wins_then_the_account(recipient: str, account: str, uplinks: tuple[str, ...]) -> None:
    assert Router(ROUTES).route(new_message(recipient=recipient, account=account)) == uplinks


def test_without_a_rule_the_reason_is_given() -> None:
    with pytest.raises(NoRoute, match="no route takes 330000000000 from account shop") as caught:
        Router(ROUTES).route(new_message(recipient="330000000000"))
    assert (caught.value.code, caught.value.field) == ("no_route", "recipient")
    with pytest.raises(NoRoute, match="no route is configured"):
        Router([]).route(new_message())
