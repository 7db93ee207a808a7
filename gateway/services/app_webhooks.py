"""What the webhooks that apps have registered add to callbacks as these leave: tokens, and whole requests.

None of it is kept with a callback that waits: it names its webhook, and the directory has that sealed.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gateway.models import Callback
from gateway.providers.base import Completing
from gateway.providers.ports import Directory

KIND: Final = "webhook"


class AppWebhooks:
    """For the dispatcher of callbacks.

    Args:
        directory: keeps the webhooks.
        dialects: by name; some complete their callbacks.
    """

    def __init__(self, directory: Callable[[], Directory], dialects: Mapping[str, object]) -> None:
        self._directory = directory
        self._dialects = dialects

    async def bearer_of(self, account: str, webhook: str) -> str:
        """The token that goes with callbacks to a webhook; empty where it has none."""
        entries = await self._directory().recall(account, KIND, webhook)
        return str(entries[0].fields.get("secret") or "") if entries else ""

    async def complete(self, callback: Callback, webhook: str) -> Callback:
        """A callback as its webhook says."""
        dialect = self._dialects.get(callback.dialect)
        entries = await self._directory().recall(callback.account, KIND, webhook)
        if entries and isinstance(dialect, Completing):
            return dialect.completed(callback, entries[0])
        return msgspec.structs.replace(callback, headers=())
