"""Where providers call us back: an address nobody can guess, one for each uplink."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from gateway.settings import Secret

PATH: Final = "/callbacks"
TOKEN_OCTETS: Final = 20
PARTS_FIELD: Final = "parts"


class CallbackAddresses:
    """Makes addresses and knows them again.

    Args:
        public_url: where the public listener is reached from outside; empty: it is not.
        secrets: the first makes tokens, all of them are taken.
    """

    def __init__(self, public_url: str, secrets: Sequence[Secret]) -> None:
        self._public_url = public_url.rstrip("/")
        self._secrets = tuple(secret.reveal().encode() for secret in secrets)

    def address(self, uplink: str, *, relay: str = "", parts: int = 1) -> str:
        """Where a provider calls; empty where it cannot.

        Args:
            relay: names the one whose callback it is, where that is not ours.
            parts: how many parts of a customer's the message stands for.
        """
        if not self._public_url or not self._secrets:
            return ""
        url = f"{self._public_url}{PATH}/{quote(uplink)}/{_token(uplink, self._secrets[0])}"
        if relay:
            url += f"/{relay}"
        return f"{url}?{PARTS_FIELD}={parts}" if parts > 1 else url

    def is_known(self, uplink: str, token: str) -> bool:
        """Whether a token is this uplink's."""
        given = token.encode("utf-8", "replace")
        return any(hmac.compare_digest(given, _token(uplink, secret).encode()) for secret in self._secrets)


def _token(uplink: str, secret: bytes) -> str:
    digest = hmac.digest(secret, b"callback " + uplink.encode(), hashlib.sha256)
    return base64.b32encode(digest[:TOKEN_OCTETS]).decode("ascii").lower()
