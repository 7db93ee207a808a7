"""Which look-up a door's credentials go to."""

import pytest

from gateway.errors import Unauthorized
from gateway.providers.base import Credentials
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


def test_octets_that_are_no_text_belong_to_nobody() -> None:
    with pytest.raises(Unauthorized):
        AccountAuthenticator(Book()).authenticate(Credentials(token="sk-\udce9"))


def test_credentials_never_show_their_secrets() -> None:
    shown = repr(Credentials(door="mocean", key="K-1", secret="S-1", token="T-1", remote="127.0.0.1"))
    assert shown == "Credentials(door='mocean', remote='127.0.0.1')"
