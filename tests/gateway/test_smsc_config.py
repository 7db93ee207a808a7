"""The settings of the SMPP door, its credentials, and what the policy lets its messages be."""

import pytest

from gateway.accounts import Accounts
from gateway.config import ConfigError, parse
from gateway.errors import InvalidMessage, Unauthorized
from gateway.policy import SMPP, Policy
from tests.gateway.fakes import NOW, new_message

DOOR = '[smpp]\nlisten = "127.0.0.1:2775"\n'
CUSTOMER = '[account.shop.smpp]\nsystem_id = "customer"\npassword = "s3cret"\n'


def test_a_customer_has_defaults() -> None:
    loaded = parse(DOOR + CUSTOMER)
    customer = loaded.account["shop"].smpp
    assert customer is not None
    assert (customer.max_binds, customer.window, customer.deliver_window, customer.inbound) == (4, 100, 10, "smpp")
    assert "s3cret" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (CUSTOMER, "account.shop.smpp"),
        ('[smpp]\nlisten = "2775"', "smpp.listen"),
        ('[smpp]\ntls_listen = "0.0.0.0:3550"', "smpp.cert_file"),
        (DOOR + 'cert_file = "door.pem"', "smpp.cert_file"),
        (DOOR + 'tls_listen = "127.0.0.1:2775"\ncert_file = "door.pem"', "smpp.tls_listen"),
        ('[smpp]\nlisten = "127.0.0.1:8080"', "smpp.listen"),
        (DOOR + "retry_seconds = 400", "smpp.retry_max_seconds"),
        (DOOR + 'system_id = "Zürich"', "smpp.system_id"),
        (DOOR + CUSTOMER.replace("s3cret", "too-long-for-it"), "account.shop.smpp.password"),
        (DOOR + CUSTOMER.replace("s3cret", ""), "account.shop.smpp.password"),
        (DOOR + CUSTOMER.replace("customer", "a-system-id-too-long"), "account.shop.smpp.system_id"),
        (DOOR + CUSTOMER + 'allowed_addresses = ["192.0.2.1/24"]', "account.shop.smpp.allowed_addresses[0]"),
        (DOOR + 'proxy_from = ["192.0.2.1/24"]', "smpp.proxy_from[0]"),
        (DOOR + CUSTOMER + 'inbound = "nowhere"', "account.shop.smpp.inbound"),
        (DOOR + CUSTOMER + CUSTOMER.replace("shop", "other"), "account.other.smpp.system_id"),
        (DOOR + CUSTOMER + "max_bind = 3", "account.shop.smpp.max_bind"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert refused.value.key == key
    assert "s3cret" not in str(refused.value)


def test_credentials_lead_to_the_account() -> None:
    accounts = Accounts(parse(DOOR + CUSTOMER).account)
    assert accounts.by_system_id("customer", "s3cret").name == "shop"
    for system_id, password in (("customer", "S3CRET"), ("customer", ""), ("shop", "s3cret"), ("", "")):
        with pytest.raises(Unauthorized):
            accounts.by_system_id(system_id, password)


# --- policy ---

POLICY = Policy(parse('[account.shop]\ncallback_url = "https://hooks.example/shop"').account)
CONCAT = b"\x05\x00\x03\x07\x02\x01"


@pytest.mark.parametrize(
    ("octets", "data_coding", "fits"),
    [
        (153, 0, True),
        (154, 0, False),
        (134, 4, True),
        (135, 4, False),
        (134, 8, True),
        (135, 8, False),
        (153, 0xF0, True),
    ],
)
def test_a_part_with_a_header_may_be_as_long_as_its_coding_lets_it(octets: int, data_coding: int, fits: bool) -> None:
    message = new_message(text="", data=b"A" * octets, udh=CONCAT, data_coding=data_coding)
    if fits:
        POLICY.check(message, NOW)
        return
    with pytest.raises(InvalidMessage, match="together"):
        POLICY.check(message, NOW)


def test_nobody_is_told_of_what_an_smpp_customer_wants_no_receipt_for() -> None:
    assert POLICY.check(new_message(dialect=SMPP), NOW).callback_url == ""


@pytest.mark.parametrize("dialect", ["native", SMPP])
def test_nobody_sends_to_the_binds_of_another(dialect: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        POLICY.check(new_message(dialect=dialect, callback_url="smpp://other"), NOW)
    assert refused.value.code == "invalid_callback_url"
