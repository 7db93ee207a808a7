"""What doors and people ask of the store in memory."""

from collections import Counter

from gateway.models import Callback, Event, Inbound, Message, Part, Receipt, State
from gateway.store.base import (
    Store,
    accepted_event,
)
from gateway.store.ids import key_at, key_of
from gateway.store.memory_tables import Tables
from gateway.store.sqlite_search import days, key_range


class Looking(Store):
    """Questions to the tables."""

    tables: Tables

    async def message(self, account: str, message_id: str) -> Message | None:
        message = self.tables.messages.get(message_id)
        return message if message is not None and account in ("", message.account) else None

    async def messages(
        self, account: str, *, state: State | None = None, recipient: str = "", limit: int = 50, before_id: str = ""
    ) -> list[Message]:
        return await self.find_messages(account, state=state, recipient=recipient, limit=limit, before_id=before_id)

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
        first, last = key_range(since, until, before_id)
        found = [
            one
            for one in self.tables.messages.values()
            if first <= key_of(one.id) < last
            and account in ("", one.account)
            and state in (None, one.state)
            and recipient in ("", one.recipient)
            and sender in ("", one.sender)
            and client_reference in ("", one.client_reference)
            and group in ("", one.group)
        ]
        return sorted(found, key=lambda one: one.id, reverse=True)[:limit]

    async def count_by_state(self, account: str, *, since: float, until: float) -> dict[str, dict[State, int]]:
        counts: dict[str, dict[State, int]] = {}
        for day, start, end in days(since, until):
            found = Counter(
                one.state
                for one in self.tables.messages.values()
                if key_at(start) <= key_of(one.id) < key_at(end) and account in ("", one.account)
            )
            if found:
                counts[day] = dict(found)
        return counts

    async def count_group(self, account: str, group: str) -> int:
        return sum(one.group == group and account in ("", one.account) for one in self.tables.messages.values())

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
        every = list(self.tables.inbound.values())
        if before_id:
            every = every[: next((at for at, one in enumerate(every) if one.id == before_id), 0)]
        found = [
            one
            for one in every
            if account in ("", one.account)
            and recipient in ("", one.recipient)
            and sender in ("", one.sender)
            and one.received_at >= since
            and (not until or one.received_at < until)
        ]
        return found[::-1][:limit]

    async def parts(self, message_id: str) -> list[Part]:
        parts = self.tables.parts.get(message_id, {})
        return [parts[number] for number in sorted(parts)]

    async def timeline(self, message_id: str) -> list[Event]:
        message = self.tables.messages.get(message_id)
        return [] if message is None else [accepted_event(message), *self.tables.events.get(message_id, [])]

    async def inbound(self, account: str, *, limit: int = 50) -> list[Inbound]:
        return await self.find_inbound(account, limit=limit)

    async def callbacks(self, account: str = "", *, failed: bool | None = None, limit: int = 50) -> list[Callback]:
        found = [
            one
            for one in self.tables.callbacks.values()
            if account in ("", one.account) and failed in (None, one.failed)
        ]
        return sorted(found, key=lambda one: one.id)[:limit]

    async def parked(self) -> int:
        return len(self.tables.parked)

    async def candidates(self, key: str, *, limit: int) -> list[tuple[Message, Part]]:
        tables = self.tables
        found = [
            (tables.messages[identifier], tables.parts[identifier][number])
            for (_, known), parts in tables.by_smsc_id.items()
            if known == key
            for identifier, number in parts
        ]
        return sorted(found, key=lambda one: one[0].id, reverse=True)[:limit]

    async def orphans(self, limit: int = 50) -> list[Receipt]:
        return self.tables.orphans[::-1][:limit]
