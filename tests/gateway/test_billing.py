"""Prices, and what accounts have."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.billing import Billing, Prices, millionths
from gateway.config import Config, ConfigError, PriceConfig, parse
from gateway.config.price_file import read_prices
from gateway.errors import InvalidMessage
from gateway.numbering import Network
from gateway.store import Store
from tests.gateway.fakes import CONFIG, NOW, new_message
from tests.gateway.store.rows import make_message

BILLED = """
[[price]]
amount = 0.1
[[price]]
prefix = "4477"
amount = 0.045
country = "GB"
[[price]]
network = "234-30"
amount = 0.03
country = "GB"
operator = "Orange"
[[price]]
network = "234"
amount = 0.07
[[price]]
prefix = "44770090"
account = "shop"
amount = 0.02
[account.shop.billing]
mode = "prepaid"
credit = 1.5
parts_per_day = 10
"""


def network_of(number: str) -> Network | None:
    if number.startswith("4479"):
        return Network("234", "30")
    return Network("234") if number.startswith("44") else None


def config_of(text: str = BILLED) -> Config:
    return parse(CONFIG + text)


@pytest.mark.parametrize(
    ("account", "number", "amount"),
    [
        ("other", "447700900123", 0.045),
        ("shop", "447700900123", 0.02),
        ("shop", "447711900123", 0.045),
        ("shop", "447911900123", 0.03),
        ("shop", "441632960000", 0.07),
        ("shop", "33612345678", 0.1),
    ],
)
def test_a_price_is_that_of_account_then_network_then_longest_prefix_then_country(
    account: str, number: str, amount: float
) -> None:
    found = Prices(config_of().price, network_of).find(account, number)
    assert found is not None
    assert found[1] == round(amount * 1_000_000)


def test_no_price_is_found_where_no_row_fits() -> None:
    prices = Prices([PriceConfig(prefix="44", amount=1), PriceConfig(account="a", amount=2)])
    assert prices.find("b", "33612345678") is None
    assert Prices([]).find("b", "447700900123") is None


def test_an_account_is_shown_its_own_price_in_place_of_the_one_for_all() -> None:
    rows = [PriceConfig(prefix="44", amount=1), PriceConfig(prefix="44", account="a", amount=2), PriceConfig(amount=3)]
    assert [row.amount for row in Prices(rows).listed("a")] == [2, 3]
    assert [row.amount for row in Prices(rows).listed("b")] == [1, 3]


@pytest.mark.parametrize(("amount", "exact"), [(0.1, 100_000), ("0.000001", 1), (Decimal("1e3"), 10**9), (5e-7, 0)])
def test_amounts_are_exact(amount: float | str | Decimal, exact: int) -> None:
    assert millionths(amount) == exact


@pytest.mark.parametrize("amount", ["", "1,5", "nan", "inf"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        millionths(amount)


def test_prices_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("prefix,network,amount,country\n44,,0.05,GB\n,208-01, 0.06 ,FR\n", encoding="utf-8")
    assert read_prices(path) == [
        PriceConfig(prefix="44", amount=0.05, country="GB"),
        PriceConfig(network="208-01", amount=0.06, country="FR"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prefix,price\n44,1\n", "the head must name"),
        ("prefix,amount\n44,much\n", "line 2: .*amount"),
        ("prefix,amount\n+44,1\n", "line 2: .*prefix"),
        ("", "the head must name"),
    ],
)
def test_a_file_of_prices_that_cannot_be_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        read_prices(path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[price]]\naccount = "nobody"\namount = 1', "price[0].account"),
        ("[[price]]\namount = 1\n[[price]]\namount = 2", "price[1].prefix"),
        ('[account.shop.billing]\nmode = "prepaid"', "account.shop.billing.mode"),
        ("[account.shop.billing]\ncredit = 5", "account.shop.billing.credit"),
        ("[[price]]\namount = -1", "price[0].amount"),
    ],
)
def test_a_config_of_prices_that_cannot_be_is_refused(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config_of("\n" + text)
    assert refused.value.key == key


async def test_what_is_charged_is_the_price_of_all_parts(store: Store) -> None:
    billing = Billing(config_of(), store, network_of)
    assert billing.counts("shop")
    assert billing.price("shop", "447700900123", 3) == 60_000
    assert billing.price("nobody", "447700900123", 3) == 0
    text = '[[price]]\nprefix = "33"\namount = 1\n[account.shop.billing]\nmode = "postpaid"'
    without = Billing(config_of(text), store)
    with pytest.raises(InvalidMessage) as refused:
        without.price("shop", new_message().recipient, 1)
    assert refused.value.code == "no_price"


async def test_a_balance_includes_the_credit_and_follows_what_is_booked(store: Store) -> None:
    billing = Billing(config_of(), store, clock=lambda: NOW)
    booked = await billing.top_up("shop", Decimal("10.25"), reference="inv-1", note="by card")
    assert await billing.top_up("shop", Decimal("10.25"), reference="inv-1") == booked
    await billing.top_up("shop", Decimal("-0.25"))
    balance = await billing.balance("shop")
    assert (balance.amount, balance.currency, balance.is_limited) == (Decimal("11.5"), "EUR", True)
    assert [str(entry.kind) for entry in await billing.history("shop")] == ["correction", "top_up"]
    for account, amount in (("nobody", Decimal(1)), ("shop", Decimal(0)), ("shop", Decimal("1e30"))):
        with pytest.raises(ValueError, match="no"):
            await billing.top_up(account, amount)


async def test_the_ledger_shows_prices_and_what_a_message_has_cost(store: Store) -> None:
    billing = Billing(config_of(), store, network_of)
    (orange,) = await billing.prices("shop", mcc="234", mnc="30")
    assert (orange.operator, orange.amount) == ("Orange", Decimal("0.03"))
    assert len(await billing.prices("shop", country="gb")) == 2
    message = make_message(store, price=45_000, refunded=15_000)
    await store.add([message])
    assert await billing.charged("shop", message.id) == Decimal("0.03")
    assert await billing.charged("other", message.id) == 0
