"""What doors look at: an account's messages, those from handsets among them. `gateway.providers.ports.MessageLog`."""

from collections.abc import Mapping, Sequence

from gateway.intake import Intake
from gateway.models import Inbound, Message, State
from gateway.store import Store


class AccountLog:
    """Finds messages of an account."""

    def __init__(self, store: Store, intake: Intake) -> None:
        self._store = store
        self._intake = intake

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
    ) -> Sequence[Message]:
        """Newest first."""
        return await self._store.find_messages(
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

    async def count_by_state(self, account: str, *, since: float, until: float) -> Mapping[str, Mapping[State, int]]:
        """How many messages of each state, by day."""
        return await self._store.count_by_state(account, since=since, until=until)

    async def count_group(self, account: str, group: str) -> int:
        """How many messages were sent in a batch."""
        return await self._store.count_group(account, group)

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
    ) -> Sequence[Inbound]:
        """Messages from handsets, newest first."""
        return await self._store.find_inbound(
            account,
            recipient=recipient,
            sender=sender,
            since=since,
            until=until,
            limit=limit,
            before_id=before_id,
        )

    async def cancel(self, account: str, message_id: str) -> Message:
        """Withdraw a message of which nothing has left.

        Raises:
            gateway.errors.NotWaiting: it has left, has ended, or is not known.
        """
        return await self._intake.cancel(account, message_id)
