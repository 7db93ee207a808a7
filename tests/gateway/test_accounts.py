"""Who is calling."""

from collections.abc import Callable

import pytest

from gateway.accounts import Account, Accounts
from gateway.config import parse
from gateway.errors import Unauthorized

ACCOUNTS = Accounts(
    parse(
        """
[account.shop]
api_keys = ["shop-key", "old-shop-key"]
[account.bank]
api_keys = ["bank-key"]
roles = ["read"]
default_sender = "BANK"
[account.bank.mocean]
key = "bank-mocean"
secret = "bank-secret"
token = "bank-token"
[account.cafe.mocean]
key = "cafe-mocean"
secret = "cafe-secret"
"""
    ).account
)


@pytest.mark.parametrize(("key", "name"), [("shop-key", "shop"), ("old-shop-key", "shop"), ("bank-key", "bank")])
def test_an_api_key_leads_to_its_account(key: str, name: str) -> None:
    assert ACCOUNTS.by_api_key(key).name == name


def test_credentials_of_a_provider_lead_to_their_account() -> None:
    assert ACCOUNTS.by_provider("mocean", "bank-mocean", "bank-secret").name == "bank"
    assert ACCOUNTS.by_provider("mocean", "cafe-mocean", "cafe-secret").name == "cafe"
    assert ACCOUNTS.by_provider_token("mocean", "bank-token").name == "bank"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: ACCOUNTS.by_api_key(""),
        lambda: ACCOUNTS.by_api_key("shop-key "),
        lambda: ACCOUNTS.by_api_key("bank-token"),
        lambda: ACCOUNTS.by_api_key("\ud800"),
        lambda: ACCOUNTS.by_provider("mocean", "bank-mocean", "cafe-secret"),
        lambda: ACCOUNTS.by_provider("mocean", "nobody", "bank-secret"),
        lambda: ACCOUNTS.by_provider("mocean", "", ""),
        lambda: ACCOUNTS.by_provider("lanck", "bank-mocean", "bank-secret"),
        lambda: ACCOUNTS.by_provider_token("mocean", ""),
        lambda: ACCOUNTS.by_provider_token("mocean", "bank-key"),
        lambda: ACCOUNTS.by_provider_token("lanck", "bank-token"),
    ],
)
def test_anything_else_is_nobody(attempt: Callable[[], Account]) -> None:
    with pytest.raises(Unauthorized) as caught:
        attempt()
    assert "secret" not in str(caught.value)


def test_roles_say_what_an_account_may_do() -> None:
    bank = ACCOUNTS.by_api_key("bank-key")
    assert (bank.may("read"), bank.may("send")) == (True, False)
    assert ACCOUNTS.by_api_key("shop-key").may("send")
    assert bank.default_sender == "BANK"
    assert ACCOUNTS.get("bank") == bank
    assert ACCOUNTS.get("nobody") is None


def test_no_secret_is_kept_in_the_clear() -> None:
    kept = repr([getattr(ACCOUNTS, name) for name in vars(ACCOUNTS)])
    for secret in ("shop-key", "bank-key", "bank-secret", "bank-token"):
        assert secret not in kept
