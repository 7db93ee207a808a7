"""Tokens that stand for an account for a while: signed, so that every node reads what any of them made."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

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
            key: signs, the same on every node; without one no token is made. What the others that it knows have signed
                is good, too.
            account_of: the account of a name, while there is one.
        """
        self._keys = [one.derive("tokens of apps") for one in key.all] if key is not None else []
        self._account_of = account_of
        self._clock = clock

    def issue(self, account: str, dialect: str, lifetime_seconds: int) -> str:
        """A new token.

        Raises:
            NotOffered: nodes that share a database have no key in common.
        """
        if not self._keys:
            raise NotOffered("tokens need node.secret_key")
        now = int(self._clock())
        claims = {"sub": account, "aud": dialect, "iat": now, "exp": now + lifetime_seconds}
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def account_of(self, token: str, dialect: str) -> Caller:
        """Whom a token stands for.

        Raises:
            Unauthorized: it is none of ours, its time is over, or the account is gone.
        """
        claims = next((read for key in self._keys if (read := _read(token, key, dialect)) is not None), None)
        account = self._account_of(str(claims["sub"])) if claims is not None else None
        if claims is None or account is None or not isinstance(claims["exp"], int) or claims["exp"] <= self._clock():
            raise Unauthorized("unknown or wrong credentials")
        return account


def _read(token: str, key: bytes, dialect: str) -> Mapping[str, Any] | None:
    """What a token says; None where it was not signed with this key."""
    try:
        # The time is looked at by our own clock.
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=dialect,
            options={"verify_exp": False, "verify_iat": False, "require": ["sub", "aud", "exp"]},
        )
    except jwt.InvalidTokenError:
        return None
    return claims
