"""Asks an app what a provider waits for: a callback that is answered at once, with what the app says."""

from collections.abc import Sequence
from typing import Final

import aiohttp

from gateway.errors import InvalidMessage
from gateway.networks import Network, check_url
from gateway.outgoing import checked_session
from gateway.providers.base import WebAnswer, WebRequest

TIMEOUT_SECONDS: Final = 10.0
"""Somebody holds a telephone meanwhile."""
ANSWER_OCTETS: Final = 1 << 18


class AppClient:
    """Calls apps where callbacks may go."""

    def __init__(self, exempt: Sequence[Network] = ()) -> None:
        self._exempt = exempt

    def reconfigure(self, exempt: Sequence[Network]) -> None:
        """Call also what these networks hold, from now on."""
        self._exempt = exempt

    async def ask(self, url: str, request: WebRequest, *, secret: str = "") -> WebAnswer | None:
        """What the app answers to a provider's request; None: nothing that could be handed back."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        content_type = request.headers.get("Content-Type", request.content_type)
        if content_type:
            headers["Content-Type"] = content_type
        try:
            check_url(url, self._exempt)
            async with (
                checked_session(exempt=self._exempt, timeout_seconds=TIMEOUT_SECONDS) as session,
                session.request(
                    request.method, url, data=request.body or None, headers=headers, allow_redirects=False
                ) as response,
            ):
                body = await response.content.read(ANSWER_OCTETS + 1)
                while len(body) <= ANSWER_OCTETS and not response.content.at_eof():
                    body += await response.content.read(ANSWER_OCTETS + 1 - len(body))
                if len(body) > ANSWER_OCTETS:
                    return None
                answered = response.headers.get("Content-Type", "")
                return WebAnswer(status=response.status, content_type=answered, body=body)
        except (InvalidMessage, aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None
