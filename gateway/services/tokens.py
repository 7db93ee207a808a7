"""Tokens that stand for an account for a while: signed, so that every node reads what any of them made."""

import time
from collections.abc import Callable
from typing import Final

import jwt

from gateway.errors import Unauthorized
from gateway.providers.base import Caller
from gateway.providers.ports import NotOffered
from gateway.secretkey import SecretKey

_ALGORITHM: Final = "HS256"


class AccountTokens:
    """The port `Tokens`."""

    def __init__(
        self,
        key: SecretKey | None,
        account_of: Callable[[str], Caller | None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make the maker.

        Args:
            key: signs what it is derived for, the same on every node; without one no token is made.
            account_of: the account of a name, while there is one.
        """
        self._key = key.derive("tokens of apps") if key is not None else None
        self._account_of = account_of
        self._clock = clock

    def issue(self, account: str, dialect: str, lifetime_seconds: int) -> str:
        """A new token.

        Raises:
            NotOffered: nodes that share a database have no key in common.
        """
        if self._key is None:
            raise NotOffered("tokens need node.secret_key")
        now = int(self._clock())
        claims = {"sub": account, "aud": dialect, "iat": now, "exp": now + lifetime_seconds}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def account_of(self, token: str, dialect: str) -> Caller:
        """Whom a token stands for.

        Raises:
            Unauthorized: it is none of ours, its time is over, or the account is gone.
        """
        if self._key is None:
            raise Unauthorized("unknown or wrong credentials")
        try:
            # The time is looked at below, by our own clock.
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=dialect,
                options={"verify_exp": False, "verify_iat": False, "require": ["sub", "aud", "exp"]},
            )
        except jwt.InvalidTokenError:
            raise Unauthorized("unknown or wrong credentials") from None
        account = self._account_of(str(claims["sub"]))
        if account is None or not isinstance(claims["exp"], int) or claims["exp"] <= self._clock():
            raise Unauthorized("unknown or wrong credentials")
        return account
