"""For the operator: with which key secrets are sealed in the store, and sealing them anew.

GET /secrets     POST /secrets/reseal
"""

from collections.abc import Iterable

from aiohttp import web

from gateway.operations import Resealed, SecretDesk, SecretStatus
from gateway.web.endpoints import Call, Operation, answer


class AdminSecrets:
    """The endpoints."""

    def __init__(self, desk: SecretDesk) -> None:
        self._desk = desk

    def operations(self) -> Iterable[Operation]:
        """What is served here."""
        yield Operation(
            method="GET",
            path="/secrets",
            name="showSecrets",
            summary="Say with which key the store's secrets are sealed; never a secret",
            serve=self.show,
            role="admin",
            answers={200: SecretStatus},
            errors=(409,),
        )
        yield Operation(
            method="POST",
            path="/secrets/reseal",
            name="resealSecrets",
            summary="Seal with the present key what is sealed with another, or not at all",
            serve=self.reseal,
            role="admin",
            answers={200: Resealed},
            errors=(409,),
        )

    async def show(self, _call: Call) -> web.Response:
        """Show what is sealed."""
        return answer(await self._desk.status())

    async def reseal(self, _call: Call) -> web.Response:
        """Seal anew."""
        return answer(await self._desk.reseal())
