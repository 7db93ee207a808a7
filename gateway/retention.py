"""Forgetting what is old enough: dropped a batch at a time, exported before where a folder is configured.

    store ──final messages, oldest first──► file, fsync ──► dropped          and what needs no export: purged in rounds

Of several nodes, one has the turn. Whoever ends between file and commit writes a batch twice: lines bear ids.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gateway.config import Config
from gateway.errors import StoreError
from gateway.models import Event, Inbound, Message, Part
from gateway.store import Record, Store
from gateway.store.retention import Cutoffs
from gateway.tasks import cancel_all

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 86_400.0
BATCH: Final = 200
TURN: Final = ("retention", "", "turn")
TURN_SECONDS: Final = 300.0
"""How long the turn is another's that has not been heard of."""

_encode: Final = msgspec.json.Encoder().encode


class ExportedMessage(msgspec.Struct, frozen=True):
    """A line of an export."""

    message: Message
    parts: list[Part]
    timeline: list[Event]


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole pass has done."""

    messages: int = 0
    inbound: int = 0
    bodies: int = 0


class Janitor:
    """Forgets."""

    def __init__(self, config: Config, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._config = config.retention
        self._node = config.node.name
        self._store = store
        self._clock = clock
        self._is_changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def _folder(self) -> Path | None:
        return Path(self._config.export_folder) if self._config.export_folder else None

    def reconfigure(self, config: Config) -> None:
        """Go by other settings from now on; a pass that is under way ends by the old ones where it has begun."""
        if config.retention != self._config:
            self._config = config.retention
            self._is_changed.set()

    # --- life ---

    def start(self) -> None:
        """Begin: at once, and then every so often."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End after the batch that is under way."""
        if self._task is not None:
            await cancel_all([self._task])

    async def _run(self) -> None:
        while True:
            self._is_changed.clear()
            try:
                if await self._take_turn():
                    forgotten = await self.forget()
                    if forgotten.messages or forgotten.inbound or forgotten.bodies:
                        log.info("forgot what is old enough", **msgspec.structs.asdict(forgotten))
            except (StoreError, OSError) as error:
                log.warning("what is old enough cannot be forgotten now", error=str(error))
            except Exception:
                log.exception("forgetting was interrupted")
            try:
                async with asyncio.timeout(self._config.every_seconds):
                    await self._is_changed.wait()
            except TimeoutError:
                continue

    # --- one pass ---

    async def forget(self) -> Forgotten:
        """Forget all that is old enough.

        Raises:
            StoreError: the store cannot commit; what was not forgotten is the next time.
            OSError: it cannot be exported; nothing that was not is dropped.
        """
        now, config = self._clock(), self._config
        messages = await self._forget_messages(_before(now, config.message_days))
        inbound = await self._forget_inbound(_before(now, config.inbound_days))
        cutoffs = Cutoffs(
            messages=_before(now, config.message_days),
            bodies=_before(now, config.body_days),
            timelines=_before(now, config.timeline_days),
            orphans=_before(now, config.orphan_days),
            callbacks=_before(now, config.callback_days),
            now=now,
        )
        bodies = 0
        while True:
            purged = await self._store.purge(cutoffs)
            bodies += purged.bodies
            if purged.is_done:
                return Forgotten(messages=messages, inbound=inbound, bodies=bodies)
            await self._pause()

    async def _forget_messages(self, before: float) -> int:
        count = 0
        while before and (batch := await self._store.finished(before, limit=BATCH)):
            if self._folder is not None:
                await self._export("messages", batch, [_encode(await self._whole(one)) for one in batch])
            await self._store.forget_messages([one.id for one in batch])
            count += len(batch)
            await self._pause()
        return count

    async def _whole(self, message: Message) -> ExportedMessage:
        return ExportedMessage(message, await self._store.parts(message.id), await self._store.timeline(message.id))

    async def _forget_inbound(self, before: float) -> int:
        count = 0
        while before and (batch := await self._store.inbound_before(before, limit=BATCH)):
            if self._folder is not None:
                await self._export("inbound", batch, [_encode(one) for one in batch])
            await self._store.forget_inbound([one.id for one in batch])
            count += len(batch)
            await self._pause()
        return count

    async def _pause(self) -> None:
        if not await self._take_turn():
            raise StoreError("another node has the turn")
        await asyncio.sleep(self._config.pause_seconds)

    # --- exporting ---

    async def _export(self, kind: str, batch: Sequence[Message | Inbound], lines: Sequence[bytes]) -> None:
        """Add lines to the files of the days that they are about; returns when they are on the disk."""
        by_day: dict[str, list[bytes]] = {}
        for one, line in zip(batch, lines, strict=True):
            at = one.created_at if isinstance(one, Message) else one.received_at
            by_day.setdefault(datetime.fromtimestamp(at, UTC).date().isoformat(), []).append(line)
        for day, some in by_day.items():
            await asyncio.to_thread(self._append, f"{kind}-{day}.jsonl", b"\n".join(some) + b"\n")

    def _append(self, name: str, octets: bytes) -> None:
        folder = self._folder
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        is_new = not path.exists()
        with open(path, "ab", opener=_private) as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(folder)

    # --- turns ---

    async def _take_turn(self) -> bool:
        """Whether it is for this node to forget: whoever has the turn says so again and again."""
        if not self._store.is_shared:
            return True
        now = self._clock()
        kind, account, key = TURN
        record = await self._store.find_record(kind, account, key)
        mine = self._node.encode()
        if record is None:
            record = Record(kind=kind, account=account, key=key, created_at=now)
        elif record.value != mine and now < record.updated_at + TURN_SECONDS:
            return False
        elif record.value == mine and now < record.updated_at + TURN_SECONDS / 10:
            return True
        (taken,) = await self._store.put_records([msgspec.structs.replace(record, value=mine, updated_at=now)])
        return taken


def _before(now: float, days: float) -> float:
    return max(0.0, now - days * DAY_SECONDS) if days else 0.0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Have the names of its files on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
