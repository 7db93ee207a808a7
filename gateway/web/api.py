"""The native API under /api/v1: every resource has a module of its own, and all of them one way to be served.

Their operations are mounted here, and described in GET /api/v1/openapi.json.
"""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from gateway.providers.base import Services
from gateway.web.account import Account
from gateway.web.endpoints import PREFIX, Operation, answering, mount
from gateway.web.flows import Flows
from gateway.web.inbound import Inbound
from gateway.web.messages import Messages
from gateway.web.numbers import Numbers
from gateway.web.openapi import add_document
from gateway.web.verifications import Verifications
from gateway.web.webhooks import Outbox, Webhooks

__all__ = ["PREFIX", "NativeApi", "answering"]

TITLE: Final = "Messaging gateway"


class NativeApi:
    """All that an account may ask.

    Args:
        outbox: callbacks that are owed; without it there is no /webhooks.
    """

    def __init__(self, services: Services, outbox: Outbox | None = None) -> None:
        self._services = services
        self._outbox = outbox

    def operations(self) -> Iterable[Operation]:
        """What is served."""
        services = self._services
        for resource in (Messages, Account, Inbound, Verifications, Numbers, Flows):
            yield from resource(services).operations()
        if self._outbox is not None:
            yield from Webhooks(self._outbox).operations()

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        operations = list(self.operations())
        mount(app, operations, self._services.authenticator)
        add_document(app, operations, TITLE)
