"""Asks an app what a provider waits for: a callback that is answered at once, with what the app says."""

from collections.abc import Sequence
from typing import Final

import aiohttp

from gateway.errors import InvalidMessage
from gateway.networks import Network, check_url
from gateway.outgoing import CheckedResolver, checked_session
from gateway.providers.base import WebAnswer, WebRequest

TIMEOUT_SECONDS: Final = 10.0
"""Somebody holds a telephone meanwhile."""
ANSWER_OCTETS: Final = 1 << 18


class AppClient:
    """Calls apps where callbacks may go."""

    def __init__(self, exempt: Sequence[Network] = ()) -> None:
        self._exempt = exempt
        self._resolver: CheckedResolver | None = None
        self._session: aiohttp.ClientSession | None = None
        self._former: list[tuple[aiohttp.ClientSession, CheckedResolver]] = []
        """Made for other networks: calls may be under way."""

    def reconfigure(self, exempt: Sequence[Network]) -> None:
        """Call also what these networks hold, from now on."""
        self._exempt = exempt
        if self._session is not None and self._resolver is not None:
            self._former.append((self._session, self._resolver))
        self._session = self._resolver = None

    async def ask(self, url: str, request: WebRequest, *, secret: str = "") -> WebAnswer | None:
        """What the app answers to a provider's request; None: nothing that could be handed back."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        content_type = request.headers.get("Content-Type", request.content_type)
        if content_type:
            headers["Content-Type"] = content_type
        try:
            check_url(url, self._exempt)
            async with self._open().request(
                request.method, url, data=request.body or None, headers=headers, allow_redirects=False
            ) as response:
                body = b""
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > ANSWER_OCTETS:
                        return None
                answered = response.headers.get("Content-Type", "")
                return WebAnswer(status=response.status, content_type=answered, body=body)
        except (InvalidMessage, aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._resolver = CheckedResolver(self._exempt)
            self._session = checked_session(
                exempt=self._exempt, timeout_seconds=TIMEOUT_SECONDS, resolver=self._resolver
            )
        return self._session

    async def close(self) -> None:
        """Call nobody more."""
        self.reconfigure(self._exempt)
        while self._former:
            session, resolver = self._former.pop()
            await session.close()
            await resolver.close()
