"""How services hear what becomes of messages they have sent.

    store's transaction ──receipt_callback──► noted ──a moment later──► told to the service, which reads the store

A message of a service has `dialect="services"` and says in `origin` who asked for it. A note may be made for a
transaction that then fails, or be lost in a crash: a service believes only what it reads, and looks by itself at what
it waits for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.errors import StoreError
from gateway.models import RANK, SERVICES, Callback, Message, Receipt, State
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

OnMessage = Callable[[str, str, Message], Awaitable[None]]
"""Told of an account's message: account, the rest of its origin, the message as the store has it."""

READ_AGAIN_SECONDS: Final = (0.02, 0.1, 0.5, 2.0)
"""How long a note waits for its commit; what is not there by then is found by other ways."""


def origin_of(service: str, rest: str) -> str:
    """What a service writes into its messages."""
    return f"{service}/{rest}"


class MessageWatch:
    """Notes moves of messages, and tells services of them.

    Args:
        read: reads a message, as `Store.message` does.
    """

    name = SERVICES

    def __init__(self, read: Callable[[str, str], Awaitable[Message | None]]) -> None:
        self._read = read
        self._services: dict[str, OnMessage] = {}
        self._hear_of_sending: set[str] = set()
        self._notes: deque[tuple[str, str, str, State]] = deque(maxlen=100_000)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, service: str, on_message: OnMessage, *, of_sending: bool = False) -> None:
        """Tell a service of its messages' ends; also, where it wants that, when they were sent."""
        self._services[service] = on_message
        if of_sending:
            self._hear_of_sending.add(service)

    def _hears_of_sending(self, message: Message) -> bool:
        return message.origin.partition("/")[0] in self._hear_of_sending

    # --- from the store's transaction, in whatever thread that runs ---

    def receipt_callback(self, message: Message, receipt: Receipt | None) -> Callback | None:
        """Note a move; nothing is owed for it."""
        if message.state.is_final or (message.state is State.SUBMITTED and self._hears_of_sending(message)):
            self._notes.append((message.account, message.id, message.origin, message.state))
            loop = self._loop
            if loop is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._wake.set)
        return None

    # --- life ---

    def start(self) -> None:
        """Begin to tell."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._tell_for_ever())

    async def stop(self) -> None:
        """Tell no more; what is noted is found again by who waits for it."""
        self._loop = None
        if self._task is not None:
            await cancel_all([self._task])

    async def _tell_for_ever(self) -> None:
        late: list[asyncio.Task[None]] = []
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                late = [task for task in late if not task.done()]
                while self._notes:
                    late.append(asyncio.create_task(self._tell(*self._notes.popleft())))
                    if len(late) >= _AT_A_TIME:
                        await asyncio.wait(late, return_when=asyncio.FIRST_COMPLETED)
                        late = [task for task in late if not task.done()]
        finally:
            await cancel_all(late)

    async def _tell(self, account: str, message_id: str, origin: str, state: State) -> None:
        service, _, rest = origin.partition("/")
        on_message = self._services.get(service)
        if on_message is None:
            return
        try:
            for seconds in READ_AGAIN_SECONDS:
                await asyncio.sleep(seconds)
                message = await self._read(account, message_id)
                if message is not None and RANK[message.state] >= RANK[state]:
                    await on_message(account, rest, message)
                    return
        except StoreError as error:
            log.warning("a message's end cannot be noted now", message=message_id, error=str(error))
        except Exception:
            log.exception("a message's end was not noted", message=message_id)


_AT_A_TIME: Final = 100
