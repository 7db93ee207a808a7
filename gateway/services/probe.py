"""Asks an app's address whether it is what it says; only where callbacks may go, and only for a moment."""

from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp

from gateway.networks import Network, check_url
from gateway.outgoing import checked_session

TIMEOUT_SECONDS: Final = 5.0
ANSWER_OCTETS: Final = 4_096


class AddressProbe:
    """The port `Probe`."""

    def __init__(self, exempt: Sequence[Network] = ()) -> None:
        self._exempt = exempt

    def reconfigure(self, exempt: Sequence[Network]) -> None:
        """Call also what these networks hold, from now on."""
        self._exempt = exempt

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """HTTP status and the beginning of the answer; status 0 where there was none.

        Raises:
            gateway.errors.InvalidMessage: the address may not be called.
        """
        check_url(url, self._exempt)
        try:
            async with (
                checked_session(exempt=self._exempt, timeout_seconds=TIMEOUT_SECONDS) as session,
                session.post(url, data=body, headers=dict(headers), allow_redirects=False) as response,
            ):
                return response.status, await response.content.read(ANSWER_OCTETS)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return 0, b""
