"""Refuses what an account has sent a short while ago: the same text from the same sender to the same number.

    mark (kind "duplicate": digest ──► message id) ──commit──► messages ──commit──► door answers

A mark counts only while there is the message that it names. Where the process ends between the two commits, or nothing
of the request could be kept, the sender heard no yes, and may send it again. Nor does it count once the message has
come to nothing. Secret texts are not marked: a digest of a short code gives it away.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gateway.errors import InvalidMessage, RateLimited, StoreError
from gateway.models import Message, State
from gateway.store import Record, Store
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)
replace = msgspec.structs.replace

KIND: Final = "duplicate"
GRACE_SECONDS: Final = 10.0
"""So long another node may take between its two commits."""
SWEEP_SECONDS: Final = 30.0
SWEEP_LIMIT: Final = 1_000
TRIES: Final = 3
CAME_TO_NOTHING: Final = frozenset(
    {State.FAILED, State.REJECTED, State.EXPIRED, State.DELETED, State.UNDELIVERABLE}
)  # fmt: skip


class DuplicateGuard:
    """Knows what was sent.

    Args:
        store: where marks are kept.
        seconds: for how long an account's messages count; 0: not at all.
        clock: seconds since the epoch.
    """

    def __init__(self, store: Store, seconds: Callable[[str], int], *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._under_way: dict[str, str] = {}
        """Digests of messages between their mark and their commit here, with the ids of the messages."""
        self._has_released = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def mark(self, messages: Sequence[Message]) -> Mapping[str, InvalidMessage]:
        """Mark messages; returns why some of them, by their ids, are refused. Call `release` when they are committed.

        Raises:
            StoreError: nothing was marked.
        """
        refused: dict[str, InvalidMessage] = {}
        wanted: dict[str, tuple[Message, Record]] = {}
        now = self._clock()
        for message in messages:
            seconds = self._seconds(message.account)
            if not seconds or message.secret:
                continue
            digest = digest_of(message)
            if digest in self._under_way:
                refused[message.id] = _refusal(self._under_way[digest])
                continue
            self._under_way[digest] = message.id
            wanted[digest] = (message, _mark(message, digest, now, now + seconds))
        if not wanted:
            return refused
        try:
            written = await self._store.put_records([record for _, record in wanted.values()])
            for (message, record), is_new in zip(wanted.values(), written, strict=True):
                reason = None if is_new else await self._judge(record)
                if reason is not None:
                    refused[message.id] = reason
        except BaseException:
            self.release(message.id for message, _ in wanted.values())
            raise
        self.release(refused)
        return refused

    def release(self, ids: Iterable[str]) -> None:
        """These messages are in the store by now, or will not be."""
        over = set(ids)
        if over and self._under_way:
            self._under_way = {digest: one for digest, one in self._under_way.items() if one not in over}
            self._has_released.set()

    async def until_settled(self, refused: Collection[Message]) -> None:
        """Wait until those messages are in the store, or will not be, because of which others were refused here.

        Nobody waits for whom waits for him: a call has all its marks before the next one asks for any.
        """
        digests = {digest_of(message) for message in refused}
        while digests & self._under_way.keys():
            self._has_released.clear()
            await self._has_released.wait()

    async def _judge(self, new: Record) -> InvalidMessage | None:
        """Why a message is refused whose mark is there; None: the mark does not count, and is its own now."""
        for _ in range(TRIES):
            old = await self._store.find_record(KIND, new.account, new.key)
            if old is not None and old.due_at > new.created_at:
                identifier = msgspec.json.decode(old.value, type=str)
                earlier = await self._store.message(new.account, identifier)
                if earlier is None and old.updated_at + GRACE_SECONDS > new.created_at:
                    # Another node is about to keep it; should it fail, the sender may come again.
                    wait = old.updated_at + GRACE_SECONDS - new.created_at
                    return RateLimited("the same message is being taken in at this moment", wait)
                if earlier is not None and earlier.state not in CAME_TO_NOTHING:
                    return _refusal(identifier)
            (is_ours,) = await self._store.put_records([replace(new, version=old.version if old is not None else 0)])
            if is_ours:
                return None
        return RateLimited("the same message is being taken in at this moment", GRACE_SECONDS)

    # --- forgetting ---

    def start(self) -> None:
        """Forget marks whose time is over, now and then."""
        self._keeper = asyncio.get_running_loop().create_task(self._forget_old())

    async def stop(self) -> None:
        """Do so no more."""
        if self._keeper is not None:
            await cancel_all([self._keeper])

    async def _forget_old(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                while await self.sweep():
                    pass
            except StoreError as error:
                log.warning("marks of earlier messages cannot be dropped", error=str(error))
            except Exception:
                log.exception("dropping marks of earlier messages was interrupted")

    async def sweep(self) -> bool:
        """Forget marks whose time is over; whether there may be more of them."""
        old = await self._store.due_records(KIND, self._clock(), limit=SWEEP_LIMIT)
        for account in {one.account for one in old}:
            await self._store.drop_records(KIND, account, [one.key for one in old if one.account == account])
        return len(old) == SWEEP_LIMIT


def digest_of(message: Message) -> str:
    """What makes two messages the same: account, addresses and content."""
    content = message.data if message.data is not None else message.text.encode("utf-8", "surrogatepass")
    fields = (message.account.encode(), message.sender.encode(), message.recipient.encode(), message.udh, content)
    digest = hashlib.blake2b(digest_size=16)
    for field in fields:
        digest.update(len(field).to_bytes(4, "big") + field)
    return digest.hexdigest()


def _mark(message: Message, digest: str, now: float, until: float) -> Record:
    return Record(
        kind=KIND,
        account=message.account,
        key=digest,
        value=msgspec.json.encode(message.id),
        due_at=until,
        created_at=now,
        updated_at=now,
    )


def _refusal(earlier: str) -> InvalidMessage:
    return InvalidMessage("duplicate", f"the same message was sent a short while ago, as {earlier}", "text")
