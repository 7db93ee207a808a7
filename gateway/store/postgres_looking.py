"""What doors and people ask of the PostgreSQL store; the statements are in postgres_reads.py."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.models import Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store import postgres_reads as reads
from gateway.store.face import Face
from gateway.store.postgres_rows import Connection

T = TypeVar("T")


class Looking(Face):
    """Questions to the database."""

    @abstractmethod
    async def _read(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask over one of the connections for that."""

    async def message(self, account: str, message_id: str) -> Message | None:
        return await self._read(lambda connection: reads.message(connection, account, message_id))

    async def find_messages(
        self,
        account: str,
        *,
        state: State | None = None,
        recipient: str = "",
        sender: str = "",
        client_reference: str = "",
        group: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Message]:
        return await self._read(
            lambda connection: reads.messages(
                connection,
                account,
                state=state,
                recipient=recipient,
                sender=sender,
                client_reference=client_reference,
                group=group,
                since=since,
                until=until,
                limit=limit,
                before_id=before_id,
            )
        )

    async def count_by_state(self, account: str, *, since: float, until: float) -> dict[str, dict[State, int]]:
        return await self._read(lambda connection: reads.count_by_state(connection, account, since, until))

    async def count_group(self, account: str, group: str) -> int:
        return await self._read(lambda connection: reads.count_group(connection, account, group))

    async def find_inbound(
        self,
        account: str,
        *,
        recipient: str = "",
        sender: str = "",
        since: float = 0.0,
        until: float = 0.0,
        limit: int = 50,
        before_id: str = "",
    ) -> list[Inbound]:
        return await self._read(
            lambda connection: reads.inbound(connection, account, recipient, sender, since, until, limit, before_id)
        )

    async def parts(self, message_id: str) -> list[Part]:
        return await self._read(lambda connection: reads.parts(connection, message_id))

    async def timeline(self, message_id: str) -> list[Event]:
        return await self._read(lambda connection: reads.timeline(connection, message_id))

    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> list[Callback]:
        return await self._read(lambda connection: reads.callbacks(connection, account, failed, limit))

    async def parked(self) -> int:
        return await self._read(reads.parked)

    async def candidates(self, key: str, *, limit: int) -> list[tuple[Message, Part]]:
        return await self._read(lambda connection: reads.candidates(connection, key, limit))

    async def orphans(self, limit: int = 50) -> list[Receipt]:
        return await self._read(lambda connection: reads.orphans(connection, limit))
