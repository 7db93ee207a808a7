"""From the credentials of whichever door a caller knocks at to the account."""

from typing import Protocol

from gateway.errors import Unauthorized
from gateway.providers.base import Caller, Credentials


class AccountBook(Protocol):
    """The accounts by their credentials; every look-up raises `gateway.errors.Unauthorized` where there is none."""

    def by_api_key(self, key: str) -> Caller:
        """The owner of a key of the native API."""

    def by_provider(self, dialect: str, key: str, secret: str) -> Caller:
        """The owner of a dialect's key and secret."""

    def by_provider_token(self, dialect: str, token: str) -> Caller:
        """The owner of a dialect's token."""


class AccountAuthenticator:
    """The `Authenticator` over the configured accounts."""

    def __init__(self, accounts: AccountBook) -> None:
        self._accounts = accounts

    def authenticate(self, credentials: Credentials) -> Caller:
        """The account that these credentials belong to.

        Raises:
            gateway.errors.Unauthorized: nobody has them.
        """
        try:
            (credentials.key + credentials.secret + credentials.token).encode()
        except UnicodeEncodeError:
            # Octets of a header that are no text.
            raise Unauthorized("credentials are not text") from None
        if credentials.door == "native":
            return self._accounts.by_api_key(credentials.token)
        if credentials.token:
            return self._accounts.by_provider_token(credentials.door, credentials.token)
        return self._accounts.by_provider(credentials.door, credentials.key, credentials.secret)
