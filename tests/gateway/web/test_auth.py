"""Which look-up a door's credentials go to."""

import pytest

from gateway.accounts import Accounts
from gateway.config import AccountConfig, MoceanConfig
from gateway.errors import Unauthorized
from gateway.providers.base import Credentials
from gateway.settings import Secret
from gateway.web.auth import AccountAuthenticator
from tests.gateway.web.fakes import FakeCaller


class Book:
    def by_api_key(self, key: str) -> FakeCaller:
        return FakeCaller(f"key {key}")

    def by_provider(self, dialect: str, key: str, secret: str) -> FakeCaller:
        return FakeCaller(f"{dialect} {key} {secret}")

    def by_provider_token(self, dialect: str, token: str) -> FakeCaller:
        return FakeCaller(f"{dialect} {token}")


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        (Credentials(token="sk"), "key sk"),
        (Credentials(door="mocean", key="K", secret="S"), "mocean K S"),
        (Credentials(door="mocean", token="apit"), "mocean apit"),
    ],
)
def test_credentials_go_to_their_doors_look_up(credentials: Credentials, name: str) -> None:
    assert AccountAuthenticator(Book()).authenticate(credentials).name == name


def test_configured_accounts_come_in_by_every_door() -> None:
    mocean = MoceanConfig(key="K", secret=Secret("S"), token=Secret("apit"))
    config = {"shop": AccountConfig(api_keys=(Secret("sk"),), mocean=mocean), "other": AccountConfig()}
    authenticator = AccountAuthenticator(Accounts(config))
    for shown in ({"token": "sk"}, {"door": "mocean", "key": "K", "secret": "S"}, {"door": "mocean", "token": "apit"}):
        caller = authenticator.authenticate(Credentials(**shown))
        assert (caller.name, caller.may("send"), caller.may("admin")) == ("shop", True, False)
    for shown in ({"token": "S"}, {"door": "mocean", "key": "K", "secret": "s"}, {"door": "mocean", "token": "sk"}):
        with pytest.raises(Unauthorized):
            authenticator.authenticate(Credentials(**shown))


def test_octets_that_are_no_text_belong_to_nobody() -> None:
    with pytest.raises(Unauthorized):
        AccountAuthenticator(Book()).authenticate(Credentials(token="sk-\udce9"))


def test_credentials_never_show_their_secrets() -> None:
    shown = repr(Credentials(door="mocean", key="K-1", secret="S-1", token="T-1", remote="127.0.0.1"))
    assert shown == "Credentials(door='mocean', remote='127.0.0.1')"
