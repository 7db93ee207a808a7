"""Who asked for no more messages: kept as records, known in memory, so that no message costs a look-up.

    STOP, or a call ──► record ("opt_out") + note of the change ("opt_out_change") ──► other nodes read the notes

All of the list is read once at the start. After that each node reads the notes of the last while at every look, and for
each note it has not seen the record itself: whoever wrote last is right, whatever order the notes come in. Notes are
dropped when everybody has had time to read them; a node that was away for longer reads the whole list again.

A number may be kept for one account, or under no account for all of them.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from gateway.errors import StoreError
from gateway.store import Record, Store
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

KIND: Final = "opt_out"
CHANGE: Final = "opt_out_change"
EVERYBODY: Final = ""
"""The account of a number that nobody may send to."""

LOOK_SECONDS: Final = 2.0
PAGE: Final = 1_000
NOTE_SECONDS: Final = 3_600.0
OVERLAP_SECONDS: Final = 120.0
"""Notes this much older than the latest look are read again: nodes' clocks differ, commits take their time."""


class OptOut(msgspec.Struct, frozen=True, kw_only=True):
    """A number that wants no messages of an account."""

    account: str
    number: str
    reason: str = ""
    """What it was: the word that came, who asked."""
    created_at: float = 0.0


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    reason: str = ""


class _Change(msgspec.Struct, frozen=True):
    account: str
    number: str


_encode: Final = msgspec.json.Encoder().encode
_decode_kept: Final = msgspec.json.Decoder(_Kept).decode
_decode_change: Final = msgspec.json.Decoder(_Change).decode


class OptOuts:
    """The list.

    Args:
        store: where it is kept.
        clock: seconds since the epoch.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._numbers: dict[str, set[str]] = {}
        self._seen: dict[str, float] = {}
        """Notes that were read, and when."""
        self._looked_at = 0.0
        self._keeper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))

    def has(self, account: str, number: str) -> bool:
        """Whether an account must not send to a number; no look-up."""
        numbers = self._numbers
        return number in numbers.get(account, ()) or number in numbers.get(EVERYBODY, ())

    # --- changing ---

    async def add(self, account: str, number: str, reason: str = "") -> bool:
        """Put a number on the list; returns after the commit whether it was not there.

        Raises:
            StoreError: it was not kept.
        """
        now = self._clock()
        new = Record(
            kind=KIND, account=account, key=number, value=_encode(_Kept(reason)), created_at=now, updated_at=now
        )
        is_new, _ = await self._store.put_records([new, self._note(account, number, now)])
        self._numbers.setdefault(account, set()).add(number)
        return is_new

    async def remove(self, account: str, number: str) -> bool:
        """Take a number off the list; whether it was there.

        Raises:
            StoreError: it is still there.
        """
        was_there = bool(await self._store.drop_records(KIND, account, [number]))
        if was_there:
            await self._store.put_records([self._note(account, number, self._clock())])
        self._numbers.get(account, set()).discard(number)
        return was_there

    async def list(self, account: str, *, after: str = "", limit: int = 100) -> list[OptOut]:
        """The numbers of an account, in their order."""
        records = await self._store.records(KIND, account, after_key=after, limit=limit)
        return [
            OptOut(
                account=one.account,
                number=one.key,
                reason=_decode_kept(one.value).reason if one.value else "",
                created_at=one.created_at,
            )
            for one in records
        ]

    def _note(self, account: str, number: str, now: float) -> Record:
        key = _key_at(now) + self._store.ids.new(now)
        self._seen[key] = now
        value = _encode(_Change(account, number))
        due_at = now + NOTE_SECONDS
        return Record(kind=CHANGE, account="", key=key, value=value, due_at=due_at, created_at=now, updated_at=now)

    # --- keeping up ---

    def start(self) -> None:
        """Look every few seconds at what others have changed."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep_up())

    async def stop(self) -> None:
        """Look no more."""
        if self._keeper is not None:
            await cancel_all([self._keeper])

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except StoreError as error:
                log.warning("what was changed in the list of opt-outs cannot be read", error=str(error))
            except Exception:
                log.exception("keeping up with opt-outs was interrupted")

    async def load(self) -> None:
        """Read the whole list.

        Raises:
            StoreError: it cannot be read; what was known stays known.
        """
        now = self._clock()
        numbers: dict[str, set[str]] = {}
        after = ""
        while page := await self._store.records(KIND, after_key=after, limit=PAGE):
            for one in page:
                numbers.setdefault(one.account, set()).add(one.key)
            after = page[-1].key
        self._numbers = numbers
        self._looked_at = now

    async def look(self) -> None:
        """Learn what other nodes have changed, and drop notes that everybody has read."""
        now = self._clock()
        if now - self._looked_at > NOTE_SECONDS / 2:
            await self.load()
        after = _key_at(self._looked_at - OVERLAP_SECONDS)
        while page := await self._store.records(CHANGE, after_key=after, limit=PAGE):
            for one in page:
                if one.key not in self._seen:
                    await self._learn(one)
                    self._seen[one.key] = now
            after = page[-1].key
        self._looked_at = now
        self._seen = {key: at for key, at in self._seen.items() if now - at < NOTE_SECONDS}
        old = await self._store.due_records(CHANGE, now, limit=PAGE)
        if old:
            await self._store.drop_records(CHANGE, "", [one.key for one in old])

    async def _learn(self, note: Record) -> None:
        change = _decode_change(note.value)
        numbers = self._numbers.setdefault(change.account, set())
        if await self._store.find_record(KIND, change.account, change.number) is not None:
            numbers.add(change.number)
        else:
            numbers.discard(change.number)


def _key_at(at: float) -> str:
    """How the keys of notes of that moment begin."""
    return f"{max(0.0, at):015.3f} "
